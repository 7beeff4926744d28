/* SPDX-License-Identifier: MIT */

/*
 * Makes several hundred system calls in the current directory, most of them wrong in some way: each kind of call on each
 * kind of name, then calls on descriptors, memory, processes and signals. Prints the result of each, and the files that it
 * left, to compare two runs. No line depends on time, process ids or addresses.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void tell(const char *call, const char *name, long result)
{
	printf("%s %.40s: %s\n", call, name, result < 0 ? strerrorname_np(errno) : "ok");
}

/* ---- names ---- */

static char long_name[300], long_path[5000];

static const char *const names[] = {
	"missing", "file", "readonly", "exec", "script", "dir", "full", "link", "dangling", "loop", "fifo", "socket",
	"file/below", "missing/below", "loop/below", "dir/.", "dir/..", "dir/", "file/", "missing/", ".", "..", "",
	"full/inner", "sealed/inner", long_name, long_path,
};

static void make(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (write(fd, "text\n", 5) != 5)
		exit(1);
	fchmod(fd, mode);
	close(fd);
}

static int remove_one(const char *path, const struct stat *what, int kind, struct FTW *where)
{
	(void)what;
	(void)kind;
	if (where->level > 0)
		(void)remove(path);
	return 0;
}

static void list(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char path[512], target[256] = "";
		struct stat what = {};

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		if (lstat(path, &what) == 0 && strcmp(entries[i]->d_name, ".") && strcmp(entries[i]->d_name, "..")) {
			(void)!readlink(path, target, sizeof(target) - 1);
			printf("  %s %o %u %u %lu %lld %s\n", path, what.st_mode, what.st_uid, what.st_gid,
			       (unsigned long)what.st_nlink, (long long)what.st_size, target);
			if (S_ISDIR(what.st_mode))
				list(path);
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

/* Makes the directory's files anew, whatever the last kind of call did to them. */
static void reset(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int fd, script;

	nftw(".", remove_one, 8, FTW_DEPTH | FTW_PHYS);
	make("file", 0644);
	make("readonly", 0444);
	make("exec", 0755);
	script = open("script", O_WRONLY | O_CREAT, 0755);
	dprintf(script, "#!missing\n");
	close(script);
	mkdir("dir", 0755);
	mkdir("full", 0755);
	make("full/inner", 0644);
	mkdir("sealed", 0755);
	make("sealed/inner", 0600);
	chmod("sealed", 0500);
	(void)!symlink("file", "link");
	(void)!symlink("nowhere", "dangling");
	(void)!symlink("loop", "loop");
	mkfifo("fifo", 0644);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(fd, (struct sockaddr *)&address, sizeof(address));
	close(fd);
}

static long opened(const char *name, int flags)
{
	long fd = open(name, flags | O_NONBLOCK | O_CLOEXEC, 0640);

	if (fd >= 0)
		close((int)fd);
	return fd;
}

static long executed(const char *name)
{
	char *argv[] = { "program", NULL }, *environment[] = { NULL };
	pid_t pid;
	int r = posix_spawn(&pid, name, NULL, NULL, argv, environment);

	errno = r;
	return r ? -1 : waitpid(pid, NULL, 0);
}

static long connected(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), error;
	long r;

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", name);
	r = connect(fd, (struct sockaddr *)&address, sizeof(address));
	error = errno;
	close(fd);
	errno = error;
	return r;
}

static long bound(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), error;
	long r;

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", name);
	r = bind(fd, (struct sockaddr *)&address, strlen(name) ? sizeof(address) : 2);
	error = errno;
	close(fd);
	errno = error;
	return r;
}

static const struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };
static char buffer[4096];
static struct stat status;
static struct statfs fs;

static int back;			/* a descriptor of the current directory */

static long moved(const char *name)
{
	long r = chdir(name);
	int error = errno;

	(void)!fchdir(back);
	errno = error;
	return r;
}

static long renamed2(const char *name, const char *to, unsigned int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, name, AT_FDCWD, to, flags);
}

#define FOR_EACH_CALL(X) \
	X(stat, stat(name, &status)) \
	X(lstat, lstat(name, &status)) \
	X(access, access(name, W_OK)) \
	X(statfs, statfs(name, &fs)) \
	X(readlink, readlink(name, buffer, sizeof(buffer))) \
	X(chdir, moved(name)) \
	X(getxattr, getxattr(name, "user.test", buffer, sizeof(buffer))) \
	X(listxattr, listxattr(name, buffer, sizeof(buffer))) \
	X(open_read, opened(name, O_RDONLY)) \
	X(open_write, opened(name, O_WRONLY)) \
	X(open_both, opened(name, O_RDWR)) \
	X(open_path, opened(name, O_PATH)) \
	X(open_directory, opened(name, O_RDONLY | O_DIRECTORY)) \
	X(open_nofollow, opened(name, O_RDONLY | O_NOFOLLOW)) \
	X(open_tmpfile, opened(name, O_RDWR | O_TMPFILE)) \
	X(execve, executed(name)) \
	X(connect, connected(name)) \
	X(open_truncate, opened(name, O_WRONLY | O_TRUNC)) \
	X(open_create, opened(name, O_WRONLY | O_CREAT)) \
	X(open_exclusive, opened(name, O_WRONLY | O_CREAT | O_EXCL)) \
	X(truncate, truncate(name, 2)) \
	X(chmod, chmod(name, 0751)) \
	X(chown, chown(name, 7, 8)) \
	X(lchown, lchown(name, 9, 10)) \
	X(utimensat, utimensat(AT_FDCWD, name, times, 0)) \
	X(setxattr, setxattr(name, "user.test", "value", 5, 0)) \
	X(setxattr_trusted, lsetxattr(name, "trusted.test", "value", 5, XATTR_CREATE)) \
	X(removexattr, removexattr(name, "trusted.test")) \
	X(mkdir, mkdir(name, 0700)) \
	X(mkfifo, mkfifo(name, 0600)) \
	X(mknod_null, mknod(name, S_IFCHR | 0600, 0x103)) \
	X(symlink, symlink("target", name)) \
	X(bind, bound(name)) \
	X(link, link(name, "linked")) \
	X(link_to, link("file", name)) \
	X(rename, rename(name, "renamed")) \
	X(rename_over, rename(name, "full/inner")) \
	X(rename_to, rename("file", name)) \
	X(rename_noreplace, renamed2(name, "exec", RENAME_NOREPLACE)) \
	X(rename_exchange, renamed2(name, "full", RENAME_EXCHANGE)) \
	X(rename_whiteout, renamed2(name, "white", RENAME_WHITEOUT)) \
	X(rmdir, rmdir(name)) \
	X(unlink, unlink(name)) \
	X(mount_nothing, mount("none", name, "nosuchtype", 0, NULL)) \
	X(umount, umount2(name, UMOUNT_NOFOLLOW))

#define CALL(call, ...) static long call_##call(const char *name) { return __VA_ARGS__; }
FOR_EACH_CALL(CALL)
#undef CALL

static const struct {
	const char *name;
	long (*call)(const char *name);
} calls[] = {
#define CALL(call, ...) { #call, call_##call },
	FOR_EACH_CALL(CALL)
#undef CALL
};

/* The first calls change nothing, so they share files. The others get new ones. */
enum { HARMLESS = 17 };

static void try_names(void)
{
	(void)removexattr("..", "user.test");		/* of an earlier run */
	for (size_t i = 0; i < COUNT(calls); i++) {
		if (i == 0 || i >= HARMLESS)
			reset();
		for (size_t j = 0; j < COUNT(names); j++)
			tell(calls[i].name, names[j], calls[i].call(names[j]));
		fflush(stdout);
		if (i >= HARMLESS)
			list(".");
	}
}

/* ---- descriptors ---- */

static void try_descriptors(void)
{
	static const int commands[] = { F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_GETOWN, F_SETPIPE_SZ, F_GETLEASE,
					F_NOTIFY, F_ADD_SEALS, 9999 };
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 3 };
	char text[32];
	int fd, memory;

	reset();
	fd = open("file", O_RDWR);
	for (size_t i = 0; i < COUNT(commands); i++) {
		snprintf(text, sizeof(text), "%d", commands[i]);
		tell("fcntl", text, fcntl(fd, commands[i], 0));
		tell("fcntl of no descriptor", text, fcntl(99, commands[i], 0));
	}
	tell("setlk", "", fcntl(fd, F_SETLK, &lock));
	tell("ofd_setlk", "", fcntl(fd, F_OFD_SETLK, &lock));
	tell("flock", "", flock(fd, LOCK_EX | LOCK_NB));
	tell("ftruncate", "", ftruncate(fd, 3));
	tell("ftruncate", "-1", ftruncate(fd, -1));
	tell("fallocate", "", fallocate(fd, 0, 0, 8192));
	tell("fchmod", "", fchmod(fd, 0600));
	tell("fchown", "", fchown(fd, 3, 4));
	tell("fsetxattr", "", fsetxattr(fd, "trusted.f", "1", 1, 0));
	tell("fremovexattr", "", fremovexattr(fd, "trusted.f"));
	tell("futimens", "", futimens(fd, times));
	tell("getdents of a file", "", syscall(SYS_getdents64, fd, buffer, sizeof(buffer)));
	tell("ioctl", "", ioctl(fd, 0x1234, 0));
	tell("linkat of a descriptor", "", linkat(fd, "", AT_FDCWD, "linked", AT_EMPTY_PATH));
	memory = memfd_create("memory", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	tell("copy_file_range", "", copy_file_range(fd, &(loff_t){ 0 }, memory, NULL, 3, 0));
	tell("seal", "", fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE));
	tell("write sealed", "", write(memory, "x", 1));
	tell("fexecve of no program", "", syscall(SYS_execveat, memory, "", NULL, NULL, AT_EMPTY_PATH));
	close(memory);
	close(fd);
}

static void try_memory(void)
{
	int fd, readonly;
	void *at;

	reset();
	fd = open("file", O_RDWR);
	readonly = open("readonly", O_RDONLY);
	for (int prot = 0; prot < 8; prot++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", prot);
		at = mmap(NULL, 4096, prot, MAP_SHARED, readonly, 0);
		tell("mmap shared read-only", text, at == MAP_FAILED ? -1 : 0);
		at = mmap(NULL, 4096, prot, MAP_PRIVATE, fd, 0);
		tell("mmap private", text, at == MAP_FAILED ? -1 : 0);
		tell("mprotect", text, mprotect(at, 4096, 7 - prot));
		tell("munmap", text, munmap(at, 4096));
	}
	tell("mmap", "of size 0", mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
	tell("mmap", "of no descriptor", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED ? -1 : 0);
	tell("mprotect", "of nothing", mprotect((void *)4096, 4096, PROT_READ));
	close(readonly);
	close(fd);
}

/* ---- processes and signals ---- */

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

static pid_t start(void (*function)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		function();
		_exit(7);
	}
	return pid;
}

static void sleep_on(void)
{
	for (;;)
		pause();
}

static void try_kill(void)
{
	static const int signals[] = { 0, SIGUSR1, SIGCHLD, SIGSTOP, SIGCONT, SIGTERM, SIGKILL, 65, -1 };
	char text[16];
	int state;
	pid_t pid;

	for (size_t i = 0; i < COUNT(signals); i++) {
		pid = start(sleep_on);
		snprintf(text, sizeof(text), "%d", signals[i]);
		tell("kill", text, kill(pid, signals[i]));
		if (signals[i] == SIGSTOP) {
			tell("wait", "stopped", waitpid(pid, &state, WUNTRACED));
			printf("stopped %d\n", WIFSTOPPED(state) && WSTOPSIG(state) == SIGSTOP);
			tell("kill", "SIGCONT", kill(pid, SIGCONT));
			tell("wait", "continued", waitpid(pid, &state, WCONTINUED));
			printf("continued %d\n", WIFCONTINUED(state));
		}
		kill(pid, SIGKILL);
		waitpid(pid, &state, 0);
		printf("status %#x\n", (unsigned int)state);
	}
	tell("kill", "nobody", kill(0x3ffffffe, 0));
	tell("tgkill", "nobody", syscall(SYS_tgkill, getpid(), 0x3ffffffe, 0));
}

/* Only real signals may interrupt a call, and a pending signal has to stay pending. */
static void try_signals(void)
{
	const struct itimerval soon = { .it_value = { 0, 20000 } };
	struct sigaction action = { .sa_handler = on_signal };
	struct timespec second = { 30, 0 };
	sigset_t set, pending;
	int pipes[2], fd;

	sigaction(SIGALRM, &action, NULL);
	(void)!pipe(pipes);
	setitimer(ITIMER_REAL, &soon, NULL);
	tell("read", "interrupted", read(pipes[0], buffer, 1));
	setitimer(ITIMER_REAL, &soon, NULL);
	tell("nanosleep", "interrupted", nanosleep(&second, NULL));
	setitimer(ITIMER_REAL, &soon, NULL);
	tell("open of a fifo", "interrupted", open("fifo", O_RDONLY));
	printf("caught %d\n", caught == SIGALRM);
	sigaction(SIGCONT, &action, NULL);
	caught = 0;
	(void)opened("file", O_RDWR | O_CREAT);
	(void)!rename("file", "file2");
	(void)mkdir("made", 0700);
	printf("caught by itself %d\n", caught);
	raise(SIGCONT);
	printf("caught %d\n", caught == SIGCONT);
	signal(SIGCONT, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGTSTP);
	raise(SIGUSR1);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	(void)opened("file2", O_RDWR | O_CREAT);
	(void)!rename("file2", "file3");
	(void)mkdir("made2", 0700);
	sigpending(&pending);
	printf("pending:");
	for (int i = 1; i < 32; i++)
		if (sigismember(&pending, i) > 0)
			printf(" %d", i);
	printf("\n");
	tell("signalfd", "1", read(fd, buffer, sizeof(struct signalfd_siginfo)));
	tell("signalfd", "2", read(fd, buffer, 2 * sizeof(struct signalfd_siginfo)));
	sigtimedwait(&set, NULL, &(struct timespec){ 0, 0 });
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	close(fd);
}

static void traced(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
}

static void try_trace(void)
{
	pid_t pid = start(traced);
	int state = 0;

	waitpid(pid, &state, 0);
	printf("traced: stopped %d\n", WIFSTOPPED(state));
	tell("ptrace", "CONT", ptrace(PTRACE_CONT, pid, 0, 0));
	waitpid(pid, &state, 0);
	printf("status %#x\n", (unsigned int)state);
	pid = start(sleep_on);
	tell("ptrace", "ATTACH", ptrace(PTRACE_ATTACH, pid, 0, 0));
	waitpid(pid, &state, 0);
	tell("ptrace", "DETACH", ptrace(PTRACE_DETACH, pid, 0, 0));
	kill(pid, SIGKILL);
	waitpid(pid, &state, 0);
	tell("ptrace", "nobody", ptrace(PTRACE_ATTACH, 0x3ffffffe, 0, 0));
	tell("process_vm_readv", "nobody", syscall(SYS_process_vm_readv, 0x3ffffffe, NULL, 0, NULL, 0, 0));
}

static void change_root(void)
{
	tell("chroot", "missing", chroot("missing"));
	tell("chroot", "dir", chroot("dir"));
	tell("after", "chroot", opened("/file", O_RDONLY));
	fflush(stdout);
}

static void try_roots(void)
{
	pid_t pid;

	reset();
	fflush(stdout);
	pid = start(change_root);
	waitpid(pid, NULL, 0);
	tell("unshare", "", unshare(CLONE_NEWNS));
	tell("private", "", mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	tell("mount", "tmpfs", mount("tmpfs", "dir", "tmpfs", 0, "size=1m"));
	tell("mount", "remount", mount(NULL, "dir", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	tell("mkdir", "read-only", mkdir("dir/x", 0700));
	tell("mount", "bind", mount("full", "sealed", NULL, MS_BIND, NULL));
	tell("open", "through bind", opened("sealed/inner", O_RDONLY));
	tell("rmdir", "mounted on", rmdir("dir"));
	tell("umount", "dir", umount2("dir", 0));
	tell("umount", "sealed", umount2("sealed", 0));
}

int main(void)
{
	umask(022);
	memset(long_name, 'n', sizeof(long_name) - 1);
	memset(long_path, '/', sizeof(long_path) - 1);
	back = open(".", O_PATH | O_DIRECTORY);
	try_names();
	try_descriptors();
	try_memory();
	fflush(stdout);
	try_kill();
	reset();
	try_signals();
	fflush(stdout);
	try_trace();
	try_roots();
	return 0;
}
