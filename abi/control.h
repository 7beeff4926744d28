/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Requests and replies between client and daemon, over a SOCK_SEQPACKET Unix socket. One packet is one struct
 * es_request or one struct es_reply, always of its full size plus the stated number of bytes behind it. The daemon
 * answers each request once, in order, and sends nothing else. Events do not pass here. A daemon that goes on where
 * another one died answers the request that this one had in work with EAGAIN: it is to be sent again.
 *
 * A connection becomes a client by ES_REQUEST_CLIENT, whose reply carries the descriptors of enum es_client_fd, in
 * that order. It stops being one when it closes. Tools use connections that never become clients.
 *
 * Anything malformed ends the connection.
 */

#include <stdint.h>

#include "ask.h"
#include "cache.h"
#include "identity.h"
#include "mute.h"
#include "record.h"

#define ES_SOCKET_PATH "/run/endpointsecurity/control"
#define ES_SOCKET_ENV "ENDPOINTSECURITY_SOCKET"	/* another socket; set-id programs ignore it */
#define ES_DAEMON_ENV "ENDPOINTSECURITYD"	/* another daemon to start privately; likewise */

enum es_request_op {
	ES_REQUEST_CLIENT = 1,		/* become a client; reply: struct es_reply + descriptors */
	ES_REQUEST_SUBSCRIBE,		/* types: to add; all or nothing. refused_type says which can't be had */
	ES_REQUEST_UNSUBSCRIBE,		/* types: to take away */
	ES_REQUEST_CLEAR_CACHE,
	ES_REQUEST_CLIENTS,		/* for tools; data: struct es_client_info[count] */
	ES_REQUEST_STATUS,		/* for tools; data: struct es_status_info */
	/* For tools; data: struct es_capability_info[ES_EVENT_TYPES]. types: exact for these; none: for all. */
	ES_REQUEST_CAPABILITIES,
	ES_REQUEST_NOTES,		/* for tools; data: struct es_note_info[count], oldest first */
	ES_REQUEST_SET_MISS_MODE,	/* value: enum es_miss_mode */
	ES_REQUEST_GET_MISS_MODE,	/* reply: value */
	ES_REQUEST_SET_DEADLINE_MAX,	/* types, value in ms */
	ES_REQUEST_GET_DEADLINE_MAX,	/* value: a type; reply: value in ms */
	ES_REQUEST_SET_DEADLINE_MIN,
	ES_REQUEST_GET_DEADLINE_MIN,
	/*
	 * Muting: `kind` is an enum es_mute_kind; the data is a path without NUL, or a struct es_token. The daemon
	 * leaves out types that a target kind can't have. It replies when the change is in force. The value, as in
	 * ES_REQUEST_SUBSCRIBE's reply: 0, or one more than a type that can't come, see esd_mutes_silent().
	 */
	ES_REQUEST_MUTE,
	ES_REQUEST_UNMUTE,		/* exactly these; fine if they weren't */
	ES_REQUEST_UNMUTE_ALL,		/* kind: the stage, ES_STAGE_PATH or ES_STAGE_TARGET */
	ES_REQUEST_INVERT,		/* kind: the stage. inverted */
	ES_REQUEST_MUTES,		/* a page of its own mutes; data: struct es_mute_info and what follows, count times */
	ES_REQUEST_MUTES_OF,		/* for tools: those of the client in `slot` */
	ES_REQUEST_CACHE,		/* for tools; data: struct es_cache_info */
	ES_REQUEST_IDENTITY,		/* reply: descriptors, in the order of enum es_identity_fd */
};

enum { ES_REQUEST_DATA = ES_MUTE_PATH_BYTES };	/* at most, behind a request */

struct es_request {
	uint32_t abi;			/* ES_ABI_VERSION */
	uint32_t op;			/* enum es_request_op */
	uint64_t types[ES_TYPE_WORDS];	/* a set: bit type % 64 of word type / 64 */
	uint64_t cursor;		/* ES_REQUEST_MUTES: 0, or where the last page ended */
	uint32_t kind;
	uint32_t slot;
	uint32_t data_bytes;		/* that follow this struct in the same packet */
	uint32_t value;
};

struct es_reply {
	uint32_t op;			/* of the request */
	int32_t error;			/* 0, or a positive errno value */
	uint64_t types[ES_TYPE_WORDS];	/* what the client is subscribed to after the request */
	uint32_t refused_type;		/* ES_REQUEST_SUBSCRIBE with EOPNOTSUPP: the first type that failed */
	uint32_t count;			/* of entries in data */
	uint32_t slot;			/* ES_REQUEST_CLIENT: this client's number, 0 to ES_CLIENTS_MAX - 1 */
	uint32_t ring_bytes;		/* ES_REQUEST_CLIENT: size of the ring's data area */
	uint32_t sensor;		/* enum es_sensor */
	uint32_t pidversion;		/* ES_REQUEST_CLIENT: of the process that asked, in tokens; 0: not known */
	uint32_t data_bytes;		/* that follow this struct in the same packet */
	uint32_t value;
	uint64_t cursor;		/* ES_REQUEST_MUTES: for the next page; 0: that was the last */
	uint32_t inverted;		/* muting: bit: enum es_mute_stage */
	uint32_t pid;			/* ES_REQUEST_CLIENT: of the process that asked, as the daemon numbers it, */
	uint32_t group;			/* and its process group; 0: not known */
	uint32_t pad;
	/* ES_REQUEST_CLIENT, replay sensor: from CLOCK_MONOTONIC, and CLOCK_BOOTTIME, of its records to the time of day. */
	int64_t from_monotonic;
	int64_t from_boot;
};

/*
 * errno values in es_reply.error:
 *	EPROTO		the two sides are of different versions
 *	EPERM		may not be a client: not root, nor, in a replay, the user who started it; or may not set this
 *	ENOKEY		may not be a client: the administrator's list doesn't name it
 *	EACCES		may not be a client: the list says no
 *	EUSERS		ES_CLIENTS_MAX clients exist
 *	ENODATA		ES_REQUEST_IDENTITY: the administrator has turned it off
 *	EOPNOTSUPP	a type can't be delivered, or held, by this sensor on this kernel
 *	EBUSY		es_clear_cache() too often
 *	ESRCH		muting: that execution isn't running; of a slot: no client has it
 *	EDQUOT		muting: this client has as many mutes as it may, or all clients together have
 *	EINVAL		no such value or type, or beyond the limits; muting: not a path, a kind, a stage, or a token
 *	anything else	the daemon failed, and its log says why
 */

enum es_sensor {
	ES_SENSOR_NONE,
	ES_SENSOR_TRACEPOINT,
	ES_SENSOR_LSM,
	ES_SENSOR_REPLAY,		/* a capture, without a kernel: daemon/sensor/replay.h */
};

enum es_client_fd {
	/* BPF ring buffer: page 0 is the consumer's position, writable. Replay sensor: memory that looks like one. */
	ES_CLIENT_FD_RING,
	/*
	 * Where operations wait for this client; non-blocking. Tracepoint sensor: a fanotify group and its events. Lsm
	 * sensor: the server's side of a FUSE connection, with a GETXATTR request from each thread that waits. Replay
	 * sensor: a SOCK_SEQPACKET socket with the same requests.
	 */
	ES_CLIENT_FD_GATE,
	/*
	 * Tracepoint sensor: a BPF program; the library runs it with struct es_ask for each event from the gate. Lsm:
	 * unused. Replay: an eventfd that wakes the reader when a record arrives, since memory can't be polled.
	 */
	ES_CLIENT_FD_ASK,
	ES_CLIENT_FD_HELD,		/* BPF array, mapped: struct es_held[ES_HELD_MAX], see abi/sensor.h */
	/* BPF ring buffer, read-only, shared by all clients, which only poll it: readable as soon as the daemon ends. */
	ES_CLIENT_FD_END,
	ES_CLIENT_FDS,
};

struct es_client_info {
	uint32_t slot;
	int32_t pid;
	uint64_t types[ES_TYPE_WORDS];
	uint64_t delivered;		/* records put into its ring */
	uint64_t lost;			/* records that did not fit */
	uint64_t waiting;		/* operations held for its answer at present */
	uint64_t ring_bytes;
	uint64_t ring_used;
	uint64_t missed;		/* deadlines */
	char executable[256];		/* cut if longer */
};

struct es_status_info {
	uint32_t sensor;		/* enum es_sensor */
	int32_t pid;			/* of the daemon */
	uint32_t is_private;		/* started by a client, ends with the last one */
	uint32_t clients;
	uint64_t started_ns;		/* CLOCK_MONOTONIC */
	uint64_t processes;		/* known to the sensor */
	uint64_t deadline_ns;		/* time a client has for an answer */
	uint64_t unresolved;		/* paths that had to be given as the program passed them */
	uint64_t missed_runs;		/* of kernel programs, because one was already running on that CPU */
	uint64_t not_held;		/* operations that could not be asked about, or not wait: miss modes decided */
	uint32_t identity;		/* enum es_identity_use */
	uint32_t identity_known;	/* versions of files: their makers are known, */
	uint32_t identity_pending;	/* are being looked for, */
	uint32_t identity_not;		/* or can't be known */
	uint64_t identity_dropped;	/* questions for which there was no room */
	uint64_t identity_bytes;	/* of files, read for it */
	uint64_t identity_files;	/* that packages have */
	char sensor_reason[256];	/* why this sensor and no better one */
	char scope[512];		/* "everything", or what it is limited to */
};

enum es_identity_use {
	ES_IDENTITY_OFF,
	ES_IDENTITY_IDLE,		/* no client has asked so far */
	ES_IDENTITY_ON,
};

enum es_note_kind {
	ES_NOTE_CAME,			/* a client */
	ES_NOTE_WENT,
	ES_NOTE_REFUSED,		/* a program that wanted to be a client; error says why, as in es_reply */
	ES_NOTE_MISSED,			/* a deadline: outcome says what became of client and operation */
	ES_NOTE_STALLED,		/* the same, but the client has not even read the operation */
	ES_NOTE_BROKEN,			/* a client was disconnected, since its gate was broken from outside */
	ES_NOTE_LIST,			/* the list of clients was read anew; error: it could not be */
};

/* Something that an administrator may want to know of, after the fact. */
struct es_note_info {
	uint64_t time_ns;		/* CLOCK_REALTIME */
	uint32_t kind;			/* enum es_note_kind */
	int32_t pid;			/* of the client's process */
	int32_t error;
	uint32_t outcome;		/* enum es_miss_mode */
	uint32_t by_warden;		/* the daemon hung */
	uint32_t type;			/* of the operation */
	int32_t op_pid;			/* the process that wanted it */
	int32_t op_tid;
	uint64_t late_ns;
	char executable[256];		/* the client's; cut if longer */
	char path[216];			/* the operation's file */
};

/* An entry of a list of mutes. `bytes` follow: a path without NUL, or a struct es_token; then zeros up to a multiple of 8. */
struct es_mute_info {
	uint64_t types[ES_TYPE_WORDS];
	uint32_t kind;			/* enum es_mute_kind */
	uint32_t bytes;
};

struct es_cache_info {
	uint64_t entries;		/* answers kept; a change may have ended some since */
	uint64_t room;			/* how many fit; 0: this sensor keeps none */
	uint64_t cleared;		/* how often es_clear_cache() emptied it */
	uint64_t joined;		/* and how often a new client did */
	uint64_t counts[ES_CACHE_COUNT_MAX];
	char how[128];			/* in use, idle, or why there is none */
};

enum es_capability {
	ES_CAN_NOT = 0,			/* this sensor can't, on this kernel: es_subscribe() fails */
	ES_CAN_NEVER_HAPPEN = 1,	/* Linux has no such operation: accepted, and silent */
	ES_CAN_DELIVER = 2,
	ES_CAN_HOLD = 3,		/* AUTH: and wait for the answer */
	ES_CAN_BE_SILENT = 4,		/* Linux has it, but nothing here reports it: NOTIFY is accepted, and silent */
};

struct es_capability_info {
	uint32_t capability;		/* enum es_capability */
	char how[92];			/* where it comes from, or why not */
};
