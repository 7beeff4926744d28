/* SPDX-License-Identifier: MIT */

#include "named-acts.h"
#include "es-ring.h"
#include "es-test.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

const char *beside(const char *path, const char *suffix)
{
	static char other[8192];

	snprintf(other, sizeof(other), "%s%s", path, suffix);
	return other;
}

static int opened(int fd)
{
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* ---- names ---- */

static int act_unlink(int dir, const char *path) { return result(unlinkat(dir, path, 0)); }
static int act_rmdir(int dir, const char *path) { return result(unlinkat(dir, path, AT_REMOVEDIR)); }
static int act_rename(int dir, const char *path) { return result(renameat(dir, path, dir, beside(path, "-new"))); }
static int act_link(int dir, const char *path) { return result(linkat(dir, path, dir, beside(path, "-new"), 0)); }
static int act_mkdir(int dir, const char *path) { return result(mkdirat(dir, path, 0750)); }
static int act_mknod(int dir, const char *path) { return result(mknodat(dir, path, S_IFIFO | 0640, 0)); }
static int act_mknod_file(int dir, const char *path) { return result(mknodat(dir, path, S_IFREG | 0640, 0)); }
static int act_symlink(int dir, const char *path) { return result(symlinkat("nowhere", dir, path)); }
static int act_creat(int dir, const char *path) { return opened(openat(dir, path, O_CREAT | O_EXCL | O_WRONLY, 0640)); }

static int act_replace(int dir, const char *path)
{
	char from[8192];

	snprintf(from, sizeof(from), "%s", beside(path, "-from"));
	return result(renameat(dir, from, dir, path));
}

static int act_exchange(int dir, const char *path)
{
	return result(renameat2(dir, path, dir, beside(path, "-from"), RENAME_EXCHANGE));
}

/* ---- content ---- */

static int act_open(int dir, const char *path) { return opened(openat(dir, path, O_RDONLY)); }
static int act_truncate(int dir, const char *path) { (void)dir; return result(truncate(path, 3)); }

static int act_write(int dir, const char *path)
{
	int fd = openat(dir, path, O_WRONLY);

	return fd < 0 ? errno : result(write(fd, "x", 1)) ?: opened(fd);
}

static int act_ftruncate(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDWR);

	return fd < 0 ? errno : result(ftruncate(fd, 3)) ?: opened(fd);
}

static int act_mmap(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY);

	if (fd < 0 || mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		return errno;
	return opened(fd);
}

static int act_exec(int dir, const char *path)
{
	char *argv[] = {(char *)"program", (char *)"0", NULL};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execveat(dir, path, argv, environ, 0);
		_exit(errno);
	}
	return waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : errno;
}

static int copy(int dir, const char *path, bool clone)
{
	int from = openat(dir, path, O_RDONLY), to = openat(dir, beside(path, "-new"), O_WRONLY | O_CREAT, 0644);

	if (from < 0 || to < 0)
		return errno;
	return result(clone ? ioctl(to, FICLONE, from) : copy_file_range(from, NULL, to, NULL, 100, 0)) ?: opened(from) ?:
	       opened(to);
}

static int act_copy(int dir, const char *path) { return copy(dir, path, false); }
static int act_clone(int dir, const char *path) { return copy(dir, path, true); }

static int act_dup(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY);

	return fd < 0 ? errno : opened(dup(fd)) ?: opened(fd);
}

static int act_fcntl(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY);

	return fd < 0 ? errno : result(fcntl(fd, F_SETFL, O_APPEND)) ?: opened(fd);
}

/* ---- attributes ---- */

static int act_access(int dir, const char *path) { return result(faccessat(dir, path, R_OK, 0)); }
static int act_chmod(int dir, const char *path) { return result(fchmodat(dir, path, 0604, 0)); }
static int act_chown(int dir, const char *path) { return result(fchownat(dir, path, 1001, 1002, 0)); }
static int act_listxattr(int dir, const char *path) { (void)dir; return result(listxattr(path, NULL, 0)); }
static int act_removexattr(int dir, const char *path) { (void)dir; return result(removexattr(path, "trusted.es")); }

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

static const struct timespec times[2] = {{1000000000, 5}, {1100000000, 7}};

static int act_utimes(int dir, const char *path)
{
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

/* A list with more than the mode, or the file system would not store it: version 2; owner, user 1, group, mask, other. */
static const uint32_t acl[] = {2, 0x60001, -1u, 0x40002, 1, 0x40004, -1u, 0x40010, -1u, 0x40020, -1u};

static int act_setacl(int dir, const char *path)
{
	(void)dir;
	return result(setxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0));
}

static int set_flags(int fd)
{
	int flags = 0;

	(void)ioctl(fd, FS_IOC_GETFLAGS, &flags);	/* ext4 has some that can't be cleared */
	flags |= FS_NODUMP_FL;
	return result(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

/* ---- the same, by a descriptor ---- */

static int by_descriptor(int dir, const char *path, int (*act)(int fd))
{
	int fd = openat(dir, path, O_RDONLY);

	return fd < 0 ? errno : act(fd) ?: opened(fd);
}

static int fd_stat(int fd) { struct stat seen; return result(fstat(fd, &seen)); }
static int fd_access(int fd) { return result(syscall(439, fd, "", R_OK, AT_EMPTY_PATH)); }
static int fd_chmod(int fd) { return result(fchmod(fd, 0604)); }
static int fd_chown(int fd) { return result(fchown(fd, 1001, 1002)); }
static int fd_utimes(int fd) { return result(futimens(fd, times)); }
static int fd_setxattr(int fd) { return result(fsetxattr(fd, "trusted.es", "v", 1, 0)); }
static int fd_getxattr(int fd) { char value[8]; return result(fgetxattr(fd, "trusted.es", value, sizeof(value))); }
static int fd_listxattr(int fd) { return result(flistxattr(fd, NULL, 0)); }
static int fd_removexattr(int fd) { return result(fremovexattr(fd, "trusted.es")); }
static int fd_setacl(int fd) { return result(fsetxattr(fd, "system.posix_acl_access", acl, sizeof(acl), 0)); }

static int act_fstat(int dir, const char *path) { return by_descriptor(dir, path, fd_stat); }
static int act_faccess(int dir, const char *path) { return by_descriptor(dir, path, fd_access); }
static int act_fchmod(int dir, const char *path) { return by_descriptor(dir, path, fd_chmod); }
static int act_fchown(int dir, const char *path) { return by_descriptor(dir, path, fd_chown); }
static int act_futimens(int dir, const char *path) { return by_descriptor(dir, path, fd_utimes); }
static int act_fsetxattr(int dir, const char *path) { return by_descriptor(dir, path, fd_setxattr); }
static int act_fgetxattr(int dir, const char *path) { return by_descriptor(dir, path, fd_getxattr); }
static int act_flistxattr(int dir, const char *path) { return by_descriptor(dir, path, fd_listxattr); }
static int act_fremovexattr(int dir, const char *path) { return by_descriptor(dir, path, fd_removexattr); }
static int act_fsetacl(int dir, const char *path) { return by_descriptor(dir, path, fd_setacl); }
static int act_setflags(int dir, const char *path) { return by_descriptor(dir, path, set_flags); }

/* readlinkat(fd, "") with a descriptor of the link itself. */
static int act_freadlink(int dir, const char *path)
{
	int fd = openat(dir, path, O_PATH | O_NOFOLLOW);
	char text[256];

	return fd < 0 ? errno : result(readlinkat(fd, "", text, sizeof(text))) ?: opened(fd);
}

static int act_flink(int dir, const char *path)
{
	int fd = openat(dir, path, O_PATH | O_NOFOLLOW);

	return fd < 0 ? errno : result(linkat(fd, "", dir, beside(path, "-new"), AT_EMPTY_PATH)) ?: opened(fd);
}

/* ---- where a process is, what it is connected with, what is mounted ---- */

static int act_chdir(int dir, const char *path) { (void)dir; return result(chdir(path)); }
static int act_chroot(int dir, const char *path) { (void)dir; return result(chroot(path)); }

static int act_fchdir(int dir, const char *path)
{
	int fd = openat(dir, path, O_PATH);

	return fd < 0 ? errno : result(fchdir(fd)) ?: opened(fd);
}

static int use_socket(const char *path, int (*use)(int fd, const struct sockaddr *address, socklen_t length))
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	strcpy(address.sun_path, path);
	return result(use(fd, (struct sockaddr *)&address, sizeof(address))) ?: opened(fd);
}

static int act_connect(int dir, const char *path) { (void)dir; return use_socket(path, connect); }
static int act_bind(int dir, const char *path) { (void)dir; return use_socket(path, bind); }
static int act_mount(int dir, const char *path) { (void)dir; return result(mount("es", path, "tmpfs", 0, NULL)); }
static int act_umount(int dir, const char *path) { (void)dir; return result(umount(path)); }

static int act_remount(int dir, const char *path)
{
	(void)dir;
	return result(mount(NULL, path, NULL, MS_REMOUNT | MS_NOEXEC, NULL));
}

/* ---- by io_uring ---- */

static struct io_uring_sqe entry_at(int opcode, int dir, const char *path)
{
	struct io_uring_sqe entry = ring_entry(opcode, path);

	entry.fd = dir;
	return entry;
}

static int ring_unlink(int dir, const char *path) { return ring_do(0, entry_at(IORING_OP_UNLINKAT, dir, path)); }

static int ring_open_close(int dir, const char *path)
{
	struct io_uring_sqe entry = entry_at(IORING_OP_OPENAT, dir, path);

	entry.flags = IOSQE_ASYNC;
	return ring_do(0, entry);
}

static int ring_two_paths(int opcode, int dir, const char *path, const char *other)
{
	struct io_uring_sqe entry = entry_at(opcode, dir, path);

	entry.off = (uint64_t)other;
	entry.len = (uint32_t)dir;
	return ring_do(0, entry);
}

static int ring_rename(int dir, const char *path)
{
	return ring_two_paths(IORING_OP_RENAMEAT, dir, path, beside(path, "-new"));
}

static int ring_link(int dir, const char *path)
{
	return ring_two_paths(IORING_OP_LINKAT, dir, path, beside(path, "-new"));
}

static int ring_mkdir(int dir, const char *path)
{
	struct io_uring_sqe entry = entry_at(IORING_OP_MKDIRAT, dir, path);

	entry.len = 0750;
	return ring_do(0, entry);
}

static int ring_statx(int dir, const char *path)
{
	static struct statx seen;
	struct io_uring_sqe entry = entry_at(IORING_OP_STATX, dir, path);

	entry.len = STATX_BASIC_STATS;
	entry.off = (uint64_t)&seen;
	return ring_do(0, entry);
}

static int ring_xattr(int opcode, const char *path)
{
	static char value[] = "v";
	struct io_uring_sqe entry = ring_entry(opcode, "trusted.es");

	entry.addr2 = (uint64_t)value;
	entry.addr3 = (uint64_t)path;
	entry.len = 1;
	return ring_do(0, entry);
}

static int ring_setxattr(int dir, const char *path) { (void)dir; return ring_xattr(IORING_OP_SETXATTR, path); }
static int ring_getxattr(int dir, const char *path) { (void)dir; return ring_xattr(IORING_OP_GETXATTR, path); }

const struct named_act named_acts[] = {
	{"unlink", ES_NOTIFY(UNLINK), NOFOLLOW | BEFORE, act_unlink},
	{"rmdir", ES_NOTIFY(UNLINK), NOFOLLOW | BEFORE | FOLDER, act_rmdir},
	{"rename", ES_NOTIFY(RENAME), NOFOLLOW | BEFORE, act_rename},
	{"rename over", ES_NOTIFY(RENAME), NOFOLLOW | BEFORE | FROM, act_replace},
	{"exchange", ES_NOTIFY(EXCHANGEDATA), NOFOLLOW | BEFORE | FROM, act_exchange},
	{"link", ES_NOTIFY(LINK), NOFOLLOW, act_link},
	{"linkat of a descriptor", ES_NOTIFY(LINK), NOFOLLOW | DESCRIPTOR, act_flink},
	{"mkdir", ES_NOTIFY(CREATE), NOFOLLOW | FRESH, act_mkdir},
	{"mknod", ES_NOTIFY(CREATE), NOFOLLOW | FRESH, act_mknod},
	{"mknod of a file", ES_NOTIFY(CREATE), NOFOLLOW | FRESH, act_mknod_file},
	{"symlink", ES_NOTIFY(CREATE), NOFOLLOW | FRESH, act_symlink},
	{"creat", ES_NOTIFY(CREATE), NOFOLLOW | FRESH, act_creat},
	{"open", ES_NOTIFY(OPEN), 0, act_open},
	{"close", ES_NOTIFY(CLOSE), 0, act_open},
	{"write", ES_NOTIFY(WRITE), BEFORE, act_write},
	{"mmap", ES_NOTIFY(MMAP), DESCRIPTOR, act_mmap},
	{"exec", ES_NOTIFY(EXEC), PROGRAM, act_exec},
	{"copy_file_range", ES_NOTIFY(COPYFILE), NEW | DESCRIPTOR, act_copy},
	{"FICLONE", ES_NOTIFY(CLONE), NEW | REFLINK | DESCRIPTOR, act_clone},
	{"dup", ES_NOTIFY(DUP), DESCRIPTOR, act_dup},
	{"fcntl", ES_NOTIFY(FCNTL), DESCRIPTOR, act_fcntl},
	{"truncate", ES_NOTIFY(TRUNCATE), NO_AT, act_truncate},
	{"ftruncate", ES_NOTIFY(TRUNCATE), DESCRIPTOR, act_ftruncate},
	{"stat", ES_NOTIFY(STAT), 0, act_stat},
	{"lstat", ES_NOTIFY(STAT), NOFOLLOW | SYMLINK, act_lstat},
	{"fstat", ES_NOTIFY(STAT), DESCRIPTOR, act_fstat},
	{"access", ES_NOTIFY(ACCESS), 0, act_access},
	{"faccessat2 of a descriptor", ES_NOTIFY(ACCESS), DESCRIPTOR, act_faccess},
	{"chmod", ES_NOTIFY(SETMODE), 0, act_chmod},
	{"fchmod", ES_NOTIFY(SETMODE), DESCRIPTOR, act_fchmod},
	{"chown", ES_NOTIFY(SETOWNER), 0, act_chown},
	{"fchown", ES_NOTIFY(SETOWNER), DESCRIPTOR, act_fchown},
	{"utimes", ES_NOTIFY(UTIMES), 0, act_utimes},
	{"futimens", ES_NOTIFY(UTIMES), DESCRIPTOR, act_futimens},
	{"setflags", ES_NOTIFY(SETFLAGS), DESCRIPTOR, act_setflags},
	{"setacl", ES_NOTIFY(SETACL), NO_AT, act_setacl},
	{"fsetacl", ES_NOTIFY(SETACL), DESCRIPTOR, act_fsetacl},
	{"setxattr", ES_NOTIFY(SETEXTATTR), NO_AT, act_setxattr},
	{"fsetxattr", ES_NOTIFY(SETEXTATTR), DESCRIPTOR, act_fsetxattr},
	{"getxattr", ES_NOTIFY(GETEXTATTR), NO_AT | ATTRIBUTE, act_getxattr},
	{"fgetxattr", ES_NOTIFY(GETEXTATTR), ATTRIBUTE | DESCRIPTOR, act_fgetxattr},
	{"listxattr", ES_NOTIFY(LISTEXTATTR), NO_AT, act_listxattr},
	{"flistxattr", ES_NOTIFY(LISTEXTATTR), DESCRIPTOR, act_flistxattr},
	{"removexattr", ES_NOTIFY(DELETEEXTATTR), NO_AT | ATTRIBUTE, act_removexattr},
	{"fremovexattr", ES_NOTIFY(DELETEEXTATTR), ATTRIBUTE | DESCRIPTOR, act_fremovexattr},
	{"readlink", ES_NOTIFY(READLINK), NOFOLLOW | SYMLINK, act_readlink},
	{"readlink of a descriptor", ES_NOTIFY(READLINK), NOFOLLOW | SYMLINK | DESCRIPTOR, act_freadlink},
	{"readdir", ES_NOTIFY(READDIR), FOLDER, act_readdir},
	{"chdir", ES_NOTIFY(CHDIR), NO_AT | FOLDER, act_chdir},
	{"fchdir", ES_NOTIFY(CHDIR), FOLDER | DESCRIPTOR, act_fchdir},
	{"chroot", ES_NOTIFY(CHROOT), NO_AT | FOLDER | NO_CHROOT, act_chroot},
	{"bind", ES_NOTIFY(UIPC_BIND), NOFOLLOW | NO_AT | FRESH | NO_STAT | BOUND, act_bind},
	{"connect", ES_NOTIFY(UIPC_CONNECT), NO_AT | SOCKET | NO_STAT, act_connect},
	{"mount", ES_NOTIFY(MOUNT), NO_AT | FOLDER | PLACE | NO_STAT, act_mount},
	{"remount", ES_NOTIFY(REMOUNT), NO_AT | FOLDER | MOUNTED | PLACE | NO_STAT, act_remount},
	{"umount", ES_NOTIFY(UNMOUNT), NO_AT | FOLDER | MOUNTED | PLACE | NO_STAT, act_umount},
	{"io_uring unlink", ES_NOTIFY(UNLINK), NOFOLLOW | BEFORE | RING, ring_unlink},
	{"io_uring rename", ES_NOTIFY(RENAME), NOFOLLOW | BEFORE | RING, ring_rename},
	{"io_uring link", ES_NOTIFY(LINK), NOFOLLOW | RING, ring_link},
	{"io_uring mkdir", ES_NOTIFY(CREATE), NOFOLLOW | FRESH | RING, ring_mkdir},
	{"io_uring open", ES_NOTIFY(OPEN), RING, ring_open_close},
	{"io_uring statx", ES_NOTIFY(STAT), RING, ring_statx},
	{"io_uring setxattr", ES_NOTIFY(SETEXTATTR), NO_AT | RING, ring_setxattr},
	{"io_uring getxattr", ES_NOTIFY(GETEXTATTR), NO_AT | ATTRIBUTE | RING, ring_getxattr},
};

const size_t named_acts_count = ARRAY_SIZE(named_acts);
