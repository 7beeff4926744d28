/* SPDX-License-Identifier: MIT */

#pragma once

/* esctl, a file a command: main.c has the table of them, ask.c speaks to the daemon, text.c has what several print. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/control.h"
#include "abi/sensor.h"
#include "tools/json.h"

/* ---- ask.c ---- */

/* A connection to the daemon; -ECONNREFUSED: none is running. */
int daemon_connect(int *ret_fd);

/* One question. *ret_reply is the reply with its data behind it; its sizes have been checked. */
int daemon_ask_this(int fd, const struct es_request *request, size_t entry_bytes, struct es_reply **ret_reply);
int daemon_ask(int fd, enum es_request_op op, size_t entry_bytes, struct es_reply **ret_reply);

/* Says why there was no answer; returns the exit status. */
int ask_failed(int error);

/* Connects and asks; negative: see ask_failed(). */
int ask_running(enum es_request_op op, size_t entry_bytes, struct es_reply **ret_reply);

/* ---- text.c ---- */

struct event_name {
	const char *constant;
	const char *payload;
};

/* By type. */
extern const struct event_name events[ES_EVENT_TYPES];

/* Ends text that came in a fixed array, whoever sent it. */
#define TERMINATE(array) ((array)[sizeof(array) - 1] = '\0')

const char *sensor_name(uint32_t sensor);
bool type_in(const uint64_t *types, unsigned int type);
void print_types(const uint64_t *types);
void json_text(struct json *json, const char *text);

/* Prints the line and frees it; returns the exit status. */
int json_print(struct json *json);

/* ---- the commands; each returns the exit status ---- */

int command_cache(bool as_json, const char *argument);
int command_capabilities(bool as_json, const char *event);
int command_clients(bool as_json, const char *argument);
int command_history(bool as_json, const char *argument);
int command_mutes(bool as_json, const char *client);
int command_status(bool as_json, const char *argument);
