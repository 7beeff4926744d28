/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Who made the programs that messages are about: looked up in the daemon's table (abi/identity.h), when a message is made.
 * What isn't there is asked for, and is in a later message. Only AUTH_EXEC waits for it, see esl_identity_wait().
 */

#include <stdatomic.h>
#include <stdbool.h>

#include "abi/identity.h"
#include "control.h"
#include "message.h"

struct esl_identity {
	const struct es_identity_table *table;	/* NULL: the daemon has none to give */
	int wants_fd;
};

/* Asks the daemon. That it has no table is no failure; a negative errno is. */
int esl_identity_open(struct esl_identity *identity, struct esl_control *control);
void esl_identity_close(struct esl_identity *identity);

/* Into a message that was decoded. False: who will run after an AUTH_EXEC is being looked for. */
bool esl_identity_fill(const struct esl_identity *identity, struct esl_message *message);

/* Until that is known, or a share of the time until the message's deadline is over, or *stopping. */
void esl_identity_wait(const struct esl_identity *identity, struct esl_message *message, const atomic_bool *stopping);

/* Of a file of a message, as its record has it, now. */
bool esl_identity_of(const struct esl_identity *identity, const struct es_file_part *part, pid_t pid, const char *path,
		     struct es_identity *ret);
