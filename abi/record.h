/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What goes through a client's ring: one record, one message.
 *
 * The kernel programs (bpf/) write records, and the library (lib/decode.c) turns each into an es_message_t. No record
 * names its version: client and daemon compare ES_ABI_VERSION when they connect (abi/control.h).
 *
 * A record is a fixed head (struct es_record) and a tail. The tail has what differs from event to event, and the head
 * says where: an offset counts bytes from the start of the record, and zero means "not there". Structures in the tail
 * are aligned to 8. Strings are spans {off, len}; len leaves out the NUL that always follows.
 *
 * What num[], file[], str[] and `other` mean depends on the payload; abi/events.def has a row for each. What a row
 * can't say:
 *
 *  payload        num[]                                   file[]                      str[]
 *  exec           last_fd, cputype, cpusubtype            cwd, script                 dyld_exec_path
 *  create         destination_type, mode                  existing file, or dir       filename, if dir
 *  rename         destination_type                        source, existing or dir     filename, if dir
 *  utimes         atime s, ns, mtime s, ns                target
 *  mount remount unmount flags (MS_*), fs magic, dev,     mount point                 fstypename, mntonname,
 *                 block size, disposition, owner                                      mntfromname
 *  authentication enum es_user_number                     -                           text
 *  and what programs                                                                  su, sudo: from_username;
 *  say of users                                                                       su: the account's shell; sudo: text
 *                                                                                     that names the user
 *  od_*           enum es_od_number                       -                           name, db_path, attribute or
 *                                                                                     member; values are in args
 *
 * A device number is the kernel's own: major << 20 | minor.
 */

#ifndef __bpf__
#include <stdint.h>
#endif

/* Change the number with the layout. Adding a type lengthens arrays, and changes the number by itself. */
#define ES_ABI_VERSION (7 + (ES_EVENT_TYPES - 162) * 256)

/* The version of this file that a capture is written in: change it when a member means something else than before. */
#define ES_RECORD_VERSION 2

/* Limits that both sides rely on. */
enum {
	ES_CLIENTS_MAX = 64,		/* a client is a bit in a 64-bit mask */
	/* As many as there are, since their numbers have no hole: checked against ES_EVENT_TYPE_LAST by lib/events.c. */
	ES_EVENT_TYPES = 0
#define ES_EVENT(...) + 1
#include "events.def"
	,
	ES_TYPE_WORDS = 3,		/* 64-bit words in a set of event types */
	ES_PATH_BYTES = 16384,		/* longest path in a record, without the NUL */
	ES_RECORD_FILES = 3,
	ES_RECORD_STRINGS = 3,
	ES_RECORD_NUMBERS = 6,
	ES_RECORD_FDS = 256,		/* descriptors listed in an exec record */
};

/* Bytes of the record that begin at off; off 0: absent. A NUL that len leaves out follows strings. */
struct es_span {
	uint32_t off;
	uint32_t len;
};

/* The parts of stat(2) that an inode carries; times in ns since the epoch. */
struct es_stat {
	uint64_t dev;
	uint64_t ino;
	uint64_t rdev;
	int64_t size;
	uint64_t blocks;		/* of 512 bytes */
	int64_t atime_ns;
	int64_t mtime_ns;
	int64_t ctime_ns;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t blksize;
	uint32_t gen;
};

enum {
	ES_FILE_TRUNCATED = 1 << 0,	/* the path was longer than ES_PATH_BYTES, its beginning is given */
	ES_FILE_DELETED = 1 << 1,	/* no name leads to the file any more; " (deleted)" ends the path */
	ES_FILE_NO_STAT = 1 << 2,	/* the program could not read the object: stat is all zero */
	ES_FILE_LEXICAL = 1 << 3,	/* the path is what the program passed, made absolute, links not followed */
	ES_FILE_UNREACHABLE = 1 << 4,	/* it has no path in the initial mount namespace; `path` is `own` */
	ES_FILE_REAL = 1 << 5,		/* of a file in layers: path and stat are those of the file in its layer */
	ES_FILE_DOUBTFUL = ES_FILE_LEXICAL | ES_FILE_UNREACHABLE,	/* `path` isn't that in the initial namespace */
};

/*
 * `path` is the object's path in the initial mount namespace, which is the daemon's. `own` is the path by which the
 * actor reached it, if that was through a mount of another namespace, or of none. `real` is the path in its layer of
 * a file in layers, while a client has inverted target muting; with ES_FILE_REAL it is in `path`.
 */

struct es_file_part {
	struct es_stat stat;
	struct es_span path;
	struct es_span own;
	struct es_span real;
	uint32_t flags;			/* ES_FILE_* */
	uint32_t mnt_ns;		/* where `own` is: inode number of the mount namespace, 0: none */
};

/* audit_token_t, word by word. */
struct es_token {
	uint32_t auid, euid, egid, ruid, rgid, pid, asid, pidversion;
};

enum {
	ES_PROCESS_ES_CLIENT = 1 << 0,
	ES_PROCESS_KTHREAD = 1 << 1,
	ES_PROCESS_UNKNOWN = 1 << 2,	/* was not seen at fork, exec or by the iterator: ids only */
};

struct es_process_part {
	struct es_token token;
	struct es_token parent;
	struct es_token responsible;
	int32_t ppid;
	int32_t original_ppid;
	int32_t group_id;
	int32_t session_id;
	uint64_t start_ns;		/* of the fork, CLOCK_BOOTTIME */
	uint64_t cgroup_id;
	uint32_t mnt_ns;		/* inode numbers of the namespaces */
	uint32_t pid_ns;
	uint32_t flags;			/* ES_PROCESS_* */
	uint32_t tty;			/* offset of a struct es_file_part, 0: no terminal */
	struct es_file_part executable;
};

/* A descriptor of an exec; type in PROX_FDTYPE_* terms. */
struct es_fd_part {
	int32_t fd;
	uint32_t type;
	uint64_t pipe_id;
};

/* num[] of what programs report of users, and the flags in it. The texts are libaudit's: see lib/audit.h. */
enum es_user_number {
	ES_USER_NUMBER,			/* of the audit message */
	ES_USER_FLAGS,			/* ES_USER_PASSWORD, ... */
	ES_USER_UID,			/* of the account that the text names; -1: /etc/passwd hasn't it */
	ES_USER_FROM_UID,		/* su, sudo: the real uid of the user who started it */
};

enum {
	ES_USER_PASSWORD = 1 << 0,	/* sshd: PAM had refused before */
	ES_USER_KEY = 1 << 1,		/* sshd: the user got in without PAM */
};

/* num[] of changes to accounts and groups. */
enum es_od_number {
	ES_OD_RECORD_TYPE,		/* attributes: es_od_record_type_t */
};

/* num[] of launch items. */
enum es_item_number {
	ES_ITEM_TYPE,			/* es_btm_item_type_t */
	ES_ITEM_LEGACY,
	ES_ITEM_UID,
};

enum {
	ES_RECORD_AUTH = 1 << 0,	/* a task waits for the answer to `auth_id` */
	ES_RECORD_FLAGS_RESULT = 1 << 1,	/* NOTIFY: `result` is a mask of allowed flags, else ALLOW or DENY */
	ES_RECORD_ARGS_CUT = 1 << 2,	/* exec: arguments or environment could not be read whole */
};

struct es_record {
	uint32_t size;			/* of head and tail, bytes */
	uint16_t type;			/* es_event_type_t */
	uint16_t flags;			/* ES_RECORD_* */
	/*
	 * How many records this client had lost when this one was made, of this type and of all types. The library
	 * adds what it has received: these are seq_num and global_seq_num, and a loss is a gap in them.
	 */
	uint64_t lost_type;
	uint64_t lost_all;
	uint64_t time_ns;		/* CLOCK_MONOTONIC; mach_time */
	uint64_t deadline_ns;		/* CLOCK_MONOTONIC; AUTH only */
	uint64_t auth_id;		/* AUTH only: names the waiting task for this client, never 0 */
	uint32_t thread_id;
	uint32_t result;		/* NOTIFY: the outcome */
	uint32_t process;		/* offset of the acting struct es_process_part; never 0 */
	uint32_t other;			/* of the process acted upon, or 0 */
	uint32_t file[ES_RECORD_FILES];	/* of a struct es_file_part, or 0 */
	uint32_t fd_count;		/* entries at fds.off, a struct es_fd_part each */
	struct es_span str[ES_RECORD_STRINGS];
	struct es_span args;		/* exec: strings, each with its NUL */
	struct es_span env;
	struct es_span fds;
	int64_t num[ES_RECORD_NUMBERS];
};

_Static_assert(ES_EVENT_TYPES <= ES_TYPE_WORDS * 64, "a set has room for every type");
_Static_assert(sizeof(struct es_stat) == 88, "es_stat");
_Static_assert(sizeof(struct es_file_part) == 120, "es_file_part");
_Static_assert(sizeof(struct es_process_part) == 264, "es_process_part");
_Static_assert(sizeof(struct es_record) == 176, "es_record");
