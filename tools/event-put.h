/* SPDX-License-Identifier: MIT */
#pragma once

/* Helpers for formats of nested objects. The macros take the key as a literal, and write to `json`. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <EndpointSecurity/EndpointSecurity.h>

#include "tools/json.h"

static inline void put_text(struct json *json, const char *text)
{
	json_string(json, text, strlen(text));
}

static inline void put_token(struct json *json, es_string_token_t token)
{
	json_string(json, token.data ?: "", token.length);
}

/* A number that is a name. */
static inline void put_id(struct json *json, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)id);
	put_text(json, text);
}

#define KEY_TEXT(key, text) (json_key(json, key), put_text(json, text))
#define KEY_TOKEN(key, token) (json_key(json, key), put_token(json, token))
#define KEY_ID(key, id) (json_key(json, key), put_id(json, id))
#define KEY_NUMBER(key, number) (json_key(json, key), json_signed(json, number))
#define KEY_UNSIGNED(key, number) (json_key(json, key), json_unsigned(json, number))
#define KEY_OPEN(key) json_literal(json, "\"" key "\":{")
#define CLOSE() json_close(json, '}')
