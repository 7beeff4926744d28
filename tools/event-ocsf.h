/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Messages as events of the Open Cybersecurity Schema Framework 1.8, one object a line, with the profiles host,
 * security_control, datetime and linux_users. docs/formats.md says what goes where; what OCSF has no attribute for is in
 * `unmapped`, under the names that macOS gives it.
 */

#include "tools/event-format.h"
#include "tools/json.h"

#define EVENT_OCSF_VERSION "1.8.0"

/* Appends one line; nothing for a number that is no event. */
void event_ocsf_message(struct json *json, const es_message_t *message, const struct event_host *host);
