/* SPDX-License-Identifier: MIT */
/* ESMessage.h - messages, with what macOS's headers include. The next header of this name explains them. */
#pragma GCC system_header	/* include_next is no part of C; without this -Wpedantic says so */

#include <es-compat/darwin.h>
#include_next <EndpointSecurity/ESMessage.h>
