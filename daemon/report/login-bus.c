/* SPDX-License-Identifier: MIT */

/*
 * What is asked, in this order, and all again when logind or the bus has come back:
 *
 *	signals of logind, and of its name's coming and going
 *	who has the name, and which process that is
 *	the sessions that there are
 *	each session's properties; and those of each that begins
 *
 * Answers and signals of one sender come in the order in which it sent them. Others may send us signals that look like
 * logind's, so the sender is compared with who has the name, which the bus tells.
 */

#include "daemon/report/login-bus.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

#define BUS "org.freedesktop.DBus"
#define LOGIND "org.freedesktop.login1"
#define SESSION LOGIND ".Session"

enum {
	OWNER_BYTES = 256,		/* the longest name on a bus, with its NUL */
	ANSWER_S = 10,
	TRY_FIRST_MS = 250,
	TRY_LAST_MS = 8000,
	AT_ONCE = 64,			/* messages between two looks at wake_fd */
};

struct esd_login {
	const char *socket;		/* borrowed */
	esd_login_tell_f *tell;
	void *owner;
	sd_bus *bus;			/* NULL: not connected */
	char logind[OWNER_BYTES];	/* its name of this time, ":1.2"; empty: it isn't there */
	pid_t pid;			/* 0: not known yet, and so it isn't listened to */
	uint64_t pid_asked;		/* the cookie of the answer that says it */
	int failed;			/* sd-bus doesn't pass on what a callback returns */
	uint64_t next_ns;		/* when to try again */
	uint64_t delay_ms;
	bool begun;			/* atomic, as is this: */
	enum esd_login_state state;
	struct log_limit limit;
	struct esd_sessions sessions;
};

static void state_set(struct esd_login *login, enum esd_login_state state)
{
	__atomic_store_n(&login->state, state, __ATOMIC_RELEASE);
	if (state == ESD_LOGIN_NO_BUS || state == ESD_LOGIN_NO_LOGIND)
		__atomic_store_n(&login->begun, true, __ATOMIC_RELEASE);
}

bool esd_login_begun(const struct esd_login *login)
{
	return __atomic_load_n(&login->begun, __ATOMIC_ACQUIRE);
}

enum esd_login_state esd_login_state(const struct esd_login *login)
{
	return login ? __atomic_load_n(&login->state, __ATOMIC_ACQUIRE) : ESD_LOGIN_OFF;
}

static void tell(void *owner, enum esd_session_event event, const struct esd_session *session)
{
	struct esd_login *login = owner;

	login->tell(login->owner, event, session->facts.name, esd_session_number(session->id), login->pid);
}

/* All sessions that there were at the beginning are known. */
static void begun_check(struct esd_login *login)
{
	if (esd_login_begun(login))
		return;
	for (struct esd_session *session = login->sessions.first; session; session = session->next)
		if (!session->is_known)
			return;
	__atomic_store_n(&login->begun, true, __ATOMIC_RELEASE);
}

/* What a callback returns. If something failed, the connection ends, and all begins anew. */
static int done(struct esd_login *login, int r)
{
	if (r < 0)
		login->failed = r;
	return 0;
}

static bool is_from(const sd_bus_message *message, const char *sender)
{
	const char *from = sd_bus_message_get_sender((sd_bus_message *)message);

	return from && *sender && !strcmp(from, sender);
}

/* False: it isn't logind's, or that isn't listened to yet. */
static bool is_ours(const struct esd_login *login, const sd_bus_message *message)
{
	return login->pid && is_from(message, login->logind);
}

static bool is_late(sd_bus_message *answer)
{
	return sd_bus_message_is_method_error(answer, NULL) && sd_bus_message_get_errno(answer) == ETIMEDOUT;
}

/* ---- questions ---- */

/* Sends one, without starting anybody for it; the answer's cookie is in *ret_asked. It frees the question. */
static int ask(struct esd_login *login, sd_bus_message *question, sd_bus_message_handler_t answer, uint64_t *ret_asked)
{
	int r;

	r = sd_bus_message_set_auto_start(question, 0);
	if (r >= 0)
		r = sd_bus_call_async(login->bus, NULL, question, answer, login, ANSWER_S * (NS_PER_S / 1000));
	if (r >= 0 && ret_asked)
		r = sd_bus_message_get_cookie(question, ret_asked);
	sd_bus_message_unref(question);
	return r;
}

/* A question with one string, or none. */
static int ask_text(struct esd_login *login, const char *to, const char *path, const char *interface,
		    const char *member, const char *text, sd_bus_message_handler_t answer, uint64_t *ret_asked)
{
	sd_bus_message *question = NULL;
	int r;

	r = sd_bus_message_new_method_call(login->bus, &question, to, path, interface, member);
	if (r >= 0 && text)
		r = sd_bus_message_append(question, "s", text);
	if (r >= 0)
		return ask(login, question, answer, ret_asked);
	sd_bus_message_unref(question);
	return r;
}

static int ask_bus(struct esd_login *login, const char *member, const char *name, sd_bus_message_handler_t answer,
		   uint64_t *ret_asked)
{
	return ask_text(login, BUS, "/org/freedesktop/DBus", BUS, member, name, answer, ret_asked);
}

/* ---- what a session is ---- */

/* The text in a variant; NULL: there is something else in it. The message is behind it afterwards. */
static int read_text(sd_bus_message *message, const char **ret)
{
	const char *contents;
	int r;

	*ret = NULL;
	r = sd_bus_message_peek_type(message, NULL, &contents);
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	return strcmp(contents, "s") ? sd_bus_message_skip(message, "v") : sd_bus_message_read(message, "v", "s", ret);
}

/* Likewise: *ret stays what it was. `kind` is "b" or "t". */
static int read_value(sd_bus_message *message, const char *kind, void *ret)
{
	const char *contents;
	int r;

	r = sd_bus_message_peek_type(message, NULL, &contents);
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	if (strcmp(contents, kind))
		return sd_bus_message_skip(message, "v");
	return sd_bus_message_read(message, "v", kind, ret);
}

static int read_name(sd_bus_message *message, struct esd_session_facts *facts)
{
	const char *text;
	int r;

	r = read_text(message, &text);
	if (r < 0)
		return r;
	facts->name[0] = '\0';
	if (text && strlen(text) < sizeof(facts->name))
		strcpy(facts->name, text);
	return 0;
}

static int read_property(sd_bus_message *message, const char *property, struct esd_session_facts *facts)
{
	const char *text;
	int r, locked = facts->is_locked;

	if (!strcmp(property, "Name"))
		return read_name(message, facts);
	if (!strcmp(property, "TimestampMonotonic"))
		return read_value(message, "t", &facts->began_us);
	if (!strcmp(property, "LockedHint")) {
		r = read_value(message, "b", &locked);
		facts->is_locked = locked;
		return r;
	}
	if (strcmp(property, "Type") && strcmp(property, "Class"))
		return sd_bus_message_skip(message, "v");
	r = read_text(message, &text);
	if (r < 0)
		return r;
	if (!strcmp(property, "Type"))
		facts->is_graphical = text && esd_session_is_graphical(text);
	else
		facts->is_of_user = text && esd_session_is_of_user(text);
	return 0;
}

/* Puts properties, an a{sv}, into the facts. */
static int read_properties(sd_bus_message *message, struct esd_session_facts *facts)
{
	const char *property;
	int r;

	r = sd_bus_message_enter_container(message, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
		r = sd_bus_message_read(message, "s", &property);
		if (r >= 0)
			r = read_property(message, property, facts);
		if (r >= 0)
			r = sd_bus_message_exit_container(message);
	}
	return r;
}

static int session_ask(struct esd_login *login, struct esd_session *session);

static uint64_t cookie_of(sd_bus_message *answer)
{
	uint64_t cookie = 0;

	(void)sd_bus_message_get_reply_cookie(answer, &cookie);
	return cookie;
}

/* NULL: nobody waits for this answer any more. */
static struct esd_session *session_of(struct esd_login *login, sd_bus_message *answer)
{
	uint64_t cookie = cookie_of(answer);

	for (struct esd_session *session = login->sessions.first; cookie && session; session = session->next)
		if (session->asked == cookie)
			return session;
	return NULL;
}

/* It has ended meanwhile; or logind has: then the next one says what there is. */
static void session_gone(struct esd_login *login, struct esd_session *session, sd_bus_message *answer)
{
	if (login->pid && (!session->is_known || sd_bus_message_is_method_error(answer, BUS ".Error.UnknownObject")))
		esd_sessions_remove(&login->sessions, session);
}

static int session_answer(sd_bus_message *answer, void *owner, sd_bus_error *error)
{
	struct esd_session_facts facts = {};
	struct esd_login *login = owner;
	struct esd_session *session = session_of(login, answer);

	(void)error;
	if (!session)
		return 0;
	session->asked = 0;
	if (is_late(answer) && login->pid)
		return done(login, session_ask(login, session));
	if (sd_bus_message_is_method_error(answer, NULL)) {
		session_gone(login, session, answer);
	} else if (!is_ours(login, answer)) {
		return 0;			/* another is logind by now: that one is asked */
	} else if (read_properties(answer, &facts) < 0) {
		log_limited(&login->limit, LOG_LEVEL_WARNING, "what systemd-logind says of a session can't be read");
		if (!session->is_known)
			esd_sessions_remove(&login->sessions, session);
	} else {
		esd_sessions_learn(&login->sessions, session, &facts);
	}
	begun_check(login);
	return 0;
}

static int session_ask(struct esd_login *login, struct esd_session *session)
{
	return ask_text(login, login->logind, session->path, BUS ".Properties", "GetAll", SESSION, session_answer,
			&session->asked);
}

static struct esd_session *session_add(struct esd_login *login, const char *id, const char *path)
{
	struct esd_session *session = esd_sessions_add(&login->sessions, id, path);

	if (!session)
		log_limited(&login->limit, LOG_LEVEL_WARNING,
			    "a session of systemd-logind's can't be followed: too many, or its id is none");
	return session;
}

/* ---- which sessions there are ---- */

static int list_entry(struct esd_login *login, const char *id, const char *path)
{
	struct esd_session *session = esd_sessions_find(&login->sessions, id);

	if (session && strcmp(session->path, path)) {
		esd_sessions_remove(&login->sessions, session);
		session = NULL;
	}
	if (!session)
		session = session_add(login, id, path);
	if (!session)
		return 0;
	session->is_listed = true;
	session->is_doubtful = session->is_known;
	return session_ask(login, session);
}

static int list_ask(struct esd_login *login);

static int list_answer(sd_bus_message *answer, void *owner, sd_bus_error *error)
{
	const char *id, *name, *seat, *path;
	struct esd_login *login = owner;
	uint32_t uid;
	int r;

	(void)error;
	if (is_late(answer) && login->pid)
		return done(login, list_ask(login));
	if (!is_ours(login, answer) || sd_bus_message_is_method_error(answer, NULL))
		return 0;			/* it ends, or doesn't want to say */
	r = sd_bus_message_enter_container(answer, 'a', "(susso)");
	while (r >= 0 && (r = sd_bus_message_read(answer, "(susso)", &id, &uid, &name, &seat, &path)) > 0)
		r = list_entry(login, id, path);
	if (r < 0)
		return done(login, r);
	esd_sessions_listed(&login->sessions);
	state_set(login, ESD_LOGIN_HEARS);
	begun_check(login);
	return 0;
}

static int list_ask(struct esd_login *login)
{
	return ask_text(login, login->logind, "/org/freedesktop/login1", LOGIND ".Manager", "ListSessions", NULL,
			list_answer, NULL);
}

static int pid_answer(sd_bus_message *answer, void *owner, sd_bus_error *error)
{
	struct esd_login *login = owner;
	uint32_t pid;

	(void)error;
	if (cookie_of(answer) != login->pid_asked)
		return 0;			/* another is logind by now */
	login->pid_asked = 0;
	if (sd_bus_message_is_method_error(answer, NULL))
		return 0;			/* it has gone again: its name will */
	if (sd_bus_message_read(answer, "u", &pid) < 0 || !pid)
		return done(login, -EBADMSG);
	login->pid = (pid_t)pid;
	return done(login, list_ask(login));
}

/* Another process is logind now, or none. What it told before still holds: sessions outlive it. */
static int logind_is(struct esd_login *login, const char *name)
{
	login->pid = 0;
	login->pid_asked = 0;
	login->logind[0] = '\0';
	if (!*name || strlen(name) >= sizeof(login->logind)) {
		state_set(login, ESD_LOGIN_NO_LOGIND);
		return 0;
	}
	strcpy(login->logind, name);
	state_set(login, ESD_LOGIN_NO_ANSWER);
	return ask_bus(login, "GetConnectionUnixProcessID", name, pid_answer, &login->pid_asked);
}

static int name_answer(sd_bus_message *answer, void *owner, sd_bus_error *error)
{
	const char *name = "";

	(void)error;
	if (!sd_bus_message_is_method_error(answer, NULL) && sd_bus_message_read(answer, "s", &name) < 0)
		return done(owner, -EBADMSG);
	return done(owner, logind_is(owner, name));
}

/* ---- signals ---- */

static int name_signal(sd_bus_message *message, void *owner, sd_bus_error *error)
{
	const char *name, *before, *now;
	struct esd_login *login = owner;

	(void)error;
	if (!is_from(message, BUS) || sd_bus_message_read(message, "sss", &name, &before, &now) < 0 ||
	    strcmp(name, LOGIND))
		return 0;
	return done(login, logind_is(login, now));
}

static int new_signal(sd_bus_message *message, void *owner, sd_bus_error *error)
{
	struct esd_login *login = owner;
	struct esd_session *session;
	const char *id, *path;

	(void)error;
	if (!is_ours(login, message) || sd_bus_message_read(message, "so", &id, &path) < 0 ||
	    esd_sessions_find(&login->sessions, id))
		return 0;
	session = session_add(login, id, path);
	if (!session)
		return 0;
	session->is_heard = true;
	return done(login, session_ask(login, session));
}

static int removed_signal(sd_bus_message *message, void *owner, sd_bus_error *error)
{
	struct esd_login *login = owner;
	struct esd_session *session;
	const char *id, *path;

	(void)error;
	if (!is_ours(login, message) || sd_bus_message_read(message, "so", &id, &path) < 0)
		return 0;
	session = esd_sessions_find(&login->sessions, id);
	if (session)
		esd_sessions_remove(&login->sessions, session);
	begun_check(login);
	return 0;
}

/* An answer that is still to come says all this anew. */
static int changed_signal(sd_bus_message *message, void *owner, sd_bus_error *error)
{
	struct esd_login *login = owner;
	struct esd_session_facts facts;
	struct esd_session *session;
	const char *interface;

	(void)error;
	if (!is_ours(login, message) || sd_bus_message_read(message, "s", &interface) < 0 || strcmp(interface, SESSION))
		return 0;
	session = esd_sessions_at(&login->sessions, sd_bus_message_get_path(message) ?: "");
	if (!session || session->asked)
		return 0;
	facts = session->facts;
	if (read_properties(message, &facts) >= 0)
		esd_sessions_learn(&login->sessions, session, &facts);
	return 0;
}

/* ---- the connection ---- */

static int match(struct esd_login *login, const char *rule, sd_bus_message_handler_t callback)
{
	return sd_bus_add_match_async(login->bus, NULL, rule, callback, NULL, login);
}

#define OF_MANAGER \
	"type='signal',sender='" LOGIND "',path='/org/freedesktop/login1',interface='" LOGIND ".Manager',member="
#define OF_SESSIONS "type='signal',sender='" LOGIND "',path_namespace='/org/freedesktop/login1/session',interface="

static int questions_begin(struct esd_login *login)
{
	int r;

	r = match(login, "type='signal',sender='" BUS "',path='/org/freedesktop/DBus',interface='" BUS
		  "',member='NameOwnerChanged',arg0='" LOGIND "'", name_signal);
	if (r >= 0)
		r = match(login, OF_MANAGER "'SessionNew'", new_signal);
	if (r >= 0)
		r = match(login, OF_MANAGER "'SessionRemoved'", removed_signal);
	if (r >= 0)
		r = match(login, OF_SESSIONS "'" BUS ".Properties',member='PropertiesChanged',arg0='" SESSION "'",
			  changed_signal);
	if (r >= 0)
		r = ask_bus(login, "GetNameOwner", LOGIND, name_answer, NULL);
	return r;
}

/* A descriptor, or a negative errno. */
static int socket_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int bus_connect(struct esd_login *login)
{
	_cleanup_close_ int fd = socket_connect(login->socket);
	int r;

	if (fd < 0)
		return fd;
	r = sd_bus_new(&login->bus);
	if (r >= 0)
		r = sd_bus_set_fd(login->bus, fd, fd);
	if (r < 0)
		return r;
	TAKE_FD(fd);
	r = sd_bus_set_bus_client(login->bus, 1);
	if (r >= 0)
		r = sd_bus_negotiate_fds(login->bus, 0);	/* nobody can send us any */
	if (r >= 0)
		r = sd_bus_start(login->bus);
	return r < 0 ? r : questions_begin(login);
}

/* What was asked isn't answered any more; sessions go on. */
static void bus_leave(struct esd_login *login, int why)
{
	if (esd_login_state(login) == ESD_LOGIN_HEARS || esd_login_state(login) == ESD_LOGIN_OFF)
		log_notice("no bus at %s (%s): sessions can't be seen until there is one", login->socket,
			   strerror(-why));
	login->bus = sd_bus_close_unref(login->bus);
	login->failed = 0;
	login->pid = 0;
	login->pid_asked = 0;
	login->logind[0] = '\0';
	for (struct esd_session *session = login->sessions.first; session; session = session->next)
		session->asked = 0;
	state_set(login, ESD_LOGIN_NO_BUS);
	login->next_ns = clock_ns() + login->delay_ms * NS_PER_MS;
	login->delay_ms = login->delay_ms * 2 < TRY_LAST_MS ? login->delay_ms * 2 : TRY_LAST_MS;
}

static void bus_try(struct esd_login *login)
{
	int r;

	if (login->bus || clock_ns() < login->next_ns)
		return;
	r = bus_connect(login);
	if (r < 0)
		bus_leave(login, r);
	else if (esd_login_state(login) == ESD_LOGIN_NO_BUS)
		state_set(login, ESD_LOGIN_NO_ANSWER);
}

/* Handles what has come. 1: there may be more. */
static int bus_process(struct esd_login *login)
{
	int r = 1;

	for (int i = 0; r > 0 && !login->failed && i < AT_ONCE; i++)
		r = sd_bus_process(login->bus, NULL);
	if (login->failed)
		r = login->failed;
	if (r >= 0 && !sd_bus_is_open(login->bus))
		r = -ECONNRESET;
	if (r < 0) {
		bus_leave(login, r);
		return 0;
	}
	if (esd_login_state(login) == ESD_LOGIN_HEARS)
		login->delay_ms = TRY_FIRST_MS;
	return r;
}

/* -1: as long as it takes. */
static int until(uint64_t at_ns)
{
	uint64_t now = clock_ns();

	if (at_ns == UINT64_MAX)
		return -1;
	if (at_ns <= now)
		return 0;
	return at_ns - now < NS_PER_S * 60 ? (int)((at_ns - now) / NS_PER_MS + 1) : 60000;
}

/* Waits for the bus, a time limit, the next try, or the end, which is true. */
static bool wait_for_more(struct esd_login *login, int wake_fd)
{
	struct pollfd fds[2] = { { .fd = wake_fd, .events = POLLIN }, { .fd = -1 } };
	uint64_t at_us = UINT64_MAX;
	int timeout;

	if (login->bus) {
		fds[1].fd = sd_bus_get_fd(login->bus);
		fds[1].events = (short)sd_bus_get_events(login->bus);
		(void)sd_bus_get_timeout(login->bus, &at_us);
		timeout = until(at_us == UINT64_MAX ? UINT64_MAX : at_us * 1000);
	} else {
		timeout = until(login->next_ns);
	}
	if (poll(fds, ARRAY_SIZE(fds), timeout) < 0 && errno != EINTR)
		return true;
	return fds[0].revents;
}

void esd_login_run(struct esd_login *login, int wake_fd)
{
	do {
		bus_try(login);
		while (login->bus && bus_process(login) > 0)
			if (poll(&(struct pollfd){ .fd = wake_fd, .events = POLLIN }, 1, 0) > 0)
				return;
	} while (!wait_for_more(login, wake_fd));
}

/* ---- life ---- */

int esd_login_new(struct esd_login **ret, const char *socket, esd_login_tell_f *told, void *owner)
{
	struct esd_login *login = calloc(1, sizeof(*login));

	if (!login)
		return -ENOMEM;
	login->socket = socket;
	login->tell = told;
	login->owner = owner;
	login->delay_ms = TRY_FIRST_MS;
	login->sessions.since_us = clock_ns() / 1000;
	login->sessions.tell = tell;
	login->sessions.owner = login;
	*ret = login;
	return 0;
}

void esd_login_free(struct esd_login *login)
{
	if (!login)
		return;
	sd_bus_close_unref(login->bus);
	esd_sessions_deinit(&login->sessions);
	free(login);
}
