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

static uint64_t any_state = 88172645463325252;

/* From here on what this seed gives. */
static inline void any_begin(uint32_t seed)
{
	any_state = seed + UINT64_C(88172645463325252);
}

/* Below `bound`, from 64 bits of state. */
static inline uint32_t any(uint32_t bound)
{
	any_state ^= any_state << 13;
	any_state ^= any_state >> 7;
	any_state ^= any_state << 17;
	return (uint32_t)(any_state >> 32) % bound;
}
