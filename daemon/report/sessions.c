/* SPDX-License-Identifier: MIT */
#include "daemon/report/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

/* ---- what is known ---- */

void esd_sessions_deinit(struct esd_sessions *sessions)
{
	struct esd_session *session, *next;

	for (session = sessions->first; session; session = next) {
		next = session->next;
		free(session);
	}
	*sessions = (struct esd_sessions){};
}

struct esd_session *esd_sessions_find(struct esd_sessions *sessions, const char *id)
{
	for (struct esd_session *session = sessions->first; session; session = session->next)
		if (!strcmp(session->id, id))
			return session;
	return NULL;
}

struct esd_session *esd_sessions_at(struct esd_sessions *sessions, const char *path)
{
	for (struct esd_session *session = sessions->first; session; session = session->next)
		if (!strcmp(session->path, path))
			return session;
	return NULL;
}

struct esd_session *esd_sessions_add(struct esd_sessions *sessions, const char *id, const char *path)
{
	struct esd_session *session, **last;

	if (!*id || strlen(id) >= ESD_SESSION_ID_BYTES || !*path || strlen(path) >= ESD_SESSION_PATH_BYTES ||
	    sessions->count == ESD_SESSIONS_MAX)
		return NULL;
	session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;
	strcpy(session->id, id);
	strcpy(session->path, path);
	for (last = &sessions->first; *last; last = &(*last)->next)
		;
	*last = session;
	sessions->count++;
	return session;
}

/* ---- what is told ---- */

static void tell(const struct esd_sessions *sessions, enum esd_session_event event, const struct esd_session *session)
{
	sessions->tell(sessions->owner, event, session);
}

static void log_out(const struct esd_sessions *sessions, struct esd_session *session)
{
	if (session->is_in)
		tell(sessions, ESD_SESSION_LOGOUT, session);
	session->is_in = session->is_locked = false;
}

static bool counts(const struct esd_session_facts *facts)
{
	return facts->is_graphical && facts->is_of_user && facts->name[0];
}

/* It is known for the first time: what was so before anybody asked isn't told. */
static void begin(const struct esd_sessions *sessions, struct esd_session *session)
{
	session->is_known = true;
	if (session->is_heard || session->facts.began_us >= sessions->since_us)
		return;
	session->is_in = counts(&session->facts);
	session->is_locked = session->is_in && session->facts.is_locked;
}

static void settle(const struct esd_sessions *sessions, struct esd_session *session)
{
	bool locked = session->facts.is_locked;

	if (!counts(&session->facts)) {
		log_out(sessions, session);
		return;
	}
	if (!session->is_in) {
		session->is_in = true;
		tell(sessions, ESD_SESSION_LOGIN, session);
	}
	if (locked == session->is_locked)
		return;
	session->is_locked = locked;
	tell(sessions, locked ? ESD_SESSION_LOCK : ESD_SESSION_UNLOCK, session);
}

/* The name in a message about what was so is that of then. */
void esd_sessions_learn(struct esd_sessions *sessions, struct esd_session *session,
			const struct esd_session_facts *facts)
{
	bool another = session->is_known && facts->began_us != session->facts.began_us;

	if (another || !counts(facts))
		log_out(sessions, session);
	if (another)
		session->is_heard = false;
	session->facts = *facts;
	if (!session->is_known || another)
		begin(sessions, session);
	if (session->is_doubtful && !facts->is_locked)	/* logind forgets that when it starts anew */
		session->is_locked = false;
	session->is_doubtful = false;
	settle(sessions, session);
}

void esd_sessions_remove(struct esd_sessions *sessions, struct esd_session *session)
{
	struct esd_session **link = &sessions->first;

	while (*link != session)
		link = &(*link)->next;
	*link = session->next;
	sessions->count--;
	log_out(sessions, session);
	free(session);
}

void esd_sessions_listed(struct esd_sessions *sessions)
{
	struct esd_session *session, *next;

	for (session = sessions->first; session; session = next) {
		next = session->next;
		if (!session->is_listed)
			esd_sessions_remove(sessions, session);
		else
			session->is_listed = false;
	}
}

/* ---- what logind says ---- */

bool esd_session_is_graphical(const char *type)
{
	static const char *const types[] = { "x11", "wayland", "mir" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

/* Since systemd 256 there are user-early, user-light and so on. A user-incomplete isn't in yet: it becomes a user. */
bool esd_session_is_of_user(const char *class)
{
	return !strcmp(class, "user") ||
	       (!strncmp(class, "user-", strlen("user-")) && strcmp(class, "user-incomplete"));
}

/* FNV-1a */
static uint32_t hash_of(const char *text)
{
	uint32_t hash = 2166136261;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619;
	return hash;
}

/* The upper two bits say of what: 00 a number, 10 one behind a c, 11 anything else. */
uint32_t esd_session_number(const char *id)
{
	const char *digits = id + (*id == 'c');
	uint32_t kind = *id == 'c' ? UINT32_C(2) << 30 : 0;
	size_t length = strlen(digits);

	if (length && length < 10 && strspn(digits, "0123456789") == length)
		return kind | (uint32_t)strtoul(digits, NULL, 10);	/* below 2^30 */
	return UINT32_C(3) << 30 | hash_of(id) >> 2;
}
