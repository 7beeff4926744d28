/* SPDX-License-Identifier: MIT */
/*
 * Look-ups that the library does for a client make no events for the clients of its process: proc_name(),
 * proc_pidpath(), proc_pidinfo() and es_linux_own_token() in a handler don't call the handler. Opens by the process
 * itself do, and look-ups by another process are reported as any operation.
 */
#include <ctype.h>
#include <dlfcn.h>

#include "es-test.h"

enum { TIMES = 50 };

static int (*name)(int pid, void *buffer, uint32_t size);
static int (*path)(int pid, void *buffer, uint32_t size);
static int (*info)(int pid, int flavor, uint64_t argument, void *buffer, int size);

static void *function(void *library, const char *symbol)
{
	void *found = library ? dlsym(library, symbol) : NULL;

	if (!found)
		test_skip("the library for programs for macOS (libblocksruntime-dev)");
	return found;
}

static int look_up(void *context)
{
	char text[4096];
	audit_token_t token;

	for (int i = 0; i < TIMES; i++) {
		CHECK(name(getpid(), text, sizeof(text)) > 0);
		CHECK(path(getppid(), text, sizeof(text)) > 0);
		CHECK(info(getpid(), 3, 0, text, sizeof(text)) > 0);		/* PROC_PIDTBSDINFO: reads several files */
		if (context)
			CHECK(es_linux_own_token(&token) == ES_RETURN_SUCCESS);
	}
	return test_end_child();
}

static int open_proc(void *context)
{
	(void)context;
	close(open("/proc/self/comm", O_RDONLY | O_CLOEXEC));
	return 0;
}

/* Of all types: what a process did with others' folders in /proc. (The C library has looks at /proc/sys of its own.) */
static size_t seen_of(struct test_client *client, pid_t pid)
{
	const es_message_t *message;
	unsigned int skip = 0;
	size_t count = 0;

	while ((message = FIND(client, .type = -1, .pid = pid, .skip = skip++))) {
		const es_file_t *file = test_file(message);

		count += file && !strncmp(file->path.data, "/proc/", 6) && isdigit((unsigned char)file->path.data[6]);
	}
	return count;
}

int main(void)
{
	struct test_client *client;
	void *library;
	pid_t child;

	test_begin(60);
	library = dlopen(test_built("compat/libEndpointSecurity-compat.so.1"), RTLD_NOW);
	name = (int (*)(int, void *, uint32_t))function(library, "proc_name");
	path = (int (*)(int, void *, uint32_t))function(library, "proc_pidpath");
	info = (int (*)(int, int, uint64_t, void *, int))function(library, "proc_pidinfo");
	test_no_scope = true;
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OPEN), ES_NOTIFY(CLOSE), ES_NOTIFY(READLINK), ES_NOTIFY(READDIR), ES_NOTIFY(STAT), -1);
	test_sync(client);
	test_clear(client);

	look_up(client);
	test_sync(client);
	CHECK_EQUAL(seen_of(client, getpid()), 0);
	open_proc(NULL);
	test_sync(client);
	CHECK(seen_of(client, getpid()) >= 2);		/* the open and the close */

	child = test_fork(look_up, NULL);
	CHECK_EQUAL(test_wait(child), 0);
	test_sync(client);
	CHECK(seen_of(client, child) >= 5 * TIMES);
	return test_end();
}
