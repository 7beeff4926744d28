/* SPDX-License-Identifier: MIT */

/*
 * es_linux_find_cgroup() says in which cgroup and namespaces a process of a message was at the event, and in which
 * containers by the cgroup's path: what /proc has of it while it lives. The path of a cgroup that is gone is known if
 * somebody asked before, and else it is empty.
 */

#include "es-test.h"

#include <limits.h>
#include <sched.h>

#define ID "3f4f2a1d7c8e9b0a1122334455667788990011223344556677889900aabbccdd"

static struct test_client *client;
static const char *above;		/* the test's cgroup */
static char contained[PATH_MAX], left[PATH_MAX];

static bool enter(const char *cgroup)
{
	char path[PATH_MAX + 16], pid[16];
	int fd, length = snprintf(pid, sizeof(pid), "%d", getpid());
	bool entered;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY);
	entered = fd >= 0 && write(fd, pid, (size_t)length) == length;
	close(fd);
	return entered;
}

/* In the container, in a mount namespace of its own; its children would be in another pid namespace. */
static int wait_inside(void *context)
{
	(void)context;
	if (!enter(contained) || unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
		return 1;
	return open(test_at("file"), O_RDONLY | O_CREAT, 0600) < 0 ? 1 : pause();
}

static int open_outside(void *context)
{
	(void)context;
	return open(test_at("outside"), O_RDONLY | O_CREAT, 0600) < 0;
}

static int open_in_left(void *context)
{
	(void)context;
	return !enter(left) || open(test_at("left"), O_RDONLY | O_CREAT, 0600) < 0;
}

static ino_t inode_of(pid_t pid, const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	REQUIRE(!stat(path, &st));
	return st.st_ino;
}

static ino_t cgroup_inode(const char *path)
{
	struct stat st;

	REQUIRE(!stat(path, &st));
	return st.st_ino;
}

/* What /proc/PID/cgroup has of version 2's hierarchy. */
static void read_cgroup(pid_t pid, char path[PATH_MAX])
{
	char name[64], line[PATH_MAX + 16];
	FILE *file;

	path[0] = '\0';
	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	file = fopen(name, "re");
	REQUIRE(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "0::", 3))
			snprintf(path, PATH_MAX, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
	fclose(file);
}

static es_linux_cgroup_t *find(const es_message_t *message, const es_process_t *process)
{
	es_linux_cgroup_t *found;

	REQUIRE(es_linux_find_cgroup(message, process, &found) == ES_RETURN_SUCCESS);
	return found;
}

static void check_inside(void)
{
	char path[PATH_MAX];
	pid_t pid = test_fork(wait_inside, NULL);
	const es_message_t *message = AWAIT(client, .type = ES_NOTIFY(OPEN), .path = test_at("file"));
	es_linux_cgroup_t *found;

	REQUIRE(message);
	found = find(message, message->process);
	read_cgroup(pid, path);
	CHECK_EQUAL(found->id, cgroup_inode(contained));
	CHECK_STRING(found->path.data, path);
	CHECK_EQUAL(found->path.length, strlen(path));
	CHECK_EQUAL(found->mount_namespace, inode_of(pid, "ns/mnt"));
	CHECK(found->mount_namespace != inode_of(getpid(), "ns/mnt"));
	CHECK_EQUAL(found->pid_namespace, inode_of(pid, "ns/pid"));
	CHECK_EQUAL(found->container_count, 1);
	CHECK_EQUAL(found->containers[0].runtime, ES_LINUX_RUNTIME_DOCKER);
	CHECK_STRING(found->containers[0].id.data, ID);
	CHECK_EQUAL(found->pod.length, 0);
	es_linux_free_cgroup(found);
	kill(pid, SIGKILL);
	test_wait(pid);
	CHECK(!rmdir(contained));
	found = find(message, message->process);	/* which was asked for before */
	CHECK_STRING(found->path.data, path);
	es_linux_free_cgroup(found);
}

static void check_outside(void)
{
	char path[PATH_MAX];
	es_linux_cgroup_t *found;
	const es_message_t *message;

	CHECK_EQUAL(test_run(open_outside, NULL), 0);
	message = AWAIT(client, .type = ES_NOTIFY(OPEN), .path = test_at("outside"));
	REQUIRE(message);
	found = find(message, message->process);
	read_cgroup(getpid(), path);
	CHECK_STRING(found->path.data, path);
	CHECK_EQUAL(found->mount_namespace, inode_of(getpid(), "ns/mnt"));
	CHECK_EQUAL(found->pid_namespace, inode_of(getpid(), "ns/pid"));
	CHECK_EQUAL(found->container_count, 0);
	es_linux_free_cgroup(found);
}

static void check_gone(void)
{
	es_linux_cgroup_t *found;
	const es_message_t *message;
	ino_t id = cgroup_inode(left);

	CHECK_EQUAL(test_run(open_in_left, NULL), 0);
	CHECK(!rmdir(left));
	message = AWAIT(client, .type = ES_NOTIFY(OPEN), .path = test_at("left"));
	REQUIRE(message);
	found = find(message, message->process);
	CHECK_EQUAL(found->id, id);
	CHECK_STRING(found->path.data, "");
	CHECK_EQUAL(found->container_count, 0);
	es_linux_free_cgroup(found);
}

static void check_wrong(void)
{
	const es_message_t *message = AWAIT(client, .type = ES_NOTIFY(OPEN), .path = test_at("outside")), *none = NULL;
	es_process_t other = *message->process, *no_process = NULL;
	es_linux_cgroup_t *found, **no_place = NULL;

	CHECK_EQUAL(es_linux_find_cgroup(message, &other, &found), ES_RETURN_ERROR);
	CHECK(found == NULL);
	CHECK_EQUAL(es_linux_find_cgroup(message, no_process, &found), ES_RETURN_ERROR);
	CHECK_EQUAL(es_linux_find_cgroup(none, message->process, &found), ES_RETURN_ERROR);
	CHECK_EQUAL(es_linux_find_cgroup(message, message->process, no_place), ES_RETURN_ERROR);
	es_linux_free_cgroup(NULL);
}

int main(void)
{
	above = getenv("ES_TEST_CGROUP");
	if (!above)
		test_skip("a cgroup of the test's own");
	test_begin(30);
	snprintf(contained, sizeof(contained), "%s/docker-" ID ".scope", above);
	snprintf(left, sizeof(left), "%s/docker-left", above);
	REQUIRE(!mkdir(contained, 0755) && !mkdir(left, 0755));
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	check_inside();
	check_outside();
	check_gone();
	check_wrong();
	return test_end();
}
