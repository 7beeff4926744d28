/* SPDX-License-Identifier: MIT */

#include "tools/event-format.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "tools/event-put.h"
#include "util/macro.h"

/* The possible rows of tools/formats.def: the payloads, and special cases of them. */
enum row {
#define ES_PAYLOAD(name, ...) ROW_##name,
#define ES_PAYLOAD_OWN ES_PAYLOAD
#define ES_PAYLOAD_ABSENT ES_PAYLOAD
#define ES_PAYLOAD_AT ES_PAYLOAD
#define ES_PAYLOAD_TEXT ES_PAYLOAD
#define ES_PAYLOAD_NONE ES_PAYLOAD
#include "abi/events.def"
	ROW_mmap_data,
	ROW_close_modified,
	ROW_od_attribute_of_group,
	ROWS,
};

static const struct event_format rows[ROWS] = {
#define OCSF_CLASS(...)
#define FORMAT(event, category, type, action, class, activity, name) \
	[ROW_##event] = { category, type, action, OCSF_##class, activity, name },
#include "tools/formats.def"
};

static const struct {
	enum row row;
	const char *constant;
} events[] = {
#define ES_EVENT(name, number, payload, ...) [number] = { ROW_##payload, #name },
#include "abi/events.def"
};

const char *event_constant(es_event_type_t type)
{
	return (unsigned int)type < ARRAY_SIZE(events) ? events[type].constant : "?";
}

/* The format of an event without a row: only its name is known. */
static struct event_format format_of(enum row row, es_event_type_t type)
{
	const char *name = event_name(type);

	if (rows[row].name)
		return rows[row];
	return (struct event_format){ "process", "info", name, OCSF_PROCESS, 99, name };
}

static bool is_of_group(const struct event_parts *parts, enum row row)
{
	if (row != ROW_od_attribute_set && row != ROW_od_attribute_value_add && row != ROW_od_attribute_value_remove)
		return false;
	return event_part_number(parts, "record_type", 0) == ES_OD_RECORD_TYPE_GROUP;
}

bool event_format_of(struct event_format *ret, const struct event_parts *parts)
{
	const es_message_t *message = parts->message;
	enum row row = (unsigned int)message->event_type < ARRAY_SIZE(events) ? events[message->event_type].row : ROW_none;

	if (row == ROW_none)
		return false;
	if (row == ROW_mmap && !(message->event.mmap.protection & PROT_EXEC))
		row = ROW_mmap_data;
	if (row == ROW_close && message->event.close.modified)
		row = ROW_close_modified;
	*ret = format_of(row, message->event_type);
	if (is_of_group(parts, row)) {
		*ret = rows[ROW_od_attribute_of_group];
		ret->action = rows[row].action;
	}
	return true;
}

enum event_outcome event_outcome(const struct event_parts *parts)
{
	if (parts->message->action_type == ES_ACTION_TYPE_AUTH)
		return EVENT_ASKED;
	if (event_is_denied(parts->message))
		return EVENT_DENIED;
	if (!event_part_number(parts, "success", 1) || event_part_number(parts, "error_code", 0))
		return EVENT_FAILED;
	return EVENT_DONE;
}

/* --- where --- */

static void line_of(char *ret, size_t size, const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file)
		return;
	if (!fgets(ret, (int)size, file))
		*ret = 0;
	ret[strcspn(ret, "\n")] = 0;
	fclose(file);
}

void event_host_here(struct event_host *ret)
{
	struct utsname name;

	*ret = (struct event_host){};
	if (uname(&name) == 0) {
		snprintf(ret->name, sizeof(ret->name), "%s", name.nodename);
		snprintf(ret->kernel, sizeof(ret->kernel), "%s", name.release);
		snprintf(ret->machine, sizeof(ret->machine), "%s", name.machine);
	}
	line_of(ret->id, sizeof(ret->id), "/etc/machine-id");
	line_of(ret->boot_id, sizeof(ret->boot_id), "/proc/sys/kernel/random/boot_id");
}

void event_put_stream(struct json *json, const struct event_host *host)
{
	KEY_TEXT("client", host->client);
	KEY_UNSIGNED("number", host->number);
	KEY_TEXT("host", host->id);
	KEY_TEXT("boot", host->boot_id);
	if (host->cut)
		KEY_UNSIGNED("cut", host->cut);
}

size_t event_process_id(char ret[EVENT_PROCESS_ID_BYTES], const struct event_host *host, const audit_token_t *token)
{
	return (size_t)snprintf(ret, EVENT_PROCESS_ID_BYTES, "%s%s%d.%u", host->boot_id, *host->boot_id ? "." : "",
				(int)token->val[5], token->val[7]);
}
