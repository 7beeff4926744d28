/* SPDX-License-Identifier: MIT */
#include "gate.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/macro.h"

enum { HELD_BYTES = ES_HELD_MAX * sizeof(struct es_held) };

/* Sets up the part that all kinds of gate have in common. */
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

#define PUT_OFF_AGAIN_NS 1000000ull

/* Puts an entry's deadline off, to limit_ns at most. An entry that is claimed anew meanwhile keeps its own. */
static void deadline_put_off(struct es_held *entry, uint64_t to_ns)
{
	uint64_t deadline_ns = __atomic_load_n(&entry->deadline_ns, __ATOMIC_ACQUIRE);
	uint64_t limit_ns = __atomic_load_n(&entry->limit_ns, __ATOMIC_RELAXED);

	if (to_ns > limit_ns)
		to_ns = limit_ns;
	if (!deadline_ns || deadline_ns >= to_ns || __atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & ES_HELD_BEGUN)
		return;
	(void)__atomic_compare_exchange_n(&entry->deadline_ns, &deadline_ns, to_ns, false, __ATOMIC_ACQ_REL,
					  __ATOMIC_ACQUIRE);
}

/* The handler is busy until busy_ns at most; each waiting question has its own span_ns after that. */
static void all_put_off(struct esl_gate *gate, uint64_t busy_ns, uint64_t span_ns)
{
	for (size_t i = 0; i < ES_HELD_MAX; i++)
		if (__atomic_load_n(&gate->held[i].auth_id, __ATOMIC_ACQUIRE))
			deadline_put_off(&gate->held[i], busy_ns + span_ns);
}

void esl_gate_queue(struct esl_gate *gate, struct es_held *entry)
{
	uint64_t busy_ns = atomic_load(&gate->busy_until_ns);

	if (busy_ns)
		deadline_put_off(entry, busy_ns + atomic_load(&gate->span_ns));
}

/* Makes the entry's deadline, which its task waits for, the one that the message will show. */
static uint64_t deadline_set(struct es_held *entry, uint64_t asked_ns, uint64_t until_ns)
{
	uint64_t limit_ns = __atomic_load_n(&entry->limit_ns, __ATOMIC_RELAXED), before;

	__atomic_fetch_or(&entry->flags, ES_HELD_BEGUN, __ATOMIC_ACQ_REL);
	if (until_ns > limit_ns)
		until_ns = limit_ns;
	if (until_ns < asked_ns)
		until_ns = asked_ns;
	before = __atomic_load_n(&entry->deadline_ns, __ATOMIC_ACQUIRE);
	if (before == until_ns || (before && __atomic_compare_exchange_n(&entry->deadline_ns, &before, until_ns, false,
									 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)))
		return until_ns;
	return asked_ns;
}

uint64_t esl_gate_begin(struct esl_gate *gate, uint64_t auth_id, uint64_t time_ns, uint64_t deadline_ns)
{
	uint64_t now_ns = clock_ns(), span_ns = deadline_ns - time_ns;
	uint64_t could_ns = time_ns > gate->free_ns ? time_ns : gate->free_ns;
	struct es_held *entry = &gate->held[auth_id % ES_HELD_MAX];

	if (__atomic_load_n(&entry->auth_id, __ATOMIC_ACQUIRE) != auth_id)
		return deadline_ns;
	deadline_ns = deadline_set(entry, deadline_ns, could_ns + span_ns);
	atomic_store(&gate->span_ns, span_ns);
	atomic_store(&gate->busy_until_ns, deadline_ns);
	if (now_ns - gate->put_off_ns >= PUT_OFF_AGAIN_NS) {
		gate->put_off_ns = now_ns;
		all_put_off(gate, deadline_ns, span_ns);
	}
	return deadline_ns;
}

void esl_gate_done(struct esl_gate *gate)
{
	gate->free_ns = clock_ns();
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
