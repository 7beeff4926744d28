/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the daemon tells: the way there and back of daemon/report/. While somebody is subscribed to one of its types, the
 * daemon is told of what happens to certain files as a client would be, in a slot and a ring of its own. A thread reads the
 * ring, so that no file that is slow to read keeps the loop from what can't wait; and has a kernel program put into the
 * clients' rings what it makes of that.
 *
 * Used by bpf.c, whose functions it is given: this file knows maps and programs, and no clients.
 */

#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdbool.h>

#include "abi/sensor.h"
#include "daemon/report/reporter.h"
#include "daemon/sensor/mute.h"
#include "daemon/sensor/programs.h"

struct esd_reports {
	const char *folder;		/* borrowed */
	struct esd_program *program;	/* borrowed; NULL: the object has none */
	struct es_record *told;		/* what the program reads: mapped, ES_REPORT_BYTES */
	int slot;			/* -1: it isn't running */
	bool wanted;			/* somebody is about to subscribe */
	bool thread_runs;
	pthread_t thread;
	int wake_fd;			/* readable: the thread has to end */
	bool stopping;			/* it takes no more from the ring; atomic */
	const uint64_t *lost;		/* records, as the kernel programs count them; borrowed */
	bool begun;			/* the files have been taken as they are; atomic */
	struct ring_buffer *ring;	/* the thread's, as is this: */
	struct esd_reporter reporter;
	struct esd_mutes mutes;		/* what is looked at: targets, inverted */
};

/* Is one of these types told by the daemon? */
bool esd_reports_any(const uint64_t types[ES_TYPE_WORDS]);

/* What the daemon has to be told of. */
void esd_reports_needed(uint64_t ret[ES_TYPE_WORDS]);

void esd_reports_init(struct esd_reports *reports, const char *folder, struct esd_program *program);

/* In a slot that has its ring, and before anything is selected for it. `reports_fd`: the map that is mapped. */
int esd_reports_start(struct esd_reports *reports, struct esd_sensor *sensor, unsigned int slot, int ring_fd,
		      int reports_fd);

/* The thread takes the files as they are, and reads the ring from then on: when everything is selected. */
int esd_reports_run(struct esd_reports *reports);
bool esd_reports_begun(const struct esd_reports *reports);

/* When it is stopped. */
void esd_reports_deinit(struct esd_reports *reports);

/* When the thread is done with what it is at. The slot is the caller's again. */
void esd_reports_stop(struct esd_reports *reports);
