/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

#include "tools/esctl/esctl.h"
#include "util/macro.h"

static void print_clients(const struct es_client_info *infos, uint32_t count)
{
	printf("%4s %8s %11s %9s %7s %6s %5s  %-30s %s\n", "SLOT", "PID", "DELIVERED", "LOST", "WAITING", "MISSED", "RING",
	       "EXECUTABLE", "EVENTS");
	for (uint32_t i = 0; i < count; i++) {
		const struct es_client_info *info = &infos[i];

		printf("%4u %8d %11ju %9ju %7ju %6ju %4ju%%  %-30s ", info->slot, info->pid, (uintmax_t)info->delivered,
		       (uintmax_t)info->lost, (uintmax_t)info->waiting, (uintmax_t)info->missed,
		       (uintmax_t)(info->ring_bytes ? info->ring_used * 100 / info->ring_bytes : 0), info->executable);
		print_types(info->types);
	}
}

static void json_client(struct json *json, const struct es_client_info *info)
{
	json_literal(json, "{\"slot\":");
	json_unsigned(json, info->slot);
	json_key(json, "pid");
	json_signed(json, info->pid);
	json_key(json, "executable");
	json_text(json, info->executable);
	json_key(json, "delivered");
	json_unsigned(json, info->delivered);
	json_key(json, "lost");
	json_unsigned(json, info->lost);
	json_key(json, "waiting");
	json_unsigned(json, info->waiting);
	json_key(json, "missed");
	json_unsigned(json, info->missed);
	json_key(json, "ring_bytes");
	json_unsigned(json, info->ring_bytes);
	json_key(json, "ring_used");
	json_unsigned(json, info->ring_used);
	json_literal(json, "\"events\":[");
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (type_in(info->types, type))
			json_text(json, events[type].constant);
	json_close(json, ']');
	json_close(json, '}');
}

static int json_clients(const struct es_client_info *infos, uint32_t count)
{
	struct json json = {};

	json_open(&json, '[');
	for (uint32_t i = 0; i < count; i++)
		json_client(&json, &infos[i]);
	json_close(&json, ']');
	return json_print(&json);
}

int command_clients(bool as_json, __attribute__((unused)) const char *argument)
{
	_cleanup_free_ struct es_reply *reply = NULL;
	struct es_client_info *infos;
	int r;

	r = ask_running(ES_REQUEST_CLIENTS, sizeof(*infos), &reply);
	if (r < 0)
		return ask_failed(r);
	infos = (void *)(reply + 1);
	for (uint32_t i = 0; i < reply->count; i++)
		TERMINATE(infos[i].executable);
	if (as_json)
		return json_clients(infos, reply->count);
	print_clients(infos, reply->count);
	return EX_OK;
}
