/* SPDX-License-Identifier: MIT */

/*
 * What a message names is the object that the kernel acted on, however the program named it: on each file system here, by
 * each way to a file, what each event says of path and stat is what /proc and stat(2) say at the time.
 */

#include "es-test.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

/* How a program gets to "f", a file in the folder "dir" of the file system. */
enum way {
	ABSOLUTE,
	RELATIVE,
	DIRFD,
	DOTS,
	PARENT_LINK,
	PARENT_LONG_LINK,		/* too long for the inode */
	PROC_FD,			/* /proc/self/fd/N, of the folder */
	PROC_CWD,
	BIND,				/* where the folder is mounted once more */
	CHROOT,
	LINK,				/* the last component is one, here and below */
	LONG_LINK,
	PROC_FILE,			/* /proc/self/fd/N, of the file */
	WAYS,
};

static const char *const way_names[] = {
	"its path", "a relative path", "a descriptor", "dots", "a link in a parent", "a long link in a parent",
	"/proc/self/fd/N/", "/proc/self/cwd/", "a bind mount", "a path in a chroot", "a link", "a long link",
	"/proc/self/fd/N",
};

enum {
	NOFOLLOW = 1 << 0,		/* a link in the last component is itself what is meant */
	NO_AT = 1 << 1,			/* there is no such call with a descriptor */
	BEFORE = 1 << 2,		/* stat is as before the call */
	FRESH = 1 << 3,			/* it isn't there before the call */
	NO_STAT = 1 << 4,
	FOLDER = 1 << 5,		/* it is one */
	SYMLINK = 1 << 6,
	SOCKET = 1 << 7,
	NO_CHROOT = 1 << 8,
	ATTRIBUTE = 1 << 9,		/* it has one */
};

struct row {
	const char *name;
	int type;
	int flags;
	int (*act)(int dir, const char *path);	/* 0, or errno */
};

static const char *root;			/* of the file system at hand */

static int result(long value)
{
	return value < 0 ? errno : 0;
}

static int opened(int fd)
{
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* A path beside another one, which ends with a digit or a letter. */
static const char *beside(const char *path, const char *suffix)
{
	static char other[8192];

	snprintf(other, sizeof(other), "%s%s", path, suffix);
	return other;
}

static int act_unlink(int dir, const char *path) { return result(unlinkat(dir, path, 0)); }
static int act_rmdir(int dir, const char *path) { return result(unlinkat(dir, path, AT_REMOVEDIR)); }
static int act_rename(int dir, const char *path) { return result(renameat(dir, path, dir, beside(path, "-new"))); }
static int act_link(int dir, const char *path) { return result(linkat(dir, path, dir, beside(path, "-new"), 0)); }
static int act_mkdir(int dir, const char *path) { return result(mkdirat(dir, path, 0750)); }
static int act_mknod(int dir, const char *path) { return result(mknodat(dir, path, S_IFIFO | 0640, 0)); }
static int act_symlink(int dir, const char *path) { return result(symlinkat("nowhere", dir, path)); }
static int act_creat(int dir, const char *path) { return opened(openat(dir, path, O_CREAT | O_EXCL | O_WRONLY, 0640)); }
static int act_open(int dir, const char *path) { return opened(openat(dir, path, O_RDONLY)); }
static int act_access(int dir, const char *path) { return result(faccessat(dir, path, R_OK, 0)); }
static int act_chmod(int dir, const char *path) { return result(fchmodat(dir, path, 0604, 0)); }
static int act_chown(int dir, const char *path) { return result(fchownat(dir, path, 1001, 1002, 0)); }
static int act_truncate(int dir, const char *path) { (void)dir; return result(truncate(path, 3)); }
static int act_chdir(int dir, const char *path) { (void)dir; return result(chdir(path)); }
static int act_chroot(int dir, const char *path) { (void)dir; return result(chroot(path)); }
static int act_listxattr(int dir, const char *path) { (void)dir; return result(listxattr(path, NULL, 0)); }
static int act_removexattr(int dir, const char *path) { (void)dir; return result(removexattr(path, "trusted.es")); }

static int act_replace(int dir, const char *path)
{
	char from[8192];

	snprintf(from, sizeof(from), "%s", beside(path, "-from"));
	return result(renameat(dir, from, dir, path));
}

static int act_stat(int dir, const char *path)
{
	struct stat seen;

	return result(fstatat(dir, path, &seen, 0));
}

static int act_lstat(int dir, const char *path)
{
	struct stat seen;

	return result(fstatat(dir, path, &seen, AT_SYMLINK_NOFOLLOW));
}

static int act_utimes(int dir, const char *path)
{
	struct timespec times[2] = {{1000000000, 5}, {1100000000, 7}};

	return result(utimensat(dir, path, times, 0));
}

static int act_readlink(int dir, const char *path)
{
	char text[256];

	return result(readlinkat(dir, path, text, sizeof(text)));
}

static int act_readdir(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY);
	char entries[4096];

	return fd < 0 ? errno : result(syscall(SYS_getdents64, fd, entries, sizeof(entries))) ?: opened(fd);
}

static int act_setxattr(int dir, const char *path)
{
	(void)dir;
	return result(setxattr(path, "trusted.es", "v", 1, 0));
}

static int act_getxattr(int dir, const char *path)
{
	char value[8];

	(void)dir;
	return result(getxattr(path, "trusted.es", value, sizeof(value)));
}

static int connect_socket(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	strcpy(address.sun_path, path);
	return result(connect(fd, (struct sockaddr *)&address, sizeof(address))) ?: opened(fd);
}

static int act_connect(int dir, const char *path)
{
	(void)dir;
	return connect_socket(path, SOCK_STREAM);
}

static const struct row rows[] = {
	{"unlink", ES_NOTIFY(UNLINK), NOFOLLOW | BEFORE, act_unlink},
	{"rmdir", ES_NOTIFY(UNLINK), NOFOLLOW | BEFORE | FOLDER, act_rmdir},
	{"rename", ES_NOTIFY(RENAME), NOFOLLOW | BEFORE, act_rename},
	{"rename over", ES_NOTIFY(RENAME), NOFOLLOW | BEFORE, act_replace},
	{"link", ES_NOTIFY(LINK), NOFOLLOW, act_link},
	{"mkdir", ES_NOTIFY(CREATE), NOFOLLOW | FRESH, act_mkdir},
	{"mknod", ES_NOTIFY(CREATE), NOFOLLOW | FRESH, act_mknod},
	{"symlink", ES_NOTIFY(CREATE), NOFOLLOW | FRESH, act_symlink},
	{"creat", ES_NOTIFY(CREATE), NOFOLLOW | FRESH, act_creat},
	{"open", ES_NOTIFY(OPEN), 0, act_open},
	{"close", ES_NOTIFY(CLOSE), 0, act_open},
	{"stat", ES_NOTIFY(STAT), 0, act_stat},
	{"lstat", ES_NOTIFY(STAT), NOFOLLOW | SYMLINK, act_lstat},
	{"access", ES_NOTIFY(ACCESS), 0, act_access},
	{"truncate", ES_NOTIFY(TRUNCATE), NO_AT, act_truncate},
	{"chmod", ES_NOTIFY(SETMODE), 0, act_chmod},
	{"chown", ES_NOTIFY(SETOWNER), 0, act_chown},
	{"utimes", ES_NOTIFY(UTIMES), 0, act_utimes},
	{"setxattr", ES_NOTIFY(SETEXTATTR), NO_AT, act_setxattr},
	{"getxattr", ES_NOTIFY(GETEXTATTR), NO_AT | ATTRIBUTE, act_getxattr},
	{"listxattr", ES_NOTIFY(LISTEXTATTR), NO_AT, act_listxattr},
	{"removexattr", ES_NOTIFY(DELETEEXTATTR), NO_AT | ATTRIBUTE, act_removexattr},
	{"readlink", ES_NOTIFY(READLINK), NOFOLLOW | SYMLINK, act_readlink},
	{"readdir", ES_NOTIFY(READDIR), FOLDER, act_readdir},
	{"chdir", ES_NOTIFY(CHDIR), NO_AT | FOLDER, act_chdir},
	{"chroot", ES_NOTIFY(CHROOT), NO_AT | FOLDER | NO_CHROOT, act_chroot},
	{"connect", ES_NOTIFY(UIPC_CONNECT), NO_AT | SOCKET | NO_STAT, act_connect},
};

static bool fits(const struct row *row, enum way way)
{
	if (way == DIRFD && row->flags & NO_AT)
		return false;
	if (way == CHROOT && row->flags & NO_CHROOT)
		return false;
	return way < LINK || !(row->flags & NOFOLLOW);
}

/* ---- what is there ---- */

static char name[WAYS][16];			/* of the file for each way */

static const char *in_dir(const char *file)
{
	return test_at("%s/dir/%s", strrchr(root, '/') + 1, file);
}

static int sockets[WAYS];

static void make_socket(const char *path, enum way way)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = sockets[way] = socket(AF_UNIX, SOCK_STREAM, 0);

	REQUIRE(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	REQUIRE(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 20) == 0);
}

static void make_object(const char *path, int flags, enum way way)
{
	if (flags & FOLDER)
		REQUIRE(mkdir(path, 0755) == 0);
	else if (flags & SYMLINK)
		REQUIRE(symlink("nowhere", path) == 0);
	else if (flags & SOCKET)
		make_socket(path, way);
	else
		test_write_file(path, "some content", 0644);
	if (flags & ATTRIBUTE)
		REQUIRE(setxattr(path, "trusted.es", "v", 1, 0) == 0);
}

static void make_link(const char *target, const char *path, bool is_long)
{
	char text[400] = "";

	for (int i = 0; is_long && i < 120; i++)
		strcat(text, "./");
	strcat(text, target);
	REQUIRE(symlink(text, path) == 0);
}

static void prepare(const struct row *row, unsigned int number)
{
	for (enum way way = 0; way < WAYS; way++) {
		snprintf(name[way], sizeof(name[way]), "f%u-%u", number, way);
		if (!fits(row, way))
			continue;
		if (!(row->flags & FRESH))
			make_object(in_dir(name[way]), row->flags, way);
		if (row->act == act_replace)
			make_object(in_dir(beside(name[way], "-from")), row->flags, way);
		if (way == LINK || way == LONG_LINK)
			make_link(name[way], in_dir(beside(name[way], "-link")), way == LONG_LINK);
	}
}

/* ---- the child ---- */

struct act {
	const struct row *row;
	int folder;				/* descriptor, O_PATH */
	int file[WAYS];
};

static int act_by(const struct act *act, enum way way)
{
	const char *file = name[way];
	int dir = AT_FDCWD;
	char path[4096];

	switch (way) {
	case RELATIVE:
		snprintf(path, sizeof(path), "%s", file);
		break;
	case DIRFD:
		dir = act->folder;
		snprintf(path, sizeof(path), "%s", file);
		break;
	case DOTS:
		snprintf(path, sizeof(path), "%s/dir/../dir/.//%s", root, file);
		break;
	case PARENT_LINK:
		snprintf(path, sizeof(path), "%s/short/%s", root, file);
		break;
	case PARENT_LONG_LINK:
		snprintf(path, sizeof(path), "%s/long/%s", root, file);
		break;
	case PROC_FD:
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", act->folder, file);
		break;
	case PROC_CWD:
		snprintf(path, sizeof(path), "/proc/self/cwd/%s", file);
		break;
	case BIND:
		snprintf(path, sizeof(path), "%s/bind/%s", root, file);
		break;
	case CHROOT:
		if (chroot(root) < 0)
			return errno;
		snprintf(path, sizeof(path), "/dir/%s", file);
		break;
	case LINK:
	case LONG_LINK:
		snprintf(path, sizeof(path), "%s/dir/%s-link", root, file);
		break;
	case PROC_FILE:
		snprintf(path, sizeof(path), "/proc/self/fd/%d", act->file[way]);
		break;
	default:
		snprintf(path, sizeof(path), "%s/dir/%s", root, file);
	}
	return act->row->act(dir, path);
}

/* Last comes what changes the child's root; and each chroot, and chdir, happens in a child of its own. */
static int act_all(void *context)
{
	const struct act *act = context;
	static const enum way order[] = {ABSOLUTE, RELATIVE, DIRFD, DOTS, PARENT_LINK, PARENT_LONG_LINK, PROC_FD, PROC_CWD,
					 BIND, LINK, LONG_LINK, PROC_FILE, CHROOT};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		int r;

		if (!fits(act->row, order[i]))
			continue;
		if (chdir(in_dir("")) < 0)
			return 1;
		r = act_by(act, order[i]);
		if (r) {
			fprintf(stderr, "%s by %s: %s\n", act->row->name, way_names[order[i]], strerror(r));
			return 1;
		}
		if (act->row->type == ES_NOTIFY(CHROOT) && (fchdir(act->folder) < 0 || chroot("../../../../../../..") < 0))
			return 1;
	}
	return 0;
}

/* ---- the messages ---- */

static const es_message_t *find_any(struct test_client *client, const struct row *row, pid_t pid, const char *file)
{
	const es_message_t *message;
	const es_file_t *seen;

	for (unsigned int skip = 0;; skip++) {
		message = FIND(client, .type = row->type, .pid = pid, .skip = skip);
		if (!message)
			return NULL;
		seen = test_file(message);
		if (seen && strstr(seen->path.data, file))
			return message;
	}
}

static int differs(const char *what, const char *member, long long seen, long long wanted)
{
	if (seen == wanted)
		return 0;
	fprintf(stderr, "%s: %s is %lld, not %lld\n", what, member, seen, wanted);
	return 1;
}

static bool is_on(const char *file_system)
{
	return !strcmp(strrchr(root, '/') + 1, file_system);
}

/*
 * NOTIFY_STAT has what stat(2) was told. Elsewhere it is what the inode says: btrfs has devices for subvolumes that it
 * doesn't know of, and some file systems count links of folders, blocks, sizes of folders, and the time of changes
 * elsewhere, or later.
 */
static void compare_stat(const struct row *row, const char *what, const struct stat *seen, const struct stat *wanted)
{
	bool exact = row->type == ES_NOTIFY(STAT), plain = exact || is_on("tmpfs") || is_on("ext4");
	bool folder_on_xfs = is_on("xfs") && S_ISDIR(wanted->st_mode);
	int wrong = 0;

#define COMPARE(member) wrong += differs(what, #member, (long long)seen->member, (long long)wanted->member)
	if (exact || !is_on("btrfs"))
		COMPARE(st_dev);
	COMPARE(st_ino);
	COMPARE(st_mode);
	COMPARE(st_uid);
	COMPARE(st_gid);
	if (exact || !folder_on_xfs)
		COMPARE(st_size);
	COMPARE(st_mtim.tv_sec);
	COMPARE(st_mtim.tv_nsec);
	if (plain) {
		COMPARE(st_nlink);
		if (exact || !is_on("ext4"))
			COMPARE(st_blocks);
		COMPARE(st_ctim.tv_sec);
		COMPARE(st_ctim.tv_nsec);
	}
#undef COMPARE
	CHECK(!wrong);
}

static const es_file_t *meant(const struct row *row, const es_message_t *message)
{
	const es_event_rename_t *rename = &message->event.rename;

	if (row->act != act_replace)
		return test_file(message);
	return rename->destination_type == ES_DESTINATION_TYPE_EXISTING_FILE ? rename->destination.existing_file : NULL;
}

static void compare(struct test_client *client, const struct row *row, enum way way, pid_t pid, const struct stat *wanted)
{
	char what[256], path[4096];
	const es_message_t *message;
	const es_file_t *file;

	snprintf(what, sizeof(what), "%s: %s by %s", root + strlen(test_mnt) + 1, row->name, way_names[way]);
	snprintf(path, sizeof(path), "%s/%s/%s", root, way == BIND && !(row->flags & SOCKET) ? "bind" : "dir",
		 name[way]);			/* a socket's path is the one it was bound to */
	message = FIND(client, .type = row->type, .pid = pid,
		       .path = row->act == act_replace ? beside(path, "-from") : path);
	file = message ? meant(row, message) : NULL;
	if (!file) {
		message = message ?: find_any(client, row, pid, name[way]);
		fprintf(stderr, "%s: %s instead of %s\n", what, message && test_file(message) ? test_file(message)->path.data :
			"no message", path);
		CHECK(!"a message with this path");
		return;
	}
	CHECK_STRING(file->path.data, path);
	CHECK_EQUAL(COUNT(client, .type = row->type, .pid = pid,
			  .path = row->act == act_replace ? beside(path, "-from") : path), 1);
	if (!(row->flags & NO_STAT))
		compare_stat(row, what, &file->stat, wanted);
}

static void stat_all(const struct row *row, struct stat all[WAYS])
{
	for (enum way way = 0; way < WAYS; way++)
		if (fits(row, way))
			REQUIRE(lstat(in_dir(name[way]), &all[way]) == 0);
}

static void run(struct test_client *client, const struct row *row, unsigned int number)
{
	struct act act = {.row = row, .folder = open(in_dir(""), O_PATH)};
	struct stat wanted[WAYS];
	pid_t pid;

	prepare(row, number);
	for (enum way way = 0; way < WAYS; way++)
		act.file[way] = fits(row, way) && way == PROC_FILE ? open(in_dir(name[way]), O_PATH) : -1;
	if (row->flags & BEFORE)
		stat_all(row, wanted);
	test_clear(client);
	pid = test_fork(act_all, &act);
	if (!CHECK(test_wait(pid) == 0))
		return;
	test_sync(client);
	if (!(row->flags & BEFORE))
		stat_all(row, wanted);
	for (enum way way = 0; way < WAYS; way++)
		if (fits(row, way))
			compare(client, row, way, pid, &wanted[way]);
	close(act.folder);
	for (enum way way = 0; way < WAYS; way++) {
		if (act.file[way] >= 0)
			close(act.file[way]);
		if (row->flags & SOCKET && fits(row, way))
			close(sockets[way]);
	}
}

/* ---- file systems ---- */

static bool shell(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool make_tmpfs(void)
{
	return mount("none", root, "tmpfs", 0, NULL) == 0;
}

/* One whose lower layer has the folders already: what is done there is copied up. */
static bool make_overlay(void)
{
	const char *layers = test_at("layers");
	char options[8192];

	REQUIRE(mkdir(layers, 0755) == 0 && mkdir(test_at("layers/lower"), 0755) == 0);
	REQUIRE(mkdir(test_at("layers/upper"), 0755) == 0 && mkdir(test_at("layers/work"), 0755) == 0);
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", layers, layers, layers);
	return mount("none", root, "overlay", 0, options) == 0;
}

static const struct file_system {
	const char *type;
	const char *make;		/* the command that makes one in a file; NULL: it needs none */
	bool (*mount)(void);
} file_systems[] = {
	{"tmpfs", NULL, make_tmpfs},
	{"overlay", NULL, make_overlay},
	{"ext4", "mkfs.ext4 -q -F", NULL},
	{"xfs", "mkfs.xfs -q -f", NULL},
	{"btrfs", "mkfs.btrfs -q -f", NULL},
};

static bool mount_image(const struct file_system *system)
{
	char command[8192];

	snprintf(command, sizeof(command), "truncate -s 320M %s/%s.image && PATH=$PATH:/sbin:/usr/sbin %s %s/%s.image "
		 ">/dev/null && mount -o loop %s/%s.image %s", test_dir, system->type, system->make, test_dir, system->type,
		 test_dir, system->type, root);
	return shell(command);
}

static bool begin(const struct file_system *system)
{
	root = test_at("%s", system->type);
	REQUIRE(mkdir(root, 0755) == 0);
	if (!(system->mount ? system->mount() : mount_image(system))) {
		printf("no %s here: left out\n", system->type);
		return false;
	}
	REQUIRE(chmod(root, 0755) == 0);
	REQUIRE(mkdir(beside(root, "/dir"), 0755) == 0 && mkdir(beside(root, "/bind"), 0755) == 0);
	REQUIRE(mount(in_dir(""), test_at("%s/bind", system->type), NULL, MS_BIND, NULL) == 0);
	make_link("dir", test_at("%s/short", system->type), false);
	make_link("dir", test_at("%s/long", system->type), true);
	return true;
}

int main(void)
{
	const char *only = getenv("ES_OBJECTS_ONLY");
	struct test_client *client;

	test_begin(240);
	test_no_scope = true;
	test_daemon(NULL);
	if (!test_has_objects())
		test_skip("messages from the kernel's objects: BPF programs at the kernel's functions");
	client = test_client(NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(file_systems); i++) {
		if (!begin(&file_systems[i]))
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(rows); j++) {
			es_event_type_t type = (es_event_type_t)rows[j].type;

			if (only && strcmp(only, rows[j].name))
				continue;
			REQUIRE(es_subscribe(client->client, &type, 1) == ES_RETURN_SUCCESS);
			run(client, &rows[j], j);
			es_unsubscribe_all(client->client);
		}
		test_clear(client);
		REQUIRE(umount(beside(root, "/bind")) == 0 && umount(root) == 0);
	}
	return test_end();
}
