/* SPDX-License-Identifier: MIT */
#include "deliver.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "log.h"
#include "util/macro.h"

static __thread const struct es_client_s *handled_here;

/* Is this thread running the client's handler? */
static bool is_handler(const struct es_client_s *client)
{
	return handled_here == client;
}

/*
 * A message's number is how many records arrived before it plus how many were lost before it, as the record says.
 * CPUs may disagree about the losses for a moment: numbers don't go back for that, and are exact again with the next
 * record.
 */
static uint64_t next_number(struct esl_sequence *sequence, uint64_t lost)
{
	uint64_t number = sequence->received++ + lost;

	if (number < sequence->next)
		number = sequence->next;
	sequence->next = number + 1;
	return number;
}

static void number_message(struct es_client_s *client, const struct es_record *record, es_message_t *message)
{
	message->seq_num = next_number(&client->sequence[record->type], record->lost_type);
	message->global_seq_num = next_number(&client->sequence_all, record->lost_all);
}

/* A record that can't become a message is a gap in the numbers. A task that waits for an answer to it is allowed. */
static void skip(struct es_client_s *client, const struct es_record *record, int error)
{
	if (client->malformed++ == 0)
		esl_log("a record of type %u (%u bytes) could not be delivered (%s); it counts as lost", record->type,
			record->size,
			error == -EBADMSG ? "malformed: library and kernel programs disagree" : esl_errno(error));
	if (record->type < ES_EVENT_TYPES)
		next_number(&client->sequence[record->type], record->lost_type);
	next_number(&client->sequence_all, record->lost_all);
	if (record->flags & ES_RECORD_AUTH)
		esl_gate_answer(client->gate, record->auth_id, true, 0);
}

static void skip_unread(struct es_client_s *client, const void *bytes, uint32_t length, int error)
{
	struct es_record head = { .type = UINT16_MAX };

	if (length >= sizeof(head))
		memcpy(&head, bytes, sizeof(head));
	skip(client, &head, error);
}

static void handle(struct es_client_s *client, struct esl_message *message)
{
	(void)atomic_load_explicit(&client->changes, memory_order_acquire);
	message->client = client->id;
	handled_here = client;
	client->handler(client, &message->message, client->context);
	handled_here = NULL;
	if (!esl_message_is_unique(message)) {
		client->message = NULL;
		esl_message_put(message);
	}
}

/* Has the client unsubscribed from this AUTH type? Then the waiting task is allowed, and the handler isn't called. */
static bool given_up(struct es_client_s *client, const struct es_record *record)
{
	return record->flags & ES_RECORD_AUTH &&
	       !(atomic_load(&client->wanted[record->type / 64]) >> record->type % 64 & 1);
}

static void deliver(struct es_client_s *client, const void *bytes, uint32_t length)
{
	const struct es_record *record;
	int r;

	r = esl_message_copy(&client->message, bytes, length);
	if (r < 0)
		skip_unread(client, bytes, length, r);
	esl_ring_release(&client->ring);
	if (r < 0)
		return;

	record = esl_message_record(client->message);
	r = esl_message_decode(client->message, &client->clock);
	if (r < 0) {
		skip(client, record, r);
		return;
	}
	if (given_up(client, record)) {
		esl_gate_answer(client->gate, record->auth_id, true, 0);
		return;
	}
	if (record->flags & ES_RECORD_AUTH)
		client->message->message.deadline = esl_gate_begin(client->gate, record->auth_id, record->time_ns,
								   record->deadline_ns);
	esl_identity_renew(&client->identity, &client->control);
	if (!esl_identity_fill(&client->identity, client->message))
		esl_identity_wait(&client->identity, client->message, &client->stopping);
	number_message(client, record, &client->message->message);
	handle(client, client->message);
	esl_gate_done(client->gate);
}

static struct esl_sync *take_sync(struct es_client_s *client, bool all)
{
	struct esl_sync *sync;

	pthread_mutex_lock(&client->sync_lock);
	sync = client->syncs;
	if (sync && (all || (long)(client->ring.position - sync->position) >= 0)) {
		client->syncs = sync->next;
		if (!client->syncs)
			client->syncs_end = &client->syncs;
		atomic_fetch_sub(&client->syncs_waiting, 1);
	} else {
		sync = NULL;
	}
	pthread_mutex_unlock(&client->sync_lock);
	return sync;
}

static void call_syncs(struct es_client_s *client, bool all)
{
	struct esl_sync *sync;

	while (atomic_load(&client->syncs_waiting) && (sync = take_sync(client, all))) {
		sync->function(sync->context);
		free(sync);
	}
}

void esl_deliver_finish(struct es_client_s *client)
{
	pthread_mutex_lock(&client->sync_lock);
	client->syncs_closed = true;
	pthread_mutex_unlock(&client->sync_lock);
	call_syncs(client, true);
	if (client->message)
		esl_message_put(TAKE_POINTER(client->message));
}

static int deliver_all(struct es_client_s *client)
{
	const void *bytes;
	uint32_t length;
	int r = 0;

	while (!atomic_load(&client->stopping) && (r = esl_ring_peek(&client->ring, &bytes, &length)) > 0) {
		call_syncs(client, false);
		deliver(client, bytes, length);
	}
	if (r == 0)
		call_syncs(client, false);
	return r;
}

static void wait(struct es_client_s *client)
{
	struct epoll_event events[2];
	eventfd_t ignored;

	epoll_wait(client->epoll_fd, events, ARRAY_SIZE(events), -1);
	eventfd_read(client->wake_fd, &ignored);
}

/* A damaged ring is as good as none. Ends the connection; the gate's thread notices that and ends the stream. */
static void give_up(struct es_client_s *client)
{
	esl_log("the event ring is damaged");
	shutdown(client->control.fd, SHUT_RDWR);
	while (!atomic_load(&client->stopping))
		wait(client);
}

void *esl_deliver_thread(void *argument)
{
	struct es_client_s *client = argument;
	char name[16];

	snprintf(name, sizeof(name), "es-handler-%u", client->slot % 100);
	pthread_setname_np(pthread_self(), name);
	while (!atomic_load(&client->stopping)) {
		if (deliver_all(client) < 0)
			give_up(client);
		else
			wait(client);
	}
	return NULL;
}

static bool append(struct es_client_s *client, struct esl_sync *sync)
{
	bool appended = false;

	pthread_mutex_lock(&client->sync_lock);
	if (!client->syncs_closed) {
		sync->position = esl_ring_producer(&client->ring);
		*client->syncs_end = sync;
		client->syncs_end = &sync->next;
		atomic_fetch_add(&client->syncs_waiting, 1);
		appended = true;
	}
	pthread_mutex_unlock(&client->sync_lock);
	return appended;
}

es_return_t es_sync_client_f(es_client_t *pointer, void (*function)(void *context), void *context)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = NULL;
	_cleanup_free_ struct esl_sync *sync = NULL;

	if (!function)
		return ES_RETURN_ERROR;
	if (!pointer) {
		function(context);
		return ES_RETURN_SUCCESS;
	}
	client = esl_client_get(pointer);
	if (!client || is_handler(client))
		return ES_RETURN_ERROR;

	sync = malloc(sizeof(*sync));
	if (!sync)
		return ES_RETURN_ERROR;
	*sync = (struct esl_sync){ .function = function, .context = context };
	if (append(client, sync)) {
		sync = NULL;
		eventfd_write(client->wake_fd, 1);
	} else {
		function(context);
	}
	return ES_RETURN_SUCCESS;
}
