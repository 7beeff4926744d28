/* SPDX-License-Identifier: MIT */

/*
 * Programs under strace and gdb are held, allowed and denied as without. The kernel reports the SIGCONT by which a
 * call starts over to a tracer, as any signal, and not to the program.
 */

#include "es-test.h"

enum { THINK_MS = 200 };

static const char *output;
static es_auth_result_t verdict;
static unsigned int asked;

static void answer(struct test_client *client, const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	if (strcmp(file->path.data, test_at("file"))) {
		test_allow(client, message);
		return;
	}
	asked++;
	test_sleep_ms(THINK_MS);
	if (verdict == ES_AUTH_RESULT_ALLOW)
		test_allow(client, message);
	else
		test_deny(client, message);
}

static int run(void *context)
{
	char *const *argv = context;
	int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	execvp(argv[0], argv);
	return errno == ENOENT ? 127 : 126;
}

static bool output_has(const char *text)
{
	FILE *file = fopen(output, "re");
	char line[4096];
	bool found = false;

	while (file && fgets(line, sizeof(line), file))
		found = found || strstr(line, text);
	if (file)
		fclose(file);
	return found;
}

static void show(void)
{
	FILE *file = fopen(output, "re");
	char line[4096];

	for (int i = 0; i < 40 && file && fgets(line, sizeof(line), file); i++)
		printf("| %s", line);
	if (file)
		fclose(file);
}

/* Returns false if there is no such tracer. */
static bool trace(char *const argv[], es_auth_result_t with, int expected, const char *said)
{
	int status;

	asked = 0;
	verdict = with;
	test_write_file(test_at("file"), "", 0644);
	status = test_wait_ms(test_fork(run, (void *)argv), 20000 * test_slow());
	if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return false;
	if (!CHECK_EQUAL(status, expected << 8) || !CHECK(output_has(said)) || !CHECK(!output_has("EINTR")) ||
	    !CHECK_EQUAL(asked, 1) || !CHECK_EQUAL(access(test_at("file"), F_OK) == 0, with == ES_AUTH_RESULT_DENY))
		show();
	return true;
}

static bool under_strace(char *file, es_auth_result_t with, int expected, const char *said)
{
	return trace((char *[]){ "strace", "-f", "-a1", "-e", "trace=unlink,unlinkat", "rm", "-f", file, NULL }, with,
		     expected, said);
}

static bool under_gdb(char *file, es_auth_result_t with, int expected, const char *said)
{
	return trace((char *[]){ "gdb", "-q", "-nx", "-batch", "-ex", "set startup-with-shell off", "-ex",
				 "handle SIGCONT nostop noprint pass", "-ex", "run", "--args", "rm", "-f", file, NULL },
		     with, expected, said);
}

int main(void)
{
	struct test_client *client;
	unsigned int tracers;
	char *file;

	test_begin(100);
	output = test_at("output");
	file = (char *)test_at("file");
	test_daemon(NULL);
	client = test_client(answer, NULL);
	test_hold(client, ES_AUTH(UNLINK), -1);
	tracers = under_strace(file, ES_AUTH_RESULT_ALLOW, 0, ") = 0");
	tracers += under_gdb(file, ES_AUTH_RESULT_ALLOW, 0, "exited normally");
	(void)under_strace(file, ES_AUTH_RESULT_DENY, 1, "EPERM");
	if (!tracers)
		test_skip("strace or gdb");
	return test_end();
}
