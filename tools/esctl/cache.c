/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

#include "tools/esctl/esctl.h"
#include "util/macro.h"

static const struct {
	const char *name;
	const char *text;
} cache_counts[] = {
#define CACHE_COUNT(constant, name, text) { name, text },
	ES_CACHE_COUNTS(CACHE_COUNT)
#undef CACHE_COUNT
};

static void print_cache_line(const char *name, uint64_t count, const char *text)
{
	printf("%-11s %12ju  %s\n", name, (uintmax_t)count, text);
}

static void print_cache(const struct es_cache_info *info)
{
	printf("%-11s %s\n", "cache", info->how);
	print_cache_line("entries", info->entries, "answers in the table, some perhaps ended by a change");
	print_cache_line("room", info->room, "for so many");
	for (size_t i = 0; i < ARRAY_SIZE(cache_counts); i++)
		print_cache_line(cache_counts[i].name, info->counts[i], cache_counts[i].text);
	print_cache_line("cleared", info->cleared, "emptied by es_clear_cache");
	print_cache_line("joined", info->joined, "emptied by a new client");
}

static int json_cache(const struct es_cache_info *info)
{
	struct json json = {};

	json_literal(&json, "{\"cache\":");
	json_text(&json, info->how);
	json_key(&json, "entries");
	json_unsigned(&json, info->entries);
	json_key(&json, "room");
	json_unsigned(&json, info->room);
#define JSON_COUNT(constant, name, text) \
	json_key(&json, name); \
	json_unsigned(&json, info->counts[ES_CACHE_##constant]);
	ES_CACHE_COUNTS(JSON_COUNT)
#undef JSON_COUNT
	json_key(&json, "cleared");
	json_unsigned(&json, info->cleared);
	json_key(&json, "joined");
	json_unsigned(&json, info->joined);
	json_close(&json, '}');
	return json_print(&json);
}

int command_cache(bool as_json, __attribute__((unused)) const char *argument)
{
	_cleanup_free_ struct es_reply *reply = NULL;
	struct es_cache_info *info;
	int r;

	r = ask_running(ES_REQUEST_CACHE, sizeof(*info), &reply);
	if (r >= 0 && reply->count < 1)
		r = -EPROTO;
	if (r < 0)
		return ask_failed(r);
	info = (void *)(reply + 1);
	TERMINATE(info->how);
	if (as_json)
		return json_cache(info);
	print_cache(info);
	return EX_OK;
}
