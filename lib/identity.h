/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The identities of the programs that messages are about. The library looks them up in the daemon's table
 * (abi/identity.h) when it makes a message. If one is missing, it asks the daemon, and a later message has it. Only
 * AUTH_EXEC waits for it, see esl_identity_wait().
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "abi/identity.h"
#include "control.h"
#include "message.h"

struct esl_identity {
	const struct es_identity_table *table;	/* NULL: the daemon has none to give */
	int wants_fd;
	atomic_bool gone;		/* who wrote the table has died; another daemon may go on, with a table of its own */
	_Atomic uint64_t gone_ns;
};

/* Gets the daemon's table. 0 also if the daemon has none; a negative errno is a failure. */
int esl_identity_open(struct esl_identity *identity, struct esl_control *control);
void esl_identity_close(struct esl_identity *identity);

/* If the table's daemon has died, and another one has had time to go on, gets the table of that. */
void esl_identity_renew(struct esl_identity *identity, struct esl_control *control);

/* Fills identities into a decoded message. False: the daemon is still looking for that of an AUTH_EXEC's target. */
bool esl_identity_fill(struct esl_identity *identity, struct esl_message *message);

/* Waits until that is known, a share of the time until the message's deadline is over, or *stopping is set. */
void esl_identity_wait(struct esl_identity *identity, struct esl_message *message, const atomic_bool *stopping);

/* The identity of one file of a message, as known now. False: there is no table, or it isn't a regular file. */
bool esl_identity_of(struct esl_identity *identity, const struct es_file_part *part, pid_t pid, const char *path,
		     struct es_identity *ret);
