/* SPDX-License-Identifier: MIT */
/* task.h - task_info(), which <mach/mach.h> has */
#ifndef __ES_COMPAT_MACH_TASK_H
#define __ES_COMPAT_MACH_TASK_H

#include <mach/mach.h>

#endif
