/* SPDX-License-Identifier: MIT */
/* Availability.h - macros for macOS's releases, which have no effect here */
#ifndef __ES_COMPAT_AVAILABILITY_H
#define __ES_COMPAT_AVAILABILITY_H

#include <AvailabilityVersions.h>
#include <os/availability.h>

#define __OSX_AVAILABLE(...)
#define __OSX_AVAILABLE_STARTING(...)
#define __OSX_AVAILABLE_BUT_DEPRECATED(...)
#define __OSX_AVAILABLE_BUT_DEPRECATED_MSG(...)
#define __OSX_DEPRECATED(...)

#endif
