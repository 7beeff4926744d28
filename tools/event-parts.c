/* SPDX-License-Identifier: MIT */

#include "tools/event-parts.h"

#include <string.h>

#include "tools/event-json.h"
#include "util/macro.h"

static bool is_key(struct event_key key, const char *name)
{
	return key.length == strlen(name) && !memcmp(key.name, name, key.length);
}

/* --- gathering --- */

static struct event_scalar *add(struct event_parts *parts, struct event_key key)
{
	struct event_scalar *scalar;

	if (!key.length || parts->count == EVENT_PARTS_SCALARS)
		return NULL;
	scalar = &parts->scalars[parts->count++];
	*scalar = (struct event_scalar){ .key = key };
	return scalar;
}

static void add_number(struct event_parts *parts, struct event_key key, int64_t value)
{
	struct event_scalar *scalar = add(parts, key);

	if (scalar)
		scalar->number = value;
}

static void parts_open(void *to, struct event_key key, char bracket)
{
	(void)to;
	(void)key;
	(void)bracket;
}

static void parts_close(void *to, char bracket)
{
	(void)to;
	(void)bracket;
}

static void parts_absent(void *to, struct event_key key)
{
	(void)to;
	(void)key;
}

static void parts_boolean(void *to, struct event_key key, bool value)
{
	add_number(to, key, value);
}

static void parts_natural(void *to, struct event_key key, uint64_t value, enum event_unit unit)
{
	(void)unit;
	add_number(to, key, (int64_t)value);
}

static void parts_integer(void *to, struct event_key key, int64_t value, enum event_unit unit)
{
	(void)unit;
	add_number(to, key, value);
}

/* A name belongs to the directory before it. */
static void parts_string(void *to, struct event_key key, es_string_token_t value)
{
	struct event_parts *parts = to;
	struct event_scalar *scalar;

	if (is_key(key, "target_filename") || is_key(key, "target_name")) {
		parts->result.name = value;
		return;
	}
	if (is_key(key, "filename")) {
		parts->about.name = value;
		return;
	}
	scalar = add(parts, key);
	if (!scalar)
		return;
	scalar->is_string = true;
	scalar->string = value;
}

static void parts_bytes(void *to, struct event_key key, const uint8_t *data, size_t length)
{
	(void)to;
	(void)key;
	(void)data;
	(void)length;
}

static void parts_time(void *to, struct event_key key, int64_t seconds, int64_t fraction, unsigned int digits)
{
	(void)to;
	(void)key;
	(void)seconds;
	(void)fraction;
	(void)digits;
}

static void parts_file(void *to, struct event_key key, const es_file_t *file)
{
	struct event_parts *parts = to;

	if (is_key(key, "parent_dir") || is_key(key, "cwd") || is_key(key, "script"))
		return;		/* a format that wants them knows the event */
	if (is_key(key, "target_dir"))
		parts->result.dir = file;
	else if (is_key(key, "dir"))
		parts->about.dir = file;
	else if (!event_named_is(&parts->about))
		parts->about.file = file;
	else if (!parts->result.file)
		parts->result.file = file;
}

static void parts_process(void *to, struct event_key key, const es_process_t *process)
{
	struct event_parts *parts = to;

	if (is_key(key, "target") || is_key(key, "child"))
		parts->target = process;
	else if (is_key(key, "instigator"))
		parts->instigator = process;
}

static void parts_token(void *to, struct event_key key, const audit_token_t *token)
{
	(void)to;
	(void)key;
	(void)token;
}

static void parts_new_path(void *to, const es_file_t *dir, es_string_token_t filename, const mode_t *mode)
{
	struct event_parts *parts = to;
	struct event_named *named = event_named_is(&parts->about) ? &parts->result : &parts->about;

	*named = (struct event_named){ .dir = dir, .name = filename, .mode = mode };
}

void event_parts_gather(struct event_parts *ret, const es_message_t *message)
{
	static const struct event_visitor visitor = {
		.open = parts_open,
		.close = parts_close,
		.absent = parts_absent,
		.boolean = parts_boolean,
		.natural = parts_natural,
		.integer = parts_integer,
		.string = parts_string,
		.bytes = parts_bytes,
		.time = parts_time,
		.file = parts_file,
		.process = parts_process,
		.token = parts_token,
		.new_path = parts_new_path,
		.brief = true,
	};

	ret->message = message;
	ret->about = ret->result = (struct event_named){};
	ret->target = ret->instigator = NULL;
	ret->count = 0;
	event_visit_payload(&visitor, ret, message);
}

/* --- asking --- */

static const struct event_scalar *find(const struct event_parts *parts, const char *key)
{
	for (size_t i = 0; i < parts->count; i++)
		if (is_key(parts->scalars[i].key, key))
			return &parts->scalars[i];
	return NULL;
}

bool event_part_has(const struct event_parts *parts, const char *key)
{
	return find(parts, key);
}

int64_t event_part_number(const struct event_parts *parts, const char *key, int64_t otherwise)
{
	const struct event_scalar *scalar = find(parts, key);

	return scalar ? scalar->number : otherwise;
}

es_string_token_t event_part_string(const struct event_parts *parts, const char *key)
{
	const struct event_scalar *scalar = find(parts, key);

	return scalar && scalar->is_string && scalar->string.data ? scalar->string : (es_string_token_t){ 0, "" };
}

/* Joins two JSON strings: the folder's without its end, and the name's without its beginning. */
void event_named_path(struct json *json, const struct event_named *named)
{
	es_string_token_t folder;
	size_t at;

	if (named->file) {
		json_string(json, named->file->path.data ?: "", named->file->path.length);
		return;
	}
	folder = named->dir ? named->dir->path : (es_string_token_t){ 0, "" };
	json_string(json, folder.data ?: "", folder.length);
	if (json->failed)
		return;
	json->length -= 2;
	if (!folder.length || folder.data[folder.length - 1] != '/')
		json_literal(json, "\\/");
	at = json->length;
	json_string(json, named->name.data ?: "", named->name.length);
	if (json->failed)
		return;
	memmove(json->data + at, json->data + at + 1, json->length - at - 1);
	json->length--;
}

/* Writes each argument as a string, and replaces the quotes between them by a space. */
void event_exec_command(struct json *json, const es_event_exec_t *exec)
{
	struct event_exec_list arguments = event_exec_arguments(exec);
	es_string_token_t argument;

	json_literal(json, "\"");
	while (!json->failed && event_exec_next(&arguments, &argument)) {
		size_t at = json->length;

		json_string(json, argument.data ?: "", argument.length);
		if (json->failed)
			return;
		memmove(json->data + at, json->data + at + 1, json->length - at - 3);
		json->length -= 3;
		json_literal(json, " ");
	}
	if (arguments.next && !json->failed)
		json->length--;
	json_literal(json, "\",");
}

es_string_token_t event_base_name(es_string_token_t path)
{
	const char *slash = path.length > 1 ? memrchr(path.data, '/', path.length) : NULL;

	if (!slash || slash + 1 == path.data + path.length)
		return path;
	return (es_string_token_t){ path.length - (size_t)(slash + 1 - path.data), slash + 1 };
}

es_string_token_t event_folder_name(es_string_token_t path)
{
	const char *slash = path.length ? memrchr(path.data, '/', path.length) : NULL;

	if (!slash)
		return (es_string_token_t){ 0, "" };
	return (es_string_token_t){ slash == path.data ? 1 : (size_t)(slash - path.data), path.data };
}

/* --- the rest: JSON as eslogger has it, with holes --- */

enum { REST_DEPTH = 8 };

struct rest {
	struct json *json;
	size_t begins[REST_DEPTH];	/* starts of the open objects: an empty one is removed */
	unsigned int depth;
	unsigned int skipped;		/* depth inside an object that is left out */
};

static bool is_shown(const struct rest *rest)
{
	return !rest->skipped;
}

static void rest_open(void *to, struct event_key key, char bracket)
{
	struct rest *rest = to;

	if (rest->skipped || rest->depth == REST_DEPTH || is_key(key, "args")) {
		rest->skipped++;
		return;
	}
	rest->begins[rest->depth++] = rest->json->length;
	event_json_visitor.open(rest->json, key, bracket);
}

static void rest_close(void *to, char bracket)
{
	struct rest *rest = to;
	struct json *json = rest->json;

	if (rest->skipped) {
		rest->skipped--;
		return;
	}
	rest->depth--;
	if (!json->failed && json->data[json->length - 1] != ',')
		json->length = rest->begins[rest->depth];
	else
		event_json_visitor.close(json, bracket);
}

static void rest_absent(void *to, struct event_key key)
{
	(void)to;
	(void)key;
}

static void rest_boolean(void *to, struct event_key key, bool value)
{
	struct rest *rest = to;

	if (is_shown(rest))
		event_json_visitor.boolean(rest->json, key, value);
}

static void rest_natural(void *to, struct event_key key, uint64_t value, enum event_unit unit)
{
	struct rest *rest = to;

	if (is_shown(rest))
		event_json_visitor.natural(rest->json, key, value, unit);
}

static void rest_integer(void *to, struct event_key key, int64_t value, enum event_unit unit)
{
	struct rest *rest = to;

	if (is_shown(rest))
		event_json_visitor.integer(rest->json, key, value, unit);
}

static void rest_string(void *to, struct event_key key, es_string_token_t value)
{
	struct rest *rest = to;

	if (is_shown(rest) && (value.data || !key.length))
		event_json_visitor.string(rest->json, key, value);
}

static void rest_bytes(void *to, struct event_key key, const uint8_t *data, size_t length)
{
	struct rest *rest = to;

	if (is_shown(rest))
		event_json_visitor.bytes(rest->json, key, data, length);
}

static void rest_time(void *to, struct event_key key, int64_t seconds, int64_t fraction, unsigned int digits)
{
	struct rest *rest = to;

	if (is_shown(rest))
		event_json_visitor.time(rest->json, key, seconds, fraction, digits);
}

static void rest_file(void *to, struct event_key key, const es_file_t *file)
{
	(void)to;
	(void)key;
	(void)file;
}

static void rest_process(void *to, struct event_key key, const es_process_t *process)
{
	(void)to;
	(void)key;
	(void)process;
}

static void rest_new_path(void *to, const es_file_t *dir, es_string_token_t filename, const mode_t *mode)
{
	(void)to;
	(void)dir;
	(void)filename;
	(void)mode;
}

void event_rest(struct json *json, const es_message_t *message)
{
	static const struct event_visitor visitor = {
		.open = rest_open,
		.close = rest_close,
		.absent = rest_absent,
		.boolean = rest_boolean,
		.natural = rest_natural,
		.integer = rest_integer,
		.string = rest_string,
		.bytes = rest_bytes,
		.time = rest_time,
		.file = rest_file,
		.process = rest_process,
		.token = parts_token,
		.new_path = rest_new_path,
		.brief = true,
	};
	struct rest rest = { .json = json };
	const char *name = event_name(message->event_type);

	if (!name)
		return;
	rest_open(&rest, (struct event_key){ name, strlen(name) }, '{');
	event_visit_payload(&visitor, &rest, message);
	rest_close(&rest, '}');
}
