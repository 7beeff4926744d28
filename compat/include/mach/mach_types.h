/* SPDX-License-Identifier: MIT */
/* mach_types.h - names for ports; the only one here is the caller's task */
#ifndef __ES_COMPAT_MACH_MACH_TYPES_H
#define __ES_COMPAT_MACH_MACH_TYPES_H

#include <mach/machine.h>
#include <mach/message.h>

typedef mach_port_t task_t;
typedef mach_port_t task_name_t;
typedef mach_port_t thread_t;

#define TASK_NULL	((task_t)0)

#endif
