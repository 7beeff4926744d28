/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *esl_errno(int error)
{
	const char *name = strerrorname_np(error < 0 ? -error : error);

	return name ? name : "unknown error";
}

void esl_log(const char *format, ...)
{
	static const char prefix[] = "EndpointSecurity: ";
	int saved_errno = errno;
	char line[2048];
	size_t length = sizeof(prefix) - 1;
	va_list arguments;
	int n;

	memcpy(line, prefix, length);
	va_start(arguments, format);
	n = vsnprintf(line + length, sizeof(line) - length - 1, format, arguments);
	va_end(arguments);
	if (n > 0)
		length += (size_t)n < sizeof(line) - length - 1 ? (size_t)n : sizeof(line) - length - 2;
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, length) < 0) {
		/* stderr can't be written: the line is lost */
	}
	errno = saved_errno;
}
