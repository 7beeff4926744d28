/* SPDX-License-Identifier: MIT */

/* Numbers, log lines and their limit. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/test.h"
#include "util/log.h"
#include "util/number.h"

static char text[65536];

static void test_numbers(void)
{
	uint64_t value = 7;

	REQUIRE(number_parse("0", 0, 9, &value) == 0 && value == 0);
	REQUIRE(number_parse("18446744073709551615", 0, UINT64_MAX, &value) == 0 && value == UINT64_MAX);
	REQUIRE(number_parse("18446744073709551616", 0, UINT64_MAX, &value) == -ERANGE);
	REQUIRE(number_parse("10", 0, 9, &value) == -ERANGE && number_parse("1", 2, 9, &value) == -ERANGE);
	REQUIRE(number_parse("", 0, 9, &value) == -EINVAL && number_parse("-1", 0, 9, &value) == -EINVAL);
	REQUIRE(number_parse(" 1", 0, 9, &value) == -EINVAL && number_parse("1x", 0, 9, &value) == -EINVAL);
	REQUIRE(number_parse("+1", 0, 9, &value) == -EINVAL && number_parse("0x1", 0, 9, &value) == -EINVAL);
	REQUIRE(value == UINT64_MAX);
}

/* What has been written to the pipe that stderr is. */
static const char *logged(int fd)
{
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = 0;
	return text;
}

static void test_lines(int fd)
{
	char full[4096];

	log_warning("a %d\nb\x1b", 1);
	REQUIRE(!strcmp(logged(fd), "name: warning: a 1?b?\n"));
	log_debug("not asked for");
	REQUIRE(!*logged(fd));
	memset(full, 'x', sizeof(full) - 1);
	full[sizeof(full) - 1] = 0;
	log_error("%s", full);
	REQUIRE(strlen(logged(fd)) > 1000 && strlen(text) <= 1024 && text[strlen(text) - 1] == '\n');
}

static void test_limit(int fd)
{
	struct log_limit limit = {};
	int lines = 0;

	for (int i = 0; i < 1000; i++)
		log_limited(&limit, LOG_LEVEL_WARNING, "again");
	for (const char *at = logged(fd); (at = strchr(at, '\n')); at++)
		lines++;
	REQUIRE(lines == 5);
	limit.window_ns = 1;				/* long ago */
	log_limited(&limit, LOG_LEVEL_WARNING, "again");
	REQUIRE(!strcmp(logged(fd), "name: warning: again (and 995 such lines before it)\n"));
	log_limited(&limit, LOG_LEVEL_WARNING, "again");
	REQUIRE(!strcmp(logged(fd), "name: warning: again\n"));
}

/* Nobody empties the pipe: lines are lost, and nobody waits. */
static void test_full(void)
{
	for (int i = 0; i < 10000; i++)
		log_warning("%d", i);
}

int main(void)
{
	int fds[2], saved = dup(STDERR_FILENO);

	test_numbers();
	REQUIRE(pipe2(fds, O_CLOEXEC) == 0 && fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0);
	unsetenv("JOURNAL_STREAM");
	log_init("name");
	REQUIRE(dup2(fds[1], STDERR_FILENO) >= 0);
	test_lines(fds[0]);
	test_limit(fds[0]);
	alarm(20);
	test_full();
	REQUIRE(dup2(saved, STDERR_FILENO) >= 0);
	return 0;
}
