/* SPDX-License-Identifier: MIT */
#include "gate-kinds.h"

#include <errno.h>
#include <stddef.h>

#include "gate-fanotify.h"
#include "gate-fuse.h"
#include "log.h"
#include "util/macro.h"

static int (*const kinds[])(const struct esl_gate_source *source, struct esl_gate **ret_gate) = {
	[ES_SENSOR_TRACEPOINT] = esl_fanotify_gate_new,
	[ES_SENSOR_LSM] = esl_fuse_gate_new,
	[ES_SENSOR_REPLAY] = esl_fuse_gate_new,
};

int esl_gate_new(const struct esl_gate_source *source, struct esl_gate **ret_gate)
{
	if ((size_t)source->sensor >= ARRAY_SIZE(kinds) || !kinds[source->sensor]) {
		esl_log("the daemon holds operations in a way (%u) that this library doesn't know: "
			"install both from the same version", (unsigned int)source->sensor);
		return -EPROTO;
	}
	return kinds[source->sensor](source, ret_gate);
}
