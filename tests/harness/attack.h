/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Shared by tests/attacks: a client that decides by the names of files, and counts. It denies operations on a file (or into
 * a directory) whose last name begins with "denied". It leaves those on "held..." waiting until attack_release(). It
 * allows all others. A test may pass a judge of its own.
 */

#include "es-test.h"

enum judged {
	JUDGED_ALLOW,
	JUDGED_DENY,
	JUDGED_HOLD,
};

typedef enum judged attack_judge_f(const es_message_t *message);

enum judged attack_by_name(const es_message_t *message);

struct attack {
	struct test_client *client;
	attack_judge_f *judge;
	unsigned int asked[ES_EVENT_TYPE_LAST];		/* questions that weren't judged JUDGED_ALLOW */
	unsigned int allowed[ES_EVENT_TYPE_LAST];
	unsigned int late;				/* answers for which no task waited any more */
	uint64_t serial;				/* of the last answered question */
};

/*
 * Does test_begin() and test_daemon(), and skips the test if there are no LSM programs. `judge` NULL: attack_by_name().
 */
struct attack *attack_begin(unsigned int seconds, attack_judge_f *judge);
struct attack *attack_client(attack_judge_f *judge);	/* the same, after test_begin() and test_daemon() */
void attack_needs_lsm(struct attack *attack);		/* skips the test if there are no LSM programs */

void attack_await_held(struct attack *attack, unsigned int count);	/* until `count` operations wait; else the test fails */
void attack_release(struct attack *attack, enum judged judged);		/* answers all waiting operations */

int attack_result(long value);			/* 0, or errno */
int attack_status(test_child_f *attacker, void *context);	/* runs the attacker; returns its exit status, or 255 */
bool attack_has_content(const char *path, const char *text);

/* Leaves call() after `ms` by a jump out of a signal's handler. 0: call() ended by itself; 1: it was left. */
int attack_jump_out(void (*call)(void *context), void *context, unsigned int ms);
