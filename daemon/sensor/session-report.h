/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the daemon hears of systemd-logind becomes events: the output of daemon/report/login-bus.c. While a client is
 * subscribed to one of these types, a thread listens to the bus. For each event it runs a kernel program over logind's
 * task, which makes that the acting process, and writes into the clients' rings.
 *
 * Used by bpf-reports.c, as report.h is, whose events come of files.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/sensor.h"
#include "daemon/report/login-bus.h"
#include "daemon/sensor/programs.h"

struct esd_session_reports {
	const char *socket;		/* the bus'; borrowed */
	struct esd_program *program;	/* borrowed; NULL: the object has none */
	struct es_record *told;		/* the program's input: mapped, ES_REPORT_BYTES */
	bool runs;
	bool wanted;			/* a client is about to subscribe */
	uint64_t started_ns;
	pthread_t thread;
	int wake_fd;			/* readable: the thread has to end */
	struct esd_login *login;
};

/* Is the type one of these? */
bool esd_session_reports_type(unsigned int type);
bool esd_session_reports_any(const uint64_t types[ES_TYPE_WORDS]);

void esd_session_reports_init(struct esd_session_reports *reports, const char *socket, struct esd_program *program);

/* Call when the program is loaded. `reports_fd`: the map behind `told`. */
int esd_session_reports_start(struct esd_session_reports *reports, int reports_fd);

/* Does it know the sessions that there are, or has it waited for long enough? */
bool esd_session_reports_begun(const struct esd_session_reports *reports);

void esd_session_reports_stop(struct esd_session_reports *reports);

/* Can these events come? Says in `how` from where, or why not. */
bool esd_session_reports_tell(const struct esd_session_reports *reports, char *how, size_t size);
