/* SPDX-License-Identifier: MIT */

#include "tools/event-json.h"

#include "tools/event.h"

/* --- the visitor: a member is a key and a value --- */

static void put_key(struct json *json, struct event_key key)
{
	if (!key.length || !json_reserve(json, key.length + 3))
		return;
	json->data[json->length++] = '"';
	memcpy(json->data + json->length, key.name, key.length);
	json->length += key.length;
	json->data[json->length++] = '"';
	json->data[json->length++] = ':';
}

static void put_open(void *to, struct event_key key, char bracket)
{
	put_key(to, key);
	json_open(to, bracket);
}

static void put_close(void *to, char bracket)
{
	json_close(to, bracket);
}

static void put_absent(void *to, struct event_key key)
{
	put_key(to, key);
	json_null(to);
}

static void put_boolean(void *to, struct event_key key, bool value)
{
	put_key(to, key);
	json_boolean(to, value);
}

static void put_natural(void *to, struct event_key key, uint64_t value, enum event_unit unit)
{
	(void)unit;
	put_key(to, key);
	json_unsigned(to, value);
}

static void put_integer(void *to, struct event_key key, int64_t value, enum event_unit unit)
{
	(void)unit;
	put_key(to, key);
	json_signed(to, value);
}

static void put_string(void *to, struct event_key key, es_string_token_t value)
{
	put_key(to, key);
	json_string(to, value.data, value.length);
}

static void put_bytes(void *to, struct event_key key, const uint8_t *data, size_t length)
{
	put_key(to, key);
	json_hex(to, data, length);
}

static void put_time(void *to, struct event_key key, int64_t seconds, int64_t fraction, unsigned int digits)
{
	put_key(to, key);
	json_time(to, seconds, fraction, digits);
}

const struct event_visitor event_json_visitor = {
	.open = put_open,
	.close = put_close,
	.absent = put_absent,
	.boolean = put_boolean,
	.natural = put_natural,
	.integer = put_integer,
	.string = put_string,
	.bytes = put_bytes,
	.time = put_time,
};

/* --- the message around the payload --- */

/* An AUTH message has an opaque id there, of which nothing can be shown. */
static void put_action(struct json *json, const es_message_t *message)
{
	const es_result_t *result = &message->action.notify;

	if (message->action_type == ES_ACTION_TYPE_AUTH) {
		json_literal(json, "{\"auth\":{}},");
		return;
	}
	if (result->result_type == ES_RESULT_TYPE_AUTH) {
		json_literal(json, "{\"result\":{\"result_type\":0,\"result\":{\"auth\":");
		json_unsigned(json, result->result.auth);
	} else {
		json_literal(json, "{\"result\":{\"result_type\":1,\"result\":{\"flags\":");
		json_unsigned(json, result->result.flags);
	}
	json_close(json, '}');
	json_close(json, '}');
	json_close(json, '}');
}

static void put_thread(struct json *json, const es_thread_t *thread)
{
	if (!thread) {
		json_null(json);
		return;
	}
	json_literal(json, "{\"thread_id\":");
	json_unsigned(json, thread->thread_id);
	json_close(json, '}');
}

/* The payload under the event's name; a reserved number is "none". */
static void put_event(struct json *json, const es_message_t *message)
{
	const char *name = event_name(message->event_type);

	if ((unsigned int)message->event_type >= ES_EVENT_TYPE_LAST) {
		json_null(json);
		return;
	}
	if (!name)
		name = "none";
	json_open(json, '{');
	put_open(json, (struct event_key){ name, strlen(name) }, '{');
	event_visit_payload(&event_json_visitor, json, message);
	json_close(json, '}');
	json_close(json, '}');
}

#define NUMBER(name) (json_key(json, #name), json_unsigned(json, message->name))

void event_json_message(struct json *json, const es_message_t *message)
{
	json_literal(json, "{\"schema_version\":1,\"version\":");
	json_unsigned(json, message->version);
	json_key(json, "time");
	json_time(json, message->time.tv_sec, message->time.tv_nsec, 9);
	NUMBER(mach_time);
	NUMBER(event_type);
	NUMBER(action_type);
	json_key(json, "action");
	put_action(json, message);
	NUMBER(seq_num);
	NUMBER(global_seq_num);
	json_key(json, "thread");
	put_thread(json, message->thread);
	event_visit_process(&event_json_visitor, json, EVENT_KEY("process"), message);
	json_key(json, "event");
	put_event(json, message);
	json_close(json, '}');
	json_line(json);
}
