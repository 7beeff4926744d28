/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The connection to the daemon: one request, one reply, one thread at a time (abi/control.h). If nobody listens, a
 * private daemon is started, see start.h. Any thread may ask; the gate's thread only watches for the end.
 */

#include <pthread.h>
#include <stdbool.h>

#include "abi/control.h"

struct esl_control {
	int fd;					/* -1: not connected */
	pthread_mutex_t lock;			/* held from request to reply */
};

void esl_control_init(struct esl_control *control);
void esl_control_close(struct esl_control *control);

/*
 * Connects and becomes a client: the reply and the descriptors, which are the caller's then. A negative errno has been
 * explained on stderr; a positive one is the daemon's refusal.
 */
int esl_control_connect(struct esl_control *control, struct es_reply *ret_reply, int ret_fds[ES_CLIENT_FDS]);

/*
 * One request with its data, one reply, whose data go to ret_data, up to `size` bytes. A negative errno: the daemon is
 * gone, or makes no sense. Else the reply's `error`.
 */
int esl_control_ask(struct esl_control *control, const struct es_request *request, const void *data,
		    struct es_reply *ret_reply, void *ret_data, size_t size);

/* The same without data. */
int esl_control_request(struct esl_control *control, enum es_request_op op, const uint64_t types[ES_TYPE_WORDS],
			struct es_reply *ret_reply);

/* One request whose reply brings `count` descriptors along, the caller's then; none if it is a refusal. */
int esl_control_descriptors(struct esl_control *control, enum es_request_op op, int *ret_fds, unsigned int count);

/* Does the environment name a socket? Then there may be a daemon that takes others than root: a replay's. */
bool esl_control_is_named(void);
