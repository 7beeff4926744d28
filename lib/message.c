/* SPDX-License-Identifier: MIT */

/* (N5) A record is copied out of the ring into a message, whose references are counted; decode.c makes the structs. */

#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

enum { BLOCK_BYTES = 4096 };

/* Room for the struct that mount events point to is always left: see esl_decode_payload(). */
static uint32_t room_needed(uint32_t record_bytes)
{
	return ((record_bytes + 7) & ~7u) + sizeof(struct es_statfs);
}

static void reset(struct esl_message *message)
{
	free(atomic_exchange_explicit(&message->index, NULL, memory_order_relaxed));
	atomic_store_explicit(&message->references, 1, memory_order_relaxed);
	atomic_store_explicit(&message->answered, false, memory_order_relaxed);
	message->client = 0;
	message->auth_id = 0;
}

static int make_room(struct esl_message **slot, uint32_t needed)
{
	size_t bytes = (sizeof(struct esl_message) + needed + BLOCK_BYTES - 1) & ~(size_t)(BLOCK_BYTES - 1);
	struct esl_message *message;

	if (*slot && (*slot)->room >= needed)
		return 0;
	message = malloc(bytes);
	if (!message)
		return -ENOMEM;
	if (*slot)
		esl_message_put(*slot);
	message->room = (uint32_t)(bytes - sizeof(*message));
	atomic_init(&message->index, NULL);
	*slot = message;
	return 0;
}

int esl_message_copy(struct esl_message **slot, const void *bytes, uint32_t length)
{
	struct es_record *record;
	uint32_t size;
	int r;

	if (length < sizeof(*record) || length > INT32_MAX)
		return -EBADMSG;
	memcpy(&size, bytes, sizeof(size));
	if (size < sizeof(*record) || size > length)
		return -EBADMSG;

	r = make_room(slot, room_needed(size));
	if (r < 0)
		return r;
	reset(*slot);
	record = esl_message_record(*slot);
	memcpy(record, bytes, size);
	record->size = size;
	return 0;
}

bool esl_message_is_unique(struct esl_message *message)
{
	return atomic_load_explicit(&message->references, memory_order_acquire) == 1;
}

void esl_message_put(struct esl_message *message)
{
	if (atomic_fetch_sub_explicit(&message->references, 1, memory_order_acq_rel) != 1)
		return;
	free(atomic_load_explicit(&message->index, memory_order_relaxed));
	free(message);
}

static struct esl_message *enclosing(const es_message_t *message)
{
	return container_of(message, struct esl_message, message);
}

void es_retain_message(const es_message_t *message)
{
	if (message)
		atomic_fetch_add_explicit(&enclosing(message)->references, 1, memory_order_relaxed);
}

void es_release_message(const es_message_t *message)
{
	if (message)
		esl_message_put(enclosing(message));
}

es_message_t *es_copy_message(const es_message_t *message)
{
	es_retain_message(message);
	return (es_message_t *)message;
}

void es_free_message(es_message_t *message)
{
	es_release_message(message);
}

size_t es_message_size(const es_message_t *message)
{
	return message ? sizeof(*message) + room_needed(esl_message_record(enclosing(message))->size) : 0;
}
