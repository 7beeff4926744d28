/* SPDX-License-Identifier: MIT */
#include "daemon/identity/table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/macro.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

int esd_table_init(struct esd_table *table)
{
	_cleanup_close_ int fd = memfd_create("identity", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char link[32];
	int r;

	*table = (struct esd_table){ .fd = -1 };
	if (fd < 0 || ftruncate(fd, sizeof(*table->shared)) < 0)
		return -errno;
	table->shared = mmap(NULL, sizeof(*table->shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (table->shared == MAP_FAILED) {
		table->shared = NULL;
		return -errno;
	}
	pthread_mutex_init(&table->lock, NULL);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == 0)
		table->fd = open(link, O_RDONLY | O_CLOEXEC);
	r = table->fd < 0 ? -errno : 0;
	if (r < 0)
		esd_table_deinit(table);
	return r;
}

void esd_table_deinit(struct esd_table *table)
{
	if (!table->shared)
		return;
	munmap(table->shared, sizeof(*table->shared));
	pthread_mutex_destroy(&table->lock);
	closep(&table->fd);
	*table = (struct esd_table){ .fd = -1 };
}

static uint32_t *counter(struct esd_table *table, uint32_t state)
{
	switch (state) {
	case ES_IDENTITY_PENDING:
		return &table->shared->pending;
	case ES_IDENTITY_KNOWN:
		return &table->shared->known;
	case ES_IDENTITY_NOT:
		return &table->shared->not_known;
	}
	return NULL;
}

static void count(struct esd_table *table, uint32_t state, int change)
{
	uint32_t *number = counter(table, state);

	if (number)
		__atomic_fetch_add(number, (uint32_t)change, __ATOMIC_RELAXED);
}

/* A reader sees the old row, or the new one, or that the row is being written. */
static void write_row(struct esd_table *table, struct es_identity_row *row, const struct es_file_version *version,
		      const struct es_identity *identity)
{
	count(table, row->identity.state, -1);
	__atomic_store_n(&row->sequence, row->sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	es_words_store(&row->version, version, sizeof(row->version));
	es_words_store(&row->identity, identity, sizeof(row->identity));
	row->used = ++table->clock;
	table->written[row - table->shared->rows] = true;
	__atomic_store_n(&row->sequence, row->sequence + 1, __ATOMIC_RELEASE);
	count(table, identity->state, 1);
}

static struct es_identity_row *set_of(struct esd_table *table, const struct es_file_version *version)
{
	return &table->shared->rows[es_identity_set(version) * ES_IDENTITY_WAYS];
}

static struct es_identity_row *find(struct esd_table *table, const struct es_file_version *version)
{
	struct es_identity_row *row = set_of(table, version);

	for (unsigned int way = 0; way < ES_IDENTITY_WAYS; way++, row++)
		if (row->identity.state != ES_IDENTITY_UNASKED && es_file_version_equal(&row->version, version))
			return row;
	return NULL;
}

/* A free row, else the oldest one. Takes a row that a client may wait for only if all are such. */
static struct es_identity_row *make_room(struct esd_table *table, const struct es_file_version *version)
{
	struct es_identity_row *row = set_of(table, version), *best = NULL;
	uint32_t best_age = 0;

	for (unsigned int way = 0; way < ES_IDENTITY_WAYS; way++, row++) {
		uint32_t age = (table->clock - row->used) / 2;

		if (row->identity.state == ES_IDENTITY_UNASKED)
			return row;
		if (row->identity.state != ES_IDENTITY_PENDING)
			age |= 1u << 31;
		if (!best || age > best_age) {
			best = row;
			best_age = age;
		}
	}
	return best;
}

void esd_table_set(struct esd_table *table, const struct es_file_version *version, const struct es_identity *identity)
{
	struct es_identity_row *row;

	pthread_mutex_lock(&table->lock);
	row = find(table, version) ?: make_room(table, version);
	write_row(table, row, version, identity);
	pthread_mutex_unlock(&table->lock);
	if (identity->state == ES_IDENTITY_PENDING)
		return;
	__atomic_fetch_add(&table->shared->finished, 1, __ATOMIC_RELEASE);
	(void)syscall(SYS_futex, &table->shared->finished, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static bool is_among(uint64_t dev, const uint64_t *devs, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (devs[i] == dev)
			return true;
	return false;
}

void esd_table_keep(struct esd_table *table, const uint64_t *devs, unsigned int count)
{
	static const struct es_identity none;

	pthread_mutex_lock(&table->lock);
	for (unsigned int i = 0; i < ES_IDENTITY_ROWS; i++) {
		struct es_identity_row *row = &table->shared->rows[i];

		if (table->written[i] && row->identity.state != ES_IDENTITY_UNASKED &&
		    row->identity.state != ES_IDENTITY_PENDING && !is_among(row->version.dev, devs, count))
			write_row(table, row, &row->version, &none);
	}
	pthread_mutex_unlock(&table->lock);
}

static bool may_say_more(const struct es_identity *identity)
{
	return identity->state == ES_IDENTITY_KNOWN && !(identity->flags & (ES_IDENTITY_VENDOR | ES_IDENTITY_SIGNED));
}

static void mark(struct es_identity_row *row, bool stale)
{
	uint32_t flags = row->identity.flags;

	/* One atomic word, so a reader can't see half of it. */
	flags = stale ? flags | ES_IDENTITY_STALE : flags & ~(uint32_t)ES_IDENTITY_STALE;
	__atomic_store_n(&row->identity.flags, flags, __ATOMIC_RELAXED);
}

void esd_table_age(struct esd_table *table)
{
	pthread_mutex_lock(&table->lock);
	for (unsigned int i = 0; i < ES_IDENTITY_ROWS; i++)
		if (table->written[i] && may_say_more(&table->shared->rows[i].identity))
			mark(&table->shared->rows[i], true);
	pthread_mutex_unlock(&table->lock);
}

bool esd_table_refresh(struct esd_table *table, const struct es_file_version *version)
{
	struct es_identity_row *row;
	bool stale;

	pthread_mutex_lock(&table->lock);
	row = find(table, version);
	stale = row && row->identity.flags & ES_IDENTITY_STALE;
	if (stale)
		mark(row, false);
	pthread_mutex_unlock(&table->lock);
	return stale;
}
