/* SPDX-License-Identifier: MIT */

/*
 * A new client has muted, for AUTH only, executables that a system can't do without: it can list them (fact 119),
 * remove them by es_unmute_all_paths() (117), and select them by inverting muting by path at once (116, 121). And the
 * three stages together, by the example of fact 114.
 */

#include <sys/mount.h>

#include "es-test.h"

/* One of the default set; a copy of cat(1) is mounted there, for this test only. */
static const char default_path[] = "/usr/sbin/agetty";

static const char *opened;

static void run_cat(const char *program)
{
	char *argv[] = { (char *)program, (char *)opened, NULL };

	CHECK_EQUAL(test_exec(program, argv, NULL), 0);
}

static size_t asked(struct test_client *client, const char *program)
{
	size_t count = 0;
	const es_message_t *message;

	for (unsigned int i = 0; (message = FIND(client, .type = ES_AUTH(OPEN), .path = opened, .skip = i)); i++)
		count += !strcmp(message->process->executable->path.data, program);
	return count;
}

static void run_both(struct test_client *client, const char *ordinary, size_t expect_default, size_t expect_ordinary)
{
	test_clear(client);
	run_cat(default_path);
	run_cat(ordinary);
	test_sync(client);
	CHECK_EQUAL(asked(client, default_path), expect_default);
	CHECK_EQUAL(asked(client, ordinary), expect_ordinary);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .path = opened), 2);
}

static bool listed(es_client_t *client, const char *path, size_t *ret_count)
{
	es_muted_paths_t *list;
	bool found = false;

	REQUIRE(es_muted_paths_events(client, &list) == ES_RETURN_SUCCESS);
	*ret_count = list->count;
	for (size_t i = 0; i < list->count; i++) {
		const es_muted_path_t *entry = &list->paths[i];

		CHECK_EQUAL(entry->path.length, strlen(entry->path.data));
		found |= !strcmp(entry->path.data, path);
		CHECK_EQUAL(entry->type, ES_MUTE_PATH_TYPE_LITERAL);
		CHECK(entry->event_count > 10);
		for (size_t j = 0; j < entry->event_count; j++)
			CHECK(!strncmp(es_linux_event_name(entry->events[j]), "AUTH_", 5));
	}
	es_release_muted_paths(list);
	return found;
}

static void copy_program(const char *to)
{
	char shell[4200];

	snprintf(shell, sizeof(shell), "cp -L /bin/cat '%s'", to);
	REQUIRE(system(shell) == 0);
}

/* Fact 114: with process 12 listed and muting of processes inverted, and bash muted by its path. */
static void stages(struct test_client *client, const char *foo)
{
	static const struct { bool process, bash; size_t delivered; } cases[] = {
		{ true, false, 1 }, { false, false, 0 }, { true, true, 0 }, { false, true, 0 },
	};
	int pipes[2][2];

	REQUIRE(es_invert_muting(client->client, ES_MUTE_INVERSION_TYPE_PROCESS) == ES_RETURN_SUCCESS);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *program = cases[i].bash ? default_path : foo;
		const es_message_t *message;
		pid_t pid;

		/* The execution is known once it has opened something: a cat that waits for more. */
		REQUIRE(!pipe2(pipes[0], O_CLOEXEC) && !pipe2(pipes[1], O_CLOEXEC));
		CHECK_EQUAL(es_invert_muting(client->client, ES_MUTE_INVERSION_TYPE_PROCESS), ES_RETURN_SUCCESS);
		CHECK_EQUAL(es_unmute_all_paths(client->client), ES_RETURN_SUCCESS);
		test_clear(client);
		pid = fork();
		if (pid == 0) {
			dup2(pipes[0][0], 0);
			dup2(pipes[1][1], 1);
			execl(program, program, opened, "-", opened, NULL);
			_exit(1);
		}
		REQUIRE(pid > 0);
		message = AWAIT(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = opened);
		REQUIRE(message != NULL);
		CHECK_EQUAL(es_invert_muting(client->client, ES_MUTE_INVERSION_TYPE_PROCESS), ES_RETURN_SUCCESS);
		CHECK_EQUAL(es_mute_path(client->client, default_path, ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);
		if (cases[i].process)
			CHECK_EQUAL(es_mute_process(client->client, &message->process->audit_token), ES_RETURN_SUCCESS);
		for (int end = 0; end < 2; end++)
			close(pipes[end][end]);
		close(pipes[0][1]);
		REQUIRE(waitpid(pid, NULL, 0) == pid);
		close(pipes[1][0]);
		test_sync(client);
		CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = opened), 1 + cases[i].delivered);
	}
	CHECK_EQUAL(es_invert_muting(client->client, ES_MUTE_INVERSION_TYPE_PROCESS), ES_RETURN_SUCCESS);
}

int main(void)
{
	struct test_client *client;
	const char *ordinary;
	size_t count;

	test_begin(60);
	if (access(default_path, X_OK))
		test_skip("/usr/sbin/agetty, to mount something over");
	opened = test_at("opened");
	ordinary = test_at("cat");
	test_write_file(opened, "x", 0644);
	copy_program(ordinary);
	copy_program(test_at("cat2"));
	REQUIRE(mount(test_at("cat2"), default_path, NULL, MS_BIND, NULL) == 0);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);

	CHECK(listed(client->client, default_path, &count));
	CHECK(count > 20);
	run_both(client, ordinary, 0, 1);
	CHECK_EQUAL(es_muting_inverted(client->client, ES_MUTE_INVERSION_TYPE_PATH), ES_MUTE_NOT_INVERTED);
	CHECK_EQUAL(es_invert_muting(client->client, ES_MUTE_INVERSION_TYPE_PATH), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_muting_inverted(client->client, ES_MUTE_INVERSION_TYPE_PATH), ES_MUTE_INVERTED);
	CHECK_EQUAL(es_muting_inverted(client->client, ES_MUTE_INVERSION_TYPE_PROCESS), ES_MUTE_NOT_INVERTED);
	test_clear(client);
	run_cat(default_path);
	run_cat(ordinary);
	test_sync(client);
	CHECK_EQUAL(asked(client, default_path), 1);
	CHECK_EQUAL(asked(client, ordinary), 0);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .path = opened), 0);	/* none is listed for NOTIFY */
	CHECK_EQUAL(es_invert_muting(client->client, ES_MUTE_INVERSION_TYPE_PATH), ES_RETURN_SUCCESS);
	run_both(client, ordinary, 0, 1);
	CHECK_EQUAL(es_unmute_all_paths(client->client), ES_RETURN_SUCCESS);
	CHECK(!listed(client->client, default_path, &count));
	CHECK_EQUAL(count, 0);
	run_both(client, ordinary, 1, 1);
	CHECK_EQUAL(es_invert_muting(client->client, ES_MUTE_INVERSION_TYPE_LAST), ES_RETURN_ERROR);
	CHECK_EQUAL(es_muting_inverted(client->client, ES_MUTE_INVERSION_TYPE_LAST), ES_MUTE_INVERTED_ERROR);

	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	stages(client, ordinary);
	REQUIRE(umount(default_path) == 0);
	return test_end();
}
