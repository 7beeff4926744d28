/* SPDX-License-Identifier: MIT */

/*
 * The test kills and replaces a keeper's daemon while many processes ask and a client denies: each operation is asked
 * about. The client answers those that wait meanwhile; subscriptions and mutes stay; requests wait. The test kills it
 * once and replaces it once; ES_DAEMON_ENDS=5 sets how often in all.
 */

#include "es-test.h"

#include <sys/mman.h>

enum { OPENERS = 4, MS = 1000000 };

struct shared {
	uint64_t asked[OPENERS], longest[OPENERS], allowed, wrong;
	bool stop;
};

static struct shared *shared;

/* ---- those who ask ---- */

static int opener(void *context)
{
	unsigned int number = (unsigned int)(uintptr_t)context;
	const char *path = test_at("denied");

	while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE)) {
		uint64_t begin = test_now(), took;
		int r = number % 2 ? unlink(path) : open(path, O_RDONLY | O_CLOEXEC), error = errno;

		took = test_now() - begin;
		if (r >= 0)
			__atomic_add_fetch(&shared->allowed, 1, __ATOMIC_RELAXED);
		else if (error != EPERM)
			__atomic_add_fetch(&shared->wrong, 1, __ATOMIC_RELAXED);
		if (took > shared->longest[number])
			shared->longest[number] = took;
		shared->asked[number]++;
		test_sleep_ms(1);
	}
	return 0;
}

static int opens(void *context)
{
	int fd = open(context, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

static const es_message_t *waits;

static void answer(struct test_client *client, const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	if (strstr(file->path.data, "/later")) {
		es_retain_message(message);
		__atomic_store_n(&waits, message, __ATOMIC_RELEASE);
	} else if (strstr(file->path.data, "/denied")) {
		test_deny(client, message);
	} else {
		test_allow(client, message);
	}
}

/* ---- the daemon ---- */

static bool is_daemon(pid_t pid)
{
	char path[64], name[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!read(fd, name, sizeof(name) - 1);
		close(fd);
	}
	return !strcmp(name, "endpointsecurit\n");
}

/* The keeper's child that is a daemon; 0: none. */
static pid_t daemon_of(pid_t keeper)
{
	char path[64], text[4096] = "", *at = text;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", keeper, keeper);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0);
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	while (*at) {
		pid_t pid = (pid_t)strtol(at, &at, 10);

		if (pid > 0 && is_daemon(pid))
			return pid;
		at += strspn(at, " \n");
	}
	return 0;
}

/* Another daemon, which serves: a request is answered. */
static void await_next(struct test_client *client, pid_t keeper, pid_t before)
{
	size_t count;
	es_event_type_t *types;
	es_deadline_miss_mode_t mode;
	pid_t now = before;

	for (int i = 0; i < 60000 && (!now || now == before); i++) {
		test_sleep_ms(1);
		now = daemon_of(keeper);
	}
	REQUIRE(now && now != before);
	CHECK_EQUAL(es_get_deadline_miss_mode(client->client, &mode), ES_RETURN_SUCCESS);
	CHECK_EQUAL(mode, ES_DEADLINE_MISS_MODE_FAIL_CLOSED);
	CHECK_EQUAL(es_subscriptions(client->client, &count, &types), ES_RETURN_SUCCESS);
	free(types);
	CHECK(!es_linux_stream_ended(client->client));
}

static size_t mutes(struct test_client *client)
{
	es_muted_paths_t *paths;
	size_t count;

	REQUIRE(es_muted_paths_events(client->client, &paths) == ES_RETURN_SUCCESS);
	count = paths->count;
	es_release_muted_paths(paths);
	return count;
}

static void one_end(struct test_client *client, pid_t keeper, size_t muted, bool replaced)
{
	pid_t daemon = daemon_of(keeper), task;
	const es_message_t *message = NULL;
	struct test_client *other;
	uint64_t begin;

	REQUIRE(daemon > 0);
	__atomic_store_n(&waits, NULL, __ATOMIC_RELEASE);
	task = test_fork(opens, (void *)test_at("later"));
	for (int i = 0; i < 5000 && !message; i++) {
		message = __atomic_load_n(&waits, __ATOMIC_ACQUIRE);
		test_sleep_ms(1);
	}
	REQUIRE(message);

	begin = test_now();
	kill(replaced ? keeper : daemon, replaced ? SIGUSR2 : SIGKILL);
	CHECK_EQUAL(test_wait_ms(task, 50), -1);
	await_next(client, keeper, daemon);
	printf("%s: another daemon serves after %llu ms\n", replaced ? "replaced" : "killed",
	       (unsigned long long)(test_now() - begin) / MS);
	CHECK_EQUAL(test_wait_ms(task, 10), -1);
	test_deny(client, message);
	es_release_message(message);
	CHECK_EQUAL(test_wait(task), EPERM << 8);

	CHECK_EQUAL(mutes(client), muted);
	CHECK_EQUAL(test_run(opens, (void *)test_at("muted/denied")), 0);
	other = test_client(NULL, NULL);
	test_subscribe(other, ES_NOTIFY(EXIT), -1);
	test_run(opens, (void *)test_at("muted/denied"));
	test_sync(other);
	CHECK(COUNT(other, .type = ES_NOTIFY(EXIT)) > 0);
	test_client_delete(other);
}

int main(void)
{
	struct test_client *client;
	const char *more = getenv("ES_DAEMON_ENDS");
	int ends = more ? atoi(more) : 2;
	pid_t keeper, openers[OPENERS];
	size_t muted;

	test_begin(100 * (unsigned int)ends);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mkdir(test_at("muted"), 0755);
	test_write_file(test_at("muted/denied"), "", 0644);
	test_write_file(test_at("denied"), "", 0644);
	test_write_file(test_at("later"), "", 0644);
	keeper = test_daemon("--keeper", "yes", "--deadline-ms", "60000", NULL);
	client = test_client(answer, NULL);
	test_hold(client, ES_AUTH(OPEN), ES_AUTH(UNLINK), -1);
	client->counting = true;
	CHECK_EQUAL(es_set_deadline_miss_mode(client->client, ES_DEADLINE_MISS_MODE_FAIL_CLOSED), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_mute_path(client->client, test_at("muted"), ES_MUTE_PATH_TYPE_TARGET_PREFIX), ES_RETURN_SUCCESS);
	muted = mutes(client);
	for (uintptr_t i = 0; i < OPENERS; i++)
		openers[i] = test_fork(opener, (void *)i);
	test_sleep_ms(50);
	for (int i = 0; i < ends; i++)
		one_end(client, keeper, muted, i % 2);
	test_sleep_ms(50);
	__atomic_store_n(&shared->stop, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < OPENERS; i++) {
		CHECK_EQUAL(test_wait(openers[i]), 0);
		CHECK(shared->asked[i] > 10);
		printf("%llu %s denied, the longest took %llu ms\n", (unsigned long long)shared->asked[i],
		       i % 2 ? "unlinks" : "opens", (unsigned long long)shared->longest[i] / MS);
	}
	CHECK_EQUAL(shared->allowed, 0);
	CHECK_EQUAL(shared->wrong, 0);
	return test_end();
}
