/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Messages for the user who runs the program. They go to stderr: one line each, with the program's name before it,
 * or, if stderr is the journal, with the priority in the form that sd-daemon(3) describes.
 *
 * Messages that other users can cause again and again go through a struct log_limit. It prints a burst, counts the
 * rest, and adds the count to the next line that it prints.
 */

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,		/* the numbers of syslog(3) */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

struct log_limit {
	uint64_t window_ns;		/* when the present window began */
	uint32_t printed;		/* in this window */
	uint64_t suppressed;		/* since a line was last printed */
};

void log_init(const char *program);
void log_set_level(enum log_level level);
bool log_shows(enum log_level level);

void log_message(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_message(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)
