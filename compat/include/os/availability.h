/* SPDX-License-Identifier: MIT */
/* availability.h - macros for macOS's releases, which have no effect here */
#ifndef __ES_COMPAT_OS_AVAILABILITY_H
#define __ES_COMPAT_OS_AVAILABILITY_H

#include <AvailabilityVersions.h>

#define API_AVAILABLE(...)
#define API_AVAILABLE_BEGIN(...)
#define API_AVAILABLE_END
#define API_UNAVAILABLE(...)
#define API_UNAVAILABLE_BEGIN(...)
#define API_UNAVAILABLE_END
#define API_DEPRECATED(...)
#define API_DEPRECATED_BEGIN(...)
#define API_DEPRECATED_END
#define API_DEPRECATED_WITH_REPLACEMENT(...)
#define SPI_AVAILABLE(...)
#define SPI_DEPRECATED(...)

#endif
