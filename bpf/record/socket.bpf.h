/* SPDX-License-Identifier: MIT */
#pragma once

/* (N3, A3) Puts the address of a UNIX-domain socket into a record. */

#include "bpf/base/constants.h"
#include "bpf/record/argument.bpf.h"
#include "bpf/record/path.bpf.h"
#include "bpf/record/ring.bpf.h"
#include "bpf/record/walk.bpf.h"

struct socket {
	short type;
	void *sk;
} __attribute__((preserve_access_index));

struct sock {
	uint16_t sk_type;
	uint16_t sk_protocol;
} __attribute__((preserve_access_index));

struct sockaddr_un {
	uint16_t sun_family;
} __attribute__((preserve_access_index));

struct unix_address___bound {
	int len;
	struct sockaddr_un name[1];
} __attribute__((preserve_access_index));

struct unix_sock {
	struct unix_address___bound *addr;
	struct path path;
	struct sock *peer;
} __attribute__((preserve_access_index));

static __always_inline long read_address(void *to, uint32_t bytes, const struct unix_address *address, uint32_t offset)
{
	const void *from = (const void *)(address->at + offset);

	return address->copied ? bpf_probe_read_kernel(to, bytes, from) : bpf_probe_read_user(to, bytes, from);
}

/* Reads an address' path into scratch.user, an abstract name with '@' in front. False: not of AF_UNIX, or unnamed. */
static __noinline bool read_unix_address(struct scratch *s, struct unix_address *address)
{
	uint32_t len = address->len;
	uint16_t family = 0;

	if (len <= sizeof(family) || len > sizeof(family) + UNIX_PATH_BYTES)
		return false;
	if (read_address(&family, sizeof(family), address, 0) || family != LINUX_AF_UNIX)
		return false;
	len -= sizeof(family);
	__builtin_memset(s->user, 0, NAME_BYTES);
	asm volatile("" : "+r"(len));
	len &= 127;
	if (read_address(s->user, len, address, sizeof(family)))
		return false;
	if (!s->user[0])
		s->user[0] = '@';
	return true;
}

/* A name that is no file. */
static __noinline uint32_t put_abstract(struct scratch *s, bool with_name)
{
	uint32_t off;
	struct es_file_part *part = file_part(s, &off);

	if (!part)
		return 0;
	part->flags = ES_FILE_NO_STAT;
	if (with_name)
		put_string(s, &part->path, s->user, NAME_BYTES);
	s->on_scoped_mount = 1;
	return off;
}

/* Finds the file at a socket's path (in scratch.user). */
static __always_inline void walk_unix_path(struct scratch *s, uint32_t flags)
{
	struct path base = {};

	s->place.status = PLACE_NONE;
	if (s->user[0] != '@' && base_of(&base, AT_FDCWD))
		walk_user(s, &s->place, &base, flags);
}

/*
 * After walk_unix_path(). A path that the kernel has not looked up yet may be missing in its cache: then the record
 * has the text as it was passed.
 */
static __noinline int put_bound(struct scratch *s, struct unix_address *address)
{
	struct es_record *head = head_of(s);
	struct path base = {};

	if (s->user[0] == '@') {
		head->file[0] = put_abstract(s, false);
		put_string(s, &head->str[0], s->user, NAME_BYTES);
		return 0;
	}
	if (s->place.status == PLACE_FOUND) {
		put_dir_and_name(s, &head->file[0], &head->str[0], &s->place);
		head->num[0] = s->place.dentry ? s->place.stat.mode & 07777 : 0;
	} else if (base_of(&base, AT_FDCWD) && read_unix_address(s, address)) {
		head->file[0] = put_path(s, &base);
		put_string(s, &head->str[0], s->user, NAME_BYTES);
		__sync_fetch_and_add(&stats.unresolved, 1);
	}
	return 0;
}

static __noinline int put_connected(struct scratch *s, struct unix_address *address, struct socket *socket)
{
	struct sock *sk = READ_CORE(socket, sk);
	struct path base = {};

	if (s->user[0] == '@') {
		head_of(s)->file[0] = put_abstract(s, true);
	} else if (s->place.status == PLACE_FOUND) {
		head_of(s)->file[0] = put_place(s, &s->place);
	} else if (base_of(&base, AT_FDCWD) && read_unix_address(s, address)) {
		head_of(s)->file[0] = put_lexical(s, &base);
	}
	head_of(s)->num[0] = LINUX_AF_UNIX;
	head_of(s)->num[1] = READ_CORE(socket, type);
	head_of(s)->num[2] = READ_CORE(sk, sk_protocol);
	return 0;
}

/* Reads a socket's abstract name into scratch.user. False: it has none. */
static __always_inline bool read_abstract(struct scratch *s, uint64_t sk)
{
	struct unix_sock *u = (void *)sk;
	uint64_t bound = READ_SCALAR(u, addr);
	struct unix_address address = {
		.at = bound + bpf_core_field_offset(struct unix_address___bound, name),
		.copied = true,
	};

	if (!bound)
		return false;
	address.len = READ_FAST((struct unix_address___bound *)bound, len);
	return read_unix_address(s, &address);
}

/* Puts the socket that is connected or sent to, by its file or name. False: it has neither. */
__noinline int put_socket(struct scratch *s, uint64_t sk, uint64_t other)
{
	struct path path = path_at(other + bpf_core_field_offset(struct unix_sock, path));
	struct sock *from = (void *)sk;

	if (!s)
		return 0;
	if (path.dentry)
		head_of(s)->file[0] = put_path(s, &path);
	else if (read_abstract(s, other))
		head_of(s)->file[0] = put_abstract(s, true);
	head_of(s)->num[0] = LINUX_AF_UNIX;
	head_of(s)->num[1] = READ_FAST(from, sk_type);
	head_of(s)->num[2] = READ_FAST(from, sk_protocol);
	return head_of(s)->file[0];
}
