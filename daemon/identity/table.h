/* SPDX-License-Identifier: MIT */
#pragma once

/* The daemon's side of abi/identity.h: a sealed memory file that only this mapping can write. */

#include <pthread.h>
#include <stdbool.h>

#include "abi/identity.h"

struct esd_table {
	struct es_identity_table *shared;
	int fd;				/* read only, to be given away */
	pthread_mutex_t lock;		/* of writers */
	uint32_t clock;
	bool written[ES_IDENTITY_ROWS];	/* what hasn't been takes no memory, as long as nobody looks */
};

int esd_table_init(struct esd_table *table);
void esd_table_deinit(struct esd_table *table);

/* A row for this version; one that was written long ago may have to make room. Any thread. */
void esd_table_set(struct esd_table *table, const struct es_file_version *version, const struct es_identity *identity);

/* Rows of files of other file systems than these are dropped. */
void esd_table_keep(struct esd_table *table, const uint64_t *devs, unsigned int count);

/* Rows that say less than they might now are marked. */
void esd_table_age(struct esd_table *table);

/* Takes the mark away; false: there is none. */
bool esd_table_refresh(struct esd_table *table, const struct es_file_version *version);
