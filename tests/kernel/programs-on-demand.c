/* SPDX-License-Identifier: MIT */

/*
 * At its start a daemon loads the kernel programs that follow processes (and the lsm sensor's two by which it is
 * chosen). It loads each other one when a client first subscribes to a type that needs it, and keeps it. Serving a
 * client, and events of processes, need no more. Events come from the first operation after es_subscribe() on.
 */

#include "es-test.h"
#include "loaded.h"

static pid_t daemon_pid;

static int do_rename(void *context)
{
	(void)context;
	return rename(test_at("a"), test_at("b")) < 0;
}

static unsigned int count(const char *prefix)
{
	struct loaded loaded = loaded_read(daemon_pid);
	unsigned int found = 0;

	for (unsigned int i = 0; i < loaded.count; i++)
		found += !strncmp(loaded.name[i], prefix, strlen(prefix));
	return found;
}

static void at_start(void)
{
	static const char *const there[] = { "on_fork", "on_exec", "on_exit", "fill_tasks" };
	struct loaded loaded = loaded_read(daemon_pid);

	loaded_print(&loaded);
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		CHECK(loaded_has(&loaded, there[i]));
	CHECK_EQUAL(count("exit_") + count("enter_"), 0);
	CHECK(!loaded_has(&loaded, "on_sys_exit") && !loaded_has(&loaded, "on_signal"));
	/* The lsm sensor tries whether those of exec and open load; one of them is where an open makes its file. */
	CHECK(count("hook_") + count("plain_") <= 6);
	CHECK(loaded.count <= 12);
}

static void rename_loads(struct test_client *client)
{
	struct loaded loaded;
	unsigned int before;
	bool objects;

	test_subscribe(client, ES_NOTIFY(EXEC), ES_NOTIFY(EXIT), -1);
	CHECK_EQUAL(count("exit_"), 0);

	test_write_file(test_at("a"), "", 0644);
	test_subscribe(client, ES_NOTIFY(RENAME), -1);
	CHECK_EQUAL(test_run(do_rename, NULL), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(RENAME), .path = test_at("a")), 1);
	loaded = loaded_read(daemon_pid);
	loaded_print(&loaded);
	objects = loaded_has(&loaded, "done_vfs_rename");	/* where trampolines load */
	if (!objects) {
		CHECK(loaded_has(&loaded, "on_sys_enter") && loaded_has(&loaded, "on_sys_exit"));
		CHECK(loaded_has(&loaded, "enter_name") && loaded_has(&loaded, "exit_rename"));
	}
	CHECK_EQUAL(count("exit_"), !objects);
	CHECK(!loaded_has(&loaded, "on_signal"));

	before = loaded.count;
	CHECK(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(count(""), before);
	test_subscribe(client, ES_NOTIFY(RENAME), ES_NOTIFY(EXCHANGEDATA), -1);
	CHECK_EQUAL(count(""), before);
	test_subscribe(client, ES_NOTIFY(SIGNAL), -1);
	loaded = loaded_read(daemon_pid);
	if (objects)
		CHECK(loaded.count > before);
	else
		CHECK(loaded_has(&loaded, "on_signal") && loaded_has(&loaded, "exit_kill"));
	CHECK_EQUAL(count("exit_"), objects ? 0 : 2);
}

/* With the lsm sensor: a hook's program comes with the first type that is held there. */
static void create_loads(struct test_client *client)
{
	es_event_type_t create = ES_AUTH(CREATE);
	unsigned int hooks = count("hook_") + count("plain_");

	if (es_subscribe(client->client, &create, 1) != ES_RETURN_SUCCESS) {
		CHECK_EQUAL(count("hook_") + count("plain_"), hooks);
		return;
	}
	CHECK_EQUAL(count("hook_path_mkdir") + count("plain_path_mkdi"), 1);
	CHECK_EQUAL(count("hook_path_unlin") + count("plain_path_unli"), 0);
	CHECK_EQUAL(count("on_call_over"), 1);
}

/* A second client has nothing to load any more. */
static void second_client(void)
{
	unsigned int before = count("");
	struct test_client *client = test_client(NULL, NULL);

	test_subscribe(client, ES_NOTIFY(RENAME), ES_NOTIFY(SIGNAL), -1);
	CHECK_EQUAL(count(""), before);
	test_client_delete(client);
	CHECK_EQUAL(count(""), before);
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	daemon_pid = test_daemon_own();
	at_start();
	client = test_client(NULL, NULL);
	at_start();
	rename_loads(client);
	second_client();
	create_loads(client);
	return test_end();
}
