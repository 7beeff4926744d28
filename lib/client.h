/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A client: its connection, its ring, its gate, and the two threads that serve them.
 *
 *	handler thread	reads the ring and calls the program's handler, one message at a time
 *	gate thread	reads the gate (gate.h) and notices the daemon's end: first end_fd becomes readable, and the
 *			thread lets all waiting tasks go; then the daemon closes its descriptors, and the stream ends
 *
 * Both block all signals. Functions of the API begin with esl_client_get(). It checks that the pointer is a living
 * client of this process, and keeps its memory until esl_client_put(). So a call on a deleted client, or by a child
 * of fork() on its parent's client, is an error and not a crash.
 */

#include <stdatomic.h>
#include <sys/types.h>

#include <EndpointSecurity/ESLinux.h>

#include "control.h"
#include "gate.h"
#include "identity.h"
#include "message.h"
#include "ring.h"

/* A function to call when the ring has been read up to a position. */
struct esl_sync {
	struct esl_sync *next;
	unsigned long position;
	void (*function)(void *context);
	void *context;
};

struct esl_sequence {
	uint64_t received;
	uint64_t next;				/* lowest number that may still be given */
};

struct es_client_s {
	struct es_client_s *next;		/* in the list of living clients */
	_Atomic uint32_t references;
	uint64_t id;				/* never used again in this process */
	pid_t creator;				/* thread that may delete it */
	es_handler_function_t handler;
	void *context;
	void (*release_context)(void *context);	/* may be NULL */

	struct esl_control control;
	struct esl_ring ring;
	struct esl_gate *gate;
	struct esl_identity identity;
	int ring_fd;
	int epoll_fd;				/* waits for records and for wake_fd */
	int wake_fd;				/* eventfd: for the handler thread */
	int stop_fd;				/* eventfd: for the gate thread */
	int end_fd;				/* readable as soon as the daemon ends */
	int ended_fd;				/* eventfd: written when `ended` is set, and never read */
	uint32_t slot;
	pthread_t handler_thread;
	pthread_t gate_thread;
	atomic_bool stopping;
	atomic_bool ended;			/* the daemon has gone */

	pthread_mutex_t subscribe_lock;		/* held while `types` changes: from request to reply */
	uint64_t types[ES_TYPE_WORDS];
	_Atomic uint64_t wanted[ES_TYPE_WORDS];	/* `types`, and what a request is adding; read by the handler thread */
	/* Raised before each request, read before each handler call: the handler sees what precedes es_subscribe(). */
	_Atomic uint32_t changes;

	atomic_bool silence_said;

	pthread_mutex_t sync_lock;
	struct esl_sync *syncs;			/* in order of position */
	struct esl_sync **syncs_end;
	bool syncs_closed;			/* the handler thread has ended, no more are added */
	_Atomic uint32_t syncs_waiting;

	/* The handler thread's own. */
	struct esl_message *message;		/* kept for the next record */
	struct esl_clock clock;
	struct esl_sequence sequence_all;
	struct esl_sequence sequence[ES_EVENT_TYPES];
	uint64_t malformed;
};

/* NULL: no client of this process. Any thread. */
struct es_client_s *esl_client_get(const es_client_t *client);
void esl_client_put(struct es_client_s *client);

static inline void esl_client_putp(struct es_client_s **client)
{
	if (*client)
		esl_client_put(*client);
}

/* Logs, once for each client, which type inverted muting has silenced (reply->value). In subscribe.c. */
void esl_client_say_silent(struct es_client_s *client, const struct es_reply *reply);

/* A new client; esl_client_get() finds it only after esl_client_add(). NULL: no memory. */
struct es_client_s *esl_client_alloc(void);
void esl_client_add(struct es_client_s *client);

/* Removes it from the living clients. NULL: it isn't one of them, or another thread made it. */
struct es_client_s *esl_client_take(const es_client_t *client);
