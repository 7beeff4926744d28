/* SPDX-License-Identifier: MIT */
#pragma once

/* (N6) The handler thread of a client: ring, message, handler; and es_sync_client_f(), which is about this order. */

#include <stdbool.h>

#include "client.h"

/* The thread's function. */
void *esl_deliver_thread(void *client);

/* Calls what es_sync_client_f() left, since no handler will run any more. */
void esl_deliver_finish(struct es_client_s *client);
