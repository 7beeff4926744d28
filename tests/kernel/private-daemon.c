/* SPDX-License-Identifier: MIT */

/*
 * If no daemon listens, the first client's library starts one. Other clients share it. It ends with the last of them,
 * even if that is killed, and leaves neither process nor socket. The program notices nothing: no SIGCHLD, no child.
 */

#include "es-test.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>

static volatile sig_atomic_t child_signals;

static void on_child(int signal)
{
	(void)signal;
	child_signals++;
}

static pid_t listener(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct ucred peer = {.pid = 0};
	socklen_t length = sizeof(peer);

	strcpy(address.sun_path, getenv("ENDPOINTSECURITY_SOCKET"));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
	close(fd);
	return peer.pid;
}

static void expect_gone(pid_t daemon)
{
	uint64_t limit = test_now() + 3000000000ull * test_slow();

	while (test_runs(daemon) && test_now() < limit)
		test_sleep_ms(5);
	CHECK(!test_runs(daemon));
	CHECK_EQUAL(access(getenv("ENDPOINTSECURITY_SOCKET"), F_OK), -1);
}

static int other_client(void *context)
{
	struct test_client *client = test_client(NULL, NULL);
	int *ready = context;
	pid_t daemon = listener();

	test_subscribe(client, ES_NOTIFY(EXIT), -1);
	if (write(ready[1], &daemon, sizeof(daemon)) != sizeof(daemon))
		return 1;
	for (;;)
		pause();
}

static pid_t start_other(pid_t *ret_daemon)
{
	int ready[2];
	pid_t pid;

	REQUIRE(pipe2(ready, O_CLOEXEC) == 0);
	pid = test_fork(other_client, ready);
	close(ready[1]);
	REQUIRE(read(ready[0], ret_daemon, sizeof(*ret_daemon)) == sizeof(*ret_daemon));
	close(ready[0]);
	return pid;
}

static int nothing(void *context)
{
	(void)context;
	return 0;
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART};
	struct test_client *client;
	pid_t daemon, same, other;

	test_begin(40);
	sigaction(SIGCHLD, &action, NULL);
	client = test_client(NULL, NULL);
	daemon = listener();
	REQUIRE(daemon > 0);
	CHECK(daemon != getpid() && getsid(daemon) != getsid(0));
	CHECK_EQUAL(child_signals, 0);
	CHECK(waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD);

	test_subscribe(client, ES_NOTIFY(EXIT), -1);	/* nothing that holds: this daemon's scope is everything */
	other = test_fork(nothing, NULL);
	CHECK_EQUAL(test_wait(other), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXIT), .pid = other), 1);

	other = start_other(&same);
	CHECK_EQUAL(same, daemon);
	test_client_delete(client);
	test_sleep_ms(200);
	CHECK(test_runs(daemon));				/* the other client is still there */
	kill(other, SIGKILL);
	test_wait(other);
	expect_gone(daemon);

	/* And again, with a first client that dies by itself. */
	other = start_other(&daemon);
	CHECK(daemon > 0 && test_runs(daemon));
	kill(other, SIGKILL);
	test_wait(other);
	expect_gone(daemon);
	return test_end();
}
