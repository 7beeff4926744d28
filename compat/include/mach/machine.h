/* SPDX-License-Identifier: MIT */
/* machine.h - cpu_type_t and CPU_TYPE_*, which are in ESPlatform.h */
#ifndef __ES_COMPAT_MACH_MACHINE_H
#define __ES_COMPAT_MACH_MACHINE_H

#include <EndpointSecurity/ESPlatform.h>

#endif
