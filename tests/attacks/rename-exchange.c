/* SPDX-License-Identifier: MIT */

/* renameat2(RENAME_EXCHANGE) is denied if the client denies AUTH_RENAME, and also if it denies AUTH_EXCHANGEDATA. */

#include "attack.h"

#include <sys/syscall.h>

static es_event_type_t denies;

static enum judged judge(const es_message_t *message)
{
	return message->event_type == denies ? JUDGED_DENY : JUDGED_ALLOW;
}

static int exchange(void *context)
{
	(void)context;
	return attack_result(syscall(SYS_renameat2, AT_FDCWD, test_at("one"), AT_FDCWD, test_at("two"), RENAME_EXCHANGE));
}

static void try(struct attack *attack, es_event_type_t type, int expected)
{
	denies = type;
	test_write_file(test_at("one"), "one", 0644);
	test_write_file(test_at("two"), "two", 0644);
	CHECK_EQUAL(attack_status(exchange, NULL), expected);
	CHECK_EQUAL(attack_has_content(test_at("one"), "two"), !expected);
	(void)attack;
}

int main(void)
{
	struct attack *attack = attack_begin(60, judge);

	test_hold(attack->client, ES_AUTH(RENAME), -1);
	try(attack, ES_AUTH(RENAME), EPERM);
	try(attack, ES_AUTH(EXCHANGEDATA), 0);
	test_hold(attack->client, ES_AUTH(EXCHANGEDATA), -1);
	try(attack, ES_AUTH(RENAME), EPERM);
	try(attack, ES_AUTH(EXCHANGEDATA), EPERM);
	try(attack, ES_AUTH(OPEN), 0);
	CHECK_EQUAL(attack->allowed[ES_AUTH(EXCHANGEDATA)] + attack->asked[ES_AUTH(EXCHANGEDATA)], 3);
	/* After a denied AUTH_EXCHANGEDATA the kernel doesn't ask AUTH_RENAME. */
	CHECK_EQUAL(attack->allowed[ES_AUTH(RENAME)] + attack->asked[ES_AUTH(RENAME)], 4);
	return test_end();
}
