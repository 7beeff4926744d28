/* SPDX-License-Identifier: MIT */

/*
 * While a client holds an operation on names or attributes in a directory, the directory isn't locked: other tasks
 * look up new names in it, list it, and make, rename and remove files there, within 20 ms each. So does the client in
 * its handler, which also logs through syslog(3), and has a helper do the same; the client is asked about the helper.
 * The client holds the first operation for two seconds, and the others as long as that takes.
 */

#include "acts.h"
#include "es-test.h"

#include <dirent.h>
#include <limits.h>
#include <sys/xattr.h>
#include <syslog.h>

enum { THINK_MS = 2000, EACH_MS = 20, ROUNDS = 3 };

struct row {
	const char *name;
	es_event_type_t type;
	int (*act)(void);		/* 0, or errno; its directory is test_mnt */
};

/* The client holds the first operation of this type, and allows all others at once. */
static const struct row *current;
static unsigned int think_ms;
static struct test_client *client;
static const es_message_t *held;
static uint64_t worst;			/* of what this process did meanwhile */
static unsigned int late;		/* how often it took longer than it should */

static void took(const char *who, const char *what, uint64_t start)
{
	uint64_t ns = test_now() - start;

	if (ns > EACH_MS * 1000000ull * test_slow()) {
		printf("while %s is held, %s by the %s took %llu us\n", current->name, what, who,
		       (unsigned long long)ns / 1000);
		__atomic_add_fetch(&late, 1, __ATOMIC_RELAXED);
	}
	if (ns > __atomic_load_n(&worst, __ATOMIC_RELAXED))
		__atomic_store_n(&worst, ns, __ATOMIC_RELAXED);
}

/* A machine that is busy with something else may be late now and then; what waits for the answer takes far longer. */
static bool fast(void)
{
	return __atomic_load_n(&late, __ATOMIC_RELAXED) <= 2 &&
	       __atomic_load_n(&worst, __ATOMIC_RELAXED) < 5 * EACH_MS * 1000000ull * test_slow();
}

static void list(void)
{
	DIR *directory = opendir(test_mnt);

	while (directory && readdir(directory))
		;
	closedir(directory);
}

#define TIMED(what, ...) do { uint64_t start_ = test_now(); __VA_ARGS__; took(who, what, start_); } while (0)

static void use_directory(const char *who)
{
	static unsigned int count;
	unsigned int n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	char name[PATH_MAX], other[PATH_MAX], unknown[PATH_MAX];

	snprintf(name, sizeof(name), "%s/%d-%u", test_mnt, getpid(), n);
	snprintf(other, sizeof(other), "%s/%d-%u-renamed", test_mnt, getpid(), n);
	snprintf(unknown, sizeof(unknown), "%s/%d-%u-unknown", test_mnt, getpid(), n);
	TIMED("looking up a new name", (void)access(unknown, F_OK));
	TIMED("listing", list());
	/* Don't time operations of the type that the client is asked about: these also take the client's time. */
	if (current->type != ES_AUTH(CREATE))
		TIMED("creating", close(open(name, O_CREAT | O_WRONLY, 0600)));
	else
		close(open(name, O_CREAT | O_WRONLY, 0600));
	if (current->type != ES_AUTH(RENAME))
		TIMED("renaming", (void)rename(name, other));
	else
		(void)rename(name, other);
	if (current->type != ES_AUTH(UNLINK))
		TIMED("removing", (void)unlink(other));
	else
		(void)unlink(other);
}

static int others(void *context)
{
	worst = late = 0;		/* this process's */
	for (unsigned int round = 0; round < ROUNDS; round++) {
		use_directory(context);
		test_sleep_ms(10);
	}
	return !fast();
}

/* The handler's helper, a process of its own, while the handler's thread goes on answering. */
static void run_helper(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(others("handler's helper"));
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void answer(struct test_client *client, const es_message_t *message)
{
	if (message->event_type != current->type || held) {
		test_allow(client, message);
		return;
	}
	use_directory("handler");
	syslog(LOG_DEBUG, "%s is held", current->name);
	es_retain_message(message);
	__atomic_store_n(&held, message, __ATOMIC_RELEASE);	/* main() answers */
}

static int make_file(void)
{
	return test_act_result(open("new", O_WRONLY | O_CREAT, 0600));
}

static int remove_dir(void) { return test_act_result(rmdir("dir")); }
static int link_file(void) { return test_act_result(link("file", "linked")); }
static int change_mode(void) { return test_act_result(chmod(".", 0711)); }
static int change_owner(void) { return test_act_result(chown(".", 12, 34)); }
static int set_attribute(void) { return test_act_result(setxattr(".", "trusted.test", "1", 1, 0)); }

static const struct row rows[] = {
	{ "unlink", ES_AUTH(UNLINK), test_act_unlink },
	{ "rmdir", ES_AUTH(UNLINK), remove_dir },
	{ "rename", ES_AUTH(RENAME), test_act_rename },
	{ "creat", ES_AUTH(CREATE), make_file },
	{ "mkdir", ES_AUTH(CREATE), test_act_mkdir },
	{ "link", ES_AUTH(LINK), link_file },
	{ "chmod", ES_AUTH(SETMODE), change_mode },
	{ "chown", ES_AUTH(SETOWNER), change_owner },
	{ "setxattr", ES_AUTH(SETEXTATTR), set_attribute },
};

static int act(void *context)
{
	const struct row *row = context;

	return chdir(test_mnt) < 0 ? 200 : row->act();
}

static void reset(void)
{
	const char *const gone[] = { "new", "renamed", "linked" };

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		(void)(unlink(test_at("%s", gone[i])) < 0 && rmdir(test_at("%s", gone[i])));
	test_write_file(test_at("file"), "", 0644);
	(void)mkdir(test_at("dir"), 0755);
}

static void await_held(void)
{
	uint64_t limit = test_now() + 5000000000ull * test_slow();

	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE)) {
		REQUIRE(test_now() < limit);
		test_sleep_ms(1);
	}
}

static void try(const struct row *row)
{
	uint64_t end;
	pid_t pid;

	reset();
	current = row;
	held = NULL;
	worst = late = 0;
	test_hold(client, row->type, -1);
	pid = test_fork(act, (void *)row);
	await_held();
	end = test_now() + think_ms * 1000000ull;
	do {
		CHECK_EQUAL(WEXITSTATUS(test_run(others, "other")), 0);
		run_helper();
	} while (test_now() < end);
	CHECK_EQUAL(test_wait_ms(pid, 0), -1);		/* held all the time */
	test_allow(client, held);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), 0);
	CHECK(fast());
	es_release_message(held);
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	printf("%s: the handler's slowest: %llu us\n", row->name, (unsigned long long)worst / 1000);
}

int main(void)
{
	test_begin(120);
	test_daemon(NULL);
	openlog("es-test", 0, LOG_USER);
	client = test_client(answer, NULL);
	client->counting = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (i > 0 && es_subscribe(client->client, &rows[i].type, 1) != ES_RETURN_SUCCESS)
			continue;	/* esctl capabilities says why */
		think_ms = i == 0 ? THINK_MS : 0;
		try(&rows[i]);
	}
	closelog();
	return test_end();
}
