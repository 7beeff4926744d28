/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the tests of tests/attacks share: a client that decides by the names of files, and keeps count. What is about a
 * file (or into a directory) whose last name begins with "denied" it denies; what begins with "held" waits until
 * attack_release(); all else it allows. A test may judge by itself.
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
	unsigned int asked[ES_EVENT_TYPE_LAST];		/* of what didn't get JUDGED_ALLOW */
	unsigned int allowed[ES_EVENT_TYPE_LAST];
	unsigned int late;				/* answers that came when nobody waited for them */
	uint64_t serial;				/* of the last answer */
};

/*
 * Begins as test_begin() and test_daemon() do, and skips the test where there are no LSM programs; `judge` NULL:
 * attack_by_name().
 */
struct attack *attack_begin(unsigned int seconds, attack_judge_f *judge);
struct attack *attack_client(attack_judge_f *judge);	/* after both */
void attack_needs_lsm(struct attack *attack);		/* skips, as said */

void attack_await_held(struct attack *attack, unsigned int count);	/* so many wait, or the test ends */
void attack_release(struct attack *attack, enum judged judged);		/* answers all that wait */

int attack_result(long value);			/* 0, or errno */
int attack_status(test_child_f *attacker, void *context);	/* runs it: its exit status, or 255 */
bool attack_has_content(const char *path, const char *text);

/* A held call is left by a jump out of a signal's handler: 0 if call() ended by itself, 1 if it was left. */
int attack_jump_out(void (*call)(void *context), void *context, unsigned int ms);
