/* SPDX-License-Identifier: MIT */

/*
 * A client holds an open that makes its file, and the program handles a signal meanwhile. Allowed, the file is as the
 * program wanted it, even if a second open of it would fail; denied, the open fails with EPERM. The client is asked
 * once, with the flags of the call.
 */

#include "es-test.h"

#include <sys/syscall.h>

enum { USER = 1234, SIGNAL_AFTER_MS = 10, HELD_MS = 40 };

static pid_t held_pid;
static es_auth_result_t verdict;
static unsigned int asked;
static int32_t fflag;
static char path[512];

static void answer(struct test_client *client, const es_message_t *message)
{
	es_respond_result_t r;
	pid_t pid = test_pid(message->process);

	if (pid != __atomic_load_n(&held_pid, __ATOMIC_ACQUIRE)) {
		test_allow(client, message);
		return;
	}
	if (!asked++) {
		test_sleep_ms(SIGNAL_AFTER_MS);
		kill(pid, SIGUSR1);
		test_sleep_ms(HELD_MS - SIGNAL_AFTER_MS);
	}
	fflag = message->event.open.fflag;
	snprintf(path, sizeof(path), "%s", message->event.open.file->path.data);
	r = es_respond_flags_result(client->client, message, verdict == ES_AUTH_RESULT_ALLOW ? UINT32_MAX : 0, false);
	CHECK(r == ES_RESPOND_RESULT_SUCCESS || r == ES_RESPOND_RESULT_NOT_FOUND);
}

static int error_of(long value)
{
	return value < 0 ? errno : 0;
}

/* It can't be opened to be written a second time. */
static int make_readonly(void)
{
	int fd = open("new", O_RDWR | O_CREAT, 0400);

	return error_of(fd) ?: error_of(write(fd, "text", 4));
}

/* Emptied a second time, it would lose this bit. */
static int make_setgid(void)
{
	struct stat stat;
	int fd = open("new", O_WRONLY | O_CREAT | O_TRUNC, 02755);

	return error_of(fd) ?: error_of(fstat(fd, &stat)) ?: (stat.st_mode & 07777) == 02755 ? 0 : 200;
}

static int make_by_creat(void)
{
	return error_of(creat("new", 0));
}

static int make_exclusively(void)
{
	return error_of(openat(AT_FDCWD, "new", O_RDONLY | O_CREAT | O_EXCL, 0600));
}

static int make_by_openat2(void)
{
	const struct { uint64_t flags, mode, resolve; } how = { O_RDWR | O_CREAT, 0, 0 };

	return error_of(syscall(SYS_openat2, AT_FDCWD, "new", &how, sizeof(how)));
}

static int make_queue(void)
{
	return error_of(syscall(SYS_mq_open, "es-new", O_RDWR | O_CREAT | O_EXCL, 0400, NULL));
}

static int open_existing(void)
{
	return error_of(open("old", O_RDWR | O_CREAT, 0));
}

static const struct row {
	const char *name;
	int (*act)(void);		/* 0, or errno */
	int32_t fflag;
	bool by_gate;			/* where there is none it isn't held */
	const char *file;
} rows[] = {
	{ "mode 0400", make_readonly, FREAD | FWRITE, false, "new" },
	{ "mode 02755", make_setgid, FWRITE, false, "new" },
	{ "creat", make_by_creat, FWRITE, false, "new" },
	{ "O_EXCL", make_exclusively, FREAD, false, "new" },
	{ "openat2", make_by_openat2, FREAD | FWRITE, false, "new" },
	{ "mq_open", make_queue, FREAD | FWRITE, true, NULL },
	{ "one that is there", open_existing, FREAD | FWRITE, false, "old" },
};

static volatile sig_atomic_t handled;

static void on_signal(int number)
{
	(void)number;
	handled++;
}

static int go_read;

static int act(void *context)
{
	const struct row *row = context;
	int error, go;

	signal(SIGUSR1, on_signal);
	if (chdir(test_mnt) < 0 || setgid(USER) < 0 || setuid(USER) < 0 || read(go_read, &go, sizeof(go)) != sizeof(go))
		return 201;
	error = row->act();
	return error || handled == 1 || row->by_gate ? error : 202;
}

static void reset(void)
{
	(void)unlink(test_at("new"));
	(void)syscall(SYS_mq_unlink, "es-new");
}

static void try(struct test_client *client, const struct row *row, es_auth_result_t result, bool is_held)
{
	int pipes[2], status, expected = result == ES_AUTH_RESULT_DENY && is_held ? EPERM : 0;
	pid_t pid;

	reset();
	REQUIRE(pipe(pipes) == 0);
	go_read = pipes[0];
	verdict = result;
	asked = 0;
	path[0] = 0;
	pid = test_fork(act, (void *)row);
	__atomic_store_n(&held_pid, pid, __ATOMIC_RELEASE);
	CHECK(write(pipes[1], &pid, sizeof(pid)) == sizeof(pid));
	status = test_wait(pid);
	test_sync(client);
	close(pipes[0]);
	close(pipes[1]);
	if (!CHECK_EQUAL(WIFEXITED(status) ? WEXITSTATUS(status) : -1, expected) || !CHECK_EQUAL(asked, 1) ||
	    !CHECK_EQUAL(fflag, row->fflag) || (row->file && !CHECK_STRING(path, test_at("%s", row->file))))
		printf("... %s, %s\n", row->name, result == ES_AUTH_RESULT_DENY ? "denied" : "allowed");
}

int main(void)
{
	struct test_client *client;
	bool gate;

	test_begin(60);
	test_daemon(NULL);
	test_write_file(test_at("old"), "text", 0600);
	REQUIRE(chown(test_mnt, USER, USER) == 0 && chown(test_at("old"), USER, USER) == 0);
	client = test_client(answer, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(UNLINK), ES_AUTH(OPEN), -1);		/* not by fanotify */
	gate = test_has_gate();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		try(client, &rows[i], ES_AUTH_RESULT_ALLOW, true);
		try(client, &rows[i], ES_AUTH_RESULT_DENY, gate || !rows[i].by_gate);
	}
	reset();
	return test_end();
}
