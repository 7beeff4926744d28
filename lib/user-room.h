/* SPDX-License-Identifier: MIT */
#pragma once

/* Room for what user.c, account.c and item.c make of a record: structs in the message, strings behind the record's copy. */

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
		es_event_od_group_add_t od_group_add;
		es_event_od_group_remove_t od_group_remove;
		es_event_od_group_set_t od_group_set;
		es_event_od_modify_password_t od_modify_password;
		es_event_od_disable_user_t od_disable_user;
		es_event_od_enable_user_t od_enable_user;
		es_event_od_attribute_value_add_t od_attribute_value_add;
		es_event_od_attribute_value_remove_t od_attribute_value_remove;
		es_event_od_attribute_set_t od_attribute_set;
		es_event_od_create_user_t od_create_user;
		es_event_od_create_group_t od_create_group;
		es_event_od_delete_user_t od_delete_user;
		es_event_od_delete_group_t od_delete_group;
		es_event_btm_launch_item_add_t btm_launch_item_add;
		es_event_btm_launch_item_remove_t btm_launch_item_remove;
	};
	union {
		es_event_authentication_od_t od;
		es_event_authentication_touchid_t touchid;
		es_event_authentication_token_t token;
		es_sudo_reject_info_t reject;
		es_od_member_id_t member;
		es_od_member_id_array_t members;
		es_btm_launch_item_t item;
	};
};

/* How many bytes a record needs; 0: its type needs none. The record may be malformed; `head` is a copy of its head. */
uint32_t esl_user_room(const struct es_record *head, const void *record);

/*
 * How many NUL-terminated strings the span has. They are as a program had them in its memory, so the last one may
 * lack its NUL; then it isn't counted. 0 if the span isn't inside the record.
 */
size_t esl_user_strings(const struct es_record *head, const void *record, struct es_span span);
