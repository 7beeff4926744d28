/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Shared by the tests on real kernel events. A test is a program that is named for the behaviour it proves:
 *
 *	int main(void)
 *	{
 *		struct test_client *client;
 *
 *		test_begin(20);				private mounts, a tmpfs at test_mnt, a watchdog of 20 s
 *		test_daemon(NULL);			a daemon that looks at test_mnt and the test's cgroup only
 *		client = test_client(NULL, NULL);	collects every message, allows every question
 *		test_subscribe(client, ES_EVENT_TYPE_NOTIFY_OPEN, -1);
 *		test_run(do_something, NULL);		in a child
 *		test_sync(client);			everything that was done before has been handled
 *		CHECK(COUNT(client, .type = ES_EVENT_TYPE_NOTIFY_OPEN, .path = test_at("file")) == 1);
 *		return test_end();
 *	}
 *
 * It exits with 0, 1 (a CHECK failed), or 77 (skipped; it prints the missing feature). However it ends, its children and
 * its daemon die with it, and its mounts go with its namespace. Except in guests, no client is asked about operations
 * outside of test_mnt, and none denies them.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>
#include <EndpointSecurity/EndpointSecurity.h>

#include "util/macro.h"

#define ES_AUTH(name) ES_EVENT_TYPE_AUTH_##name
#define ES_NOTIFY(name) ES_EVENT_TYPE_NOTIFY_##name

/* After a failed CHECK the test goes on, and fails in the end; a failed REQUIRE ends it. Both print the condition. */
#define CHECK(condition) test_check((condition), __FILE__, __LINE__, #condition)
#define REQUIRE(condition) ((void)(test_check((condition), __FILE__, __LINE__, #condition) || (test_fail(), 0)))
#define CHECK_EQUAL(actual, expected) \
	test_check_equal((long long)(actual), (long long)(expected), __FILE__, __LINE__, #actual, #expected)
#define CHECK_STRING(actual, expected) test_check_string((actual), (expected), __FILE__, __LINE__, #actual)
#define CHECK_TOKEN(actual, expected) CHECK_STRING((actual).data, (expected))

bool test_check(bool holds, const char *file, int line, const char *text);
bool test_check_equal(long long actual, long long expected, const char *file, int line, const char *actual_text,
		      const char *expected_text);
bool test_check_string(const char *actual, const char *expected, const char *file, int line, const char *text);
_Noreturn void test_fail(void);
_Noreturn void test_skip(const char *feature);

extern char test_dir[];			/* the test's folder */
extern char test_mnt[];			/* a tmpfs in it */

void test_begin(unsigned int seconds);
int test_end(void);
int test_end_child(void);		/* for a child that used CHECK: returns its exit status */

/* A path below test_mnt, formatted as by printf. Lives until the test ends. */
const char *test_at(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *test_built(const char *path);	/* below the build directory */

/* Factor for time-outs, which are meant for an idle machine: sanitizers take longer. */
unsigned int test_slow(void);
unsigned int test_crowding(void);	/* how many times its processor time a computation takes now; 1 on an idle machine */
uint64_t test_now(void);			/* CLOCK_MONOTONIC, ns */
void test_sleep_ms(unsigned int ms);

/*
 * Starts the test's daemon. The options, apart from socket and scope, end with NULL. Without options the test uses the
 * runner's shared daemon, if there is one, and this returns 0. The shared daemon looks at the tests' cgroups, and beyond
 * test_mnt. A test that ends its daemon, or limits it to a cgroup, needs its own. Such a daemon logs to daemon.log in the
 * test's folder. test_end() stops it and checks that it exits with 0, unless the test has stopped it.
 */
pid_t test_daemon(const char *option, ...);
pid_t test_daemon_own(void);
int test_daemon_stop(int signal);		/* returns its wait status */
pid_t test_daemon_of(pid_t keeper);	/* of test_daemon("--keeper", "yes"), which returns the keeper; 0: it has none now */
pid_t test_child_of(pid_t pid, const char *name);	/* its child that calls itself so, in 15 bytes; 0: it has none */
bool test_runs(pid_t pid);	/* false: it is gone, or a zombie */
extern bool test_all_mounts;	/* set before test_daemon(): limit it to the test's cgroup only */
extern bool test_no_scope;			/* set before test_daemon(): look at everything, with a daemon of its own */

/*
 * A client that collects messages. It calls `answer` for AUTH messages, on the handler's thread; that has to answer them,
 * then or later. `answer` NULL: it allows them. test_end() deletes the client.
 */
struct test_client;
typedef void test_answer_f(struct test_client *client, const es_message_t *message);

struct test_client {
	es_client_t *client;
	test_answer_f *answer;
	void *context;
	bool counting;			/* keep no messages, only count those that arrive and those that are lost */
	uint64_t received[ES_EVENT_TYPE_LAST];
	uint64_t next_seq[ES_EVENT_TYPE_LAST];		/* the last seq_num and 1 */
	uint64_t next_global;
	uint64_t received_all;
	bool disorder;			/* a sequence number went backwards or came twice */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	const es_message_t **message;
	size_t count, room;
};

struct test_client *test_client(test_answer_f *answer, void *context);
void test_client_delete(struct test_client *client);
void test_subscribe(struct test_client *client, ...);	/* types, then -1; fails the test if refused */
void test_hold(struct test_client *client, ...);	/* the same; skips the test if one of them can't be held here */
unsigned int test_hold_all(struct test_client *client);	/* to all AUTH types that can be held here; returns how many */
bool test_has_objects(void);	/* do messages come from the kernel's objects? Else from what programs passed */
bool test_has_task_work(void);	/* do calls that can't sleep in their hook wait in task work, without any signal? */
bool test_has_gate(void);	/* can a held task sleep? Else it starts its system call over */
bool test_is_on_9p(const char *path);	/* as a guest's files of its host are, under tests/vm/run */
void test_sync(struct test_client *client);
void test_allow(struct test_client *client, const es_message_t *message);
void test_deny(struct test_client *client, const es_message_t *message);
void test_clear(struct test_client *client);		/* drops the collected messages */

/* Selects collected messages. A member that is zero matches all. */
struct test_match {
	int type;			/* -1: any. Zero isn't: it is AUTH_EXEC */
	pid_t pid;			/* of the acting process */
	const char *path;		/* of test_file() */
	unsigned int skip;		/* skips so many matches */
};

const es_message_t *test_find(struct test_client *client, const struct test_match *match);
const es_message_t *test_await(struct test_client *client, const struct test_match *match, unsigned int ms);
size_t test_count(struct test_client *client, const struct test_match *match);
#define FIND(client, ...) test_find((client), &(struct test_match){__VA_ARGS__})
#define COUNT(client, ...) test_count((client), &(struct test_match){__VA_ARGS__})
#define AWAIT(client, ...) test_await((client), &(struct test_match){__VA_ARGS__}, 5000)

const es_file_t *test_file(const es_message_t *message);	/* its target, source or executable; or NULL */
pid_t test_pid(const es_process_t *process);
unsigned int test_pidversion(const es_process_t *process);
bool test_same_process(const audit_token_t *a, const audit_token_t *b);
void test_print(struct test_client *client);			/* prints the collected messages, for a failed test's log */

/*
 * Children. The harness kills them when the test ends, however it ends. test_run() and test_wait() return the wait status;
 * they kill a child that takes longer than 10 s, and fail the test.
 */
typedef int test_child_f(void *context);
pid_t test_fork(test_child_f *function, void *context);
int test_wait(pid_t pid);
int test_wait_ms(pid_t pid, unsigned int ms);			/* -1: it still runs; doesn't kill it */
int test_run(test_child_f *function, void *context);
int test_exec(const char *path, char *const argv[], pid_t *ret_pid);	/* in a child: returns errno, or 0 if it ran */
size_t test_entries(const char *path);	/* how many a directory has, with . and ..; 0: there is no such directory */
void test_copy(const char *from, const char *to, mode_t mode);
const char *test_tiny(const char *name);	/* a small static program, copied to test_mnt: exits with its argument */
void test_write_file(const char *path, const char *text, mode_t mode);

/* Mounts an empty file system of this type (ext4, xfs, btrfs), made in test_dir/TYPE.image. False: it can't be had here. */
bool test_mount_image(const char *type, const char *folder);
