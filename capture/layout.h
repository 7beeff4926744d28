/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The layout of records (abi/record.h), as text in each capture: the version, a line for each struct, a line for each
 * member with its place. A capture with another text has another layout, even if its version number wasn't changed.
 */

#include <stddef.h>

/* NUL-terminated, the same in each call. */
const char *esc_layout(void);

/* NULL: the text is the same. Else returns ret, with the first difference. The text may be any bytes. */
const char *esc_layout_differs(const char *text, size_t length, char *ret, size_t size);
