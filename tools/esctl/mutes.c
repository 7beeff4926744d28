/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/esctl/esctl.h"
#include "util/log.h"
#include "util/macro.h"

static const char *mute_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[ES_MUTE_EXE_PREFIX] = "prefix",
		[ES_MUTE_EXE_LITERAL] = "literal",
		[ES_MUTE_TARGET_PREFIX] = "target-prefix",
		[ES_MUTE_TARGET_LITERAL] = "target-literal",
		[ES_MUTE_PROCESS] = "process",
	};

	return kind < ARRAY_SIZE(names) ? names[kind] : "unknown";
}

static const char *const mute_stages[] = { "process", "path", "target" };	/* by enum es_mute_stage */

/* The number of event types that an entry of this kind could have but doesn't. */
static unsigned int types_missing(const struct es_mute_info *info)
{
	static const uint8_t targets[ES_EVENT_TYPES] = {
#define ES_EVENT(constant, number, payload, ...) [number] = (uint8_t)ES_TARGET_OF_##payload,
#include "abi/events.def"
	};
	bool target = info->kind == ES_MUTE_TARGET_PREFIX || info->kind == ES_MUTE_TARGET_LITERAL;
	unsigned int missing = 0;

	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		missing += !type_in(info->types, type) && (!target || targets[type] != ES_TARGET_NONE);
	return missing;
}

static void print_mute(const struct es_mute_info *info)
{
	struct es_token token;

	printf("%-15s ", mute_kind_name(info->kind));
	if (info->kind == ES_MUTE_PROCESS) {
		memcpy(&token, info + 1, sizeof(token));
		printf("pid %u, execution %u: ", token.pid, token.pidversion);
	} else {
		printf("%.*s: ", (int)info->bytes, (const char *)(info + 1));
	}
	if (types_missing(info))
		print_types(info->types);
	else
		puts("all");
}

static void json_mute(struct json *json, const struct es_mute_info *info)
{
	struct es_token token;

	json_literal(json, "{\"kind\":");
	json_text(json, mute_kind_name(info->kind));
	if (info->kind == ES_MUTE_PROCESS) {
		memcpy(&token, info + 1, sizeof(token));
		json_key(json, "pid");
		json_unsigned(json, token.pid);
		json_key(json, "pidversion");
		json_unsigned(json, token.pidversion);
	} else {
		json_key(json, "path");
		json_string(json, (const char *)(info + 1), info->bytes);
	}
	json_literal(json, "\"events\":[");
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (type_in(info->types, type))
			json_text(json, events[type].constant);
	json_close(json, ']');
	json_close(json, '}');
}

/* The entry at *position of a reply's data; advances *position. NULL: it is cut off, or of an unknown kind. */
static const struct es_mute_info *mute_at(const struct es_reply *reply, size_t *position)
{
	const struct es_mute_info *info = (const void *)((const char *)(reply + 1) + *position);
	size_t left = reply->data_bytes - *position;

	if (left < sizeof(*info) || info->bytes > left - sizeof(*info) || info->kind >= ES_MUTE_KINDS ||
	    (info->kind == ES_MUTE_PROCESS && info->bytes != sizeof(struct es_token)))
		return NULL;
	left -= sizeof(*info) + info->bytes;
	*position += sizeof(*info) + info->bytes;
	*position += left < 8 && left < (-info->bytes & 7) ? left : (-info->bytes & 7);
	return info;
}

/* Prints one page, or appends it to `json`. */
static int tell_mutes(const struct es_reply *reply, struct json *json)
{
	size_t position = 0;

	for (uint32_t i = 0; i < reply->count; i++) {
		const struct es_mute_info *info = mute_at(reply, &position);

		if (!info)
			return -EPROTO;
		if (json)
			json_mute(json, info);
		else
			print_mute(info);
	}
	return 0;
}

static void tell_inverted(uint32_t inverted, struct json *json)
{
	if (json) {
		json_close(json, ']');
		json_literal(json, "\"inverted\":[");
	}
	for (unsigned int stage = 0; stage < ES_STAGES; stage++) {
		if (!(inverted >> stage & 1))
			continue;
		if (json)
			json_text(json, mute_stages[stage]);
		else
			printf("inverted        %s\n", mute_stages[stage]);
	}
	if (json)
		json_close(json, ']');
}

static int ask_mutes(uint32_t slot, struct json *json)
{
	struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_MUTES_OF, .slot = slot };
	_cleanup_close_ int fd = -1;
	uint32_t inverted = 0;
	int r;

	r = daemon_connect(&fd);
	if (r < 0)
		return r;
	do {
		_cleanup_free_ struct es_reply *reply = NULL;

		r = daemon_ask_this(fd, &request, sizeof(struct es_mute_info), &reply);
		if (r >= 0 && reply->cursor && reply->cursor <= request.cursor)
			r = -EPROTO;
		if (r >= 0)
			r = tell_mutes(reply, json);
		if (r < 0)
			return r;
		request.cursor = reply->cursor;
		inverted = reply->inverted;
	} while (request.cursor);
	tell_inverted(inverted, json);
	return 0;
}

int command_mutes(bool as_json, const char *client)
{
	struct json json = {};
	char *end;
	unsigned long slot = strtoul(client, &end, 10);
	int r;

	if (*end || end == client || slot >= ES_CLIENTS_MAX) {
		log_error("%s: not a client's number; `esctl clients` shows them as SLOT", client);
		return EX_USAGE;
	}
	if (as_json)
		json_literal(&json, "{\"mutes\":[");
	r = ask_mutes(slot, as_json ? &json : NULL);
	if (r == 0 && as_json) {
		json_close(&json, '}');
		return json_print(&json);
	}
	json_deinit(&json);
	if (r == -ESRCH) {
		log_error("no client has the number %lu; `esctl clients` shows them as SLOT", slot);
		return EXIT_FAILURE;
	}
	return r < 0 ? ask_failed(r) : EX_OK;
}
