/* SPDX-License-Identifier: MIT */

/*
 * 10,000 paths, as literals and prefixes, of executables and targets: each counts, a list has all of them, and an open
 * of a muted program takes as long as with one mute. The paths are as long as the system allows.
 */

#include "es-test.h"

enum { PATHS = 10000, ROUNDS = 31, OPENS = 400 };

static struct test_client *client;
static char exe[4096];

static const char *numbered(unsigned int i, const char *end)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s/%u%s", test_mnt, i % 3 ? "some/directory" : "a", i, end);
	return path;
}

static es_return_t edit(unsigned int i, bool add)
{
	es_mute_path_type_t type = (es_mute_path_type_t)(i % 4);
	const char *path = numbered(i, i % 2 ? "" : "/");

	return add ? es_mute_path(client->client, path, type) : es_unmute_path(client->client, path, type);
}

static int open_file(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : close(fd);
}

static bool target_muted(unsigned int i)
{
	char path[600];
	size_t seen;

	snprintf(path, sizeof(path), "%s%s", numbered(i, ""), i % 2 ? "" : "/file");
	test_clear(client);
	CHECK_EQUAL(open_file(path), 0);
	test_sync(client);
	seen = COUNT(client, .type = ES_NOTIFY(OPEN), .pid = getpid(), .path = path);
	CHECK(seen <= 1);
	return !seen;
}

static void make(unsigned int i)
{
	char path[600];

	if (i % 2) {
		test_write_file(numbered(i, ""), "", 0644);
		return;
	}
	REQUIRE(mkdir(numbered(i, ""), 0755) == 0);
	snprintf(path, sizeof(path), "%s", numbered(i, "/file"));
	test_write_file(path, "", 0644);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* CPU time of an open, in ns; the quickest quarter of the rounds, since others use this machine too. */
static uint64_t cost(const char *path)
{
	uint64_t rounds[ROUNDS], begin;

	for (int i = 0; i < ROUNDS; i++) {
		begin = cpu_now();
		for (int j = 0; j < OPENS; j++)
			open_file((void *)path);
		rounds[i] = (cpu_now() - begin) / OPENS;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	return rounds[ROUNDS / 4];
}

static size_t count_listed(void)
{
	es_muted_paths_t *list;
	size_t count = 0;

	REQUIRE(es_muted_paths_events(client->client, &list) == ES_RETURN_SUCCESS);
	for (size_t i = 0; i < list->count; i++)
		count += !strncmp(list->paths[i].path.data, test_mnt, strlen(test_mnt));
	es_release_muted_paths(list);
	return count;
}

static void long_paths(void)
{
	const char *volatile nothing = NULL;	/* or the compiler would object */
	char path[4097];

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[4096] = 0;
	CHECK_EQUAL(es_mute_path(client->client, path, ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_ERROR);
	path[4095] = 0;
	for (int type = 0; type < 4; type++)
		CHECK_EQUAL(es_mute_path(client->client, path, (es_mute_path_type_t)type), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_mute_path(client->client, path, (es_mute_path_type_t)4), ES_RETURN_ERROR);
	CHECK_EQUAL(es_mute_path(client->client, nothing, ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_ERROR);
}

int main(void)
{
	static const unsigned int tried[] = { 2, 3, 6, 7, 5002, 5003, 9998, 9999 };	/* of targets */
	const es_event_type_t fork_only[] = { ES_NOTIFY(FORK) };
	uint64_t one, many;

	test_begin(100);
	REQUIRE(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 3);
	REQUIRE(!mkdir(test_at("a"), 0755) && !mkdir(test_at("some"), 0755) && !mkdir(test_at("some/directory"), 0755));
	for (size_t i = 0; i < ARRAY_SIZE(tried); i++)
		make(tried[i]);
	test_write_file(test_at("file"), "", 0644);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	CHECK_EQUAL(target_muted(3), false);

	CHECK_EQUAL(es_mute_path(client->client, exe, ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);
	one = cost(test_at("file"));
	for (unsigned int i = 0; i < PATHS; i++)
		REQUIRE(edit(i, true) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(count_listed(), PATHS);
	many = cost(test_at("file"));
	printf("an open of a muted program: %llu ns with one mute, %llu ns with 10,000\n", (unsigned long long)one,
	       (unsigned long long)many);
	CHECK(many < 2 * one);
	CHECK_EQUAL(es_unmute_path(client->client, exe, ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);

	for (size_t i = 0; i < ARRAY_SIZE(tried); i++)
		CHECK_EQUAL(target_muted(tried[i]), true);
	CHECK_EQUAL(edit(5003, false), ES_RETURN_SUCCESS);
	CHECK_EQUAL(target_muted(5003), false);
	CHECK_EQUAL(target_muted(5002), true);
	CHECK_EQUAL(count_listed(), PATHS - 1);
	CHECK_EQUAL(es_unmute_all_target_paths(client->client), ES_RETURN_SUCCESS);
	CHECK_EQUAL(target_muted(5002), false);
	CHECK_EQUAL(count_listed(), PATHS / 2);

	/* Fact 111: an event without a target. */
	CHECK_EQUAL(es_mute_path_events(client->client, "/x", ES_MUTE_PATH_TYPE_TARGET_PREFIX, fork_only, 1),
		    ES_RETURN_ERROR);
	CHECK_EQUAL(es_mute_path_events(client->client, "/x", ES_MUTE_PATH_TYPE_PREFIX, fork_only, 1), ES_RETURN_SUCCESS);
	long_paths();
	return test_end();
}
