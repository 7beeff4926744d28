/* SPDX-License-Identifier: MIT */

/*
 * examples/protect keeps an ordinary user from changing a folder, even if its files, and the folders above it, are the
 * user's own. A row is one way. The test first tries each without protection, where it has to change something (if
 * this kernel can do it at all). Then it tries each with it: nothing may change, except by the ways that the head of
 * examples/protect.c says it can't stop. Those must still work, so that the head is true.
 *
 * The test compares the change times of all inodes, which reading doesn't move.
 */

#include "es-ring.h"
#include "es-test.h"

#include <fts.h>
#include <grp.h>
#include <sched.h>
#include <stddef.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>

enum { USER = 1000, DEEP = 18 };

struct way {
	const char *name;
	int (*act)(void);		/* 0 or errno; in safe/.., as the user */
	bool impossible;		/* to stop */
};

/* Opened and mapped by root before, for the user: examples/protect doesn't stop root. */
static int old_fd = -1;
static char *old_map;
static char home[PATH_MAX], safe[PATH_MAX];
static char program[64];		/* that may change the folder: this one, if root runs it */
static pid_t protector;
static bool has_32_bit;
static bool report;			/* run it so that it only says what it would deny */

/* Below the test's tmpfs; good for the next few calls. test_at() keeps each path, and this needs thousands. */
static const char *at(const char *path)
{
	static char paths[8][PATH_MAX + 64];
	static unsigned int next;
	char *found = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(found, sizeof(paths[0]), "%s/%s", test_mnt, path);
	return found;
}

/* ---- opens ---- */

static int write_to(int fd)
{
	int r = fd < 0 ? errno : result(write(fd, "changed", 7));

	if (fd >= 0)
		close(fd);
	return r;
}

static int write_at(const char *path)
{
	return write_to(open(path, O_WRONLY));
}

static int write_at_fd(int fd)
{
	char name[64];

	if (fd < 0)
		return errno;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return write_at(name);
}

static int open_write(void) { return write_at("safe/file"); }
static int open_read_write(void) { return write_to(open("safe/file", O_RDWR)); }
static int open_append(void) { return write_to(open("safe/file", O_WRONLY | O_APPEND)); }
static int open_truncate(void) { return result(open("safe/file", O_WRONLY | O_TRUNC)); }
static int open_read_truncate(void) { return result(open("safe/file", O_RDONLY | O_TRUNC)); }
static int open_creat(void) { return result(creat("safe/file", 0600)); }
static int open_new(void) { return result(open("safe/new", O_WRONLY | O_CREAT | O_EXCL, 0600)); }
static int open_new_read(void) { return result(open("safe/new", O_RDONLY | O_CREAT, 0600)); }
static int open_odd_name(void) { return result(open("safe/a\n\033[2J\xff", O_WRONLY | O_CREAT, 0600)); }
static int open_symlink(void) { return write_at("out/to-file"); }
static int open_symlink_dir(void) { return write_at("out/to-safe/file"); }
static int open_beneath(void) { return write_at("out/../safe/sub/../file"); }
static int open_proc_cwd(void) { return result(chdir("safe")) ?: write_at("/proc/self/cwd/file"); }
static int open_chdir(void) { return result(chdir("safe/sub")) ?: write_at("inner"); }
static int open_reopened(void) { return write_at_fd(open("safe/file", O_RDONLY)); }
static int open_o_path(void) { return write_at_fd(open("safe/file", O_PATH)); }

static int open_at(void)
{
	return write_to(openat(open("safe", O_RDONLY | O_DIRECTORY), "file", O_WRONLY));
}

static int open_at2(void)
{
	struct open_how how = { .flags = O_WRONLY, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

	return write_to((int)syscall(SYS_openat2, open("safe", O_PATH), "sub/inner", &how, sizeof(how)));
}

/* Too long to be passed, or told, as one path. */
static int open_deep(void)
{
	char name[251] = {};
	int r = result(chdir("safe"));

	memset(name, 'd', sizeof(name) - 1);
	for (int i = 0; i < DEEP && !r; i++)
		r = result(chdir(name));
	return r ?: write_at("file");
}

static int open_shell(void)
{
	int status = system("echo changed 2>/dev/null >>safe/file");

	return WIFEXITED(status) && WEXITSTATUS(status) ? EPERM : 0;
}

/* A program that every new client has muted; root has put another in its place, as LD_PRELOAD would. */
static int open_muted_program(void)
{
	pid_t pid = fork();
	struct stat now;

	if (pid == 0) {
		execl("/usr/bin/login", "login", "if=/etc/passwd", "of=safe/file", "conv=notrunc", "status=none", NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	return stat("safe/file", &now) < 0 || now.st_size < 20 ? EPERM : 0;
}

/* int 0x80, whose pointers have 32 bits. */
static int open_32_bit(void)
{
	char *low = !has_32_bit ? MAP_FAILED : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long fd;

	if (low == MAP_FAILED)
		return ENOSYS;
	strcpy(low, "safe/file");
	asm volatile("int $0x80" : "=a"(fd) : "0"(5), "b"(low), "c"(O_WRONLY) : "memory", "r8", "r9", "r10", "r11");
	return fd < 0 ? (int)-fd : write_to((int)fd);
}

static void ignore_signal(int signal)
{
	(void)signal;
}

/* Such a program's calls are not started over. */
static int open_sigcont(void)
{
	signal(SIGCONT, ignore_signal);
	return open_write();
}

static void *swap_links(void *context)
{
	for (int i = 0; i < 2000; i++) {
		symlinkat(i % 2 ? "mine" : "../safe/file", AT_FDCWD, "out/next");
		rename("out/next", "out/swapped");
	}
	return context;
}

static int open_swapped(void)
{
	int inode_written = EPERM;
	struct stat now, file;
	pthread_t thread;

	stat("safe/file", &file);
	pthread_create(&thread, NULL, swap_links, NULL);
	for (int i = 0; i < 300; i++) {
		int fd = open("out/swapped", O_WRONLY);

		if (fd >= 0 && !fstat(fd, &now) && now.st_ino == file.st_ino)
			inode_written = result(write(fd, "changed", 7));
		close(fd);
	}
	pthread_join(thread, NULL);
	return inode_written;
}

/* More at once than the example has room for. */
static int open_crowd(void)
{
	enum { CROWD = 150 };
	int status, r = EPERM;

	for (int i = 0; i < CROWD; i++) {
		if (fork())
			continue;
		for (int k = 0; k < 10; k++)
			close(open("safe/file", O_RDONLY));
		_exit(open_write());
	}
	while (wait(&status) > 0)
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			r = 0;
	return r;
}

static int kill_protector(void)
{
	int r = protector ? result(kill(protector, SIGKILL)) : 0;

	return r ?: open_write();
}

/* ---- what is open already ---- */

static int old_write(void) { return result(pwrite(old_fd, "changed", 7, 0)); }
static int old_truncate(void) { return result(ftruncate(old_fd, 1)); }
static int old_punch(void) { return result(fallocate(old_fd, 3, 0, 2)); }
static int old_chmod(void) { return result(fchmod(old_fd, 0604)); }
static int old_mapping(void) { return *(volatile char *)old_map = 'x', result(msync(old_map, 4096, MS_SYNC)); }
static int old_name(void) { return write_at("out/second-name"); }
static int old_bind(void) { return write_at("out/bound/file"); }

static int old_map_again(void)
{
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, old_fd, 0);

	if (map == MAP_FAILED)
		return errno;
	*map = 'y';
	return result(msync(map, 4096, MS_SYNC));
}

static int old_copy(void)
{
	int from = open("out/mine", O_RDONLY);

	return result(copy_file_range(from, NULL, old_fd, NULL, 4096, 0));
}

/* ---- names ---- */

static int name_unlink(void) { return result(unlink("safe/file")); }
static int name_unlinkat(void) { return result(unlinkat(open("safe/sub", O_PATH), "inner", 0)); }
static int name_rmdir(void) { return result(rmdir("safe/empty")); }
static int name_out(void) { return result(rename("safe/file", "out/stolen")); }
static int name_over(void) { return result(rename("out/mine", "safe/file")); }
static int name_in(void) { return result(rename("out/mine", "safe/new")); }
static int name_within(void) { return result(rename("safe/file", "safe/sub/file")); }
static int name_swap(void) { return result(renameat2(AT_FDCWD, "out/mine", AT_FDCWD, "safe/file", RENAME_EXCHANGE)); }
static int name_swap_dirs(void) { return result(renameat2(AT_FDCWD, "out", AT_FDCWD, "safe", RENAME_EXCHANGE)); }
static int name_folder(void) { return result(rename("safe", "elsewhere")); }
static int name_parent(void) { return result(rename("../home", "../elsewhere")); }
static int name_swap_parent(void) { return result(renameat2(AT_FDCWD, "../home", AT_FDCWD, "../dir", RENAME_EXCHANGE)); }
static int link_out(void) { return result(link("safe/file", "out/stolen")); }
static int link_in(void) { return result(link("out/mine", "safe/new")); }
static int link_symlink(void) { return result(link("safe/symlink", "out/stolen")); }
static int make_dir(void) { return result(mkdir("safe/new", 0700)); }
static int make_fifo(void) { return result(mkfifo("safe/new", 0600)); }
static int make_file(void) { return result(mknod("safe/new", S_IFREG | 0600, 0)); }
static int make_symlink(void) { return result(symlink("/etc/passwd", "safe/new")); }

static int name_noreplace(void)
{
	return result(renameat2(AT_FDCWD, "safe/file", AT_FDCWD, "safe/new", RENAME_NOREPLACE));
}

static int link_fd(int fd, const char *to)
{
	char name[64];

	if (fd < 0)
		return errno;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return result(linkat(AT_FDCWD, name, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
}

static int link_out_fd(void) { return link_fd(open("safe/file", O_RDONLY), "out/stolen"); }
static int link_tmpfile_in(void) { return link_fd(open("out", O_TMPFILE | O_RDWR, 0600), "safe/new"); }
static int make_tmpfile(void) { return link_fd(open("safe", O_TMPFILE | O_RDWR, 0600), "safe/new"); }

static int make_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "safe/new" };

	return result(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address)));
}

/* ---- attributes ---- */

static int attribute_mode(void) { return result(chmod("safe/file", 0604)); }
static int attribute_fmode(void) { return result(fchmod(open("safe/file", O_RDONLY), 0604)); }
static int attribute_folder_mode(void) { return result(chmod("safe", 0705)); }
static int attribute_owner(void) { return result(chown("safe/file", (uid_t)-1, USER)); }
static int attribute_link_owner(void) { return result(lchown("safe/symlink", (uid_t)-1, USER)); }
static int attribute_times(void) { return result(utimes("safe/file", NULL)); }
static int attribute_folder_times(void) { return result(utimes("safe", NULL)); }
static int attribute_ftimes(void) { return result(futimens(open("safe/file", O_RDONLY), NULL)); }
static int attribute_xattr(void) { return result(setxattr("safe/file", "user.new", "x", 1, 0)); }
static int attribute_fxattr(void) { return result(fsetxattr(open("safe/file", O_RDONLY), "user.new", "x", 1, 0)); }
static int attribute_remove(void) { return result(removexattr("safe/file", "user.old")); }

static int attribute_link_times(void)
{
	return result(utimensat(AT_FDCWD, "safe/symlink", NULL, AT_SYMLINK_NOFOLLOW));
}

/* u::rw-,u:1001:rw-,g::r--,m::rw-,o::--- */
static int attribute_acl(void)
{
	static const unsigned char list[] = {
		2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0, 233, 3, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255,
		16, 0, 6, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255,
	};

	return result(setxattr("safe/file", "system.posix_acl_access", list, sizeof(list), 0));
}

static int attribute_flags(void)
{
	int flags = FS_NODUMP_FL;

	return result(ioctl(open("safe/file", O_RDONLY), FS_IOC_SETFLAGS, &flags));
}

/* ---- io_uring ---- */

static int ring_open_write(void)
{
	struct io_uring_sqe entry = ring_entry(IORING_OP_OPENAT, "safe/file");

	entry.open_flags = O_WRONLY | O_TRUNC;
	return ring_do(0, entry);
}

static int ring_worker_open(void)
{
	struct io_uring_sqe entry = ring_entry(IORING_OP_OPENAT, "safe/file");

	entry.open_flags = O_WRONLY | O_TRUNC;
	entry.flags = IOSQE_ASYNC;
	return ring_do(0, entry);
}

static int ring_unlink(void) { return ring_do(0, ring_entry(IORING_OP_UNLINKAT, "safe/file")); }

static int ring_mkdir(void)
{
	struct io_uring_sqe entry = ring_entry(IORING_OP_MKDIRAT, "safe/new");

	entry.len = 0700;
	return ring_do(0, entry);
}

static int ring_two_names(int opcode, const char *from, const char *to)
{
	struct io_uring_sqe entry = ring_entry(opcode, from);

	entry.off = (uint64_t)to;
	entry.len = (uint32_t)AT_FDCWD;
	return ring_do(0, entry);
}

static int ring_rename(void) { return ring_two_names(IORING_OP_RENAMEAT, "safe/file", "out/stolen"); }
static int ring_link(void) { return ring_two_names(IORING_OP_LINKAT, "safe/file", "out/stolen"); }

static int ring_xattr(void)
{
	struct io_uring_sqe entry = ring_entry(IORING_OP_SETXATTR, "user.new");

	entry.addr2 = (uint64_t)"x";
	entry.addr3 = (uint64_t)"safe/file";
	entry.len = 1;
	return ring_do(0, entry);
}

/* ---- namespaces ---- */

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), r = fd < 0 ? errno : result(write(fd, text, strlen(text)));

	close(fd);
	return r;
}

/* Root in a user namespace, with mounts of its own. */
static int own_namespace(void)
{
	return result(prctl(PR_SET_DUMPABLE, 1)) ?: result(unshare(CLONE_NEWUSER | CLONE_NEWNS)) ?:
	       write_text("/proc/self/setgroups", "deny") ?: write_text("/proc/self/uid_map", "0 1000 1") ?:
	       write_text("/proc/self/gid_map", "0 1000 1");
}

static int space_write(void) { return own_namespace() ?: write_at("safe/file"); }

static int space_bind(void)
{
	return own_namespace() ?: result(mount("safe", "out/dir", NULL, MS_BIND, NULL)) ?: write_at("out/dir/file");
}

static int space_bind_above(void)
{
	return own_namespace() ?: result(mount("..", "out/dir", NULL, MS_BIND | MS_REC, NULL)) ?:
	       write_at("out/dir/home/safe/file");
}

static int space_pivot(void)
{
	return own_namespace() ?: result(mount("new", "out/dir", "tmpfs", 0, NULL)) ?: result(mkdir("out/dir/old", 0700)) ?:
	       result(syscall(SYS_pivot_root, "out/dir", "out/dir/old")) ?: write_at("safe/file");
}

static int space_overlay(void)
{
	return own_namespace() ?:
	       result(mount("o", "out/dir", "overlay", 0, "lowerdir=lower,upperdir=safe,workdir=work,userxattr")) ?:
	       result(mkdir("out/dir/new", 0700));
}

static int space_chroot(void) { return own_namespace() ?: result(chroot("safe")) ?: write_at("/file"); }

static int space_tree(bool attach)
{
	int tree, r = own_namespace();

	if (r)
		return r;
	tree = (int)syscall(SYS_open_tree, AT_FDCWD, "safe", 1 /* OPEN_TREE_CLONE */);
	if (tree < 0)
		return errno;
	if (!attach)
		return write_to(openat(tree, "file", O_WRONLY));
	return result(syscall(SYS_move_mount, tree, "", AT_FDCWD, "out/dir", 4 /* MOVE_MOUNT_F_EMPTY_PATH */)) ?:
	       write_at("out/dir/file");
}

static int space_attached_tree(void) { return space_tree(true); }
static int space_detached_tree(void) { return space_tree(false); }

/* ---- a core dump, which the kernel writes ---- */

static int core_dump(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	pid_t pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &unlimited);
		prctl(PR_SET_DUMPABLE, 1);
		signal(SIGSEGV, SIG_DFL);
		_exit(chdir("safe") ?: raise(SIGSEGV));
	}
	waitpid(pid, NULL, 0);
	return access("safe/core", F_OK) ? EPERM : 0;
}

static const struct way ways[] = {
	{ "open for writing", .act = open_write },
	{ "open for reading and writing", .act = open_read_write },
	{ "open to append", .act = open_append },
	{ "open for writing with O_TRUNC", .act = open_truncate },
	{ "open for reading with O_TRUNC", .act = open_read_truncate },
	{ "creat(2) of a file that is there", .act = open_creat },
	{ "open with O_CREAT and O_EXCL", .act = open_new },
	{ "open for reading with O_CREAT", .act = open_new_read },
	{ "a name that a terminal would obey", .act = open_odd_name },
	{ "through a symbolic link", .act = open_symlink },
	{ "through a symbolic link to the folder", .act = open_symlink_dir },
	{ "through ..", .act = open_beneath },
	{ "through /proc/self/cwd", .act = open_proc_cwd },
	{ "from a folder within", .act = open_chdir },
	{ "a descriptor for reading, opened again", .act = open_reopened },
	{ "an O_PATH descriptor, opened again", .act = open_o_path },
	{ "openat(2)", .act = open_at },
	{ "openat2(2)", .act = open_at2 },
	{ "deeper than a path is long", .act = open_deep },
	{ "a shell", .act = open_shell },
	{ "a program that is muted by default", .act = open_muted_program },
	{ "a 32-bit system call", .act = open_32_bit },
	{ "a program that handles SIGCONT", .act = open_sigcont },
	{ "a link that changes meanwhile", .act = open_swapped },
	{ "a crowd", .act = open_crowd },
	{ "killing the protector first", .act = kill_protector },
	{ "a write to an open descriptor", .act = old_write, .impossible = true },
	{ "fallocate(2) of an open descriptor", .act = old_punch, .impossible = true },
	{ "a mapping that is there", .act = old_mapping, .impossible = true },
	{ "ftruncate(2) of an open descriptor", .act = old_truncate },
	{ "mmap(2) of an open descriptor", .act = old_map_again },
	{ "fchmod(2) of an open descriptor", .act = old_chmod },
	{ "copy_file_range(2) to an open descriptor", .act = old_copy },
	{ "a second name outside", .act = old_name, .impossible = true },
	{ "a bind mount that root made", .act = old_bind, .impossible = true },
	{ "unlink(2)", .act = name_unlink },
	{ "unlinkat(2)", .act = name_unlinkat },
	{ "rmdir(2)", .act = name_rmdir },
	{ "rename out", .act = name_out },
	{ "rename in, over a file", .act = name_over },
	{ "rename in", .act = name_in },
	{ "rename within", .act = name_within },
	{ "rename with RENAME_NOREPLACE", .act = name_noreplace },
	{ "exchange with a file outside", .act = name_swap },
	{ "exchange of the folder", .act = name_swap_dirs },
	{ "rename of the folder", .act = name_folder },
	{ "rename of the folder above", .act = name_parent },
	{ "exchange of the folder above", .act = name_swap_parent },
	{ "a second name outside, made now", .act = link_out },
	{ "the same by a descriptor", .act = link_out_fd },
	{ "a second name of a symbolic link", .act = link_symlink },
	{ "a second name inside", .act = link_in },
	{ "O_TMPFILE outside, and a name inside", .act = link_tmpfile_in },
	{ "O_TMPFILE inside", .act = make_tmpfile },
	{ "mkdir(2)", .act = make_dir },
	{ "mkfifo(3)", .act = make_fifo },
	{ "mknod(2)", .act = make_file },
	{ "symlink(2)", .act = make_symlink },
	{ "bind(2)", .act = make_socket },
	{ "chmod(2)", .act = attribute_mode },
	{ "fchmod(2)", .act = attribute_fmode },
	{ "chmod(2) of the folder", .act = attribute_folder_mode },
	{ "chown(2)", .act = attribute_owner },
	{ "lchown(2)", .act = attribute_link_owner },
	{ "utimes(2)", .act = attribute_times },
	{ "futimens(3)", .act = attribute_ftimes },
	{ "utimensat(2) of a symbolic link", .act = attribute_link_times },
	{ "utimes(2) of the folder", .act = attribute_folder_times },
	{ "setxattr(2)", .act = attribute_xattr },
	{ "fsetxattr(2)", .act = attribute_fxattr },
	{ "removexattr(2)", .act = attribute_remove },
	{ "an access control list", .act = attribute_acl },
	{ "chattr(1)", .act = attribute_flags },
	{ "io_uring: openat", .act = ring_open_write },
	{ "io_uring: openat, in a worker", .act = ring_worker_open },
	{ "io_uring: unlinkat", .act = ring_unlink },
	{ "io_uring: mkdirat", .act = ring_mkdir },
	{ "io_uring: renameat", .act = ring_rename },
	{ "io_uring: linkat", .act = ring_link },
	{ "io_uring: setxattr", .act = ring_xattr },
	{ "in a user namespace", .act = space_write },
	{ "a bind mount in a user namespace", .act = space_bind },
	{ "a bind mount of a folder above, there", .act = space_bind_above },
	{ "pivot_root(2) there", .act = space_pivot },
	{ "overlayfs there", .act = space_overlay },
	{ "chroot(2) there", .act = space_chroot },
	{ "open_tree(2) and move_mount(2) there", .act = space_attached_tree },
	{ "open_tree(2) alone there", .act = space_detached_tree },
	{ "a core dump", .act = core_dump },
};

static bool possible[ARRAY_SIZE(ways)];

/* ---- the folder ---- */

static void make_deep(void)
{
	char name[251] = {};
	int fd = open(safe, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	memset(name, 'd', sizeof(name) - 1);
	for (int i = 0; i < DEEP; i++) {
		int next;

		REQUIRE(!mkdirat(fd, name, 0700) && !fchownat(fd, name, USER, USER, 0));
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(openat(fd, "file", O_CREAT | O_WRONLY, 0600));
	REQUIRE(!fchownat(fd, "file", USER, USER, 0));
	close(fd);
}

static void make_tree(void)
{
	static const char *const dirs[] = {
		"a", "a/dir", "a/home", "a/home/out", "a/home/out/dir", "a/home/lower", "a/home/work", "a/home/safe",
		"a/home/safe/sub", "a/home/safe/empty",
	};
	static const char *const files[] = { "a/home/out/mine", "a/home/safe/file", "a/home/safe/sub/inner" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		REQUIRE(!mkdir(at(dirs[i]), 0755) && !chown(at(dirs[i]), USER, USER));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		test_write_file(at(files[i]), "content", 0644);
		REQUIRE(!chown(at(files[i]), USER, USER));
	}
	REQUIRE(!symlink("file", at("a/home/safe/symlink")) && !lchown(at("a/home/safe/symlink"), USER, USER));
	REQUIRE(!symlink("../safe/file", at("a/home/out/to-file")));
	REQUIRE(!symlink("../safe", at("a/home/out/to-safe")));
	REQUIRE(!link(at("a/home/safe/file"), at("a/home/out/second-name")));
	REQUIRE(!mkdir(at("a/home/out/bound"), 0755));
	REQUIRE(!mount(safe, at("a/home/out/bound"), NULL, MS_BIND, NULL));
	setxattr(at("a/home/safe/file"), "user.old", "x", 1, 0);
	make_deep();
	old_fd = open(at("a/home/safe/file"), O_RDWR | O_CLOEXEC);
	old_map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, old_fd, 0);
	REQUIRE(old_fd >= 0 && old_map != MAP_FAILED);
}

/* nftw(3) fails at paths as long as those of make_deep(). */
static FTS *open_tree_at(const char *path)
{
	char *const roots[] = { (char *)path, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL, NULL);

	REQUIRE(tree);
	return tree;
}

static void remove_all(const char *path)
{
	FTS *tree = open_tree_at(path);
	FTSENT *entry;

	while ((entry = fts_read(tree)))
		if (entry->fts_info != FTS_D)
			REQUIRE(!remove(entry->fts_accpath));
	fts_close(tree);
}

static void remove_tree(void)
{
	munmap(old_map, 4096);
	close(old_fd);
	umount2(at("a/home/out/bound"), MNT_DETACH);
	umount2(at("a/elsewhere/out/bound"), MNT_DETACH);
	umount2(at("a/dir/out/bound"), MNT_DETACH);
	umount2(at("a/home/safe/bound"), MNT_DETACH);
	remove_all(at("a"));
}

/* A sum over everything in the folder: names, inodes, when they were last changed, contents that a mapping can change. */
static uint64_t add_entry(uint64_t sum, const char *name, const struct stat *stat)
{
	const uint64_t words[] = {
		stat->st_ino, (uint64_t)stat->st_ctim.tv_sec, (uint64_t)stat->st_ctim.tv_nsec, (uint64_t)stat->st_size,
		stat->st_mode, stat->st_nlink,
	};

	for (; *name; name++)
		sum = sum * 31 + (unsigned char)*name;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		sum = (sum ^ words[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static uint64_t folder_sum(void)
{
	FTS *tree = open_tree_at(safe);
	char content[64] = {};
	uint64_t sum = 1;
	FTSENT *entry;
	int fd;

	while ((entry = fts_read(tree)))
		if (entry->fts_info != FTS_DP && entry->fts_info != FTS_NS)
			sum += add_entry(1, entry->fts_name, entry->fts_statp);
	fts_close(tree);
	fd = open(at("a/home/safe/file"), O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, content, sizeof(content) - 1) > 0)
		for (const char *c = content; *c; c++)
			sum = sum * 31 + (unsigned char)*c;
	close(fd);
	return sum;
}

/* ---- trying ---- */

static int as_user(void *context)
{
	const struct way *way = context;

	if (chdir(home) || setgroups(0, NULL) || setgid(USER) || setuid(USER))
		return 255;
	return way->act();
}

/* True if the folder has changed. */
static bool try_way(const struct way *way, int *ret_error)
{
	uint64_t before;
	int status;

	make_tree();
	before = folder_sum();
	status = test_run(as_user, (void *)way);
	*ret_error = WIFEXITED(status) ? WEXITSTATUS(status) : -status;
	CHECK(*ret_error != 255);
	return folder_sum() != before;
}

static size_t try_unprotected(void)
{
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		int error;

		possible[i] = try_way(&ways[i], &error);
		remove_tree();
		count += possible[i];
		if (!possible[i])
			printf("can't be tried here: %s (%s)\n", ways[i].name, strerror(error));
	}
	return count;
}

static void try_protected(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		bool changed;
		int error;

		if (!possible[i])
			continue;
		changed = try_way(&ways[i], &error);
		remove_tree();
		if (changed == ways[i].impossible)
			continue;
		fprintf(stderr, "%s: %s (%s)\n", ways[i].name, changed ? "went through" : "was stopped, and is named as one "
			"that can't be", error < 0 ? strsignal(-error) : strerror(error));
		CHECK(changed == ways[i].impossible);
	}
}

/* ---- the example ---- */

static int run_protect(void *context)
{
	int log = open(at("../protect.log"), O_WRONLY | O_CREAT | O_APPEND, 0600);

	(void)context;
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	if (report)
		execl(test_built("examples/protect"), "protect", "--report", safe, program, NULL);
	else
		execl(test_built("examples/protect"), "protect", safe, program, NULL);
	return 127;
}

static bool log_has(const char *text)
{
	char buffer[65536];
	int fd = open(at("../protect.log"), O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, buffer, sizeof(buffer) - 1);

	close(fd);
	if (length < 0)
		return false;
	buffer[length] = '\0';
	return strstr(buffer, text);
}

static void start_protect(void)
{
	const char *begun = report ? "is watched" : "is protected";

	protector = test_fork(run_protect, NULL);
	for (unsigned int i = 0; i < 1000 * test_slow() && !log_has(begun); i++) {
		int status = test_wait_ms(protector, 10);

		if (status == -1)
			continue;
		if (log_has("can't hold all"))
			test_skip("holding what changes files (BPF LSM)");
		fprintf(stderr, "protect ended with wait status %#x\n", status);
		test_fail();
	}
	REQUIRE(log_has(begun));
}

static void stop_protect(void)
{
	int status;

	kill(protector, SIGTERM);
	status = test_wait(protector);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	protector = 0;
}

static int copy_to(int to, int from, off_t bytes)
{
	while (bytes > 0) {
		ssize_t n = sendfile(to, from, NULL, (size_t)bytes);

		if (n <= 0)
			return -1;
		bytes -= n;
	}
	return 0;
}

/*
 * Goes on in a copy of this program in memory. On some file systems, as the overlayfs that guests have, messages have
 * other numbers for a file than stat(2), so examples/protect could not be given a program there.
 */
static void move_to_memory(char **argv)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = memfd_create("protect-example", MFD_CLOEXEC);
	char build[PATH_MAX] = "";
	struct stat stat_;

	if (getenv("ES_TEST_COPIED"))
		return;
	if (readlink("/proc/self/exe", build, sizeof(build) - 1) < 0 || fstat(from, &stat_) < 0 ||
	    copy_to(to, from, stat_.st_size) < 0)
		exit(1);
	for (int i = 0; i < 3; i++)
		*strrchr(build, '/') = '\0';
	setenv("ES_TEST_COPIED", "1", 1);
	setenv("ES_TEST_BUILD", build, 0);
	strcat(build, "/lib");
	setenv("LD_LIBRARY_PATH", build, 1);
	fexecve(to, argv, environ);
	exit(1);
}

static void report_only(void)
{
	int error;

	report = true;
	make_tree();
	start_protect();		/* or the test is skipped */
	remove_tree();
	CHECK(try_way(&ways[0], &error) && !error);
	remove_tree();
	CHECK(log_has("would be denied: AUTH_OPEN by pid"));
	stop_protect();
	report = false;
	REQUIRE(!unlink(at("../protect.log")));
}

int main(int argc, char **argv)
{
	size_t count;

	(void)argc;
	move_to_memory(argv);
	test_begin(60);
	snprintf(program, sizeof(program), "/proc/%d/exe", getpid());
	test_all_mounts = true;		/* those of another namespace are other mounts */
	test_daemon(NULL);
	snprintf(home, sizeof(home), "%s", at("a/home"));
	snprintf(safe, sizeof(safe), "%s", at("a/home/safe"));
	mount("/bin/dd", "/usr/bin/login", NULL, MS_BIND, NULL);

	has_32_bit = test_exec(test_built("tests/harness/tiny32"), (char *[]){ "tiny32", "0", NULL }, NULL) == 0;

	report_only();

	count = try_unprotected();
	printf("%zu ways\n", count);
	CHECK(count >= 55);

	make_tree();
	start_protect();
	remove_tree();
	try_protected();
	CHECK(log_has("denied: AUTH_OPEN by pid"));
	CHECK(log_has("has 2 names, some may be outside: "));

	stop_protect();
	return test_end();
}
