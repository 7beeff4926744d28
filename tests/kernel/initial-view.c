/* SPDX-License-Identifier: MIT */

/*
 * A message has the object's path in the daemon's mount namespace, by whatever mounts an ordinary user has reached it:
 * a client that guards a folder is asked about files in it, and notified of them, by the folder's own path. The
 * message flags an object without a path there: the user has chosen its path, so no mute matches it.
 */

#include "es-test.h"

#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { USER = 1042, OPEN_TREE_CLONE_ = 1 };

struct result {			/* what the child saw: 0 or errno */
	int entered, opened, unlinked, made;
};

static struct result *result;
static struct test_client *client;

/* Each goes where the guarded folder's files are "file", "gone" and "new" below `*dir`. 0, or errno. */

static int enter_bind(int *dir)
{
	if (mount("guarded", "view", NULL, MS_BIND, NULL) < 0)
		return errno;
	*dir = open("view", O_PATH | O_DIRECTORY);
	return *dir < 0 ? errno : 0;
}

static int enter_clone(int *dir)
{
	*dir = (int)syscall(SYS_open_tree, AT_FDCWD, "guarded", OPEN_TREE_CLONE_);
	return *dir < 0 ? errno : 0;
}

static int enter_overlay(int *dir)
{
	if (mount("overlay", "view", "overlay", 0, "lowerdir=lower,upperdir=guarded,workdir=work,userxattr") < 0)
		return errno;
	*dir = open("view", O_PATH | O_DIRECTORY);
	return *dir < 0 ? errno : 0;
}

static int enter_overlay_lower(int *dir)
{
	if (mount("overlay", "view", "overlay", 0, "lowerdir=guarded:lower,userxattr") < 0)
		return errno;
	*dir = open("view", O_PATH | O_DIRECTORY);
	return *dir < 0 ? errno : 0;
}

static int enter_lazily_unmounted(int *dir)
{
	int r = enter_bind(dir);

	if (r == 0 && (fchdir(*dir) < 0 || umount2("../view", MNT_DETACH) < 0))
		return errno;
	return r;
}

static int enter_chroot(int *dir)
{
	int r = enter_bind(dir);

	if (r == 0 && (chroot("view") < 0 || chdir("/") < 0))
		return errno;
	close(*dir);
	*dir = open("/", O_PATH | O_DIRECTORY);
	return *dir < 0 ? errno : 0;
}

static int enter_pivot_root(int *dir)
{
	if (mount(".", "view", NULL, MS_BIND, NULL) < 0 || chdir("view") < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return errno;
	*dir = open("/guarded", O_PATH | O_DIRECTORY);
	return *dir < 0 ? errno : 0;
}

static int enter_moved(int *dir)
{
	int r = enter_bind(dir);

	close(*dir);
	if (r == 0 && mount("view", "other", NULL, MS_MOVE, NULL) < 0)
		return errno;
	*dir = open("other", O_PATH | O_DIRECTORY);
	return *dir < 0 ? errno : 0;
}

static int enter_alone(int *dir)
{
	int fd;

	if (mount("alone", "guarded", "tmpfs", 0, NULL) < 0)
		return errno;
	fd = open("guarded/file", O_CREAT | O_WRONLY, 0644);
	if (fd < 0 || close(fd) < 0 || (fd = open("guarded/gone", O_CREAT | O_WRONLY, 0644)) < 0 || close(fd) < 0)
		return errno;
	*dir = open("guarded", O_PATH | O_DIRECTORY);
	return *dir < 0 ? errno : 0;
}

static const struct way {
	const char *name;
	int (*enter)(int *dir);
	bool read_only;		/* nothing can be made or removed */
	bool foreign;		/* none of it is in the daemon's namespace */
	bool may_miss;		/* a kernel may refuse it to a user */
} ways[] = {
	{ "bind", enter_bind, false, false, false },
	{ "open_tree clone", enter_clone, false, false, false },
	{ "overlay above it", enter_overlay, false, false, true },
	{ "overlay with it below", enter_overlay_lower, true, false, true },
	{ "lazily unmounted", enter_lazily_unmounted, false, false, false },
	{ "chroot", enter_chroot, false, false, false },
	{ "pivot_root", enter_pivot_root, false, false, false },
	{ "moved mount", enter_moved, false, false, false },
	{ "file system of its own", enter_alone, false, true, false },
};

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(3);
	close(fd);
}

/* An ordinary user in name spaces of his own, where he may mount. */
static int become_user(void)
{
	char map[64];

	if (chdir(test_mnt) < 0 || setresgid(USER, USER, USER) < 0 || setresuid(USER, USER, USER) < 0)
		return errno;
	prctl(PR_SET_DUMPABLE, 1);	/* or /proc/self is root's */
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return errno;
	write_text("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %d 1", USER);
	write_text("/proc/self/uid_map", map);
	write_text("/proc/self/gid_map", map);
	return 0;
}

static int act(void *context)
{
	const struct way *way = context;
	int dir = -1, fd;

	result->entered = become_user();
	if (result->entered == 0)
		result->entered = way->enter(&dir);
	if (result->entered)
		return 0;
	fd = openat(dir, "file", O_RDONLY);
	result->opened = fd < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	result->unlinked = unlinkat(dir, "gone", 0) < 0 ? errno : 0;
	result->made = mkdirat(dir, "new", 0755) < 0 ? errno : 0;
	return 0;
}

static bool guarded(es_string_token_t path)
{
	const char *folder = test_at("guarded");

	return !strncmp(path.data, folder, strlen(folder));
}

static void deny_guarded(struct test_client *self, const es_message_t *message)
{
	const es_file_t *file = test_file(message);
	es_linux_file_t linux_file = {};

	/* What the user has mounted there himself isn't what is guarded. */
	if (file && guarded(file->path) && es_linux_file(message, file, &linux_file) && !linux_file.unreachable)
		test_deny(self, message);
	else
		test_allow(self, message);
}

static void make_folders(void)
{
	static const char *const names[] = { "guarded", "view", "other", "lower", "work" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *path = test_at("%s", names[i]);

		if (mkdir(path, 0777) < 0 && errno != EEXIST)
			REQUIRE(!"mkdir");
		REQUIRE(chown(path, USER, USER) == 0);
	}
	test_write_file(test_at("guarded/file"), "x", 0644);
	test_write_file(test_at("guarded/gone"), "x", 0644);
	(void)rmdir(test_at("guarded/new"));
	REQUIRE(chown(test_at("guarded/file"), USER, USER) == 0 && chown(test_at("guarded/gone"), USER, USER) == 0);
}

/* Runs a way; false: it isn't there. */
static bool run(const struct way *way, pid_t *ret_pid)
{
	make_folders();
	test_sync(client);
	test_clear(client);
	memset(result, 0, sizeof(*result));
	*ret_pid = test_fork(act, (void *)way);
	CHECK_EQUAL(test_wait(*ret_pid), 0);
	test_sync(client);
	if (result->entered && way->may_miss) {
		printf("%s: %s, left out\n", way->name, strerror(result->entered));
		return false;
	}
	CHECK_EQUAL(result->entered, 0);
	return !result->entered;
}

static void check_path(const struct way *way, const es_message_t *message, const es_file_t *file, const char *name)
{
	const char *path = *name ? test_at("guarded/%s", name) : test_at("guarded");
	es_linux_file_t linux_file;
	struct stat there;

	REQUIRE(es_linux_file(message, file, &linux_file));
	CHECK_TOKEN(file->path, path);
	CHECK_EQUAL(linux_file.unreachable, way->foreign);
	CHECK_EQUAL(linux_file.unresolved, false);
	if (!way->foreign && lstat(path, &there) == 0) {
		CHECK_EQUAL(file->stat.st_ino, there.st_ino);
		CHECK_EQUAL(file->stat.st_dev, there.st_dev);
	}
}

static const es_message_t *the(const struct way *way, int type, pid_t pid)
{
	const es_message_t *message = FIND(client, .type = type, .pid = pid, .path = test_at("guarded/%s",
					   type == ES_NOTIFY(UNLINK) || type == ES_AUTH(UNLINK) ? "gone" : "file"));

	if (!message)
		fprintf(stderr, "%s: no %s of the guarded path\n", way->name, es_linux_event_name((es_event_type_t)type));
	CHECK(message != NULL);
	return message;
}

/* With a NOTIFY subscription only: no question, but a message. */
static void told(const struct way *way)
{
	const es_message_t *message;
	pid_t pid;

	if (!run(way, &pid))
		return;
	CHECK_EQUAL(result->opened, 0);
	message = the(way, ES_NOTIFY(OPEN), pid);
	if (message)
		check_path(way, message, message->event.open.file, "file");
	if (way->read_only)
		return;
	CHECK_EQUAL(result->unlinked, 0);
	CHECK_EQUAL(result->made, 0);
	message = the(way, ES_NOTIFY(UNLINK), pid);
	if (message)
		check_path(way, message, message->event.unlink.parent_dir, "");
}

/* And asked: denied, but where the guarded folder isn't what is meant. */
static void asked(const struct way *way)
{
	int expected = way->foreign ? 0 : EPERM;
	const es_message_t *message;
	pid_t pid;

	if (!run(way, &pid))
		return;
	message = the(way, ES_AUTH(OPEN), pid);
	if (message)
		check_path(way, message, message->event.open.file, "file");
	if (way->foreign)
		return;
	if (result->opened != EPERM || (!way->read_only && (result->unlinked != EPERM || result->made != EPERM)))
		fprintf(stderr, "%s: not denied\n", way->name);
	CHECK_EQUAL(result->opened, expected);
	if (way->read_only)
		return;
	CHECK_EQUAL(result->unlinked, expected);
	CHECK_EQUAL(result->made, expected);
	CHECK_EQUAL(access(test_at("guarded/gone"), F_OK), 0);
}

/* A mute of the actor's own names doesn't hold, that of the initial namespace does. */
static void muted(const struct way *way)
{
	pid_t pid;

	REQUIRE(es_mute_path(client->client, test_at("view"), ES_MUTE_PATH_TYPE_TARGET_PREFIX) == ES_RETURN_SUCCESS);
	told(way);
	REQUIRE(es_mute_path(client->client, test_at("guarded/"), ES_MUTE_PATH_TYPE_TARGET_PREFIX) == ES_RETURN_SUCCESS);
	if (way->foreign)
		told(way);
	else if (run(way, &pid))
		CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = test_at("guarded/file")), 0);
	REQUIRE(es_unmute_all_target_paths(client->client) == ES_RETURN_SUCCESS);
}

/* A client that selects by target gets operations on the file by any of its names. */
static void selected(const struct way *way)
{
	pid_t pid;

	if (way->foreign)
		return;
	REQUIRE(es_mute_path(client->client, test_at("guarded/"), ES_MUTE_PATH_TYPE_TARGET_PREFIX) == ES_RETURN_SUCCESS);
	REQUIRE(es_invert_muting(client->client, ES_MUTE_INVERSION_TYPE_TARGET_PATH) == ES_RETURN_SUCCESS);
	if (run(way, &pid))
		CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .pid = pid, .path = test_at("guarded/file")), 1);
	REQUIRE(es_invert_muting(client->client, ES_MUTE_INVERSION_TYPE_TARGET_PATH) == ES_RETURN_SUCCESS);
	REQUIRE(es_unmute_all_target_paths(client->client) == ES_RETURN_SUCCESS);
}

static bool can_hold(void)
{
	static const es_event_type_t types[] = { ES_AUTH(OPEN), ES_AUTH(UNLINK), ES_AUTH(CREATE) };

	return es_subscribe(client->client, types, ARRAY_SIZE(types)) == ES_RETURN_SUCCESS;
}

/* In a cgroup of its own it looks at all mounts; else at the test's, where a user's own file system isn't. */
static bool start_daemon(void)
{
	const char *cgroup = getenv("ES_TEST_CGROUP");

	if (!cgroup) {
		test_daemon_own();
		return false;
	}
	test_no_scope = true;
	test_daemon("--scope-cgroup", cgroup, NULL);
	return true;
}

int main(void)
{
	size_t count = ARRAY_SIZE(ways);
	bool holds;

	test_begin(120);
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(result != MAP_FAILED && chmod(test_mnt, 0755) == 0);
	(void)!system("modprobe overlay 2>/dev/null");
	count -= !start_daemon();
	client = test_client(deny_guarded, NULL);
	test_subscribe(client, ES_NOTIFY(OPEN), ES_NOTIFY(UNLINK), ES_NOTIFY(CREATE), -1);
	for (size_t i = 0; i < count; i++) {
		told(&ways[i]);
		muted(&ways[i]);
		selected(&ways[i]);
	}
	holds = can_hold();
	for (size_t i = 0; holds && i < count; i++)
		asked(&ways[i]);
	if (!holds)
		printf("nothing but NOTIFY: names can't be held here\n");
	munmap(result, sizeof(*result));
	return test_end();
}
