/* SPDX-License-Identifier: MIT */

/*
 * A program reports more to auditing than a client reads. Messages that don't fit the client's ring are lost and leave
 * a gap in the numbers, and no process waits for another.
 */
#include "teller.h"
#include "es-test.h"

enum { MESSAGES = 5000 };

static int tell_often(int times)
{
	static const char text[] = "op=PAM:authentication grantors=? acct=\"root\" exe=\"/x\" hostname=? addr=? terminal=? "
				   "res=failed";
	int fd = test_audit();

	for (int i = 0; i < times; i++)
		if (test_tell(fd, 1100, text, sizeof(text), 0))
			return 1;
	return 0;
}

static int flood(void *context)
{
	(void)context;
	return tell_often(MESSAGES);
}

static int once(void *context)
{
	(void)context;
	return tell_often(1);
}

int main(void)
{
	const es_event_type_t type = ES_NOTIFY(AUTHENTICATION);
	int fd = test_audit();
	struct test_client *slow;
	uint64_t received;

	closep(&fd);
	test_begin(60);
	if (fd < 0)
		test_skip("auditing in this kernel");
	test_daemon("--ring-size", "65536", NULL);
	slow = test_client(NULL, NULL);
	slow->counting = true;
	test_subscribe(slow, type, -1);

	/* The handler takes client->lock to collect: holding it stops the handler. */
	pthread_mutex_lock(&slow->lock);
	CHECK_EQUAL(test_run(flood, NULL), 0);
	pthread_mutex_unlock(&slow->lock);
	test_sync(slow);
	received = slow->received[type];
	CHECK(received > 10 && received < MESSAGES);

	/* The next message shows the gap. */
	CHECK_EQUAL(test_run(once, NULL), 0);
	test_sync(slow);
	CHECK_EQUAL(slow->received[type], received + 1);
	CHECK_EQUAL(slow->next_seq[type], MESSAGES + 1);
	CHECK(!slow->disorder);
	return test_end();
}
