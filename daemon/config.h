/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What can be configured; and daemon.conf, which has what the command line's options have, and which that overrides.
 * endpointsecurity.conf(5) describes it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "abi/sensor.h"
#include "daemon/hold/time-limits.h"
#include "daemon/sensor/sensor.h"

#define ESD_CONFIG_PATH "/etc/endpointsecurity/daemon.conf"

/* The bounds of numbers, on the command line and in the configuration file. */
enum {
	ESD_RING_BYTES_MIN = 64 * 1024,
	ESD_RING_BYTES_MAX = 1024 * 1024 * 1024,
	ESD_DEADLINE_MS_MIN = 100,
	ESD_DEADLINE_MS_MAX = 60000,
	ESD_DEADLINE_LONGEST_MS_MAX = 600000,
};

/* The command line, and the file that it names; strings are borrowed from the first. */
struct esd_options {
	const char *config;
	char clients_folder[4096];	/* beside it */
	bool clients_listed;
	bool identity;			/* find out who made programs */
	const char *socket;
	const char *scope_cgroup;	/* or NULL */
	const char *scope_mount[ES_SCOPE_MOUNTS];
	unsigned int scope_mounts;
	enum esd_sensor_choice sensor;
	uint32_t ring_bytes;
	struct esd_limits limits;
	bool is_private;
	int ready_fd;			/* -1: none */
	bool verbose;
};

/* Negative: there is no such sensor. */
int esd_config_sensor(const char *name);

/* The default file may be missing. Negative errno: it was logged what is wrong, and where. */
int esd_config_read(struct esd_options *options, const char *path, bool may_be_missing);
