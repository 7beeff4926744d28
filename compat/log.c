/* SPDX-License-Identifier: MIT */
/* os_log: makes lines, and writes them to the journal or to stderr. */
#include "compat/log.h"

#include <stdio.h>
#include <syslog.h>

#include <os/lock.h>

#include "compat/sleep.h"

enum { LINE_BYTES = 2048 };

EXPORT struct os_log_s _es_os_log_default;
EXPORT struct os_log_s _es_os_log_disabled = { .disabled = true };

static struct {
	os_unfair_lock lock;
	struct os_log_s *first;
} logs;

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct os_log_s *make(const char *subsystem, const char *category)
{
	struct os_log_s *log = calloc(1, sizeof(*log));

	if (!log)
		return &_es_os_log_default;
	log->subsystem = subsystem ? strdup(subsystem) : NULL;
	log->category = category ? strdup(category) : NULL;
	log->next = logs.first;
	logs.first = log;
	return log;
}

EXPORT os_log_t os_log_create(const char *subsystem, const char *category)
{
	struct os_log_s *log;

	os_unfair_lock_lock(&logs.lock);
	for (log = logs.first; log; log = log->next)
		if (same(log->subsystem, subsystem) && same(log->category, category))
			break;
	if (!log)
		log = make(subsystem, category);
	os_unfair_lock_unlock(&logs.lock);
	return log;
}

EXPORT bool os_log_type_enabled(os_log_t log, os_log_type_t type)
{
	const char *mode;

	if (log->disabled)
		return false;
	if (type != OS_LOG_TYPE_DEBUG)
		return true;
	mode = getenv("OS_ACTIVITY_MODE");
	return mode && strcmp(mode, "debug") == 0;
}

static int priority_of(os_log_type_t type)
{
	switch (type) {
	case OS_LOG_TYPE_FAULT:	return LOG_CRIT;
	case OS_LOG_TYPE_ERROR:	return LOG_ERR;
	case OS_LOG_TYPE_INFO:	return LOG_INFO;
	case OS_LOG_TYPE_DEBUG:	return LOG_DEBUG;
	default:		return LOG_NOTICE;
	}
}

/* Writes the line by one write(2), so that lines of several threads don't mix. */
static void to_stderr(const struct os_log_s *log, const char *line)
{
	char text[LINE_BYTES + 512], when[32];
	struct timespec now;
	struct tm tm;
	int length;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%F %T", &tm);
	length = snprintf(text, sizeof(text) - 1, "%s.%03ld %.64s[%d:%u] %s%.128s%s%.128s%s%s", when, now.tv_nsec / 1000000,
			  program_invocation_short_name, getpid(), esc_thread(), log->subsystem ? "[" : "",
			  log->subsystem ? log->subsystem : "", log->subsystem ? ":" : "",
			  log->subsystem && log->category ? log->category : "", log->subsystem ? "] " : "", line);
	if (length > (int)sizeof(text) - 2)
		length = (int)sizeof(text) - 2;
	text[length++] = '\n';
	(void)!write(STDERR_FILENO, text, (size_t)length);
}

EXPORT void _es_os_log(os_log_t log, os_log_type_t type, const char *format, ...)
{
	int saved = errno;
	char line[LINE_BYTES];
	va_list arguments;

	if (!os_log_type_enabled(log, type))
		return;
	va_start(arguments, format);
	esc_log_format(line, sizeof(line), saved, format, arguments);
	va_end(arguments);
	if (!esc_log_system(log, priority_of(type), line) || getenv("OS_ACTIVITY_DT_MODE"))
		to_stderr(log, line);
	errno = saved;
}
