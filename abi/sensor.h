/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the daemon and the kernel programs share: the shapes of map values and global variables.
 */

#include "follow.h"
#include "names.h"
#include "record.h"

/* What becomes of an operation whose client is late, or could not be asked: the numbers of es_deadline_miss_mode_t. */
enum es_miss_mode {
	ES_MISS_KILL,			/* the operation is allowed, and the late client killed */
	ES_MISS_DENY,
	ES_MISS_ALLOW,
	ES_MISS_MODES,
};

/*
 * One per client, in the map `clients`, indexed by slot and mapped by the daemon and the warden. tgid 0: the slot is
 * free, or the daemon or warden has given its client up; the kernel programs don't ask it.
 */
struct es_sensor_client {
	uint32_t tgid;			/* the client's process: a client is never asked about itself */
	uint32_t miss_mode;		/* enum es_miss_mode */
	uint32_t gone;			/* the client has ended: no task waits for its answers any more */
	uint32_t pad;
	uint64_t delivered;		/* counters, added to atomically */
	uint64_t asked;
	uint64_t lost_all;
	uint64_t lost[ES_EVENT_TYPES];
	uint32_t deadline_ms[ES_EVENT_TYPES];	/* time for an answer; 0: not an AUTH type */
};

/*
 * An operation that waits for a client. One array of these per client, mapped by the library and the daemon (map
 * `held`): the entry's index is auth_id % ES_HELD_MAX.
 *
 * With fanotify the library claims an entry, lets the kernel write the event there, and runs the ask program, which
 * fills in the rest. It sets auth_id to zero when it has answered. So the daemon can see which task waits, and since
 * when, even while the client is stopped.
 *
 * With the lsm sensor the kernel program, which waits, claims and frees the entries. It takes the first free one from
 * index tid % ES_HELD_MAX on, where the library looks for a request's thread. The library writes its answer into the
 * low bits of `verdict`, once. The program reads it there, whatever woke it.
 *
 * When a client misses a deadline the daemon answers, or the warden if the daemon doesn't (daemon/hold/watch.h). With
 * either sensor the first change of ES_VERDICT_NONE in `verdict` is the answer; ES_VERDICT_MISSED marks one by the
 * daemon or warden. They need `request` to wake the task.
 */
enum {
	ES_HELD_MAX = 2048,
	ES_HELD_A_USER = 1024,		/* of one user, at most: that user's other operations wait their turn */
	ES_HELD_PATH_BYTES = 184,
};

enum es_verdict {
	ES_VERDICT_NONE,
	ES_VERDICT_ALLOW,
	ES_VERDICT_DENY,
	ES_VERDICT_MASK = 3,
	ES_VERDICT_MISSED = 1 << 2,	/* given by the deadline */
	ES_VERDICT_KEEP = 1 << 3,	/* the client wants it kept in the cache */
	ES_VERDICT_FLAGS_SHIFT = 4,	/* what it allows: FREAD and FWRITE of an open, else 1 or nothing */
	ES_VERDICT_FLAGS_MASK = 3,
	ES_VERDICT_SHIFT = 8,		/* the rest of the word tells one use of an entry from the next */
};

/* An entry's `verdict` before its answer: never zero. Zero means that the entry is free, or about to be. */
#define ES_VERDICT_MARK(generation) (((uint32_t)(generation) << 1 | 1) << ES_VERDICT_SHIFT)

enum {
	ES_HELD_SLICED = 1 << 0,	/* holds a lock or ignores signals: wake it after ES_GATE_SLICE_NS anyway */
	ES_HELD_WHOLE = 1 << 1,		/* can't be started over: a signal doesn't end the wait, see bpf/hold/wait.bpf.h */
	/*
	 * The task sleeps at the gate, or is about to. The kernel program sets this. The library, daemon or warden
	 * clears it before replying to the request: a woken task needs no more help, even if it hasn't run yet.
	 */
	ES_HELD_AT_GATE = 1 << 2,
	ES_HELD_BEGUN = 1 << 3,		/* the handler has the message: the deadline in it doesn't move any more */
};

#define ES_GATE_SLICE_NS 5000000ull

struct es_held {
	uint64_t auth_id;		/* 0: free, or answered */
	uint64_t deadline_ns;		/* CLOCK_MONOTONIC; 0: claimed, not asked yet */
	/*
	 * What wakes the task; 0: it isn't at the gate, or the library hasn't read the request yet. With fanotify, the
	 * event's descriptor in the client, plus one; else the FUSE request's number, which stays until it has a reply.
	 */
	uint64_t request;
	uint32_t tid;
	uint32_t type;
	uint32_t verdict;		/* enum es_verdict */
	uint32_t flags;			/* ES_HELD_* */
	/*
	 * ES_OUTSIDE_*: the daemon or warden is using `request`. The library doesn't reuse a descriptor's number
	 * meanwhile. Either sets its bit first, and then checks that auth_id is still what it was.
	 */
	uint32_t outside;
	uint32_t tgid;			/* the waiting task's process: for the log, like `path` */
	uint32_t user;			/* the user that it counts for, plus one: only the kernel program uses it */
	uint32_t pad;
	uint64_t seen_ns;		/* when its task last looked: see ES_LEFT_NS */
	uint64_t limit_ns;		/* the library doesn't put the deadline off beyond this: see ES_DEADLINES_MAX */
	union {
		char path[ES_HELD_PATH_BYTES];	/* cut if longer */
		uint64_t event[3];	/* fanotify, before it was asked about: what was read, or 0 */
	};
};

enum {
	ES_OUTSIDE_DAEMON = 1 << 0,
	ES_OUTSIDE_WARDEN = 1 << 1,
};

/*
 * With the lsm sensor: a task that isn't at the gate, and hasn't looked at its entry for this long, has left its call
 * or isn't running. It isn't waiting for the answer.
 */
#define ES_LEFT_NS 1000000000ull

/*
 * The time for an answer counts from when the handler could have begun with the question: when it was asked, or when the
 * handler had finished the one before. But no task waits for more than this many times that time.
 */
enum { ES_DEADLINES_MAX = 4 };

/* If neither daemon nor warden answers for a late client, the kernel program does, this long after the deadline. */
#define ES_LATE_NS 250000000ull

_Static_assert(sizeof(struct es_held) == 256, "es_held");
_Static_assert(__builtin_offsetof(struct es_held, path) == 72, "es_held: another layout is another ES_ABI_VERSION");

/* What a system call does, as far as events are concerned; each kind is handled by one program, or one at each end. */
enum es_kind {
	ES_KIND_NONE,
#define ES_KIND(name, ...) ES_KIND_##name,
#include "syscalls.def"
	ES_KIND_COUNT,
};

enum { ES_SYSCALLS = 512 };		/* numbers below it are known; the 32-bit table follows the native one */

struct es_syscall {
	uint8_t kind;			/* enum es_kind */
	uint8_t variant;		/* which member of the family: enum es_variant */
};

/* How a system call passes what the kind needs: the handlers read arguments by these. */
enum es_variant {
	ES_VARIANT_PLAIN,		/* path in the first argument (or the kind's usual form) */
	ES_VARIANT_AT,			/* dirfd, path */
	ES_VARIANT_FD,			/* a descriptor in the first argument */
	ES_VARIANT_LINK,		/* path, links not followed (lchown and the like) */
	ES_VARIANT_AT2,			/* renameat2, openat2, dup3: the newest form, with a flags argument or struct */
	ES_VARIANT_OTHER,		/* see the kind's handler */
	ES_VARIANT_OTHER2,
	ES_VARIANT_OTHER3,
	ES_VARIANT_OTHER4,
};

enum { ES_SCOPE_MOUNTS = 16 };

/*
 * The timer slack that marks a thread while it looks something up for clients: a library's (lib/unseen.h), or a
 * worker of the daemon's. Other programs are unlikely to use this value.
 */
enum { ES_UNSEEN_SLACK_NS = 50023 };

/* Scratch areas, in which programs make records: four for each CPU, a power of two, 32 at least, and at most: */
enum { ES_SCRATCH_POOL = 512 };

/* Whether calls can wait in task work, and which of the kernel's functions schedules it. */
enum es_task_work {
	ES_NO_TASK_WORK = 0,
	ES_TASK_WORK_IMPL = 1,			/* bpf_task_work_schedule_signal_impl(), since 6.18 */
	ES_TASK_WORK = 2,			/* bpf_task_work_schedule_signal(), since 7.x */
};

/* Global variables that the daemon writes (.bss of the object); all zero means: everything, no subscribers. */
struct es_sensor_control {
	uint64_t subscribers[ES_EVENT_TYPES];	/* a set of slots for each type */
	uint64_t mute_actor[ES_EVENT_TYPES];	/* clients whose mutes of processes or executables are about this type, */
	uint64_t mute_target[ES_EVENT_TYPES];	/* or of targets; or that inverted the stage */
	uint64_t inverted_targets;		/* clients that have inverted the target stage */
	uint8_t kind_live[ES_KIND_COUNT];	/* does any subscribed type need system calls of this kind? */
	uint32_t daemon_tgid;
	uint32_t keeper_tgid;			/* the process whose end is the daemon's: its keeper, or itself */
	uint32_t daemon_gone;			/* 1: it ends: no client is asked any more; kernel programs write it */
	uint32_t scope_mounts;			/* entries used below; 0: all mounts */
	uint32_t scope_mount[ES_SCOPE_MOUNTS];	/* mount ids, as in /proc/self/mountinfo */
	uint64_t scope_cgroup;			/* id of a cgroup-v2 directory, 0: all */
	uint32_t scope_cgroup_level;		/* its depth below the root */
	uint32_t lsm;				/* 1: operations are held by LSM programs, not by fanotify */
	uint32_t gate_pid[ES_CLIENTS_MAX];	/* lsm: the process whose executable is the client's gate; 0: none */
	uint32_t calls_watched;			/* on_call_over is attached: another number each time; 0: it isn't */
	uint32_t cache_generation;		/* of the answers that count; 0: none are kept */
	uint32_t system_uid_max;		/* the last one of a system account */
	uint32_t cache_watched;			/* 1: the hooks that ask take note of changes, too */
	uint32_t gates[ES_GATES];		/* by type: ES_GATE_*, see abi/follow.h; 0: no task may sleep yet */
	/*
	 * The subscribers of a type that is reported from the kernel's own objects (daemon/sensor/objects.h), else
	 * none: by_object says which it is. What the thread probe_tid does (0: none) is counted, not reported.
	 */
	uint64_t objects[ES_EVENT_TYPES];
	uint8_t by_object[ES_EVENT_TYPES];
	uint32_t object_lookups;		/* some of them need to know where path arguments lead */
	uint32_t written_epoch;			/* counts how often NOTIFY_CLOSE and WRITE got a first subscriber */
	uint32_t probe_tid;
	uint32_t probed[ES_EVENT_TYPES];
	uint64_t reporters;			/* the daemon's own slots, a bit each: daemon/sensor/report.h */
};

/*
 * Types that the daemon reports, from what it finds in changed files (daemon/report/). The kernel programs report the
 * change to the daemon through a ring, as to any client. The record's span `fds` is a struct es_reported: for each
 * type, the clients that want to hear what this process does. The list is in the order of the numbers, and of the
 * masks.
 */
#define ES_REPORTS(R) \
	R(OD_GROUP_ADD) R(OD_GROUP_REMOVE) R(OD_GROUP_SET) R(OD_MODIFY_PASSWORD) R(OD_DISABLE_USER) R(OD_ENABLE_USER) \
	R(OD_ATTRIBUTE_VALUE_ADD) R(OD_ATTRIBUTE_VALUE_REMOVE) R(OD_ATTRIBUTE_SET) R(OD_CREATE_USER) R(OD_CREATE_GROUP) \
	R(OD_DELETE_USER) R(OD_DELETE_GROUP) \
	R(BTM_LAUNCH_ITEM_ADD) R(BTM_LAUNCH_ITEM_REMOVE)

enum es_report_number {
#define ES_REPORT_CONSTANT(name) ES_REPORT_##name,
	ES_REPORTS(ES_REPORT_CONSTANT)
#undef ES_REPORT_CONSTANT
	ES_REPORT_COUNT,
};

struct es_reported {
	uint64_t slots[ES_REPORT_COUNT];
};

/* What the daemon passes to the program `report`, which puts a record of the map `reports` into rings. */
enum {
	ES_REPORT_BYTES = 65536,
	ES_REPORTERS = 2,		/* threads of the daemon, each with a record in the map */
};

struct es_report {
	uint64_t slots;
	uint32_t type;
	uint32_t bytes;
	uint32_t reporter;		/* whose record */
	uint32_t pad;
};

/* An account of /etc/passwd: key and value of the map `accounts`. What is longer isn't there. */
enum {
	ES_ACCOUNT_NAME_BYTES = 64,
	ES_ACCOUNT_SHELL_BYTES = 124,
	ES_ACCOUNTS_MAX = 65536,
};

struct es_account_name {
	char name[ES_ACCOUNT_NAME_BYTES];	/* zero behind it */
};

struct es_account {
	uint32_t uid;
	char shell[ES_ACCOUNT_SHELL_BYTES];
};

/* The beginning of what the programs keep of each process, in the map `processes`. */
struct es_sensor_process {
	uint32_t pidversion;
	uint32_t exited;
};

/* Why a question had to be asked later: no scratch area, the user's share, the table, the ring, memory. */
enum { ES_UNSENT_CAUSES = 5 };

/* Counters that the kernel programs write (.bss). */
struct es_sensor_stats {
	uint64_t processes;			/* alive and known */
	uint64_t unresolved;			/* paths given as passed */
	uint64_t pidversion;			/* the last one given out */
	uint64_t not_held;			/* could not be asked about, or not wait: miss modes decided */
	uint64_t unsent[ES_UNSENT_CAUSES];	/* questions for which there was no room at once */
};
