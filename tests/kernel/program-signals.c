/* SPDX-License-Identifier: MIT */

/*
 * The program's signals stay its own: its handlers never run on the library's threads, no call of the API fails
 * because of a signal, and signalfd, sigwait and SIGCHLD work as without a client.
 */

#include "es-test.h"

#include <sys/signalfd.h>

enum { ROUNDS = 30 };

static volatile sig_atomic_t caught, misplaced;
static pthread_t main_thread;

static void on_signal(int signal)
{
	(void)signal;
	caught++;
	if (!pthread_equal(pthread_self(), main_thread))
		misplaced++;
}

static int opens(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

/* Signals for the process, not for a thread: the kernel gives each to whichever thread takes it. */
static int storm(void *context)
{
	pid_t parent = *(pid_t *)context;

	for (int i = 0; i < 20000 && kill(parent, SIGUSR1) == 0; i++)
		usleep(200);
	return 0;
}

/* Without SA_RESTART, so that every call that can be interrupted is. */
static void calls_under_storm(const char *path)
{
	struct sigaction action = { .sa_handler = on_signal };
	es_event_type_t types[] = {ES_NOTIFY(OPEN), ES_AUTH(OPEN)}, *list;
	struct test_client *client;
	pid_t self = getpid(), pid;
	size_t count;

	REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
	pid = test_fork(storm, &self);
	for (int i = 0; i < ROUNDS; i++) {
		client = test_client(NULL, NULL);
		CHECK_EQUAL(es_subscribe(client->client, types, 2), ES_RETURN_SUCCESS);
		CHECK_EQUAL(es_set_deadline_miss_mode(client->client, ES_DEADLINE_MISS_MODE_FAIL_OPEN),
			    ES_RETURN_SUCCESS);
		CHECK_EQUAL(es_subscriptions(client->client, &count, &list), ES_RETURN_SUCCESS);
		CHECK_EQUAL(count, 2);
		free(list);
		CHECK_EQUAL(test_run(opens, (void *)path), 0);
		test_sync(client);
		CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .path = path), 1);
		CHECK_EQUAL(es_unsubscribe_all(client->client), ES_RETURN_SUCCESS);
		test_client_delete(client);
	}
	kill(pid, SIGKILL);
	test_wait(pid);
	printf("%d signals came in between\n", (int)caught);
	CHECK(caught > ROUNDS);
	CHECK_EQUAL(misplaced, 0);
}

static void waited_for(const char *path)
{
	struct test_client *client = test_client(NULL, NULL);
	struct signalfd_siginfo info;
	sigset_t set;
	int signal, fd;

	test_subscribe(client, ES_AUTH(OPEN), -1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGCHLD);
	REQUIRE(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
	for (int i = 0; i < 200; i++) {
		REQUIRE(kill(getpid(), SIGUSR2) == 0);
		CHECK(sigwait(&set, &signal) == 0 && signal == SIGUSR2);
	}
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	for (int i = 0; i < 200; i++) {
		REQUIRE(kill(getpid(), SIGUSR2) == 0);
		CHECK(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR2);
	}
	CHECK_EQUAL(test_run(opens, (void *)path), 0);
	CHECK(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGCHLD);
	CHECK(read(fd, &info, sizeof(info)) < 0 && errno == EAGAIN);	/* no child of the library's */
	CHECK(waitpid(-1, NULL, WNOHANG) <= 0);
	close(fd);
}

int main(void)
{
	const char *path;

	test_begin(60);
	main_thread = pthread_self();
	path = test_at("file");
	test_write_file(path, "", 0644);
	test_daemon(NULL);
	calls_under_storm(path);
	waited_for(path);
	return test_end();
}
