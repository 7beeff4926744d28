/* SPDX-License-Identifier: MIT */

/*
 * The content of NOTIFY_EXEC: the program before and after, arguments, environment, descriptors, folder and terminal.
 */

#include "es-test.h"

#include <sys/ioctl.h>

struct start {
	const char *path;
	char *const *argv;
	char *const *envp;
	const char *cwd;
	int descriptor;		/* to be `target` in the program, -1: none */
	int target;
	char *tty;		/* to become the controlling terminal, or NULL */
};

static int start(void *context)
{
	struct start *start = context;

	if (start->cwd && chdir(start->cwd) < 0)
		return 90;
	if (start->tty) {
		int fd;

		setsid();
		fd = open(start->tty, O_RDWR);
		if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
			return 91;
		close(fd);
	}
	if (start->descriptor >= 0 && dup2(start->descriptor, start->target) < 0)
		return 92;
	execve(start->path, start->argv, start->envp);
	return 93;
}

static char *const no_env[] = {NULL};

static const es_message_t *run(struct test_client *client, struct start *what)
{
	pid_t pid = test_fork(start, what);

	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXEC), .pid = pid), 1);
	REQUIRE(FIND(client, .type = ES_NOTIFY(EXEC), .pid = pid) != NULL);
	return FIND(client, .type = ES_NOTIFY(EXEC), .pid = pid);
}

static void check_list(const es_event_exec_t *exec, char *const *argv, char *const *envp)
{
	uint32_t count = 0;

	for (; argv[count]; count++) {
		REQUIRE(count < es_exec_arg_count(exec));
		CHECK_TOKEN(es_exec_arg(exec, count), argv[count]);
		CHECK_EQUAL(es_exec_arg(exec, count).length, strlen(argv[count]));
	}
	CHECK_EQUAL(es_exec_arg_count(exec), count);
	for (count = 0; envp[count]; count++) {
		REQUIRE(count < es_exec_env_count(exec));
		CHECK_TOKEN(es_exec_env(exec, count), envp[count]);
	}
	CHECK_EQUAL(es_exec_env_count(exec), count);
}

static void arguments_and_environment(struct test_client *client, const char *tiny)
{
	char *argv[] = {"another name", "0", "two words", "", "new\nline", "\xff\xfe", NULL};
	char *envp[] = {"A=1", "EMPTY=", "WITH=an = in it", NULL};
	const char *cwd = test_at("folder");
	struct start what = {tiny, argv, envp, cwd, -1, -1, NULL};
	const es_message_t *message;
	const es_event_exec_t *exec;

	REQUIRE(mkdir(cwd, 0755) == 0);
	message = run(client, &what);
	exec = &message->event.exec;
	check_list(exec, argv, envp);
	CHECK_TOKEN(exec->cwd->path, cwd);
	CHECK_TOKEN(exec->target->executable->path, tiny);
	CHECK(exec->script == NULL);
	CHECK_EQUAL(message->action_type, ES_ACTION_TYPE_NOTIFY);
	CHECK_EQUAL(message->action.notify.result_type, ES_RESULT_TYPE_AUTH);
	CHECK_EQUAL(message->action.notify.result.auth, ES_AUTH_RESULT_ALLOW);
#ifdef __x86_64__
	CHECK_EQUAL(exec->image_cputype, CPU_TYPE_X86_64);
#endif
}

static void before_and_after(struct test_client *client, const char *tiny)
{
	char *argv[] = {"tiny", NULL};
	struct start what = {tiny, argv, no_env, NULL, -1, -1, NULL};
	const es_message_t *message = run(client, &what);
	const es_process_t *before = message->process, *after = message->event.exec.target;
	struct stat seen;
	char self[4096] = "";

	REQUIRE(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	REQUIRE(stat(tiny, &seen) == 0);
	CHECK_TOKEN(before->executable->path, self);
	CHECK_TOKEN(after->executable->path, tiny);
	CHECK_EQUAL(after->executable->stat.st_ino, seen.st_ino);
	CHECK_EQUAL(after->executable->stat.st_dev, seen.st_dev);
	CHECK_EQUAL(after->executable->stat.st_size, seen.st_size);
	CHECK_EQUAL(after->executable->stat.st_mode, seen.st_mode);
	CHECK_EQUAL(test_pid(before), test_pid(after));
	CHECK(test_pidversion(before) != test_pidversion(after));
	CHECK_EQUAL(before->start_time.tv_sec, after->start_time.tv_sec);
	CHECK_EQUAL(before->start_time.tv_usec, after->start_time.tv_usec);
	CHECK_EQUAL(before->ppid, getpid());
	CHECK_EQUAL(after->ppid, getpid());
	CHECK(message->thread && message->thread->thread_id == (uint64_t)test_pid(before));
}

static void names_by_link_and_script(struct test_client *client, const char *tiny)
{
	const char *link = test_at("link"), *script = test_at("script");
	char line[4096];
	char *argv[] = {"given", "0", NULL};
	char *seen[] = {(char *)tiny, "0", (char *)script, "0", NULL};
	char *by_hand[] = {"given", "0", (char *)script, NULL};
	struct start what = {link, argv, no_env, NULL, -1, -1, NULL};
	const es_event_exec_t *exec;

	REQUIRE(symlink(tiny, link) == 0);
	exec = &run(client, &what)->event.exec;
	CHECK_TOKEN(exec->dyld_exec_path, link);
	CHECK_TOKEN(exec->target->executable->path, tiny);

	snprintf(line, sizeof(line), "#!%s 0\n", tiny);
	test_write_file(script, line, 0755);
	what.path = script;
	exec = &run(client, &what)->event.exec;
	CHECK_TOKEN(exec->target->executable->path, tiny);
	CHECK_TOKEN(exec->dyld_exec_path, tiny);
	REQUIRE(exec->script != NULL);
	CHECK_TOKEN(exec->script->path, script);
	check_list(exec, seen, no_env);

	what.path = tiny;
	what.argv = by_hand;
	exec = &run(client, &what)->event.exec;
	CHECK(exec->script == NULL);
}

static const es_fd_t *fd_of(const es_event_exec_t *exec, int number)
{
	for (uint32_t i = 0; i < es_exec_fd_count(exec); i++) {
		if (es_exec_fd(exec, i)->fd == number)
			return es_exec_fd(exec, i);
	}
	return NULL;
}

static void print_fds(const es_event_exec_t *exec)
{
	for (uint32_t i = 0; i < es_exec_fd_count(exec); i++)
		fprintf(stderr, "  descriptor %d: type %u\n", es_exec_fd(exec, i)->fd, es_exec_fd(exec, i)->fdtype);
}

static void descriptors(struct test_client *client, const char *tiny)
{
	char *argv[] = {"tiny", NULL};
	int ends[2];
	struct start reader = {tiny, argv, no_env, NULL, -1, 57, NULL}, writer = reader;
	const es_event_exec_t *from, *to;
	const es_fd_t *out, *in;

	REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
	reader.descriptor = ends[0];
	writer.descriptor = ends[1];
	writer.target = 59;
	from = &run(client, &reader)->event.exec;
	to = &run(client, &writer)->event.exec;
	out = fd_of(from, 57);
	in = fd_of(to, 59);
	if (!out || !in)
		print_fds(out ? to : from);
	REQUIRE(out && in);
	CHECK_EQUAL(out->fdtype, PROX_FDTYPE_PIPE);
	CHECK_EQUAL(in->fdtype, PROX_FDTYPE_PIPE);
	CHECK(out->pipe.pipe_id != 0);
	CHECK_EQUAL(out->pipe.pipe_id, in->pipe.pipe_id);
	CHECK(from->last_fd >= 57);
	CHECK(to->last_fd >= 59);
	CHECK(fd_of(from, 0) && fd_of(from, 0)->fdtype == PROX_FDTYPE_VNODE);	/* /dev/null */
	CHECK(fd_of(from, ends[0]) == NULL);	/* close-on-exec: not open after the exec */
	close(ends[0]);
	close(ends[1]);
}

static void terminal(struct test_client *client, const char *tiny)
{
	char *argv[] = {"tiny", NULL};
	struct start what = {tiny, argv, no_env, NULL, -1, -1, NULL};
	const es_message_t *message;
	char name[64];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), held_by_shell;

	if (getsid(0) == getpid())	/* the runner gave us a session with no terminal */
		CHECK(run(client, &what)->event.exec.target->tty == NULL);
	REQUIRE(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	REQUIRE(ptsname_r(master, name, sizeof(name)) == 0);
	held_by_shell = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);	/* the program itself has no descriptor of it */
	REQUIRE(held_by_shell >= 0);
	what.tty = name;
	message = run(client, &what);
	REQUIRE(message->event.exec.target->tty != NULL);
	CHECK_TOKEN(message->event.exec.target->tty->path, name);
	close(held_by_shell);
	close(master);
}

int main(void)
{
	struct test_client *client;
	const char *tiny;

	test_begin(20);
	test_daemon(NULL);
	tiny = test_tiny("tiny");
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(EXEC), -1);
	arguments_and_environment(client, tiny);
	before_and_after(client, tiny);
	names_by_link_and_script(client, tiny);
	descriptors(client, tiny);
	terminal(client, tiny);
	return test_end();
}
