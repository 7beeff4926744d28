/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/control.h"
#include "abi/sensor.h"

/* The administrator's limits of the sensor; all zero: none. */
struct esd_scope {
	uint64_t cgroup;		/* id of a cgroup-v2 directory; 0: all */
	uint32_t cgroup_level;		/* its depth below the root of the hierarchy */
	unsigned int mounts;		/* entries used below; 0: all */
	char *mount_path[ES_SCOPE_MOUNTS];
	uint32_t mount_id[ES_SCOPE_MOUNTS];
	char text[sizeof(((struct es_status_info *)NULL)->scope)];	/* for people */
};

void esd_scope_init(struct esd_scope *scope);
void esd_scope_deinit(struct esd_scope *scope);

/* If the path is unusable, logs why and the remedy, and returns a negative errno. */
int esd_scope_set_cgroup(struct esd_scope *scope, const char *path);
int esd_scope_add_mount(struct esd_scope *scope, const char *path);
