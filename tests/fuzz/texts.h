/* SPDX-License-Identifier: MIT */
#pragma once

/* Good texts changed at random, for fuzzers of text that run without libFuzzer. */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/random.h"
#include "util/macro.h"

typedef int fuzz_input_f(const uint8_t *bytes, size_t length);

/* Tries 300,000 parts of good texts, each with fewer than `changes` bytes replaced: by any, or by one of `chars`. */
static inline void change_texts(const char *const *good, size_t count, const char *chars, uint32_t char_count,
				uint32_t changes, fuzz_input_f *input)
{
	for (uint32_t round = 0; round < 300000; round++) {
		const char *text = good[round % count];
		uint32_t length = (uint32_t)strlen(text), from = any(length), kept = any(length - from + 1);
		_cleanup_free_ uint8_t *exact = malloc(kept);	/* a sanitizer sees its end */

		if (!exact)
			continue;
		memcpy(exact, text + from, kept);
		for (uint32_t i = any(changes); kept && i; i--)
			exact[any(kept)] = any(2) ? (uint8_t)any(256) : (uint8_t)chars[any(char_count)];
		input(exact, kept);
	}
}
