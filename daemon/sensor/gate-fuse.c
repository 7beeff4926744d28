/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/gate-fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/sensor.h"
#include "daemon/sensor/life.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

#define GATE_NAME "es-gate"

enum {
	START_MS = 5000,		/* time for the process to start */
	END_MS = 1000,			/* and to die of SIGKILL */
	LIMIT_SPARE_MS = 500,		/* the longest wait is shorter than the kernel's limit by this much */
	NODE_FILE = 2,			/* the root is FUSE_ROOT_ID, 1 */
	MINOR_MIN = 23,			/* the first with the present size of the reply to INIT (Linux 3.15) */
};

/* The file's content, from gate-program.S. Empty on other processors than those it is written for. */
extern const char esd_gate_program[], esd_gate_program_end[];

static size_t program_size(void)
{
	return esd_gate_program_end - esd_gate_program;
}

/* ---- serving the file system ---- */

struct request {
	struct fuse_in_header head;
	union {
		struct fuse_init_in init;
		struct fuse_read_in read;
		char bytes[FUSE_MIN_READ_BUFFER - sizeof(struct fuse_in_header)];
	};
};

/* 0, or a negative errno. An interrupted request counts as success. */
static int reply(int fd, const struct request *request, int error, const void *data, size_t size)
{
	struct fuse_out_header head = { .len = sizeof(head) + size, .error = error, .unique = request->head.unique };
	struct iovec iov[] = { { &head, sizeof(head) }, { (void *)data, size } };

	if (writev(fd, iov, size ? 2 : 1) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static struct fuse_attr attributes(uint64_t node)
{
	bool file = node == NODE_FILE;

	return (struct fuse_attr){
		.ino = node,
		.size = file ? program_size() : 0,
		/* A waiting task of any user must be able to read the file's attribute. */
		.mode = (file ? S_IFREG : S_IFDIR) | 0555,
		.nlink = 1,
		.blksize = 4096,
	};
}

static int serve_init(int fd, const struct request *request)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = request->init.minor < FUSE_KERNEL_MINOR_VERSION ? request->init.minor : FUSE_KERNEL_MINOR_VERSION,
		.max_write = 4096,
		.time_gran = 1,
	};

	if (request->init.major != FUSE_KERNEL_VERSION || request->init.minor < MINOR_MIN)
		return reply(fd, request, -EPROTO, NULL, 0);
	return reply(fd, request, 0, &out, sizeof(out));
}

static int serve_lookup(int fd, const struct request *request)
{
	struct fuse_entry_out out = {
		.nodeid = NODE_FILE,
		.entry_valid = UINT64_MAX,
		.attr_valid = UINT64_MAX,
		.attr = attributes(NODE_FILE),
	};

	if (request->head.nodeid != FUSE_ROOT_ID || strcmp(request->bytes, GATE_NAME))
		return reply(fd, request, -ENOENT, NULL, 0);
	return reply(fd, request, 0, &out, sizeof(out));
}

static int serve_getattr(int fd, const struct request *request)
{
	struct fuse_attr_out out = { .attr_valid = UINT64_MAX, .attr = attributes(request->head.nodeid) };

	return reply(fd, request, 0, &out, sizeof(out));
}

static int serve_read(int fd, const struct request *request)
{
	size_t offset = request->read.offset < program_size() ? request->read.offset : program_size();
	size_t size = program_size() - offset;

	if (size > request->read.size)
		size = request->read.size;
	return reply(fd, request, 0, esd_gate_program + offset, size);
}

/*
 * After ENOSYS, the kernel does without that request for good. That is what we want for OPEN and its companions. Never
 * reply ENOSYS to GETXATTR: the kernel would stop asking for attributes, and no task would wait at the gate.
 */
static int serve(int fd, const struct request *request)
{
	switch (request->head.opcode) {
	case FUSE_INIT:
		return serve_init(fd, request);
	case FUSE_LOOKUP:
		return serve_lookup(fd, request);
	case FUSE_GETATTR:
		return serve_getattr(fd, request);
	case FUSE_READ:
		return serve_read(fd, request);
	case FUSE_GETXATTR:
		return reply(fd, request, -ENODATA, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return 0;		/* these get no reply */
	default:
		return reply(fd, request, -ENOSYS, NULL, 0);
	}
}

static int serve_pending(int fd)
{
	struct request request;
	ssize_t n;
	int r = 0;

	while (r == 0) {
		memset(&request, 0, sizeof(request));
		n = read(fd, &request, sizeof(request));
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0 && errno != EINTR && errno != ENOENT)
			return -errno;
		if (n >= (ssize_t)sizeof(request.head))
			r = serve(fd, &request);
	}
	return r;
}

/* ---- the mount ---- */

static int file_system_new(const char *type)
{
	int fd = fsopen(type, FSOPEN_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* A mount of it that isn't attached to the directory tree. */
static int file_system_mount(int fs, unsigned int attributes)
{
	int fd;

	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | attributes);
	return fd < 0 ? -errno : fd;
}

static int gate_mount(int fuse_fd, int *ret)
{
	/* Read-only: else a read makes the access time stale, and the kernel asks the server for it. */
	static const char *const flags[] = { "allow_other", "default_permissions", "ro" };
	const char *const values[][2] = {
		{ "source", "endpointsecurity" }, { "subtype", "endpointsecurity" },
		{ "rootmode", "40555" }, { "user_id", "0" }, { "group_id", "0" },
	};
	_cleanup_close_ int fs = file_system_new("fuse");
	char number[16];
	int r = 0;

	if (fs < 0)
		return fs;
	snprintf(number, sizeof(number), "%d", fuse_fd);
	if (fsconfig(fs, FSCONFIG_SET_STRING, "fd", number, 0) < 0)
		r = -errno;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(values); i++)
		if (fsconfig(fs, FSCONFIG_SET_STRING, values[i][0], values[i][1], 0) < 0)
			r = -errno;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(flags); i++)
		if (fsconfig(fs, FSCONFIG_SET_FLAG, flags[i], NULL, 0) < 0)
			r = -errno;
	if (r == 0)
		r = file_system_mount(fs, MOUNT_ATTR_RDONLY);
	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

/* The connection's number is the minor number of its device. DONT_SYNC: else the kernel would ask us, its server. */
static int abort_open(int mount_fd, int *ret)
{
	_cleanup_close_ int fs = file_system_new("fusectl"), control = -1;
	struct statx st;
	char path[32];
	int fd;

	if (fs < 0)
		return fs;
	control = file_system_mount(fs, MOUNT_ATTR_NOEXEC);
	if (control < 0)
		return control;
	if (statx(mount_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st) < 0)
		return -errno;
	snprintf(path, sizeof(path), "%u/abort", st.stx_dev_minor);
	fd = openat(control, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

/* ---- the process ---- */

/* What the gate process sends through its descriptor 0: one byte from the program, or why the exec failed. */
union word {
	char runs;
	int error;
};

/*
 * Opens and closes the file once before the exec. A close sends FLUSH (an exec doesn't), and after ENOSYS the kernel
 * sends no more of them. Otherwise a task that closed the file later would wait for the client, immune even to SIGKILL.
 */
static void file_try(int mount_fd)
{
	int fd = openat(mount_fd, GATE_NAME, O_RDONLY | O_CLOEXEC);

	closep(&fd);
}

/* The program's descriptors, in their order; gate-program.S has the numbers. */
enum process_fd {
	PROCESS_PIPE,
	PROCESS_ABORT,
	PROCESS_DAEMON,
	PROCESS_END,
	PROCESS_FDS,
};

static int process_fds(int fds[PROCESS_FDS])
{
	for (int i = 0; i < PROCESS_FDS; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, PROCESS_FDS);
		if (fds[i] < 0)
			return -errno;
	}
	for (int i = 0; i < PROCESS_FDS; i++)
		if (dup2(fds[i], i) < 0)
			return -errno;
	return close_range(PROCESS_FDS, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

static _Noreturn void process_run(int mount_fd, int fds[PROCESS_FDS], pid_t client, uint32_t *gate_pid)
{
	char number[16];
	char *arguments[] = { GATE_NAME, number, NULL }, *environment[] = { NULL };
	union word word;
	sigset_t all;
	int r;

	/* Block all but SIGKILL, so that the process needn't run to handle a signal. SIGCONT ends a stop even so. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGCONT);
	*gate_pid = getpid();
	snprintf(number, sizeof(number), "%d", client);
	setsid();
	mount_fd = fcntl(mount_fd, F_DUPFD_CLOEXEC, PROCESS_FDS);
	file_try(mount_fd);
	r = process_fds(fds);
	if (r == 0 && mount_fd >= 0 && chdir("/") == 0)
		execveat(mount_fd, GATE_NAME, arguments, environment, 0);
	word.error = r < 0 ? -r : errno;
	(void)!write(fds[PROCESS_PIPE], &word, sizeof(word));
	_exit(1);
}

/* Serves the file system until the process runs. */
static int process_await(const struct esd_gate_fuse *gate, int pipe_fd)
{
	struct pollfd ready[] = { { .fd = gate->fd, .events = POLLIN }, { .fd = pipe_fd, .events = POLLIN } };
	uint64_t end = clock_ns() + START_MS * NS_PER_MS;
	union word word;
	ssize_t n;
	int r;

	while (clock_ns() < end) {
		if (poll(ready, ARRAY_SIZE(ready), 100) < 0 && errno != EINTR)
			return -errno;
		r = serve_pending(gate->fd);
		if (r < 0)
			return r;
		if (!ready[1].revents)
			continue;
		n = read(pipe_fd, &word, sizeof(word));
		if (n == sizeof(word))
			return -word.error;
		return n == sizeof(word.runs) ? 0 : -ECHILD;
	}
	return -ETIMEDOUT;
}

static int process_start(struct esd_gate_fuse *gate, int mount_fd, int end_fd, pid_t client, uint32_t *gate_pid)
{
	_cleanup_close_ int read_end = -1, write_end = -1, self = -1;
	int fds[2];

	self = pidfd_open(esd_life_pid(), 0);
	if (self < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	read_end = fds[0];
	write_end = fds[1];
	gate->pid = fork();
	if (gate->pid == 0) {
		int given[PROCESS_FDS] = {
			[PROCESS_PIPE] = write_end,
			[PROCESS_ABORT] = gate->abort_fd,
			[PROCESS_DAEMON] = self,
			[PROCESS_END] = end_fd < 0 ? self : end_fd,
		};

		process_run(mount_fd, given, client, gate_pid);
	}
	closep(&write_end);
	write_end = -1;
	if (gate->pid < 0)
		return -errno;
	*gate_pid = gate->pid;
	gate->pidfd = pidfd_open(gate->pid, 0);
	if (gate->pidfd < 0)
		return -errno;
	return process_await(gate, read_end);
}

static void process_reap(struct esd_gate_fuse *gate)
{
	struct pollfd dead = { .fd = gate->pidfd, .events = POLLIN };

	/* A process that is still alive can't be killed. It is left to init. */
	if (gate->pidfd >= 0 && poll(&dead, 1, END_MS) != 1)
		log_warning("the process of a gate, pid %d, can't be killed", gate->pid);
	if (gate->pid > 0)
		(void)waitpid(gate->pid, NULL, gate->pidfd < 0 ? 0 : WNOHANG);
}

/* ---- together ---- */

static int gate_make(struct esd_gate_fuse *gate, pid_t client, int end_fd, uint32_t *gate_pid, const char **step)
{
	_cleanup_close_ int mount_fd = -1;
	int r;

	*step = "there is no gate program for this processor";
	if (!program_size())
		return -ENOEXEC;
	/* First, because it loads the module that makes the device. */
	*step = "can't use FUSE (CONFIG_FUSE_FS, module fuse)";
	r = file_system_new("fuse");
	if (r < 0)
		return r;
	close(r);
	*step = "can't open /dev/fuse";
	gate->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (gate->fd < 0)
		return -errno;
	*step = "can't mount a FUSE file system";
	r = gate_mount(gate->fd, &mount_fd);
	if (r < 0)
		return r;
	*step = "can't open the FUSE connection's abort file (file system fusectl)";
	r = abort_open(mount_fd, &gate->abort_fd);
	if (r < 0)
		return r;
	*step = "can't start the gate's process";
	return process_start(gate, mount_fd, end_fd, client, gate_pid);
}

int esd_gate_fuse_init(struct esd_gate_fuse *gate, pid_t client, int end_fd, uint32_t *gate_pid, const char **ret_step)
{
	const char *step;
	int r;

	*gate = (struct esd_gate_fuse)ESD_GATE_FUSE_NONE;
	r = gate_make(gate, client, end_fd, gate_pid, &step);
	if (r == 0)
		return 0;
	*gate_pid = 0;
	if (ret_step)
		*ret_step = step;
	esd_gate_fuse_deinit(gate);
	return r;
}

static uint32_t read_seconds(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[16];
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (length <= 0)
		return 0;
	text[length] = '\0';
	return strtoul(text, NULL, 10);
}

/* Our connection asks for no limit. So it gets the default, but never more than the maximum. */
uint32_t esd_gate_fuse_limit_ms(void)
{
	uint32_t seconds = read_seconds("/proc/sys/fs/fuse/default_request_timeout");
	uint32_t max = read_seconds("/proc/sys/fs/fuse/max_request_timeout");

	if (!seconds || (max && max < seconds))
		seconds = max;
	return seconds ? (seconds * 1000 - LIMIT_SPARE_MS) / ES_DEADLINES_MAX : 0;
}

void esd_gate_fuse_abort(struct esd_gate_fuse *gate)
{
	if (gate->abort_fd >= 0 && write(gate->abort_fd, "1", 1) < 0)
		log_error("can't abort a FUSE connection: %s; what waits at it waits until its client has ended",
			  strerror(errno));
	if (gate->pidfd >= 0)
		(void)pidfd_send_signal(gate->pidfd, SIGKILL, NULL, 0);
	else if (gate->pid > 0)
		(void)kill(gate->pid, SIGKILL);
}

/* Abort the connection first: a process that waits in it can't be killed. */
void esd_gate_fuse_deinit(struct esd_gate_fuse *gate)
{
	esd_gate_fuse_abort(gate);
	process_reap(gate);
	closep(&gate->abort_fd);
	closep(&gate->fd);
	closep(&gate->pidfd);
	*gate = (struct esd_gate_fuse)ESD_GATE_FUSE_NONE;
}
