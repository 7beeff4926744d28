/* SPDX-License-Identifier: MIT */

/*
 * Messages name accounts as /etc/passwd does, whether a program writes it in place or renames a new one over it. While
 * the file is missing, the old content counts. The test has an /etc of its own, and so has its daemon.
 */
#include <sys/mount.h>

#include "teller.h"
#include "es-test.h"

#define SESSION \
	"op=PAM:session_open grantors=pam_unix acct=\"ann\" exe=\"/usr/bin/su\" hostname=? addr=? terminal=? " \
	"res=success"

static const char *const words[] = { "1105", SESSION, NULL };
static struct test_client *client;

static int say(void *context)
{
	return test_teller_exec(context, words);
}

/* What su's message says now. */
static const es_event_su_t *su(void)
{
	const es_message_t *message;
	pid_t pid = test_fork(say, (void *)test_teller_at("bin/su"));

	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	message = FIND(client, .type = ES_NOTIFY(SU), .pid = pid);
	REQUIRE(message != NULL);
	return message->event.su;
}

/* Within a few seconds: the daemon reads the file when it has changed. */
static bool becomes(uint32_t uid, const char *shell)
{
	for (int i = 0; i < 100; i++) {
		const es_event_su_t *event = su();

		if (event->has_to_uid && event->to_uid.uid == uid && !strcmp(event->shell.data, shell))
			return true;
		test_sleep_ms(50);
	}
	return false;
}

static void write_passwd(const char *name, const char *text)
{
	FILE *file = fopen(name, "we");

	REQUIRE(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

int main(int argc, char **argv)
{
	int fd = test_audit();

	closep(&fd);
	test_teller(argc, argv);
	unsetenv("ES_TEST_MOUNTS");	/* tests that share mounts would have this /etc, too */
	test_begin(120);
	if (fd < 0)
		test_skip("auditing in this kernel");
	REQUIRE(mount("tmpfs", "/etc", "tmpfs", 0, NULL) == 0);
	write_passwd("/etc/passwd", "boss:x:0:0::/:/bin/sh\n");
	test_daemon_own();
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(SU), -1);

	CHECK(!su()->has_to_uid && !su()->shell.length);
	CHECK_TOKEN(su()->from_username, "boss");
	write_passwd("/etc/passwd", "boss:x:0:0::/:/bin/sh\nann:x:4711:1::/:/bin/ann\n");
	CHECK(becomes(4711, "/bin/ann"));
	write_passwd("/etc/passwd+", "chief:x:0:0::/:/bin/sh\nann:x:4712:1::/:/bin/other\n");
	REQUIRE(rename("/etc/passwd+", "/etc/passwd") == 0);
	CHECK(becomes(4712, "/bin/other"));
	CHECK_TOKEN(su()->from_username, "chief");
	REQUIRE(unlink("/etc/passwd") == 0);
	CHECK_EQUAL(su()->to_uid.uid, 4712);
	write_passwd("/etc/passwd", "ann\n");
	for (int i = 0; i < 100 && su()->has_to_uid; i++)
		test_sleep_ms(50);
	CHECK(!su()->has_to_uid && !su()->from_username.length);
	return test_end();
}
