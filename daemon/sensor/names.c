/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/names.h"

#include <string.h>

#include "util/log.h"
#include "util/macro.h"

/*
 * Kernels since 6.11 have the table's address in their code, where it was put at boot (the kernel's own name for it:
 * runtime constants):
 *
 *	48 b8+r imm64		mov $imm64,%r		(49: r8 to r15)
 *	c1 e8+r imm8		shr $imm8,%r
 */
enum {
	MOV_BYTES = 10,
	SHR_BYTES = 3,
};

#define KERNEL_BEGINS UINT64_C(0xffff800000000000)

static bool is_table(const uint8_t *code, uint64_t *ret)
{
	if ((code[0] & 0xfe) != 0x48 || (code[1] & 0xf8) != 0xb8)
		return false;
	memcpy(ret, code + 2, sizeof(*ret));
	return *ret >= KERNEL_BEGINS && *ret % sizeof(void *) == 0;
}

static bool is_shift(const uint8_t *code, uint32_t *ret)
{
	*ret = code[2];
	return code[0] == 0xc1 && (code[1] & 0xf8) == 0xe8 && code[2] > 0 && code[2] < 32;
}

bool esd_names_scan(const uint8_t *code, size_t bytes, struct es_names *ret)
{
	bool table = false, shift = false;

	for (size_t i = 0; i + MOV_BYTES <= bytes && !(table && shift); i++) {
		table = table || is_table(code + i, &ret->table);
		shift = shift || is_shift(code + i, &ret->shift);
	}
	if (!table || !shift)
		ret->table = 0;
	return table && shift;
}

static bool look(const struct esd_program *program, struct es_names *names)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);

	return !bpf_prog_test_run_opts(program->fd, &options) && names->known && names->found == names->known;
}

void esd_names_find(struct esd_program *program, struct es_names *names)
{
	if (esd_program_try(program))
		return;
	names->usable = look(program, names);
	if (!names->usable && names->code_bytes && esd_names_scan(names->code, names->code_bytes, names))
		names->usable = look(program, names);
	if (!names->usable)
		log_debug("the kernel's table of names isn't found: directories are looked through");
}
