/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The daemon's options, from the command line and from daemon.conf. The command line overrides the file.
 * endpointsecurity.conf(5) describes the file.
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

/* Options of the command line and of the file that it names. Strings are borrowed from the command line. */
struct esd_options {
	const char *config;
	char clients_folder[4096];	/* beside that file */
	bool clients_listed;
	bool identity;			/* find out the makers of programs */
	const char *accounts;		/* the folder of passwd and its neighbours */
	const char *items;		/* the folder that has /etc and so on of launch items */
	const char *socket;
	const char *scope_cgroup;	/* or NULL */
	const char *scope_mount[ES_SCOPE_MOUNTS];
	unsigned int scope_mounts;
	enum esd_sensor_choice sensor;
	uint32_t ring_bytes;
	struct esd_limits limits;
	bool is_private;
	int ready_fd;			/* -1: none */
	bool keeper;			/* daemon/keeper.h */
	int take_over;			/* from a keeper to itself: what the daemon before has left; -1: nothing */
	bool stamp;			/* print it */
	bool verbose;
};

/* Negative: there is no such sensor. */
int esd_config_sensor(const char *name);

/* The default file may be missing. Negative errno: the error and its place were logged. */
int esd_config_read(struct esd_options *options, const char *path, bool may_be_missing);
