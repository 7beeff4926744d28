/* SPDX-License-Identifier: MIT */

/*
 * The daemon's socket: its own one, and one that a supervisor passes. Which process holds the name, which ones wait,
 * and what the daemon removes at its end.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/serve/connection.h"
#include "daemon/serve/daemon.h"
#include "daemon/serve/listen.h"
#include "daemon/test.h"
#include "util/notify.h"

static char directory[] = "/tmp/es-listen-XXXXXX", path[64], other[64];
static struct esd_daemon daemon_;

static struct sockaddr_un address_of(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, name);
	return address;
}

static int supervisor_socket(const char *name, int type, bool listens)
{
	struct sockaddr_un address = address_of(name);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	(void)unlink(name);
	REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	REQUIRE(!listens || listen(fd, 8) == 0);
	return fd;
}

static bool exists(const char *name)
{
	struct stat st;

	return lstat(name, &st) == 0;
}

/* Connects before there is a daemon, and is taken by the one that comes. */
static void test_passed(void)
{
	struct sockaddr_un address = address_of(path);
	int early = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int kept = supervisor_socket(path, SOCK_SEQPACKET, true);
	struct esd_listen listen_;

	REQUIRE(connect(early, (struct sockaddr *)&address, sizeof(address)) == 0);
	esd_listen_init(&listen_, &daemon_, path);
	REQUIRE(esd_listen_pass(&listen_, dup(kept)) == 0);
	REQUIRE(esd_listen_lock(&listen_) == 0 && esd_listen_start(&listen_) == 0);
	REQUIRE(loop_step(&daemon_.loop, 1000) == 1);
	REQUIRE(daemon_.anonymous_count[geteuid() == 0] == 1);
	esd_listen_deinit(&listen_);
	REQUIRE(exists(path));				/* the supervisor's, and it goes on listening */
	REQUIRE(esd_listen_answered(path));
	close(early);
	close(kept);
	REQUIRE(!esd_listen_answered(path));
	REQUIRE(unlink(path) == 0);
}

static void refused(int fd, int error)
{
	struct esd_listen listen_;

	esd_listen_init(&listen_, &daemon_, path);
	REQUIRE(esd_listen_pass(&listen_, fd) == error);
	esd_listen_deinit(&listen_);
	REQUIRE(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
}

static void test_passed_wrong(void)
{
	refused(supervisor_socket(path, SOCK_STREAM, true), -EBADF);
	refused(supervisor_socket(path, SOCK_SEQPACKET, false), -EBADF);
	refused(open("/dev/null", O_RDONLY | O_CLOEXEC), -EBADF);
	refused(supervisor_socket(other, SOCK_SEQPACKET, true), -EADDRNOTAVAIL);
	REQUIRE(unlink(path) == 0 && unlink(other) == 0);
}

/* A private daemon is running when the supervisor's socket replaces its own. */
static void test_replaced(void)
{
	struct esd_listen before, after;
	int kept;

	esd_listen_init(&before, &daemon_, path);
	REQUIRE(esd_listen_lock(&before) == 0 && esd_listen_start(&before) == 0);
	kept = supervisor_socket(path, SOCK_SEQPACKET, true);

	esd_listen_init(&after, &daemon_, path);
	REQUIRE(esd_listen_lock(&after) == EWOULDBLOCK);
	REQUIRE(esd_listen_pass(&after, kept) == 0);
	REQUIRE(esd_listen_lock(&after) == 0 && esd_listen_start(&after) == 0);

	esd_listen_deinit(&before);			/* takes away its lock, and not the other's socket */
	REQUIRE(esd_listen_answered(path));
	esd_listen_deinit(&after);
	REQUIRE(exists(path) && unlink(path) == 0);
}

static void environment(pid_t pid, const char *count)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	REQUIRE(setenv("LISTEN_PID", text, 1) == 0);
	REQUIRE(setenv("LISTEN_FDS", count, 1) == 0);
}

/* In a process of its own, since it is about descriptor 3. */
static void test_environment(void)
{
	int status;
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0) {
		REQUIRE(notify_passed_socket() < 0);
		environment(getpid(), "0");
		REQUIRE(notify_passed_socket() < 0);
		environment(getppid(), "1");
		REQUIRE(notify_passed_socket() < 0);
		(void)close(3);
		environment(getpid(), "1");
		REQUIRE(notify_passed_socket() < 0);
		REQUIRE(dup2(0, 3) == 3);
		environment(getpid(), "1");
		REQUIRE(notify_passed_socket() == 3);
		REQUIRE(fcntl(3, F_GETFD) == FD_CLOEXEC);
		REQUIRE(!getenv("LISTEN_PID") && !getenv("LISTEN_FDS") && notify_passed_socket() < 0);
		_exit(0);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
	alarm(30);
	REQUIRE(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/control", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	REQUIRE(esd_daemon_init(&daemon_) == 0);

	test_passed();
	test_passed_wrong();
	test_replaced();
	test_environment();

	esd_connections_end(&daemon_);
	esd_daemon_deinit(&daemon_);
	REQUIRE(rmdir(directory) == 0);			/* nothing was left in it */
	return 0;
}
