/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N5) Makes the events about users and accounts from the texts in a record: decoded names, addresses, and how a user
 * was authenticated. The strings are behind the record's copy, in the room of user-room.h.
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

/* Changes of accounts and groups: account.c. */
es_event_od_group_add_t *esl_user_od_group_add(const struct esl_user_from *from);
es_event_od_group_remove_t *esl_user_od_group_remove(const struct esl_user_from *from);
es_event_od_group_set_t *esl_user_od_group_set(const struct esl_user_from *from);
es_event_od_modify_password_t *esl_user_od_modify_password(const struct esl_user_from *from);
es_event_od_disable_user_t *esl_user_od_disable_user(const struct esl_user_from *from);
es_event_od_enable_user_t *esl_user_od_enable_user(const struct esl_user_from *from);
es_event_od_attribute_value_add_t *esl_user_od_attribute_value_add(const struct esl_user_from *from);
es_event_od_attribute_value_remove_t *esl_user_od_attribute_value_remove(const struct esl_user_from *from);
es_event_od_attribute_set_t *esl_user_od_attribute_set(const struct esl_user_from *from);
es_event_od_create_user_t *esl_user_od_create_user(const struct esl_user_from *from);
es_event_od_create_group_t *esl_user_od_create_group(const struct esl_user_from *from);
es_event_od_delete_user_t *esl_user_od_delete_user(const struct esl_user_from *from);
es_event_od_delete_group_t *esl_user_od_delete_group(const struct esl_user_from *from);

/* Launch items: item.c. */
es_event_btm_launch_item_add_t *esl_user_btm_launch_item_add(const struct esl_user_from *from);
es_event_btm_launch_item_remove_t *esl_user_btm_launch_item_remove(const struct esl_user_from *from);
