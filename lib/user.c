/* SPDX-License-Identifier: MIT */
#include "user.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "audit.h"
#include "message.h"
#include "user-room.h"

/* The numbers of libaudit's messages that make a difference here. */
enum {
	USER_AUTH = 1100,
	USER_ACCT = 1101,
};

/* ---- what a text says ---- */

struct maker {
	struct esl_user *user;
	const struct es_record *record;
	const es_process_t *process;
	struct esl_audit text;
	char *room;
};

static const es_string_token_t none = { .length = 0, .data = "" };

static es_string_token_t literal(const char *text)
{
	return (es_string_token_t){ .length = strlen(text), .data = text };
}

static struct esl_audit audit_of(es_string_token_t text)
{
	return (struct esl_audit){ .text = text.data, .length = text.length };
}

static struct maker make(const struct esl_user_from *from)
{
	struct esl_message *message = from->message;

	memset(&message->user, 0, sizeof(message->user));
	return (struct maker){
		.user = &message->user,
		.record = esl_message_record(message),
		.process = message->message.process,
		.text = audit_of(from->text[0]),
		.room = from->room,
	};
}

static es_string_token_t take(struct maker *m, struct esl_audit_value value)
{
	es_string_token_t string = none;

	if (!value.at)
		return none;
	string.data = m->room;
	string.length = esl_audit_copy(m->room, value);
	m->room += string.length + 1;
	return string;
}

static es_string_token_t take_account(struct maker *m)
{
	return take(m, esl_audit_find(m->text, "acct"));
}

static bool succeeded(const struct maker *m)
{
	return esl_audit_result(m->text) == ESL_AUDIT_SUCCESS;
}

static es_address_type_t address_type(es_string_token_t address)
{
	struct in6_addr parsed;

	if (inet_pton(AF_INET, address.data, &parsed) == 1)
		return ES_ADDRESS_TYPE_IPV4;
	return inet_pton(AF_INET6, address.data, &parsed) == 1 ? ES_ADDRESS_TYPE_IPV6 : ES_ADDRESS_TYPE_NONE;
}

/* The address that the user comes from, or, if there is none, the host name that a name server gave. */
static es_string_token_t take_address(struct maker *m)
{
	struct esl_audit_value address = esl_audit_find_one(m->text, "addr");

	return take(m, address.at ? address : esl_audit_find_one(m->text, "hostname"));
}

/*
 * The account's uid, or else the login uid, under which the kernel counts what the user does from now on:
 * pam_loginuid has set it for a user who isn't in /etc/passwd.
 */
static bool user_id(const struct maker *m, uid_t *ret)
{
	*ret = (uid_t)m->record->num[ES_USER_UID];
	if (*ret == (uid_t)-1)
		*ret = m->process ? m->process->audit_token.val[0] : (uid_t)-1;
	return *ret != (uid_t)-1;
}

/* ---- authentication ---- */

static bool granted_by(const struct maker *m, const char *const modules[])
{
	for (size_t i = 0; modules[i]; i++)
		if (esl_audit_granted(m->text, modules[i]))
			return true;
	return false;
}

static void make_token(struct maker *m, es_event_authentication_t *event)
{
	event->type = ES_AUTHENTICATION_TYPE_TOKEN;
	event->data.token = &m->user->token;
	m->user->token = (es_event_authentication_token_t){
		.instigator = (es_process_t *)m->process,
		.pubkey_hash = none,
		.token_id = none,
		.kerberos_principal = none,
		.instigator_token = m->process->audit_token,
	};
}

static void make_finger(struct maker *m, es_event_authentication_t *event)
{
	es_event_authentication_touchid_t *touchid = &m->user->touchid;

	event->type = ES_AUTHENTICATION_TYPE_TOUCHID;
	event->data.touchid = touchid;
	touchid->instigator = (es_process_t *)m->process;
	touchid->touchid_mode = ES_TOUCHID_MODE_VERIFICATION;
	touchid->uid.uid = (uid_t)m->record->num[ES_USER_UID];
	touchid->has_uid = touchid->uid.uid != (uid_t)-1;
	touchid->instigator_token = m->process->audit_token;
}

/* The directory that knows the account, by the PAM module that vouched for the user. */
static es_string_token_t node_of(const struct maker *m)
{
	static const struct {
		const char *module, *node;
	} nodes[] = {
		{ "pam_sss", "/SSSD" },
		{ "pam_ldap", "/LDAPv3" },
		{ "pam_krb5", "/Kerberos" },
		{ "pam_winbind", "/Active Directory" },
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		if (esl_audit_granted(m->text, nodes[i].module))
			return literal(nodes[i].node);
	return literal("/Local/Default");
}

static void make_directory(struct maker *m, es_event_authentication_t *event)
{
	event->type = ES_AUTHENTICATION_TYPE_OD;
	event->data.od = &m->user->od;
	m->user->od = (es_event_authentication_od_t){
		.instigator = (es_process_t *)m->process,
		.record_type = literal("Users"),
		.record_name = take_account(m),
		.node_name = node_of(m),
		.db_path = none,
		.instigator_token = m->process->audit_token,
	};
}

es_event_authentication_t *esl_user_authentication(const struct esl_user_from *from)
{
	static const char *const fingers[] = { "pam_fprintd", NULL };
	static const char *const tokens[] = { "pam_u2f", "pam_pkcs11", "pam_p11", NULL };
	struct maker m = make(from);
	es_event_authentication_t *event = &m.user->authentication;

	event->success = succeeded(&m);
	if (m.record->num[ES_USER_FLAGS] & ES_USER_KEY || granted_by(&m, tokens))
		make_token(&m, event);
	else if (granted_by(&m, fingers))
		make_finger(&m, event);
	else
		make_directory(&m, event);
	return event;
}

/* ---- sshd ---- */

static es_openssh_login_result_type_t login_result(const struct maker *m, es_string_token_t username)
{
	if (succeeded(m))
		return ES_OPENSSH_AUTH_SUCCESS;
	if (!strcmp(username.data, "(invalid user)"))
		return ES_OPENSSH_INVALID_USER;
	if (m->record->num[ES_USER_FLAGS] & ES_USER_PASSWORD)
		return ES_OPENSSH_AUTH_FAIL_PASSWD;
	return ES_OPENSSH_AUTH_FAIL_PUBKEY;
}

es_event_openssh_login_t *esl_user_openssh_login(const struct esl_user_from *from)
{
	struct maker m = make(from);
	es_event_openssh_login_t *event = &m.user->openssh_login;

	event->success = succeeded(&m);
	event->username = take_account(&m);
	event->result_type = login_result(&m, event->username);
	event->source_address = take_address(&m);
	event->source_address_type = address_type(event->source_address);
	event->uid.uid = (uid_t)m.record->num[ES_USER_UID];
	event->has_uid = event->success ? user_id(&m, &event->uid.uid) : event->uid.uid != (uid_t)-1;
	return event;
}

es_event_openssh_logout_t *esl_user_openssh_logout(const struct esl_user_from *from)
{
	struct maker m = make(from);
	es_event_openssh_logout_t *event = &m.user->openssh_logout;

	event->username = take_account(&m);
	event->source_address = take_address(&m);
	event->source_address_type = address_type(event->source_address);
	(void)user_id(&m, &event->uid);
	return event;
}

/* ---- login ---- */

es_event_login_login_t *esl_user_login_login(const struct esl_user_from *from)
{
	struct maker m = make(from);
	es_event_login_login_t *event = &m.user->login_login;

	event->success = succeeded(&m);
	event->failure_message = event->success ? none : literal("Login incorrect");
	event->username = take_account(&m);
	if (!event->username.length)
		event->username = from->text[1];
	event->has_uid = event->success && user_id(&m, &event->uid.uid);
	return event;
}

es_event_login_logout_t *esl_user_login_logout(const struct esl_user_from *from)
{
	struct maker m = make(from);
	es_event_login_logout_t *event = &m.user->login_logout;

	event->username = take_account(&m);
	(void)user_id(&m, &event->uid);
	return event;
}

/* ---- su ---- */

static void align(struct maker *m)
{
	m->room += -(uintptr_t)m->room % _Alignof(es_string_token_t);
}

static es_string_token_t *take_strings(struct maker *m, struct es_span span, size_t *ret_count)
{
	es_string_token_t *strings = (es_string_token_t *)m->room;
	const char *at = (const char *)m->record + span.off;
	size_t count = esl_user_strings(m->record, m->record, span);

	for (size_t i = 0; i < count; i++) {
		strings[i] = literal(at);
		at += strings[i].length + 1;
	}
	m->room += count * sizeof(*strings);
	*ret_count = count;
	return count ? strings : NULL;
}

struct su_options {
	es_string_token_t shell;
	bool keeps_environment;
};

/* A word of short options, the last with a value perhaps: "-s/bin/sh", "-s" "/bin/sh". Returns words used: 1 or 2. */
static size_t short_options(struct su_options *options, const es_string_token_t *word, size_t left)
{
	for (const char *at = word->data + 1; *at; at++) {
		es_string_token_t value = at[1] ? literal(at + 1) : left > 1 ? word[1] : none;

		if (*at == 'm' || *at == 'p')
			options->keeps_environment = true;
		if (*at == 's')
			options->shell = value;
		if (strchr("cgGsw", *at))
			return at[1] ? 1 : 2;
	}
	return 1;
}

static size_t long_option(struct su_options *options, const es_string_token_t *word, size_t left)
{
	static const char *const with_value[] = { "command", "session-command", "group", "supp-group", "shell",
						  "whitelist-environment" };
	const char *name = word->data + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);

	if (length == strlen("preserve-environment") && !strncmp(name, "preserve-environment", length))
		options->keeps_environment = true;
	for (size_t i = 0; i < sizeof(with_value) / sizeof(with_value[0]); i++) {
		if (length != strlen(with_value[i]) || strncmp(name, with_value[i], length))
			continue;
		if (!strcmp(with_value[i], "shell"))
			options->shell = equals ? literal(equals + 1) : left > 1 ? word[1] : none;
		return equals ? 1 : 2;
	}
	return 1;
}

static struct su_options su_options(const es_event_su_t *event)
{
	struct su_options options = { .shell = none };
	size_t i = 1;

	while (i < event->argc) {
		const es_string_token_t *word = &event->argv[i];

		if (!strcmp(word->data, "--"))
			break;
		if (word->data[0] != '-' || !word->data[1])
			i++;
		else if (word->data[1] == '-')
			i += long_option(&options, word, event->argc - i);
		else
			i += short_options(&options, word, event->argc - i);
	}
	return options;
}

static es_string_token_t from_environment(const es_event_su_t *event, const char *prefix)
{
	for (size_t i = 0; i < event->env_count; i++)
		if (!strncmp(event->env[i].data, prefix, strlen(prefix)))
			return literal(event->env[i].data + strlen(prefix));
	return none;
}

/* The shell that su chooses. `account`: the account's own. */
static es_string_token_t su_shell(const es_event_su_t *event, es_string_token_t account)
{
	struct su_options options = su_options(event);
	es_string_token_t kept = options.keeps_environment ? from_environment(event, "SHELL=") : none;

	if (options.shell.length)
		return options.shell;
	return kept.length ? kept : account;
}

static es_string_token_t su_failure(const struct maker *m)
{
	switch (m->record->num[ES_USER_NUMBER]) {
	case USER_AUTH:
		return literal("Authentication failure");
	case USER_ACCT:
		return literal("Account not accepted");
	default:
		return literal("Session not opened");
	}
}

es_event_su_t *esl_user_su(const struct esl_user_from *from)
{
	struct maker m = make(from);
	es_event_su_t *event = &m.user->su;

	event->success = succeeded(&m);
	event->failure_message = event->success ? none : su_failure(&m);
	event->from_uid = (uid_t)m.record->num[ES_USER_FROM_UID];
	event->from_username = from->text[1];
	event->to_uid.uid = (uid_t)m.record->num[ES_USER_UID];
	event->has_to_uid = event->to_uid.uid != (uid_t)-1;
	event->to_username = take_account(&m);
	align(&m);
	event->argv = take_strings(&m, m.record->args, &event->argc);
	event->env = take_strings(&m, m.record->env, &event->env_count);
	event->shell = event->success ? su_shell(event, from->text[2]) : none;
	return event;
}

/* ---- sudo ---- */

es_event_sudo_t *esl_user_sudo(const struct esl_user_from *from)
{
	struct maker m = make(from);
	es_event_sudo_t *event = &m.user->sudo;

	event->success = succeeded(&m);
	event->command = take(&m, esl_audit_find(m.text, "cmd"));
	event->from_uid.uid = (uid_t)m.record->num[ES_USER_FROM_UID];
	event->has_from_uid = event->from_uid.uid != (uid_t)-1;
	event->from_username = from->text[1];
	m.text = audit_of(from->text[2]);
	event->to_username = take_account(&m);
	event->to_uid.uid = (uid_t)m.record->num[ES_USER_UID];
	event->has_to_uid = event->to_uid.uid != (uid_t)-1;
	if (!event->success) {
		event->reject_info = &m.user->reject;
		m.user->reject = (es_sudo_reject_info_t){
			.plugin_name = literal("sudoers_policy"),	/* it is the one that sends such messages */
			.plugin_type = ES_SUDO_PLUGIN_TYPE_POLICY,
			.failure_message = none,
		};
	}
	return event;
}
