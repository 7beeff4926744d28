/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The connection to the daemon: one request, one reply, one thread at a time (abi/control.h). If no daemon listens,
 * the library starts a private one, see start.h. Any thread may send a request; the gate's thread only watches for
 * the connection's end.
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
 * Connects and becomes a client. On success the caller owns the descriptors. A negative errno has been explained on
 * stderr; a positive one is a refusal.
 */
int esl_control_connect(struct esl_control *control, struct es_reply *ret_reply, int ret_fds[ES_CLIENT_FDS]);

/*
 * Sends one request with its data, receives one reply, and puts up to `size` bytes of the reply's data into ret_data.
 * A negative errno: the daemon is gone or late, or its reply is invalid. Else the reply's `error`.
 */
int esl_control_ask(struct esl_control *control, const struct es_request *request, const void *data,
		    struct es_reply *ret_reply, void *ret_data, size_t size);

/* The same without data. */
int esl_control_request(struct esl_control *control, enum es_request_op op, const uint64_t types[ES_TYPE_WORDS],
			struct es_reply *ret_reply);

/* One request whose reply carries `count` descriptors, which the caller then owns. A refusal carries none. */
int esl_control_descriptors(struct esl_control *control, enum es_request_op op, int *ret_fds, unsigned int count);

/* Does the environment name a socket? A replay's daemon may listen there, which takes clients that aren't root. */
bool esl_control_is_named(void);
