/* SPDX-License-Identifier: MIT */

/*
 * The kernel asks about a program that it starts by itself, for instance for a core dump. If the client denies it, the
 * program doesn't run.
 */

#include "attack.h"

#include <sys/resource.h>

#define CORE_PATTERN "/proc/sys/kernel/core_pattern"

static unsigned int asked;
static bool allow;

static enum judged judge(const es_message_t *message)
{
	const char *path = message->event.exec.target->executable->path.data;

	if (!strstr(path, "/started-by-kernel"))
		return JUDGED_ALLOW;
	asked++;
	return allow ? JUDGED_ALLOW : JUDGED_DENY;
}

static int crash(void *context)
{
	const struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	(void)context;
	setrlimit(RLIMIT_CORE, &limit);
	raise(SIGSEGV);
	return 0;
}

static void read_setting(const char *path, char text[static 256])
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, 255);

	text[n > 0 ? n : 0] = 0;
	close(fd);
}

static void write_setting(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* The program is touch(1). */
static bool has_run(void)
{
	for (int i = 0; i < 40; i++) {
		if (unlink("/tmp/es-started-by-kernel") == 0)
			return true;
		test_sleep_ms(25);
	}
	return false;
}

static void try(const char *name, const char *setting, const char *value, test_child_f *act)
{
	char before[256];

	printf("%s\n", name);
	read_setting(setting, before);
	write_setting(setting, value);
	for (int i = 0; i < 2; i++) {
		allow = i;
		asked = 0;
		(void)test_run(act, NULL);
		CHECK_EQUAL(has_run(), allow);
		CHECK_EQUAL(asked, 1);
	}
	write_setting(setting, before);
}

int main(void)
{
	static const char script[] = "/tmp/started-by-kernel";
	struct attack *attack;

	test_no_scope = true;
	attack = attack_begin(90, judge);
	if (!test_has_gate())
		test_skip("to wait where no system call is: a gate");
	test_copy("/usr/bin/touch", script, 0755);
	test_hold(attack->client, ES_AUTH(EXEC), -1);
	try("core_pattern", CORE_PATTERN, "|/tmp/started-by-kernel /tmp/es-started-by-kernel", crash);
	return test_end();
}
