/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client.h"
#include "unseen.h"
#include "util/macro.h"

/*
 * Reads /proc about one execution. A pid may come to name another process or program between two reads. So the
 * library asks the daemon before and after whether the pid still has this pidversion. If it does both times, all that
 * was read is about this execution, since pidversions only grow. An exec under way is the exception: the old program
 * is gone, the new one has no arguments yet, and the pidversion grows last. had_arguments() finds that, and then this
 * execution runs no more.
 */

enum {
	ARGS_MAX = 2 * 1024 * 1024,	/* what execve(2) takes at most */
	FILE_MAX = 4096,
};

/* What was read. `args`: all arguments with their NULs, to be freed. */
struct facts {
	char *args;
	size_t args_length;
	size_t arg_count;
	char executable[PATH_MAX];
	char cwd[PATH_MAX];
	pid_t ppid;
};

/* Asks the daemon whether this execution runs, by muting it for no events. */
static bool runs(struct es_client_s *client, const audit_token_t *token)
{
	const struct es_request request = {
		.abi = ES_ABI_VERSION, .op = ES_REQUEST_MUTE, .kind = ES_MUTE_PROCESS, .data_bytes = sizeof(*token),
	};
	struct es_reply reply;

	return !atomic_load(&client->ended) && !esl_control_ask(&client->control, &request, token, &reply, NULL, 0);
}

static int open_process(const audit_token_t *token)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u", token->val[5]);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Empty if there is none, as for kernel threads. */
static bool read_link(int process, const char *name, char text[PATH_MAX])
{
	ssize_t length = readlinkat(process, name, text, PATH_MAX - 1);

	text[length > 0 ? length : 0] = '\0';
	return length >= 0 || errno == ENOENT;
}

/* The whole file, with a NUL behind it. */
static char *read_file(int process, const char *name, size_t *ret_length)
{
	_cleanup_close_ int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t length = 0, room = FILE_MAX;
	ssize_t n;

	if (fd < 0)
		return NULL;
	do {
		char *larger = realloc(text, room + 1);

		if (!larger)
			return NULL;
		text = larger;
		n = read(fd, text + length, room - length);
		length += n > 0 ? (size_t)n : 0;
		room += length == room ? room : 0;
	} while (n > 0 && length < ARGS_MAX);
	if (n < 0)
		return NULL;
	text[length] = '\0';
	*ret_length = length;
	return TAKE_POINTER(text);
}

enum {	/* of /proc/PID/stat, counted from 1: proc_pid_stat(5) */
	STAT_STATE = 3,
	STAT_PPID = 4,
	STAT_ARG_START = 48,
	STAT_ARG_END = 49,
};

/* The second field is in parentheses, and may have anything in it. NULL: there are fewer. */
static const char *stat_field(const char *stat, int number)
{
	const char *at = strrchr(stat, ')');

	for (int i = STAT_STATE; at && i <= number; i++)
		at = strchr(at + 1, ' ');
	return at;
}

static uint64_t stat_number(const char *stat, int number)
{
	const char *field = stat_field(stat, number);

	return field ? strtoull(field, NULL, 10) : 0;
}

/* Did it have its arguments when we read them? A kernel thread has no program, a program may have no arguments. */
static bool had_arguments(const struct facts *facts, const char *stat)
{
	uint64_t start = stat_number(stat, STAT_ARG_START), end = stat_number(stat, STAT_ARG_END);

	return !facts->executable[0] || (end && (facts->args_length || start == end));
}

static bool read_facts(const audit_token_t *token, struct facts *facts)
{
	_cleanup_close_ int process = open_process(token);
	_cleanup_free_ char *stat = NULL;
	size_t length;

	if (process < 0 || !read_link(process, "exe", facts->executable) || !read_link(process, "cwd", facts->cwd))
		return false;
	facts->args = read_file(process, "cmdline", &facts->args_length);
	stat = read_file(process, "stat", &length);
	if (!stat || !facts->args || !had_arguments(facts, stat))
		return false;
	facts->ppid = (pid_t)stat_number(stat, STAT_PPID);
	for (size_t i = 0; i < facts->args_length; i += strlen(facts->args + i) + 1)
		facts->arg_count++;
	return true;
}

static es_string_token_t put_text(char **at, const char *text, size_t length)
{
	es_string_token_t token = { .length = length, .data = *at };

	memcpy(*at, text, length + 1);
	*at += length + 1;
	return token;
}

/* One block: the struct, the tokens of the arguments, the texts. */
static es_linux_process_t *make_process(const audit_token_t *token, const struct facts *facts)
{
	size_t tokens = facts->arg_count * sizeof(es_string_token_t);
	size_t texts = facts->args_length + 1 + strlen(facts->executable) + 1 + strlen(facts->cwd) + 1;
	es_linux_process_t *process = malloc(sizeof(*process) + tokens + texts);
	es_string_token_t *args;
	char *at;

	if (!process)
		return NULL;
	args = (es_string_token_t *)(process + 1);
	at = (char *)args + tokens;
	*process = (es_linux_process_t){ .audit_token = *token, .ppid = facts->ppid, .arg_count = facts->arg_count, .args = args };
	process->executable = put_text(&at, facts->executable, strlen(facts->executable));
	process->cwd = put_text(&at, facts->cwd, strlen(facts->cwd));
	for (const char *arg = facts->args; args < process->args + facts->arg_count; arg += strlen(arg) + 1)
		*args++ = put_text(&at, arg, strlen(arg));
	return process;
}

es_return_t es_linux_find_process(es_client_t *pointer, const audit_token_t *token, es_linux_process_t **ret_process)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);
	struct facts facts = {};
	bool same;
	UNSEEN();

	if (!client || !token || !ret_process)
		return ES_RETURN_ERROR;
	same = runs(client, token) && read_facts(token, &facts) && runs(client, token);
	*ret_process = same ? make_process(token, &facts) : NULL;
	free(facts.args);
	return *ret_process ? ES_RETURN_SUCCESS : ES_RETURN_ERROR;
}

void es_linux_free_process(es_linux_process_t *process)
{
	free(process);
}
