/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <sysexits.h>

#include "tools/esctl/esctl.h"
#include "util/clock.h"
#include "util/macro.h"

static const char *identity_use(const struct es_status_info *status)
{
	static const char *const uses[] = {
		[ES_IDENTITY_OFF] = "off",
		[ES_IDENTITY_IDLE] = "idle",
		[ES_IDENTITY_ON] = "on",
	};

	return status->identity < ARRAY_SIZE(uses) ? uses[status->identity] : "unknown";
}

static void print_identity(const struct es_status_info *status)
{
	printf("identity   %s", identity_use(status));
	if (status->identity == ES_IDENTITY_ON)
		printf(": %u files known, %u pending, %u not to be known, %ju questions dropped, %ju MB read; packages have "
		       "%ju files", status->identity_known, status->identity_pending, status->identity_not,
		       (uintmax_t)status->identity_dropped, (uintmax_t)(status->identity_bytes >> 20),
		       (uintmax_t)status->identity_files);
	putchar('\n');
}

static void print_status(const struct es_status_info *status)
{
	uint64_t up_s = (clock_ns() - status->started_ns) / NS_PER_S;

	printf("daemon     pid %d, %s, up %ju:%02u:%02u\n", status->pid,
	       status->is_private ? "private (ends with its last client)" : "system-wide", (uintmax_t)(up_s / 3600),
	       (unsigned int)(up_s / 60 % 60), (unsigned int)(up_s % 60));
	printf("sensor     %s", sensor_name(status->sensor));
	printf(status->sensor_reason[0] ? " (%s)\n" : "\n", status->sensor_reason);
	printf("scope      %s\n", status->scope);
	printf("clients    %u\n", status->clients);
	printf("processes  %ju known\n", (uintmax_t)status->processes);
	printf("deadline   %ju ms\n", (uintmax_t)(status->deadline_ns / NS_PER_MS));
	print_identity(status);
	printf("troubles   %ju paths unresolved, %ju kernel program runs missed, %ju operations not held\n",
	       (uintmax_t)status->unresolved, (uintmax_t)status->missed_runs, (uintmax_t)status->not_held);
}

static int json_status(const struct es_status_info *status)
{
	struct json json = {};

	json_literal(&json, "{\"pid\":");
	json_signed(&json, status->pid);
	json_key(&json, "private");
	json_boolean(&json, status->is_private);
	json_key(&json, "up_ns");
	json_unsigned(&json, clock_ns() - status->started_ns);
	json_key(&json, "sensor");
	json_text(&json, sensor_name(status->sensor));
	json_key(&json, "sensor_reason");
	json_text(&json, status->sensor_reason);
	json_key(&json, "scope");
	json_text(&json, status->scope);
	json_key(&json, "clients");
	json_unsigned(&json, status->clients);
	json_key(&json, "processes");
	json_unsigned(&json, status->processes);
	json_key(&json, "deadline_ns");
	json_unsigned(&json, status->deadline_ns);
	json_key(&json, "identity");
	json_text(&json, identity_use(status));
	json_key(&json, "identity_known");
	json_unsigned(&json, status->identity_known);
	json_key(&json, "identity_pending");
	json_unsigned(&json, status->identity_pending);
	json_key(&json, "identity_not_known");
	json_unsigned(&json, status->identity_not);
	json_key(&json, "identity_dropped");
	json_unsigned(&json, status->identity_dropped);
	json_key(&json, "identity_bytes");
	json_unsigned(&json, status->identity_bytes);
	json_key(&json, "identity_files");
	json_unsigned(&json, status->identity_files);
	json_key(&json, "unresolved");
	json_unsigned(&json, status->unresolved);
	json_key(&json, "missed_runs");
	json_unsigned(&json, status->missed_runs);
	json_key(&json, "not_held");
	json_unsigned(&json, status->not_held);
	json_close(&json, '}');
	return json_print(&json);
}

int command_status(bool as_json, __attribute__((unused)) const char *argument)
{
	_cleanup_free_ struct es_reply *reply = NULL;
	struct es_status_info *status;
	int r;

	r = ask_running(ES_REQUEST_STATUS, sizeof(*status), &reply);
	if (r >= 0 && reply->count < 1)
		r = -EPROTO;
	if (r < 0)
		return ask_failed(r);
	status = (void *)(reply + 1);
	TERMINATE(status->sensor_reason);
	TERMINATE(status->scope);
	if (as_json)
		return json_status(status);
	print_status(status);
	return EX_OK;
}
