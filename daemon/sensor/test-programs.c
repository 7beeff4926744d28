/* SPDX-License-Identifier: MIT */

/* Programs taken from libbpf and loaded one by one, with the object that the daemon has, on this machine's kernel. */

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "abi/mute.h"
#include "abi/sensor.h"
#include "daemon/sensor/programs.h"
#include "daemon/test.h"
#include "sensor.skel.h"
#include "util/log.h"
#include "util/macro.h"

static struct esd_programs programs;

static int say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

/* Without LSM programs, which not every kernel loads. */
static struct sensor_bpf *open_all(const struct btf *btf)
{
	struct sensor_bpf *skel;
	struct bpf_program *program;

	REQUIRE(esd_programs_catch(&programs) == 0);
	skel = sensor_bpf__open();
	REQUIRE(skel != NULL && esd_programs_list(&programs, skel->obj, btf) == 0);
	bpf_object__for_each_program(program, skel->obj)
		if (bpf_program__type(program) == BPF_PROG_TYPE_LSM)
			bpf_program__set_autoload(program, false);
	bpf_program__set_autoload(skel->progs.exit_chdir, false);
	return skel;
}

static void test_nothing_is_loaded(struct sensor_bpf *skel)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, skel->obj)
		REQUIRE(bpf_program__fd(program) < 0);
	for (size_t i = 0; i < programs.count; i++)
		REQUIRE(programs.all[i].fd < 0);
	REQUIRE(!esd_programs_find(&programs, "nonsense"));
}

static void test_load(void)
{
	struct esd_program *program = esd_programs_find(&programs, "on_exit");
	int fd, link;

	REQUIRE(program && esd_program_untried(program));
	REQUIRE(esd_program_load(program) == 0 && program->fd >= 0 && !program->insns);
	fd = program->fd;
	REQUIRE(!esd_program_untried(program) && esd_program_load(program) == 0 && program->fd == fd);
	link = esd_program_attach(program);
	REQUIRE(link >= 0);
	close(link);
}

static void test_left_out(void)
{
	struct esd_program *program = esd_programs_find(&programs, "exit_chdir");

	REQUIRE(program && !esd_program_untried(program));
	REQUIRE(esd_program_load(program) == ENOSYS && program->fd < 0);
}

/* It is refused once, and that is it. */
static void test_refused(void)
{
	struct esd_program *program = esd_programs_find(&programs, "exit_link");
	int error;

	REQUIRE(program && esd_program_untried(program));
	program->insns[0] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };	/* with nothing to return */
	error = esd_program_load(program);
	REQUIRE((error == EACCES || error == EINVAL) && program->error == -error);
	REQUIRE(!esd_program_untried(program) && !program->insns && program->fd < 0);
	REQUIRE(esd_program_load(program) == error);
}

int main(void)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (geteuid() != 0 || !btf)
		SKIP("root, and a kernel with BTF");
	log_set_level(LOG_LEVEL_ERROR);
	libbpf_set_print(say_nothing);
	for (int again = 0; again < 3; again++) {
		struct sensor_bpf *skel = open_all(btf);

		if (sensor_bpf__load(skel))
			SKIP("BPF programs");
		esd_programs_caught(skel->obj);
		test_nothing_is_loaded(skel);
		test_load();
		test_left_out();
		test_refused();
		sensor_bpf__destroy(skel);
		esd_programs_deinit(&programs);
	}
	btf__free(btf);
	return 0;
}
