/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* A decimal number in [minimum, maximum] that takes up all of `text`, or -EINVAL (not one), -ERANGE (outside). */
int number_parse(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *ret);
