/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

/*
 * The system's log as eslogger --oslog writes to it: oslog-journal.c for systemd's journal, oslog-syslog.c for
 * syslog(3) where the build found no libsystemd.
 */
struct oslog {
	const char *subsystem;
	const char *category;		/* NULL: none */
};

/* 0, or -ENOENT: no such log on this machine. */
int oslog_open(const struct oslog *log);

/* One event, without its newline. 0 or negative errno. */
int oslog_line(const struct oslog *log, const char *line, size_t length);

/* What the log is called, for messages. */
const char *oslog_name(void);
