/* SPDX-License-Identifier: MIT */

/* The kernel asks about system calls of the x32 ABI too, if it has that (syscall.x32=y), and the client denies them. */

#include "attack.h"

#include <sys/mman.h>
#include <sys/syscall.h>

enum { X32 = 0x40000000, X32_EXECVE = 520 };

static char *low;		/* addresses of these calls have 32 bits */

static const char *text(const char *path)
{
	return strcpy(low, path);
}

static int x_unlink(void) { return attack_result(syscall(X32 + SYS_unlink, text("denied"))); }
static int x_mkdir(void) { return attack_result(syscall(X32 + SYS_mkdir, text("denied-new"), 0755)); }
static int x_truncate(void) { return attack_result(syscall(X32 + SYS_truncate, text("denied"), 1)); }
static int x_open(void) { return attack_result(syscall(X32 + SYS_open, text("denied"), O_RDONLY)); }
static int x_chdir(void) { return attack_result(syscall(X32 + SYS_chdir, text("denied-dir"))); }

static int x_execve(void)
{
	uint32_t *argv = (uint32_t *)(low + 2048);

	argv[0] = (uint32_t)(uintptr_t)text("denied");
	argv[1] = 0;
	return attack_result(syscall(X32 + X32_EXECVE, argv[0], argv, argv + 1));
}

struct row {
	const char *name;
	int (*act)(void);
	es_event_type_t type;
};

static const struct row rows[] = {
	{ "unlink", x_unlink, ES_AUTH(UNLINK) }, { "mkdir", x_mkdir, ES_AUTH(CREATE) },
	{ "truncate", x_truncate, ES_AUTH(TRUNCATE) }, { "open", x_open, ES_AUTH(OPEN) },
	{ "chdir", x_chdir, ES_AUTH(CHDIR) }, { "execve", x_execve, ES_AUTH(EXEC) },
};

static enum judged judge(const es_message_t *message)
{
	if (message->event_type == ES_AUTH(CREATE) &&
	    !strcmp(message->event.create.destination.new_path.filename.data, "denied-new"))
		return JUDGED_DENY;
	if (message->event_type == ES_AUTH(EXEC))
		return strstr(message->event.exec.target->executable->path.data, "/denied") ? JUDGED_DENY : JUDGED_ALLOW;
	return attack_by_name(message);
}

static int act(void *context)
{
	const struct row *row = context;

	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (low == MAP_FAILED || chdir(test_mnt) < 0)
		return 201;
	return row->act();
}

int main(void)
{
	struct attack *attack = attack_begin(60, judge);

	if (syscall(X32 + SYS_getpid) < 0)
		test_skip("the x32 ABI (syscall.x32=y)");
	(void)test_tiny("denied");
	REQUIRE(mkdir(test_at("denied-dir"), 0755) == 0);
	test_hold(attack->client, ES_AUTH(UNLINK), ES_AUTH(CREATE), ES_AUTH(TRUNCATE), ES_AUTH(OPEN), ES_AUTH(CHDIR),
		  ES_AUTH(EXEC), -1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		printf("%s\n", rows[i].name);
		CHECK_EQUAL(attack_status(act, (void *)&rows[i]), EPERM);
		CHECK_EQUAL(attack->asked[rows[i].type], 1);
	}
	return test_end();
}
