/* SPDX-License-Identifier: MIT */

/*
 * A process with many threads gives one exit event, even if all threads end at the same time and wait for each other's
 * lock on the process's memory: by exit, by a signal, and each thread by itself.
 */

#include "es-test.h"

#include <sys/mman.h>

enum { THREADS = 12, ROUNDS = 4, BYTES = 16 << 20 };

enum how { EXIT, KILLED, EACH };

static char *memory;
static pthread_barrier_t barrier;

/* Keeps the lock of the process's memory: it changes the protection of all its pages again and again. */
static void *keep_busy(void *context)
{
	pthread_barrier_wait(&barrier);
	for (int i = 0; context || i < 4; i++)
		mprotect(memory, BYTES, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ);
	return NULL;
}

static void *end(void *context)
{
	pthread_barrier_wait(&barrier);
	for (;;) {
		if (*(enum how *)context == EACH)
			return NULL;
		munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
	}
}

static int process(void *context)
{
	const enum how *how = context;
	pthread_t thread;

	memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED || pthread_barrier_init(&barrier, NULL, THREADS + 2) ||
	    pthread_create(&thread, NULL, keep_busy, *how == EACH ? NULL : memory))
		return 1;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, end, context))
			return 2;
	pthread_barrier_wait(&barrier);
	if (*how == KILLED)
		raise(SIGKILL);
	if (*how == EACH)
		pthread_exit(NULL);
	usleep(1000);
	return 0;
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(EXIT), -1);
	for (enum how how = EXIT; how <= EACH; how++) {
		for (int i = 0; i < ROUNDS; i++) {
			pid_t pid = test_fork(process, &how);
			int status = test_wait(pid);
			const es_message_t *message;

			test_sync(client);
			message = FIND(client, .type = ES_NOTIFY(EXIT), .pid = pid);
			CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXIT), .pid = pid), 1);
			if (CHECK(message != NULL))
				CHECK_EQUAL(message->event.exit.stat, status);
			CHECK(how == KILLED ? WIFSIGNALED(status) : status == 0);
		}
	}
	return test_end();
}
