/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Events that the daemon itself makes: the input and output of daemon/report/. While a client is subscribed to one of a
 * subject's types, the daemon receives events on the subject's files as a client does, in a slot and a ring of its own.
 * A thread reads the ring, so that a slow file can't block the loop. A kernel program writes the thread's events into
 * the clients' rings. Each subject has all this for itself, so that a client that wants one doesn't pay for the other.
 *
 * Used by bpf-reports.c, which passes its functions: this file knows maps and programs, but no clients.
 */

#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdbool.h>

#include "abi/sensor.h"
#include "daemon/report/reporter.h"
#include "daemon/sensor/mute.h"
#include "daemon/sensor/programs.h"

struct esd_reports {
	const struct esd_subject *subject;
	unsigned int number;		/* of the reporter, below ES_REPORTERS */
	const char *folder;		/* where the subject's files are; borrowed */
	struct esd_program *program;	/* borrowed; NULL: the object has none */
	struct es_record *told;		/* the program's input: mapped, ES_REPORT_BYTES */
	int slot;			/* -1: not in use */
	bool wanted;			/* a client is about to subscribe */
	bool thread_runs;
	pthread_t thread;
	int wake_fd;			/* readable: the thread has to end */
	bool stopping;			/* the thread reads no more from the ring; atomic */
	const uint64_t *lost;		/* records, as the kernel programs count them; borrowed */
	bool begun;			/* the thread has read the files for the first time; atomic */
	struct ring_buffer *ring;	/* the thread's, as is this: */
	struct esd_reporter reporter;
	struct esd_mutes mutes;		/* the files of interest: targets, inverted */
};

/* The subject of each reporter. */
extern const struct esd_subject *const esd_reports_subjects[ES_REPORTERS];

/* Does the daemon make one of these types from the subject? */
bool esd_reports_any(const struct esd_subject *subject, const uint64_t types[ES_TYPE_WORDS]);

/* The types that the daemon must receive for this. */
void esd_reports_needed(const struct esd_subject *subject, uint64_t ret[ES_TYPE_WORDS]);

void esd_reports_init(struct esd_reports *reports, unsigned int number, const char *folder, struct esd_program *program);

/* The slot must have its ring, but no selection yet. `reports_fd`: the map behind `told`. */
int esd_reports_start(struct esd_reports *reports, struct esd_sensor *sensor, unsigned int slot, int ring_fd,
		      int reports_fd);

/* Call when all is selected: starts the thread, which reads the files once and then the ring. */
int esd_reports_run(struct esd_reports *reports);
bool esd_reports_begun(const struct esd_reports *reports);

/* Call when it is stopped. */
void esd_reports_deinit(struct esd_reports *reports);

/* Waits until the thread has finished its present record. Then the slot is the caller's again. */
void esd_reports_stop(struct esd_reports *reports);
