/* SPDX-License-Identifier: MIT */

/*
 * (N5) What starts by itself, and has come or gone. The daemon has made the record (daemon/report/launch.c). The message
 * points to its texts.
 */

#include <string.h>

#include "message.h"
#include "user-room.h"
#include "user.h"

enum { URL, PROGRAM };			/* texts of a record */

/* The instigator is the message's process, which changed the file. */
static es_process_t *instigator(const struct esl_user_from *from)
{
	return from->message->message.process;
}

/* It points to the process, which is the message's own. */
static audit_token_t *instigator_token(const struct esl_user_from *from)
{
	return instigator(from) ? &instigator(from)->audit_token : NULL;
}

static struct esl_user *begin(const struct esl_user_from *from)
{
	const int64_t *number = esl_message_record(from->message)->num;
	struct esl_user *user = &from->message->user;

	memset(user, 0, sizeof(*user));
	user->item = (es_btm_launch_item_t){
		.item_type = (es_btm_item_type_t)number[ES_ITEM_TYPE],
		.legacy = number[ES_ITEM_LEGACY],
		.uid = (uid_t)number[ES_ITEM_UID],
		.item_url = from->text[URL],
		.app_url = { .data = "" },
	};
	return user;
}

es_event_btm_launch_item_add_t *esl_user_btm_launch_item_add(const struct esl_user_from *from)
{
	struct esl_user *user = begin(from);

	user->btm_launch_item_add = (es_event_btm_launch_item_add_t){
		.instigator = instigator(from),
		.item = &user->item,
		.executable_path = from->text[PROGRAM],
		.instigator_token = instigator_token(from),
	};
	return &user->btm_launch_item_add;
}

es_event_btm_launch_item_remove_t *esl_user_btm_launch_item_remove(const struct esl_user_from *from)
{
	struct esl_user *user = begin(from);

	user->btm_launch_item_remove = (es_event_btm_launch_item_remove_t){
		.instigator = instigator(from),
		.item = &user->item,
		.instigator_token = instigator_token(from),
	};
	return &user->btm_launch_item_remove;
}
