/* SPDX-License-Identifier: MIT */

/*
 * Each change of a file, or of the asking executable, ends the kept answers about it (fact 70), and nothing else does.
 * A row of the table is one way to change it: opens before it aren't asked about, and the next open after it is. The
 * other types have a table of their own, with a change or two each.
 */

#include "keeper.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>

static struct keeper keeper;
static struct actor actor;
static char file[256], spare[256], program[256];

static void with_fd(const char *path, int flags, bool (*act)(int fd))
{
	int fd = open(path, flags | O_CLOEXEC);

	REQUIRE(fd >= 0);
	CHECK(act(fd));
	close(fd);
}

static bool fd_write(int fd) { return write(fd, "x", 1) == 1; }
static bool fd_nothing(int fd) { return fd >= 0; }
static bool fd_truncate(int fd) { return ftruncate(fd, 1) == 0; }
static bool fd_allocate(int fd) { return fallocate(fd, 0, 0, 8192) == 0; }
static bool fd_chmod(int fd) { return fchmod(fd, 0600) == 0; }
static bool fd_chown(int fd) { return fchown(fd, 1, 1) == 0; }
static bool fd_times(int fd) { return futimens(fd, NULL) == 0; }
static bool fd_xattr(int fd) { return fsetxattr(fd, "trusted.es", "1", 1, 0) == 0; }
static bool fd_flags(int fd)
{
	int flags = FS_NODUMP_FL;

	return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

static bool fd_sendfile(int fd)
{
	int from = open(spare, O_RDONLY | O_CLOEXEC);
	bool done = sendfile(fd, from, NULL, 1) == 1;

	close(from);
	return done;
}

static bool fd_copy_range(int fd)
{
	int from = open(spare, O_RDONLY | O_CLOEXEC);
	bool done = syscall(SYS_copy_file_range, from, NULL, fd, NULL, 1, 0) == 1;

	close(from);
	return done;
}

static void writes(void) { with_fd(file, O_WRONLY, fd_write); }
static void appends(void) { with_fd(file, O_WRONLY | O_APPEND, fd_write); }
static void opens_to_write(void) { with_fd(file, O_RDWR, fd_nothing); }
static void truncates_opening(void) { with_fd(file, O_WRONLY | O_TRUNC, fd_nothing); }
static void truncates_reading(void) { with_fd(file, O_RDONLY | O_TRUNC, fd_nothing); }
static void truncates_fd(void) { with_fd(file, O_RDWR, fd_truncate); }
static void truncates(void) { CHECK(truncate(file, 1) == 0); }
static void grows(void) { CHECK(truncate(file, 100000) == 0); }
static void allocates(void) { with_fd(file, O_RDWR, fd_allocate); }
static void sends(void) { with_fd(file, O_WRONLY, fd_sendfile); }
static void copies(void) { with_fd(file, O_WRONLY, fd_copy_range); }
static void changes_mode(void) { CHECK(chmod(file, 0600) == 0); }
static void changes_mode_fd(void) { with_fd(file, O_RDONLY, fd_chmod); }
static void changes_owner(void) { CHECK(chown(file, 1, 1) == 0); }
static void changes_owner_fd(void) { with_fd(file, O_RDONLY, fd_chown); }
static void changes_group(void) { CHECK(lchown(file, (uid_t)-1, 2) == 0); }
static void changes_times(void) { CHECK(utimes(file, NULL) == 0); }
static void changes_times_fd(void) { with_fd(file, O_RDONLY, fd_times); }
static void sets_xattr(void) { CHECK(setxattr(file, "trusted.es", "1", 1, 0) == 0); }
static void sets_xattr_fd(void) { with_fd(file, O_RDONLY, fd_xattr); }
static void removes_xattr(void) { CHECK(removexattr(file, "trusted.old") == 0); }
static void sets_flags(void) { with_fd(file, O_RDONLY, fd_flags); }
static void renames_over(void) { CHECK(rename(spare, file) == 0); }
static void exchanges(void) { CHECK(syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, spare, RENAME_EXCHANGE) == 0); }

static void renames_and_back(void)
{
	CHECK(rename(file, test_at("elsewhere")) == 0);
	CHECK(rename(test_at("elsewhere"), file) == 0);
}

static void removes(void)
{
	CHECK(unlink(file) == 0);
	test_write_file(file, "anew", 0644);
}

/* One name goes, the file stays. */
static void removes_other_name(void)
{
	CHECK(unlink(test_at("link")) == 0);
}

static void maps(void)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	REQUIRE(memory != MAP_FAILED);
	close(fd);
	memory[0]++;
	munmap(memory, 4096);
}

/* u::rw- u:1:rw- g::r-- m::rw- o::r--, as the kernel takes it. */
static void sets_acl(void)
{
	static const uint8_t acl[] = {
		2, 0, 0, 0,
		1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0, 1, 0, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
		16, 0, 6, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255, 255, 255, 255,
	};

	CHECK(setxattr(file, "system.posix_acl_access", acl, sizeof(acl), 0) == 0);
}

static void remounts(void)
{
	const char *folder = test_at("mounted");

	CHECK(umount(folder) == 0);
	CHECK(mount("es-test", folder, "tmpfs", 0, NULL) == 0);
	test_write_file(file, "text", 0644);
}

static void program_mode(void) { CHECK(chmod(program, 0700) == 0); }
static void program_xattr(void) { CHECK(setxattr(program, "trusted.es", "1", 1, 0) == 0); }
static void program_renamed(void)
{
	CHECK(rename(program, test_at("moved")) == 0);
	CHECK(rename(test_at("moved"), program) == 0);
}

/* What changes nothing. */
static bool fd_read(int fd)
{
	char byte;

	return read(fd, &byte, 1) >= 0;
}

static bool fd_get_flags(int fd)
{
	int flags;

	return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
}

static void nothing(void) {}
static void reads(void) { with_fd(file, O_RDONLY, fd_read); }
static void asks_flags(void) { with_fd(file, O_RDONLY, fd_get_flags); }
static void asks_xattr(void) { CHECK(getxattr(file, "trusted.old", NULL, 0) == 3); }
static void other_file(void) { with_fd(spare, O_WRONLY | O_TRUNC, fd_write); }
static void maps_private(void)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	REQUIRE(memory != MAP_FAILED);
	memory[0]++;
	munmap(memory, 4096);
	close(fd);
}

static const struct row {
	const char *name;
	void (*change)(void);
	unsigned int asked;		/* about the open after it */
	bool for_good;			/* and about any further one */
	bool mounted;			/* on a file system of its own */
} rows[] = {
	{ "nothing", nothing, 0, false, false },
	{ "read", reads, 0, false, false },
	{ "flags asked for", asks_flags, 0, false, false },
	{ "xattr asked for", asks_xattr, 0, false, false },
	{ "private mapping", maps_private, 0, false, false },
	{ "another file written", other_file, 0, false, false },
	{ "write", writes, 1, false, false },
	{ "append", appends, 1, false, false },
	{ "open to write", opens_to_write, 1, false, false },
	{ "O_TRUNC", truncates_opening, 1, false, false },
	{ "O_TRUNC, reading", truncates_reading, 1, false, false },
	{ "truncate", truncates, 1, false, false },
	{ "truncate, longer", grows, 1, false, false },
	{ "ftruncate", truncates_fd, 1, false, false },
	{ "fallocate", allocates, 1, false, false },
	{ "shared mapping", maps, 1, false, false },
	{ "sendfile", sends, 1, false, false },
	{ "copy_file_range", copies, 1, false, false },
	{ "chmod", changes_mode, 1, false, false },
	{ "fchmod", changes_mode_fd, 1, false, false },
	{ "chown", changes_owner, 1, false, false },
	{ "fchown", changes_owner_fd, 1, false, false },
	{ "chgrp", changes_group, 1, false, false },
	{ "utimes", changes_times, 1, false, false },
	{ "futimens", changes_times_fd, 1, false, false },
	{ "setxattr", sets_xattr, 1, false, false },
	{ "fsetxattr", sets_xattr_fd, 1, false, false },
	{ "removexattr", removes_xattr, 1, false, false },
	{ "ACL", sets_acl, 1, false, false },
	{ "flags", sets_flags, 1, true, false },
	{ "rename over", renames_over, 1, false, false },
	{ "exchange", exchanges, 1, false, false },
	{ "rename, and back", renames_and_back, 1, false, false },
	{ "unlink, and made anew", removes, 1, false, false },
	{ "another name unlinked", removes_other_name, 1, false, false },
	{ "file system gone", remounts, 1, false, true },
	{ "program's mode", program_mode, 1, false, false },
	{ "program's xattr", program_xattr, 1, false, false },
	{ "program renamed", program_renamed, 1, false, false },
};

static unsigned int opens(uint32_t allowed)
{
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDONLY, file), allowed ? 0 : EPERM);
	return keeper_asked(&keeper);
}

static void prepare(const struct row *row)
{
	const char *folder = row->mounted ? "mounted/" : "";

	(void)umount(test_at("mounted"));
	if (row->mounted)
		CHECK(mount("es-test", test_at("mounted"), "tmpfs", 0, NULL) == 0);
	snprintf(file, sizeof(file), "%s", test_at("%sfile", folder));
	snprintf(spare, sizeof(spare), "%s", test_at("%sspare", folder));
	(void)unlink(file);
	(void)unlink(spare);
	(void)unlink(test_at("link"));
	test_write_file(file, "text", 0644);
	test_write_file(spare, "spare", 0644);
	if (!row->mounted)
		CHECK(link(file, test_at("link")) == 0);
	CHECK(setxattr(file, "trusted.old", "old", 3, 0) == 0);
	(void)keeper_asked(&keeper);
}

static void try(const struct row *row, uint32_t allowed)
{
	unsigned int first, second, after, then;

	prepare(row);
	keeper.allowed = allowed;
	first = opens(allowed);
	second = opens(allowed);
	row->change();
	after = opens(allowed);
	then = opens(allowed);
	if (!CHECK(first == 1 && second == 0 && after == row->asked && then == row->for_good))
		printf("%s, %s: asked %u, %u, then %u, %u\n", row->name, allowed ? "allowed" : "denied", first, second,
		       after, then);
}

/* While a writer has it open, or mapped, nothing is kept. */
static void writer_there(void)
{
	struct row row = {};
	char *memory;
	int fd;

	prepare(&row);
	keeper.allowed = KEEP_ALL;
	fd = open(file, O_RDWR | O_CLOEXEC);
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(memory != MAP_FAILED);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	close(fd);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	munmap(memory, 4096);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK_EQUAL(opens(KEEP_ALL), 0);
}

static void write_now(void *context)
{
	(void)context;
	writes();
}

/* A change while the client is thinking: its answer is about what was. */
static void changed_meanwhile(void)
{
	struct row row = {};

	prepare(&row);
	keeper.before = write_now;
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	keeper.before = NULL;
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK_EQUAL(opens(KEEP_ALL), 0);
}

/* A directory changes when names come and go. */
static void directory(void)
{
	const char *folder = test_at("folder"), *inside = test_at("folder/inside");

	keeper.allowed = KEEP_ALL;
	REQUIRE(mkdir(folder, 0755) == 0);
	snprintf(file, sizeof(file), "%s", folder);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK_EQUAL(opens(KEEP_ALL), 0);
	test_write_file(inside, "", 0644);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK(link(inside, test_at("folder/linked")) == 0);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK(symlink("x", test_at("folder/symbolic")) == 0);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK(mkdir(test_at("folder/sub"), 0755) == 0);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK(mknod(test_at("folder/fifo"), S_IFIFO | 0600, 0) == 0);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK(rename(inside, test_at("outside")) == 0);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK(rename(test_at("outside"), inside) == 0);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK(unlink(inside) == 0);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK(rmdir(test_at("folder/sub")) == 0);
	CHECK_EQUAL(opens(KEEP_ALL), 1);
	CHECK_EQUAL(opens(KEEP_ALL), 0);
}

/* ---- answers of other types ---- */

static struct subject_made made;

static void subject_mode(void) { CHECK(chmod(made.file, 0700) == 0); }
static void subject_owner(void) { CHECK(chown(made.file, 34, 34) == 0); }
static void subject_times(void) { CHECK(utimes(made.file, NULL) == 0); }
static void subject_written(void) { with_fd(made.file, O_WRONLY, fd_write); }
static void subject_xattr(void) { CHECK(setxattr(made.file, "trusted.es-2", "2", 1, 0) == 0); }
static void subject_xattr_gone(void) { CHECK(removexattr(made.file, "trusted.es-1") == 0); }
static void subject_filled(void) { CHECK(close(creat(test_at("%s/x", strrchr(made.file, '/') + 1), 0600)) == 0); }
static void subject_renamed(void)
{
	CHECK(rename(made.file, test_at("moved")) == 0);
	CHECK(rename(test_at("moved"), made.file) == 0);
}

/* Another socket under the name. */
static void subject_bound_anew(void)
{
	struct subject_made other;

	subject_make(&other, SUBJECT_SOCKET, NULL);
	CHECK(rename(other.file, made.file) == 0);
	close(made.fd);
	made.fd = other.fd;
}

/* The process runs another program: no answer was about that. */
static void subject_executes(void)
{
	CHECK_EQUAL(actor_do(&made.target, ACT_BECOME, 0, test_at("becomes")), 0);
}

static const struct other {
	const char *name;
	es_event_type_t type;
	enum act act;
	uint32_t number;
	enum subject subject;
	const char *below;
	uint32_t allowed;
	void (*change)(void);
	unsigned int asked;
} others[] = {
#define ROW(text, type_, act_, number_, subject_, below_, allowed_, change_, asked_) \
	{ text, ES_AUTH(type_), ACT_##act_, number_, SUBJECT_##subject_, below_, allowed_, change_, asked_ }
	ROW("setmode denied", SETMODE, CHMOD, 0640, FILE, NULL, 0, nothing, 0),
	ROW("setmode denied, mode", SETMODE, CHMOD, 0640, FILE, NULL, 0, subject_mode, 1),
	ROW("setowner denied, owner", SETOWNER, CHOWN, 12, FILE, NULL, 0, subject_owner, 1),
	ROW("setflags denied, written", SETFLAGS, FLAGS, FS_NODUMP_FL, FILE, NULL, 0, subject_written, 1),
	ROW("utimes denied", UTIMES, TIMES, 0, FILE, NULL, 0, nothing, 0),
	ROW("utimes denied, times", UTIMES, TIMES, 0, FILE, NULL, 0, subject_times, 1),
	ROW("mount, in the directory", MOUNT, MOUNT, 0, DIRECTORY, NULL, KEEP_ALL, subject_filled, 1),
	ROW("mount denied, mode", MOUNT, MOUNT, 0, DIRECTORY, NULL, 0, subject_mode, 1),
	ROW("chdir, mode", CHDIR, CHDIR, 0, DIRECTORY, NULL, KEEP_ALL, subject_mode, 1),
	ROW("chdir denied, renamed", CHDIR, CHDIR, 0, DIRECTORY, NULL, 0, subject_renamed, 1),
	ROW("chroot, in the directory", CHROOT, CHROOT, 0, DIRECTORY, NULL, KEEP_ALL, subject_filled, 1),
	ROW("getextattr, set", GETEXTATTR, GET_XATTR, 0, FILE, NULL, KEEP_ALL, subject_xattr, 1),
	ROW("listextattr, removed", LISTEXTATTR, LIST_XATTRS, 0, FILE, NULL, KEEP_ALL, subject_xattr_gone, 1),
	ROW("fsgetpath, written", FSGETPATH, HANDLE, 0, FILE, NULL, KEEP_ALL, subject_written, 1),
	ROW("uipc_connect, mode", UIPC_CONNECT, CONNECT, 0, SOCKET, NULL, KEEP_ALL, subject_mode, 1),
	ROW("uipc_connect, bound anew", UIPC_CONNECT, CONNECT, 0, SOCKET, NULL, KEEP_ALL, subject_bound_anew, 1),
	ROW("uipc_connect denied, renamed", UIPC_CONNECT, CONNECT, 0, SOCKET, NULL, 0, subject_renamed, 1),
	ROW("get_task, program's mode", GET_TASK, OPEN, O_RDWR, PROCESS, "mem", KEEP_ALL, subject_mode, 1),
	ROW("get_task_read, program's owner", GET_TASK_READ, OPEN, O_RDONLY, PROCESS, "mem", KEEP_ALL, subject_owner, 1),
	ROW("get_task, another program", GET_TASK, OPEN, O_RDWR, PROCESS, "mem", 0, subject_executes, 1),
	ROW("proc_check, program renamed", PROC_CHECK, OPEN, O_RDONLY, PROCESS, "maps", KEEP_ALL, subject_renamed, 1),
	ROW("proc_check, another program", PROC_CHECK, OPEN, O_RDONLY, PROCESS, "maps", KEEP_ALL, subject_executes, 1),
#undef ROW
};

static unsigned int acts(const struct other *row)
{
	CHECK_EQUAL(actor_do(&actor, row->act, row->number, made.path), row->allowed ? 0 : EPERM);
	return keeper_asked(&keeper);
}

/* It stays subscribed to: taking off what sees changes, and putting it back, takes longer than all else here. */
static const es_event_type_t always = ES_AUTH(CHROOT);

static void try_other(const struct other *row)
{
	unsigned int first, second, after, then;

	subject_make(&made, row->subject, row->below);
	keeper.allowed = row->allowed;
	test_subscribe(keeper.client, row->type, -1);
	(void)keeper_asked(&keeper);
	first = acts(row);
	second = acts(row);
	row->change();
	after = acts(row);
	then = acts(row);
	if (!CHECK(first == 1 && second == 0 && after == row->asked && then == 0))
		printf("%s: asked %u, %u, then %u, %u\n", row->name, first, second, after, then);
	REQUIRE(row->type == always || es_unsubscribe(keeper.client->client, &row->type, 1) == ES_RETURN_SUCCESS);
	subject_end(&made);
}

/* An allowed change ends the kept answers about its file, its own too; a denied one ends none. */
static void by_its_own_change(void)
{
	static const struct {
		es_event_type_t type;
		enum act act;
		uint32_t number;
	} changes[] = {
		{ ES_AUTH(SETMODE), ACT_CHMOD, 0640 },
		{ ES_AUTH(SETOWNER), ACT_CHOWN, 12 },
		{ ES_AUTH(UTIMES), ACT_TIMES, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		test_subscribe(keeper.client, ES_AUTH(OPEN), changes[i].type, -1);
		subject_make(&made, SUBJECT_FILE, NULL);
		snprintf(file, sizeof(file), "%s", made.file);
		keeper.allowed = KEEP_ALL;
		(void)keeper_asked(&keeper);
		CHECK_EQUAL(opens(KEEP_ALL), 1);
		keeper.allowed = 0;
		keeper.cache = false;
		CHECK_EQUAL(actor_do(&actor, changes[i].act, changes[i].number, file), EPERM);
		CHECK_EQUAL(keeper_asked(&keeper), 1);
		keeper.allowed = KEEP_ALL;
		keeper.cache = true;
		CHECK_EQUAL(opens(KEEP_ALL), 0);
		CHECK_EQUAL(actor_do(&actor, changes[i].act, changes[i].number, file), 0);
		CHECK_EQUAL(keeper_asked(&keeper), 1);
		CHECK_EQUAL(opens(KEEP_ALL), 1);
		CHECK_EQUAL(opens(KEEP_ALL), 0);
		REQUIRE(es_unsubscribe(keeper.client->client, &changes[i].type, 1) == ES_RETURN_SUCCESS);
	}
}

int main(void)
{
	static const es_event_type_t opened = ES_AUTH(OPEN);

	test_begin(120);
	REQUIRE(mkdir(test_at("mounted"), 0755) == 0);
	snprintf(program, sizeof(program), "%s", test_at("actor"));
	keeper_daemon();
	keeper_start(&keeper, KEEP_ALL);
	cache_require(&keeper);
	actor = actor_start("actor");
	test_subscribe(keeper.client, ES_AUTH(OPEN), -1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		try(&rows[i], KEEP_ALL);
		try(&rows[i], 0);
	}
	writer_there();
	changed_meanwhile();
	directory();
	test_subscribe(keeper.client, always, -1);
	REQUIRE(es_unsubscribe(keeper.client->client, &opened, 1) == ES_RETURN_SUCCESS);
	test_copy(test_built("tests/harness/actor"), test_at("becomes"), 0755);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		try_other(&others[i]);
	by_its_own_change();
	CHECK(cache_number("written") > 0 && cache_number("attributes") > 0 && cache_number("xattrs") > 0);
	CHECK(cache_number("names") > 0 && cache_number("ioctls") > 0);
	CHECK(cache_number("busy") > 0 && cache_number("changed") > 0);
	actor_stop(&actor);
	return test_end();
}
