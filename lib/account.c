/* SPDX-License-Identifier: MIT */

/*
 * (N5) Changes of accounts and groups. The daemon has made the record (daemon/report/), with names as they are in the
 * files, NUL-terminated. The message points to them.
 */

#include <stdint.h>
#include <string.h>

#include "message.h"
#include "user-room.h"
#include "user.h"

enum { NAME, DATABASE, DETAIL };	/* texts of a record */

static es_string_token_t literal(const char *text)
{
	return (es_string_token_t){ .length = strlen(text), .data = text };
}

static struct esl_user *begin(const struct esl_user_from *from)
{
	memset(&from->message->user, 0, sizeof(from->message->user));
	return &from->message->user;
}

/* The instigator is the message's process, which changed the file. A failed change makes no event. */
#define OD_COMMON(from) \
	.instigator = (from)->message->message.process, .error_code = 0, .node_name = literal("/Local/Default"), \
	.db_path = (from)->text[DATABASE], .instigator_token = (from)->message->message.process ? \
		(from)->message->message.process->audit_token : (audit_token_t){}

/* An event with a name and nothing else. */
#define OD_NAMED(event, member) \
	es_event_##event##_t *esl_user_##event(const struct esl_user_from *from) \
	{ \
		struct esl_user *user = begin(from); \
\
		user->event = (es_event_##event##_t){ OD_COMMON(from), .member = from->text[NAME] }; \
		return &user->event; \
	}

OD_NAMED(od_create_user, user_name)
OD_NAMED(od_delete_user, user_name)
OD_NAMED(od_disable_user, user_name)
OD_NAMED(od_enable_user, user_name)
OD_NAMED(od_create_group, group_name)
OD_NAMED(od_delete_group, group_name)
OD_NAMED(od_modify_password, account_name)	/* account_type: a user's, which is 0 */

/* ---- lists ---- */

static es_string_token_t *strings(const struct esl_user_from *from, size_t *ret_count)
{
	const struct es_record *record = esl_message_record(from->message);
	uintptr_t room = (uintptr_t)from->room;
	es_string_token_t *tokens = (es_string_token_t *)(room + -room % _Alignof(es_string_token_t));
	const char *at = (const char *)record + record->args.off;

	*ret_count = esl_user_strings(record, record, record->args);
	for (size_t i = 0; i < *ret_count; i++) {
		tokens[i] = literal(at);
		at += tokens[i].length + 1;
	}
	return *ret_count ? tokens : NULL;
}

#define OD_MEMBER(event) \
	es_event_##event##_t *esl_user_##event(const struct esl_user_from *from) \
	{ \
		struct esl_user *user = begin(from); \
\
		user->member.member_type = ES_OD_MEMBER_TYPE_USER_NAME; \
		user->member.member_value.name = from->text[DETAIL]; \
		user->event = (es_event_##event##_t){ \
			OD_COMMON(from), .group_name = from->text[NAME], .member = &user->member, \
		}; \
		return &user->event; \
	}

OD_MEMBER(od_group_add)
OD_MEMBER(od_group_remove)

es_event_od_group_set_t *esl_user_od_group_set(const struct esl_user_from *from)
{
	struct esl_user *user = begin(from);

	user->members.member_type = ES_OD_MEMBER_TYPE_USER_NAME;
	user->members.member_array.names = strings(from, &user->members.member_count);
	user->od_group_set = (es_event_od_group_set_t){
		OD_COMMON(from), .group_name = from->text[NAME], .members = &user->members,
	};
	return &user->od_group_set;
}

/* ---- attributes ---- */

static es_od_record_type_t record_type(const struct esl_user_from *from)
{
	return (es_od_record_type_t)esl_message_record(from->message)->num[ES_OD_RECORD_TYPE];
}

#define OD_VALUE(event) \
	es_event_##event##_t *esl_user_##event(const struct esl_user_from *from) \
	{ \
		struct esl_user *user = begin(from); \
		size_t count; \
		const es_string_token_t *value = strings(from, &count); \
\
		user->event = (es_event_##event##_t){ \
			OD_COMMON(from), .record_type = record_type(from), .record_name = from->text[NAME], \
			.attribute_name = from->text[DETAIL], .attribute_value = value ? *value : literal(""), \
		}; \
		return &user->event; \
	}

OD_VALUE(od_attribute_value_add)
OD_VALUE(od_attribute_value_remove)

es_event_od_attribute_set_t *esl_user_od_attribute_set(const struct esl_user_from *from)
{
	struct esl_user *user = begin(from);
	size_t count;
	es_string_token_t *values = strings(from, &count);

	user->od_attribute_set = (es_event_od_attribute_set_t){
		OD_COMMON(from), .record_type = record_type(from), .record_name = from->text[NAME],
		.attribute_name = from->text[DETAIL], .attribute_value_count = count, .attribute_values = values,
	};
	return &user->od_attribute_set;
}
