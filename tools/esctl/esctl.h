/* SPDX-License-Identifier: MIT */

#pragma once

/* esctl. Each command has its own file; main.c has the table of commands, text.c the common output. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/control.h"
#include "abi/sensor.h"
#include "tools/ask.h"
#include "tools/json.h"

/* ---- text.c ---- */

struct event_name {
	const char *constant;
	const char *payload;
};

/* By type. */
extern const struct event_name events[ES_EVENT_TYPES];

/* Terminates text in a fixed array, whose sender isn't trusted. */
#define TERMINATE(array) ((array)[sizeof(array) - 1] = '\0')

bool type_in(const uint64_t *types, unsigned int type);
void print_types(const uint64_t *types);
void json_text(struct json *json, const char *text);

/* Prints the line and frees it; returns the exit status. */
int json_print(struct json *json);

/* ---- sign.c ---- */

/* --key and --id; NULL: not given. */
extern struct sign_options {
	const char *key;
	const char *id;
} sign_options;

/* ---- the commands; each returns the exit status ---- */

int command_cache(bool as_json, const char *argument);
int command_capabilities(bool as_json, const char *event);
int command_clients(bool as_json, const char *argument);
int command_history(bool as_json, const char *argument);
int command_identity(bool as_json, const char *path);
int command_mutes(bool as_json, const char *client);
int command_sign(bool as_json, const char *path);
int command_status(bool as_json, const char *argument);
