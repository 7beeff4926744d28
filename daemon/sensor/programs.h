/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The kernel programs by name. Each is loaded when it is first needed, and stays: what a kernel's verifier takes for one
 * is 10 to 30 ms, and all together take longer than anybody wants to wait for a daemon.
 *
 * libbpf loads an object's programs all at once, or never. So while it does, it is left with an empty one for each, and
 * what it was about to load is kept here: the instructions as they came out of its work (fields found by BTF, maps and
 * subprograms put in), and what the kernel is told beside them. This is what libbpf has handlers of sections for; they
 * have to be there when the object is opened. In this order, one object at a time:
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
	uint32_t attach_id;		/* of what it is attached to, in the kernel's BTF */
	int fd;				/* -1: it isn't loaded */
	uint64_t missed;		/* of its runs, how many were known at the last look */
	int error;			/* why it can't be: -ENOENT, this kernel has nothing to attach it to; else, it refused */
	struct bpf_insn *insns;		/* owned, as are the arrays that `options` has; NULL: it is loaded, or was left out */
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

/* The same of one that a kernel may well refuse: the log says so only where it says everything. */
int esd_program_try(struct esd_program *program);

/*
 * How often it was not run, because one ran on that CPU already: on kernels that preempt programs that happens. In all, and
 * since this was last asked.
 */
uint64_t esd_program_missed(const struct esd_program *program);
uint64_t esd_program_missed_since(struct esd_program *program);

/* A descriptor: closing it detaches. Negative errno: that was logged. */
int esd_program_attach(const struct esd_program *program);
