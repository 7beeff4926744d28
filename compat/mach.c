/* SPDX-License-Identifier: MIT */
#include <mach/mach.h>
#include <mach/mach_time.h>

#include <string.h>
#include <time.h>

#include <EndpointSecurity/ESLinux.h>

#include "compat/sleep.h"

#define OWN_TASK ((mach_port_t)0x103)	/* any number that is neither MACH_PORT_NULL nor MACH_PORT_DEAD */

EXPORT mach_port_t mach_task_self(void)
{
	return OWN_TASK;
}

EXPORT kern_return_t task_info(task_name_t task, task_flavor_t flavor, task_info_t info, mach_msg_type_number_t *count)
{
	audit_token_t token;

	if (task != OWN_TASK || flavor != TASK_AUDIT_TOKEN || !info || !count || *count < TASK_AUDIT_TOKEN_COUNT)
		return KERN_INVALID_ARGUMENT;
	if (es_linux_own_token(&token) != ES_RETURN_SUCCESS)
		return KERN_FAILURE;
	memcpy(info, &token, sizeof(token));
	*count = TASK_AUDIT_TOKEN_COUNT;
	return KERN_SUCCESS;
}

EXPORT char *mach_error_string(mach_error_t error)
{
	static const char *const strings[] = {
		[KERN_SUCCESS] = "(os/kern) successful",
		[KERN_INVALID_ADDRESS] = "(os/kern) invalid address",
		[KERN_PROTECTION_FAILURE] = "(os/kern) protection failure",
		[KERN_NO_SPACE] = "(os/kern) no space available",
		[KERN_INVALID_ARGUMENT] = "(os/kern) invalid argument",
		[KERN_FAILURE] = "(os/kern) failure",
		[KERN_RESOURCE_SHORTAGE] = "(os/kern) resource shortage",
		[KERN_NO_ACCESS] = "(os/kern) no access",
		[KERN_INVALID_TASK] = "(os/kern) invalid task",
		[KERN_INVALID_RIGHT] = "(os/kern) invalid capability",
		[KERN_INVALID_VALUE] = "(os/kern) invalid value",
		[KERN_NOT_SUPPORTED] = "(os/kern) not supported",
		[KERN_OPERATION_TIMED_OUT] = "(os/kern) operation timed out",
		[KERN_DENIED] = "(os/kern) denied by policy",
	};
	const char *string = NULL;

	if (error >= 0 && error < (int)(sizeof(strings) / sizeof(strings[0])))
		string = strings[error];
	return (char *)(uintptr_t)(string ? string : "unknown error code");
}

EXPORT kern_return_t mach_timebase_info(mach_timebase_info_t info)
{
	if (!info)
		return KERN_INVALID_ARGUMENT;
	*info = (struct mach_timebase_info){ .numer = 1, .denom = 1 };
	return KERN_SUCCESS;
}

EXPORT uint64_t mach_absolute_time(void)
{
	return esc_now();
}

EXPORT uint64_t mach_continuous_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}
