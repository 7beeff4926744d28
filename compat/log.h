/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include <os/log.h>

struct os_log_s {
	struct os_log_s *next;
	const char *subsystem;		/* NULL: none */
	const char *category;
	bool disabled;
};

/*
 * A line into the system's log: log-journal.c, or log-none.c where the build found no libsystemd. False: there is no
 * such log. The arguments are this thread's; nothing is kept.
 */
bool esc_log_system(const struct os_log_s *log, int priority, const char *line);

/* os_log's formats; format.c. Always NUL-terminated. `error` is what %m says. */
void esc_log_format(char *line, size_t size, int error, const char *format, va_list arguments);
