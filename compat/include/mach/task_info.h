/* SPDX-License-Identifier: MIT */
/* task_info.h - what can be asked about a task: its audit token */
#ifndef __ES_COMPAT_MACH_TASK_INFO_H
#define __ES_COMPAT_MACH_TASK_INFO_H

#include <mach/mach_types.h>

typedef natural_t task_flavor_t;
typedef integer_t *task_info_t;

#define TASK_INFO_MAX		1024
#define TASK_AUDIT_TOKEN	15
#define TASK_AUDIT_TOKEN_COUNT	((mach_msg_type_number_t)(sizeof(audit_token_t) / sizeof(natural_t)))

#endif
