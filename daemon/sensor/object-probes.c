/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/object-probes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "util/macro.h"

/* A new file; 0 or -errno. */
static int make(int dir, const char *name)
{
	int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int result(long value)
{
	return value < 0 ? -errno : 0;
}

/* ---- the operations, in an empty directory; each returns how often its type happens ---- */

static int probe_unlink(int dir)
{
	return make(dir, "a") ?: result(mkdirat(dir, "b", 0700)) ?: result(unlinkat(dir, "a", 0)) ?:
	       result(unlinkat(dir, "b", AT_REMOVEDIR));
}

static int probe_rename(int dir)
{
	return make(dir, "a") ?: make(dir, "b") ?: result(renameat(dir, "a", dir, "b")) ?:
	       result(renameat(dir, "b", dir, "c"));
}

static int probe_exchange(int dir)
{
	return make(dir, "a") ?: make(dir, "b") ?: result(renameat2(dir, "a", dir, "b", RENAME_EXCHANGE));
}

static int probe_link(int dir)
{
	return make(dir, "a") ?: result(linkat(dir, "a", dir, "b", 0));
}

static int probe_create(int dir)
{
	return result(mkdirat(dir, "a", 0700)) ?: result(symlinkat("a", dir, "b")) ?:
	       result(mknodat(dir, "c", S_IFIFO | 0600, 0)) ?: result(mknodat(dir, "d", S_IFREG | 0600, 0));
}

static int probe_open(int dir)
{
	return make(dir, "a");
}

static int probe_write(int dir)
{
	_cleanup_close_ int fd = openat(dir, "a", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : result(write(fd, "a", 1)) ?: result(write(fd, "a", 1));
}

/* Only the close of the last descriptor counts. The kernel acts on it as the call returns. */
static int probe_close(int dir)
{
	_cleanup_close_ int fd = openat(dir, "a", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	int copy = fd < 0 ? -1 : dup(fd);

	if (copy < 0)
		return -errno;
	close(copy);
	return 0;
}

static int probe_pty(int dir)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	(void)dir;
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int probe_mmap(int dir)
{
	_cleanup_close_ int fd = openat(dir, "a", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	void *at = fd < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? -errno : result(munmap(at, 1));
}

static int probe_mprotect(int dir)
{
	void *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)dir;
	if (at == MAP_FAILED)
		return -errno;
	return result(mprotect(at, 1, PROT_READ | PROT_WRITE)) ?: result(munmap(at, 1));
}

static int probe_copy(int dir)
{
	_cleanup_close_ int from = openat(dir, "a", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	_cleanup_close_ int to = openat(dir, "b", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	off_t start = 0;

	if (from < 0 || to < 0 || write(from, "a", 1) < 0)
		return -errno;
	return result(copy_file_range(from, &start, to, NULL, 1, 0));
}

static int probe_stat(int dir)
{
	struct statx statx_of;
	struct stat stat_of;

	return make(dir, "a") ?: result(fstatat(dir, "a", &stat_of, 0)) ?: result(fstat(dir, &stat_of)) ?:
	       result(statx(dir, "a", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &statx_of));
}

static int probe_chmod(int dir)
{
	_cleanup_close_ int fd = openat(dir, "a", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : result(fchmodat(dir, "a", 0700, 0)) ?: result(fchmod(fd, 0600));
}

static int probe_chown(int dir)
{
	_cleanup_close_ int fd = openat(dir, "a", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : result(fchownat(dir, "a", -1, 0, 0)) ?: result(fchown(fd, -1, 0));
}

static int probe_utimes(int dir)
{
	return make(dir, "a") ?: result(utimensat(dir, "a", NULL, 0));
}

static void path_below(char path[64], int dir, const char *name)
{
	snprintf(path, 64, "/proc/self/fd/%d/%s", dir, name);
}

static int probe_truncate(int dir)
{
	_cleanup_close_ int fd = openat(dir, "a", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	char path[64];

	path_below(path, dir, "a");
	return fd < 0 ? -errno : result(truncate(path, 10)) ?: result(ftruncate(fd, 5));
}

static int probe_access(int dir)
{
	return make(dir, "a") ?: result(faccessat(dir, "a", R_OK, 0));
}

static int probe_readlink(int dir)
{
	char text[8];

	return result(symlinkat("a", dir, "b")) ?: result(readlinkat(dir, "b", text, sizeof(text)));
}

/* A position of its own. */
static int probe_readdir(int dir)
{
	_cleanup_close_ int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char entries[512];

	return fd < 0 ? -errno : result(syscall(SYS_getdents64, fd, entries, sizeof(entries)));
}

static int probe_setxattr(int dir)
{
	char path[64];

	path_below(path, dir, "a");
	return make(dir, "a") ?: result(setxattr(path, "trusted.es", "v", 1, 0));
}

static int probe_getxattr(int dir)
{
	char path[64], value[4];

	path_below(path, dir, "a");
	return probe_setxattr(dir) ?: result(getxattr(path, "trusted.es", value, sizeof(value)));
}

static int probe_listxattr(int dir)
{
	char path[64];

	path_below(path, dir, "a");
	return make(dir, "a") ?: result(listxattr(path, NULL, 0));
}

static int probe_removexattr(int dir)
{
	char path[64];

	path_below(path, dir, "a");
	return probe_setxattr(dir) ?: result(removexattr(path, "trusted.es"));
}

/* The file's own mode as an ACL: the version, then a tag, permissions and no id for owner, group and others. */
static int probe_setacl(int dir)
{
	static const uint8_t acl[] = {
		2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 4, 0, 0, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255,
	};
	char path[64];

	path_below(path, dir, "a");
	return make(dir, "a") ?: result(setxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0)) ?:
	       result(removexattr(path, "system.posix_acl_access"));
}

/* The daemon's own directory and root stay what they are. */
static int probe_chdir(int dir)
{
	_cleanup_close_ int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)dir;
	return here < 0 ? -errno : result(fchdir(here));
}

static int probe_chroot(int dir)
{
	(void)dir;
	return result(chroot("/"));
}

/* An abstract name: it is no file. */
static int probe_socket(int dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t length;

	(void)dir;
	snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "endpointsecurityd-%d", getpid());
	length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address.sun_path + 1);
	if (server < 0 || client < 0 || bind(server, (struct sockaddr *)&address, length) < 0)
		return -errno;
	return result(listen(server, 1)) ?: result(connect(client, (struct sockaddr *)&address, length));
}

/* Is init there? */
static int probe_signal(int dir)
{
	(void)dir;
	return result(kill(1, 0));
}

/* A message of no effect: the kernel's auditing refuses it and makes no record. */
static int probe_audit(int dir)
{
	const struct nlmsghdr head = { .nlmsg_len = sizeof(head), .nlmsg_type = NLMSG_NOOP };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	(void)dir;
	return fd < 0 ? -errno : result(send(fd, &head, sizeof(head), 0));
}

static const struct probe {
	uint8_t type;
	uint8_t times;
	int (*act)(int dir);		/* NULL: the daemon can't do this operation */
} probes[] = {
	{ ESD_NOTIFY_UNLINK, 2, probe_unlink },
	{ ESD_NOTIFY_RENAME, 2, probe_rename },
	{ ESD_NOTIFY_EXCHANGEDATA, 1, probe_exchange },
	{ ESD_NOTIFY_LINK, 1, probe_link },
	{ ESD_NOTIFY_CREATE, 4, probe_create },
	{ ESD_NOTIFY_OPEN, 1, probe_open },
	{ ESD_NOTIFY_WRITE, 1, probe_write },
	{ ESD_NOTIFY_CLOSE, 1, probe_close },
	{ ESD_NOTIFY_PTY_CLOSE, 1, probe_pty },
	{ ESD_NOTIFY_CLONE, 0, NULL },
	{ ESD_NOTIFY_SETFLAGS, 0, NULL },		/* before 6.6 */
	{ ESD_NOTIFY_MMAP, 1, probe_mmap },
	{ ESD_NOTIFY_MPROTECT, 1, probe_mprotect },
	{ ESD_NOTIFY_COPYFILE, 1, probe_copy },
	{ ESD_NOTIFY_STAT, 3, probe_stat },
	{ ESD_NOTIFY_SETMODE, 2, probe_chmod },
	{ ESD_NOTIFY_SETOWNER, 2, probe_chown },
	{ ESD_NOTIFY_UTIMES, 1, probe_utimes },
	{ ESD_NOTIFY_TRUNCATE, 2, probe_truncate },
	{ ESD_NOTIFY_ACCESS, 1, probe_access },
	{ ESD_NOTIFY_READLINK, 1, probe_readlink },
	{ ESD_NOTIFY_READDIR, 1, probe_readdir },
	{ ESD_NOTIFY_SETEXTATTR, 1, probe_setxattr },
	{ ESD_NOTIFY_GETEXTATTR, 1, probe_getxattr },
	{ ESD_NOTIFY_LISTEXTATTR, 1, probe_listxattr },
	{ ESD_NOTIFY_DELETEEXTATTR, 1, probe_removexattr },
	{ ESD_NOTIFY_SETACL, 2, probe_setacl },
	{ ESD_NOTIFY_CHDIR, 1, probe_chdir },
	{ ESD_NOTIFY_CHROOT, 1, probe_chroot },
	{ ESD_NOTIFY_MOUNT, 0, NULL },
	{ ESD_NOTIFY_REMOUNT, 0, NULL },
	{ ESD_NOTIFY_UNMOUNT, 0, NULL },
	{ ESD_NOTIFY_UIPC_CONNECT, 1, probe_socket },
	{ ESD_NOTIFY_UIPC_BIND, 1, probe_socket },
	{ ESD_NOTIFY_SIGNAL, 1, probe_signal },
	{ ESD_NOTIFY_PROC_SUSPEND_RESUME, 0, NULL },
	{ ESD_NOTIFY_SETTIME, 0, NULL },
	{ ESD_NOTIFY_AUTHENTICATION, 1, probe_audit },
	{ ESD_NOTIFY_OPENSSH_LOGIN, 1, probe_audit },
	{ ESD_NOTIFY_OPENSSH_LOGOUT, 1, probe_audit },
	{ ESD_NOTIFY_LOGIN_LOGIN, 1, probe_audit },
	{ ESD_NOTIFY_LOGIN_LOGOUT, 1, probe_audit },
	{ ESD_NOTIFY_SU, 1, probe_audit },
	{ ESD_NOTIFY_SUDO, 1, probe_audit },
};

/* A tmpfs that is mounted nowhere: a descriptor, or -errno. */
static int tmpfs_open(void)
{
	_cleanup_close_ int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int fd;

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int esd_object_probe(struct es_sensor_control *control, unsigned int type, char *why, size_t size)
{
	const struct probe *probe = NULL;
	_cleanup_close_ int dir = -1;
	uint32_t seen;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		if (probes[i].type == type)
			probe = &probes[i];
	if (probe && !probe->act)
		return 0;
	dir = tmpfs_open();
	if (!probe || dir < 0) {
		snprintf(why, size, "it can't be tried: %s", strerror(probe ? -dir : ENOSYS));
		return probe ? dir : -ENOSYS;
	}
	__atomic_store_n(&control->probed[type], 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&control->probe_tid, gettid(), __ATOMIC_SEQ_CST);
	r = probe->act(dir);
	__atomic_store_n(&control->probe_tid, 0, __ATOMIC_SEQ_CST);
	seen = __atomic_load_n(&control->probed[type], __ATOMIC_SEQ_CST);
	if (r < 0) {
		snprintf(why, size, "it can't be tried: %s", strerror(-r));
		return r;
	}
	if (seen != probe->times) {
		snprintf(why, size, "the kernel's functions are called %u times for %u operations", seen, probe->times);
		return -ENOTSUP;
	}
	return 0;
}
