/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Selects the records that a client gets in a replay. It does what bpf/select does in the kernel, with the same words
 * from daemon/sensor/mute.c, but on finished records. Each client has one. tests/harness/mute-model.h specifies both.
 *
 * Records come from a file, so they aren't trusted: an offset that leads out of a record counts as absent.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/mute.h"
#include "abi/record.h"
#include "daemon/sensor/mute.h"

struct esd_replay_select {
	uint64_t types[ES_TYPE_WORDS];	/* subscribed */
	void *mutes;			/* a tree, for tsearch(3) */
	struct esd_mute_summary summary;
};

void esd_replay_select_deinit(struct esd_replay_select *select);

/* struct esd_sensor_ops.mute. 0 or -ENOMEM. */
int esd_replay_select_mute(struct esd_replay_select *select, const struct esd_mute *mute,
			   const uint64_t types[ES_TYPE_WORDS]);

bool esd_replay_selects(const struct esd_replay_select *select, const struct es_record *record);

/* The part at this offset of the record; NULL: none, or not inside the record. For the report, too. */
const struct es_file_part *esd_replay_file(const struct es_record *record, uint32_t off);
const struct es_process_part *esd_replay_process(const struct es_record *record, uint32_t off);
const char *esd_replay_text(const struct es_record *record, struct es_span span, uint32_t *ret_length);
