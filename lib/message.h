/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A record of abi/record.h as an es_message_t.
 *
 * A message is one heap block that holds everything its pointers lead to: the structs, and behind them a copy of the
 * record with the strings. The record is copied, and its room in the ring given back, before the handler runs. So a
 * pointer that a handler took stays valid as long as the message, whether es_retain_message() came before or after; a
 * slow handler doesn't keep the ring full; and retaining only counts. The copy is cheap beside the wake-up that
 * brought the record. A block that nobody retained is reused for the next message, so the steady state allocates
 * nothing.
 *
 * Owner: the handler's thread has one reference while the handler runs; each es_retain_message() adds one. Dropping
 * the last one frees the block. The message may outlive its client.
 */

#include <stdatomic.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "abi/identity.h"
#include "abi/record.h"
#include "user-room.h"

struct esl_exec_index;

/* Room for a process's ids and digest. */
struct esl_code {
	char signing_id[sizeof(((struct es_identity *)NULL)->signing_id)];
	char team_id[sizeof(((struct es_identity *)NULL)->team_id)];
	uint8_t digest[ES_IDENTITY_DIGEST];
};

struct esl_message {
	_Atomic uint32_t references;
	atomic_bool answered;
	bool replayed;				/* made elsewhere, or some time ago: nothing can be looked up now */
	uint32_t room;				/* bytes behind `message` */
	uint64_t client;			/* id of the client it was made for */
	uint64_t auth_id;			/* 0: NOTIFY */
	_Atomic(struct esl_exec_index *) index;	/* made when an argument is first asked for */
	es_thread_t thread;
	es_process_t process[2];		/* acting, acted upon */
	struct esl_code code[2];		/* likewise */
	es_file_t executable[2];
	es_file_t tty[2];
	es_file_t file[ES_RECORD_FILES];
	struct esl_user user;
	es_message_t message;			/* the record's copy begins at message.opaque */
};

static inline struct es_record *esl_message_record(const struct esl_message *message)
{
	return (struct es_record *)message->message.opaque;
}

/* Where the room behind the record's copy begins, for what the library makes of the record. */
static inline size_t esl_message_behind(const struct es_record *record)
{
	return ((size_t)record->size + 7) & ~(size_t)7;
}

/*
 * Offsets to add to CLOCK_MONOTONIC and CLOCK_BOOTTIME for the time of day. Read again when a record is much newer
 * than the last reading. from_boot changes only in steps of a second or more, so that a process has the same start
 * time in all messages. In a replay both are as they were when it was captured.
 */
struct esl_clock {
	bool given;				/* by a replay, so never read */
	uint64_t looked_ns;
	int64_t from_monotonic;
	int64_t from_boot;
};

/*
 * Copies a record into *slot, which is allocated or enlarged as needed and belongs to the caller with one reference.
 * 0, -ENOMEM, or -EBADMSG if the record's head is malformed.
 */
int esl_message_copy(struct esl_message **slot, const void *bytes, uint32_t length);

/*
 * Makes the message from the copied record: all but sequence numbers and client. -EBADMSG: the record is malformed, or
 * of a type that never comes through a ring.
 */
int esl_message_decode(struct esl_message *message, struct esl_clock *clock);

/* Is the caller's reference the only one? Then the block may be used for the next message. */
bool esl_message_is_unique(struct esl_message *message);
void esl_message_put(struct esl_message *message);

static inline void esl_message_putp(struct esl_message **message)
{
	if (*message)
		esl_message_put(*message);
}
