/* SPDX-License-Identifier: MIT */

/*
 * Somebody tells auditing more than a client reads: what doesn't fit its ring is lost, a gap in the numbers, and nobody
 * waits for anybody.
 */
#include <linux/netlink.h>
#include <sys/socket.h>

#include "es-test.h"

enum { MESSAGES = 5000 };

static int tell_often(int times)
{
	static const char text[] = "op=PAM:authentication grantors=? acct=\"root\" exe=\"/x\" hostname=? addr=? terminal=? "
				   "res=failed";
	struct {
		struct nlmsghdr head;
		char text[sizeof(text)];
	} message = { .head = { .nlmsg_len = sizeof(message), .nlmsg_type = 1100 } };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	memcpy(message.text, text, sizeof(text));
	for (int i = 0; i < times; i++)
		if (sendto(fd, &message, sizeof(message), 0, NULL, 0) < 0)
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
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
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

	/* The collector takes client->lock: who holds it, holds the handler. */
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
