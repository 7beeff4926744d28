/* SPDX-License-Identifier: MIT */

/* The table of names out of a function's code. */

#include "daemon/sensor/names.h"
#include "daemon/test.h"

#define TABLE_BYTES 0x00, 0x00, 0xc0, 0x01, 0x80, 0x88, 0xff, 0xff
#define TABLE UINT64_C(0xffff888001c00000)

/* endbr64; call; push %r13; mov (%rsi),%eax; mov $TABLE,%r; shr $19,%r */
static const uint8_t to_rdx[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xe8, 0, 0, 0, 0, 0x41, 0x55, 0x8b, 0x06,
				  0x48, 0xba, TABLE_BYTES, 0xc1, 0xe8, 0x13, 0xc3, 0, 0, 0, 0, 0, 0, 0 };
static const uint8_t to_r13[] = { 0xc1, 0xe9, 0x0d, 0x49, 0xbd, TABLE_BYTES, 0, 0, 0 };
/* a number of the user's half; one that isn't a multiple of 8; then the table; no shift */
static const uint8_t others[] = { 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 1, 0, 0x48, 0xb9, 1, 0, 0, 0, 0x80, 0x88, 0xff, 0xff,
				  0x48, 0xba, TABLE_BYTES, 0xc1, 0xe0, 0x13, 0xc1, 0xe8, 0x28, 0, 0, 0, 0, 0, 0, 0 };

static void test_found(void)
{
	struct es_names names = {};

	REQUIRE(esd_names_scan(to_rdx, sizeof(to_rdx), &names) && names.table == TABLE && names.shift == 19);
	REQUIRE(esd_names_scan(to_r13, sizeof(to_r13), &names) && names.table == TABLE && names.shift == 13);
}

static void test_not_found(void)
{
	struct es_names names = {};

	REQUIRE(!esd_names_scan(others, sizeof(others), &names) && !names.table);
	REQUIRE(!esd_names_scan(to_rdx, 0, &names) && !names.table);
	for (size_t bytes = 0; bytes < 23; bytes++)
		REQUIRE(!esd_names_scan(to_rdx, bytes, &names) && !names.table);
}

int main(void)
{
	test_found();
	test_not_found();
	return 0;
}
