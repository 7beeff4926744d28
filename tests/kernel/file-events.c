/* SPDX-License-Identifier: MIT */

/*
 * A child operates on files, and one message comes of it: type, path, values. A row of the table at the end is one
 * operation. Each runs in a child of its own, so that no other messages mix with its own.
 */

#include "es-test.h"

#include <dirent.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>

struct row {
	const char *name;
	int (*act)(void);			/* in the child, whose directory is test_mnt: 0, or errno */
	int type;
	const char *path;			/* of test_file(), below test_mnt; NULL: no file in the message */
	void (*check)(const es_message_t *message);
	enum {
		ONE,				/* message */
		NO,				/* such message may come */
		COLD,				/* one, and the path's text isn't in memory when the call is made */
	} expected;
};

static int result(long value)
{
	return value < 0 ? errno : 0;
}

static int done_with(int fd)
{
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static const char *below(const es_file_t *file)
{
	size_t length = strlen(test_mnt);

	return strncmp(file->path.data, test_mnt, length) ? file->path.data : file->path.data + length;
}

/* In a check: what follows makes no sense without it. */
#define NEED(condition) do { if (!CHECK(condition)) return; } while (0)

/* open */

static int open_read(void) { return done_with(open("file", O_RDONLY)); }
static int open_write(void) { return done_with(open("file", O_WRONLY)); }
static int open_both(void) { return done_with(open("file", O_RDWR | O_APPEND)); }
static int open_absolute(void) { return done_with(open(test_at("file"), O_RDONLY)); }
static int open_link(void) { return done_with(open("link", O_RDONLY)); }
static int open_dots(void) { return done_with(open("dir/../dir/./inner", O_RDONLY)); }
static int open_directory(void) { return done_with(open("dir", O_RDONLY | O_DIRECTORY)); }
static int open_bind(void) { return done_with(open("bind/inner", O_RDONLY)); }
static int open_missing(void) { return open("missing", O_RDONLY) < 0 && errno == ENOENT ? 0 : 1; }

static int open_dirfd(void)
{
	int dir = open("dir", O_PATH);

	return done_with(openat(dir, "inner", O_RDONLY));
}

static int open_openat2(void)
{
	struct { uint64_t flags, mode, resolve; } how = {O_RDWR, 0, 0};

	return done_with((int)syscall(SYS_openat2, AT_FDCWD, "file", &how, sizeof(how)));
}

static void fflag_is(const es_message_t *message, int flags)
{
	struct stat seen;

	CHECK_EQUAL(message->event.open.fflag & (FREAD | FWRITE), flags);
	CHECK_EQUAL(message->action.notify.result_type, ES_RESULT_TYPE_FLAGS);
	CHECK_EQUAL(message->action.notify.result.flags & (unsigned int)flags, flags);
	NEED(stat(message->event.open.file->path.data, &seen) == 0);
	CHECK_EQUAL(message->event.open.file->stat.st_ino, seen.st_ino);
	CHECK_EQUAL(message->event.open.file->stat.st_dev, seen.st_dev);
	CHECK_EQUAL(message->event.open.file->stat.st_mode, seen.st_mode);
	CHECK_EQUAL(message->event.open.file->stat.st_nlink, seen.st_nlink);
	CHECK_EQUAL(message->event.open.file->stat.st_size, seen.st_size);
}

static void reads(const es_message_t *message) { fflag_is(message, FREAD); }
static void writes(const es_message_t *message) { fflag_is(message, FWRITE); }
static void does_both(const es_message_t *message) { fflag_is(message, FREAD | FWRITE); }

/* close */

static int write_and_close(void)
{
	int fd = open("file", O_WRONLY);

	return write(fd, "text", 4) == 4 ? done_with(fd) : errno;
}

static int write_and_exit(void)
{
	int fd = open("file", O_WRONLY);

	return write(fd, "text", 4) == 4 ? 0 : errno;
}

static int close_copy(void)
{
	int fd = open("file", O_RDONLY);

	return done_with(dup(fd)) ?: done_with(fd);
}

static void unmodified(const es_message_t *message) { CHECK_EQUAL(message->event.close.modified, false); }
static void modified(const es_message_t *message) { CHECK_EQUAL(message->event.close.modified, true); }

/* create */

static int create_open(void) { return done_with(open("new", O_WRONLY | O_CREAT, 0640)); }
static int create_existing(void) { return done_with(open("file", O_WRONLY | O_CREAT, 0640)); }
static int create_directory(void) { return result(mkdir("newdir", 0750)); }
static int create_fifo(void) { return result(mknod("fifo", S_IFIFO | 0600, 0)); }
static int create_symlink(void) { return result(symlink("file", "newlink")); }

static void exists(const es_message_t *message)
{
	struct stat seen;

	CHECK_EQUAL(message->event.create.destination_type, ES_DESTINATION_TYPE_EXISTING_FILE);
	NEED(lstat(test_file(message)->path.data, &seen) == 0);
	CHECK_EQUAL(test_file(message)->stat.st_ino, seen.st_ino);
	CHECK_EQUAL(test_file(message)->stat.st_mode, seen.st_mode);
}

/* unlink, rename, link */

static int unlink_file(void) { return result(unlink("victim")); }
static int unlink_link(void) { return result(unlink("deadlink")); }
static int unlink_cold(void) { return result(unlink("victim2")); }
static int remove_directory(void) { return result(unlinkat(AT_FDCWD, "dir/empty", AT_REMOVEDIR)); }
static int rename_new(void) { return result(rename("old", "dir/fresh")); }
static int rename_cold(void) { return result(rename("old2", "dir/fresh")); }
static int rename_over(void) { return result(rename("dir/fresh", "dir/over")); }
static int rename_dir(void) { return result(renameat2(AT_FDCWD, "moved", AT_FDCWD, "moved2", RENAME_NOREPLACE)); }
static int rename_swap(void) { return result(renameat2(AT_FDCWD, "file", AT_FDCWD, "other", RENAME_EXCHANGE)); }
static int link_file(void) { return result(link("file", "dir/second")); }

static void parent_is_mnt(const es_message_t *message)
{
	CHECK_TOKEN(message->event.unlink.parent_dir->path, test_mnt);
	CHECK(message->event.unlink.target->stat.st_ino != 0);
}

/* Can't describe a file that is gone before the kernel program could read its name. */
static void parent_is_mnt_cold(const es_message_t *message)
{
	CHECK_TOKEN(message->event.unlink.parent_dir->path, test_mnt);
}

static void parent_is_dir(const es_message_t *message)
{
	CHECK_STRING(below(message->event.unlink.parent_dir), "/dir");
	CHECK(S_ISDIR(message->event.unlink.target->stat.st_mode));
}

static void to_new_path(const es_message_t *message)
{
	NEED(message->event.rename.destination_type == ES_DESTINATION_TYPE_NEW_PATH);
	CHECK_STRING(below(message->event.rename.destination.new_path.dir), "/dir");
	CHECK_TOKEN(message->event.rename.destination.new_path.filename, "fresh");
	CHECK(S_ISREG(message->event.rename.source->stat.st_mode));
}

static void to_moved2(const es_message_t *message)
{
	NEED(message->event.rename.destination_type == ES_DESTINATION_TYPE_NEW_PATH);
	CHECK_TOKEN(message->event.rename.destination.new_path.dir->path, test_mnt);
	CHECK_TOKEN(message->event.rename.destination.new_path.filename, "moved2");
	CHECK(S_ISDIR(message->event.rename.source->stat.st_mode));
}

static void over_existing(const es_message_t *message)
{
	NEED(message->event.rename.destination_type == ES_DESTINATION_TYPE_EXISTING_FILE);
	CHECK_STRING(below(message->event.rename.destination.existing_file), "/dir/over");
}

static void swapped(const es_message_t *message)
{
	CHECK_STRING(below(message->event.exchangedata.file1), "/file");
	CHECK_STRING(below(message->event.exchangedata.file2), "/other");
}

static void second_name(const es_message_t *message)
{
	CHECK_STRING(below(message->event.link.target_dir), "/dir");
	CHECK_TOKEN(message->event.link.target_filename, "second");
}

/* write, truncate */

static int write_plain(void)
{
	int fd = open("file", O_WRONLY);

	return write(fd, "x", 1) == 1 ? done_with(fd) : errno;
}

static int write_vector(void)
{
	struct iovec part = {"x", 1};
	int fd = open("file", O_WRONLY);

	return pwritev(fd, &part, 1, 0) == 1 ? done_with(fd) : errno;
}

static int truncate_path(void) { return result(truncate("file", 10)); }
static int truncate_open(void) { return done_with(open("file", O_WRONLY | O_TRUNC)); }

static int truncate_fd(void)
{
	int fd = open("file", O_WRONLY);

	return result(ftruncate(fd, 5)) ?: done_with(fd);
}

/* attributes */

static int change_mode(void) { return result(chmod("link", 0600)); }
static int change_owner(void) { return result(chown("file", 1001, 1002)); }
static int change_link_owner(void) { return result(lchown("link", 1003, -1u)); }

static int change_mode_fd(void)
{
	int fd = open("file", O_RDONLY);

	return result(fchmod(fd, 0644)) ?: done_with(fd);
}

static int change_times(void)
{
	struct timespec times[2] = {{1000000000, 5}, {1100000000, 7}};

	return result(utimensat(AT_FDCWD, "file", times, 0));
}

static int set_attribute(void) { return result(setxattr("file", "trusted.test", "v", 1, 0)); }
static int list_attributes(void) { return result(listxattr("file", NULL, 0)); }
static int remove_attribute(void) { return result(removexattr("file", "trusted.test")); }

static int get_attribute(void)
{
	char value[8];

	return result(getxattr("file", "trusted.test", value, sizeof(value)));
}

static int set_flags(void)
{
	int fd = open("file", O_RDONLY), flags = FS_NODUMP_FL;

	return result(ioctl(fd, FS_IOC_SETFLAGS, &flags)) ?: done_with(fd);
}

static void mode_0600(const es_message_t *message) { CHECK_EQUAL(message->event.setmode.mode & 07777, 0600); }
static void mode_0644(const es_message_t *message) { CHECK_EQUAL(message->event.setmode.mode & 07777, 0644); }
static void some_flags(const es_message_t *message) { CHECK(message->event.setflags.flags != 0); }
static void set_name(const es_message_t *message) { CHECK_TOKEN(message->event.setextattr.extattr, "trusted.test"); }
static void get_name(const es_message_t *message) { CHECK_TOKEN(message->event.getextattr.extattr, "trusted.test"); }

static void gone_name(const es_message_t *message)
{
	CHECK_TOKEN(message->event.deleteextattr.extattr, "trusted.test");
}

static void owner(const es_message_t *message)
{
	CHECK_EQUAL(message->event.setowner.uid, 1001);
	CHECK_EQUAL(message->event.setowner.gid, 1002);
}

static void link_owner(const es_message_t *message)
{
	CHECK_EQUAL(message->event.setowner.uid, 1003);
	CHECK_EQUAL(message->event.setowner.gid, (gid_t)-1);
	CHECK(S_ISLNK(message->event.setowner.target->stat.st_mode));
}

static void times(const es_message_t *message)
{
	CHECK_EQUAL(message->event.utimes.atime.tv_sec, 1000000000);
	CHECK_EQUAL(message->event.utimes.atime.tv_nsec, 5);
	CHECK_EQUAL(message->event.utimes.mtime.tv_sec, 1100000000);
	CHECK_EQUAL(message->event.utimes.mtime.tv_nsec, 7);
}

/* looking, going, descriptors */

static int change_directory(void) { return result(chdir("dir/..//dir")); }
static int change_root(void) { return result(chroot("dir")); }
static int look_access(void) { return result(access("link", R_OK | W_OK)); }

static int change_directory_fd(void)
{
	int fd = open("dir", O_RDONLY | O_DIRECTORY);

	return result(fchdir(fd));
}

static int look_stat(void)
{
	struct stat seen;

	return result(syscall(SYS_newfstatat, AT_FDCWD, "link", &seen, 0));
}

static int look_lstat(void)
{
	struct stat seen;

	return result(syscall(SYS_newfstatat, AT_FDCWD, "link", &seen, AT_SYMLINK_NOFOLLOW));
}

static int look_statx(void)
{
	struct statx seen;

	return result(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &seen));
}

static int look_link(void)
{
	char target[64];

	return result(readlink("link", target, sizeof(target)));
}

static int look_directory(void)
{
	char entries[4096];
	int fd = open("dir", O_RDONLY | O_DIRECTORY);

	return result(syscall(SYS_getdents64, fd, entries, sizeof(entries))) ?: done_with(fd);
}

static int copy_descriptor(void)
{
	int fd = open("file", O_RDONLY);

	return result(dup2(fd, 40)) ?: done_with(fd);
}

static int control_descriptor(void)
{
	int fd = open("file", O_RDONLY);

	return result(fcntl(fd, F_SETFL, O_APPEND)) ?: done_with(fd);
}

static int copy_range(void)
{
	int from = open("other", O_RDONLY), to = open("copy", O_WRONLY | O_CREAT, 0644);

	return result(copy_file_range(from, NULL, to, NULL, 100, 0)) ?: done_with(from) ?: done_with(to);
}

static void asked_mode(const es_message_t *message) { CHECK_EQUAL(message->event.access.mode, R_OK | W_OK); }
static void command(const es_message_t *message) { CHECK_EQUAL(message->event.fcntl.cmd, F_SETFL); }
static void is_link(const es_message_t *message) { CHECK(S_ISLNK(test_file(message)->stat.st_mode)); }
static void is_regular(const es_message_t *message) { CHECK(S_ISREG(test_file(message)->stat.st_mode)); }

static void copied(const es_message_t *message)
{
	const es_event_copyfile_t *copy = &message->event.copyfile;

	CHECK(copy->target_file == NULL || !strcmp(below(copy->target_file), "/copy"));
	CHECK_TOKEN(copy->target_dir->path, test_mnt);
	CHECK_TOKEN(copy->target_name, "copy");
}

/* sockets */

static int unix_socket(const char *name, bool listens)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, name);
	if (listens)
		return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4) < 0 ? -1 : fd;
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : fd;
}

static int socket_bind(void) { return done_with(unix_socket("dir/bound", true)); }
static int socket_connect(void) { return done_with(unix_socket("listener", false)); }

static void bound_name(const es_message_t *message) { CHECK_TOKEN(message->event.uipc_bind.filename, "bound"); }

static void stream(const es_message_t *message)
{
	CHECK_EQUAL(message->event.uipc_connect.domain, AF_UNIX);
	CHECK_EQUAL(message->event.uipc_connect.type, SOCK_STREAM);
}

/* mounts */

static int mount_tmpfs(void) { return result(mount("some source", "dir", "tmpfs", MS_NODEV, NULL)); }
static int remount_tmpfs(void) { return result(mount(NULL, "dir", NULL, MS_REMOUNT | MS_NOEXEC, NULL)); }
static int unmount_tmpfs(void) { return result(umount2("dir", 0)); }

static void check_statfs(const struct es_statfs *statfs)
{
	CHECK_STRING(statfs->f_mntonname, test_at("dir"));
	CHECK_STRING(statfs->f_fstypename, "tmpfs");
}

static void mounted(const es_message_t *message)
{
	check_statfs(message->event.mount.statfs);
	CHECK_STRING(message->event.mount.statfs->f_mntfromname, "some source");
}

static void remounted(const es_message_t *message) { check_statfs(message->event.remount.statfs); }
static void unmounted(const es_message_t *message) { check_statfs(message->event.unmount.statfs); }

/* The kernel program could not read the mount before it was gone. */
static void unmounted_cold(const es_message_t *message)
{
	CHECK_STRING(message->event.unmount.statfs->f_mntonname, test_at("dir"));
}

/* ids, which are no files, but told by the same means */

static int set_uid(void) { return result(setuid(1005)); }
static int set_gid(void) { return result(setgid(1006)); }
static int set_euid(void) { return result(seteuid(1007)); }
static int set_egid(void) { return result(setegid(1008)); }
static int set_reuid(void) { return result(setreuid(1009, 1010)); }
static int set_regid(void) { return result(setregid(1011, 1012)); }

static void uid(const es_message_t *message) { CHECK_EQUAL(message->event.setuid.uid, 1005); }
static void gid(const es_message_t *message) { CHECK_EQUAL(message->event.setgid.gid, 1006); }
static void euid(const es_message_t *message) { CHECK_EQUAL(message->event.seteuid.euid, 1007); }
static void egid(const es_message_t *message) { CHECK_EQUAL(message->event.setegid.egid, 1008); }

static void reuid(const es_message_t *message)
{
	CHECK_EQUAL(message->event.setreuid.ruid, 1009);
	CHECK_EQUAL(message->event.setreuid.euid, 1010);
}

static void regid(const es_message_t *message)
{
	CHECK_EQUAL(message->event.setregid.rgid, 1011);
	CHECK_EQUAL(message->event.setregid.egid, 1012);
}

static const struct row rows[] = {
	{"open to read", open_read, ES_NOTIFY(OPEN), "/file", reads, ONE},
	{"open to write", open_write, ES_NOTIFY(OPEN), "/file", writes, ONE},
	{"open for both", open_both, ES_NOTIFY(OPEN), "/file", does_both, ONE},
	{"openat2", open_openat2, ES_NOTIFY(OPEN), "/file", does_both, ONE},
	{"open by its whole path", open_absolute, ES_NOTIFY(OPEN), "/file", reads, ONE},
	{"open through a link", open_link, ES_NOTIFY(OPEN), "/file", reads, ONE},
	{"open through dots", open_dots, ES_NOTIFY(OPEN), "/dir/inner", reads, ONE},
	{"open below a descriptor", open_dirfd, ES_NOTIFY(OPEN), "/dir/inner", reads, ONE},
	{"open in a bind mount", open_bind, ES_NOTIFY(OPEN), "/bind/inner", reads, ONE},
	{"open a directory", open_directory, ES_NOTIFY(OPEN), "/dir", reads, ONE},
	{"open what is not there", open_missing, ES_NOTIFY(OPEN), "/missing", NULL, NO},
	{"close unmodified", open_read, ES_NOTIFY(CLOSE), "/file", unmodified, ONE},
	{"close modified", write_and_close, ES_NOTIFY(CLOSE), "/file", modified, ONE},
	{"close by exit", write_and_exit, ES_NOTIFY(CLOSE), "/file", modified, ONE},
	{"close of the last copy only", close_copy, ES_NOTIFY(CLOSE), "/file", unmodified, ONE},
	{"create by open", create_open, ES_NOTIFY(CREATE), "/new", exists, ONE},
	{"no create of what is there", create_existing, ES_NOTIFY(CREATE), "/file", NULL, NO},
	{"mkdir", create_directory, ES_NOTIFY(CREATE), "/newdir", exists, ONE},
	{"mknod", create_fifo, ES_NOTIFY(CREATE), "/fifo", exists, ONE},
	{"symlink", create_symlink, ES_NOTIFY(CREATE), "/newlink", exists, ONE},
	{"unlink", unlink_file, ES_NOTIFY(UNLINK), "/victim", parent_is_mnt, ONE},
	{"unlink a link", unlink_link, ES_NOTIFY(UNLINK), "/deadlink", parent_is_mnt, ONE},
	{"unlink, cold", unlink_cold, ES_NOTIFY(UNLINK), "/victim2", parent_is_mnt_cold, COLD},
	{"rmdir", remove_directory, ES_NOTIFY(UNLINK), "/dir/empty", parent_is_dir, ONE},
	{"rename", rename_new, ES_NOTIFY(RENAME), "/old", to_new_path, ONE},
	{"rename over a file", rename_over, ES_NOTIFY(RENAME), "/dir/fresh", over_existing, ONE},
	{"rename a directory", rename_dir, ES_NOTIFY(RENAME), "/moved", to_moved2, ONE},
	{"rename, cold", rename_cold, ES_NOTIFY(RENAME), "/old2", to_new_path, COLD},
	{"exchange", rename_swap, ES_NOTIFY(EXCHANGEDATA), "/file", swapped, ONE},
	{"link", link_file, ES_NOTIFY(LINK), "/file", second_name, ONE},
	{"write", write_plain, ES_NOTIFY(WRITE), "/file", is_regular, ONE},
	{"pwritev", write_vector, ES_NOTIFY(WRITE), "/file", is_regular, ONE},
	{"truncate", truncate_path, ES_NOTIFY(TRUNCATE), "/file", is_regular, ONE},
	{"ftruncate", truncate_fd, ES_NOTIFY(TRUNCATE), "/file", is_regular, ONE},
	{"O_TRUNC is no truncate", truncate_open, ES_NOTIFY(TRUNCATE), "/file", NULL, NO},
	{"chmod through a link", change_mode, ES_NOTIFY(SETMODE), "/file", mode_0600, ONE},
	{"fchmod", change_mode_fd, ES_NOTIFY(SETMODE), "/file", mode_0644, ONE},
	{"chown", change_owner, ES_NOTIFY(SETOWNER), "/file", owner, ONE},
	{"lchown", change_link_owner, ES_NOTIFY(SETOWNER), "/link", link_owner, ONE},
	{"utimensat", change_times, ES_NOTIFY(UTIMES), "/file", times, ONE},
	{"setxattr", set_attribute, ES_NOTIFY(SETEXTATTR), "/file", set_name, ONE},
	{"getxattr", get_attribute, ES_NOTIFY(GETEXTATTR), "/file", get_name, ONE},
	{"listxattr", list_attributes, ES_NOTIFY(LISTEXTATTR), "/file", is_regular, ONE},
	{"removexattr", remove_attribute, ES_NOTIFY(DELETEEXTATTR), "/file", gone_name, ONE},
	{"FS_IOC_SETFLAGS", set_flags, ES_NOTIFY(SETFLAGS), "/file", some_flags, ONE},
	{"copy_file_range", copy_range, ES_NOTIFY(COPYFILE), "/other", copied, ONE},
	{"chdir", change_directory, ES_NOTIFY(CHDIR), "/dir", NULL, ONE},
	{"fchdir", change_directory_fd, ES_NOTIFY(CHDIR), "/dir", NULL, ONE},
	{"chroot", change_root, ES_NOTIFY(CHROOT), "/dir", NULL, ONE},
	{"stat", look_stat, ES_NOTIFY(STAT), "/file", is_regular, ONE},
	{"lstat", look_lstat, ES_NOTIFY(STAT), "/link", is_link, ONE},
	{"statx", look_statx, ES_NOTIFY(STAT), "/file", is_regular, ONE},
	{"access", look_access, ES_NOTIFY(ACCESS), "/file", asked_mode, ONE},
	{"readlink", look_link, ES_NOTIFY(READLINK), "/link", is_link, ONE},
	{"readdir", look_directory, ES_NOTIFY(READDIR), "/dir", NULL, ONE},
	{"dup2", copy_descriptor, ES_NOTIFY(DUP), "/file", is_regular, ONE},
	{"fcntl", control_descriptor, ES_NOTIFY(FCNTL), "/file", command, ONE},
	{"bind", socket_bind, ES_NOTIFY(UIPC_BIND), "/dir", bound_name, ONE},
	{"connect", socket_connect, ES_NOTIFY(UIPC_CONNECT), "/listener", stream, ONE},
	{"mount", mount_tmpfs, ES_NOTIFY(MOUNT), NULL, mounted, ONE},
	{"remount", remount_tmpfs, ES_NOTIFY(REMOUNT), NULL, remounted, ONE},
	{"umount", unmount_tmpfs, ES_NOTIFY(UNMOUNT), NULL, unmounted, ONE},
	{"mount again", mount_tmpfs, ES_NOTIFY(MOUNT), NULL, mounted, ONE},
	{"umount, cold", unmount_tmpfs, ES_NOTIFY(UNMOUNT), NULL, unmounted_cold, COLD},
	{"setuid", set_uid, ES_NOTIFY(SETUID), NULL, uid, ONE},
	{"setgid", set_gid, ES_NOTIFY(SETGID), NULL, gid, ONE},
	{"seteuid", set_euid, ES_NOTIFY(SETEUID), NULL, euid, ONE},
	{"setegid", set_egid, ES_NOTIFY(SETEGID), NULL, egid, ONE},
	{"setreuid", set_reuid, ES_NOTIFY(SETREUID), NULL, reuid, ONE},
	{"setregid", set_regid, ES_NOTIFY(SETREGID), NULL, regid, ONE},
};

static void prepare(void)
{
	static const char *const files[] = {"file",  "victim", "victim2",   "old",
					   "old2", "other",  "dir/inner", "dir/over"};
	static const char *const folders[] = {"dir", "dir/empty", "moved", "bind"};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		REQUIRE(mkdir(test_at("%s", folders[i]), 0755) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		test_write_file(test_at("%s", files[i]), "content", 0644);
	REQUIRE(symlink("file", test_at("link")) == 0);
	REQUIRE(symlink("nowhere", test_at("deadlink")) == 0);
	REQUIRE(mount(test_at("dir"), test_at("bind"), NULL, MS_BIND, NULL) == 0);
}

/*
 * After fork() the program's text and constants are not mapped yet: the kernel reads a path from there without trouble,
 * a sensor that may not wait for the disk can't. Most programs have touched what they pass, and so do most rows.
 */
static void warm_up(void)
{
	extern char __executable_start, edata;
	uintptr_t start = (uintptr_t)&__executable_start & ~4095ul;

	madvise((void *)start, (uintptr_t)&edata - start, MADV_POPULATE_READ);
}

static int act(void *context)
{
	const struct row *row = context;

	if (row->expected != COLD)
		warm_up();
	if (chdir(test_mnt) < 0)
		return 200;
	return row->act();
}

static void run(struct test_client *client, const struct row *row)
{
	struct test_match match = {.type = row->type};
	const es_message_t *message;
	int status;

	test_clear(client);
	match.pid = test_fork(act, (void *)row);
	match.path = row->path ? test_at("%s", row->path + 1) : NULL;
	status = test_wait(match.pid);
	if (status != 0) {
		fprintf(stderr, "%s: the child failed: %s\n", row->name, strerror(WEXITSTATUS(status)));
		CHECK(status == 0);
		return;
	}
	test_sync(client);
	message = test_find(client, &match);
	if (test_count(client, &match) != (row->expected != NO)) {
		fprintf(stderr, "%s: %zu messages %s about %s; all that came:\n", row->name, test_count(client, &match),
			es_linux_event_name((es_event_type_t)row->type), match.path ?: "this");
		test_print(client);
		CHECK(!"one message");
	} else if (message && row->check) {
		printf("%s\n", row->name);
		row->check(message);
	}
}

static bool subscribe(struct test_client *client, const struct row *row)
{
	es_event_type_t type = (es_event_type_t)row->type;

	if (es_subscribe(client->client, &type, 1) == ES_RETURN_SUCCESS)
		return true;
	fprintf(stderr, "%s: es_subscribe refused %s\n", row->name, es_linux_event_name(type));
	return CHECK(!"subscribed");
}

int main(void)
{
	struct test_client *client;
	int listener;

	test_begin(60);
	prepare();
	listener = unix_socket(test_at("listener"), true);
	REQUIRE(listener >= 0);
	test_daemon("--scope-mount", test_at("bind"), NULL);
	client = test_client(NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (subscribe(client, &rows[i]))
			run(client, &rows[i]);
		es_unsubscribe_all(client->client);
	}
	test_clear(client);
	close(listener);
	REQUIRE(umount(test_at("bind")) == 0);
	return test_end();
}
