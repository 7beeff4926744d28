/* SPDX-License-Identifier: MIT */
#include "util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/text.h"

enum {
	LIMIT_BURST = 5,
	LINE_BYTES = 1024,
};

#define LIMIT_WINDOW_NS (10 * NS_PER_S)

static struct {
	const char *program;
	enum log_level level;
	bool journal;
} log_state = { .program = "endpointsecurity", .level = LOG_LEVEL_INFO };

/* $JOURNAL_STREAM names the socket that systemd gave us; after a redirection stderr is something else. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%ju:%ju", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_init(const char *program)
{
	log_state.program = program;
	log_state.journal = stderr_is_journal();
}

void log_set_level(enum log_level level)
{
	log_state.level = level;
}

bool log_shows(enum log_level level)
{
	return level <= log_state.level;
}

/*
 * Writes a line with one write(2), so that lines of several processes don't mix. Control characters are replaced, so
 * they can't forge a line. If stderr is a pipe that nobody empties, the line is lost: other tasks wait for this
 * program, so it must not wait for a reader.
 */
static void log_write(enum log_level level, const char *suffix, const char *format, va_list arguments)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };
	char line[LINE_BYTES];
	int prefix, length;

	if (log_state.journal)
		prefix = snprintf(line, sizeof(line), "<%d>", level);
	else
		prefix = snprintf(line, sizeof(line), "%s: %s", log_state.program,
				  level <= LOG_LEVEL_ERROR ? "error: " : level == LOG_LEVEL_WARNING ? "warning: " : "");
	length = vsnprintf(line + prefix, sizeof(line) - prefix - 1, format, arguments);
	if (length < 0)
		return;
	length = strlen(line);
	length += snprintf(line + length, sizeof(line) - length - 1, "%s", suffix);
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length] = 0;
	text_clean(line);
	line[length++] = '\n';
	if (poll(&out, 1, 0) == 1)
		(void)!write(STDERR_FILENO, line, length);
}

void log_message(enum log_level level, const char *format, ...)
{
	int saved = errno;
	va_list arguments;

	if (level > log_state.level)
		return;
	va_start(arguments, format);
	log_write(level, "", format, arguments);
	va_end(arguments);
	errno = saved;
}

void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
	uint64_t now = clock_ns();
	char suffix[64] = "";
	va_list arguments;

	if (level > log_state.level)
		return;
	if (!limit->window_ns || now - limit->window_ns > LIMIT_WINDOW_NS) {
		limit->window_ns = now;
		limit->printed = 0;
	}
	if (limit->printed >= LIMIT_BURST) {
		limit->suppressed++;
		return;
	}
	limit->printed++;
	if (limit->suppressed)
		snprintf(suffix, sizeof(suffix), " (and %" PRIu64 " such lines before it)", limit->suppressed);
	limit->suppressed = 0;
	va_start(arguments, format);
	log_write(level, suffix, format, arguments);
	va_end(arguments);
}
