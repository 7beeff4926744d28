/* SPDX-License-Identifier: MIT */
#pragma once

/* (N6) A client's handler thread: ring, message, handler. es_sync_client_f() depends on this order. */

#include <stdbool.h>

#include "client.h"

/* The thread's function. */
void *esl_deliver_thread(void *client);

/* Calls the functions that es_sync_client_f() has queued, after the handler thread's end. */
void esl_deliver_finish(struct es_client_s *client);
