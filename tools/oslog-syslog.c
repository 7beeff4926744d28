/* SPDX-License-Identifier: MIT */

#include "tools/oslog.h"

#include <errno.h>
#include <syslog.h>
#include <unistd.h>

int oslog_open(const struct oslog *log)
{
	if (access("/dev/log", W_OK))
		return -ENOENT;
	openlog(log->subsystem, LOG_NDELAY, LOG_USER);
	return 0;
}

const char *oslog_name(void)
{
	return "syslog (/dev/log)";
}

int oslog_line(const struct oslog *log, const char *line, size_t length)
{
	if (log->category)
		syslog(LOG_INFO, "[%s] %.*s", log->category, (int)length, line);
	else
		syslog(LOG_INFO, "%.*s", (int)length, line);
	return 0;
}
