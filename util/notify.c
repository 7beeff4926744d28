/* SPDX-License-Identifier: MIT */
#include "util/notify.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/macro.h"
#include "util/number.h"

enum {
	FIRST_PASSED = 3,		/* SD_LISTEN_FDS_START */
};

void notify_supervisor(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	size_t length;

	if (!path || (path[0] != '/' && path[0] != '@'))
		return;
	length = strlen(path);
	if (length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
		      offsetof(struct sockaddr_un, sun_path) + length);
}

/* Does $LISTEN_PID or $WATCHDOG_PID name this process? Programs that aren't meant inherit them, too. */
static bool is_us(const char *pid_text)
{
	uint64_t pid;

	return number_parse(pid_text, 1, UINT32_MAX, &pid) == 0 && pid == (uint64_t)getpid();
}

int notify_passed_socket(void)
{
	const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
	uint64_t count;

	if (!pid_text || !is_us(pid_text) || !count_text || number_parse(count_text, 1, INT32_MAX, &count) < 0)
		return -1;
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return fcntl(FIRST_PASSED, F_SETFD, FD_CLOEXEC) < 0 ? -1 : FIRST_PASSED;
}

uint64_t notify_watchdog_ns(void)
{
	const char *text = getenv("WATCHDOG_USEC"), *pid_text = getenv("WATCHDOG_PID");
	uint64_t us;

	if (!text || number_parse(text, 1, UINT64_MAX / 1000, &us) < 0)
		return 0;
	if (pid_text && !is_us(pid_text))
		return 0;
	return us * 1000;
}
