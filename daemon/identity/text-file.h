/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/* A whole regular file, with a NUL behind it, for free(). -EFBIG: it is unreasonably large. */
int esd_text_read(const char *path, char **ret, size_t *ret_length);
