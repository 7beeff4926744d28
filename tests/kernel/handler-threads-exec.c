/* SPDX-License-Identifier: MIT */

/*
 * A handler may start threads, and their answers count. After fork() and exec nothing of a client is left: every
 * descriptor is close-on-exec, and the child's memory has neither ring nor array. Its exit changes nothing.
 */

#include "es-test.h"

#include <dirent.h>

enum { THREADS_MAX = 4 };

static struct answerer {
	pthread_t thread;
	es_client_t *client;
	const es_message_t *message;
} answerers[THREADS_MAX];
static unsigned int answerer_count;

static void *answer(void *context)
{
	struct answerer *self = context;

	CHECK_EQUAL(es_respond_flags_result(self->client, self->message, 0, false), ES_RESPOND_RESULT_SUCCESS);
	es_release_message(self->message);
	return NULL;
}

static void hand_on(es_client_t *client, const es_message_t *message, void *context)
{
	struct answerer *answerer = &answerers[answerer_count];

	(void)context;
	REQUIRE(answerer_count < THREADS_MAX);
	es_retain_message(message);
	answerer->client = client;
	answerer->message = message;
	CHECK_EQUAL(pthread_create(&answerer->thread, NULL, answer, answerer), 0);
	answerer_count++;
}

static int opens(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

static int count_kept(void)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;
	int kept = 0;

	REQUIRE(folder != NULL);
	while ((entry = readdir(folder))) {
		int fd = atoi(entry->d_name), flags = fcntl(fd, F_GETFD);

		kept += entry->d_name[0] != '.' && fd > STDERR_FILENO && fd != dirfd(folder) && flags >= 0 &&
			!(flags & FD_CLOEXEC);
	}
	closedir(folder);
	return kept;
}

/* Mappings of BPF maps. */
static int count_shared(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int count = 0;

	REQUIRE(maps != NULL);
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "bpf") != NULL;
	fclose(maps);
	return count;
}

static int nothing_inherited(void *context)
{
	static const char *const kinds[] = { "bpf", "fanotify", "eventpoll", "eventfd", "fuse" };
	char link[300], target[300];
	DIR *folder;
	struct dirent *entry;

	(void)context;
	CHECK_EQUAL(count_shared(), 0);
	folder = opendir("/proc/self/fd");
	REQUIRE(folder != NULL);
	while ((entry = readdir(folder))) {
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/self/fd/%s", entry->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = 0;
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			CHECK(!strstr(target, kinds[i]));
	}
	closedir(folder);
	return test_end_child();
}

int main(void)
{
	static const es_event_type_t types[] = {ES_AUTH(OPEN)};
	es_client_t *client;
	const char *path;
	int kept;

	test_begin(20);
	path = test_at("file");
	test_write_file(path, "", 0644);
	test_daemon(NULL);
	kept = count_kept();
	REQUIRE(es_new_client_f(&client, hand_on, NULL) == ES_NEW_CLIENT_RESULT_SUCCESS);
	CHECK_EQUAL(es_subscribe(client, types, 1), ES_RETURN_SUCCESS);
	CHECK_EQUAL(WEXITSTATUS(test_run(opens, (void *)path)), EPERM);
	CHECK_EQUAL(count_kept(), kept);
	CHECK(count_shared() > 0);
	CHECK_EQUAL(test_run(nothing_inherited, NULL), 0);
	CHECK_EQUAL(WEXITSTATUS(test_run(opens, (void *)path)), EPERM);
	CHECK_EQUAL(es_delete_client(client), ES_RETURN_SUCCESS);
	CHECK_EQUAL(answerer_count, 2);
	for (unsigned int i = 0; i < answerer_count; i++)
		pthread_join(answerers[i].thread, NULL);
	CHECK_EQUAL(count_shared(), 0);
	return test_end();
}
