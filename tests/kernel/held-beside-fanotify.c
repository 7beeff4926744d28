/* SPDX-License-Identifier: MIT */

/*
 * While a client holds opens, another program that watches files by fanotify and decides about opens gets each event
 * once, and opens that it allows are done. No client is asked about files that fanotify opens for that program. If the
 * client or the program denies an open, it isn't done.
 */

#include "es-test.h"

#include <limits.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/uio.h>

enum { OPENS = 20, HELD_MS = 2 };

struct watcher {			/* shared */
	unsigned int ready, asked, told, failed;
};

static struct watcher *watcher;
static pid_t watcher_pid;
static unsigned int asked, asked_of_watcher;

static bool is_named(const char *path, const char *name)
{
	const char *last = strrchr(path, '/');

	return last && !strcmp(last + 1, name);
}

static void answer(struct test_client *client, const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	asked++;
	asked_of_watcher += test_pid(message->process) == watcher_pid;
	test_sleep_ms(HELD_MS);
	if (is_named(file->path.data, "denied"))
		test_deny(client, message);
	else
		test_allow(client, message);
}

/* The program denies files that are named "refused". */
static bool allows(int fd)
{
	char link[64], path[PATH_MAX] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, path, sizeof(path) - 1) > 0 && !is_named(path, "refused");
}

static void take_event(int group, const struct fanotify_event_metadata *event)
{
	struct fanotify_response response = { .fd = event->fd };

	if (event->fd < 0)
		watcher->failed++;
	if (event->mask & FAN_OPEN_PERM) {
		watcher->asked++;
		response.response = allows(event->fd) ? FAN_ALLOW : FAN_DENY;
		if (write(group, &response, sizeof(response)) != sizeof(response))
			watcher->failed++;
	} else {
		watcher->told++;
	}
	close(event->fd);
}

/* Each call that reads. */
static ssize_t read_events(int group, void *events, size_t size)
{
	static unsigned int turn;
	struct iovec part = {events, size};

	switch (turn++ % 3) {
	case 0:
		return readv(group, &part, 1);
	case 1:
		return preadv2(group, &part, 1, -1, 0);
	default:
		return read(group, events, size);
	}
}

static int watch(void *context)
{
	int group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	struct fanotify_event_metadata events[8];
	ssize_t n;

	(void)context;
	if (group < 0 || fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_PERM | FAN_OPEN, AT_FDCWD, test_mnt) < 0)
		return errno;
	watcher->ready = 1;
	for (;;) {
		n = read_events(group, events, sizeof(events));
		if (n < 0)
			return errno;
		for (struct fanotify_event_metadata *event = events; FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n))
			take_event(group, event);
	}
}

/* How many failed. */
static int open_many(void *context)
{
	int failed = 0;

	for (int i = 0; i < OPENS; i++) {
		int fd = open(test_at("%s", (const char *)context), O_RDONLY);

		failed += fd < 0;
		close(fd);
	}
	return failed;
}

static void start_watcher(void)
{
	watcher_pid = test_fork(watch, NULL);
	for (int i = 0; i < 500 && !__atomic_load_n(&watcher->ready, __ATOMIC_ACQUIRE); i++) {
		if (test_wait_ms(watcher_pid, 10) != -1)
			test_skip("fanotify with permission events");
	}
}

static void await_told(unsigned int count)
{
	for (int i = 0; i < 200 && __atomic_load_n(&watcher->told, __ATOMIC_ACQUIRE) < count; i++)
		test_sleep_ms(10);
}

static void try(const char *name, int failed, unsigned int of_watcher, unsigned int told)
{
	asked = watcher->asked = watcher->told = 0;
	CHECK_EQUAL(WEXITSTATUS(test_run(open_many, (void *)name)), failed);
	await_told(told);
	CHECK_EQUAL(asked, OPENS);
	CHECK_EQUAL(asked_of_watcher, 0);
	CHECK_EQUAL(watcher->asked, of_watcher);
	CHECK_EQUAL(watcher->told, told);
	if (!CHECK_EQUAL(watcher->failed, 0))
		printf("... %s\n", name);
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	watcher = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(watcher != MAP_FAILED);
	for (int i = 0; i < 3; i++)
		test_write_file(test_at("%s", (const char *[]){ "allowed", "denied", "refused" }[i]), "text", 0644);
	test_daemon(NULL);
	client = test_client(answer, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(UNLINK), ES_AUTH(OPEN), -1);		/* not by fanotify */
	start_watcher();
	try("allowed", 0, OPENS, OPENS);
	try("denied", OPENS, 0, 0);
	try("refused", OPENS, OPENS, 0);
	return test_end();
}
