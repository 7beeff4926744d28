/* SPDX-License-Identifier: MIT */
/* string.h - the C library's, and macOS's additions. */
#pragma GCC system_header	/* for include_next */

#include_next <string.h>
#ifndef __ES_COMPAT_STRING_H
#define __ES_COMPAT_STRING_H

#include <stddef.h>
#include <stdint.h>
#include <es-compat/strings.h>

#endif
