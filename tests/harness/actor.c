/* SPDX-License-Identifier: MIT */

/* See actor.h. Reads commands from descriptor 0, and writes results to it. */

#define ACTOR_ITSELF
#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int result(long value)
{
	return value < 0 ? errno : 0;
}

static int act_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600), error = result(fd);

	if (fd >= 0)
		close(fd);
	return error;
}

static int act_exec(char *path)
{
	char *argv[] = { path, 0 }, *envp[] = { 0 };
	volatile int error = 0;
	int status;
	pid_t pid;

	pid = vfork();
	if (pid == 0) {
		execve(path, argv, envp);
		error = errno;
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return error;
}

static int act_list(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;
	char entries[4096];

	if (fd < 0)
		return errno;
	error = result(syscall(SYS_getdents64, fd, entries, sizeof(entries)));
	close(fd);
	return error;
}

static int act_map(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
	void *memory;

	if (fd < 0)
		return errno;
	memory = mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	if (memory == MAP_FAILED)
		error = errno;
	else
		munmap(memory, 4096);
	close(fd);
	return error;
}

static int act_flags(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;

	if (fd < 0)
		return errno;
	error = result(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	close(fd);
	return error;
}

static int act_times(const char *path)
{
	static const struct timeval times[2];

	return result(utimes(path, times));
}

static int act_get_xattr(const char *path, uint32_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "trusted.es-%u", number);
	return result(getxattr(path, name, NULL, 0));
}

/* Acts in a child, since it can't undo the change. */
static int act_directory(const char *path, enum act act, bool by_fd)
{
	int status;
	pid_t pid = fork();

	if (pid == 0 && act == ACT_CHROOT)
		_exit(result(chroot(path)));
	if (pid == 0)
		_exit(result(by_fd ? fchdir(open(path, O_PATH)) : chdir(path)));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static int act_mount(const char *path)
{
	int error = result(mount("es-test", path, "tmpfs", 0, NULL));

	if (!error)
		umount2(path, MNT_DETACH);
	return error;
}

static int act_handle(const char *path)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[MAX_HANDLE_SZ];
	} place = { .handle.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, at, fd, error;

	at = open(path, O_RDONLY | O_CLOEXEC);
	if (at < 0 || name_to_handle_at(AT_FDCWD, path, &place.handle, &mount_id, 0) < 0)
		return errno;
	fd = open_by_handle_at(at, &place.handle, O_RDONLY | O_CLOEXEC);
	error = result(fd);
	if (fd >= 0)
		close(fd);
	close(at);
	return error;
}

static int act_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	error = result(connect(fd, (struct sockaddr *)&address, sizeof(address)));
	close(fd);
	return error;
}

static int act_trace(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) < 0)
		return errno;
	if (waitpid(pid, &status, __WALL) != pid)
		return errno;
	return result(ptrace(PTRACE_DETACH, pid, NULL, NULL));
}

/* The argument makes the new program report that it runs. */
static int act_become(char *path)
{
	char *argv[] = { path, "again", 0 }, *envp[] = { 0 };

	execve(path, argv, envp);
	return errno;
}

static int act_time(const char *path, uint32_t opens)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (uint32_t i = 0; i < opens; i++)
		if (act_open(path, O_RDONLY))
			return -1;
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (int)(((end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec) / (long)opens);
}

static int act_race(const char *path, int fd)
{
	struct actor_race *race = mmap(0, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (race == MAP_FAILED)
		return errno;
	while (!race->stop) {
		uint64_t before = race->epoch;
		int error = act_open(path, O_RDONLY);

		race->tries++;
		if (error == EPERM)
			race->denied++;
		else if (error)
			race->other++;
		else
			race->allowed++;
		if (!error && before % 2 && race->epoch == before)
			race->stale++;
	}
	munmap(race, sizeof(*race));
	return 0;
}

static int act(struct actor_command *command)
{
	switch (command->act) {
	case ACT_NOTHING:
		return 0;
	case ACT_OPEN:
		return act_open(command->path, (int)command->number);
	case ACT_EXEC:
		return act_exec(command->path);
	case ACT_LIST:
		return act_list(command->path);
	case ACT_CHMOD:
		return result(chmod(command->path, command->number));
	case ACT_MAP:
		return act_map(command->path);
	case ACT_TRUNCATE:
		return result(truncate(command->path, command->number));
	case ACT_CHOWN:
		return result(chown(command->path, command->number, command->number));
	case ACT_FLAGS:
		return act_flags(command->path, (int)command->number);
	case ACT_TIMES:
		return act_times(command->path);
	case ACT_GET_XATTR:
		return act_get_xattr(command->path, command->number);
	case ACT_LIST_XATTRS:
		return result(listxattr(command->path, NULL, 0));
	case ACT_CHDIR:
	case ACT_CHROOT:
		return act_directory(command->path, command->act, command->number);
	case ACT_MOUNT:
		return act_mount(command->path);
	case ACT_HANDLE:
		return act_handle(command->path);
	case ACT_CONNECT:
		return act_connect(command->path);
	case ACT_TRACE:
		return act_trace((pid_t)command->number);
	case ACT_BECOME:
		return act_become(command->path);
	case ACT_TIME:
		return act_time(command->path, command->number);
	case ACT_RACE:
		return act_race(command->path, (int)command->number);
	}
	return ENOSYS;
}

int main(int argc, char **argv)
{
	struct actor_command command;
	int32_t done = 0;

	(void)argv;
	if (argc > 1 && write(0, &done, sizeof(done)) != sizeof(done))
		return 1;
	while (read(0, &command, sizeof(command)) == sizeof(command)) {
		int32_t error = act(&command);

		if (write(0, &error, sizeof(error)) != sizeof(error))
			return 1;
	}
	return 0;
}
