/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N3, A3) The parts that only an exec record has: descriptors, the script, arguments and environment. The last two can
 * be megabytes. The program copies them from the process's memory straight into each ring, piece by piece.
 */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"
#include "bpf/record/path.bpf.h"
#include "bpf/record/process.bpf.h"
#include "bpf/record/ring.bpf.h"
#include "bpf/record/walk.bpf.h"

enum {
	PIECE = 16384,			/* of arguments copied at a time */
	PIECES_MAX = 400,		/* 6 MiB: the kernel's own limit is three quarters of 8 MiB of stack */
	ARGUMENTS_MAX = 8192,
};

struct fd_list {
	struct scratch *s;
	struct file **files;
	unsigned long *closing;		/* a bit for each that the exec will close; NULL: it has closed them */
	uint32_t off;			/* of the first entry in the record */
	uint32_t count;
	uint32_t fds;			/* in the table */
	int32_t last;
};

static __always_inline uint32_t fd_type(struct inode *inode)
{
	uint32_t mode = READ_CORE(inode, i_mode) & S_IFMT;

	if (mode == S_IFIFO && READ_CORE(inode, i_sb, s_magic) == LINUX_PIPEFS_MAGIC)
		return FDTYPE_PIPE;
	if (mode == S_IFSOCK)
		return FDTYPE_SOCKET;
	if (READ_CORE(inode, i_sb, s_magic) == LINUX_ANON_INODE_FS_MAGIC)
		return FDTYPE_KQUEUE;
	return FDTYPE_VNODE;
}

static __always_inline bool fd_goes(struct fd_list *list, uint32_t fd)
{
	unsigned long bits = 0;

	if (!list->closing)
		return false;
	bpf_probe_read_kernel(&bits, sizeof(bits), &list->closing[fd / 64]);
	return bits >> fd % 64 & 1;
}

static long fd_step(uint32_t fd, struct fd_list *list)
{
	struct es_fd_part *part;
	struct file *file = NULL;
	struct inode *inode;

	if (fd >= list->fds)
		return 1;
	bpf_probe_read_kernel(&file, sizeof(file), &list->files[fd]);
	if (!file || fd_goes(list, fd))
		return 0;
	list->last = fd;
	if (list->count >= ES_RECORD_FDS)
		return 0;
	part = at(list->s, list->off + list->count * sizeof(*part));
	inode = READ_CORE(file, f_inode);
	part->fd = fd;
	part->type = fd_type(inode);
	part->pipe_id = part->type == FDTYPE_PIPE ? READ_CORE(inode, i_ino) : 0;
	list->count++;
	return 0;
}

/*
 * The descriptors that a task has after an exec, which may still be to come. The record lists the first ES_RECORD_FDS;
 * num[0] is the highest of all.
 */
static __noinline int put_fds(struct scratch *s, struct task_struct *task, bool done)
{
	struct fdtable *table = READ_CORE(task, files, fdt);
	struct es_record *head = head_of(s);
	struct fd_list list = { .s = s, .last = unknown(-1), .count = unknown(0) };

	if (!table)
		return 0;
	list.files = READ_CORE(table, fd);
	if (!done)
		list.closing = READ_CORE(table, close_on_exec);
	list.fds = READ_CORE(table, max_fds);
	list.off = append(s, ES_RECORD_FDS * sizeof(struct es_fd_part));
	if (!list.off)
		return 0;
	bpf_loop(1 << 20, fd_step, &list, 0);
	s->used = list.off + list.count * sizeof(struct es_fd_part);
	head->fds.off = list.off;
	head->fds.len = list.count * sizeof(struct es_fd_part);
	head->fd_count = list.count;
	head->num[0] = list.last;
	return 0;
}

static __always_inline void put_image(struct scratch *s, struct task_struct *task)
{
	struct es_record *head = head_of(s);

	head->num[1] = CPU_TYPE_X86_64;
	head->num[2] = CPU_SUBTYPE_X86_ALL;
	if (READ_CORE(task, thread_info.status) & TS_COMPAT)
		head->num[1] = CPU_TYPE_X86;
}

/* The script of an exec, by the name that was passed; a relative one starts from the current directory. */
__noinline uint32_t put_script(struct scratch *s, uint64_t name)
{
	struct path base = {};
	struct place *place;

	if (!s)
		return 0;
	place = &s->place;
	if (bpf_probe_read_kernel_str(s->user, USER_BYTES, (void *)name) <= 0 || !base_of(&base, AT_FDCWD))
		return 0;
	walk_user(s, place, &base, WALK_FOLLOW);
	if (place->status == PLACE_FOUND && place->dentry)
		return put_place(s, place);
	bpf_probe_read_kernel_str(s->user, USER_BYTES, (void *)name);
	return put_lexical(s, &base);
}

struct exec_send {
	struct scratch *s;
	uint64_t slots;
	unsigned long from;		/* of arguments, environment behind them, in the program's memory */
	uint32_t bytes;
};

struct exec_pieces {
	struct bpf_dynptr ptr;		/* into the ring */
	struct exec_send *send;
	uint32_t used;			/* bytes of the record, before the arguments */
};

static long exec_piece(uint32_t index, struct exec_pieces *pieces)
{
	struct exec_send *send = pieces->send;
	uint32_t done = index * PIECE, n;
	struct scratch *s = send->s;

	if (done >= send->bytes)
		return 1;
	n = send->bytes - done;
	if (n > PIECE)
		n = PIECE;
	if (bpf_probe_read_user(s->text, n, (void *)(send->from + done)))
		head_of(s)->flags |= ES_RECORD_ARGS_CUT;
	bpf_dynptr_write(&pieces->ptr, pieces->used + done, s->text, n, 0);
	return 0;
}

/* Copies the arguments into one ring, and then the record, whose flags say whether they are whole. */
static __always_inline void exec_output(struct exec_send *send, void *ring, struct es_sensor_client *client)
{
	struct exec_pieces pieces = { .send = send };
	struct es_record *head = head_of(send->s);
	uint32_t used = send->s->used;

	put_lost(head, client);
	asm volatile("" : "+r"(used));
	if (used > RECORD_BYTES)
		used = RECORD_BYTES;
	pieces.used = used;
	if (bpf_ringbuf_reserve_dynptr(ring, used + send->bytes, 0, &pieces.ptr)) {
		bpf_ringbuf_discard_dynptr(&pieces.ptr, 0);
		count_lost(client, head->type);
		return;
	}
	bpf_loop(PIECES_MAX, exec_piece, &pieces, 0);
	bpf_dynptr_write(&pieces.ptr, 0, send->s->record, used, 0);
	bpf_ringbuf_submit_dynptr(&pieces.ptr, 0);
	__sync_fetch_and_add(&client->delivered, 1);
}

static long exec_to_slot(uint32_t slot, struct exec_send *send)
{
	struct es_sensor_client *client;
	void *ring;

	if (slot >= ES_CLIENTS_MAX || !(send->slots >> slot))
		return 1;
	if (!(send->slots >> slot & 1))
		return 0;
	client = bpf_map_lookup_elem(&clients, &slot);
	ring = bpf_map_lookup_elem(&rings, &slot);
	if (client && ring)
		exec_output(send, ring, client);
	return 0;
}

static __always_inline void exec_record_send(struct scratch *s, struct task_struct *task, uint64_t slots)
{
	struct es_record *head = head_of(s);
	struct exec_send send = { .s = s, .slots = slots };
	unsigned long args_end = READ_CORE(task, mm, arg_end), env_end = READ_CORE(task, mm, env_end);
	unsigned long env_from = READ_CORE(task, mm, env_start);

	send.from = READ_CORE(task, mm, arg_start);
	send.bytes = env_end - send.from;
	if (send.bytes > PIECES_MAX * PIECE) {
		send.bytes = PIECES_MAX * PIECE;
		head->flags |= ES_RECORD_ARGS_CUT;
	}
	head->args.off = s->used;
	head->args.len = args_end - send.from;
	head->env.off = s->used + (env_from - send.from);
	head->env.len = env_end - env_from;
	head->size = s->used + send.bytes;
	bpf_loop(ES_CLIENTS_MAX, exec_to_slot, &send, 0);
}

/* ---- the arguments of an exec to come ---- */

/*
 * Arguments and environment are still in the memory of the process. Pages that it hasn't touched since its fork can
 * only be read by a BPF program that may sleep, such as ask(), on newer kernels. Otherwise they are missing, and the
 * record says so.
 */
int bpf_copy_from_user_task_str(void *to, uint32_t to__sz, const void *from, struct task_struct *task, uint64_t flags)
	__ksym __weak;

struct strings {
	struct capture *capture;
	uint64_t pointers;		/* a NULL-terminated array in the program's memory */
	uint32_t width;			/* of a pointer */
	int32_t tid;			/* of the task whose memory it is; 0: the current one's */
};

/* Reads a pointer (`string` false) or a string of a program; as bpf_probe_read_user_str(). */
static __always_inline long strings_read(struct strings *strings, void *to, uint32_t bytes, uint64_t from, bool string)
{
	struct task_struct *task;
	long n;

	if (!strings->tid)
		return string ? bpf_probe_read_user_str(to, bytes, (void *)from)
			      : bpf_probe_read_user(to, bytes, (void *)from);
	task = bpf_task_from_pid(strings->tid);
	if (!task)
		return -1;
	n = string ? bpf_copy_from_user_task_str(to, bytes, (void *)from, task, 0)
		   : bpf_copy_from_user_task(to, bytes, (void *)from, task, 0);
	bpf_task_release(task);
	return n;
}

static __always_inline long capture_one(uint32_t index, struct strings *strings)
{
	uint64_t from = strings->pointers + (uint64_t)index * strings->width, text = 0;
	struct capture *capture = strings->capture;
	uint32_t used = capture->used;
	long n;

	n = strings->width == 8 ? strings_read(strings, &text, 8, from, false)
				: strings_read(strings, &text, 4, from, false);
	if (n)
		goto cut;
	if (!text)
		return 1;
	asm volatile("" : "+r"(used));
	if (used >= CAPTURE_BYTES)
		goto cut;
	n = strings_read(strings, capture->bytes + used, USER_BYTES, text, true);
	if (n <= 0)
		goto cut;
	if (n == USER_BYTES)
		capture->cut = 1;
	capture->used = used + n;
	return 0;
cut:
	capture->cut = 1;
	return 1;
}

/* The two differ for the verifier: one may sleep. */
static long capture_own(uint32_t index, struct strings *strings)
{
	strings->tid = 0;
	return capture_one(index, strings);
}

static long capture_others(uint32_t index, struct strings *strings)
{
	if (!strings->tid)
		return 1;
	return capture_one(index, strings);
}

/* Reads the arguments of the current task, which is leaving execve(2). */
static __noinline int capture_current(struct capture *capture, struct syscall_state *state)
{
	struct strings strings = { .capture = capture, .pointers = state->argv, .width = state->compat ? 4 : 8 };

	capture->cut = capture->used = 0;
	if (state->argv)
		bpf_loop(ARGUMENTS_MAX, capture_own, &strings, 0);
	capture->args_bytes = capture->used;
	strings.pointers = state->envp;
	if (state->envp)
		bpf_loop(ARGUMENTS_MAX, capture_own, &strings, 0);
	capture->env_bytes = capture->used - capture->args_bytes;
	return 0;
}

/* Reads the arguments of another task, which waits in execve(2). */
static __noinline int capture_waiting(struct capture *capture, struct syscall_state *state, uint32_t tid)
{
	struct strings strings = { .capture = capture, .pointers = state->argv, .width = state->compat ? 4 : 8 };

	capture->cut = capture->used = 0;
	strings.tid = tid;
	if (state->argv)
		bpf_loop(ARGUMENTS_MAX, capture_others, &strings, 0);
	capture->args_bytes = capture->used;
	strings.pointers = state->envp;
	if (state->envp)
		bpf_loop(ARGUMENTS_MAX, capture_others, &strings, 0);
	capture->env_bytes = capture->used - capture->args_bytes;
	return 0;
}

static __always_inline void put_capture(struct scratch *s, struct capture *capture)
{
	struct es_record *head = head_of(s);
	uint32_t off = s->used, len = capture->args_bytes + capture->env_bytes;

	if (capture->cut)
		head->flags |= ES_RECORD_ARGS_CUT;
	asm volatile("" : "+r"(off), "+r"(len));
	if (len > CAPTURE_BYTES + USER_BYTES || off >= RECORD_BYTES - CAPTURE_BYTES - USER_BYTES) {
		head->flags |= ES_RECORD_ARGS_CUT;
		return;
	}
	bpf_probe_read_kernel(s->record + off, len, capture->bytes);
	head->args.off = off;
	head->args.len = capture->args_bytes;
	head->env.off = off + capture->args_bytes;
	head->env.len = capture->env_bytes;
	s->used = off + len;
}

/* The process after the exec: as it is now, but with the program in `file`, and the ids that this gives. */
static __always_inline void put_future(struct scratch *s, struct task_struct *leader, struct syscall_state *state,
				       struct path *file)
{
	struct process *p = process_get(s, leader);
	struct es_process_part *part;
	struct es_file_part *exe;
	uint32_t off, exe_off;

	if (!p)
		return;
	off = put_process_part(s, p, address_of_leader(leader));
	exe_off = put_path(s, file);
	if (!off || !exe_off)
		return;
	part = at(s, off);
	exe = at(s, exe_off);
	if (!state->pidversion)
		state->pidversion = next_pidversion();
	part->token.pidversion = state->pidversion;
	part->executable = *exe;
	if (exe->stat.mode & 04000)
		part->token.euid = exe->stat.uid;
	if (exe->stat.mode & 02000)
		part->token.egid = exe->stat.gid;
	put_parent(part, leader);
	head_of(s)->other = off;
}

/* An exec record of a task that waits in execve(2), or has been refused there. */
static __always_inline void put_waiting_exec(struct scratch *s, struct task_struct *task, struct syscall_state *state,
					     struct capture *capture)
{
	struct es_record *head = head_of(s);
	struct task_struct *leader = task->group_leader;
	struct path cwd = {};

	if (!leader)
		return;
	head->process = put_process(s, task);	/* what is long comes behind it */
	put_future(s, leader, state, &state->file);
	cwd.mnt = READ_CORE(task, fs, pwd.mnt);
	cwd.dentry = READ_CORE(task, fs, pwd.dentry);
	head->file[0] = put_path(s, &cwd);
	if (state->script.dentry)
		head->file[1] = put_path(s, &state->script);
	put_string(s, &head->str[0], capture->path, USER_BYTES);
	put_fds(s, task, false);
	put_image(s, task);
	put_capture(s, capture);
}
