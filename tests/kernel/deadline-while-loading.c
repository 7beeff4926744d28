/* SPDX-License-Identifier: MIT */

/*
 * While the daemon loads kernel programs, which takes long, it still keeps deadlines, serves other clients and accepts
 * new ones. The test makes it load them by asking for all capabilities.
 */

#include "es-test.h"

#include <sys/mman.h>

enum { DEADLINE_MS = 100, SPARE_MS = 100, LOADING_MS = 60000 };

struct shared {
	uint64_t done_ns;		/* when the waiting call returned */
	uint64_t loaded_ns;		/* when all capabilities were known */
	int error;
};

static struct shared *shared;

static void hold(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;
}

static int opens(void *path)
{
	int fd = open(path, O_RDONLY);

	shared->error = fd < 0 ? errno : 0;
	shared->done_ns = test_now();
	return 0;
}

static int loads(void *context)
{
	(void)context;
	if (system(test_built("tools/esctl capabilities >/dev/null")))
		return 1;
	shared->loaded_ns = test_now();
	return 0;
}

/* A client comes, subscribes to what is loaded, and goes. When it had gone: */
static uint64_t serve(void)
{
	struct test_client *client = test_client(NULL, NULL);

	test_subscribe(client, ES_NOTIFY(EXIT), -1);
	test_client_delete(client);
	return test_now();
}

static double after_ms(uint64_t time, const es_message_t *message)
{
	return (double)time / 1e6 - (double)message->deadline / 1e6;
}

int main(void)
{
	const es_message_t *message;
	struct test_client *client;
	char deadline[16];
	pid_t loader, opener;
	uint64_t served_ns;
	double late;

	test_begin(120);
	snprintf(deadline, sizeof(deadline), "%u", DEADLINE_MS * test_slow());
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	test_write_file(test_at("file"), "", 0644);
	test_daemon("--deadline-ms", deadline, NULL);
	client = test_client(hold, NULL);
	CHECK_EQUAL(es_set_deadline_miss_mode(client->client, ES_DEADLINE_MISS_MODE_FAIL_CLOSED), ES_RETURN_SUCCESS);
	test_hold(client, ES_AUTH(OPEN), -1);

	opener = test_fork(opens, (void *)test_at("file"));
	message = AWAIT(client, .type = ES_AUTH(OPEN), .pid = opener);
	REQUIRE(message != NULL);
	loader = test_fork(loads, NULL);
	CHECK_EQUAL(test_wait(opener), 0);
	served_ns = serve();
	CHECK_EQUAL(test_wait_ms(loader, LOADING_MS * test_slow()), 0);
	if (shared->loaded_ns < shared->done_ns + DEADLINE_MS * 1000000ull)
		test_skip("a machine on which loading takes longer than a deadline");
	CHECK_EQUAL(shared->error, EPERM);
	late = after_ms(shared->done_ns, message);
	printf("after the deadline: let go %.1f ms, a client came and went %.1f ms, all loaded %.1f ms\n", late,
	       after_ms(served_ns, message), after_ms(shared->loaded_ns, message));
	CHECK(late > 0 && late <= SPARE_MS * test_slow());
	CHECK(served_ns < shared->loaded_ns);
	return test_end();
}
