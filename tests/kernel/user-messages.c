/* SPDX-License-Identifier: MIT */

/*
 * Programs' reports to the kernel's auditing become messages, once and in order. The message is about the reporting
 * process, whatever the text says. Reports of programs that may not report, or with an incomplete text, give none. The
 * test's programs are copies of this one, in folders and with names as sshd, login, su and sudo have, and report what
 * those do on Debian.
 */
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "teller.h"
#include "es-test.h"

enum { TEXT_MAX = 16384 };

struct told {
	const char *path;
	const char *const *words;	/* numbers and texts; NULL ends them */
	bool unable;
};

static int tell_as(void *context)
{
	const struct told *told = context;
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = {};

	if (told->unable) {		/* programs of root don't get capabilities outside of the bounding set */
		REQUIRE(prctl(PR_CAPBSET_DROP, CAP_AUDIT_WRITE, 0, 0, 0) == 0);
		REQUIRE(syscall(SYS_capget, &header, sets) == 0);
		sets[0].inheritable = 0;
		REQUIRE(syscall(SYS_capset, &header, sets) == 0);
	}
	setenv("ES_TEST_MARK", "here", 1);
	return test_teller_exec(told->path, told->words);
}

static int says_status(const char *path, bool unable, const char *const *words, pid_t *ret_pid)
{
	struct told told = { .path = test_teller_at(path), .words = words, .unable = unable };
	pid_t pid = test_fork(tell_as, &told);

	if (ret_pid)
		*ret_pid = pid;
	return test_wait(pid);
}

/* The process that said all that. */
#define SAYS(path, ...) \
	({ \
		pid_t says_pid; \
		CHECK_EQUAL(says_status(path, false, (const char *const[]){ __VA_ARGS__, NULL }, &says_pid), 0); \
		says_pid; \
	})

/* ---- messages ---- */

static struct test_client *client;

static const es_message_t *only(es_event_type_t type, pid_t pid)
{
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = type, .pid = pid), 1);
	return FIND(client, .type = type, .pid = pid);
}

static size_t all_of(pid_t pid)
{
	test_sync(client);
	return COUNT(client, .type = -1, .pid = pid);
}

#define ONLY(name, pid) ({ const es_message_t *only_ = only(ES_NOTIFY(name), pid); REQUIRE(only_ != NULL); only_; })

#define AUTH(program_, acct, grantors, res) \
	"1100", "op=PAM:authentication grantors=" grantors " acct=" acct " exe=\"/usr/bin/" program_ "\" " \
		"hostname=? addr=? terminal=? res=" res
#define START(acct) \
	"1105", "op=PAM:session_open grantors=pam_unix acct=" acct " exe=\"/usr/x\" hostname=127.0.0.1 " \
		"addr=127.0.0.1 terminal=ssh res=success"
#define END(acct) \
	"1106", "op=PAM:session_close grantors=pam_unix acct=" acct " exe=\"/usr/x\" hostname=127.0.0.1 " \
		"addr=127.0.0.1 terminal=ssh res=success"
#define SSHD_FAILED(acct) \
	"1112", "op=login acct=" acct " exe=\"/usr/sbin/sshd\" hostname=? addr=10.1.2.3 terminal=sshd res=failed"

static void test_su(void)
{
	const es_message_t *message;
	const es_event_su_t *su;
	struct passwd *root = getpwuid(0);
	pid_t pid = SAYS("bin/su", AUTH("su", "\"root\"", "pam_rootok", "success"), "1101",
		"op=PAM:accounting grantors=pam_permit acct=\"root\" res=success", START("\"root\""),
		END("\"root\""));
	uint64_t first;

	message = ONLY(AUTHENTICATION, pid);
	CHECK(!message->thread && message->event.authentication->success);
	CHECK_TOKEN(message->event.authentication->data.od->record_name, "root");
	CHECK(message->event.authentication->data.od->instigator == message->process);
	first = message->global_seq_num;

	message = ONLY(SU, pid);
	su = message->event.su;
	CHECK(message->global_seq_num == first + 1 && !message->thread && message->deadline == UINT64_MAX);
	CHECK_TOKEN(message->process->executable->path, test_at("bin/su"));
	CHECK(su->success && su->from_uid == 0 && su->has_to_uid && su->to_uid.uid == 0);
	CHECK_TOKEN(su->from_username, root->pw_name);
	CHECK_TOKEN(su->to_username, "root");
	CHECK_TOKEN(su->shell, root->pw_shell);
	CHECK(su->argc == 10 && !strcmp(su->argv[0].data, test_at("bin/su")) && !strcmp(su->argv[1].data, "--tell"));
	for (size_t i = 0; i < su->env_count; i++)
		if (!strcmp(su->env[i].data, "ES_TEST_MARK=here"))
			first = 0;
	CHECK(first == 0);
	CHECK_EQUAL(all_of(pid), 2);

	pid = SAYS("bin/su", AUTH("su", "\"root\"", "?", "failed"));
	su = ONLY(SU, pid)->event.su;
	CHECK(!su->success && !su->shell.length);
	CHECK_TOKEN(su->to_username, "root");
	CHECK_TOKEN(su->failure_message, "Authentication failure");
	CHECK(!ONLY(AUTHENTICATION, pid)->event.authentication->success && all_of(pid) == 2);
}

static void test_sshd(void)
{
	const es_event_openssh_login_t *login;
	const es_event_openssh_logout_t *logout;
	pid_t pid;

	/* With a key, sshd asks PAM for account and session only. Then an earlier failed key gives no message. */
	pid = SAYS("sbin/sshd", SSHD_FAILED("\"root\""), "1101", "op=PAM:accounting acct=\"root\" res=success",
		START("\"root\""), START("\"root\""), END("\"root\""));
	CHECK(ONLY(AUTHENTICATION, pid)->event.authentication->type == ES_AUTHENTICATION_TYPE_TOKEN);
	login = ONLY(OPENSSH_LOGIN, pid)->event.openssh_login;
	CHECK(login->success && login->result_type == ES_OPENSSH_AUTH_SUCCESS && login->has_uid && login->uid.uid == 0);
	CHECK(login->source_address_type == ES_ADDRESS_TYPE_IPV4);
	CHECK_TOKEN(login->source_address, "127.0.0.1");
	CHECK_TOKEN(login->username, "root");
	logout = ONLY(OPENSSH_LOGOUT, pid)->event.openssh_logout;
	CHECK_TOKEN(logout->username, "root");
	CHECK_EQUAL(all_of(pid), 3);

	/* A password. */
	pid = SAYS("openssh/sshd-session", AUTH("x", "\"root\"", "pam_unix", "success"), START("\"root\""));
	CHECK(ONLY(AUTHENTICATION, pid)->event.authentication->type == ES_AUTHENTICATION_TYPE_OD);
	CHECK(ONLY(OPENSSH_LOGIN, pid)->event.openssh_login->success && all_of(pid) == 2);

	/* Failures only: the last one gives a message when the connection ends. */
	pid = SAYS("sbin/sshd", SSHD_FAILED("\"root\""), AUTH("x", "\"root\"", "?", "failed"), SSHD_FAILED("\"root\""));
	login = ONLY(OPENSSH_LOGIN, pid)->event.openssh_login;
	CHECK(!login->success && login->result_type == ES_OPENSSH_AUTH_FAIL_PASSWD && login->has_uid);
	CHECK_TOKEN(login->source_address, "10.1.2.3");
	CHECK_TOKEN(FIND(client, .type = ES_NOTIFY(OPENSSH_LOGIN), .pid = pid)->process->executable->path,
		test_at("sbin/sshd"));
	CHECK_EQUAL(all_of(pid), 2);
	pid = SAYS("sbin/sshd", SSHD_FAILED("28696E76616C6964207573657229"));
	CHECK(ONLY(OPENSSH_LOGIN, pid)->event.openssh_login->result_type == ES_OPENSSH_INVALID_USER);
}

static void test_login(void)
{
	const es_event_login_login_t *login;
	pid_t pid;

	pid = SAYS("bin/login", "1112", "op=login acct=1B5D303B78 exe=\"/usr/bin/login\" hostname=? addr=? "
		"terminal=/dev/tty1 res=failed");
	login = ONLY(LOGIN_LOGIN, pid)->event.login_login;
	CHECK(!login->success && !login->has_uid);
	CHECK_TOKEN(login->failure_message, "Login incorrect");
	CHECK_TOKEN(login->username, "\033]0;x");
	pid = SAYS("bin/login", "1112", "op=login acct=\"root\" exe=\"/usr/bin/login\" hostname=? addr=? "
		"terminal=/dev/tty1 res=success", END("\"root\""));
	login = ONLY(LOGIN_LOGIN, pid)->event.login_login;
	CHECK(login->success && login->has_uid && login->uid.uid == 0);
	CHECK_TOKEN(ONLY(LOGIN_LOGOUT, pid)->event.login_logout->username, "root");
	CHECK_EQUAL(all_of(pid), 2);

	/* util-linux' login says the number of a user that it knows, in a failed attempt too. */
	pid = SAYS("bin/login", "1112", "op=login id=0 exe=\"/usr/bin/login\" hostname=? addr=? terminal=/dev/pts/0 res=failed");
	login = ONLY(LOGIN_LOGIN, pid)->event.login_login;
	CHECK(!login->success && !login->has_uid);
	CHECK_TOKEN(login->username, "root");
	pid = SAYS("bin/login", "1112", "op=login id=4294967295 exe=\"/usr/bin/login\" hostname=? addr=? terminal=? res=failed");
	CHECK_TOKEN(ONLY(LOGIN_LOGIN, pid)->event.login_login->username, "");
}

#define COMMAND(res) "1123", "cwd=\"/\" cmd=2F62696E2F6C73202D6C exe=\"/usr/bin/sudo\" terminal=? res=" res

static void test_sudo(void)
{
	const es_event_sudo_t *sudo;
	pid_t pid;

	pid = SAYS("bin/sudo", "1101", "op=PAM:accounting acct=\"daemon\" res=success", COMMAND("success"),
		"1110", "op=PAM:setcred grantors=pam_permit acct=\"root\" res=success", START("\"root\""));
	sudo = ONLY(SUDO, pid)->event.sudo;
	CHECK(sudo->success && !sudo->reject_info && sudo->has_from_uid && sudo->from_uid.uid == 0);
	CHECK(sudo->has_to_uid && sudo->to_uid.uid == 0);
	CHECK_TOKEN(sudo->to_username, "root");
	CHECK_TOKEN(sudo->command, "/bin/ls -l");
	CHECK_EQUAL(all_of(pid), 1);
	pid = SAYS("bin/sudo", COMMAND("failed"), "1109", "op=PAM:bad_ident grantors=? acct=\"?\" res=failed");
	sudo = ONLY(SUDO, pid)->event.sudo;
	CHECK(!sudo->success && !sudo->has_to_uid && sudo->reject_info->plugin_type == ES_SUDO_PLUGIN_TYPE_POLICY);
	/* Nothing follows. */
	pid = SAYS("bin/sudo", COMMAND("success"));
	sudo = ONLY(SUDO, pid)->event.sudo;
	CHECK(sudo->success && !sudo->has_to_uid && !sudo->to_username.length);
	CHECK_EQUAL(all_of(pid), 1);
}

/* The text says who it is, and the task who it really is. cron opens a session each minute: that is no login. */
static void test_forged(void)
{
	pid_t pid = SAYS("bin/other", AUTH("su", "\"root\"", "pam_unix", "success"), START("\"root\""),
		COMMAND("failed"), SSHD_FAILED("\"root\""));

	CHECK_TOKEN(ONLY(AUTHENTICATION, pid)->process->executable->path, test_at("bin/other"));
	CHECK_EQUAL(all_of(pid), 1);
	pid = SAYS("sbin/cron", "1101", "op=PAM:accounting acct=\"root\" res=success", START("\"root\""),
		END("\"root\""));
	CHECK_EQUAL(all_of(pid), 0);
	pid = SAYS("sbin/su", START("\"root\""));
	CHECK_EQUAL(all_of(pid), 0);
}

static int in_own_users(void *context)
{
	if (unshare(CLONE_NEWUSER) < 0)
		return 77;
	return tell_as(context);
}

/* The kernel refuses the report, so no message comes. */
static void test_refused(void)
{
	static const char *const words[] = { AUTH("su", "\"root\"", "pam_unix", "success"), START("\"root\""), NULL };
	struct told told = { .path = test_teller_at("bin/su"), .words = words };
	pid_t pid;
	int status;

	status = says_status("bin/su", true, words, &pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	CHECK_EQUAL(all_of(pid), 0);
	pid = test_fork(in_own_users, &told);
	status = test_wait(pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 0);
	CHECK_EQUAL(all_of(pid), 0);
}

static int malformed(void *context)
{
	static const char good[] = "op=PAM:authentication acct=\"root\" res=success";
	int fd = test_audit();
	char text[TEXT_MAX];

	(void)context;
	memset(text, 'A', sizeof(text));
	for (size_t length = 0; length < sizeof(good) - 1; length++)
		(void)test_tell(fd, 1100, good, length, 0);			/* cut off */
	(void)test_tell(fd, 1100, text, 9000, 0);				/* more than the kernel keeps */
	(void)test_tell(fd, 1100, good, sizeof(good), 4096);			/* it isn't as long as it says */
	(void)test_tell(fd, 1100, "\0\0\0\0\0\0\0\0", 8, 0);
	(void)test_tell(fd, 1400, good, sizeof(good), 0);			/* another message */
	return 0;
}

static int long_name(void *context)
{
	int fd = test_audit();
	char text[TEXT_MAX];
	int length = sprintf(text, "op=PAM:authentication acct=");

	(void)context;
	memset(text + length, 'B', 8192);
	strcpy(text + length + 8192, " exe=\"/x\" res=failed");
	return test_tell(fd, 1100, text, strlen(text) + 1, 0);
}

static void test_malformed(void)
{
	const es_message_t *message;
	pid_t pid = test_fork(malformed, NULL);

	CHECK_EQUAL(test_wait(pid), 0);
	CHECK_EQUAL(all_of(pid), 0);
	pid = test_fork(long_name, NULL);
	CHECK_EQUAL(test_wait(pid), 0);
	message = ONLY(AUTHENTICATION, pid);
	CHECK(!message->event.authentication->success);
	CHECK_EQUAL(message->event.authentication->data.od->record_name.length, 4096);
	CHECK(message->event.authentication->data.od->record_name.data[4095] == '\xbb');
}

static void test_muted(void)
{
	pid_t pid;

	REQUIRE(es_mute_path(client->client, test_at("bin/su"), ES_MUTE_PATH_TYPE_LITERAL) == ES_RETURN_SUCCESS);
	pid = SAYS("bin/su", AUTH("su", "\"root\"", "pam_rootok", "success"), START("\"root\""));
	CHECK_EQUAL(all_of(pid), 0);
	REQUIRE(es_unmute_path(client->client, test_at("bin/su"), ES_MUTE_PATH_TYPE_LITERAL) == ES_RETURN_SUCCESS);
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	test_subscribe(client, ES_NOTIFY(AUTHENTICATION), -1);
	pid = SAYS("bin/su", AUTH("su", "\"root\"", "pam_rootok", "success"), START("\"root\""));
	CHECK_EQUAL(all_of(pid), 1);
}

int main(int argc, char **argv)
{
	int fd = test_audit();

	closep(&fd);
	test_teller(argc, argv);
	test_begin(60);
	if (fd < 0)
		test_skip("auditing in this kernel");
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(AUTHENTICATION), ES_NOTIFY(OPENSSH_LOGIN), ES_NOTIFY(OPENSSH_LOGOUT),
		       ES_NOTIFY(LOGIN_LOGIN), ES_NOTIFY(LOGIN_LOGOUT), ES_NOTIFY(SU), ES_NOTIFY(SUDO), -1);
	test_su();
	test_sshd();
	test_login();
	test_sudo();
	test_forged();
	test_refused();
	test_malformed();
	test_muted();
	return test_end();
}
