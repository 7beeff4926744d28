/* SPDX-License-Identifier: MIT */
/*
 * A systemd-logind on a bus, which the test has made, says what becomes of graphical sessions: those that subscribe are
 * told, as of that process, in order and numbered, with the user and the session; who has muted it isn't, and who has
 * unsubscribed neither. What this machine can tell is said. Without a bus, or logind, subscribing works, and at once.
 */
#include "daemon/report/test-bus.h"
#include "es-test.h"

static struct test_client *client, *other;
static struct test_logind logind;

#define DO(...) REQUIRE(test_logind_do(&logind, __VA_ARGS__))

#define TYPES ES_NOTIFY(LW_SESSION_LOGIN), ES_NOTIFY(LW_SESSION_LOGOUT), ES_NOTIFY(LW_SESSION_LOCK), \
	ES_NOTIFY(LW_SESSION_UNLOCK), -1

static bool capable(const char *says)
{
	char command[4200];

	snprintf(command, sizeof(command), "%s capabilities lw_session_lock | tee /dev/stderr | grep -q '%s'",
		 test_built("tools/esctl"), says);
	return system(command) == 0;
}

#define SAYS(name, member, skip_, user, number) \
	do { \
		const es_message_t *message_ = AWAIT(client, .type = ES_NOTIFY(name), .skip = (skip_)); \
\
		REQUIRE(message_ != NULL); \
		CHECK_TOKEN(message_->event.member->username, user); \
		CHECK_EQUAL(message_->event.member->graphical_session_id, number); \
		CHECK_EQUAL(test_pid(message_->process), logind.pid); \
		CHECK_TOKEN(message_->process->executable->path, test_built("daemon/test-logind")); \
		CHECK(message_->process->ppid == getpid() && !message_->thread); \
		CHECK(message_->action_type == ES_ACTION_TYPE_NOTIFY); \
	} while (0)

#define COUNTED(who, name) COUNT(who, .type = ES_NOTIFY(name))

static void test_told(void)
{
	DO("new 2 ann x11 user 1");
	SAYS(LW_SESSION_LOGIN, lw_session_login, 0, "ann", 2);
	DO("lock 2 1");
	DO("lock 2 0");
	DO("new c3 bob wayland user 1");
	DO("new 4 gdm wayland greeter 1");
	DO("new 5 ann tty user 1");
	SAYS(LW_SESSION_LOCK, lw_session_lock, 0, "ann", 2);
	SAYS(LW_SESSION_UNLOCK, lw_session_unlock, 0, "ann", 2);
	SAYS(LW_SESSION_LOGIN, lw_session_login, 1, "bob", 0x80000003u);
	DO("end 5");
	DO("end 4");
	DO("end 2");
	DO("end c3");
	SAYS(LW_SESSION_LOGOUT, lw_session_logout, 0, "ann", 2);
	SAYS(LW_SESSION_LOGOUT, lw_session_logout, 1, "bob", 0x80000003u);
	CHECK(COUNTED(client, LW_SESSION_LOGIN) == 2 && COUNTED(client, LW_SESSION_LOGOUT) == 2);
	CHECK(AWAIT(other, .type = ES_NOTIFY(LW_SESSION_LOGOUT), .skip = 1));
	CHECK(COUNTED(other, LW_SESSION_LOGIN) == 2 && COUNTED(other, LW_SESSION_LOCK) == 0);
}

static void test_muted(void)
{
	const char *path = test_built("daemon/test-logind");

	test_clear(client);
	test_clear(other);
	CHECK_EQUAL(es_mute_path(client->client, path, ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);
	DO("new 6 ann x11 user 1");
	CHECK(AWAIT(other, .type = ES_NOTIFY(LW_SESSION_LOGIN)));
	CHECK_EQUAL(es_unmute_path(client->client, path, ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);
	DO("end 6");
	SAYS(LW_SESSION_LOGOUT, lw_session_logout, 0, "ann", 6);
	CHECK_EQUAL(COUNTED(client, LW_SESSION_LOGIN), 0);
}

/* What goes on while nobody is subscribed isn't told later. */
static void test_unsubscribed(void)
{
	CHECK_EQUAL(es_unsubscribe_all(client->client), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_unsubscribe_all(other->client), ES_RETURN_SUCCESS);
	DO("new 7 ann x11 user 1");
	test_clear(client);
	test_subscribe(client, TYPES);
	DO("lock 7 1");
	SAYS(LW_SESSION_LOCK, lw_session_lock, 0, "ann", 7);
	CHECK_EQUAL(COUNTED(client, LW_SESSION_LOGIN), 0);
}

int main(void)
{
	pid_t bus;

	test_begin(180);
	test_daemon("--bus", test_at("bus"), NULL);
	client = test_client(NULL, NULL);
	other = test_client(NULL, NULL);
	REQUIRE(es_unmute_all_paths(client->client) == ES_RETURN_SUCCESS);
	if (capable("built without"))
		test_skip("a daemon with libsystemd");
	CHECK(capable("no system bus"));
	test_subscribe(client, TYPES);
	CHECK_EQUAL(es_unsubscribe_all(client->client), ES_RETURN_SUCCESS);
	bus = test_bus_start(test_at("."));
	if (!bus)
		test_skip("dbus-daemon");
	test_subscribe(client, TYPES);
	CHECK(capable("no systemd-logind"));
	CHECK_EQUAL(es_unsubscribe_all(client->client), ES_RETURN_SUCCESS);
	REQUIRE(test_logind_start(&logind, test_built("daemon/test-logind"), test_at(".")));
	DO("claim");
	test_subscribe(client, TYPES);
	test_subscribe(other, ES_NOTIFY(LW_SESSION_LOGIN), ES_NOTIFY(LW_SESSION_LOGOUT), -1);
	CHECK(capable("delivers.*systemd-logind, on the system bus"));
	test_told();
	test_muted();
	test_unsubscribed();
	CHECK(!client->disorder && !other->disorder);
	test_logind_kill(&logind);
	test_bus_end(bus);
	return test_end();
}
