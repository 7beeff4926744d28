/* SPDX-License-Identifier: MIT */
/* AvailabilityMacros.h - older macros for the same */
#ifndef __ES_COMPAT_AVAILABILITY_MACROS_H
#define __ES_COMPAT_AVAILABILITY_MACROS_H

#include <AvailabilityVersions.h>

#define DEPRECATED_ATTRIBUTE	__attribute__((__deprecated__))
#define UNAVAILABLE_ATTRIBUTE	__attribute__((__unavailable__))
#define WEAK_IMPORT_ATTRIBUTE

#endif
