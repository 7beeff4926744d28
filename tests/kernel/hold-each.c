/* SPDX-License-Identifier: MIT */

/*
 * Every operation that can be held here is held and then allowed, is denied, and is denied if of two clients one says no.
 * Allowed, it takes as long as the client thinks, and is done; denied, it fails with EPERM, and nothing has changed; either
 * way it is told, with the outcome. A row of the table is one operation; each runs in a child of its own.
 */

#include "es-test.h"

#include <dirent.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

enum { THINK_MS = 50 };

struct row {
	const char *name;
	es_event_type_t auth, notify;
	int (*act)(void);			/* in the child, whose directory is test_mnt: 0, or errno */
	bool (*done)(void);			/* was it? NULL: can't be seen from outside */
};

struct answers {
	const struct row *row;
	es_auth_result_t result;
	unsigned int think_ms;
	unsigned int asked;
};

static void answer(struct test_client *client, const es_message_t *message)
{
	struct answers *answers = client->context;

	if (answers->row && message->event_type == answers->row->auth) {
		answers->asked++;
		test_sleep_ms(answers->think_ms);
		if (answers->result == ES_AUTH_RESULT_DENY) {
			test_deny(client, message);
			return;
		}
	}
	test_allow(client, message);
}

static int result(long value)
{
	return value < 0 ? errno : 0;
}

static bool exists(const char *name)
{
	struct stat stat;

	return lstat(test_at("%s", name), &stat) == 0;
}

static struct stat stat_of(const char *name)
{
	struct stat stat = {};

	(void)lstat(test_at("%s", name), &stat);
	return stat;
}

static int open_file(void)
{
	int fd = open("file", O_RDWR);

	if (fd >= 0)
		close(fd);
	return result(fd);
}

static int execute(void)
{
	char *argv[] = { "tiny", "0", NULL };

	execv("./tiny", argv);
	return errno;
}

static int make_file(void)
{
	int fd = open("new", O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd >= 0)
		close(fd);
	return result(fd);
}

static int lock_flags(void)
{
	int fd = open("file", O_RDONLY), flags = FS_NODUMP_FL, r;

	r = result(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	close(fd);
	return r;
}

static int list(void)
{
	DIR *directory = opendir(".");
	int error;

	errno = 0;
	(void)readdir(directory);
	error = errno;
	closedir(directory);
	return error;
}

static int map(void)
{
	int fd = open("file", O_RDONLY);
	void *memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	return memory == MAP_FAILED ? errno : 0;
}

static int fcntl_file(void)
{
	int fd = open("file", O_RDONLY);

	return result(fcntl(fd, F_SETFL, O_NONBLOCK));
}

static pid_t sleeper;

static int stop_sleeper(void) { return result(kill(sleeper, SIGUSR1)); }
static int suspend_sleeper(void) { return result(kill(sleeper, SIGSTOP)); }
static int attach_sleeper(void) { return result(ptrace(PTRACE_SEIZE, sleeper, NULL, NULL)); }

static bool sleeper_stopped(void)
{
	int status;
	bool stopped = waitpid(sleeper, &status, WUNTRACED | WNOHANG) == sleeper && WIFSTOPPED(status);

	kill(sleeper, SIGCONT);
	return stopped;
}

static int rename_exchange(void)
{
	return result(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "other", RENAME_EXCHANGE));
}

static int unlink_file(void) { return result(unlink("file")); }
static bool file_gone(void) { return !exists("file"); }
static int remove_dir(void) { return result(rmdir("dir")); }
static bool dir_gone(void) { return !exists("dir"); }
static int rename_file(void) { return result(rename("file", "renamed")); }
static bool renamed(void) { return exists("renamed") && !exists("file"); }
static bool exchanged(void) { return stat_of("file").st_size == 5; }
static int link_file(void) { return result(link("file", "linked")); }
static bool linked(void) { return exists("linked"); }
static int make_dir(void) { return result(mkdir("new", 0700)); }
static int make_link(void) { return result(symlink("file", "new")); }
static int make_node(void) { return result(mknod("new", S_IFIFO | 0600, 0)); }
static bool made(void) { return exists("new"); }
static int cut(void) { return result(truncate("file", 1)); }
static bool is_cut(void) { return stat_of("file").st_size == 1; }
static int change_mode(void) { return result(chmod("file", 0600)); }
static bool mode_changed(void) { return (stat_of("file").st_mode & 07777) == 0600; }
static int change_owner(void) { return result(chown("file", 12, 34)); }
static bool owner_changed(void) { return stat_of("file").st_uid == 12 && stat_of("file").st_gid == 34; }
static int change_root(void) { return result(chroot("dir")); }
static int mount_dir(void) { return result(mount("tmpfs", "dir", "tmpfs", 0, NULL)); }
static bool mounted(void) { return stat_of("dir").st_dev != stat_of("file").st_dev; }
static bool flags_set(void)
{
	int fd = open(test_at("file"), O_RDONLY), flags = 0;

	(void)ioctl(fd, FS_IOC_GETFLAGS, &flags);
	close(fd);
	return flags & FS_NODUMP_FL;
}

static const struct row rows[] = {
#define ROW(text, type, act, done) { text, ES_AUTH(type), ES_NOTIFY(type), act, done }
	ROW("open", OPEN, open_file, NULL),
	ROW("exec", EXEC, execute, NULL),
	ROW("unlink", UNLINK, unlink_file, file_gone),
	ROW("rmdir", UNLINK, remove_dir, dir_gone),
	ROW("rename", RENAME, rename_file, renamed),
	ROW("exchange", EXCHANGEDATA, rename_exchange, exchanged),
	ROW("link", LINK, link_file, linked),
	ROW("create", CREATE, make_file, made),
	ROW("mkdir", CREATE, make_dir, made),
	ROW("symlink", CREATE, make_link, made),
	ROW("mknod", CREATE, make_node, made),
	ROW("truncate", TRUNCATE, cut, is_cut),
	ROW("chmod", SETMODE, change_mode, mode_changed),
	ROW("chown", SETOWNER, change_owner, owner_changed),
	ROW("chroot", CHROOT, change_root, NULL),
	ROW("setflags", SETFLAGS, lock_flags, flags_set),
	ROW("fcntl", FCNTL, fcntl_file, NULL),
	ROW("readdir", READDIR, list, NULL),
	ROW("mmap", MMAP, map, NULL),
	ROW("mount", MOUNT, mount_dir, mounted),
	ROW("signal", SIGNAL, stop_sleeper, NULL),
	ROW("suspend", PROC_SUSPEND_RESUME, suspend_sleeper, sleeper_stopped),
	ROW("get_task", GET_TASK, attach_sleeper, NULL),
#undef ROW
};

static int child(void *context)
{
	const struct row *row = context;

	if (chdir(test_mnt) < 0)
		return 99;
	return row->act();
}

static int sleep_on(void *context)
{
	(void)context;
	signal(SIGUSR1, SIG_IGN);
	for (;;)
		pause();
	return 0;
}

/* Things are as they were before the first row. */
static void reset(void)
{
	(void)umount2(test_at("dir"), MNT_DETACH);
	(void)unlink(test_at("renamed"));
	(void)unlink(test_at("linked"));
	(void)unlink(test_at("file"));
	(void)unlink(test_at("new"));
	(void)rmdir(test_at("new"));
	test_write_file(test_at("file"), "text", 0644);
	test_write_file(test_at("other"), "other", 0644);
	(void)mkdir(test_at("dir"), 0755);
}

static void told(struct test_client *client, const struct row *row, pid_t pid, es_auth_result_t expected)
{
	const es_message_t *message = FIND(client, .type = row->notify, .pid = pid);

	/* Twice is once, so this only says whether it can be had. */
	if (es_subscribe(client->client, &row->notify, 1) != ES_RETURN_SUCCESS)
		return;		/* can be held, but is not told here: docs/events.md */
	if (!CHECK(message != NULL))
		return;
	if (message->action.notify.result_type == ES_RESULT_TYPE_FLAGS)
		CHECK_EQUAL(!message->action.notify.result.flags, expected == ES_AUTH_RESULT_DENY);
	else
		CHECK_EQUAL(message->action.notify.result.auth, expected);
}

struct pair {
	struct test_client *first, *second;
	struct answers answers[2];
};

static void try(struct pair *pair, const struct row *row, es_auth_result_t first, es_auth_result_t second,
		unsigned int think_ms)
{
	bool denied = first == ES_AUTH_RESULT_DENY || second == ES_AUTH_RESULT_DENY;
	uint64_t start;
	int status;
	pid_t pid;

	reset();
	sleeper = test_fork(sleep_on, NULL);
	test_clear(pair->first);
	pair->answers[0] = (struct answers){ .row = row, .result = first, .think_ms = think_ms };
	pair->answers[1] = (struct answers){ .row = row, .result = second, .think_ms = think_ms };
	start = test_now();
	pid = test_fork(child, (void *)row);
	status = test_wait(pid);
	if (!CHECK(WIFEXITED(status)))
		printf("%s: status %#x\n", row->name, (unsigned int)status);
	if (!CHECK_EQUAL(WEXITSTATUS(status), denied ? EPERM : 0))
		printf("%s: %s\n", row->name, strerror(WEXITSTATUS(status)));
	if (!CHECK(!think_ms || test_now() - start >= think_ms * 1000000ull))
		printf("%s was not held\n", row->name);
	if (row->done && !CHECK(row->done() == !denied))
		printf("%s: %s\n", row->name, denied ? "denied, and yet done" : "allowed, and not done");
	test_sync(pair->first);
	/* Where fanotify holds, one client is asked after the other, and the first denial ends it. */
	if (!CHECK(pair->answers[0].asked + pair->answers[1].asked >= 1) ||
	    !CHECK(denied || (pair->answers[0].asked && pair->answers[1].asked)))
		printf("%s was not asked\n", row->name);
	told(pair->first, row, pid, denied ? ES_AUTH_RESULT_DENY : ES_AUTH_RESULT_ALLOW);
	pair->answers[0].row = pair->answers[1].row = NULL;
	kill(sleeper, SIGKILL);
	(void)test_wait(sleeper);
}

int main(void)
{
	struct pair pair = {};
	unsigned int held = 0;

	test_begin(200);
	(void)test_tiny("tiny");
	reset();
	test_daemon(NULL);
	pair.first = test_client(answer, &pair.answers[0]);
	pair.second = test_client(answer, &pair.answers[1]);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		if (es_subscribe(pair.first->client, &row->auth, 1) != ES_RETURN_SUCCESS)
			continue;	/* esctl capabilities says why */
		printf("%s\n", row->name);
		held++;
		(void)es_subscribe(pair.first->client, &row->notify, 1);
		REQUIRE(es_subscribe(pair.second->client, &row->auth, 1) == ES_RETURN_SUCCESS);
		try(&pair, row, ES_AUTH_RESULT_ALLOW, ES_AUTH_RESULT_ALLOW, THINK_MS);
		try(&pair, row, ES_AUTH_RESULT_DENY, ES_AUTH_RESULT_DENY, 0);
		try(&pair, row, ES_AUTH_RESULT_ALLOW, ES_AUTH_RESULT_DENY, 0);
		REQUIRE(es_unsubscribe_all(pair.first->client) == ES_RETURN_SUCCESS);
		REQUIRE(es_unsubscribe_all(pair.second->client) == ES_RETURN_SUCCESS);
	}
	CHECK(held >= 2);		/* exec and open can be held everywhere */
	return test_end();
}
