/* SPDX-License-Identifier: MIT */

/*
 * Makes real events: opens and executes files of its own in the current folder, as fast as it is told to, and notes
 * each in the ledger (descriptor 3). Arguments: its number, a seed. It ends when the ledger says so.
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "ledger.h"

static struct ledger *ledger;
static unsigned int number, seed;
static uint32_t last[2];		/* the number that each kind's file has now */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int open_once(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int execute_once(const char *path)
{
	char *arguments[] = { "tiny", NULL }, *environment[] = { NULL };
	int status, r;
	pid_t pid;

	r = posix_spawn(&pid, path, NULL, NULL, arguments, environment);
	if (r)
		return r;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static void do_op(uint32_t index, enum op_kind kind)
{
	struct op *op = &ledger->ops[number][index];
	char from[32], to[32];
	int error;

	snprintf(from, sizeof(from), "%c%u/%u", "wx"[kind], number, last[kind]);
	snprintf(to, sizeof(to), "%c%u/%u", "wx"[kind], number, index);
	last[kind] = index;
	op->kind = kind;
	__atomic_store_n(&op->begin_ns, now_ns(), __ATOMIC_SEQ_CST);
	__atomic_store_n(&ledger->count[number], index + 1, __ATOMIC_SEQ_CST);
	error = rename(from, to) < 0 ? errno : kind == OP_EXEC ? execute_once(to) : open_once(to);
	op->error = (uint8_t)error;
	__atomic_store_n(&op->end_ns, now_ns(), __ATOMIC_SEQ_CST);
}

static void rest(void)
{
	uint32_t longest = __atomic_load_n(&ledger->pause_us, __ATOMIC_RELAXED);

	if (longest)
		usleep((useconds_t)rand_r(&seed) % longest);
}

int main(int count, char **arguments)
{
	if (count != 3)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	number = (unsigned int)atoi(arguments[1]);
	seed = (unsigned int)atoi(arguments[2]);
	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0);
	if (ledger == MAP_FAILED || number >= WORKERS)
		return 2;
	/* The files are there, with the numbers 0 and 1, which are no operations. */
	last[OP_EXEC] = 1;
	for (uint32_t i = 2; i < OPS_MAX && !__atomic_load_n(&ledger->stop, __ATOMIC_RELAXED); i++) {
		do_op(i, rand_r(&seed) % 8 ? OP_OPEN : OP_EXEC);
		rest();
	}
	return 0;
}
