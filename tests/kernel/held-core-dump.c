/* SPDX-License-Identifier: MIT */

/*
 * A crashing program leaves its core dump as usual while a client holds opening, making and removing files. No call
 * can start over there, so it waits in one piece, or goes on if it can't wait. With a gate, the kernel doesn't dump to
 * a file whose open a client denies.
 */

#include "es-test.h"

#include <elf.h>
#include <sys/resource.h>

enum { HELD_MS = 20 };

static pid_t crashed;
static bool deny_open;
static unsigned int asked;

/* Where it can't wait the answer comes too late. */
static void respond(struct test_client *client, const es_message_t *message, bool allow)
{
	es_respond_result_t r;

	if (message->event_type == ES_AUTH(OPEN))
		r = es_respond_flags_result(client->client, message, allow ? UINT32_MAX : 0, false);
	else
		r = es_respond_auth_result(client->client, message, allow ? ES_AUTH_RESULT_ALLOW : ES_AUTH_RESULT_DENY,
					   false);
	CHECK(r == ES_RESPOND_RESULT_SUCCESS || r == ES_RESPOND_RESULT_NOT_FOUND);
}

static void answer(struct test_client *client, const es_message_t *message)
{
	if (test_pid(message->process) != __atomic_load_n(&crashed, __ATOMIC_ACQUIRE)) {
		respond(client, message, true);
		return;
	}
	asked++;
	test_sleep_ms(HELD_MS);
	respond(client, message, !deny_open || message->event_type != ES_AUTH(OPEN));
}

/* In test_mnt, when there is something in the pipe. */
static int crash(void *context)
{
	const struct rlimit limit = { 1 << 24, 1 << 24 };
	int go;

	if (chdir(test_mnt) < 0 || setrlimit(RLIMIT_CORE, &limit) < 0 || read(*(int *)context, &go, sizeof(go)) != sizeof(go))
		return 99;
	raise(SIGSEGV);
	return 98;
}

/* Its status; whom to hold is known before it crashes. */
static int run_crash(struct test_client *client)
{
	int pipes[2], go = 1, status;
	pid_t pid;

	REQUIRE(pipe(pipes) == 0);
	asked = 0;
	pid = test_fork(crash, &pipes[0]);
	__atomic_store_n(&crashed, pid, __ATOMIC_RELEASE);
	CHECK(write(pipes[1], &go, sizeof(go)) == sizeof(go));
	close(pipes[0]);
	close(pipes[1]);
	status = test_wait(pid);
	test_sync(client);
	return status;
}

static bool is_core(const char *path)
{
	unsigned char ident[SELFMAG] = "";
	struct stat stat;
	int fd = open(path, O_RDONLY);
	bool is = read(fd, ident, sizeof(ident)) == sizeof(ident) && !memcmp(ident, ELFMAG, SELFMAG) &&
		  fstat(fd, &stat) == 0 && stat.st_size > 4096;

	close(fd);
	return is;
}

static void read_pattern(char text[static 256])
{
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY);
	ssize_t n = read(fd, text, 255);

	text[n > 0 ? n : 0] = 0;
	close(fd);
	if (strcmp(text, "core\n"))
		test_skip("core dumps to a file named core, in /proc/sys/kernel/core_pattern");
}

int main(void)
{
	static const char *core;
	struct test_client *client;
	char pattern[256];

	test_begin(60);
	core = test_at("core");
	read_pattern(pattern);
	test_daemon(NULL);
	client = test_client(answer, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(UNLINK), ES_AUTH(CREATE), ES_AUTH(OPEN), -1);
	for (int i = 0; i < 2; i++) {		/* the second replaces the first's */
		int status = run_crash(client);

		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && WCOREDUMP(status));
		CHECK(is_core(core));
		CHECK(asked >= 2);
	}
	deny_open = true;
	(void)run_crash(client);
	if (test_has_gate())
		CHECK(!is_core(core));
	return test_end();
}
