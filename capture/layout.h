/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What records look like (abi/record.h), as text that goes into each capture: the version, a line for each struct, a line
 * for each member with its place. A capture whose text is another one was made with another layout, whether or not
 * somebody thought of the version.
 */

#include <stddef.h>

/* NUL-terminated, the same in each call. */
const char *esc_layout(void);

/* NULL: the text says the same; else what differs, of the two, in ret. Any bytes. */
const char *esc_layout_differs(const char *text, size_t length, char *ret, size_t size);
