/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Hears what systemd-logind says of sessions on the system bus. It runs on a thread of its own and never waits for an
 * answer: bus and logind may be absent, slow, or come back. Nothing is ever sent that would start logind.
 *
 * login-bus-absent.c stands in where the build found no libsystemd.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/report/sessions.h"

enum esd_login_state {
	ESD_LOGIN_OFF,			/* it hasn't run yet */
	ESD_LOGIN_NO_BUS,		/* nobody listens there; it tries again */
	ESD_LOGIN_NO_ANSWER,		/* there is a bus, and it hasn't said yet whether logind is there */
	ESD_LOGIN_NO_LOGIND,
	ESD_LOGIN_HEARS,
	ESD_LOGIN_NOT_BUILT,
};

struct esd_login;

/* `pid` is logind's. Called on the thread that runs it. */
typedef void esd_login_tell_f(void *owner, enum esd_session_event event, const char *name, uint32_t session, pid_t pid);

/* `socket` is the bus', borrowed. */
int esd_login_new(struct esd_login **ret, const char *socket, esd_login_tell_f *tell, void *owner);
void esd_login_free(struct esd_login *login);

/* Runs until `wake_fd` is readable. Once. */
void esd_login_run(struct esd_login *login, int wake_fd);

/* Both from any thread. Has it heard of all sessions that there are, or that there is nothing to hear? */
bool esd_login_begun(const struct esd_login *login);
enum esd_login_state esd_login_state(const struct esd_login *login);	/* NULL: OFF */
