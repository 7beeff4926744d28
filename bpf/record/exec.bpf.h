/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (3) What only an exec record has: descriptors, the script, arguments and environment. The two last can be megabytes:
 * they go from the program's memory straight into each ring, piece by piece, and never through a whole copy.
 */

#include "bpf/base/kernel.h"
#include "bpf/base/maps.bpf.h"
#include "bpf/record/path.bpf.h"
#include "bpf/record/ring.bpf.h"
#include "bpf/record/walk.bpf.h"

enum {
	CPU_TYPE_X86 = 7,
	CPU_TYPE_X86_64 = 0x01000007,
	CPU_SUBTYPE_X86_ALL = 3,
	FDTYPE_VNODE = 1,		/* PROX_FDTYPE_* */
	FDTYPE_SOCKET = 2,
	FDTYPE_KQUEUE = 5,
	FDTYPE_PIPE = 6,
	PIECE = 16384,			/* of arguments copied at a time */
	PIECES_MAX = 400,		/* 6 MiB: the kernel's own limit is three quarters of 8 MiB of stack */
};

struct fd_list {
	struct scratch *s;
	struct file **files;
	unsigned long *closing;		/* a bit for each that the exec closes; NULL: it has */
	uint32_t off;			/* of the first entry in the record */
	uint32_t count;
	uint32_t fds;			/* in the table */
	int32_t last;
};

static __always_inline uint32_t fd_type(struct inode *inode)
{
	uint32_t mode = READ(inode, i_mode) & S_IFMT;

	if (mode == S_IFIFO && READ(inode, i_sb, s_magic) == MNT_INTERNAL_PIPE)
		return FDTYPE_PIPE;
	if (mode == S_IFSOCK)
		return FDTYPE_SOCKET;
	if (READ(inode, i_sb, s_magic) == MNT_INTERNAL_ANON)
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
	inode = READ(file, f_inode);
	part->fd = fd;
	part->type = fd_type(inode);
	part->pipe_id = part->type == FDTYPE_PIPE ? READ(inode, i_ino) : 0;
	list->count++;
	return 0;
}

/*
 * The descriptors that a task has after an exec, which is done or still to be. The record lists the first
 * ES_RECORD_FDS; num[0] is the highest of all.
 */
static __noinline int put_fds(struct scratch *s, struct task_struct *task, bool done)
{
	struct fdtable *table = READ(task, files, fdt);
	struct es_record *head = head_of(s);
	struct fd_list list = { .s = s, .last = unknown(-1), .count = unknown(0) };

	if (!table)
		return 0;
	list.files = READ(table, fd);
	if (!done)
		list.closing = READ(table, close_on_exec);
	list.fds = READ(table, max_fds);
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
	if (READ(task, thread_info.status) & TS_COMPAT)
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

/* The arguments and then the record, whose flags tell how that went, into one ring. */
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
	unsigned long args_end = READ(task, mm, arg_end), env_end = READ(task, mm, env_end);
	unsigned long env_from = READ(task, mm, env_start);

	send.from = READ(task, mm, arg_start);
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
