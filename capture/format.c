/* SPDX-License-Identifier: MIT */
#include "capture/format.h"

#include "util/crc32c.h"

uint32_t esc_chunk_check(const struct esc_chunk *chunk)
{
	struct esc_chunk copy = *chunk;

	copy.check = 0;
	return crc32c(&copy, sizeof(copy));
}
