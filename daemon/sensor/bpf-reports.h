/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Events that the daemon itself makes (report.h, session-report.h), and what else it reads for events about users
 * (accounts.h): each runs while a client wants its types, a reporter of files in a slot and with a ring of its own.
 *
 * Before a client subscribes: esd_bpf_reports_load(), then esd_bpf_reports_begin(), both as those of struct
 * esd_sensor_ops, until all have begun. A reporter is then wanted, until the client has subscribed or has gone.
 */

#include "daemon/sensor/bpf.h"

int esd_bpf_reports_load(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS]);
int esd_bpf_reports_begin(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS]);

/* A client that was about to subscribe has, or it hasn't and is gone. */
void esd_bpf_reports_unwant(struct esd_bpf *s);

/* For clients that another daemon had. */
int esd_bpf_reports_go_on(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS]);

/* Stops the sessions' reporter if it runs for nobody, or one of the files'. True: one of those was stopped. */
bool esd_bpf_reports_trim(struct esd_bpf *s);

void esd_bpf_reports_stop(struct esd_bpf *s);
