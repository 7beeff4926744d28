/* SPDX-License-Identifier: MIT */
#include "user-room.h"

#include <stdbool.h>

static bool is_inside(const struct es_record *head, struct es_span span)
{
	return span.off >= sizeof(*head) && span.off <= head->size && span.len <= head->size - span.off;
}

size_t esl_user_strings(const struct es_record *head, const void *record, struct es_span span)
{
	const char *at = (const char *)record + span.off;
	size_t count = 0;

	if (!span.len || !is_inside(head, span))
		return 0;
	for (uint32_t i = 0; i < span.len; i++)
		count += !at[i];
	return count;
}

static bool is_about_users(uint16_t type)
{
	switch (type) {
	case ES_EVENT_TYPE_NOTIFY_AUTHENTICATION:
	case ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGIN:
	case ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGOUT:
	case ES_EVENT_TYPE_NOTIFY_LOGIN_LOGIN:
	case ES_EVENT_TYPE_NOTIFY_LOGIN_LOGOUT:
	case ES_EVENT_TYPE_NOTIFY_SU:
	case ES_EVENT_TYPE_NOTIFY_SUDO:
	case ES_EVENT_TYPE_NOTIFY_OD_GROUP_ADD ... ES_EVENT_TYPE_NOTIFY_OD_DELETE_GROUP:
	case ES_EVENT_TYPE_NOTIFY_BTM_LAUNCH_ITEM_ADD:
	case ES_EVENT_TYPE_NOTIFY_BTM_LAUNCH_ITEM_REMOVE:
		return true;
	default:
		return false;
	}
}

/* Each text counts once, whatever is taken out of it: values don't overlap, and a value's NUL uses its key's room. */
uint32_t esl_user_room(const struct es_record *head, const void *record)
{
	uint64_t bytes = sizeof(es_string_token_t);
	size_t strings;

	if (!is_about_users(head->type))
		return 0;
	for (unsigned int i = 0; i < ES_RECORD_STRINGS; i++)
		if (is_inside(head, head->str[i]))
			bytes += head->str[i].len + 1;
	strings = esl_user_strings(head, record, head->args) + esl_user_strings(head, record, head->env);
	bytes += strings * sizeof(es_string_token_t);
	return bytes <= UINT32_MAX / 2 ? (uint32_t)bytes : 0;
}
