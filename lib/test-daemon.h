/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A daemon for tests of the library alone: a thread that answers on the socket, real BPF rings, filled by a program
 * that writes what the test gives it, and sockets in place of fanotify groups and FUSE connections. Needs BPF, so root.
 */

#include <stdbool.h>

#include "abi/control.h"
#include "abi/sensor.h"
#include "test-record.h"

enum { TEST_RING_BYTES = 1 << 16, TEST_PUSH_BYTES = 8192 };

struct test_peer {
	int connection;
	int push_fd;				/* program that puts what is at `push` into the ring */
	void *push;
	int gate;				/* the kernel's end */
	int end;				/* eventfd: the daemon ends */
	struct es_held *held;
	uint64_t types[ES_TYPE_WORDS];
};

/* False: no BPF here. Sets ES_SOCKET_ENV. */
bool test_daemon_start(const char *socket_path);
void test_daemon_stop(void);

/* How the next ES_REQUEST_CLIENT is answered: 0 or an errno; -1: garbage; -2: by hanging up. */
void test_daemon_refuse(int error);

/* The daemon's side of the client that connected last; its subscriptions are refused if they contain refuse_type. */
struct test_peer *test_daemon_peer(void);
extern uint32_t test_daemon_refuse_type;

/* What the next clients are told of their process. */
extern _Atomic uint32_t test_daemon_pidversion;

/* What holds the next clients' operations: enum es_sensor. */
extern uint32_t test_daemon_sensor;

/* Puts a record into the client's ring. False: it is full. */
bool test_peer_push(struct test_peer *peer, const struct test_record *record);

/* The daemon's end, as far as this client is concerned: first the kernel programs see it, then its socket closes. */
void test_peer_end(struct test_peer *peer);
void test_peer_hang_up(struct test_peer *peer);
