/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which records a client gets in a replay: what bpf/select does in the kernel, with the same words from daemon/sensor/mute.c,
 * on records that are there already. One of these for each client. tests/harness/mute-model.h says what has to come of it,
 * for both.
 *
 * Records come from a file: an offset that leads out of one means that there is nothing.
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

/* A file of the record, and what is called so; NULL: there is none, or none that is inside. For the report, too. */
const struct es_file_part *esd_replay_file(const struct es_record *record, uint32_t off);
const struct es_process_part *esd_replay_process(const struct es_record *record, uint32_t off);
const char *esd_replay_text(const struct es_record *record, struct es_span span, uint32_t *ret_length);
