/* SPDX-License-Identifier: MIT */

/*
 * If the kernel asks several clients about one operation, they think at the same time (facts 4, 48): the operation
 * waits for the slowest, not for the sum. This needs the lsm sensor; fanotify asks one group after the other.
 */

#include "es-test.h"

enum { CLIENTS = 3, THINK_MS = 400 };

static void think(struct test_client *client, const es_message_t *message)
{
	test_sleep_ms(THINK_MS);
	test_allow(client, message);
}

static int opens(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

static bool lsm(void)
{
	FILE *status;
	char command[4200], line[1024];
	bool found = false;

	snprintf(command, sizeof(command), "%s status", test_built("tools/esctl"));
	status = popen(command, "re");
	REQUIRE(status != NULL);
	while (fgets(line, sizeof(line), status))
		found |= !strncmp(line, "sensor", 6) && strstr(line, "lsm (");
	pclose(status);
	return found;
}

int main(void)
{
	struct test_client *clients[CLIENTS];
	const char *path;
	uint64_t begin;
	double ms;

	test_begin(60);
	path = test_at("file");
	test_write_file(path, "", 0644);
	test_daemon(NULL);
	if (!lsm())
		test_skip("BPF LSM programs: fanotify asks one client after the other");
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = test_client(think, NULL);
		test_subscribe(clients[i], ES_AUTH(OPEN), -1);
	}
	begin = test_now();
	CHECK_EQUAL(test_run(opens, (void *)path), 0);
	ms = (double)(test_now() - begin) / 1e6;
	printf("%d clients that think for %d ms each: %.0f ms\n", CLIENTS, THINK_MS, ms);
	CHECK(ms >= THINK_MS && ms < 2 * THINK_MS + THINK_MS / 2);
	for (int i = 0; i < CLIENTS; i++)
		CHECK_EQUAL(COUNT(clients[i], .type = ES_AUTH(OPEN), .path = path), 1);
	return test_end();
}
