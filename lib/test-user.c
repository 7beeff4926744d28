/* SPDX-License-Identifier: MIT */

/* What the messages of Debian's programs become, member by member; and what is made of texts that are none. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "test-record.h"
#include "test.h"
#include "user.h"
#include "util/macro.h"

/* 0: it isn't known. */
#define UID(uid) ((uid) + 1)

static struct test_record record;

struct from {
	es_event_type_t type;
	int number;			/* of the message */
	int flags;
	int64_t uid, from_uid;		/* UID() */
	const char *text[3];
	const char *args, *env;		/* words with a space between them */
};

/* With a NUL behind each word; and `cut`: not behind the last. */
static struct es_span strings(const char *words, bool cut)
{
	char copy[512];
	size_t length = strlen(words) + 1;

	memcpy(copy, words, length);
	for (size_t i = 0; i < length; i++)
		if (copy[i] == ' ')
			copy[i] = '\0';
	return test_record_bytes(&record, copy, (uint32_t)(length - cut));
}

static void make(const struct from *from, bool cut)
{
	test_record_begin(&record, (uint16_t)from->type);
	record.head.thread_id = 0;
	for (int i = 0; i < 3; i++)
		if (from->text[i])
			record.head.str[i] = test_record_string(&record, from->text[i]);
	if (from->args)
		record.head.args = strings(from->args, false);
	if (from->env)
		record.head.env = strings(from->env, cut);
	record.head.num[ES_USER_NUMBER] = from->number;
	record.head.num[ES_USER_FLAGS] = from->flags;
	record.head.num[ES_USER_UID] = from->uid - 1;
	record.head.num[ES_USER_FROM_UID] = from->from_uid - 1;
}

static int decode_record(struct esl_message **message)
{
	static struct esl_clock clock;
	_cleanup_free_ void *exact = malloc(record.head.size);
	int r;

	CHECK(exact != NULL);
	memcpy(exact, record.bytes, record.head.size);
	r = esl_message_copy(message, exact, record.head.size);
	return r < 0 ? r : esl_message_decode(*message, &clock);
}

/* Of the message that this becomes; it is there until the next one. */
static const es_events_t *decode(struct from from)
{
	static struct esl_message *message;

	make(&from, false);
	CHECK(decode_record(&message) == 0);
	CHECK(message->message.event_type == from.type && !message->message.thread);
	CHECK(es_message_size(&message->message) >= sizeof(es_message_t) + record.head.size);
	return &message->message.event;
}

#define DECODE(type_, ...) \
	(decode((struct from){ .type = ES_EVENT_TYPE_NOTIFY_##type_, __VA_ARGS__ }))

static bool is(es_string_token_t string, const char *expected)
{
	return string.length == strlen(expected) && !strcmp(string.data, expected);
}

static void test_authentication(void)
{
	const es_event_authentication_t *e;

	e = DECODE(AUTHENTICATION, .number = 1100, .text = { "op=PAM:authentication grantors=pam_rootok "
		"acct=\"t1\" exe=\"/usr/bin/su\" hostname=? addr=? terminal=? res=success" })->authentication;
	CHECK(e->success && e->type == ES_AUTHENTICATION_TYPE_OD && is(e->data.od->record_name, "t1"));
	CHECK(is(e->data.od->record_type, "Users") && is(e->data.od->node_name, "/Local/Default"));
	CHECK(!e->data.od->db_path.length && e->data.od->instigator_token.val[5] == 1000);
	CHECK(is(e->data.od->instigator->executable->path, "/bin/actor"));
	e = DECODE(AUTHENTICATION, .number = 1100, .text = { "op=PAM:authentication grantors=? acct=\"root\" "
		"exe=\"/usr/bin/su\" hostname=? addr=? terminal=? res=failed" })->authentication;
	CHECK(!e->success && e->type == ES_AUTHENTICATION_TYPE_OD && is(e->data.od->record_name, "root"));
	e = DECODE(AUTHENTICATION, .number = 1100, .text = { "op=PAM:authentication grantors=pam_sss acct=\"a\" "
		"res=success" })->authentication;
	CHECK(e->success && is(e->data.od->node_name, "/SSSD"));
	e = DECODE(AUTHENTICATION, .number = 1100, .uid = UID(1000), .text = {
		"op=PAM:authentication grantors=pam_fprintd acct=\"a\" res=success" })->authentication;
	CHECK(e->success && e->type == ES_AUTHENTICATION_TYPE_TOUCHID && e->data.touchid->has_uid);
	CHECK(e->data.touchid->uid.uid == 1000 && e->data.touchid->touchid_mode == ES_TOUCHID_MODE_VERIFICATION);
	e = DECODE(AUTHENTICATION, .number = 1105, .flags = ES_USER_KEY, .text = {
		"op=PAM:session_open grantors=pam_unix acct=\"t1\" exe=\"/usr/sbin/sshd\" hostname=127.0.0.1 "
		"addr=127.0.0.1 terminal=ssh res=success" })->authentication;
	CHECK(e->success && e->type == ES_AUTHENTICATION_TYPE_TOKEN && !e->data.token->pubkey_hash.length);
}

static void test_openssh(void)
{
	const es_event_openssh_logout_t *out;
	const es_event_openssh_login_t *e;

	e = DECODE(OPENSSH_LOGIN, .number = 1105, .uid = UID(1001), .text = {
		"op=PAM:session_open grantors=pam_unix acct=\"t1\" exe=\"/usr/sbin/sshd\" hostname=127.0.0.1 "
		"addr=127.0.0.1 terminal=ssh res=success" })->openssh_login;
	CHECK(e->success && e->result_type == ES_OPENSSH_AUTH_SUCCESS && is(e->username, "t1") && e->has_uid);
	CHECK(e->uid.uid == 1001 && is(e->source_address, "127.0.0.1") &&
		e->source_address_type == ES_ADDRESS_TYPE_IPV4);
	e = DECODE(OPENSSH_LOGIN, .number = 1105, .text = { "op=PAM:session_open acct=\"ldap\" hostname=h.example "
		"addr=fe80::1 terminal=ssh res=success" })->openssh_login;
	CHECK(e->has_uid && e->uid.uid == 1 && e->source_address_type == ES_ADDRESS_TYPE_IPV6);	/* the auid */
	e = DECODE(OPENSSH_LOGIN, .number = 1112, .uid = UID(1001), .text = {
		"op=login acct=\"t1\" exe=\"/usr/sbin/sshd\" hostname=? addr=127.0.0.1 terminal=sshd "
		"res=failed" })->openssh_login;
	CHECK(!e->success && e->result_type == ES_OPENSSH_AUTH_FAIL_PUBKEY && e->has_uid && e->uid.uid == 1001);
	e = DECODE(OPENSSH_LOGIN, .number = 1112, .flags = ES_USER_PASSWORD, .text = {
		"op=login acct=\"t1\" hostname=? addr=? terminal=sshd res=failed" })->openssh_login;
	CHECK(e->result_type == ES_OPENSSH_AUTH_FAIL_PASSWD && !e->has_uid && !e->source_address.length);
	CHECK(e->source_address_type == ES_ADDRESS_TYPE_NONE);
	e = DECODE(OPENSSH_LOGIN, .number = 1112, .flags = ES_USER_PASSWORD, .text = {
		"op=login acct=28696E76616C6964207573657229 exe=\"/usr/sbin/sshd\" hostname=peer addr=? "
		"terminal=sshd res=failed" })->openssh_login;
	CHECK(e->result_type == ES_OPENSSH_INVALID_USER && is(e->username, "(invalid user)") && !e->has_uid);
	CHECK(is(e->source_address, "peer") && e->source_address_type == ES_ADDRESS_TYPE_NONE);
	out = DECODE(OPENSSH_LOGOUT, .number = 1106, .uid = UID(1001), .text = {
		"op=PAM:session_close grantors=pam_unix acct=\"t1\" exe=\"/usr/sbin/sshd\" hostname=127.0.0.1 "
		"addr=127.0.0.1 terminal=ssh res=success" })->openssh_logout;
	CHECK(is(out->username, "t1") && out->uid == 1001 && is(out->source_address, "127.0.0.1"));
}

static void test_login(void)
{
	const es_event_login_login_t *e;

	e = DECODE(LOGIN_LOGIN, .number = 1112, .uid = UID(1001), .text = {
		"op=login acct=\"t1\" exe=\"/usr/bin/login\" hostname=? addr=? terminal=/dev/tty1 "
		"res=success" })->login_login;
	CHECK(e->success && !e->failure_message.length && is(e->username, "t1") && e->has_uid && e->uid.uid == 1001);
	/* util-linux' login */
	e = DECODE(LOGIN_LOGIN, .number = 1112, .uid = UID(1001), .text = {
		"op=login id=1001 exe=\"/usr/bin/login\" hostname=? addr=? terminal=/dev/pts/0 res=success", "t1" })->login_login;
	CHECK(e->success && is(e->username, "t1") && e->has_uid);
	e = DECODE(LOGIN_LOGIN, .number = 1112, .uid = UID(0), .text = {
		"op=login acct=1B5B324A exe=\"/usr/bin/login\" hostname=? addr=? terminal=/dev/tty1 "
		"res=failed" })->login_login;
	CHECK(!e->success && is(e->failure_message, "Login incorrect") && is(e->username, "\033[2J") && !e->has_uid);
	CHECK(DECODE(LOGIN_LOGOUT, .number = 1106, .uid = UID(7), .text = {
		"op=PAM:session_close acct=\"t1\" res=success" })->login_logout->uid == 7);
}

#define SU_TEXT \
	"op=PAM:session_open grantors=pam_unix acct=\"t1\" exe=\"/usr/bin/su\" hostname=? addr=? terminal=? res=success"

static bool shell_is(const char *args, const char *expected)
{
	return is(DECODE(SU, .number = 1105, .text = { SU_TEXT, "root", "/bin/own" }, .args = args,
		.env = "SHELL=/bin/kept")->su->shell,
		  expected);
}

static void test_su(void)
{
	const es_event_su_t *e;

	e = DECODE(SU, .number = 1105, .uid = UID(1001), .from_uid = UID(0), .text = { SU_TEXT, "root",
		"/bin/own" }, .args = "su - t1", .env = "A=1 B=2")->su;
	CHECK(e->success && !e->failure_message.length && e->from_uid == 0 && is(e->from_username, "root"));
	CHECK(e->has_to_uid && e->to_uid.uid == 1001 && is(e->to_username, "t1") && is(e->shell, "/bin/own"));
	CHECK(e->argc == 3 && is(e->argv[0], "su") && is(e->argv[1], "-") && is(e->argv[2], "t1"));
	CHECK(e->env_count == 2 && is(e->env[0], "A=1") && is(e->env[1], "B=2"));
	e = DECODE(SU, .number = 1100, .from_uid = UID(1001), .text = {
		"op=PAM:authentication grantors=? acct=\"root\" exe=\"/usr/bin/su\" hostname=? addr=? terminal=? "
		"res=failed" })->su;
	CHECK(!e->success && is(e->failure_message, "Authentication failure") && !e->shell.length && !e->has_to_uid);
	CHECK(e->argc == 0 && !e->argv && e->env_count == 0 && !e->env && !e->from_username.length);

	CHECK(shell_is("su t1", "/bin/own") && shell_is("su", "/bin/own"));
	CHECK(shell_is("su -s /bin/x t1", "/bin/x") && shell_is("su -ls/bin/x", "/bin/x") &&
		shell_is("su t1 -s /bin/x", "/bin/x"));
	CHECK(shell_is("su --shell=/bin/x", "/bin/x") && shell_is("su --shell /bin/x t1", "/bin/x"));
	CHECK(shell_is("su -c -s/bin/x t1", "/bin/own") && shell_is("su --command -s/bin/x t1", "/bin/own"));
	CHECK(shell_is("su -- -s/bin/x", "/bin/own") && shell_is("su -s", "/bin/own"));
	CHECK(shell_is("su -p t1", "/bin/kept") && shell_is("su --preserve-environment", "/bin/kept"));
	CHECK(shell_is("su -ps /bin/x", "/bin/x"));
}

static void test_sudo(void)
{
	const es_event_sudo_t *e;

	e = DECODE(SUDO, .number = 1123, .uid = UID(0), .from_uid = UID(1001), .text = {
		"cwd=\"/root/x\" cmd=2F62696E2F6C73202D6C exe=\"/usr/bin/sudo\" terminal=? res=success", "t1",
		"op=PAM:setcred grantors=pam_permit,pam_cap acct=\"root\" exe=\"/usr/bin/sudo\" hostname=? addr=? "
		"terminal=? res=success" })->sudo;
	CHECK(e->success && !e->reject_info && e->has_from_uid && e->from_uid.uid == 1001 && is(e->from_username,
		"t1"));
	CHECK(e->has_to_uid && e->to_uid.uid == 0 && is(e->to_username, "root") && is(e->command, "/bin/ls -l"));
	e = DECODE(SUDO, .number = 1123, .from_uid = UID(1001), .text = {
		"cwd=\"/root/x\" cmd=\"/bin/ls\" exe=\"/usr/bin/sudo\" terminal=? res=failed" })->sudo;
	CHECK(!e->success && is(e->reject_info->plugin_name, "sudoers_policy") && !e->has_to_uid &&
		is(e->command, "/bin/ls"));
	CHECK(e->reject_info->plugin_type == ES_SUDO_PLUGIN_TYPE_POLICY && !e->to_username.length &&
		!e->from_username.length);
}

/* The environment is as the program has it in its memory: what no NUL ends isn't a string. */
static void test_unended(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;
	struct from from = { .type = ES_EVENT_TYPE_NOTIFY_SU, .text = { SU_TEXT }, .args = "su", .env = "A=1 B=2" };

	make(&from, true);
	record.bytes[record.head.env.off + record.head.env.len] = 'x';
	CHECK(decode_record(&message) == 0 && message->message.event.su->env_count == 1);
	record.head.env.len = record.head.size;
	CHECK(decode_record(&message) == -EBADMSG);
	record.head.env.len = 0;
	record.head.args.off = UINT32_MAX - 2;
	CHECK(decode_record(&message) == -EBADMSG);
}

int main(void)
{
	test_authentication();
	test_openssh();
	test_login();
	test_su();
	test_sudo();
	test_unended();
	return 0;
}
