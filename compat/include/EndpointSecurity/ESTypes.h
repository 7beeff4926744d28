/* SPDX-License-Identifier: MIT */
/* ESTypes.h - constants and small types, with what macOS's headers include. The next header of this name explains them. */
#pragma GCC system_header	/* include_next is no part of C; without this -Wpedantic says so */

#include <es-compat/darwin.h>
#include_next <EndpointSecurity/ESTypes.h>
