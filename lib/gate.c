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

/* ---- whose turn it is ---- */

#define RAISE_AGAIN_NS 50000000ull

/* Not before so much later than the handler is free; what was answered, freed or claimed anew meanwhile stays as it is. */
static void deadline_raise(struct es_held *entry, uint64_t free_ns, uint64_t span_ns)
{
	uint64_t deadline_ns = __atomic_load_n(&entry->deadline_ns, __ATOMIC_ACQUIRE);

	if (!deadline_ns || __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & ES_HELD_BEGUN ||
	    deadline_ns >= free_ns + span_ns)
		return;
	(void)__atomic_compare_exchange_n(&entry->deadline_ns, &deadline_ns, free_ns + span_ns, false, __ATOMIC_ACQ_REL,
					  __ATOMIC_ACQUIRE);
}

void esl_gate_queue(struct esl_gate *gate, struct es_held *entry)
{
	uint64_t busy_ns = atomic_load(&gate->busy_until_ns);

	if (busy_ns)
		deadline_raise(entry, busy_ns, gate->span_ns);
}

uint64_t esl_gate_begin(struct esl_gate *gate, uint64_t auth_id, uint64_t time_ns, uint64_t deadline_ns)
{
	uint64_t now = esl_gate_now_ns(), span_ns = deadline_ns - time_ns, until_ns = now + span_ns, before;
	struct es_held *entry = &gate->held[auth_id % ES_HELD_MAX];

	if (__atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE) != auth_id)
		return deadline_ns;
	__atomic_fetch_or(&entry->flags, ES_HELD_BEGUN, __ATOMIC_ACQ_REL);
	before = __atomic_load_n(&entry->deadline_ns, __ATOMIC_ACQUIRE);
	if (!before || !__atomic_compare_exchange_n(&entry->deadline_ns, &before, until_ns, false, __ATOMIC_ACQ_REL,
						    __ATOMIC_ACQUIRE))
		until_ns = deadline_ns;
	atomic_store(&gate->span_ns, span_ns);
	atomic_store(&gate->busy_until_ns, until_ns);
	if (now - gate->raised_ns < RAISE_AGAIN_NS)
		return until_ns;
	gate->raised_ns = now;
	for (size_t i = 0; i < ES_HELD_MAX; i++)
		if (__atomic_load_n(&gate->held[i].auth_id, __ATOMIC_ACQUIRE))
			deadline_raise(&gate->held[i], until_ns, span_ns);
	return until_ns;
}

void esl_gate_done(struct esl_gate *gate)
{
	atomic_store(&gate->busy_until_ns, 0);
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
