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

/* Append "metadata":{...} and "device":{...}, for lines that are no message. */
void event_ocsf_metadata(struct json *json, const struct event_host *host, const char *code, uint64_t sequence);
void event_ocsf_device(struct json *json, const struct event_host *host);
