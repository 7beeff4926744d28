/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N5) What programs say of users, made from the texts in a record: names without their encoding, addresses, who let
 * somebody in. What is made stands behind the record's copy, in the room of user-room.h.
 */

#include <EndpointSecurity/EndpointSecurity.h>

#include "abi/record.h"

struct esl_message;

/* A record's texts, which the decoder has checked, and room for what is made of them. */
struct esl_user_from {
	struct esl_message *message;
	es_string_token_t text[ES_RECORD_STRINGS];
	char *room;
};

es_event_authentication_t *esl_user_authentication(const struct esl_user_from *from);
es_event_openssh_login_t *esl_user_openssh_login(const struct esl_user_from *from);
es_event_openssh_logout_t *esl_user_openssh_logout(const struct esl_user_from *from);
es_event_login_login_t *esl_user_login_login(const struct esl_user_from *from);
es_event_login_logout_t *esl_user_login_logout(const struct esl_user_from *from);
es_event_su_t *esl_user_su(const struct esl_user_from *from);
es_event_sudo_t *esl_user_sudo(const struct esl_user_from *from);
