/* SPDX-License-Identifier: MIT */

/*
 * A mute of an executable's path is about the file that has this path in the daemon's mount namespace, and the default
 * set holds for processes that init started. So an ordinary user can't evade questions by mounting a program over a
 * listed one, nor by running a listed one, traced or with a library of the user's own loaded into it.
 */

#include "es-test.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

enum { USER = 1042 };

static const char default_path[] = "/usr/sbin/agetty";

static struct test_client *client;
static const char *opened;

/* It is asked for the test's mount, and a user's own copy of that is another one. */
static bool fanotify;

static const struct way {
	const char *name;
	bool user, mounts, traced, loader;
	bool asked;		/* though it is in the default set */
	bool own;		/* what runs is a program of the user's */
} ways[] = {
	{ "by root", .asked = false },
	{ "by root, with a loader variable", .loader = true, .asked = true },
	{ "by root, traced", .traced = true, .asked = true },
	{ "by a user", .user = true, .asked = true },
	{ "by a user, with a loader variable", .user = true, .loader = true, .asked = true },
	{ "by a user, traced", .user = true, .traced = true, .asked = true },
	{ "by a user, his own mounted over it", .user = true, .mounts = true, .asked = true, .own = true },
};

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(3);
	close(fd);
}

static int mount_over(void)
{
	char map[64];

	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -1;
	write_text("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%d %d 1", USER, USER);
	write_text("/proc/self/uid_map", map);
	write_text("/proc/self/gid_map", map);
	return mount("evil", default_path, NULL, MS_BIND, NULL);
}

static void execute(const struct way *way)
{
	char *environment[] = { (char *)"LD_BIND_NOW=1", NULL };

	if (chdir(test_mnt) < 0)
		_exit(4);
	if (way->user && (setresgid(USER, USER, USER) < 0 || setresuid(USER, USER, USER) < 0))
		_exit(5);
	if (way->mounts && mount_over() < 0)
		_exit(6);
	if (way->traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(7);
	if (!way->loader)
		environment[0] = NULL;
	execle(default_path, "agetty", "opened", NULL, environment);
	_exit(8);
}

/* Runs it, if need be under a tracer that lets it go on whatever happens. */
static int run_way(void *context)
{
	const struct way *way = context;
	int status = 0;
	pid_t pid;

	if (!way->traced)
		execute(way);
	pid = fork();
	if (pid == 0)
		execute(way);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, pid, NULL, NULL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static const es_message_t *run(const struct way *way, int type)
{
	int status;

	test_clear(client);
	status = test_wait(test_fork(run_way, (void *)way));
	test_sync(client);
	/* cat(1) can't open what is denied. */
	if (status && WEXITSTATUS(status) != 1)
		fprintf(stderr, "%s: it didn't run: %d\n", way->name, status);
	CHECK(!status || WEXITSTATUS(status) == 1);
	return FIND(client, .type = type, .path = opened);
}

static void expect(const struct way *way, bool asked)
{
	const es_message_t *message;

	if (fanotify && way->mounts)
		return;
	message = run(way, ES_AUTH(OPEN));
	if (!message == asked)
		fprintf(stderr, "%s: %sasked\n", way->name, asked ? "not " : "");
	CHECK_EQUAL(message != NULL, asked);
	if (message)
		CHECK_TOKEN(message->process->executable->path, way->own ? test_at("evil") : default_path);
}

static void deny(struct test_client *self, const es_message_t *message)
{
	if (!strcmp(message->event.open.file->path.data, opened))
		test_deny(self, message);
	else
		test_allow(self, message);
}

static void copy_cat(const char *to)
{
	char command[4200];

	snprintf(command, sizeof(command), "cp -L /bin/cat '%s'", to);
	REQUIRE(system(command) == 0);
}

/* Init started us if all above us are root's: not so under sudo(8), say. */
static bool root_all_the_way(void)
{
	int pid = getpid(), parent = 0;
	unsigned int uid = 0;
	char path[64], line[256];

	while (pid > 1 && uid == 0) {
		FILE *status;

		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		status = fopen(path, "re");
		if (!status)
			return false;
		while (fgets(line, sizeof(line), status)) {
			(void)sscanf(line, "PPid: %d", &parent);
			(void)sscanf(line, "Uid: %u", &uid);
		}
		fclose(status);
		pid = parent;
	}
	return uid == 0;
}

int main(void)
{
	static const es_event_type_t unlink_[] = { ES_AUTH(UNLINK) };

	test_begin(60);
	if (access(default_path, X_OK))
		test_skip("/usr/sbin/agetty, to mount something over");
	copy_cat(test_at("cat"));
	copy_cat(test_at("evil"));
	opened = test_at("opened");
	test_write_file(opened, "x", 0644);
	REQUIRE(chmod(test_mnt, 0755) == 0);
	REQUIRE(mount(test_at("cat"), default_path, NULL, MS_BIND, NULL) == 0);
	test_daemon(NULL);
	client = test_client(deny, NULL);
	test_subscribe(client, ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);
	fanotify = es_subscribe(client->client, unlink_, 1) != ES_RETURN_SUCCESS;
	REQUIRE(es_unsubscribe(client->client, unlink_, 1) == ES_RETURN_SUCCESS);

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (ways[i].asked || root_all_the_way())
			expect(&ways[i], ways[i].asked);
		else
			printf("%s: not tried, an ordinary user is among those who started this\n", ways[i].name);

	/* A mute of the client's own counts for all users that run the file. */
	REQUIRE(es_mute_path(client->client, default_path, ES_MUTE_PATH_TYPE_LITERAL) == ES_RETURN_SUCCESS);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		expect(&ways[i], ways[i].own);
		CHECK_EQUAL(run(&ways[i], ES_NOTIFY(OPEN)) != NULL, ways[i].own);
	}
	REQUIRE(es_unmute_path(client->client, default_path, ES_MUTE_PATH_TYPE_LITERAL) == ES_RETURN_SUCCESS);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		expect(&ways[i], true);
	REQUIRE(umount(default_path) == 0);
	return test_end();
}
