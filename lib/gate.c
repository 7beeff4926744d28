/* SPDX-License-Identifier: MIT */
#include "gate.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "util/macro.h"

enum { HELD_BYTES = ES_HELD_MAX * sizeof(struct es_held) };

/* What all kinds of gate have in common. */
int esl_gate_init(struct esl_gate *gate, const struct esl_gate_ops *ops, const struct esl_gate_source *source)
{
	gate->held = source->held;
	if (!gate->held) {
		gate->held = mmap(NULL, HELD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, source->held_fd, 0);
		if (gate->held == MAP_FAILED)
			return -errno;
		madvise(gate->held, HELD_BYTES, MADV_DONTFORK);
		gate->held_is_mapped = true;
	}
	gate->ops = ops;
	gate->slot = source->slot;
	gate->fd = gate->ask_fd = gate->wake_fd = -1;
	pthread_mutex_init(&gate->lock, NULL);
	return 0;
}

void esl_gate_disown(struct esl_gate *gate)
{
	closep(&gate->fd);
	closep(&gate->ask_fd);
	closep(&gate->wake_fd);
}

void esl_gate_free(struct esl_gate *gate)
{
	if (!gate)
		return;
	esl_gate_disown(gate);
	if (gate->held_is_mapped)
		munmap(gate->held, HELD_BYTES);
	pthread_mutex_destroy(&gate->lock);
	free(gate);
}

uint64_t esl_gate_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void esl_gate_set_miss_mode(struct esl_gate *gate, uint32_t mode)
{
	atomic_store(&gate->miss_mode, mode);
	if (gate->wake_fd >= 0)
		eventfd_write(gate->wake_fd, 1);
}

bool esl_gate_may_read(struct esl_gate *gate)
{
	return !gate->ops->may_read || gate->ops->may_read(gate);
}

bool esl_gate_next_ns(struct esl_gate *gate, uint64_t *ret_ns)
{
	return gate->ops->next_ns && gate->ops->next_ns(gate, ret_ns);
}

int esl_gate_read(struct esl_gate *gate)
{
	return gate->ops->read(gate);
}

int esl_gate_answer(struct esl_gate *gate, uint64_t auth_id, bool allow, uint32_t keep)
{
	return gate->ops->answer(gate, auth_id, allow, keep);
}

void esl_gate_let_go(struct esl_gate *gate, const uint64_t *types)
{
	gate->ops->let_go(gate, types);
}

void esl_gate_let_all_go(struct esl_gate *gate)
{
	if (gate->fd >= 0)
		gate->ops->let_all_go(gate);
}

void esl_gate_close(struct esl_gate *gate)
{
	int fd;

	if (gate->fd < 0)
		return;
	gate->ops->let_all_go(gate);
	if (gate->ops->finish)
		gate->ops->finish(gate);
	pthread_mutex_lock(&gate->lock);
	fd = TAKE_FD(gate->fd);
	pthread_mutex_unlock(&gate->lock);
	close(fd);
}
