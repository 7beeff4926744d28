/* SPDX-License-Identifier: MIT */

/* See actor.h. Commands come, and results go, by descriptor 0. */

#define ACTOR_ITSELF
#include "actor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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
	case ACT_TIME:
		return act_time(command->path, command->number);
	case ACT_RACE:
		return act_race(command->path, (int)command->number);
	}
	return ENOSYS;
}

int main(void)
{
	struct actor_command command;

	while (read(0, &command, sizeof(command)) == sizeof(command)) {
		int32_t error = act(&command);

		if (write(0, &error, sizeof(error)) != sizeof(error))
			return 1;
	}
	return 0;
}
