/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/control.h"
#include "start.h"
#include "test.h"
#include "util/macro.h"

/* Starting a daemon, with scripts in its place. */

static char folder[] = "/tmp/test-start-XXXXXX";
static char script[64], trace[64];
static atomic_int children;

static void on_child(int number)
{
	(void)number;
	children++;
}

static void write_script(const char *body, mode_t mode)
{
	int fd = open(script, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	CHECK(fd >= 0);
	dprintf(fd, "#!/bin/sh\n%s\n", body);
	CHECK(!fchmod(fd, mode));
	close(fd);
}

static const char *trace_text(void)
{
	static char text[1024];
	int fd = open(trace, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	CHECK(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_ready(void)
{
	struct esl_start start = { .ready_ms = ESL_READY_MS };
	char body[512];
	int inherited = open("/dev/null", O_RDONLY);	/* not close-on-exec, and yet not the daemon's */

	CHECK(inherited >= 0 && inherited < 10);
	snprintf(body, sizeof(body),
		 "for n in 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && left=\"$left $n\"; done\n"
		 "set -- \"$@\" \"$PWD\" \"fds:$left\" \"$(cut -d' ' -f6 /proc/$$/stat | grep -cx $$)\"\n"
		 "echo \"$*\" >%s; printf x >&3", trace);
	write_script(body, 0700);
	CHECK(esl_start_daemon(&start) == 0);
	/* A session of its own: its id is the process's. The shell keeps its script open as descriptor 10 or above. */
	CHECK(!strcmp(trace_text(), "--private --ready-fd 3 / fds: 1\n"));
	CHECK(!strcmp(start.path, script));
	close(inherited);
}

static void test_reasons(void)
{
	struct esl_start start = { .ready_ms = ESL_READY_MS };

	write_script("echo 'no BTF on this kernel' >&3", 0700);
	CHECK(esl_start_daemon(&start) == -ECHILD && start.may_be_listening);
	CHECK(strstr(start.reason, script) && strstr(start.reason, "says: no BTF on this kernel"));
	CHECK(!strchr(start.reason, '\n'));

	start = (struct esl_start){ .ready_ms = ESL_READY_MS };
	write_script("exit 3", 0700);
	CHECK(esl_start_daemon(&start) == -ECHILD && strstr(start.reason, "ended before it was ready"));

	start = (struct esl_start){ .ready_ms = ESL_READY_MS };
	write_script("exit 0", 0600);
	CHECK(esl_start_daemon(&start) == -ENOENT && !start.may_be_listening);
	CHECK(strstr(start.reason, "no program at ") && strstr(start.reason, script));

	start = (struct esl_start){ .ready_ms = ESL_READY_MS };
	write_script("", 0700);
	CHECK(!truncate(script, 3));
	CHECK(esl_start_daemon(&start) == -ECHILD && strstr(start.reason, "can't be executed"));
}

/* Without a name in the environment it is looked for beside the library, and all places are told. */
static void test_places(void)
{
	struct esl_start start = { .ready_ms = ESL_READY_MS };

	unsetenv(ES_DAEMON_ENV);
	if (esl_find_daemon(&start))
		CHECK(start.path[0] == '/' && strstr(start.path, "/endpointsecurityd") && !start.reason[0]);
	else
		CHECK(strstr(start.reason, "/../daemon/endpointsecurityd") && strstr(start.reason, ESL_DAEMON_PATH));
	setenv(ES_DAEMON_ENV, script, 1);
	CHECK(esl_find_daemon(&start) && !strcmp(start.path, script));
}

/* Nothing for the program's own wait(), no SIGCHLD, whatever it does with children. */
static void test_not_a_child(void)
{
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	CHECK(waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD);
	CHECK(children == 0);
}

/* It starts, and doesn't get ready. */
static void test_timeout(void)
{
	struct esl_start start = { .ready_ms = 100 };

	write_script("exec sleep 1", 0700);
	CHECK(esl_start_daemon(&start) == -ETIMEDOUT && strstr(start.reason, "did not get ready in 100 ms"));
}

int main(void)
{
	const struct sigaction count = { .sa_handler = on_child };

	CHECK(mkdtemp(folder));
	snprintf(script, sizeof(script), "%s/daemon", folder);
	snprintf(trace, sizeof(trace), "%s/trace", folder);
	setenv(ES_DAEMON_ENV, script, 1);
	sigaction(SIGCHLD, &count, NULL);

	test_ready();
	test_reasons();
	test_not_a_child();
	test_timeout();
	test_places();

	unlink(script);
	unlink(trace);
	rmdir(folder);
	return 0;
}
