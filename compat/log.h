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
 * Writes a line to the system's log: log-journal.c, or log-none.c if the build found no libsystemd. False: there is no
 * such log. It keeps none of its arguments.
 */
bool esc_log_system(const struct os_log_s *log, int priority, const char *line);

/* Formats as os_log does: format.c. Always NUL-terminated. `error` is the errno that %m prints. */
void esc_log_format(char *line, size_t size, int error, const char *format, va_list arguments);
