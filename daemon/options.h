/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi/sensor.h"
#include "daemon/limits.h"
#include "daemon/sensor.h"

/* The command line; strings are borrowed from it. */
struct esd_options {
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

/* 0; positive: --help or --version was printed, and that was all; negative: it won't do, and why was logged. */
int esd_options_parse(struct esd_options *options, int count, char *arguments[]);
