/* SPDX-License-Identifier: MIT */
#include "capture/format.h"

#include <stddef.h>

uint32_t esc_chunk_check(const struct esc_chunk *chunk)
{
	struct esc_chunk copy = *chunk;
	const uint8_t *bytes = (const uint8_t *)&copy;
	uint32_t crc = UINT32_MAX;

	copy.check = 0;
	for (size_t i = 0; i < sizeof(copy); i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}
