/* SPDX-License-Identifier: MIT */

/*
 * A muted operation is allowed without a question: by process, by executable, by target. The client here denies all
 * that it is asked, so it was not asked about an open that succeeds. Opens that aren't muted fail, even if another
 * client has muted all: a client's mutes are its own (fact 88). NOTIFY is muted apart from AUTH (124). If a process is
 * muted while its question is open, the question still gets its answer.
 */

#include "es-test.h"

static struct test_client *client, *other;
static char exe[4096];
static int command[2], done[2];
static audit_token_t token;
static pid_t child;

static int error_of(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static const char *here, *there;

static int child_loop(void *context)
{
	char byte;

	(void)context;
	while (read(command[0], &byte, 1) == 1) {
		byte = (char)error_of(byte ? there : here);
		if (write(done[1], &byte, 1) != 1)
			return 1;
	}
	return 0;
}

static int open_in_child(bool in_there)
{
	char byte = in_there;

	REQUIRE(write(command[1], &byte, 1) == 1 && read(done[0], &byte, 1) == 1);
	return byte;
}

static size_t asked(void)
{
	return COUNT(client, .type = ES_AUTH(OPEN), .pid = child);
}

/* Allowed and not asked about; then, unmuted, denied. */
static void expect_muted(const char *how, es_return_t result)
{
	size_t before = asked();

	printf("%s\n", how);
	CHECK_EQUAL(result, ES_RETURN_SUCCESS);
	CHECK_EQUAL(open_in_child(false), 0);
	test_sync(client);
	CHECK_EQUAL(asked(), before);
}

static void expect_asked(es_return_t result)
{
	size_t before = asked();

	CHECK_EQUAL(result, ES_RETURN_SUCCESS);
	CHECK_EQUAL(open_in_child(false), EPERM);
	test_sync(client);
	CHECK_EQUAL(asked(), before + 1);
}

static void each_way(void)
{
	const es_event_type_t auth[] = { ES_AUTH(OPEN) }, notify[] = { ES_NOTIFY(OPEN) };
	es_client_t *c = client->client;

	expect_muted("process", es_mute_process(c, &token));
	expect_asked(es_unmute_process(c, &token));
	expect_muted("process, AUTH", es_mute_process_events(c, &token, auth, 1));
	CHECK(COUNT(client, .type = ES_NOTIFY(OPEN), .pid = child, .path = here) > 0);
	expect_asked(es_unmute_process_events(c, &token, auth, 1));
	expect_asked(es_mute_process_events(c, &token, notify, 1));
	expect_asked(es_unmute_process(c, &token));
	expect_muted("executable", es_mute_path(c, exe, ES_MUTE_PATH_TYPE_LITERAL));
	expect_asked(es_unmute_path(c, exe, ES_MUTE_PATH_TYPE_LITERAL));
	expect_asked(es_mute_path(c, here, ES_MUTE_PATH_TYPE_LITERAL));		/* fact 123 */
	expect_muted("target", es_mute_path(c, here, ES_MUTE_PATH_TYPE_TARGET_LITERAL));
	CHECK_EQUAL(open_in_child(true), EPERM);
	expect_asked(es_unmute_all_target_paths(c));
	expect_muted("target prefix", es_mute_path(c, test_at("he"), ES_MUTE_PATH_TYPE_TARGET_PREFIX));
	expect_asked(es_unmute_all_target_paths(c));
	expect_muted("inverted", es_invert_muting(c, ES_MUTE_INVERSION_TYPE_TARGET_PATH));
	expect_asked(es_mute_path(c, test_at("he"), ES_MUTE_PATH_TYPE_TARGET_PREFIX));
	CHECK_EQUAL(open_in_child(true), 0);
	expect_asked(es_invert_muting(c, ES_MUTE_INVERSION_TYPE_TARGET_PATH) | es_unmute_all_target_paths(c));
}

static bool mute_first;

/* With `mute_first` the handler mutes the process that waits for its answer before it denies. */
static void answer(struct test_client *from, const es_message_t *message)
{
	if (!__atomic_load_n(&mute_first, __ATOMIC_ACQUIRE)) {
		test_deny(from, message);
		return;
	}
	CHECK_EQUAL(es_mute_process(from->client, &message->process->audit_token), ES_RETURN_SUCCESS);
	test_sleep_ms(100);
	test_deny(from, message);
}

static void while_held(void)
{
	__atomic_store_n(&mute_first, true, __ATOMIC_RELEASE);
	CHECK_EQUAL(open_in_child(false), EPERM);
	CHECK_EQUAL(open_in_child(false), 0);
	__atomic_store_n(&mute_first, false, __ATOMIC_RELEASE);
	expect_asked(es_unmute_process(client->client, &token));
}

int main(void)
{
	const es_message_t *message;

	test_begin(60);
	REQUIRE(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 3);
	here = test_at("here");
	there = test_at("there");
	test_write_file(here, "", 0644);
	test_write_file(there, "", 0644);
	REQUIRE(!pipe2(command, O_CLOEXEC) && !pipe2(done, O_CLOEXEC));
	test_daemon(NULL);
	client = test_client(answer, NULL);
	other = test_client(NULL, NULL);
	CHECK_EQUAL(es_mute_path(other->client, "", ES_MUTE_PATH_TYPE_TARGET_PREFIX), ES_RETURN_SUCCESS);
	test_subscribe(client, ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);
	test_subscribe(other, ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);
	child = test_fork(child_loop, NULL);
	CHECK_EQUAL(open_in_child(false), EPERM);
	message = AWAIT(client, .type = ES_AUTH(OPEN), .pid = child);
	REQUIRE(message != NULL);
	token = message->process->audit_token;

	each_way();
	while_held();
	CHECK_EQUAL(COUNT(other, .type = -1), 0);
	for (int i = 0; i < 2; i++) {
		close(command[i]);
		close(done[i]);
	}
	return test_end();
}
