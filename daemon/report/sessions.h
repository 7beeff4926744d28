/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Graphical sessions, as systemd-logind describes them, and what becomes of them: login, lock, unlock, logout.
 * login-bus.c passes on what logind says; this file keeps it, and tells each change once.
 *
 * A session counts while it is one of a person (Class user) at a graphical screen (Type x11, wayland or mir). One that
 * began before `since_us` isn't told, but what becomes of it is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ESD_SESSION_ID_BYTES = 256,
	ESD_SESSION_PATH_BYTES = 512,
	ESD_SESSION_NAME_BYTES = 257,	/* of a user, with its NUL */
	ESD_SESSIONS_MAX = 8192,	/* logind's own limit, too */
};

/* In the order of their numbers as types. */
enum esd_session_event { ESD_SESSION_LOGIN, ESD_SESSION_LOGOUT, ESD_SESSION_LOCK, ESD_SESSION_UNLOCK };

/* What is known of a session. Strings are never too long: what is, is taken for absent. */
struct esd_session_facts {
	char name[ESD_SESSION_NAME_BYTES];	/* empty: not known, so the session doesn't count */
	bool is_graphical;
	bool is_of_user;
	bool is_locked;
	uint64_t began_us;		/* CLOCK_MONOTONIC */
};

struct esd_session {
	struct esd_session *next;
	char id[ESD_SESSION_ID_BYTES];
	char path[ESD_SESSION_PATH_BYTES];	/* of its object on the bus */
	struct esd_session_facts facts;
	bool is_known;			/* logind has said what it is */
	bool is_heard;			/* logind has said that it begins: so it is told, whenever that was */
	bool is_doubtful;		/* it was known to a logind before, which may have known more */
	bool is_listed;			/* for esd_sessions_listed() */
	bool is_in, is_locked;		/* what was told, or would have been */
	uint64_t asked;			/* the caller's: which answer it waits for; 0: none */
};

struct esd_sessions {
	struct esd_session *first;
	size_t count;
	uint64_t since_us;
	void (*tell)(void *owner, enum esd_session_event event, const struct esd_session *session);
	void *owner;
};

void esd_sessions_deinit(struct esd_sessions *sessions);

/* NULL: none, or there are too many, or the id or the path is no such thing. */
struct esd_session *esd_sessions_find(struct esd_sessions *sessions, const char *id);
struct esd_session *esd_sessions_at(struct esd_sessions *sessions, const char *path);
struct esd_session *esd_sessions_add(struct esd_sessions *sessions, const char *id, const char *path);

/* Tells what of the facts is new. */
void esd_sessions_learn(struct esd_sessions *sessions, struct esd_session *session,
			const struct esd_session_facts *facts);

/* It has ended. */
void esd_sessions_remove(struct esd_sessions *sessions, struct esd_session *session);

/* logind has listed all there are, which are marked: the others have ended. Takes the marks away. */
void esd_sessions_listed(struct esd_sessions *sessions);

/* What `Type` and `Class` say. */
bool esd_session_is_graphical(const char *type);
bool esd_session_is_of_user(const char *class);

/* A number for an id, of which logind's are 2 or c2. */
uint32_t esd_session_number(const char *id);
