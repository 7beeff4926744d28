/* SPDX-License-Identifier: MIT */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include "compat/log.h"

#include <stdio.h>
#include <sys/uio.h>

#include <systemd/sd-journal.h>

enum { FIELDS_MAX = 5, LINE_BYTES = 4096 };

static int add(struct iovec *fields, int n, char *text, size_t size, const char *name, const char *value)
{
	int length = snprintf(text, size, "%s=%s", name, value);

	fields[n] = (struct iovec){ text, (size_t)length < size ? (size_t)length : size - 1 };
	return n + 1;
}

bool esc_log_system(const struct os_log_s *log, int priority, const char *line)
{
	char message[LINE_BYTES], identifier[128], level[16], subsystem[256], category[256], number[2] = { '0', '\0' };
	struct iovec fields[FIELDS_MAX];
	int n = 0;

	/* If journald isn't there, sd_journal_sendv() does nothing and reports success. So check first. */
	if (access("/run/systemd/journal/socket", W_OK))
		return false;
	number[0] = (char)('0' + priority);
	n = add(fields, n, message, sizeof(message), "MESSAGE", line);
	n = add(fields, n, level, sizeof(level), "PRIORITY", number);
	n = add(fields, n, identifier, sizeof(identifier), "SYSLOG_IDENTIFIER", program_invocation_short_name);
	if (log->subsystem)
		n = add(fields, n, subsystem, sizeof(subsystem), "SUBSYSTEM", log->subsystem);
	if (log->category)
		n = add(fields, n, category, sizeof(category), "CATEGORY", log->category);
	return sd_journal_sendv(fields, n) == 0;
}
