/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a message keeps what lib/user.c makes of a record: structs in the message, strings behind the record's copy. */

#include <stddef.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "abi/record.h"

/* The structs that such a message points to. */
struct esl_user {
	union {
		es_event_authentication_t authentication;
		es_event_openssh_login_t openssh_login;
		es_event_openssh_logout_t openssh_logout;
		es_event_login_login_t login_login;
		es_event_login_logout_t login_logout;
		es_event_su_t su;
		es_event_sudo_t sudo;
	};
	union {
		es_event_authentication_od_t od;
		es_event_authentication_touchid_t touchid;
		es_event_authentication_token_t token;
		es_sudo_reject_info_t reject;
	};
};

/* The bytes that are needed for a record, which need not be in order; 0: it isn't one of these. `head`: a copy of it. */
uint32_t esl_user_room(const struct es_record *head, const void *record);

/*
 * How many strings there are that a NUL ends; the last one need not have any, since they are as a program has them in its
 * memory. 0 if the span isn't inside.
 */
size_t esl_user_strings(const struct es_record *head, const void *record, struct es_span span);
