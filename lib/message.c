/* SPDX-License-Identifier: MIT */

/* (N5) A record is copied out of the ring into a message, whose references are counted; decode.c makes the structs. */

#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

enum { BLOCK_BYTES = 4096 };

/* Behind the record is room for what events point to: see statfs_of() and from_texts() in decode.c. */
static size_t room_needed(const struct es_record *head, const void *bytes)
{
	return esl_message_behind(head) + sizeof(struct es_statfs) + esl_user_room(head, bytes);
}

static void reset(struct esl_message *message)
{
	free(atomic_exchange_explicit(&message->index, NULL, memory_order_relaxed));
	atomic_store_explicit(&message->references, 1, memory_order_relaxed);
	atomic_store_explicit(&message->answered, false, memory_order_relaxed);
	message->client = 0;
	message->auth_id = 0;
}

static int make_room(struct esl_message **slot, size_t needed)
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
	struct es_record head;
	int r;

	if (length < sizeof(head) || length > INT32_MAX)
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));		/* which need not be aligned */
	if (head.size < sizeof(head) || head.size > length)
		return -EBADMSG;

	r = make_room(slot, room_needed(&head, bytes));
	if (r < 0)
		return r;
	reset(*slot);
	memcpy(esl_message_record(*slot), bytes, head.size);
	esl_message_record(*slot)->size = head.size;
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
	const struct es_record *record = message ? esl_message_record(enclosing(message)) : NULL;

	return record ? sizeof(*message) + room_needed(record, record) : 0;
}
