/* SPDX-License-Identifier: MIT */
#pragma once

/* A TCP connection, in the clear or with TLS. It waits no longer than timeout_ms, nor after the sink must end. */

#include "tools/esship/sink.h"

/* The TLS of one connection: wire-tls.c, or without the library wire-tls-absent.c. */
struct tls;

/* The event that TLS waits for. */
enum tls_wants { TLS_READ = 1, TLS_WRITE = 2 };

int tls_new(struct tls **ret, const struct sink_config *config, int fd, char problem[SINK_PROBLEM_BYTES]);
void tls_free(struct tls *tls);
/* 0: done; positive: an enum tls_wants; negative: it failed. */
int tls_handshake(struct tls *tls, char problem[SINK_PROBLEM_BYTES]);
/* *ret: the bytes taken. */
int tls_write(struct tls *tls, const char *data, size_t length, size_t *ret, char problem[SINK_PROBLEM_BYTES]);
/* Is the handshake done before the server has checked our certificate? */
bool tls_is_early(const struct tls *tls);
/* Reads and discards the server's data. 0: the server is there; negative: it isn't, or it refuses us. */
int tls_hear(struct tls *tls, char problem[SINK_PROBLEM_BYTES]);
extern const char *const tls_absent;	/* the library that is missing, or NULL */

struct wire {
	const struct sink_config *config;
	const struct sink_stop *stop;
	int fd;				/* -1: there is no connection */
	struct tls *tls;
};

int wire_open(struct wire *wire, char problem[SINK_PROBLEM_BYTES]);
void wire_close(struct wire *wire);

/* Writes all of it. After a negative errno, the connection is unusable. */
int wire_write(struct wire *wire, const char *data, size_t length, char problem[SINK_PROBLEM_BYTES]);

/* Waits until the other machine has all bytes, and the program there seems to be alive. */
int wire_settle(struct wire *wire, char problem[SINK_PROBLEM_BYTES]);
