/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Messages as Elastic Common Schema 9, one object a line. docs/formats.md says what goes where; what ECS has no field for
 * is in endpoint_security, under the names that macOS gives it.
 */

#include "tools/event-format.h"
#include "tools/json.h"

#define EVENT_ECS_VERSION "9.4.0"

/* Appends one line; nothing for a number that is no event. */
void event_ecs_message(struct json *json, const es_message_t *message, const struct event_host *host);

/* Appends "host":{...}. */
void event_ecs_host(struct json *json, const struct event_host *host);
