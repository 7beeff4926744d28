/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The kernel programs by name. Each is loaded when it is first needed, and stays loaded. The verifier takes 10 to 30 ms
 * for one, and all together would make the daemon's start too slow.
 *
 * libbpf loads an object's programs all at once, or never. So libbpf is given an empty program in place of each, and
 * this file keeps the real one: the instructions as libbpf prepared them (fields found by BTF, maps and subprograms
 * put in), and the options for the kernel. This uses libbpf's section handlers, which must be registered when the
 * object is opened. In this order, one object at a time:
 *
 *	esd_programs_catch()
 *	open the object
 *	esd_programs_list()		then choose: bpf_program__set_autoload()
 *	load the object
 *	esd_programs_caught()
 *	...
 *	destroy the object
 *	esd_programs_deinit()
 */

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>

enum { ESD_PROGRAMS_MAX = 320 };

struct esd_program {
	const char *name;		/* borrowed from the object */
	enum bpf_prog_type type;
	uint32_t attach_id;		/* BTF id, in the kernel, of the function it attaches to */
	int fd;				/* -1: it isn't loaded */
	uint64_t missed;		/* the count of missed runs at the last call of esd_program_missed_since() */
	int error;			/* why it can't be used: -ENOENT, no place to attach to; else, refused */
	struct bpf_insn *insns;		/* owned, as are the arrays in `options`; NULL: it is loaded, or was left out */
	size_t insn_count;
	struct bpf_prog_load_opts options;
};

struct esd_programs {
	struct esd_program all[ESD_PROGRAMS_MAX];
	size_t count;
};

int esd_programs_catch(struct esd_programs *programs);
int esd_programs_list(struct esd_programs *programs, struct bpf_object *object, const struct btf *btf);
void esd_programs_caught(struct bpf_object *object);
void esd_programs_deinit(struct esd_programs *programs);

/* NULL: the object has no such program. */
struct esd_program *esd_programs_find(struct esd_programs *programs, const char *name);

/* Neither loaded nor known to be impossible. */
bool esd_program_untried(const struct esd_program *program);

/*
 * 0: it is loaded. A positive errno: the kernel refuses it, now and ever, and the log says why. Negative: it couldn't be
 * loaded just now, for want of memory or the like.
 */
int esd_program_load(struct esd_program *program);

/* The same for a program that many kernels refuse: logs the refusal only as debugging output. */
int esd_program_try(struct esd_program *program);

/* For another daemon, see keep.h: a reader calls it after esd_programs_caught(). */
struct archive;
void esd_programs_keep(struct esd_programs *programs, struct archive *archive);

/*
 * How often the kernel didn't run it because it was already running on that CPU. This happens on kernels that preempt
 * programs. In total, and since the last call.
 */
uint64_t esd_program_missed(const struct esd_program *program);
uint64_t esd_program_missed_since(struct esd_program *program);

/* A descriptor: closing it detaches. Negative errno: that was logged. */
int esd_program_attach(const struct esd_program *program);
