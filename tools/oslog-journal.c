/* SPDX-License-Identifier: MIT */

#include "tools/oslog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "util/macro.h"

int oslog_open(const struct oslog *log)
{
	(void)log;
	/* Without journald, sd_journal_sendv() does nothing and reports no error. */
	return access("/run/systemd/journal/socket", W_OK) ? -ENOENT : 0;
}

const char *oslog_name(void)
{
	return "the systemd journal (/run/systemd/journal/socket)";
}

static struct iovec field(char *text, int length)
{
	return (struct iovec){ text, length };
}

int oslog_line(const struct oslog *log, const char *line, size_t length)
{
	static char priority[] = "PRIORITY=6", identifier[] = "SYSLOG_IDENTIFIER=eslogger";
	_cleanup_free_ char *message = NULL, *subsystem = NULL, *category = NULL;
	struct iovec fields[5];
	int n = 0, r;

	r = asprintf(&message, "MESSAGE=%.*s", (int)length, line);
	if (r < 0)
		return -ENOMEM;
	fields[n++] = field(message, r);
	r = asprintf(&subsystem, "SUBSYSTEM=%s", log->subsystem);
	if (r < 0)
		return -ENOMEM;
	fields[n++] = field(subsystem, r);
	fields[n++] = field(priority, strlen(priority));
	fields[n++] = field(identifier, strlen(identifier));
	if (log->category) {
		r = asprintf(&category, "CATEGORY=%s", log->category);
		if (r < 0)
			return -ENOMEM;
		fields[n++] = field(category, r);
	}
	return sd_journal_sendv(fields, n);
}
