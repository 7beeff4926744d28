/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>

#include "test-daemon.h"
#include "test.h"

/* es_linux_own_token(): what the daemon says is what the token has; without a daemon there is none. */

static void handler(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
}

static void check_ids(const audit_token_t *token, unsigned int pidversion)
{
	CHECK(token->val[1] == geteuid() && token->val[2] == getegid());
	CHECK(token->val[3] == getuid() && token->val[4] == getgid());
	CHECK(token->val[5] == (unsigned int)getpid() && token->val[7] == pidversion);
}

/* A client is made for it, once. */
static void without_a_client(void)
{
	struct test_peer *peer;
	audit_token_t token;

	test_daemon_refuse(EPERM);
	CHECK(es_linux_own_token(&token) == ES_RETURN_ERROR);
	test_daemon_refuse(0);
	test_daemon_pidversion = 0;
	CHECK(es_linux_own_token(&token) == ES_RETURN_ERROR);
	test_daemon_pidversion = 21;
	CHECK(es_linux_own_token(&token) == ES_RETURN_SUCCESS);
	check_ids(&token, 21);
	peer = test_daemon_peer();
	test_daemon_pidversion = 22;
	CHECK(es_linux_own_token(&token) == ES_RETURN_SUCCESS && peer == test_daemon_peer());
	check_ids(&token, 21);
}

/* The daemon may be another one by now. */
static void after_a_new_client(void)
{
	audit_token_t token;
	es_client_t *client;

	CHECK(es_new_client_f(&client, handler, NULL) == ES_NEW_CLIENT_RESULT_SUCCESS);
	CHECK(es_linux_own_token(&token) == ES_RETURN_SUCCESS);
	check_ids(&token, 22);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
	CHECK(es_linux_own_token(&token) == ES_RETURN_SUCCESS);
	check_ids(&token, 22);
}

/* The parent's number isn't the child's. The daemon is a thread of the parent, and answers the child as well. */
static void in_a_child(void)
{
	audit_token_t token;
	int status;
	pid_t pid;

	test_daemon_pidversion = 23;
	pid = fork();
	if (pid == 0) {
		CHECK(es_linux_own_token(&token) == ES_RETURN_SUCCESS);
		check_ids(&token, 23);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

int main(void)
{
	char folder[] = "/tmp/test-token-XXXXXX", path[64];
	audit_token_t *none = NULL;

	CHECK(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	if (!test_daemon_start(path)) {
		rmdir(folder);
		printf("skip: BPF programs of type SYSCALL: root, and Linux 5.14 or later\n");
		return TEST_SKIPPED;
	}
	CHECK(es_linux_own_token(none) == ES_RETURN_ERROR);
	without_a_client();
	after_a_new_client();
	in_a_child();
	test_daemon_stop();
	unlink(path);
	rmdir(folder);
	return 0;
}
