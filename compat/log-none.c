/* SPDX-License-Identifier: MIT */
#include "compat/log.h"

bool esc_log_system(const struct os_log_s *log, int priority, const char *line)
{
	(void)log;
	(void)priority;
	(void)line;
	return false;
}
