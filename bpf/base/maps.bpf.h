/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The maps and global variables that several folders use, with their structs. Those of one file are in that file. The
 * structs that the daemon shares are in abi/sensor.h.
 */

#include "abi/ask.h"
#include "abi/mute.h"
#include "abi/sensor.h"

/* Event types by name: the values of the public constants. */
enum es_event_number {
#define ES_EVENT(name, number, ...) EV_##name = number,
#include "abi/events.def"
};

/* A ring per client. The daemon puts it in under the client's slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, ES_CLIENTS_MAX);
	__type(key, uint32_t);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_RINGBUF);
		__uint(max_entries, 4096);
	});
} rings SEC(".maps");

/* The operations that wait for a client: struct es_held[ES_HELD_MAX] per client, mapped by daemon and library. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, ES_CLIENTS_MAX);
	__type(key, uint32_t);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(map_flags, BPF_F_MMAPABLE);
		__uint(max_entries, ES_HELD_MAX);
		__uint(key_size, sizeof(uint32_t));
		__uint(value_size, sizeof(struct es_held));
	});
} held SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ES_CLIENTS_MAX);
	__type(key, uint32_t);
	__type(value, struct es_sensor_client);
} clients SEC(".maps");

/* The processes that have a client: how many of their clients there are. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ES_CLIENTS_MAX);
	__type(key, uint32_t);
	__type(value, uint32_t);
} client_processes SEC(".maps");

/* Readable as soon as the daemon ends. The warden and the clients' libraries poll it; no program reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} end SEC(".maps");

enum {
	RECORD_BYTES = 98304,		/* longest record without exec's arguments */
	RECORD_SLACK = 65536,		/* room behind it, so that a bounded copy that starts inside stays inside */
	TEXT_BYTES = 32768,		/* a path being put together, from its end */
	NAME_BYTES = 256,
	USER_BYTES = 4096,
	EXE_BYTES = 4096,		/* of an executable's path, kept per process */
	CAPTURE_BYTES = 57344,		/* of arguments and environment, kept until an exec is asked about */
};

/* Where a path leads: the directory, the last component, and the file that this names now. */
struct place {
	struct mount *mount;
	struct dentry *dir;
	struct dentry *dentry;		/* NULL: nothing has that name */
	struct mount *dentry_mount;	/* differs from mount if something is mounted on it */
	uint32_t status;		/* enum place_status */
	uint32_t name_len;
	char name[NAME_BYTES + 8];
	struct es_stat stat;		/* of dentry */
};

/* Where a walk along a path is: see record/walk.bpf.h. */
struct walk_state {
	struct dentry *dentry;
	struct mount *mount;
	struct dentry *child;		/* that the component names; NULL: nothing */
	struct mount *child_mount;
	uint32_t flags;
	uint32_t pos;			/* in scratch.user */
	uint32_t start;			/* of the component */
	uint32_t links;
	uint32_t name_len;
	uint32_t pad;
};

/* A system call's arguments. */
struct syscall_args {
	uint64_t a[6];
	uint32_t kind;
	uint32_t variant;
	bool compat;
};

/* The arguments and environment of an exec that is asked about. */
struct capture {
	uint32_t args_bytes;
	uint32_t env_bytes;		/* they follow the arguments */
	uint32_t cut;			/* not all of it is here */
	uint32_t used;
	char path[USER_BYTES];
	char bytes[CAPTURE_BYTES + USER_BYTES];
};

enum { MUTED_REMEMBERED = 16 };

#define MUTED_BUSY (~0ull)

/* The types that a client mutes for a process, as of a generation of the client's mutes: see select/mute.bpf.h. */
struct muted {
	uint64_t generation;		/* 0: of none; MUTED_BUSY: being written */
	uint64_t execution;		/* pidversion, and in the upper half whether the default set holds for it */
	struct es_mute_types types;
};

enum {
	TRUST_INIT = 1 << 0,		/* init started it: select/trust.bpf.h */
	TRUST_DEFAULT = 1 << 1,		/* its program is one of those that a new client has muted */
	TRUST_SEEN = 1 << 2,		/* the programs saw its exec, or that of the process that forked it */
};

/*
 * What the programs keep of a process, in the storage of its first thread. The daemon reads the first two members, see
 * struct es_sensor_process.
 */
struct process {
	uint32_t pidversion;		/* 0: not filled in yet */
	uint32_t exited;
	struct muted muted[MUTED_REMEMBERED];	/* clients by slot % MUTED_REMEMBERED */
	int32_t original_ppid;
	uint32_t started_by;		/* real uid when its program was executed */
	uint32_t trust;			/* TRUST_* */
	uint64_t start_ns;
	struct es_token responsible;
	uint64_t exe_inode;		/* the executed inode's address: the process may name another file since */
	struct es_stat exe_stat;
	uint32_t exe_flags;
	uint32_t exe_len;
	char exe[EXE_BYTES + 8];
};

/* What identifies a directory: see select/directory.bpf.h. */
struct known_key {
	uint64_t counts;		/* of renames, and of changes of mounts */
	uint64_t mnt, directory, inode;	/* addresses */
	uint64_t ino;
	uint64_t name;			/* its hash and length */
	uint32_t generation;		/* of the inode */
	uint32_t length;		/* of its path, with a slash behind it */
	uint32_t last;			/* of the file's name */
	uint32_t pad;
};

enum { KNOWN_VERDICTS = 4 };

/* Where the paths are in the record (0: none), and the names in these directories that the event is about. */
struct target_paths {
	uint32_t off[2];
	struct es_span name[2];
};

/* A walk upward, in addresses. The text grows towards the front of scratch.text. */
struct climb {
	uint64_t dentry;
	uint64_t mount;
	uint64_t up;			/* the mount that it is mounted on; itself: none */
	uint64_t place;			/* and where there; in this order in struct mount, too */
	uint64_t root;			/* of the mount */
	uint32_t pos;			/* where the text begins */
	bool full;
};

/* A search for a mount in the initial namespace: see record/view.bpf.h. Addresses, or 0. */
struct view {
	uint64_t dentry;		/* its path is wanted */
	uint64_t sb;			/* its file system, */
	uint64_t root;			/* and the root of that */
	uint64_t next;			/* of the super block's mounts: the next to check */
	uint64_t head;			/* where their list ends, if it is circular */
	uint64_t mount;			/* the search looks for its root on the way up */
	uint64_t at;			/* and is here */
	uint64_t under;			/* its root */
	uint64_t found;			/* the best so far */
	uint32_t id;			/* its id */
	bool whole;			/* it shows the whole file system */
	bool any;			/* there is a mount of the file system, above the object or not */
	bool hinted;			/* not searched for */
};

/* Where a program makes a record; too large for the stack. record/ring.bpf.h gives them out. */
struct scratch {
	uint8_t record[RECORD_BYTES + RECORD_SLACK];
	uint8_t text[TEXT_BYTES + NAME_BYTES];
	char user[2 * USER_BYTES];	/* a path as a program passed it */
	char rest[2 * USER_BYTES];	/* the same, while a symbolic link is put in */
	char name[NAME_BYTES + 8];	/* the component to look up */
	char other[NAME_BYTES + 8];	/* and the one to compare it with */
	struct walk_state walk;
	struct target_paths target_paths;
	struct path climbed;		/* the file whose path select_path() checks */
	struct known_key known;		/* of the directory it is in */
	uint64_t known_generation[KNOWN_VERDICTS];
	uint64_t listed;		/* clients that list it */
	uint64_t listed_all, listed_any;	/* clients that list all of a record's paths, and any of them */
	struct climb climb;
	struct view view;
	struct place place;		/* a path that is followed on the way out of a call */
	struct capture capture;		/* of an exec that was denied */
	struct syscall_args args;		/* of the call that a hook is in */
	struct process unknown_process;	/* stands for one that the map `processes` lacks */
	uint32_t used;			/* bytes of the record */
	uint32_t on_scoped_mount;	/* a file of the record is on one of control.scope_mount */
	uint32_t taken;			/* its place in pool_taken, plus one: for scratch_give() */
	uint32_t doubtful;		/* the path of one of its files isn't that in the initial namespace */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);		/* the daemon makes it scratch_pool */
	__type(key, uint32_t);
	__type(value, struct scratch);
} scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct process);
} processes SEC(".maps");

/* The socket address that a program passes, or the kernel's copy of it. */
struct unix_address {
	uint64_t at;
	uint32_t len;
	uint16_t family;		/* hooks read it */
	bool copied;
};

/* What a thread's system call is about to do. A program stores it on entry if it can't be seen any more on exit. */
struct syscall_state {
	uint32_t kind;			/* of the call under way; ES_KIND_NONE: none */
	uint32_t flags;			/* CALL_* */
	int32_t open_flags;		/* FMODE_READ, FMODE_WRITE: what an open asks for, see fflag_asked() */
	uint32_t pidversion;		/* exec: the process's next one, if a client has it already; 0: not given out */
	struct es_token former;		/* exec, setuid(2) and the like: ids before it; pid 0: not known */
	uint64_t asked;			/* exec: clients that were asked; they aren't asked about its other files */
	struct place from;
	struct place to;
	struct path file;		/* the file that was asked about */
	struct path script;		/* exec: first file, if it is a script */
	uint64_t path, argv, envp;	/* exec: addresses in the program's memory */
	uint32_t compat;		/* exec: by a 32-bit program */
	uint32_t pad;
	char fstype[16];		/* umount: of the mount that is about to go */
	char devname[NAME_BYTES];
	char text[NAME_BYTES];		/* name of an attribute or a socket that is asked about */
	struct unix_address address;	/* of the socket to connect to */
	uint64_t connected;		/* the socket that was asked about by its name: its inode, or CONNECTED_ABSTRACT; 0: none */
	uint64_t source;		/* copy_file_range(2): the struct file that all is copied from; 0: not all */
	uint64_t magic;
	uint32_t dev;
	uint32_t blksize;
};

enum { CONNECTED_ABSTRACT = 1 };

enum {
	SYSCALL_DENIED = 1 << 0,		/* a client said no */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct syscall_state);
} syscall_states SEC(".maps");

/* A change of a name that the kernel is about to make, as a hook saw it: notify/object.bpf.h. Addresses are numbers. */
struct unfinished_name {
	uint64_t key;			/* the dentry that the kernel will change; 0: none */
	uint64_t slots;			/* clients that want to know */
	uint64_t mnt;
	uint64_t dir;			/* dentries of the directories: where it is, and where it goes */
	uint64_t to_dir;
	uint64_t old;			/* dentry of the file that gets another name */
	uint32_t type;
	uint32_t name_len;		/* of `name`, the file's name before */
	struct es_stat stat;		/* the file's, before */
	struct es_stat replaced;	/* mode 0: nothing is replaced */
	char name[NAME_BYTES + 8];
};

/* Where the last path that a thread passed to the kernel has led. */
struct unfinished_lookup {
	uint64_t mnt;
	uint64_t dentry;
	uint64_t inode;			/* since the kernel may reuse the dentry's memory soon */
};

struct unfinished_object {
	uint64_t mnt;
	uint64_t dentry;
	uint64_t slots;
};

struct unfinished_umount {
	uint64_t mnt;
	uint64_t slots;
	uint64_t parent, mountpoint;
	uint64_t magic;
	uint32_t dev;
	uint32_t blksize;
	char fstype[16];
	char devname[NAME_BYTES];
};

/* A part for each kind of operation, since one may happen inside another: overlayfs copies a file up to rename it. */
struct unfinished {
	struct unfinished_name name;
	struct unfinished_lookup lookup;
	struct unfinished_object stat;
	struct unfinished_object root;
	struct unfinished_object moved;
	struct unfinished_umount umount;
};

/* For a value that is too large, kernels return no storage, and no error. */
_Static_assert(sizeof(struct unfinished) < 4096, "struct unfinished");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct unfinished);
} unfinished_of SEC(".maps");

/* Where ask() reads an exec's arguments: one for each client, since only the client's gate thread runs ask(). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ES_CLIENTS_MAX);
	__type(key, uint32_t);
	__type(value, struct capture);
} captures SEC(".maps");

enum {
	WRITTEN = 1 << 0,		/* values in the map `written` */
	MAPPED_WRITABLE = 1 << 1,
	OURS = 1 << 2,			/* a gate event's descriptor, see hold/fanotify.bpf.h */
};

/*
 * Open files that were written to, by the address of their struct file. A close, or an open at the same address,
 * removes the entry. Old ones make room: without its entry a close lacks `modified`, nothing else. Without a
 * subscriber no program sees files close. So a value also has control.written_epoch, and entries of other epochs
 * don't count.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, uint64_t);
	__type(value, uint32_t);
} written SEC(".maps");

/* How many scratch areas there are, a power of two. Set by the daemon. */
const volatile uint32_t scratch_pool;

/* This kernel's inode_setattr hook has the mount's id mapping as first argument, as since 6.9. Set by the daemon. */
const volatile bool setattr_has_idmap;

/* Calls that can't sleep in a hook wait in task work (bpf/hold/task-work.bpf.h): enum es_task_work. Set by the daemon. */
const volatile uint32_t waits_in_task_work;

/* vfs_create() is passed the directory's inode before the dentry, as before 7.x. Set by the daemon. */
const volatile bool vfs_create_has_inode;

/* System calls by number, native and 32-bit: set by the daemon before the programs are loaded. */
const volatile struct es_syscall syscalls[2 * ES_SYSCALLS];

/*
 * Verifiers before 6.7 check the body of a bpf_loop() once, and take the first values in its context for constant: they
 * remove branches that only later rounds take. So contexts begin with values that a verifier can't know.
 */
volatile uint32_t always_zero;

static __always_inline uint32_t unknown(uint32_t value)
{
	return value ^ always_zero;
}

void bpf_rcu_read_lock(void) __ksym __weak;
void bpf_rcu_read_unlock(void) __ksym __weak;

/* Programs that may sleep hold no RCU lock unless they take it. 6.1 has no such function, and needs none. */
static __always_inline void rcu_begin(bool sleeps)
{
	if (sleeps && bpf_rcu_read_lock)
		bpf_rcu_read_lock();
}

static __always_inline void rcu_end(bool sleeps)
{
	if (sleeps && bpf_rcu_read_unlock)
		bpf_rcu_read_unlock();
}

struct es_sensor_control control;
struct es_sensor_stats stats;

/* Passes of fill_tasks: 0 stores the processes; later ones find those that init started, until `filled` stays 0. */
uint32_t fill_pass, filled;

static __always_inline uint32_t written_how(uint64_t file)
{
	uint32_t *found = bpf_map_lookup_elem(&written, &file);

	return found && *found >> 8 == (control.written_epoch & 0xffffff) ? *found & 0xff : 0;
}

static __always_inline void written_note(uint64_t file, uint32_t how)
{
	uint32_t value = how | control.written_epoch << 8;

	bpf_map_update_elem(&written, &file, &value, BPF_ANY);
}

/* Takes the lowest slot out of a set that isn't empty, and returns its number. */
static __always_inline uint32_t take_slot(uint64_t *slots)
{
	/* The upper six bits of the product are different for each power of two: a de Bruijn sequence. */
	static const uint8_t numbers[ES_CLIENTS_MAX] = {
		0, 1, 48, 2, 57, 49, 28, 3, 61, 58, 50, 42, 38, 29, 17, 4, 62, 55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30,
		24, 18, 12, 5, 63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31,
		10, 25, 14, 19, 9, 13, 8, 7, 6,
	};
	uint64_t set = *slots, lowest = set & -set;

	*slots = set ^ lowest;
	return numbers[(lowest * 0x03f79d71b4cb0a89) >> 58];
}
