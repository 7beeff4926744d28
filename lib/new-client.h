/* SPDX-License-Identifier: MIT */
#pragma once

/* A client is made and deleted: its connection, and the two threads, of which the gate's is here. */

#include <EndpointSecurity/ESLinux.h>

/* es_new_client_f() with a function that gives `context` back when the handler can't run any more. */
es_new_client_result_t esl_client_new(es_client_t **client, es_handler_function_t handler, void *context,
				      void (*release_context)(void *context));
