/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* A decimal number in [minimum, maximum] that takes up all of `text`, or -EINVAL (not one), -ERANGE (outside). */
int number_parse(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *ret);

/* The value of a lowercase hexadecimal digit; -1: it is none. */
static inline int number_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
