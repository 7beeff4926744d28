/* SPDX-License-Identifier: MIT */

/*
 * However a program comes to an operation, the client is asked about it once, with the object's path in the initial
 * mount namespace; allowed, it is done, and denied, it fails with EPERM. Through io_uring, on overlayfs, bind mounts,
 * in a container, by 32-bit programs, by file handles and descriptors, and so on. A row is one way; each runs in a
 * child of its own.
 */

#include "es-ring.h"
#include "es-test.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

/* Where the directory test_mnt is, in the child's eyes the current one. Its own mounts are nobody else's. */
struct row {
	const char *name;
	es_event_type_t type;
	const char *path;		/* in the message: below test_mnt, or absolute; one that ends in # goes on somehow */
	int (*act)(void);		/* 0, or errno */
};

static const struct row *current;
static es_auth_result_t verdict;
static unsigned int asked;
static char other[PATH_MAX];		/* another path, if the question had one */
static bool gate;			/* is there one? */

static int ring_openat(void)
{
	return ring_do(0, ring_entry(IORING_OP_OPENAT, "file"));
}

static int ring_worker_openat(void)
{
	struct io_uring_sqe entry = ring_entry(IORING_OP_OPENAT, "file");

	entry.flags = IOSQE_ASYNC;
	return ring_do(0, entry);
}

static int ring_poller_openat(void)
{
	return ring_do(IORING_SETUP_SQPOLL, ring_entry(IORING_OP_OPENAT, "file"));
}

static int ring_unlinkat(void)
{
	return ring_do(0, ring_entry(IORING_OP_UNLINKAT, "file"));
}

static int ring_renameat(void)
{
	struct io_uring_sqe entry = ring_entry(IORING_OP_RENAMEAT, "file");

	entry.off = (uint64_t)"renamed";
	entry.len = (uint32_t)AT_FDCWD;
	return ring_do(0, entry);
}

/* ---- mounts ---- */

static int open_path(const char *path)
{
	return result(open(path, O_RDONLY));
}

static int overlay(void)
{
	return result(unshare(CLONE_NEWNS)) ?:
	       result(mount("overlay", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work"));
}

static int overlay_open(void) { return overlay() ?: open_path("merged/low"); }
static int overlay_copy_up(void) { return overlay() ?: result(open("merged/low", O_RDWR)); }
static int overlay_unlink(void) { return overlay() ?: result(unlink("merged/low")); }
static int overlay_rename(void) { return overlay() ?: result(rename("merged/low", "merged/moved")); }
static int overlay_mkdir(void) { return overlay() ?: result(mkdir("merged/new", 0700)); }

static int bind_open(void)
{
	return result(unshare(CLONE_NEWNS)) ?: result(mount("dir", "bound", NULL, MS_BIND, NULL)) ?:
	       open_path("bound/inner");
}

static int write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), r;

	r = result(fd < 0 ? -1 : write(fd, text, strlen(text)));
	close(fd);
	return r;
}

static int user_namespace_rename(void)
{
	return result(unshare(CLONE_NEWUSER | CLONE_NEWNS)) ?: write_map("/proc/self/uid_map", "0 0 1") ?:
	       result(rename("file", "renamed"));
}

static int chroot_unlink(void)
{
	return result(chroot("dir")) ?: result(unlink("/inner"));
}

/* What a container's runtime does: namespaces of all kinds, another root, the old one out of reach. */
static int container_child(void)
{
	return result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) ?:
	       result(mount("dir", "dir", NULL, MS_BIND, NULL)) ?: result(chdir("dir")) ?:
	       result(syscall(SYS_pivot_root, ".", ".")) ?: result(umount2(".", MNT_DETACH)) ?: result(chdir("/")) ?:
	       result(unlink("/inner"));
}

static int container_unlink(void)
{
	int status, error = result(unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET));
	pid_t pid;

	if (error)
		return error;
	pid = fork();
	if (pid == 0)
		_exit(container_child());
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

/* ---- descriptors and handles ---- */

static int tmpfile_open(void)
{
	return result(open("dir", O_TMPFILE | O_RDWR, 0600));
}

static int tmpfile_link(void)
{
	int fd = open("dir", O_TMPFILE | O_RDWR, 0600);
	char name[64];

	if (fd < 0)
		return 200;		/* no errno of the operation */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return result(linkat(AT_FDCWD, name, AT_FDCWD, "renamed", AT_SYMLINK_FOLLOW));
}

static int o_path_open(void)
{
	int fd = open("file", O_PATH);
	char name[64];

	if (fd < 0)
		return 200;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return open_path(name);
}

static int handle_open(void)
{
	struct { struct file_handle handle; char bytes[MAX_HANDLE_SZ]; } file = { .handle.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, at = open(".", O_RDONLY | O_DIRECTORY);

	if (name_to_handle_at(AT_FDCWD, "file", &file.handle, &mount_id, 0) < 0)
		return 200;
	return result(open_by_handle_at(at, &file.handle, O_RDONLY));
}

static int copy(void)
{
	int from, to = open("target", O_WRONLY | O_CREAT, 0600);
	loff_t zero = 0;
	off_t start = 0;

	from = open("file", O_RDONLY);
	if (from < 0)
		return errno;
	return result(copy_file_range(from, &zero, to, NULL, 2, 0)) ?: result(sendfile(to, from, &start, 4));
}

static int map_executable(void)
{
	int fd = open("tiny", O_RDONLY);

	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? errno : 0;
}

/* ---- exec ---- */

static char *argv[] = { "tiny", "0", NULL }, *environment[] = { NULL };

static int exec_fd(void)
{
	int fd = open("tiny", O_PATH | O_CLOEXEC);

	fexecve(fd, argv, environment);
	return errno;
}

static int exec_memfd(void)
{
	int from = open("tiny", O_RDONLY), to = memfd_create("program", MFD_CLOEXEC);
	struct stat stat;

	if (fstat(from, &stat) < 0 || sendfile(to, from, NULL, (size_t)stat.st_size) != stat.st_size)
		return 200;
	fexecve(to, argv, environment);
	return errno;
}

static int exec_nested_script(void)
{
	execv("./outer-script", argv);
	return errno;
}

static int exec_32bit(char *what, char *path)
{
	execv("./tiny32", (char *[]){ "tiny32", what, path, NULL });
	return 200;
}

static int open_32bit(void) { return exec_32bit("o", "file"); }
static int unlink_32bit(void) { return exec_32bit("u", "file"); }
static int mkdir_32bit(void) { return exec_32bit("m", "dir/new"); }
static int truncate_32bit(void) { return exec_32bit("t", "file"); }
static int flags_32bit(void) { return exec_32bit("f", "file"); }

/* ---- renames ---- */

static int rename_noreplace(void)
{
	return result(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "renamed", RENAME_NOREPLACE));
}

static int rename_exchange(void)
{
	return result(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "dir/inner", RENAME_EXCHANGE));
}

static const struct row rows[] = {
	{ "io_uring openat", ES_AUTH(OPEN), "file", ring_openat },
	{ "io_uring openat in a worker", ES_AUTH(OPEN), "file", ring_worker_openat },
	{ "io_uring openat in a polling kernel thread", ES_AUTH(OPEN), "file", ring_poller_openat },
	{ "io_uring unlinkat", ES_AUTH(UNLINK), "file", ring_unlinkat },
	{ "io_uring renameat", ES_AUTH(RENAME), "file", ring_renameat },
	{ "open on overlayfs", ES_AUTH(OPEN), "lower/low", overlay_open },
	{ "open on overlayfs that copies up", ES_AUTH(OPEN), "lower/low", overlay_copy_up },
	{ "unlink on overlayfs", ES_AUTH(UNLINK), "lower/low", overlay_unlink },
	{ "rename on overlayfs", ES_AUTH(RENAME), "lower/low", overlay_rename },
	{ "mkdir on overlayfs", ES_AUTH(CREATE), "upper", overlay_mkdir },
	{ "open through a bind mount", ES_AUTH(OPEN), "dir/inner", bind_open },
	{ "rename in a user namespace", ES_AUTH(RENAME), "file", user_namespace_rename },
	{ "unlink in a chroot", ES_AUTH(UNLINK), "dir/inner", chroot_unlink },
	{ "unlink in a container", ES_AUTH(UNLINK), "dir/inner", container_unlink },
	{ "O_TMPFILE", ES_AUTH(OPEN), "dir/#", tmpfile_open },
	{ "linkat of an O_TMPFILE", ES_AUTH(LINK), "dir/#", tmpfile_link },
	{ "open of an O_PATH descriptor", ES_AUTH(OPEN), "file", o_path_open },
	{ "open_by_handle_at", ES_AUTH(OPEN), "file", handle_open },
	{ "copy_file_range and sendfile", ES_AUTH(OPEN), "file", copy },
	{ "mmap of an executable", ES_AUTH(MMAP), "tiny", map_executable },
	{ "fexecve", ES_AUTH(EXEC), "tiny", exec_fd },
	{ "exec of a memfd", ES_AUTH(EXEC), "/memfd:program (deleted)", exec_memfd },
	{ "exec of a script with a script as interpreter", ES_AUTH(EXEC), "tiny", exec_nested_script },
	{ "32-bit open", ES_AUTH(OPEN), "file", open_32bit },
	{ "32-bit unlink", ES_AUTH(UNLINK), "file", unlink_32bit },
	{ "32-bit mkdir", ES_AUTH(CREATE), "dir", mkdir_32bit },
	{ "32-bit truncate", ES_AUTH(TRUNCATE), "file", truncate_32bit },
	{ "32-bit ioctl", ES_AUTH(SETFLAGS), "file", flags_32bit },
	{ "renameat2 with RENAME_NOREPLACE", ES_AUTH(RENAME), "file", rename_noreplace },
	{ "renameat2 with RENAME_EXCHANGE", ES_AUTH(EXCHANGEDATA), "file", rename_exchange },
};

static bool path_fits(const struct row *row, const char *path)
{
	const char *expected = row->path[0] == '/' ? row->path : test_at("%s", row->path);
	size_t length = strlen(expected);

	if (expected[length - 1] == '#')
		return !strncmp(path, expected, length);
	return !strcmp(path, expected);
}

/* Without a gate, calls that can't start over don't wait for the answer: an exec's mmaps, io_uring. */
static void respond(struct test_client *client, const es_message_t *message, es_auth_result_t result)
{
	es_respond_result_t r;

	if (message->event_type == ES_AUTH(OPEN))
		r = es_respond_flags_result(client->client, message, result == ES_AUTH_RESULT_ALLOW ? UINT32_MAX : 0, false);
	else
		r = es_respond_auth_result(client->client, message, result, false);
	CHECK(r == ES_RESPOND_RESULT_SUCCESS || (!gate && r == ES_RESPOND_RESULT_NOT_FOUND));
}

static void answer(struct test_client *client, const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	if (current && message->event_type == current->type && file && path_fits(current, file->path.data)) {
		asked++;
		test_sleep_ms(5);		/* so that what waits by starting over does */
		respond(client, message, verdict);
		return;
	}
	if (current && message->event_type == current->type && file)
		snprintf(other, sizeof(other), "%s", file->path.data);
	respond(client, message, ES_AUTH_RESULT_ALLOW);
}

static int child(void *context)
{
	const struct row *row = context;
	int error;

	if (chdir(test_mnt) < 0)
		return 200;
	error = row->act();
	return error > 255 ? 201 : error;
}

static void reset(void)
{
	const char *const gone[] = { "renamed", "target", "dir/new", "upper/low", "upper/moved", "upper/new" };

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		(void)(unlink(test_at("%s", gone[i])) < 0 && rmdir(test_at("%s", gone[i])));
	test_write_file(test_at("file"), "text", 0644);
	test_write_file(test_at("dir/inner"), "inner", 0644);
}

static void prepare(void)
{
	const char *const dirs[] = { "dir", "lower", "upper", "work", "merged", "bound" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		REQUIRE(mkdir(test_at("%s", dirs[i]), 0755) == 0);
	test_write_file(test_at("lower/low"), "low", 0644);
	(void)test_tiny("tiny");
	test_copy(test_built("tests/harness/tiny32"), test_at("tiny32"), 0755);
	test_write_file(test_at("outer-script"), "#!./inner-script\n", 0755);
	test_write_file(test_at("inner-script"), "#!./tiny 0\n", 0755);
}

/* There is no system call to start over: without a gate it goes on. */
static bool in_ring(const struct row *row)
{
	return !strncmp(row->name, "io_uring", strlen("io_uring"));
}

static void try(struct test_client *client, const struct row *row, es_auth_result_t answer_with)
{
	bool denied = answer_with == ES_AUTH_RESULT_DENY && (gate || !in_ring(row));
	int status;

	reset();
	test_clear(client);
	asked = 0;
	other[0] = 0;
	verdict = answer_with;
	current = row;
	status = test_run(child, (void *)row);
	test_sync(client);
	current = NULL;
	if (!CHECK(WIFEXITED(status)) || !CHECK_EQUAL(WEXITSTATUS(status), denied ? EPERM : 0) ||
	    !CHECK_EQUAL(asked, 1))
		printf("... %s, %s: %s, asked about: %s\n", row->name, denied ? "denied" : "allowed",
		       strerror(WEXITSTATUS(status)), other);
}

int main(void)
{
	struct test_client *client;

	test_begin(120);
	prepare();
	test_daemon(NULL);
	client = test_client(answer, NULL);
	test_hold(client, ES_AUTH(UNLINK), ES_AUTH(OPEN), ES_AUTH(EXEC), ES_AUTH(RENAME), ES_AUTH(EXCHANGEDATA),
		  ES_AUTH(CREATE), ES_AUTH(LINK), ES_AUTH(MMAP), ES_AUTH(TRUNCATE), ES_AUTH(SETFLAGS), -1);
	gate = test_has_gate();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		printf("%s\n", rows[i].name);
		try(client, &rows[i], ES_AUTH_RESULT_ALLOW);
		try(client, &rows[i], ES_AUTH_RESULT_DENY);
	}
	return test_end();
}
