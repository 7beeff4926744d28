/* SPDX-License-Identifier: MIT */
#pragma once

/* A connection over TCP, in the clear or with TLS, that waits no longer than it is told, and not at all when it is to end. */

#include "tools/esship/sink.h"

/* wire-tls.c, or where there is no library for it wire-tls-absent.c, of one connection. */
struct tls;

/* What TLS waits for. */
enum tls_wants { TLS_READ = 1, TLS_WRITE = 2 };

int tls_new(struct tls **ret, const struct sink_config *config, int fd, char problem[SINK_PROBLEM_BYTES]);
void tls_free(struct tls *tls);
/* 0: done; positive: an enum tls_wants; negative: it failed. */
int tls_handshake(struct tls *tls, char problem[SINK_PROBLEM_BYTES]);
/* Bytes taken into *ret. */
int tls_write(struct tls *tls, const char *data, size_t length, size_t *ret, char problem[SINK_PROBLEM_BYTES]);
/* Has it been agreed before the other side has seen who we are? */
bool tls_is_early(const struct tls *tls);
/* What the other side says, none of which is for us. 0: it is there; negative: it isn't, or doesn't want us. */
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

/* All of it. A negative errno: the connection is of no use any more. */
int wire_write(struct wire *wire, const char *data, size_t length, char problem[SINK_PROBLEM_BYTES]);

/* Until the other machine has all bytes, and as far as one can see the program there is alive. */
int wire_settle(struct wire *wire, char problem[SINK_PROBLEM_BYTES]);
