/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * escap: captures of events. Each command has its own file. It gets its arguments, its own name first, and returns the
 * program's exit status (sysexits.h). Common functions are in escap.c.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "abi/record.h"
#include "capture/reader.h"
#include "capture/writer.h"

int escap_record(int argc, char **argv);
int escap_info(int argc, char **argv);
int escap_print(int argc, char **argv);
int escap_cut(int argc, char **argv);
int escap_merge(int argc, char **argv);
int escap_replay(int argc, char **argv);
int escap_verify(int argc, char **argv);

/* "exec" and "notify_exec" are NOTIFY_EXEC, "auth_exec" AUTH_EXEC. False: there is no such event; prints an error. */
bool escap_event(const char *name, unsigned int *ret_type);

/* The same for names with commas between, into a set. */
bool escap_events(char *names, uint64_t types[ES_TYPE_WORDS]);

/* "auth_exec" */
void escap_event_name(unsigned int type, char *ret, size_t size);

/* NULL: can't read it; prints why. */
struct esc_reader *escap_open(const char *path);

/* Call at the end of reading; prints errors. EX_OK, also for a file that was cut off; EX_DATAERR: damaged. */
int escap_ended(const struct esc_reader *reader, const char *path, int error);

/* The facts of a capture that is made from another: the types, one more line (key may be NULL), then the other's. */
int escap_derive(struct esc_facts *ret, const struct esc_facts *from, const uint64_t types[ES_TYPE_WORDS], const char *key,
		 const char *value);
void escap_types(const struct esc_facts *facts, uint64_t ret[ES_TYPE_WORDS]);

/* Seconds, with a fraction, as nanoseconds. False: not a time; prints an error. */
bool escap_seconds(const char *option, const char *text, uint64_t *ret_ns);

/* Makes a new file; "-" is standard output, which must not be a terminal. Negative: can't make it; prints why. */
int escap_create(const char *path);

/* Closes it, unless it is standard output, and prints any error. */
int escap_close(int fd, const char *path, int error);
