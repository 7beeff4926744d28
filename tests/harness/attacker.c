/* SPDX-License-Identifier: MIT */
#include "attacker.h"

#include <linux/fs.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>

enum { THREADS_MAX = 4, FIRST_DESCRIPTOR = 4, DESCRIPTORS_MAX = 20 };

const char *const attacker_files[] = { "free-fi1", "free-fi2", "free-fi3", "free-fi4" };

static const char *const names[] = {
	"free-fi1", "free-fi2", "free-fi3", "free-fi4", "free-dir", "free-run", "kept-dir", "kept-run", "kept-scr", "kept-fil",
	"kept-fi2", "kept-soc", "kept-dgr", "read-fil", "read-fi2", "link-one", "link-two", "kept-dir/in-it",
};

/* A thread, or a process that it forked. */
struct self {
	unsigned int random;
	bool denied_by_mode;		/* it handles SIGCONT, so calls that can't start over may be denied */
	char path[64];
	const char *operation;
};

static __thread sigjmp_buf way_out;
static __thread volatile sig_atomic_t may_leave;
static int base;			/* a descriptor of the directory: the first after stderr */

unsigned int attacker_random(unsigned int *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state >> 3;
}

static unsigned int below(struct self *self, unsigned int limit)
{
	return attacker_random(&self->random) % limit;
}

static void count(uint64_t *number)
{
	__atomic_add_fetch(number, 1, __ATOMIC_RELAXED);
}

static void done(es_event_type_t type)
{
	count(&attacked->done[type]);
}

static void broken(struct self *self, const char *what)
{
	may_leave = 0;
	__atomic_add_fetch(&attacked->broken, 1, __ATOMIC_RELAXED);
	printf("BROKEN by %s: %s\n", self->operation, what);
}

/* ---- names ---- */

/* A fixed name, one that changes while the call waits, or a path to the file itself, whatever its name. */
static const char *pick(struct self *self)
{
	unsigned int how = below(self, 10);
	const char *name = names[below(self, ARRAY_SIZE(names))];
	int fd;

	if (how < 6)
		return name;
	if (how < 9)
		return attacked->name[below(self, SHARED_NAMES)];
	fd = open(name, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return name;
	snprintf(self->path, sizeof(self->path), "/proc/thread-self/fd/%d", fd);
	return self->path;
}

static void rewrite(struct self *self)
{
	char *name = attacked->name[below(self, SHARED_NAMES)];

	memcpy(name, names[below(self, ARRAY_SIZE(names) - 1)], 8);	/* all but the last have eight characters */
}

static unsigned int new_name(struct self *self, char *path, size_t size)
{
	unsigned int number = __atomic_fetch_add(&attacked->next_new, 1, __ATOMIC_RELAXED);

	if (number >= NEW_MAX)
		_exit(0);
	snprintf(path, size, "%snew-%u", below(self, 2) ? "free-dir/" : "", number);
	return number;
}

static void seen_new(struct self *self, unsigned int number)
{
	if (!__atomic_load_n(&attacked->asked_new[number], __ATOMIC_ACQUIRE))
		broken(self, "made, and not asked about");
}

/* ---- what was opened ---- */

enum { IS_FREE, IS_READABLE, IS_PROTECTED };

static int protection_of(const struct stat *about)
{
	for (unsigned int i = 0; i < PROTECTED_MAX; i++)
		if (attacked->protected[i] == about->st_ino && about->st_ino)
			return attacked->readable[i] ? IS_READABLE : IS_PROTECTED;
	return IS_FREE;
}

static bool in_our_place(const struct stat *about)
{
	struct stat here;

	return fstat(base, &here) == 0 && here.st_dev == about->st_dev;
}

static void look_at(struct self *self, int fd)
{
	struct stat about;
	int protection, flags;

	if (fstat(fd, &about) < 0 || !in_our_place(&about) || S_ISSOCK(about.st_mode))
		return;
	protection = protection_of(&about);
	if (protection == IS_FREE)
		return;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || flags & O_PATH)
		return;
	if (protection == IS_PROTECTED)
		broken(self, "a protected file is open");
	else if ((flags & O_ACCMODE) != O_RDONLY)
		broken(self, "a file to be read only is open for writing");
}

/* Also checks descriptors that abandoned calls have opened. */
static void close_all(struct self *self)
{
	for (int fd = FIRST_DESCRIPTOR; fd < DESCRIPTORS_MAX; fd++)
		look_at(self, fd);
	close_range(FIRST_DESCRIPTOR, ~0u, 0);
}

/* ---- operations ---- */

static void do_open(struct self *self)
{
	static const int more[] = { 0, 0, O_TRUNC, O_CREAT, O_CREAT | O_TRUNC, O_NOFOLLOW, O_APPEND, O_DIRECTORY };
	int flags = (int)below(self, 3) | more[below(self, ARRAY_SIZE(more))] | O_CLOEXEC | O_NONBLOCK;
	const char *name = pick(self);
	struct open_how { uint64_t flags, mode, resolve; } how = { .flags = (uint64_t)flags };
	int fd;

	if (below(self, 3))
		fd = openat(base, name, flags, 0666);
	else
		fd = (int)syscall(SYS_openat2, base, name, &how, sizeof(how));
	if (fd < 0)
		return;
	look_at(self, fd);
	done(ES_AUTH(OPEN));
	close(fd);
}

static void do_truncate(struct self *self)
{
	if (truncate(pick(self), 3) == 0)
		done(ES_AUTH(TRUNCATE));
}

static void make_again(struct self *self)
{
	int fd = open(attacker_files[below(self, ARRAY_SIZE(attacker_files))], O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return;
	done(ES_AUTH(OPEN));
	if (fchown(fd, ATTACKER_USER, ATTACKER_USER) == 0)
		done(ES_AUTH(SETOWNER));
	close(fd);
}

static void do_unlink(struct self *self)
{
	if (unlink(pick(self)) == 0)
		done(ES_AUTH(UNLINK));
	make_again(self);
}

static void do_rmdir(struct self *self)
{
	if (rmdir(pick(self)) == 0)
		done(ES_AUTH(UNLINK));
	(void)mkdir("free-dir", 0777);
}

static void do_rename(struct self *self)
{
	static const unsigned int flags[] = { 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_EXCHANGE };

	if (syscall(SYS_renameat2, AT_FDCWD, pick(self), AT_FDCWD, pick(self), flags[below(self, ARRAY_SIZE(flags))]) == 0)
		done(ES_AUTH(RENAME));
	make_again(self);
}

static void do_link(struct self *self)
{
	char path[64];
	unsigned int number = new_name(self, path, sizeof(path));
	bool made = linkat(AT_FDCWD, pick(self), AT_FDCWD, path, below(self, 2) ? AT_SYMLINK_FOLLOW : 0) == 0;

	if (made) {
		done(ES_AUTH(LINK));
		seen_new(self, number);
		(void)unlink(path);
	}
}

static void do_new(struct self *self)
{
	char path[64];
	unsigned int number = new_name(self, path, sizeof(path));
	int r, error;

	switch (below(self, 4)) {
	case 0:
		r = mkdir(path, 0777);
		break;
	case 1:
		r = symlink("free-fi1", path);
		break;
	case 2:
		r = mknod(path, S_IFIFO | 0666, 0);
		break;
	default:
		r = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	}
	error = errno;
	if (r >= 0) {
		seen_new(self, number);
		done(ES_AUTH(CREATE));
	} else if (error == EPERM && !strchr(path, '/') && !self->denied_by_mode) {
		broken(self, "denied, though the client allows it");	/* by now "free-dir" may be a link to a protected directory */
	}
	if (r > 0)
		close(r);
	(void)remove(path);
}

static void do_attribute(struct self *self)
{
	const char *name = pick(self);

	switch (below(self, 6)) {
	case 0:
		if (chmod(name, 0777) == 0)
			done(ES_AUTH(SETMODE));
		break;
	case 1:
		if (chown(name, ATTACKER_USER, ATTACKER_USER) == 0)
			done(ES_AUTH(SETOWNER));
		break;
	case 2:
		if (setxattr(name, below(self, 2) ? "user.es" : "trusted.es", "1", 1, 0) == 0)
			done(ES_AUTH(SETEXTATTR));
		break;
	case 3:
		if (removexattr(name, below(self, 2) ? "user.es" : "trusted.es") == 0)
			done(ES_AUTH(DELETEEXTATTR));
		break;
	case 4:
		if (lchown(name, ATTACKER_USER, ATTACKER_USER) == 0)
			done(ES_AUTH(SETOWNER));
		break;
	default:
		if (utimensat(AT_FDCWD, name, NULL, 0) == 0)
			done(ES_AUTH(UTIMES));
	}
}

/* Threads share the word of flags, so that it changes while calls use it. */
static void do_ioctl(struct self *self)
{
	static int flags;
	int fd = open(pick(self), O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	look_at(self, fd);
	done(ES_AUTH(OPEN));
	flags = below(self, 2) ? FS_NODUMP_FL : 0;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0)
		done(ES_AUTH(SETFLAGS));
	close(fd);
}

static void do_chdir(struct self *self)
{
	struct stat about;

	if (chdir(pick(self)) == 0 && stat(".", &about) == 0 && in_our_place(&about)) {
		done(ES_AUTH(CHDIR));
		if (protection_of(&about) == IS_PROTECTED)
			broken(self, "in a protected directory");
	}
	(void)!fchdir(base);
}

static void do_connect(struct self *self)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, (below(self, 2) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", pick(self));
	if (below(self, 2)) {
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			broken(self, "a protected socket was connected to");
	} else if (sendto(fd, "x", 1, 0, (struct sockaddr *)&address, sizeof(address)) == 1) {
		broken(self, "a protected socket was sent to");
	}
	close(fd);
}

static void do_signal(struct self *self)
{
	static const int signals[] = { SIGKILL, SIGSTOP, SIGUSR1, SIGTERM, SIGCONT, 40 };
	int number = signals[below(self, ARRAY_SIZE(signals))], fd;
	siginfo_t info = { .si_signo = number, .si_code = -1 - (int)below(self, 8) };
	pid_t victim = attacked->victim;
	long r;

	switch (below(self, 6)) {
	case 0:
		r = kill(victim, number);
		break;
	case 1:
		r = kill(-victim, number);
		break;
	case 2:
		r = syscall(SYS_tgkill, victim, victim, number);
		break;
	case 3:
		r = syscall(SYS_rt_sigqueueinfo, victim, number, &info);
		break;
	case 4:
		fd = (int)syscall(SYS_pidfd_open, victim, 0);
		r = syscall(SYS_pidfd_send_signal, fd, number, NULL, 0);
		close(fd);
		break;
	default:
		r = ptrace(PTRACE_SEIZE, victim, 0, 0);
		if (r == 0)
			ptrace(PTRACE_DETACH, victim, 0, 0);
	}
	if (r == 0)
		broken(self, "the victim was signalled or traced");
}

/* Signals another attacker: to stop, go on, or leave its call. */
static void do_disturb(struct self *self)
{
	static const int signals[] = { SIGSTOP, SIGCONT, SIGUSR1 };
	pid_t pid = attacked->attacker[below(self, ATTACKERS)], tid;
	int number = signals[below(self, ARRAY_SIZE(signals))];

	for (int i = 0; i < 6; i++) {
		tid = attacked->thread[below(self, ATTACKER_THREADS)];
		if (tid > 0 && tid != gettid())
			(void)syscall(SYS_tkill, tid, SIGUSR1);
	}
	if (pid <= 0 || pid == getpid() || below(self, 2))
		return;
	(void)kill(pid, number);
	if (number == SIGSTOP) {
		usleep(below(self, 30000));
		(void)kill(pid, SIGCONT);
	}
}

static void do_swap(struct self *self)
{
	char path[64];

	for (int i = 0; i < 4; i++)
		rewrite(self);
	(void)new_name(self, path, sizeof(path));
	if (symlink(names[below(self, ARRAY_SIZE(names))], path) == 0)
		(void)rename(path, below(self, 2) ? "link-one" : "link-two");
	(void)unlink(path);
}

/* ---- in a child ---- */

static void execute(struct self *self)
{
	const char *name = below(self, 2) ? pick(self) : below(self, 2) ? "free-run" : "kept-run";
	char *const argv[] = { (char *)name, NULL }, *const environment[] = { NULL };
	int fd;

	if (below(self, 3)) {
		execve(name, argv, environment);
	} else {
		fd = open(name, O_PATH | O_CLOEXEC);
		(void)syscall(SYS_execveat, fd, "", argv, environment, AT_EMPTY_PATH);
	}
}

static void mount_something(struct self *self)
{
	const char *name = below(self, 2) ? "kept-dir" : pick(self);
	struct stat about, on;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || stat(name, &about) < 0)
		return;
	if (mount(below(self, 2) ? "free-dir" : "kept-dir", name, NULL, MS_BIND | (below(self, 2) ? MS_PRIVATE : 0), NULL) < 0)
		return;
	done(ES_AUTH(MOUNT));
	if (stat("kept-dir", &on) == 0 && protection_of(&on) != IS_PROTECTED)
		broken(self, "mounted on a protected directory");
}

static void open_often(struct self *self)
{
	for (int i = 0; i < 10; i++)
		do_open(self);
}

/* Exits with 50, unless `kept-run` has run, which exits with 1. Signals make it leave its call, and try again. */
static _Noreturn void child(struct self *self, void (*act)(struct self *self))
{
	volatile int tries = 0;

	(void)sigsetjmp(way_out, 0);
	if (tries++ < 3) {
		may_leave = 1;
		act(self);
	}
	_exit(50);
}

static void in_child(struct self *self, void (*act)(struct self *self))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		child(self, act);
	for (unsigned int ms = 0; pid > 0 && waitpid(pid, &status, WNOHANG) == 0; ms++) {
		if (below(self, 20) == 0)
			(void)kill(pid, SIGUSR1);
		if (ms > 200)
			(void)kill(pid, SIGKILL);
		usleep(1000 + below(self, 10000));
	}
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 1)
		broken(self, "a protected program has run");
}

static void do_exec(struct self *self) { in_child(self, execute); }

static void do_mount(struct self *self)
{
	if (geteuid() == 0)
		in_child(self, mount_something);
}

static void do_flood(struct self *self)
{
	for (int i = 0; i < 6; i++) {
		self->random += 7;
		if (fork() == 0)
			child(self, open_often);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* ---- threads ---- */

static const struct {
	const char *name;
	void (*act)(struct self *self);
	unsigned int often;
	bool may_leave;
} operations[] = {
	{ "open", do_open, 10, true },
	{ "truncate", do_truncate, 3, true },
	{ "unlink", do_unlink, 3, true },
	{ "rmdir", do_rmdir, 1, true },
	{ "rename", do_rename, 6, true },
	{ "link", do_link, 3, true },
	{ "new", do_new, 6, true },
	{ "attribute", do_attribute, 6, true },
	{ "ioctl", do_ioctl, 2, true },
	{ "chdir", do_chdir, 2, true },
	{ "connect", do_connect, 3, true },
	{ "signal", do_signal, 5, true },
	{ "disturb", do_disturb, 8, false },
	{ "swap", do_swap, 8, true },
	{ "exec", do_exec, 3, false },
	{ "mount", do_mount, 1, false },
	{ "flood", do_flood, 1, false },
};

static unsigned int choose(struct self *self)
{
	unsigned int sum = 0, at;

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		sum += operations[i].often;
	at = below(self, sum);
	for (unsigned int i = 0;; i++) {
		if (at < operations[i].often)
			return i;
		at -= operations[i].often;
	}
}

static void on_usr1(int signal)
{
	(void)signal;
	if (may_leave) {
		may_leave = 0;
		siglongjmp(way_out, 1);
	}
}

static void on_cont(int signal)
{
	(void)signal;
}

/* Repeats an operation that it left, half of the time with the same random numbers. */
static void attack_once(struct self *self)
{
	struct self *const volatile kept = self;
	volatile unsigned int which = choose(self), random = self->random;
	volatile bool left = false;

	if (sigsetjmp(way_out, 0)) {
		count(&attacked->left);
		if (left || kept->random & 1)
			return;
		left = true;
		kept->random = random;
	}
	count(&attacked->tried);
	kept->operation = operations[which].name;
	may_leave = operations[which].may_leave;
	operations[which].act(kept);
	may_leave = 0;
}

static void *thread(void *context)
{
	struct self self = *(struct self *)context;

	self.random = (self.random ^ (unsigned int)gettid() * 2654435761u) | 1;
	(void)unshare(CLONE_FILES | CLONE_FS);
	attacked->thread[gettid() % ATTACKER_THREADS] = gettid();
	for (;;) {
		attack_once(&self);
		may_leave = 0;
		close_all(&self);
		(void)!fchdir(base);
	}
	return NULL;
}

static void take_signals(struct self *self)
{
	const struct sigaction leave = { .sa_handler = on_usr1, .sa_flags = SA_NODEFER | SA_RESTART };
	const struct sigaction go_on = { .sa_handler = on_cont };
	sigset_t set;

	sigaction(SIGUSR1, &leave, NULL);
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&set);
	if (below(self, 5) == 0)
		sigaddset(&set, SIGCONT);
	sigprocmask(SIG_SETMASK, &set, NULL);
	if (below(self, 8) == 0) {
		sigaction(SIGCONT, &go_on, NULL);
		self->denied_by_mode = true;
	}
}

_Noreturn void attacker_run(unsigned int seed)
{
	struct self self = { .random = seed | 1, .operation = "beginning" };
	pthread_t id;

	for (int i = 0; i < 8; i++)
		rewrite(&self);
	close_range(3, ~0u, 0);
	base = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (below(&self, 2) && (setgid(ATTACKER_USER) < 0 || setuid(ATTACKER_USER) < 0))
		_exit(1);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	take_signals(&self);
	for (unsigned int i = below(&self, THREADS_MAX); i > 0; i--)
		pthread_create(&id, NULL, thread, &self);
	thread(&self);
	_exit(0);
}
