/* SPDX-License-Identifier: MIT */

/*
 * Events of memory and of access to other processes: a file is mapped, protection changes (fact 171: PROT_* values),
 * and each way to look into another process (fact 172): ptrace(2), process_vm_readv(2), process_vm_writev(2),
 * pidfd_open(2), and the files below /proc/PID. Looking at oneself is no event.
 */

#include "es-test.h"

#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>

static pid_t target;
static char *memory;				/* in `target` as well */

static int sleep_on(void *context)
{
	(void)context;
	for (;;)
		pause();
	return 0;
}

static int map_and_protect(void *context)
{
	long page = sysconf(_SC_PAGESIZE);
	int fd = open(context, O_RDONLY);
	char *mapped = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, page);

	if (mapped == MAP_FAILED || mprotect(mapped, page, PROT_NONE) < 0)
		return errno;
	if (mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return errno;
	return mprotect((char *)1, page, PROT_NONE) == 0;	/* fails, and is no event */
}

static int open_of(pid_t pid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, flags);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? errno : 0;
}

static int look_at_files(void *context)
{
	(void)context;
	return open_of(target, "mem", O_RDONLY) ?: open_of(target, "mem", O_RDWR) ?: open_of(target, "maps", O_RDONLY)
	       ?: open_of(target, "fd", O_RDONLY | O_DIRECTORY) ?: open_of(target, "comm", O_WRONLY)
	       ?: open_of(getpid(), "maps", O_RDONLY) ?: open_of(getpid(), "mem", O_RDONLY);
}

static int read_memory(void *context)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { memory, 1 };

	(void)context;
	return process_vm_readv(target, &here, 1, &there, 1, 0) == 1 ? 0 : errno;
}

static int write_memory(void *context)
{
	char byte = 'x';
	struct iovec here = { &byte, 1 }, there = { memory, 1 };

	(void)context;
	return process_vm_writev(target, &here, 1, &there, 1, 0) == 1 ? 0 : errno;
}

static int open_pidfd(void *context)
{
	(void)context;
	return syscall(SYS_pidfd_open, target, 0) < 0 ? errno : 0;
}

static int attach(void *context)
{
	(void)context;
	return ptrace(PTRACE_SEIZE, target, NULL, NULL) < 0 ? errno : 0;
}

static pid_t run(struct test_client *client, test_child_f *function, void *context)
{
	pid_t pid;
	int status;

	test_clear(client);
	pid = test_fork(function, context);
	status = test_wait(pid);
	CHECK_EQUAL(WEXITSTATUS(status), 0);
	test_sync(client);
	return pid;
}

static void test_memory(struct test_client *client)
{
	pid_t pid = run(client, map_and_protect, (void *)test_at("file"));
	const es_message_t *message;

	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(MMAP), .pid = pid), 1);
	message = FIND(client, .type = ES_NOTIFY(MMAP), .pid = pid);
	if (CHECK(message != NULL)) {
		const es_event_mmap_t *event = &message->event.mmap;

		CHECK_TOKEN(event->source->path, test_at("file"));
		CHECK_EQUAL(event->protection, PROT_READ);
		CHECK_EQUAL(event->flags, MAP_PRIVATE);
		CHECK_EQUAL(event->file_pos, sysconf(_SC_PAGESIZE));
	}
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(MPROTECT), .pid = pid), 1);
	message = FIND(client, .type = ES_NOTIFY(MPROTECT), .pid = pid);
	if (CHECK(message != NULL)) {
		CHECK_EQUAL(message->event.mprotect.protection, PROT_NONE);
		CHECK_EQUAL(message->event.mprotect.size, sysconf(_SC_PAGESIZE));
		CHECK(message->event.mprotect.address != 0);
	}
}

static bool looked(const es_message_t *message, const es_process_t *process)
{
	return CHECK(message != NULL) && CHECK(process != NULL) && CHECK_EQUAL(test_pid(process), target);
}

#define LOOKED(client, TYPE, member, pid_, skip_) ({ \
	const es_message_t *message_ = FIND(client, .type = ES_NOTIFY(TYPE), .pid = (pid_), .skip = (skip_)); \
	looked(message_, message_ ? message_->event.member.target : NULL) ? message_ : NULL; })

static void test_files(struct test_client *client)
{
	static const es_proc_check_type_t types[] = { ES_PROC_CHECK_TYPE_PIDINFO, ES_PROC_CHECK_TYPE_PIDFDINFO,
						      ES_PROC_CHECK_TYPE_SETCONTROL };
	pid_t pid = run(client, look_at_files, NULL);

	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(GET_TASK_READ), .pid = pid), 1);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(GET_TASK), .pid = pid), 1);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(PROC_CHECK), .pid = pid), ARRAY_SIZE(types));
	(void)LOOKED(client, GET_TASK_READ, get_task_read, pid, 0);
	(void)LOOKED(client, GET_TASK, get_task, pid, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		const es_message_t *message = LOOKED(client, PROC_CHECK, proc_check, pid, i);

		if (message)
			CHECK_EQUAL(message->event.proc_check.type, types[i]);
	}
}

/* By a number: Linux before 6.2 gives the sensor no process by that (docs/sensors.md). */
static void test_numbers(struct test_client *client)
{
	(void)LOOKED(client, GET_TASK_READ, get_task_read, run(client, read_memory, NULL), 0);
	(void)LOOKED(client, GET_TASK, get_task, run(client, write_memory, NULL), 0);
	(void)LOOKED(client, GET_TASK_NAME, get_task_name, run(client, open_pidfd, NULL), 0);
}

int main(void)
{
	struct test_client *client;
	struct utsname uts;
	char page[8192] = {};

	test_begin(60);
	memset(page, 'x', sizeof(page) - 1);
	test_write_file(test_at("file"), page, 0644);
	memory = page;
	target = test_fork(sleep_on, NULL);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(MMAP), ES_NOTIFY(MPROTECT), ES_NOTIFY(GET_TASK), ES_NOTIFY(GET_TASK_READ),
		       ES_NOTIFY(GET_TASK_NAME), ES_NOTIFY(PROC_CHECK), -1);
	test_memory(client);
	test_files(client);
	(void)LOOKED(client, GET_TASK, get_task, run(client, attach, NULL), 0);
	uname(&uts);
	if (strncmp(uts.release, "6.1.", 4))
		test_numbers(client);
	else
		printf("skipped here: processes by their numbers\n");
	return test_end();
}
