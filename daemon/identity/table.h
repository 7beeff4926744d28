/* SPDX-License-Identifier: MIT */
#pragma once

/* The daemon's side of abi/identity.h: a sealed memory file that only this mapping can write. */

#include <pthread.h>
#include <stdbool.h>

#include "abi/identity.h"

struct esd_table {
	struct es_identity_table *shared;
	int fd;				/* read only, for clients */
	pthread_mutex_t lock;		/* of writers */
	uint32_t clock;
	bool written[ES_IDENTITY_ROWS];	/* false: don't read the row, since reading would allocate its memory */
};

int esd_table_init(struct esd_table *table);
void esd_table_deinit(struct esd_table *table);

/* Writes the row of this version; may replace an old row of another version. On any thread. */
void esd_table_set(struct esd_table *table, const struct es_file_version *version, const struct es_identity *identity);

/* Drops the rows of files on other file systems than these. */
void esd_table_keep(struct esd_table *table, const uint64_t *devs, unsigned int count);

/* Marks the rows that could say more now. */
void esd_table_age(struct esd_table *table);

/* Removes the row's mark; false: it has none. */
bool esd_table_refresh(struct esd_table *table, const struct es_file_version *version);
