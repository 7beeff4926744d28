/* SPDX-License-Identifier: MIT */

/* The system's own su reports success, and PAM's refusal: the users from and to, and the shell. */

#include <grp.h>
#include <pwd.h>

#include "es-test.h"

#define SU "/usr/bin/su"

enum { STRANGER = 65534 };

/* As root: PAM asks for no password. */
static int su_allowed(void *context)
{
	char *argv[] = { (char *)"su", (char *)"-s", (char *)"/bin/true", (char *)"nobody", NULL };

	(void)context;
	setenv("ES_TEST_MARK", "here", 1);
	execv(SU, argv);
	return 99;
}

/* As the user nobody, with a wrong password for root. */
static int su_refused(void *context)
{
	char *argv[] = { (char *)"su", (char *)"root", NULL };
	int words[2];

	(void)context;
	REQUIRE(pipe(words) == 0 && write(words[1], "not this\n", 9) == 9);
	close(words[1]);
	dup2(words[0], STDIN_FILENO);
	REQUIRE(setgroups(0, NULL) == 0 && setgid(STRANGER) == 0 && setuid(STRANGER) == 0);
	execv(SU, argv);
	return 99;
}

static void check_allowed(struct test_client *client, pid_t pid, const struct passwd *nobody)
{
	const es_message_t *message = FIND(client, .type = ES_NOTIFY(SU), .pid = pid);
	const es_message_t *before = FIND(client, .type = ES_NOTIFY(AUTHENTICATION), .pid = pid);
	const es_event_su_t *su;
	bool marked = false;

	REQUIRE(message && before);
	CHECK(before->global_seq_num < message->global_seq_num && before->event.authentication->success);
	CHECK_TOKEN(before->event.authentication->data.od->record_name, "nobody");
	su = message->event.su;
	CHECK(su->success && su->from_uid == 0 && su->has_to_uid && su->to_uid.uid == nobody->pw_uid);
	CHECK_TOKEN(su->from_username, getpwuid(0)->pw_name);
	CHECK_TOKEN(su->to_username, "nobody");
	CHECK_TOKEN(su->shell, "/bin/true");
	CHECK_TOKEN(message->process->executable->path, SU);
	CHECK(su->argc == 4 && !strcmp(su->argv[0].data, "su") && !strcmp(su->argv[3].data, "nobody"));
	for (size_t i = 0; i < su->env_count; i++)
		marked |= !strcmp(su->env[i].data, "ES_TEST_MARK=here");
	CHECK(marked);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(SU)), 1);
}

static void check_refused(struct test_client *client, pid_t pid)
{
	const es_message_t *message = FIND(client, .type = ES_NOTIFY(SU), .pid = pid);
	const es_message_t *before = FIND(client, .type = ES_NOTIFY(AUTHENTICATION), .pid = pid);

	REQUIRE(message && before);
	CHECK(!before->event.authentication->success);
	CHECK(!message->event.su->success && message->event.su->from_uid == STRANGER);
	CHECK_TOKEN(message->event.su->failure_message, "Authentication failure");
	CHECK_TOKEN(message->event.su->to_username, "root");
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(SU)), 1);
}

int main(void)
{
	const struct passwd *nobody = getpwnam("nobody");
	struct test_client *client;
	pid_t pid;

	test_begin(60);
	if (access(SU, X_OK) || access("/bin/true", X_OK) || !nobody)
		test_skip("su, true, and an account nobody");
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(SU), ES_NOTIFY(AUTHENTICATION), -1);
	pid = test_fork(su_allowed, NULL);
	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	check_allowed(client, pid, nobody);

	test_clear(client);
	pid = test_fork(su_refused, NULL);
	CHECK(test_wait(pid) != 0);
	test_sync(client);
	check_refused(client, pid);
	return test_end();
}
