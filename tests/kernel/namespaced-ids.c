/* SPDX-License-Identifier: MIT */

/*
 * Numbers in messages are those of the initial namespaces, in whatever namespaces the program runs: the processes that
 * it names by number in a pid namespace, and the ids that it sets in a user namespace.
 */

#include "es-test.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum { USER = 1042, TARGETS = 3 };

static struct test_client *client;
static pid_t *numbers;			/* the targets', in the namespace, written by its init */

static int target(void *context)
{
	(void)context;
	while (pause() < 0)
		;
	return 0;
}

static int nothing(void *context)
{
	(void)context;
	return 0;
}

static pid_t start(int (*function)(void *))
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(function(NULL));
	return pid;
}

/* What names a process by its number. */

static int probe(pid_t pid)
{
	return kill(pid, 0);
}

static int open_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -1 : close(fd);
}

static int seize(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return -1;
	kill(pid, SIGSTOP);
	return waitpid(pid, NULL, __WALL) == pid ? (int)ptrace(PTRACE_DETACH, pid, NULL, NULL) : -1;
}

static int read_memory(pid_t pid)
{
	static char from = 'x';
	char to;
	struct iovec local = { &to, 1 }, remote = { &from, 1 };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == 1 ? 0 : -1;
}

static const struct {
	int type;
	int (*act)(pid_t pid);
	const char *name;
} acts[] = {
	{ ES_NOTIFY(SIGNAL), probe, "kill(pid, 0)" },
	{ ES_NOTIFY(GET_TASK_NAME), open_pidfd, "pidfd_open(pid)" },
	{ ES_NOTIFY(TRACE), seize, "PTRACE_SEIZE" },
	{ ES_NOTIFY(GET_TASK_READ), read_memory, "process_vm_readv(pid)" },
};

/* The init of a pid namespace: more processes than fit into one node of the kernel's tree come before the targets. */
static int init(void *context)
{
	const int *many = context;
	int status = 0;

	for (int i = 0; i < *many; i++)
		waitpid(start(nothing), NULL, 0);
	for (int i = 0; i < TARGETS; i++)
		numbers[i] = start(target);
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		if (acts[i].act(numbers[1]) == 0)
			continue;
		perror(acts[i].name);
		status = 1;
	}
	return status;
}

static int enter_pid_namespace(void *context)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0)
		return 2;
	pid = fork();
	if (pid == 0)
		_exit(init(context));
	return waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 3;
}

static const es_process_t *target_of(const es_message_t *message)
{
	switch (message->event_type) {
	case ES_NOTIFY(SIGNAL):		return message->event.signal.target;
	case ES_NOTIFY(TRACE):		return message->event.trace.target;
	case ES_NOTIFY(GET_TASK_READ):	return message->event.get_task_read.target;
	default:			return message->event.get_task_name.target;
	}
}

/* The child of `parent` that was started as the `index`-th last but TARGETS. */
static pid_t started(pid_t parent, int index)
{
	const es_message_t *message = FIND(client, .type = ES_NOTIFY(FORK), .pid = parent, .skip = (unsigned int)index);

	REQUIRE(message != NULL);
	return test_pid(message->event.fork.child);
}

static void processes(int many)
{
	pid_t outer, inner, target;

	test_clear(client);
	outer = test_fork(enter_pid_namespace, &many);
	CHECK_EQUAL(test_wait(outer), 0);
	test_sync(client);
	inner = started(outer, 0);
	target = started(inner, many + 1);
	CHECK(target != numbers[1]);
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
		const es_message_t *message = FIND(client, .type = acts[i].type, .pid = inner);

		if (!message)
			fprintf(stderr, "%s in a pid namespace isn't told\n", acts[i].name);
		CHECK(message != NULL);
		if (message)
			CHECK_EQUAL(test_pid(target_of(message)), target);
	}
}

/* A process that isn't in the namespace has no number there. */
static int probe_outside(void *context)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0)
		return 2;
	pid = fork();
	if (pid == 0)
		_exit(kill(*(pid_t *)context, 0) < 0 && errno == ESRCH ? 0 : 1);
	return waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 3;
}

static void nobody(void)
{
	pid_t victim = test_fork(target, NULL), outer;

	test_clear(client);
	outer = test_fork(probe_outside, &victim);
	CHECK_EQUAL(test_wait(outer), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(SIGNAL), .pid = started(outer, 0)), 0);
	kill(victim, SIGKILL);
	test_wait(victim);
}

/* ---- ids ---- */

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(3);
	close(fd);
}

/* Root in here is USER; 1 to 10 are USER + 1 and so on. */
static int become_user(void)
{
	static const char *const maps[] = { "uid_map", "gid_map" };
	int ready[2], mapped[2], status;
	char byte = 0, path[64], map[64];
	pid_t pid = getpid(), helper;

	if (pipe(ready) < 0 || pipe(mapped) < 0)
		return -1;
	helper = fork();
	if (helper == 0) {
		if (read(ready[0], &byte, 1) != 1)
			_exit(1);
		for (int i = 0; i < 2; i++) {
			snprintf(path, sizeof(path), "/proc/%d/%s", pid, maps[i]);
			snprintf(map, sizeof(map), "0 %d 11", USER);
			write_text(path, map);
		}
		_exit(write(mapped[1], &byte, 1) != 1);
	}
	if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], &byte, 1) != 1 || read(mapped[0], &byte, 1) != 1)
		return -1;
	if (waitpid(helper, &status, 0) != helper || status)
		return -1;
	return syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0 ? -1 : 0;
}

static int take_ids(void *context)
{
	const bool *in_namespace = context;

	if (*in_namespace ? become_user() < 0 : syscall(SYS_setresgid, USER, USER, USER) < 0)
		return 1;
	if (!*in_namespace && (syscall(SYS_setresuid, USER, USER, 0) < 0 || syscall(SYS_setresuid, -1, 0, -1) < 0))
		return 1;
	if (*in_namespace)
		return setregid(5, 6) < 0 || seteuid(3) < 0 || seteuid(0) < 0 || setreuid(4, -1) < 0 || setuid(2) < 0;
	return setregid(USER + 5, USER + 6) < 0 || seteuid(USER + 3) < 0 || seteuid(0) < 0 || setreuid(USER + 4, -1) < 0 ||
	       setuid(USER + 2) < 0;
}

struct expected {
	int type;
	uint32_t first, second;			/* what the event says */
	uint32_t ruid, euid, rgid, egid;	/* and what was before */
};

static void check_id(const es_message_t *message, const struct expected *expected)
{
	const audit_token_t *token = &message->process->audit_token;

	switch (message->event_type) {
	case ES_NOTIFY(SETREGID):
		CHECK_EQUAL(message->event.setregid.rgid, expected->first);
		CHECK_EQUAL(message->event.setregid.egid, expected->second);
		break;
	case ES_NOTIFY(SETREUID):
		CHECK_EQUAL(message->event.setreuid.ruid, expected->first);
		CHECK_EQUAL(message->event.setreuid.euid, expected->second);
		break;
	case ES_NOTIFY(SETEUID):
		CHECK_EQUAL(message->event.seteuid.euid, expected->first);
		break;
	default:
		CHECK_EQUAL(message->event.setuid.uid, expected->first);
	}
	CHECK_EQUAL(token->val[1], expected->euid);
	CHECK_EQUAL(token->val[2], expected->egid);
	CHECK_EQUAL(token->val[3], expected->ruid);
	CHECK_EQUAL(token->val[4], expected->rgid);
}

static void ids(bool in_namespace)
{
	/* In the namespace root is USER, outside it is 0. */
	const uint32_t root = in_namespace ? USER : 0, none = (uint32_t)-1;
	const struct expected expected[] = {
		{ ES_NOTIFY(SETREGID), USER + 5, USER + 6, USER, root, USER, USER },
		{ ES_NOTIFY(SETEUID), USER + 3, 0, USER, root, USER + 5, USER + 6 },
		{ ES_NOTIFY(SETEUID), root, 0, USER, USER + 3, USER + 5, USER + 6 },
		{ ES_NOTIFY(SETREUID), USER + 4, none, USER, root, USER + 5, USER + 6 },
		{ ES_NOTIFY(SETUID), USER + 2, 0, USER + 4, root, USER + 5, USER + 6 },
	};
	unsigned int seteuids = 0;
	pid_t pid;

	test_clear(client);
	pid = test_fork(take_ids, &in_namespace);
	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		unsigned int skip = expected[i].type == ES_NOTIFY(SETEUID) ? seteuids++ : 0;
		const es_message_t *message;

		/* Skip the messages of calls by which the test took on its ids. */
		if (!in_namespace && expected[i].type == ES_NOTIFY(SETEUID))
			skip++;
		if (expected[i].type == ES_NOTIFY(SETREGID) || expected[i].type == ES_NOTIFY(SETREUID))
			skip++;
		message = FIND(client, .type = expected[i].type, .pid = pid, .skip = skip);
		REQUIRE(message != NULL);
		check_id(message, &expected[i]);
	}
}

/* ---- a set-id program ---- */

static const char *program;

static int execute_as_user(void *context)
{
	(void)context;
	if (chdir(test_mnt) < 0 || setresgid(USER + 1, USER + 2, USER) < 0 || setresuid(USER + 1, USER + 2, USER) < 0)
		return 1;
	execl("program", "program", "0", NULL);
	return 2;
}

/* The ids from before are those that it had, which need not be the real ones. */
static void set_id_exec(void)
{
	const es_message_t *message;
	const audit_token_t *before, *after;
	pid_t pid;

	REQUIRE(chown(program, 0, 77) == 0 && chmod(program, 06755) == 0);
	test_clear(client);
	pid = test_fork(execute_as_user, NULL);
	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	message = FIND(client, .type = ES_NOTIFY(EXEC), .pid = pid, .path = program);
	REQUIRE(message != NULL);
	before = &message->process->audit_token;
	after = &message->event.exec.target->audit_token;
	CHECK_EQUAL(before->val[1], USER + 2);
	CHECK_EQUAL(before->val[2], USER + 2);
	CHECK_EQUAL(before->val[3], USER + 1);
	CHECK_EQUAL(before->val[4], USER + 1);
	CHECK_EQUAL(after->val[1], 0);
	CHECK_EQUAL(after->val[2], 77);
	CHECK_EQUAL(after->val[3], USER + 1);
	CHECK_EQUAL(after->val[4], USER + 1);
}

int main(void)
{
	test_begin(60);
	numbers = mmap(NULL, TARGETS * sizeof(*numbers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(numbers != MAP_FAILED && chmod(test_mnt, 0755) == 0);
	REQUIRE(mount(NULL, test_mnt, NULL, MS_REMOUNT | MS_BIND, NULL) == 0);	/* set-id counts */
	program = test_tiny("program");
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(FORK), ES_NOTIFY(EXEC), ES_NOTIFY(SIGNAL), ES_NOTIFY(GET_TASK_NAME), ES_NOTIFY(TRACE),
		       ES_NOTIFY(GET_TASK_READ), ES_NOTIFY(SETUID), ES_NOTIFY(SETEUID), ES_NOTIFY(SETREUID),
		       ES_NOTIFY(SETREGID), -1);
	processes(0);
	processes(100);
	nobody();
	ids(false);
	ids(true);
	set_id_exec();
	munmap(numbers, TARGETS * sizeof(*numbers));
	return test_end();
}
