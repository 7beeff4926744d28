/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/message.h"
#include "lib/test-record.h"
#include "tests/fuzz/random.h"
#include "util/macro.h"

/*
 * Any bytes as a record. Whatever decodes is looked at as a program would, so that a sanitizer sees each pointer used.
 *
 * With clang's fuzzer this is its entry; without, main() decodes a good record of each type, changed at random.
 */

static volatile uint64_t sink;

/* A string's data, also of one that is absent, are never NULL. */
static void use_bytes(const char *data, size_t length)
{
	if (!data)
		abort();
	for (size_t i = 0; i <= length; i++)		/* the NUL too */
		sink += (uint8_t)data[i];
}

static void use_file(const es_file_t *file)
{
	if (!file)
		return;
	use_bytes(file->path.data, file->path.length);
	sink += file->stat.st_ino + file->path_truncated;
}

static void use_process(const es_process_t *process)
{
	if (!process)
		return;
	use_bytes(process->signing_id.data, process->signing_id.length);
	use_bytes(process->team_id.data, process->team_id.length);
	use_file(process->executable);
	use_file(process->tty);
	sink += process->audit_token.val[5] + (uint64_t)process->start_time.tv_usec;
}

static void use_exec(const es_event_exec_t *exec)
{
	use_process(exec->target);
	use_file(exec->cwd);
	use_file(exec->script);
	use_bytes(exec->dyld_exec_path.data, exec->dyld_exec_path.length);
	for (uint32_t i = 0; i < es_exec_arg_count(exec); i++)
		use_bytes(es_exec_arg(exec, i).data, es_exec_arg(exec, i).length);
	for (uint32_t i = 0; i < es_exec_env_count(exec); i++)
		use_bytes(es_exec_env(exec, i).data, es_exec_env(exec, i).length);
	for (uint32_t i = 0; i < es_exec_fd_count(exec); i++)
		sink += (uint64_t)es_exec_fd(exec, i)->fd;
}

static void use_token(es_string_token_t token)
{
	use_bytes(token.data, token.length);
}

static void use_su(const es_event_su_t *su)
{
	use_token(su->failure_message);
	use_token(su->from_username);
	use_token(su->to_username);
	use_token(su->shell);
	for (size_t i = 0; i < su->argc; i++)
		use_token(su->argv[i]);
	for (size_t i = 0; i < su->env_count; i++)
		use_token(su->env[i]);
}

static void use_sudo(const es_event_sudo_t *sudo)
{
	use_token(sudo->from_username);
	use_token(sudo->to_username);
	use_token(sudo->command);
	if (sudo->reject_info)
		use_token(sudo->reject_info->plugin_name);
}

static void use_authentication(const es_event_authentication_t *authentication)
{
	switch (authentication->type) {
	case ES_AUTHENTICATION_TYPE_OD:
		use_token(authentication->data.od->record_name);
		use_token(authentication->data.od->node_name);
		use_process(authentication->data.od->instigator);
		break;
	case ES_AUTHENTICATION_TYPE_TOUCHID:
		use_process(authentication->data.touchid->instigator);
		break;
	default:
		use_token(authentication->data.token->pubkey_hash);
		use_process(authentication->data.token->instigator);
	}
}

static void use_tokens(const es_string_token_t *tokens, size_t count)
{
	for (size_t i = 0; i < count; i++)
		use_token(tokens[i]);
}

/* False: it is none of accounts and groups. */
static bool use_account(const es_message_t *message)
{
	const es_events_t *event = &message->event;

	switch (message->event_type) {
	case ES_EVENT_TYPE_NOTIFY_OD_CREATE_USER:
		use_token(event->od_create_user->user_name);
		use_token(event->od_create_user->db_path);
		use_process(event->od_create_user->instigator);
		return true;
	case ES_EVENT_TYPE_NOTIFY_BTM_LAUNCH_ITEM_ADD:
		use_token(event->btm_launch_item_add->item->item_url);
		use_token(event->btm_launch_item_add->executable_path);
		use_process(event->btm_launch_item_add->instigator);
		return true;
	case ES_EVENT_TYPE_NOTIFY_OD_GROUP_ADD:
		use_token(event->od_group_add->group_name);
		use_token(event->od_group_add->member->member_value.name);
		return true;
	case ES_EVENT_TYPE_NOTIFY_OD_GROUP_SET:
		use_tokens(event->od_group_set->members->member_array.names, event->od_group_set->members->member_count);
		return true;
	case ES_EVENT_TYPE_NOTIFY_OD_ATTRIBUTE_SET:
		use_token(event->od_attribute_set->attribute_name);
		use_tokens(event->od_attribute_set->attribute_values, event->od_attribute_set->attribute_value_count);
		return true;
	case ES_EVENT_TYPE_NOTIFY_OD_ATTRIBUTE_VALUE_ADD:
		use_token(event->od_attribute_value_add->attribute_value);
		return true;
	default:
		return false;
	}
}

static void use_event(const es_message_t *message)
{
	if (use_account(message))
		return;
	switch (message->event_type) {
	case ES_EVENT_TYPE_AUTH_EXEC:
	case ES_EVENT_TYPE_NOTIFY_EXEC:
		use_exec(&message->event.exec);
		break;
	case ES_EVENT_TYPE_NOTIFY_MOUNT:
		use_bytes(message->event.mount.statfs->f_mntonname, strlen(message->event.mount.statfs->f_mntonname));
		break;
	case ES_EVENT_TYPE_NOTIFY_RENAME:
		use_file(message->event.rename.source);
		if (message->event.rename.destination_type == ES_DESTINATION_TYPE_EXISTING_FILE)
			use_file(message->event.rename.destination.existing_file);
		else
			use_bytes(message->event.rename.destination.new_path.filename.data,
				  message->event.rename.destination.new_path.filename.length);
		break;
	case ES_EVENT_TYPE_NOTIFY_FORK:
		use_process(message->event.fork.child);
		break;
	case ES_EVENT_TYPE_NOTIFY_AUTHENTICATION:
		use_authentication(message->event.authentication);
		break;
	case ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGIN:
		use_token(message->event.openssh_login->username);
		use_token(message->event.openssh_login->source_address);
		break;
	case ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGOUT:
		use_token(message->event.openssh_logout->username);
		use_token(message->event.openssh_logout->source_address);
		break;
	case ES_EVENT_TYPE_NOTIFY_LOGIN_LOGIN:
		use_token(message->event.login_login->username);
		break;
	case ES_EVENT_TYPE_NOTIFY_SU:
		use_su(message->event.su);
		break;
	case ES_EVENT_TYPE_NOTIFY_SUDO:
		use_sudo(message->event.sudo);
		break;
	case ES_EVENT_TYPE_AUTH_OPEN:
	case ES_EVENT_TYPE_NOTIFY_OPEN:
		use_file(message->event.open.file);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;
	struct esl_clock clock = {};

	if (esl_message_copy(&message, bytes, (uint32_t)length) < 0 || esl_message_decode(message, &clock) < 0)
		return 0;
	use_process(message->message.process);
	use_event(&message->message);
	return 0;
}

/* Offsets and lengths are where the harm is: whole words of the head are changed as often as single bytes anywhere. */
static void change(struct test_record *record)
{
	static const uint32_t values[] = {
		0, 1, 7, 8, 176, 255, 4096, INT32_MAX, INT32_MAX + 1u, UINT32_MAX - 7, UINT32_MAX,
	};
	uint32_t size = record->head.size, word;

	for (uint32_t i = 1 + any(4); i; i--) {
		if (any(2)) {
			record->bytes[any(size)] ^= (uint8_t)(1 << any(8));
			continue;
		}
		word = any(3) ? any(size) : values[any(ARRAY_SIZE(values))];
		memcpy(record->bytes + any(any(2) ? size / 4 : sizeof(struct es_record) / 4) * 4, &word, sizeof(word));
	}
}

/* What programs say of users is made of texts. */
static void good_record(struct test_record *record, uint16_t type)
{
	test_record_full(record, type);
	record->head.str[0] = test_record_string(record, "op=x grantors=pam_u2f,pam_fprintd acct=726F6F74 cmd=\"/bin/ls\" "
							"hostname=? addr=::1 terminal=? res=success");
	record->head.str[2] = test_record_string(record, "op=y acct=\"root\" res=success");
}

#ifdef ES_FUZZ_PLAIN
int main(int argc, char **argv)
{
	uint32_t rounds = argc > 1 ? (uint32_t)atoi(argv[1]) : 2000;
	static struct test_record good, changed;

	for (uint16_t type = 0; type < ES_EVENT_TYPES; type++) {
		if (type < ES_EVENT_TYPE_NOTIFY_AUTHENTICATION)
			test_record_full(&good, type);
		else
			good_record(&good, type);
		LLVMFuzzerTestOneInput(good.bytes, good.head.size);
		for (uint32_t i = 0; i < rounds; i++) {
			uint32_t size = good.head.size;
			uint8_t *exact = malloc(size);

			memcpy(changed.bytes, good.bytes, size);
			change(&changed);
			memcpy(exact, changed.bytes, size);
			LLVMFuzzerTestOneInput(exact, any(8) ? size : any(size));
			free(exact);
		}
	}
	printf("%u records\n", ES_EVENT_TYPES * (rounds + 1));
	return 0;
}
#else
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t length, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t room, unsigned int seed);

/* The fuzzer finds its way from good records, which it would hardly guess. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t room, unsigned int seed)
{
	static struct test_record record;

	any_begin(seed);
	if (length >= sizeof(struct es_record) && any(8))
		return LLVMFuzzerMutate(bytes, length, room);
	test_record_full(&record, (uint16_t)any(ES_EVENT_TYPES));
	if (any(2))
		good_record(&record, record.head.type);
	if (any(2))
		change(&record);
	length = record.head.size < room ? record.head.size : room;
	memcpy(bytes, record.bytes, length);
	return length;
}
#endif
