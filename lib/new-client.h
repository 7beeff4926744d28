/* SPDX-License-Identifier: MIT */
#pragma once

/* Makes and deletes clients: the connection, and the two threads. The gate's thread is here. */

#include <EndpointSecurity/ESLinux.h>

/* es_new_client_f(), and release_context(context) is called when the handler can't run any more. */
es_new_client_result_t esl_client_new(es_client_t **client, es_handler_function_t handler, void *context,
				      void (*release_context)(void *context));
