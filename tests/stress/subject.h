/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A client under test, and its account: what it was subscribed to and when, what it received, what it had muted. When
 * it has been deleted the account is balanced against the ledger:
 *
 *	must	the operation began after a subscription had been made and ended before it was given up, and a
 *		synchronisation that began later has completed: delivered once, or one of the losses that the sequence
 *		numbers show
 *	may	it overlapped one of these changes: delivered once, lost, or not at all
 *	else	it must not be delivered
 *
 * Messages of one worker come in the order of its operations, so "twice" is seen at once: numbers have to rise.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <EndpointSecurity/ESLinux.h>
#include <EndpointSecurity/EndpointSecurity.h>

#include "ledger.h"

/* The types that are accounted for. */
enum subject_type {
	TYPE_AUTH_OPEN,
	TYPE_AUTH_EXEC,
	TYPE_NOTIFY_OPEN,
	TYPE_NOTIFY_EXEC,
	TYPE_NOTIFY_RENAME,
	SUBJECT_TYPES,
};

extern const es_event_type_t subject_events[SUBJECT_TYPES];

/* -1: none of them */
int subject_type_of(es_event_type_t event);

enum { WINDOWS_MAX = 128 };

/* From possible to certain to possible: (on_begin, off_end) contains (on_end, off_begin). */
struct window {
	uint64_t on_begin, on_end, off_begin, off_end;
};

/* Something that is on or off. Who changes it holds the lock; so each change has a beginning and an end. */
struct history {
	pthread_mutex_t lock;
	struct window windows[WINDOWS_MAX];
	unsigned int count;
	bool on;
	_Atomic uint64_t sure_ns;	/* since when it is certainly on; 0: it isn't */
};

struct arrived {
	uint32_t *numbers;		/* of operations, rising */
	uint32_t count, room;
};

struct subject {
	es_client_t *client;
	unsigned int references;	/* under the table's lock */
	unsigned int number;		/* for reports */
	uint64_t created_ns;		/* when the making of it began */
	struct history subscribed[SUBJECT_TYPES];
	struct history muted[WORKERS];
	atomic_bool deleting;
	atomic_bool deleted;
	atomic_bool handling;
	_Atomic uint64_t synced_ns;	/* the latest beginning of a synchronisation that has completed */
	uint32_t first[WORKERS];	/* operations before these are older than the client */

	/* The handler's own until the client is deleted. */
	struct arrived arrived[SUBJECT_TYPES][WORKERS];
	uint64_t received[SUBJECT_TYPES], next[SUBJECT_TYPES];
	uint64_t received_all, next_all;
	uint64_t lost[SUBJECT_TYPES];	/* before the last message of the type, as its number says */
	uint64_t lost_all;
	uint64_t last_ns[SUBJECT_TYPES];	/* when the operation of the last message of the type began */
	uint64_t last_any_ns;
	unsigned int seed;		/* of the handler's choices */
};

/* What a message is about; false: not an operation of a worker. */
bool subject_parse(const es_message_t *message, unsigned int *ret_worker, uint32_t *ret_number);

struct subject *subject_new(unsigned int number, unsigned int seed, struct ledger *ledger);
void subject_free(struct subject *subject);

/* The two halves of a change. False: no room for one more, or it is so already; `lock` is held between them. */
bool history_begin(struct history *history, bool on, bool wait);
void history_end(struct history *history, bool on, bool changed);

/* The same for all types at once; one thread at a time, as it holds all their locks. */
void subject_off_begin(struct subject *subject);
void subject_off_end(struct subject *subject, bool changed);

/* Ends all that is still on, as deleting the client does: at its beginning and its end. */
void subject_delete_begin(struct subject *subject);
void subject_delete_end(struct subject *subject);

/* Each message, in the handler. Returns its operation, NULL for one that isn't a worker's. */
struct op *subject_receive(struct subject *subject, const es_message_t *message, struct ledger *ledger);

/* After its deletion. Counts are added to what is returned. */
struct balance {
	uint64_t delivered, lost, must;
};

void subject_balance(struct subject *subject, struct ledger *ledger, struct balance *balance);
