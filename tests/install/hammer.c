/* SPDX-License-Identifier: MIT */
/*
 *	hammer /GUARDED /FOLDER /ENOUGH
 *
 * Removes, without pause, the guarded file, which a client denies, and new files in the folder, which it allows, each in a
 * process of its own, until the file /ENOUGH is there. Then it prints what came of it, and the longest that one of them took.
 * A guarded file that could be removed is made anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct result {
	uint64_t done, failed, other;	/* EPERM counts as failed */
	uint64_t longest_ms;
	uint64_t first_done_ms, last_done_ms;
};

static uint64_t now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000ull + time.tv_nsec / 1000;
}

static void make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd >= 0)
		close(fd);
}

static void remove_once(const char *path, struct result *result)
{
	uint64_t begin = now_us(), end, ms;
	int r = unlink(path), error = errno;

	end = now_us();
	ms = (end - begin) / 1000;
	if (ms > result->longest_ms)
		result->longest_ms = ms;
	if (r == 0) {
		result->last_done_ms = end / 1000;
		if (!result->done++)
			result->first_done_ms = end / 1000;
	} else if (error == EPERM) {
		result->failed++;
	} else {
		result->other++;
	}
}

/* What was allowed and what denied. */
static int hammer(const char *path, const char *enough, struct result *result)
{
	make(path);
	while (access(enough, F_OK) < 0) {
		uint64_t done = result->done;

		remove_once(path, result);
		if (result->done != done)
			make(path);
		usleep(1000);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct result *results = mmap(NULL, sizeof(*results) * 2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char allowed[4096];
	int status, bad = 0;

	if (argc != 4 || results == MAP_FAILED)
		return 2;
	snprintf(allowed, sizeof(allowed), "%s/allowed", argv[2]);
	for (int i = 0; i < 2; i++)
		if (fork() == 0)
			_exit(hammer(i ? allowed : argv[1], argv[3], &results[i]));
	while (wait(&status) > 0)
		bad |= status;
	printf("guarded: denied %llu, removed %llu, other %llu, longest %llu ms, removed for %llu ms\n",
	       (unsigned long long)results[0].failed, (unsigned long long)results[0].done, (unsigned long long)results[0].other,
	       (unsigned long long)results[0].longest_ms,
	       (unsigned long long)(results[0].last_done_ms - results[0].first_done_ms));
	printf("others: removed %llu, denied %llu, other %llu, longest %llu ms\n",
	       (unsigned long long)results[1].done, (unsigned long long)results[1].failed, (unsigned long long)results[1].other,
	       (unsigned long long)results[1].longest_ms);
	return bad ? 1 : 0;
}
