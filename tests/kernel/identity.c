/* SPDX-License-Identifier: MIT */

/*
 * Who made a program, as messages say it: for a program of the system's, one that was built here, a copy of the
 * former, a changed copy, one without a name, and a script. NOTIFY has it as soon as it is known, and AUTH_EXEC waits
 * for it.
 */

#include "es-test.h"

#include <sys/mman.h>

enum {
	CS_VALID = 0x1,
	CS_ADHOC = 0x2,
	CS_PLATFORM_BINARY = 0x4000000,
	CS_SIGNED = 0x20000000,
};

static char folder[] = "/var/tmp/es-test-identity-XXXXXX";
static struct test_client *client;
static char *const quiet[] = {"program", NULL};

/* In a child: /usr/bin/true and its like don't print. */
/* test_exec() returns when the exec closes descriptors, which may be before its message. */
static const es_message_t *run_once(const char *path)
{
	const es_message_t *message;
	pid_t pid;

	CHECK_EQUAL(test_exec(path, quiet, &pid), 0);
	message = AWAIT(client, .type = ES_NOTIFY(EXEC), .pid = pid);
	REQUIRE(message != NULL);
	test_wait(pid);
	return message;
}

/* Runs it until the daemon has had the time to examine the file. */
static const es_message_t *run(const char *path, es_linux_identity_t *ret)
{
	uint64_t end = test_now() + 20000000000ull * test_slow();
	const es_message_t *message;

	do {
		message = run_once(path);
		REQUIRE(es_linux_identity(client->client, message, message->event.exec.target->executable, ret));
		test_sleep_ms(50);
	} while (ret->state == ES_LINUX_IDENTITY_PENDING && test_now() < end);
	CHECK(ret->state != ES_LINUX_IDENTITY_PENDING);
	return run_once(path);
}

static const char *copy(const char *from, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)unlink(path);		/* it may still be running */
	test_copy(from, path, 0755);
	return path;
}

static void check_empty(const es_process_t *process)
{
	static const es_cdhash_t none;

	CHECK(process->signing_id.data && !process->signing_id.length && !process->signing_id.data[0]);
	CHECK(process->team_id.data && !process->team_id.length && !process->team_id.data[0]);
	CHECK(!process->is_platform_binary && process->codesigning_flags == 0);
	CHECK(!memcmp(process->cdhash, none, sizeof(none)) && process->cdhash_full.size == 0);
	CHECK_EQUAL(process->cs_validation_category, ES_CS_VALIDATION_CATEGORY_NONE);
}

/* Of the package coreutils, if this is a Debian. */
static void of_the_system(void)
{
	es_linux_identity_t identity;
	const es_process_t *process = run("/usr/bin/true", &identity)->event.exec.target;

	if (identity.reason == ES_LINUX_IDENTITY_REASON_FILE_SYSTEM) {
		check_empty(process);
		return;
	}
	CHECK_EQUAL(identity.state, ES_LINUX_IDENTITY_KNOWN);
	if (identity.reason != ES_LINUX_IDENTITY_REASON_NONE)
		return;
	CHECK_TOKEN(process->signing_id, "coreutils/true");
	CHECK(identity.is_packaged && !strncmp(identity.package, "coreutils ", 10));
	CHECK((process->codesigning_flags & (CS_VALID | CS_SIGNED)) == (CS_VALID | CS_SIGNED));
	CHECK_EQUAL(process->is_platform_binary, identity.is_vouched_for);
	CHECK_EQUAL(!!(process->codesigning_flags & CS_PLATFORM_BINARY), process->is_platform_binary);
	CHECK_EQUAL(!!(process->codesigning_flags & CS_ADHOC), !identity.is_vouched_for);
	CHECK_EQUAL(process->team_id.length, 0);
	CHECK_EQUAL(process->cdhash_full.size, 32);
	CHECK(!memcmp(process->cdhash, process->cdhash_full.data, sizeof(process->cdhash)));
	CHECK(!memcmp(process->cdhash, identity.digest, sizeof(process->cdhash)));
}

/* The content is known, but no package or signature vouches for the file; nor for a copy of a package's file. */
static void of_nobody(const char *path, es_linux_identity_t *ret)
{
	const es_process_t *process = run(path, ret)->event.exec.target;

	CHECK_EQUAL(ret->state, ES_LINUX_IDENTITY_KNOWN);
	CHECK_EQUAL(ret->reason, ES_LINUX_IDENTITY_REASON_NO_PACKAGE);
	CHECK_EQUAL(process->codesigning_flags, CS_ADHOC);
	CHECK(!process->is_platform_binary && !process->signing_id.length && !process->team_id.length);
	CHECK_EQUAL(process->cdhash_full.size, 32);
}

/* The same inode with other content is another program, however fast that goes. */
static void changed(void)
{
	es_linux_identity_t before, after;
	const char *path = copy(test_built("tests/harness/tiny"), "changing");
	int fd;

	of_nobody(path, &before);
	do
		fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	while (fd < 0 && errno == ETXTBSY);
	REQUIRE(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
	of_nobody(path, &after);
	CHECK(memcmp(before.digest, after.digest, sizeof(before.digest)) != 0);
}

static int run_memory_file(void *context)
{
	int from = open(context, O_RDONLY), to = memfd_create("program", MFD_CLOEXEC);
	char bytes[4096];
	ssize_t n;

	while ((n = read(from, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)n) != n)
			return 90;
	fexecve(to, quiet, (char *[]){NULL});
	return 91;
}

static void without_a_name(void)
{
	pid_t pid = test_fork(run_memory_file, (void *)test_built("tests/harness/tiny"));
	es_linux_identity_t identity;
	const es_message_t *message;

	CHECK_EQUAL(test_wait(pid), 0);
	test_sync(client);
	message = FIND(client, .type = ES_NOTIFY(EXEC), .pid = pid);
	REQUIRE(message != NULL);
	check_empty(message->event.exec.target);
	for (unsigned int i = 0; i < 250; i++) {
		REQUIRE(es_linux_identity(client->client, message, message->event.exec.target->executable, &identity));
		if (identity.state != ES_LINUX_IDENTITY_PENDING)
			break;
		test_sleep_ms(20);
	}
	CHECK_EQUAL(identity.state, ES_LINUX_IDENTITY_UNKNOWABLE);
	CHECK_EQUAL(identity.reason, ES_LINUX_IDENTITY_REASON_FILE_SYSTEM);
}

/* The process is the interpreter; the script is a file of its own. */
static void script(void)
{
	es_linux_identity_t interpreter, identity = {};
	char path[256], text[4200];
	const es_message_t *message;

	snprintf(path, sizeof(path), "%s/script", folder);
	snprintf(text, sizeof(text), "#!%s/own 0\n", folder);
	test_write_file(path, text, 0755);
	message = run(path, &interpreter);
	CHECK_EQUAL(interpreter.state, ES_LINUX_IDENTITY_KNOWN);
	REQUIRE(message->event.exec.script != NULL);
	for (unsigned int i = 0; i < 250 && identity.state != ES_LINUX_IDENTITY_KNOWN; i++) {
		REQUIRE(es_linux_identity(client->client, message, message->event.exec.script, &identity));
		test_sleep_ms(20);
	}
	CHECK_EQUAL(identity.state, ES_LINUX_IDENTITY_KNOWN);
	CHECK(memcmp(identity.digest, interpreter.digest, sizeof(identity.digest)) != 0);
}

static void nothing_to_say(void)
{
	const es_message_t *message = FIND(client, .type = ES_NOTIFY(EXEC));
	es_linux_identity_t identity;
	es_file_t other = {};

	CHECK(!es_linux_identity(client->client, message, &other, &identity));
	CHECK(!es_linux_identity((es_client_t *)&other, message, message->event.exec.target->executable, &identity));
	CHECK(!es_linux_identity(client->client, message, message->event.exec.cwd, &identity));
}

static bool can_read(void)
{
	es_linux_identity_t identity;

	(void)run(copy(test_built("tests/harness/tiny"), "own"), &identity);
	return identity.reason != ES_LINUX_IDENTITY_REASON_FILE_SYSTEM;
}

int main(void)
{
	es_linux_identity_t own, same;
	char command[300];
	bool readable;

	test_begin(90);
	REQUIRE(mkdtemp(folder) != NULL);
	test_daemon("--identity", "yes", NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(EXEC), -1);

	of_the_system();
	without_a_name();
	nothing_to_say();
	readable = can_read();
	if (readable) {
		of_nobody(copy(test_built("tests/harness/tiny"), "own"), &own);
		of_nobody(copy(test_built("tests/harness/tiny"), "same"), &same);
		CHECK(!memcmp(own.digest, same.digest, sizeof(own.digest)));
		of_nobody(copy("/usr/bin/true", "true"), &own);
		changed();
		(void)copy(test_built("tests/harness/tiny"), "own");
		script();
	}
	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	CHECK(system(command) == 0);
	if (!readable)
		printf("no file system at /var/tmp whose files' versions can be relied on: programs there are left out\n");
	return test_end();
}
