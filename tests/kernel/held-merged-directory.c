/* SPDX-License-Identifier: MIT */

/*
 * A program reads a merged directory of overlayfs to its end while a client holds each read. The client is asked about
 * the directory that the program reads, not about those that overlayfs reads below it, for that or to see whether a
 * folder may be removed. Denied, the program can read nothing. The same for a 32-bit program.
 */

#include "es-test.h"

#include <dirent.h>
#include <sys/mount.h>

enum { HELD_MS = 5, NAMES = 64 };

static es_auth_result_t verdict;
static unsigned int asked, asked_below;
static char below[512];
static const char *merged;

static void answer(struct test_client *client, const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	if (message->event_type == ES_AUTH(READDIR) && file && !strncmp(file->path.data, test_mnt, strlen(test_mnt))) {
		if (strncmp(file->path.data, merged, strlen(merged))) {
			asked_below++;
			snprintf(below, sizeof(below), "%s", file->path.data);
		}
		asked++;
		test_sleep_ms(HELD_MS);
	}
	if (message->event_type == ES_AUTH(READDIR) && verdict == ES_AUTH_RESULT_DENY)
		test_deny(client, message);
	else
		test_allow(client, message);
}

static int result(long value)
{
	return value < 0 ? errno : 0;
}

/* 100 and the number of names, without those of the folder itself and its parent; or errno. */
static int count_names(void *context)
{
	DIR *directory = opendir(test_at("merged/%s", (const char *)context));
	unsigned int names = 0;
	struct dirent *entry;

	if (!directory)
		return errno;
	errno = 0;
	while (names < NAMES && (entry = readdir(directory)))
		names += entry->d_name[0] != '.';
	return errno ?: 100 + (int)names;
}

static int read_32bit(void *context)
{
	char *argv[] = { (char *)"tiny32", (char *)"r", context, NULL };

	execv(test_built("tests/harness/tiny32"), argv);
	return 99;
}

static int remove_folder(void *context)
{
	return result(unlink(test_at("merged/%s/both", (const char *)context))) ?:
	       result(rmdir(test_at("merged/%s", (const char *)context)));
}

static void run(test_child_f *function, const char *folder, int expected, bool is_asked)
{
	int status;

	asked = asked_below = 0;
	below[0] = 0;
	status = test_run(function, (void *)folder);
	if (!CHECK_EQUAL(WIFEXITED(status) ? WEXITSTATUS(status) : -1, expected) || !CHECK_EQUAL(asked > 0, is_asked) ||
	    !CHECK_EQUAL(asked_below, 0))
		printf("... %s: asked %u times, %u of what is below: %s\n", folder, asked, asked_below, below);
}

/* "two" is merged of the folders that both layers have; "removed" has one name in both. */
static void prepare(void)
{
	const char *const folders[] = { "lower", "upper", "work", "merged", "lower/two", "upper/two", "lower/low",
					"upper/up", "lower/removed", "upper/removed" };
	const char *const files[] = { "lower/two/a", "lower/two/both", "upper/two/both", "upper/two/c", "lower/low/a",
				      "upper/up/a", "lower/removed/both", "upper/removed/both" };
	char options[3 * 4096];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		REQUIRE(mkdir(test_at("%s", folders[i]), 0755) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		test_write_file(test_at("%s", files[i]), "x", 0644);
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", test_mnt, test_mnt,
		 test_mnt);
	REQUIRE(mount("overlay", merged, "overlay", 0, options) == 0);
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	merged = test_at("merged");
	prepare();
	test_daemon(NULL);
	client = test_client(answer, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(READDIR), -1);
	run(count_names, "low", 101, true);
	run(count_names, "up", 101, true);
	run(count_names, "two", 103, true);
	run(read_32bit, test_at("merged/two"), 0, true);
	verdict = ES_AUTH_RESULT_DENY;
	run(count_names, "low", EPERM, true);
	run(count_names, "two", EPERM, true);
	run(read_32bit, test_at("merged/two"), EPERM, true);
	run(remove_folder, "removed", 0, false);
	REQUIRE(umount2(merged, MNT_DETACH) == 0);
	return test_end();
}
