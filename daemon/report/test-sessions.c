/* SPDX-License-Identifier: MIT */

/*
 * Sessions, as a made systemd-logind on a bus of the test's own says of them: which count, what is told of each and in
 * which order; what isn't told, since it was so before or since somebody else says it; and what is told when logind or
 * the bus end, come back, don't answer, or say what they shouldn't.
 *
 *	test-sessions LOGIND		the program test-logind
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/report/login-bus.h"
#include "daemon/report/test-bus.h"
#include "daemon/test.h"
#include "util/clock.h"
#include "util/macro.h"

static const char *program;
static char folder[] = "/tmp/es-sessions-XXXXXX";
static char bus_path[64];
static struct test_logind logind;
static pid_t bus;

static struct {
	struct esd_login *login;
	pthread_t thread;
	int wake_fd;
	pthread_mutex_t lock;
	char said[4096];		/* "login ann 2;" and so on */
	pid_t pid;			/* of the last one */
} t = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- who listens ---- */

static void say(void *owner, enum esd_session_event event, const char *name, uint32_t session, pid_t pid)
{
	static const char *const names[] = { "login", "logout", "lock", "unlock" };
	size_t length;

	(void)owner;
	if (!strcmp(name, "mark") && event == ESD_SESSION_LOGOUT)
		return;
	pthread_mutex_lock(&t.lock);
	length = strlen(t.said);
	snprintf(t.said + length, sizeof(t.said) - length, "%s %s %x;", names[event], name, session);
	t.pid = pid;
	pthread_mutex_unlock(&t.lock);
}

static void *run(void *owner)
{
	(void)owner;
	esd_login_run(t.login, t.wake_fd);
	return NULL;
}

static void wait_until(bool (*holds)(void))
{
	for (int i = 0; !holds(); i++) {
		REQUIRE(i < 6000);
		(void)poll(NULL, 0, 10);
	}
}

static bool has_begun(void)
{
	return esd_login_begun(t.login);
}

static bool hears(void)
{
	return esd_login_state(t.login) == ESD_LOGIN_HEARS;
}

static bool has_no_logind(void)
{
	return esd_login_state(t.login) == ESD_LOGIN_NO_LOGIND;
}

static bool has_no_bus(void)
{
	return esd_login_state(t.login) == ESD_LOGIN_NO_BUS;
}

static void listen_begin(void)
{
	t.said[0] = '\0';
	t.wake_fd = eventfd(0, EFD_CLOEXEC);
	REQUIRE(esd_login_new(&t.login, bus_path, say, NULL) == 0);
	REQUIRE(esd_login_state(t.login) == ESD_LOGIN_OFF && esd_login_state(NULL) == ESD_LOGIN_OFF);
	REQUIRE(pthread_create(&t.thread, NULL, run, NULL) == 0);
}

/* It ends at once, whatever it waits for. */
static void listen_end(void)
{
	uint64_t before = clock_ns();

	REQUIRE(write(t.wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t)) == sizeof(uint64_t));
	pthread_join(t.thread, NULL);
	REQUIRE(clock_ns() - before < 5 * NS_PER_S);
	esd_login_free(t.login);
	close(t.wake_fd);
}

#define DO(...) REQUIRE(test_logind_do(&logind, __VA_ARGS__))

static unsigned long long now_us(void)
{
	return clock_ns() / 1000;
}

static bool is_said(const char *wanted)
{
	bool same;

	pthread_mutex_lock(&t.lock);
	same = !strcmp(t.said, wanted);
	pthread_mutex_unlock(&t.lock);
	return same;
}

/* Waits for these, of which the last is another session's: behind it nothing can come of those before. */
static void said(const char *wanted)
{
	static unsigned int mark = 1000;
	char all[4096];

	DO("new %u mark x11 user 0", ++mark);
	snprintf(all, sizeof(all), "%slogin mark %x;", wanted, mark);
	for (int i = 0; !is_said(all); i++) {
		if (i == 3000)
			fprintf(stderr, "said: %s\nnot:  %s\n", t.said, all);
		REQUIRE(i < 3000);
		(void)poll(NULL, 0, 10);
	}
	/* The session of the mark is lost after that, which isn't noted. */
	pthread_mutex_lock(&t.lock);
	REQUIRE(t.pid == logind.pid);
	t.said[0] = '\0';
	pthread_mutex_unlock(&t.lock);
	DO("lose %u", mark);
}

static void logind_start(void)
{
	REQUIRE(test_logind_start(&logind, program, folder));
}

/* ---- what is told ---- */

static void test_life(void)
{
	DO("new 2 ann x11 user 1");
	said("login ann 2;");
	DO("lock 2 1");
	DO("lock 2 1");
	DO("lock 2 0");
	DO("lock 2 1");
	DO("end 2");
	said("lock ann 2;unlock ann 2;lock ann 2;logout ann 2;");
	DO("new 3 ann wayland user 1");
	DO("new c4 bob mir user-light 1");
	said("login ann 3;login bob 80000004;");
	DO("end c4");
	DO("end 3");
	said("logout bob 80000004;logout ann 3;");
}

static void test_which_count(void)
{
	DO("new 5 ann tty user 1");
	DO("new 6 gdm wayland greeter 1");
	DO("new 7 ann unspecified background 1");
	DO("new 8 ann wayland user-incomplete 1");
	DO("new 9 ann x11 lock-screen 1");
	DO("lock 5 1");
	DO("end 6");
	said("");
	DO("type 5 wayland");		/* as a compositor begun at a console does */
	DO("lock 5 0");
	DO("type 5 tty");
	said("login ann 5;lock ann 5;unlock ann 5;logout ann 5;");
}

/* It is locked, or over, before anybody could ask what it is. */
static void test_quick(void)
{
	DO("deaf 1");
	DO("new 20 ann x11 user 1");
	DO("new 21 bob x11 user 1");
	DO("end 21");
	DO("deaf 0");
	listen_end();
	listen_begin();
	wait_until(hears);
	said("");
	DO("lock 20 1");
	DO("end 20");
	said("lock ann 14;logout ann 14;");
}

static void test_before(void)
{
	listen_end();
	DO("have 10 ann x11 user 5");
	DO("have 11 bob x11 user 5");
	DO("lock 11 1");
	DO("have 12 eve x11 user %llu", now_us() + 3600 * 1000000ull);
	listen_begin();
	wait_until(has_begun);
	REQUIRE(hears());
	DO("lock 10 1");
	DO("lock 11 0");
	DO("end 10");
	said("login eve c;lock ann a;unlock bob b;logout ann a;");
	DO("end 11");
	DO("end 12");
	said("logout bob b;logout eve c;");
}

static void test_odd(void)
{
	char name[299];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	DO("new 30 ann x11 user 1");
	DO("odd");
	DO("new 31 odd x11 user 1");
	DO("new 32 %s x11 user 1", name);
	DO("new ABC \x01\xc3\xa4 x11 user 1");
	said("login ann 1e;login \x01\xc3\xa4 d7210bda;");
	DO("lock 30 1");
	said("lock ann 1e;");
	for (int i = 30; i < 33; i++)
		DO("end %d", i);
	DO("end ABC");
	said("logout ann 1e;logout \x01\xc3\xa4 d7210bda;");
	REQUIRE(hears());
}

static void test_forged(void)
{
	struct test_logind other;

	DO("new 40 ann x11 user 1");
	REQUIRE(test_logind_start(&other, program, folder));
	REQUIRE(test_logind_do(&other, "new 41 eve x11 user 1"));
	REQUIRE(test_logind_do(&other, "forge 41") && test_logind_do(&other, "forge 40"));
	said("login ann 28;");
	test_logind_kill(&other);
	DO("end 40");
	said("logout ann 28;");
}

/* ---- trouble ---- */

/* What has changed meanwhile is told, but not an unlock that is one only since the new logind doesn't know better. */
static void test_restarted(void)
{
	DO("new 50 ann x11 user 7");
	DO("new 51 bob x11 user 7");
	DO("new 52 eve x11 user 7");
	said("login ann 32;login bob 33;login eve 34;");
	DO("lock 50 1");
	said("lock ann 32;");
	test_logind_kill(&logind);
	wait_until(has_no_logind);
	logind_start();
	DO("have 50 ann x11 user 7");
	DO("have 52 eve x11 user 9");	/* the same id, and not the same session */
	DO("have 53 joe x11 user %llu", now_us() + 3600 * 1000000ull);
	DO("have 54 old x11 user 1");
	DO("claim");
	wait_until(hears);
	said("logout bob 33;logout eve 34;login joe 35;");
	DO("lock 50 1");
	for (int i = 50; i < 55; i++)
		if (i != 51)
			DO("end %d", i);
	said("lock ann 32;logout ann 32;logout eve 34;logout joe 35;logout old 36;");
}

/* It gives the name away, and takes it again, faster than it can be asked. */
static void test_name(void)
{
	DO("new 60 ann x11 user 1");
	said("login ann 3c;");
	for (int i = 0; i < 20; i++) {
		DO("release");
		DO("claim");
	}
	wait_until(hears);
	DO("end 60");
	said("logout ann 3c;");
}

static void test_deaf(void)
{
	listen_end();
	DO("deaf 1");
	listen_begin();
	(void)poll(NULL, 0, 200);
	REQUIRE(!has_begun() && esd_login_state(t.login) == ESD_LOGIN_NO_ANSWER);
	listen_end();
	DO("deaf 0");
	listen_begin();
	wait_until(hears);
	said("");
}

static void test_bus_ends(void)
{
	DO("new 70 ann x11 user 7");
	DO("new 71 bob x11 user 7");
	said("login ann 46;login bob 47;");
	test_bus_end(bus);
	wait_until(has_no_bus);
	test_logind_kill(&logind);
	bus = test_bus_start(folder);
	REQUIRE(bus > 0);
	logind_start();
	DO("have 70 ann x11 user 7");
	DO("lock 70 1");
	DO("claim");
	wait_until(hears);
	said("logout bob 47;lock ann 46;");
	DO("end 70");
	said("logout ann 46;");
}

/* Nobody listens at the socket; then somebody who isn't a bus; then a bus without logind, which doesn't get started. */
static void test_absent(void)
{
	listen_begin();
	wait_until(has_begun);
	REQUIRE(has_no_bus());
	listen_end();
	bus = test_bus_start(folder);
	if (!bus)
		SKIP("dbus-daemon");
	listen_begin();
	wait_until(has_begun);
	REQUIRE(has_no_logind());
	logind_start();
	DO("claim");
	wait_until(hears);
}

int main(int count, char *arguments[])
{
	static const char *const files[] = { "bus", "bus.conf" };
	int folder_fd;

	REQUIRE(count == 2 && mkdtemp(folder));
	program = arguments[1];
	snprintf(bus_path, sizeof(bus_path), "%s/bus", folder);
	folder_fd = open(folder, O_PATH | O_CLOEXEC);
	alarm(100);
	test_absent();
	test_life();
	test_which_count();
	test_quick();
	test_before();
	test_odd();
	test_forged();
	test_restarted();
	test_name();
	test_deaf();
	test_bus_ends();
	listen_end();
	test_logind_kill(&logind);
	test_bus_end(bus);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		(void)unlinkat(folder_fd, files[i], 0);
	(void)rmdir(folder);
	return 0;
}
