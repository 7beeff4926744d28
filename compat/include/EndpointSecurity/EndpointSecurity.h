/* SPDX-License-Identifier: MIT */
/* EndpointSecurity.h - the API, with all that macOS's headers include. The next header of this name explains it. */
#pragma GCC system_header	/* include_next is no part of C; without this -Wpedantic says so */

#include <es-compat/darwin.h>
#include_next <EndpointSecurity/EndpointSecurity.h>
