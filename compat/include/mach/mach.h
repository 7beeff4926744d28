/* SPDX-License-Identifier: MIT */
/*
 * mach.h - the caller's audit token, and nothing else of Mach
 *
 *	audit_token_t self;
 *	mach_msg_type_number_t count = TASK_AUDIT_TOKEN_COUNT;
 *	task_info(mach_task_self(), TASK_AUDIT_TOKEN, (task_info_t)&self, &count);
 */
#ifndef __ES_COMPAT_MACH_MACH_H
#define __ES_COMPAT_MACH_MACH_H

#include <mach/kern_return.h>
#include <mach/mach_error.h>
#include <mach/mach_types.h>
#include <mach/message.h>
#include <mach/task_info.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Stands for the caller's process; of no use to other processes. */
OS_EXPORT mach_port_t mach_task_self(void);

/*
 * For mach_task_self() and TASK_AUDIT_TOKEN: the token that messages about this
 * process carry. KERN_INVALID_ARGUMENT: another task or flavor, or *count is
 * too small. KERN_FAILURE: there is no daemon to ask, or it refuses the caller;
 * only the daemon makes tokens. The library asks it once: the first call may
 * take as long as es_new_client(), unless the program has a client already.
 */
OS_EXPORT kern_return_t task_info(task_name_t task, task_flavor_t flavor, task_info_t info,
				  mach_msg_type_number_t *count);

#ifdef __cplusplus
}
#endif

#endif /* __ES_COMPAT_MACH_MACH_H */
