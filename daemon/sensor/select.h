/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi/sensor.h"

/* Types whose programs have to know where path arguments lead, of those that are told by objects. */
#define ESD_OBJECT_LOOKUPS \
	ESD_NOTIFY_ACCESS, ESD_NOTIFY_READLINK, ESD_NOTIFY_SETEXTATTR, ESD_NOTIFY_GETEXTATTR, ESD_NOTIFY_LISTEXTATTR, \
	ESD_NOTIFY_DELETEEXTATTR, ESD_NOTIFY_SETACL, ESD_NOTIFY_SETFLAGS

/* What programs say of users: bpf/notify/user.bpf.h. */
#define ESD_USERS \
	ESD_NOTIFY_AUTHENTICATION, ESD_NOTIFY_OPENSSH_LOGIN, ESD_NOTIFY_OPENSSH_LOGOUT, ESD_NOTIFY_LOGIN_LOGIN, \
	ESD_NOTIFY_LOGIN_LOGOUT, ESD_NOTIFY_SU, ESD_NOTIFY_SUDO

/* Subscriptions as the kernel programs read them. `types` is all that the client in `slot` is subscribed to. */
void esd_select_client(struct es_sensor_control *control, unsigned int slot, const uint64_t types[ES_TYPE_WORDS]);

bool esd_select_any_type(const struct es_sensor_control *control, unsigned int type);

/* All that somebody is subscribed to. */
void esd_select_types(const struct es_sensor_control *control, uint64_t ret[ES_TYPE_WORDS]);

/* Does one of these types need system calls of this kind to be looked at, or of any? `lsm`: as in the control struct. */
bool esd_select_needs_kind(const uint64_t types[ES_TYPE_WORDS], unsigned int kind, bool lsm);
bool esd_select_any_kind(const uint64_t types[ES_TYPE_WORDS], bool lsm);
