/* SPDX-License-Identifier: MIT */

/*
 * What operations on names cost while they are told: nobody subscribed, and one client that is, in a folder that is nearly
 * empty and in one of 50,000 names. In a guest that counts instructions (tests/vm/run --icount) a nanosecond is an
 * instruction.
 */

#include "es-test.h"

#include <sys/mman.h>

enum { ROUNDS = 400, MANY = 50000 };

static const char *folder;

static int run_open(int i)
{
	int fd = open("file", O_RDONLY);

	(void)i;
	return fd < 0 ? -1 : close(fd);
}

static int run_stat(int i)
{
	struct stat seen;

	(void)i;
	return stat("file", &seen);
}

static int run_rename(int i)
{
	return i % 2 ? rename("moved", "file") : rename("file", "moved");
}

static int run_unlink(int i)
{
	char name[16];

	snprintf(name, sizeof(name), "u%d", i);
	return unlink(name);
}

static const struct row {
	const char *name;
	int type;
	int (*run)(int i);
} rows[] = {
	{"stat", ES_NOTIFY(STAT), run_stat},
	{"open and close", ES_NOTIFY(OPEN), run_open},
	{"open and close, CLOSE", ES_NOTIFY(CLOSE), run_open},
	{"rename", ES_NOTIFY(RENAME), run_rename},
	{"unlink", ES_NOTIFY(UNLINK), run_unlink},
	{"kill, of a client of UNLINK", ES_NOTIFY(UNLINK), NULL},
};

struct result {
	double ns;
	int failed;
};

/* In a child, so that nothing but the operation is in the time. */
static int measure_in_child(void *context)
{
	const struct row *row = ((void **)context)[0];
	struct result *result = ((void **)context)[1];
	uint64_t start;

	if (chdir(folder) < 0)
		return 1;
	for (int i = 0; row->run == run_unlink && i < ROUNDS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "u%d", i);
		test_write_file(name, "", 0644);
	}
	for (int i = 0; row->run && row->run != run_unlink && i < 20; i++)
		result->failed += row->run(i) < 0;
	start = test_now();
	for (int i = 0; i < ROUNDS; i++)
		result->failed += (row->run ? row->run(i) : kill(getppid(), 0)) < 0;
	result->ns = (double)(test_now() - start) / ROUNDS;
	return 0;
}

static double measure(const struct row *row, struct result *shared)
{
	void *context[] = {(void *)row, shared};

	*shared = (struct result){0, 0};
	REQUIRE(test_run(measure_in_child, context) == 0);
	CHECK_EQUAL(shared->failed, 0);
	return shared->ns;
}

static void make_many(const char *path)
{
	int dir = open(path, O_PATH | O_DIRECTORY);
	char name[16];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		REQUIRE(mknodat(dir, name, S_IFREG | 0644, 0) == 0);
	}
	close(dir);
}

int main(void)
{
	struct result *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct test_client *client;

	test_begin(280);
	REQUIRE(mkdir(test_at("few"), 0755) == 0 && mkdir(test_at("many"), 0755) == 0);
	test_write_file(test_at("few/file"), "", 0644);
	test_write_file(test_at("many/file"), "", 0644);
	make_many(test_at("many"));
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	client->counting = true;
	printf("%-30s %10s %10s %10s %10s\n", "", "few", "told", "50,000", "told");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		es_event_type_t type = (es_event_type_t)rows[i].type;
		double ns[4];

		for (int many = 0; many < 2; many++) {
			folder = test_at(many ? "many" : "few");
			ns[2 * many] = measure(&rows[i], shared);
			REQUIRE(es_subscribe(client->client, &type, 1) == ES_RETURN_SUCCESS);
			ns[2 * many + 1] = measure(&rows[i], shared);
			REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
			test_sync(client);
		}
		printf("%-30s %10.0f %10.0f %10.0f %10.0f\n", rows[i].name, ns[0], ns[1], ns[2], ns[3]);
		fflush(stdout);
	}
	return test_end();
}
