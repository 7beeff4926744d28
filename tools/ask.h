/* SPDX-License-Identifier: MIT */

#pragma once

/* Questions to the daemon, from programs that aren't clients. */

#include <stddef.h>
#include <stdint.h>

#include "abi/control.h"

/* A connection to the daemon; -ECONNREFUSED: none is running. */
int daemon_connect(int *ret_fd);

/* Asks one question. *ret_reply is the reply, followed by its data; its sizes have been checked. */
int daemon_ask_this(int fd, const struct es_request *request, size_t entry_bytes, struct es_reply **ret_reply);
int daemon_ask(int fd, enum es_request_op op, size_t entry_bytes, struct es_reply **ret_reply);

/* Asks one question, whose reply comes with that many descriptors. */
int daemon_ask_descriptors(int fd, enum es_request_op op, int *ret_fds, unsigned int count);

/* Prints why there was no answer; returns the exit status. */
int ask_failed(int error);

/* Connects and asks; negative: see ask_failed(). */
int ask_running(enum es_request_op op, size_t entry_bytes, struct es_reply **ret_reply);

/* enum es_sensor */
const char *sensor_name(uint32_t sensor);
