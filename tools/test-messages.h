/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Hand-made messages for the tests of formats: one of each event, with a value in each member, and their parts. Replaces
 * functions of the library: es_exec_arg() and its neighbours, and es_linux_file().
 */

#include <stdio.h>

#include <EndpointSecurity/EndpointSecurity.h>

#define STRING(text) ((es_string_token_t){ sizeof(text) - 1, text })
#define TOKEN(number) { { 4294967295, number, 20, 501, 21, 1000 + number, 100017, 170692 } }

extern es_file_t tool, bare;
extern es_process_t actor, other;
extern const es_file_t *test_flagged;	/* the process has reached it by another name, in its own mounts only */

es_message_t make_message(es_event_type_t type);

/* Some payloads can be filled in several ways. */
enum { VARIANTS = 4 };

void fill_event(es_message_t *message, unsigned int variant);
