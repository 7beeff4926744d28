/* SPDX-License-Identifier: MIT */
/* message.h - the basic types of Mach; audit_token_t is in ESPlatform.h */
#ifndef __ES_COMPAT_MACH_MESSAGE_H
#define __ES_COMPAT_MACH_MESSAGE_H

#include <EndpointSecurity/ESPlatform.h>
#include <mach/kern_return.h>

typedef int integer_t;
typedef unsigned int natural_t;
typedef natural_t mach_msg_type_number_t;
typedef natural_t mach_port_name_t;
typedef mach_port_name_t mach_port_t;

#define MACH_PORT_NULL	((mach_port_t)0)
#define MACH_PORT_DEAD	((mach_port_t)~0)

#endif
