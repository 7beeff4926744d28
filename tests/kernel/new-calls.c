/* SPDX-License-Identifier: MIT */
/*
 * System calls newer than our oldest kernel are reported, and held, as the older calls for the same: fchmodat2 (6.6),
 * setxattrat and its variants (6.13), file_setattr (6.17), fchroot (7.3). An execveat(2) that only asks whether it may
 * (AT_EXECVE_CHECK, 6.14) is no exec: no client is asked or notified.
 */
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "es-test.h"

enum { FCHMODAT2 = 452, SETXATTRAT = 463, GETXATTRAT = 464, LISTXATTRAT = 465, REMOVEXATTRAT = 466, FILE_SETATTR = 469,
       FCHROOT = 472, EXECVE_CHECK = 0x10000, XFLAG_NODUMP = 0x80 };

struct xattr_args_ {
	uint64_t value;
	uint32_t size, flags;
};

struct file_attr_ {
	uint64_t xflags;
	uint32_t extsize, nextents, projid, cowextsize;
};

static int fchmodat2_(const char *path)
{
	return syscall(FCHMODAT2, AT_FDCWD, path, 0640, 0) < 0 ? errno : 0;
}

static int setxattrat_(const char *path)
{
	struct xattr_args_ args = { (uint64_t)(uintptr_t)"value", 5, 0 };

	return syscall(SETXATTRAT, AT_FDCWD, path, 0, "user.name", &args, sizeof(args)) < 0 ? errno : 0;
}

static int getxattrat_(const char *path)
{
	char value[8];
	struct xattr_args_ args = { (uint64_t)(uintptr_t)value, sizeof(value), 0 };

	return syscall(GETXATTRAT, AT_FDCWD, path, 0, "user.name", &args, sizeof(args)) < 0 ? errno : 0;
}

static int listxattrat_(const char *path)
{
	char list[64];

	return syscall(LISTXATTRAT, AT_FDCWD, path, 0, list, sizeof(list)) < 0 ? errno : 0;
}

static int removexattrat_(const char *path)
{
	if (setxattr(path, "user.name", "value", 5, 0) < 0)
		return errno;
	return syscall(REMOVEXATTRAT, AT_FDCWD, path, 0, "user.name") < 0 ? errno : 0;
}

static int file_setattr_(const char *path)
{
	struct file_attr_ attr = { .xflags = XFLAG_NODUMP };

	return syscall(FILE_SETATTR, AT_FDCWD, path, &attr, sizeof(attr), 0) < 0 ? errno : 0;
}

static int fchroot_(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return syscall(FCHROOT, fd, 0) < 0 ? errno : 0;
}

/* In this order: an attribute has to be set before it is read. It is removed each time, so it is set again before. */
static const struct row {
	const char *name;
	int (*call)(const char *path);
	es_event_type_t notify, auth;
	bool directory;
} rows[] = {
	{ "fchmodat2", fchmodat2_, ES_NOTIFY(SETMODE), ES_AUTH(SETMODE), false },
	{ "setxattrat", setxattrat_, ES_NOTIFY(SETEXTATTR), ES_AUTH(SETEXTATTR), false },
	{ "getxattrat", getxattrat_, ES_NOTIFY(GETEXTATTR), ES_AUTH(GETEXTATTR), false },
	{ "listxattrat", listxattrat_, ES_NOTIFY(LISTEXTATTR), ES_AUTH(LISTEXTATTR), false },
	{ "removexattrat", removexattrat_, ES_NOTIFY(DELETEEXTATTR), ES_AUTH(DELETEEXTATTR), false },
	{ "file_setattr", file_setattr_, ES_NOTIFY(SETFLAGS), ES_AUTH(SETFLAGS), false },
	{ "fchroot", fchroot_, ES_NOTIFY(CHROOT), ES_AUTH(CHROOT), true },
};

struct job {
	const struct row *row;
	const char *path;
};

/* In a child: it may be somewhere else afterwards. */
static int do_job(void *context)
{
	const struct job *job = context;

	return job->row->call(job->path);
}

static int run_job(const struct row *row, const char *path)
{
	struct job job = { row, path };

	return WEXITSTATUS(test_run(do_job, &job));
}

static void deny_or_allow(struct test_client *client, const es_message_t *message)
{
	if (test_file(message) && strstr(test_file(message)->path.data, "denied"))
		test_deny(client, message);
	else
		test_allow(client, message);
}

/* False: this kernel doesn't have it. */
static bool check_row(struct test_client *client, struct test_client *holder, const struct row *row)
{
	const char *path = test_at(row->directory ? "folder" : "file"), *denied = test_at(row->directory ? "denied-folder" : "denied");
	int error = run_job(row, path);
	bool held;

	if (error == ENOSYS)
		return false;
	printf("%s\n", row->name);
	CHECK_EQUAL(error, 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = (int)row->notify, .path = path), 1);

	held = es_subscribe(holder->client, &row->auth, 1) == ES_RETURN_SUCCESS;
	if (held) {
		CHECK_EQUAL(run_job(row, path), 0);
		CHECK_EQUAL(run_job(row, denied), EPERM);
		CHECK_EQUAL(COUNT(holder, .type = (int)row->auth, .path = path), 1);
		CHECK_EQUAL(COUNT(holder, .type = (int)row->auth, .path = denied), 1);
	}
	CHECK(es_unsubscribe_all(holder->client) == ES_RETURN_SUCCESS);
	return true;
}

static int execve_check(void *path)
{
	char *argv[] = { path, NULL }, *envp[] = { NULL };

	return syscall(SYS_execveat, AT_FDCWD, path, argv, envp, EXECVE_CHECK) < 0 ? errno : 0;
}

static bool check_execve(struct test_client *client, struct test_client *holder)
{
	const char *path = test_tiny("tiny");
	es_event_type_t type = ES_AUTH(EXEC);
	int error = WEXITSTATUS(test_run(execve_check, (void *)path));

	if (error == EINVAL)
		return false;
	printf("AT_EXECVE_CHECK\n");
	CHECK_EQUAL(error, 0);
	CHECK(es_subscribe(holder->client, &type, 1) == ES_RETURN_SUCCESS);
	CHECK_EQUAL(WEXITSTATUS(test_run(execve_check, (void *)path)), 0);
	test_sync(client);
	test_sync(holder);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXEC), .path = path), 0);
	CHECK_EQUAL(COUNT(holder, .type = ES_AUTH(EXEC), .path = path), 0);
	CHECK(test_exec(path, (char *[]){ (char *)path, "0", NULL }, NULL) == 0);	/* this one is */
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(EXEC), .path = path), 1);
	CHECK_EQUAL(COUNT(holder, .type = ES_AUTH(EXEC), .path = path), 1);
	return true;
}

int main(void)
{
	struct test_client *client, *holder;
	unsigned int there = 0;

	test_begin(120);
	test_write_file(test_at("file"), "", 0644);
	test_write_file(test_at("denied"), "", 0644);
	CHECK(mkdir(test_at("folder"), 0755) == 0 && mkdir(test_at("denied-folder"), 0755) == 0);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	holder = test_client(deny_or_allow, NULL);
	test_subscribe(client, ES_NOTIFY(EXEC), -1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_subscribe(client, (int)rows[i].notify, -1);
		there += check_row(client, holder, &rows[i]);
	}
	there += check_execve(client, holder);
	if (!there)
		test_skip("any of these calls (Linux 6.6)");
	return test_end();
}
