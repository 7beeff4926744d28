/* SPDX-License-Identifier: MIT */

/*
 * (N5) What has become of graphical sessions. The daemon has made the record (daemon/report/sessions.c). The message
 * points to its text.
 */

#include <string.h>

#include "message.h"
#include "user-room.h"
#include "user.h"

enum { NAME };				/* texts of a record */

#define SESSION_EVENT(event) \
	es_event_##event##_t *esl_user_##event(const struct esl_user_from *from) \
	{ \
		const int64_t *number = esl_message_record(from->message)->num; \
		struct esl_user *user = &from->message->user; \
\
		memset(user, 0, sizeof(*user)); \
		user->event = (es_event_##event##_t){ \
			.username = from->text[NAME], \
			.graphical_session_id = (es_graphical_session_id_t)number[ES_SESSION_ID], \
		}; \
		return &user->event; \
	}

SESSION_EVENT(lw_session_login)
SESSION_EVENT(lw_session_logout)
SESSION_EVENT(lw_session_lock)
SESSION_EVENT(lw_session_unlock)
