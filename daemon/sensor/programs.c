/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/programs.h"

#include <errno.h>
#include <linux/bpf.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/archive.h"
#include "util/log.h"
#include "util/macro.h"

/* As bpf/sensor.bpf.c says. */
#define LICENSE "Dual MIT/GPL"

enum {
	ATTACH_TRIES = 1000,		/* a millisecond each */
	VERIFIER_SAYS = 1 << 24,	/* the longest verifier log of one program */
	SAID_BYTES = 4096,		/* the end of that log, which has the reason of a refusal */
};

/* The programs' sections: how to find, in the kernel's BTF, the function that a program attaches to. */
static const struct section {
	const char *name;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	const char *prefix;		/* of the name there; NULL: they aren't attached */
	uint32_t kind;
	uint32_t flags;
} sections[] = {
	{ "tp_btf/", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, "btf_trace_", BTF_KIND_TYPEDEF, 0 },
	{ "fentry/", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "", BTF_KIND_FUNC, 0 },
	{ "fexit/", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "", BTF_KIND_FUNC, 0 },
	{ "iter/", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, "bpf_iter_", BTF_KIND_FUNC, 0 },
	{ "lsm/", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "bpf_lsm_", BTF_KIND_FUNC, 0 },
	{ "lsm.s/", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "bpf_lsm_", BTF_KIND_FUNC, BPF_F_SLEEPABLE },
	{ "syscall", BPF_PROG_TYPE_SYSCALL, 0, NULL, 0, BPF_F_SLEEPABLE },
};

static const struct section *section_of(const struct bpf_program *program)
{
	const char *name = bpf_program__section_name(program);

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (!strncmp(name, sections[i].name, strlen(sections[i].name)))
			return &sections[i];
	return NULL;
}

struct esd_program *esd_programs_find(struct esd_programs *programs, const char *name)
{
	for (size_t i = 0; i < programs->count; i++)
		if (!strcmp(programs->all[i].name, name))
			return &programs->all[i];
	return NULL;
}

/* ---- taking them from libbpf ---- */

static void caught_free(struct esd_program *program)
{
	free(TAKE_POINTER(program->insns));
	free((void *)program->options.func_info);
	free((void *)program->options.line_info);
	program->options = (struct bpf_prog_load_opts){};
}

static void *copy(const void *data, size_t bytes)
{
	void *made = malloc(bytes ?: 1);

	return made ? memcpy(made, data, bytes) : NULL;
}

static int program_keep(struct esd_program *program, const struct bpf_program *from,
			const struct bpf_prog_load_opts *options)
{
	program->options = *options;
	program->options.log_level = 0;
	program->options.func_info = copy(options->func_info, options->func_info_cnt * options->func_info_rec_size);
	program->options.line_info = copy(options->line_info, options->line_info_cnt * options->line_info_rec_size);
	program->insn_count = bpf_program__insn_cnt(from);
	program->insns = copy(bpf_program__insns(from), program->insn_count * sizeof(*program->insns));
	if (program->insns && program->options.func_info && program->options.line_info)
		return 0;
	caught_free(program);
	return -ENOMEM;
}

/* The one whose object is being loaded. */
static struct esd_programs *catcher;

/* libbpf is about to load this one. */
static int catch_program(struct bpf_program *from, struct bpf_prog_load_opts *options, long cookie)
{
	static struct bpf_insn empty[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct esd_program *program = catcher ? esd_programs_find(catcher, bpf_program__name(from)) : NULL;
	int r;

	(void)cookie;
	if (!program)
		return -ENOENT;
	options->attach_btf_id = program->attach_id;
	options->prog_flags |= section_of(from)->flags;
	r = program_keep(program, from, options);
	if (r < 0)
		return r;
	/* The empty program is of a type that every kernel takes: some kernels refuse programs on functions. */
	options->func_info_cnt = 0;
	options->line_info_cnt = 0;
	options->attach_btf_id = options->prog_flags = 0;
	options->expected_attach_type = 0;
	r = bpf_program__set_type(from, BPF_PROG_TYPE_SOCKET_FILTER);
	return r < 0 ? r : bpf_program__set_insns(from, empty, ARRAY_SIZE(empty));
}

/* The handlers are never unregistered: after the last one is, libbpf 1.1 uses freed memory. */
int esd_programs_catch(struct esd_programs *programs)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, options, .prog_prepare_load_fn = catch_program);
	static size_t registered;

	for (; registered < ARRAY_SIZE(sections); registered++) {
		const struct section *section = &sections[registered];
		int r = libbpf_register_prog_handler(section->name, section->type, section->attach, &options);

		if (r < 0)
			return r;
	}
	catcher = programs;
	return 0;
}

/* The functions that programs attach to: names as the kernel's BTF has them, in chains by their hashes. */
struct targets {
	struct target {
		char name[64];
		uint32_t kind;
		int next;		/* -1: the chain ends */
	} all[ESD_PROGRAMS_MAX];
	int first[512];
};

static unsigned int name_hash(const char *name)
{
	unsigned int hash = 5381;

	while (*name)
		hash = hash * 33 + (unsigned char)*name++;
	return hash % ARRAY_SIZE(((struct targets *)NULL)->first);
}

static void targets_name(struct targets *targets, struct bpf_object *object)
{
	struct bpf_program *each;
	size_t i = 0;

	memset(targets->first, 0xff, sizeof(targets->first));
	bpf_object__for_each_program(each, object) {
		const struct section *section = section_of(each);
		struct target *target = &targets->all[i];
		unsigned int hash;

		*target = (struct target){ .kind = section->kind };
		if (section->prefix) {
			snprintf(target->name, sizeof(target->name), "%s%s", section->prefix,
				 bpf_program__section_name(each) + strlen(section->name));
			hash = name_hash(target->name);
			target->next = targets->first[hash];
			targets->first[hash] = i;
		}
		i++;
	}
}

/* Makes one pass over the BTF, which has some 100,000 types. A function of several programs is several targets. */
static void targets_find(struct esd_programs *programs, struct bpf_object *object, const struct btf *btf)
{
	_cleanup_free_ struct targets *targets = calloc(1, sizeof(*targets));

	if (!targets)
		return;
	targets_name(targets, object);
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		uint32_t kind = btf_kind(type);
		const char *name;

		if (kind != BTF_KIND_FUNC && kind != BTF_KIND_TYPEDEF)
			continue;
		name = btf__name_by_offset(btf, type->name_off);
		for (int i = targets->first[name_hash(name)]; i >= 0; i = targets->all[i].next)
			if (targets->all[i].kind == kind && !strcmp(targets->all[i].name, name))
				programs->all[i].attach_id = id;
	}
}

int esd_programs_list(struct esd_programs *programs, struct bpf_object *object, const struct btf *btf)
{
	struct bpf_program *each;
	size_t i = 0;

	bpf_object__for_each_program(each, object) {
		if (programs->count == ARRAY_SIZE(programs->all) || !section_of(each))
			return -E2BIG;
		programs->all[programs->count++] = (struct esd_program){ .name = bpf_program__name(each), .fd = -1,
									 .type = section_of(each)->type };
	}
	targets_find(programs, object, btf);
	bpf_object__for_each_program(each, object) {
		struct esd_program *program = &programs->all[i++];

		if (program->attach_id || !section_of(each)->prefix)
			continue;
		program->error = -ENOENT;
		bpf_program__set_autoload(each, false);
	}
	return 0;
}

void esd_programs_caught(struct bpf_object *object)
{
	struct bpf_program *each;

	catcher = NULL;
	bpf_object__for_each_program(each, object)
		bpf_program__unload(each);
	(void)malloc_trim(0);		/* reading the kernel's BTF has freed much memory */
}

void esd_programs_deinit(struct esd_programs *programs)
{
	for (size_t i = 0; i < programs->count; i++) {
		caught_free(&programs->all[i]);
		closep(&programs->all[i].fd);
	}
	if (catcher == programs)
		catcher = NULL;
	*programs = (struct esd_programs){};
}

/* ---- loading ---- */

static int try_load(const struct esd_program *program, char *log, size_t log_bytes)
{
	struct bpf_prog_load_opts options = program->options;

	options.log_buf = log;
	options.log_size = log_bytes;
	options.log_level = log ? 1 : 0;
	return bpf_prog_load(program->type, program->name, LICENSE, program->insns, program->insn_count, &options);
}

/* Loads the program once more for the verifier's log. Only the pages of the buffer that are written take memory. */
static void tell_refused(const struct esd_program *program, int error, enum log_level level)
{
	_cleanup_free_ char *log = malloc(VERIFIER_SAYS);
	char *save = NULL, *line;
	size_t length;
	int fd;

	if (!log_shows(level))
		return;
	log_message(level, "the kernel refuses the program %s: %s", program->name, strerror(-error));
	if (!log)
		return;
	log[0] = 0;
	fd = try_load(program, log, VERIFIER_SAYS);
	closep(&fd);
	length = strnlen(log, VERIFIER_SAYS - 1);
	log[length] = 0;
	line = length > SAID_BYTES ? log + length - SAID_BYTES : log;
	for (line = strtok_r(line, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		log_message(level, "%s: %s", program->name, line);
}

bool esd_program_untried(const struct esd_program *program)
{
	return program->insns && !program->error;
}

static int load(struct esd_program *program, enum log_level level)
{
	int fd;

	if (program->fd >= 0 || program->error)
		return -program->error;
	if (!program->insns)
		return ENOSYS;		/* it was left out */
	fd = try_load(program, NULL, 0);
	if (fd == -ENOMEM || fd == -EAGAIN || fd == -EINTR || fd == -EMFILE || fd == -ENFILE) {
		log_error("can't load the program %s: %s", program->name, strerror(-fd));
		return fd;
	}
	if (fd < 0) {
		tell_refused(program, fd, level);
		program->error = fd;
	} else {
		program->fd = fd;
	}
	caught_free(program);
	return -program->error;
}

int esd_program_load(struct esd_program *program)
{
	return load(program, LOG_LEVEL_WARNING);
}

int esd_program_try(struct esd_program *program)
{
	return load(program, LOG_LEVEL_DEBUG);
}

void esd_programs_keep(struct esd_programs *programs, struct archive *archive)
{
	for (size_t i = 0; i < programs->count; i++) {
		struct esd_program *program = &programs->all[i];

		archive_fd(archive, &program->fd);
		ARCHIVE(archive, program->error);
		ARCHIVE(archive, program->missed);
		if (archive->reading && (program->fd >= 0 || program->error))
			caught_free(program);
	}
}

uint64_t esd_program_missed(const struct esd_program *program)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	if (program->fd < 0 || bpf_obj_get_info_by_fd(program->fd, &info, &size))
		return 0;
	return info.recursion_misses;
}

uint64_t esd_program_missed_since(struct esd_program *program)
{
	uint64_t missed = esd_program_missed(program), since = missed - program->missed;

	program->missed = missed;
	return since;
}

/*
 * A program stays attached until all copies of the closed descriptor are gone. A process that another thread is just
 * starting has a copy until its exec.
 */
static int attach_when_detached(const struct esd_program *program)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int fd = bpf_raw_tracepoint_open(NULL, program->fd);

	for (int tries = 0; (fd == -EEXIST || fd == -EBUSY) && tries < ATTACH_TRIES; tries++) {
		nanosleep(&pause, NULL);
		fd = bpf_raw_tracepoint_open(NULL, program->fd);
	}
	return fd;
}

int esd_program_attach(const struct esd_program *program)
{
	int fd = attach_when_detached(program);

	if (fd < 0)
		log_error("can't attach the program %s: %s", program->name, strerror(-fd));
	return fd;
}
