/* SPDX-License-Identifier: MIT */

/*
 * Each open file gives one close event, when the last reference to it is gone, whichever way, alone or with many
 * others. The event says whether a program wrote to the file or mapped it writable, by whichever call. No client
 * subscribes to other types.
 */

#include "es-ring.h"
#include "es-test.h"

#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

enum { FILES = 5, WRITTEN_FILES = 3, HIGH = 50000, CLOSE_RANGE_ = 436 };

static const char *program;
static int high;

/* ---- many at once ---- */

/* Opens files f0 and so on; the first are written to. Returns the lowest descriptor. */
static int open_files(int flags)
{
	int first = -1;

	for (int i = 0; i < FILES; i++) {
		char name[8];
		int fd;

		snprintf(name, sizeof(name), "f%d", i);
		fd = open(name, O_RDWR | flags);
		if (fd < 0 || (i < WRITTEN_FILES && write(fd, "x", 1) != 1))
			_exit(100);
		first = first < 0 ? fd : first;
	}
	return first;
}

static int by_exit(void) { open_files(0); return 0; }
static int by_signal(void) { open_files(0); return raise(SIGKILL); }
static int by_range(void) { return result(syscall(CLOSE_RANGE_, open_files(0), ~0u, 0)); }

static int by_exec(void)
{
	open_files(O_CLOEXEC);
	execl(program, program, "0", NULL);
	return errno;
}

static int by_replacing(void)
{
	int first = open_files(0), null = open("/dev/null", O_RDONLY);

	for (int i = 0; i < FILES; i++)
		if (dup2(null, first + i) < 0)
			return errno;
	return 0;
}

static int by_copies(void)
{
	int first = open_files(0);

	if (high < HIGH)
		return 0;
	for (int i = 0; i < FILES; i++)
		if (dup2(first + i, HIGH - 10 + i) < 0 || close(first + i) < 0)
			return errno;
	return result(syscall(CLOSE_RANGE_, 3, ~0u, 0));
}

/* Sends the descriptors, and no process receives them. */
static int by_sending(void)
{
	int sockets[2], files[FILES], first = open_files(0);
	union { char bytes[CMSG_SPACE(sizeof(files))]; struct cmsghdr header; } control = {};
	struct iovec part = {"x", 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets) < 0)
		return errno;
	for (int i = 0; i < FILES; i++)
		files[i] = first + i;
	control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(files))};
	memcpy(CMSG_DATA(&control.header), files, sizeof(files));
	if (sendmsg(sockets[0], &message, 0) != 1)
		return errno;
	syscall(CLOSE_RANGE_, first, first + FILES - 1, 0);
	close(sockets[1]);
	return result(close(sockets[0]));
}

static int by_ring(void)
{
	int first = open_files(0), r = 0;

	for (int i = 0; i < FILES && !r; i++) {
		struct io_uring_sqe entry = {.opcode = IORING_OP_CLOSE, .fd = first + i};

		r = ring_do(0, entry);
	}
	return r;
}

/* ---- ways to write ---- */

static int with_file(int (*write_to)(int fd))
{
	int fd = open("f0", O_RDWR);

	return fd < 0 ? errno : write_to(fd) ?: result(close(fd));
}

static int truncate_it(int fd) { return result(ftruncate(fd, 3)); }
static int allocate(int fd) { return result(fallocate(fd, 0, 0, 8192)); }

static int copy_to(int fd)
{
	int from = open("content", O_RDONLY);

	return result(copy_file_range(from, NULL, fd, NULL, 4, 0)) ?: result(close(from));
}

static int send_to(int fd)
{
	int from = open("content", O_RDONLY);

	return result(sendfile(fd, from, NULL, 4)) ?: result(close(from));
}

static int splice_to(int fd)
{
	int pipes[2];

	return result(pipe(pipes)) ?: result(write(pipes[1], "text", 4)) ?: result(splice(pipes[0], NULL, fd, NULL, 4, 0));
}

static int submit(int fd)
{
	aio_context_t context = 0;
	struct iocb block = {.aio_fildes = (uint32_t)fd, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (uint64_t)"text",
			     .aio_nbytes = 4}, *blocks = &block;
	struct io_event event;

	return result(syscall(SYS_io_setup, 4, &context)) ?: result(syscall(SYS_io_submit, context, 1, &blocks)) ?:
	       result(syscall(SYS_io_getevents, context, 1, 1, &event, NULL)) ?: event.res != 4;
}

static int ring_write(int fd)
{
	struct io_uring_sqe entry = {.opcode = IORING_OP_WRITE, .fd = fd, .addr = (uint64_t)"text", .len = 4};

	return ring_do(0, entry);
}

static int by_truncate(void) { return with_file(truncate_it); }
static int by_allocation(void) { return with_file(allocate); }
static int by_copy(void) { return with_file(copy_to); }
static int by_sendfile(void) { return with_file(send_to); }
static int by_splice(void) { return with_file(splice_to); }
static int by_submission(void) { return with_file(submit); }
static int by_ring_write(void) { return with_file(ring_write); }

/* ---- mappings ---- */

static int map(int protection, int flags, bool writable_later, bool close_first)
{
	int fd = open("f0", O_RDWR);
	char *memory = mmap(NULL, 4096, protection, flags, fd, 0);

	if (memory == MAP_FAILED || (close_first && close(fd) < 0))
		return errno;
	if (writable_later && mprotect(memory, 4096, PROT_READ | PROT_WRITE) < 0)
		return errno;
	return result(munmap(memory, 4096)) ?: (close_first ? 0 : result(close(fd)));
}

static int map_to_write(void) { return map(PROT_READ | PROT_WRITE, MAP_SHARED, false, false); }
static int map_to_read(void) { return map(PROT_READ, MAP_SHARED, false, false); }
static int map_private(void) { return map(PROT_READ | PROT_WRITE, MAP_PRIVATE, false, false); }
static int map_then_protect(void) { return map(PROT_READ, MAP_SHARED, true, false); }
static int map_protect_private(void) { return map(PROT_READ, MAP_PRIVATE, true, false); }
static int map_outlives(void) { return map(PROT_READ, MAP_SHARED, true, true); }

static const struct row {
	const char *name;
	int (*act)(void);
	int files, written;			/* f0 and so on are closed; so many of them were written to */
	bool mapped_writable, killed;
} rows[] = {
	{"exit", by_exit, FILES, WRITTEN_FILES, false, false},
	{"SIGKILL", by_signal, FILES, WRITTEN_FILES, false, true},
	{"close_range", by_range, FILES, WRITTEN_FILES, false, false},
	{"close-on-exec", by_exec, FILES, WRITTEN_FILES, false, false},
	{"dup2 over them", by_replacing, FILES, WRITTEN_FILES, false, false},
	{"high descriptors", by_copies, FILES, WRITTEN_FILES, false, false},
	{"sent and not received", by_sending, FILES, WRITTEN_FILES, false, false},
	{"io_uring", by_ring, FILES, WRITTEN_FILES, false, false},
	{"ftruncate", by_truncate, 1, 1, false, false},
	{"fallocate", by_allocation, 1, 1, false, false},
	{"copy_file_range", by_copy, 1, 1, false, false},
	{"sendfile", by_sendfile, 1, 1, false, false},
	{"splice", by_splice, 1, 1, false, false},
	{"io_submit", by_submission, 1, 1, false, false},
	{"io_uring write", by_ring_write, 1, 1, false, false},
	{"mapped to write", map_to_write, 1, 0, true, false},
	{"mapped to read", map_to_read, 1, 0, false, false},
	{"mapped privately", map_private, 1, 0, false, false},
	{"mapped, then made writable", map_then_protect, 1, 0, true, false},
	{"mapped privately, then made writable", map_protect_private, 1, 0, false, false},
	{"still mapped when closed", map_outlives, 1, 0, true, false},
};

static int act(void *context)
{
	const struct row *row = context;

	return chdir(test_mnt) < 0 ? errno : row->act();
}

static void check(struct test_client *client, const struct row *row, pid_t pid)
{
	for (int i = 0; i < row->files; i++) {
		const char *path = test_at("f%d", i);
		const es_message_t *message = FIND(client, .type = ES_NOTIFY(CLOSE), .pid = pid, .path = path);

		CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(CLOSE), .pid = pid, .path = path), 1);
		if (!message)
			continue;
		CHECK_EQUAL(message->event.close.modified, i < row->written);
		CHECK_EQUAL(message->event.close.was_mapped_writable, row->mapped_writable);
	}
}

static void run(struct test_client *client, const struct row *row)
{
	int status;
	pid_t pid;

	printf("%s\n", row->name);
	test_clear(client);
	pid = test_fork(act, (void *)row);
	status = test_wait(pid);
	if (row->killed)
		CHECK(WIFSIGNALED(status));
	else
		CHECK_EQUAL(WEXITSTATUS(status), 0);
	test_sync(client);
	check(client, row, pid);
}

int main(void)
{
	struct rlimit limit = {HIGH, HIGH};
	struct test_client *client;

	test_begin(60);
	for (int i = 0; i < FILES; i++)
		test_write_file(test_at("f%d", i), "content", 0644);
	test_write_file(test_at("content"), "content", 0644);
	program = test_tiny("program");
	high = setrlimit(RLIMIT_NOFILE, &limit) == 0 ? HIGH : 0;
	test_daemon(NULL);
	if (!test_has_objects())
		test_skip("closes from the kernel's objects: BPF programs at the kernel's functions");
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(CLOSE), -1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		run(client, &rows[i]);
	return test_end();
}
