/* SPDX-License-Identifier: MIT */

/*
 * A systemd-logind for tests, at the end of a bus of theirs, and as its owner wants it:
 *
 *	test-logind SOCKET
 *
 * It does what lines of its input say, and answers each with an empty one when it is done.
 *
 *	claim | release			the name org.freedesktop.login1
 *	new ID NAME TYPE CLASS US	a session that began at US begins: SessionNew
 *	have ID NAME TYPE CLASS US	it is there; nobody is told
 *	end ID | lose ID		SessionRemoved; it is gone, nobody is told
 *	lock ID 1 | lock ID 0		LockedHint
 *	type ID TYPE			Type
 *	deaf 1 | deaf 0			it answers nothing; it does, from now on
 *	odd				what no logind would say
 *	forge ID			SessionNew and SessionRemoved, to each other connection by itself
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "daemon/test.h"
#include "util/macro.h"

#define LOGIND "org.freedesktop.login1"
#define MANAGER "/org/freedesktop/login1"
#define SESSIONS MANAGER "/session/"
#define PROPERTIES "org.freedesktop.DBus.Properties"

enum { SESSIONS_MAX = 64, TEXT = 300 };

static struct session {
	char id[TEXT], name[TEXT], type[TEXT], class[TEXT];
	unsigned long long us;
	int locked;
} sessions[SESSIONS_MAX];

static size_t count;
static sd_bus *bus;
static bool deaf;

#define MUST(call) REQUIRE((call) >= 0)

static const char *path_of(const char *id)
{
	static char path[128 * 1024];	/* gcc knows no limit of an id */

	snprintf(path, sizeof(path), SESSIONS "_3%s", id);
	return path;
}

static struct session *find(const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(sessions[i].id, id))
			return &sessions[i];
	fprintf(stderr, "no session %s\n", id);
	exit(1);
}

/* ---- answers ---- */

static int list(sd_bus_message *message)
{
	sd_bus_message *reply;

	MUST(sd_bus_message_new_method_return(message, &reply));
	MUST(sd_bus_message_open_container(reply, 'a', "(susso)"));
	for (size_t i = 0; i < count; i++)
		MUST(sd_bus_message_append(reply, "(susso)", sessions[i].id, 1000, sessions[i].name, "seat0",
					   path_of(sessions[i].id)));
	MUST(sd_bus_message_close_container(reply));
	MUST(sd_bus_send(bus, reply, NULL));
	sd_bus_message_unref(reply);
	return 1;
}

/* A session named "odd" has other things in its properties than there should be. */
static int properties(sd_bus_message *message)
{
	const char *path = sd_bus_message_get_path(message);
	const struct session *session = NULL;

	for (size_t i = 0; i < count; i++)
		if (!strcmp(path, path_of(sessions[i].id)))
			session = &sessions[i];
	if (!session)
		return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_UNKNOWN_OBJECT, "no such session");
	if (!strcmp(session->name, "odd"))
		return sd_bus_reply_method_return(message, "a{sv}", 5, "Name", "u", 7, "Type", "as", 1, "x11", "Class",
						  "s", "user", "LockedHint", "s", "yes", "TimestampMonotonic", "b", 1);
	return sd_bus_reply_method_return(message, "a{sv}", 7, "Id", "s", session->id, "User", "(uo)", 1000, "/u",
					  "Name", "s", session->name, "Type", "s", session->type, "Class", "s", session->class,
					  "LockedHint", "b", session->locked, "TimestampMonotonic", "t", session->us);
}

static int called(sd_bus_message *message, void *owner, sd_bus_error *error)
{
	(void)owner;
	(void)error;
	if (deaf)
		return 1;
	if (sd_bus_message_is_method_call(message, LOGIND ".Manager", "ListSessions"))
		return list(message);
	if (sd_bus_message_is_method_call(message, PROPERTIES, "GetAll"))
		return properties(message);
	return 0;
}

/* ---- what it is told ---- */

static void say(const char *signal, const char *id)
{
	MUST(sd_bus_emit_signal(bus, MANAGER, LOGIND ".Manager", signal, "so", id, path_of(id)));
}

static void add(const char *line)
{
	struct session *session = &sessions[count++];

	REQUIRE(count <= SESSIONS_MAX);
	*session = (struct session){};
	REQUIRE(sscanf(line, "%*s %299s %299s %299s %299s %llu", session->id, session->name, session->type,
		       session->class, &session->us) == 5);
}

static void drop(const char *id)
{
	struct session *session = find(id);

	*session = sessions[--count];
}

static void changed(const char *id, const char *property, const char *kind, const char *text, int number)
{
	sd_bus_message *signal;

	MUST(sd_bus_message_new_signal(bus, &signal, path_of(id), PROPERTIES, "PropertiesChanged"));
	if (*kind == 'b')
		MUST(sd_bus_message_append(signal, "sa{sv}as", LOGIND ".Session", 1, property, kind, number, 0));
	else
		MUST(sd_bus_message_append(signal, "sa{sv}as", LOGIND ".Session", 1, property, kind, text, 0));
	MUST(sd_bus_send(bus, signal, NULL));
	sd_bus_message_unref(signal);
}

static void odd(void)
{
	char id[400];

	memset(id, 'x', sizeof(id));
	id[sizeof(id) - 1] = '\0';
	MUST(sd_bus_emit_signal(bus, MANAGER, LOGIND ".Manager", "SessionNew", "u", 1));
	MUST(sd_bus_emit_signal(bus, MANAGER, LOGIND ".Manager", "SessionNew", "so", "", SESSIONS "x"));
	MUST(sd_bus_emit_signal(bus, MANAGER, LOGIND ".Manager", "SessionNew", "so", id, SESSIONS "x"));
	MUST(sd_bus_emit_signal(bus, MANAGER, LOGIND ".Manager", "SessionNew", "so", "none", SESSIONS "none"));
	MUST(sd_bus_emit_signal(bus, MANAGER, LOGIND ".Manager", "SessionRemoved", NULL));
	MUST(sd_bus_emit_signal(bus, MANAGER, LOGIND ".Manager", "SessionRemoved", "so", "nobody's", "/x"));
	MUST(sd_bus_emit_signal(bus, SESSIONS "none", PROPERTIES, "PropertiesChanged", "sa{sv}as", LOGIND ".Session", 1,
				"LockedHint", "b", 1, 0));
	for (size_t i = 0; i < count; i++) {
		const char *path = path_of(sessions[i].id);

		MUST(sd_bus_emit_signal(bus, path, PROPERTIES, "PropertiesChanged", "s", LOGIND ".Session"));
		MUST(sd_bus_emit_signal(bus, path, PROPERTIES, "PropertiesChanged", "sa{sv}as", "other", 1,
					"LockedHint", "b", 1, 0));
		MUST(sd_bus_emit_signal(bus, path, PROPERTIES, "PropertiesChanged", "sa{sv}as", LOGIND ".Session", 2,
					"LockedHint", "s", "yes", "TimestampMonotonic", "s", "now", 0));
	}
}

static void forge_signal(const char *member, const char *id, const char *to)
{
	sd_bus_message *signal;

	MUST(sd_bus_message_new_signal(bus, &signal, MANAGER, LOGIND ".Manager", member));
	MUST(sd_bus_message_append(signal, "so", id, path_of(id)));
	MUST(sd_bus_message_set_destination(signal, to));
	MUST(sd_bus_send(bus, signal, NULL));
	sd_bus_message_unref(signal);
}

/* To all that there can be. */
static void forge(const char *id)
{
	char to[32];

	for (int i = 0; i < 32; i++) {
		snprintf(to, sizeof(to), ":1.%d", i);
		forge_signal("SessionNew", id, to);
		forge_signal("SessionRemoved", id, to);
	}
}

static void act(const char *line)
{
	char what[16], id[TEXT] = "", more[TEXT] = "";

	REQUIRE(sscanf(line, "%15s %299s %299s", what, id, more) >= 1);
	if (!strcmp(what, "claim")) {
		MUST(sd_bus_request_name(bus, LOGIND, 0));
	} else if (!strcmp(what, "release")) {
		MUST(sd_bus_release_name(bus, LOGIND));
	} else if (!strcmp(what, "new") || !strcmp(what, "have")) {
		add(line);
		if (*what == 'n')
			say("SessionNew", id);
	} else if (!strcmp(what, "end") || !strcmp(what, "lose")) {
		drop(id);
		if (*what == 'e')
			say("SessionRemoved", id);
	} else if (!strcmp(what, "lock")) {
		find(id)->locked = atoi(more);
		changed(id, "LockedHint", "b", NULL, atoi(more));
	} else if (!strcmp(what, "type")) {
		strcpy(find(id)->type, more);
		changed(id, "Type", "s", more, 0);
	} else if (!strcmp(what, "deaf")) {
		deaf = atoi(id);
	} else if (!strcmp(what, "odd")) {
		odd();
	} else if (!strcmp(what, "forge")) {
		forge(id);
	} else {
		REQUIRE(!"a line that it understands");
	}
}

/* False: the input has ended. */
static bool lines_take(void)
{
	static char line[4 * TEXT];
	static size_t length;
	ssize_t n = read(STDIN_FILENO, line + length, sizeof(line) - 1 - length);
	char *end;

	if (n <= 0)
		return false;
	length += (size_t)n;
	line[length] = '\0';
	while ((end = strchr(line, '\n'))) {
		*end = '\0';
		act(line);
		MUST(sd_bus_flush(bus));
		REQUIRE(write(STDOUT_FILENO, "\n", 1) == 1);
		length -= (size_t)(end + 1 - line);
		memmove(line, end + 1, length + 1);
	}
	return true;
}

int main(int count_of, char *arguments[])
{
	char address[TEXT];

	REQUIRE(count_of == 2);
	snprintf(address, sizeof(address), "unix:path=%s", arguments[1]);
	MUST(sd_bus_new(&bus));
	MUST(sd_bus_set_address(bus, address));
	MUST(sd_bus_set_bus_client(bus, 1));
	MUST(sd_bus_start(bus));
	MUST(sd_bus_add_filter(bus, NULL, called, NULL));
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = sd_bus_get_fd(bus), .events = (short)sd_bus_get_events(bus) },
		};
		int r;

		while ((r = sd_bus_process(bus, NULL)) > 0)
			;
		if (r < 0)
			return 1;
		MUST(poll(fds, ARRAY_SIZE(fds), 1000));
		if (fds[0].revents && !lines_take())
			return 0;
	}
}
