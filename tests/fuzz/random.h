/* SPDX-License-Identifier: MIT */
#pragma once

/* Numbers for fuzzers that run without libFuzzer: by xorshift, the same ones each time. */

#include <stdint.h>

static inline uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Below `bound`, from 64 bits of state. */
static inline uint32_t any(uint32_t bound)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % bound;
}
