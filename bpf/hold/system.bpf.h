/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (A1) AUTH events of mounts, sockets with a path, the clock and modules:
 *
 *	sb_mount		AUTH_MOUNT, AUTH_REMOUNT
 *	move_mount		AUTH_MOUNT, where mount(2) isn't used
 *	sb_remount		AUTH_REMOUNT, likewise
 *	sb_kern_mount		AUTH_MOUNT, of what fsconfig(2) makes
 *	socket_bind		AUTH_UIPC_BIND
 *	socket_connect, unix_stream_connect, unix_may_send	AUTH_UIPC_CONNECT
 *	settime			AUTH_SETTIME
 *	kernel_read_file, kernel_post_load_data	AUTH_KEXTLOAD
 */

#include "bpf/hold/hook.bpf.h"
#include "bpf/record/mount.bpf.h"
#include "bpf/record/socket.bpf.h"

/* ---- mounts ---- */

static __noinline int put_sb_mount(struct scratch *s, const char *device, const struct path *path, const char *type,
				   unsigned long flags)
{
	struct path at_ = { .mnt = READ_CORE(path, mnt), .dentry = READ_CORE(path, dentry) };

	put_mounted_on(s, put_path(s, &at_));
	put_string(s, &head_of(s)->str[0], type, NAME_BYTES);
	put_string(s, &head_of(s)->str[2], device, NAME_BYTES);
	head_of(s)->num[0] = flags;
	head_of(s)->num[4] = disposition_of(0, flags);
	return 0;
}

/* A number that changes with the texts of device and type, and with the file that the device's path leads to now. */
static __noinline uint64_t mount_facts(uint64_t device, uint64_t type)
{
	struct path base = {};
	struct scratch *s = scratch_take();
	uint64_t facts = 0;
	long n;

	if (!s)
		return 0;
	rcu_begin(true);
	n = bpf_probe_read_kernel_str(s->name, NAME_BYTES, (void *)type);
	if (n > 0)
		facts = digest_of(scalar_of(s->name), n);
	n = bpf_probe_read_kernel_str(s->user, USER_BYTES, (void *)device);
	if (n > 0) {
		facts = mix(facts, digest_of(scalar_of(s->user), n));
		s->place.status = PLACE_NONE;
		if (base_of(&base, AT_FDCWD))
			walk_user(s, &s->place, &base, WALK_FOLLOW);
		if (s->place.status == PLACE_FOUND)
			facts = mix(facts, inode_key(s->place.dentry));
	}
	rcu_end(true);
	scratch_give(s);
	return facts;
}

/* These flags change propagation only if the call neither remounts nor binds. */
static __always_inline bool is_propagation(unsigned long flags)
{
	return flags & LINUX_MS_PROPAGATION && !(flags & (LINUX_MS_REMOUNT | LINUX_MS_BIND));
}

static __always_inline int on_sb_mount(const char *device, const struct path *path, const char *type,
				       unsigned long flags, int ret)
{
	bool remount = flags & LINUX_MS_REMOUNT;
	struct question q = {};

	if (ret || is_propagation(flags))
		return ret;
	if (!question_open_cached(&q, remount ? EV_AUTH_REMOUNT : EV_AUTH_MOUNT,
				  remount ? EV_NOTIFY_REMOUNT : EV_NOTIFY_MOUNT, inode_key(READ_CORE(path, dentry)),
				  flags, mount_facts(scalar_of(device), scalar_of(type)),
				  if (!remount) about_path(&q, path, ANSWER_RESULT)))
		return 0;
	ret = question_ask(&q, WAIT_GATE, put_sb_mount(s, device, path, type, flags));
	return question_same(&q, ret, ret || mount_facts(scalar_of(device), scalar_of(type)) == q.key[2]);
}

LSM_HOOK(sb_mount, on_sb_mount(device, path, type, flags, ret), const char *device, const struct path *path,
	 const char *type, unsigned long flags, void *data, int ret)

static __always_inline void put_moved(struct scratch *s, const struct path *from, const struct path *to)
{
	struct path at_ = { .mnt = READ_CORE(to, mnt), .dentry = READ_CORE(to, dentry) };

	put_mounted_on(s, put_path(s, &at_));
	put_mount(s, mount_of(READ_CORE(from, mnt)), 0);
}

/* move_mount(2): of a mount that fsmount(2) or open_tree(2) returned, or from one place to another. */
SEC("lsm/move_mount")
int BPF_PROG(plain_move_mount, const struct path *from, const struct path *to, int ret)
{
	struct question q = {};

	if (ret || current_syscall().kind != ES_KIND_MOUNT || current_syscall().variant != ES_VARIANT_AT)
		return ret;
	if (!question_open_cached(&q, EV_AUTH_MOUNT, EV_NOTIFY_MOUNT, inode_key(READ_CORE(to, dentry)),
				  (uint64_t)READ_CORE(from, mnt), 0, about_path(&q, to, ANSWER_RESULT)))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_moved(s, from, to));
}

static __always_inline void put_reconfigured(struct scratch *s, struct super_block *sb)
{
	struct path path = { .mnt = (void *)mount_of_super_block(scalar_of(sb)) };

	path.dentry = READ_CORE(path.mnt, mnt_root);
	put_mounted_on(s, put_path(s, &path));
	put_mount(s, mount_of(path.mnt), LINUX_MS_REMOUNT);
}

/*
 * fsconfig(2) can't start over, since an error spoils its context. It waits in one piece, and only where a hook may
 * sleep. mount(2) was asked about before it came here.
 */
SEC("lsm.s/sb_remount")
int BPF_PROG(hook_sb_remount, struct super_block *sb, void *options, int ret)
{
	struct question q = {};

	if (ret || (current_syscall().kind == ES_KIND_MOUNT && current_syscall().variant == ES_VARIANT_PLAIN))
		return ret;
	if (!question_open(&q, EV_AUTH_REMOUNT, EV_NOTIFY_REMOUNT, (uint64_t)sb, 0, 0))
		return 0;
	return question_ask(&q, WAIT_WHOLE, put_reconfigured(s, sb));
}

/* It is mounted nowhere yet. */
static __always_inline void put_made(struct scratch *s, struct super_block *sb)
{
	struct es_record *head = head_of(s);

	put_string(s, &head->str[0], READ_CORE(sb, s_type, name), NAME_BYTES);
	head->num[1] = READ_CORE(sb, s_magic);
	head->num[2] = READ_CORE(sb, s_dev);
	head->num[3] = READ_CORE(sb, s_blocksize);
	head->num[4] = disposition_of(READ_CORE(sb, s_dev), 0);
}

/*
 * fsconfig(2) makes a file system that programs can use without attaching it anywhere. move_mount(2), which attaches
 * it, asks by itself. mount(2), which also comes by here, was asked about before.
 */
SEC("lsm.s/sb_kern_mount")
int BPF_PROG(hook_sb_kern_mount, struct super_block *sb, int ret)
{
	enum { NR_FSCONFIG = 431 };	/* by either table */
	struct question q = {};

	if (ret || current_syscall_number() != NR_FSCONFIG)
		return ret;
	if (!question_open(&q, EV_AUTH_MOUNT, EV_NOTIFY_MOUNT, (uint64_t)sb, 0, 0))
		return 0;
	return question_ask(&q, WAIT_WHOLE, put_made(s, sb));
}

/* ---- sockets ---- */

/* The file that the name in scratch.user leads to, if the kernel knows it already. */
static __always_inline uint64_t socket_file(struct scratch *s)
{
	walk_unix_path(s, WALK_FOLLOW);
	return s->place.status == PLACE_FOUND ? inode_key(s->place.dentry) : 0;
}

static __always_inline void put_address(struct question *q, struct scratch *s, struct unix_address *address,
					struct socket *connected)
{
	if (!read_unix_address(s, address))
		return;
	if (connected) {
		cached_answer_checked(q, socket_file(s));
		put_connected(s, address, connected);
	} else {
		walk_unix_path(s, 0);
		put_bound(s, address);
	}
}

/* The hook gets a name only: an answer is about the file that it leads to now. */
static __noinline int about_address(struct question *q, struct unix_address *address)
{
	struct vfsmount *mnt;
	struct scratch *s = scratch_take();
	uint64_t inode;

	rcu_begin(true);
	if (s && read_unix_address(s, address)) {
		inode = socket_file(s);
		mnt = (void *)((char *)s->place.dentry_mount + bpf_core_field_offset(struct mount, mnt));
		if (inode)
			about_inode(q, inode, (uint64_t)s->place.dentry, mnt, ANSWER_RESULT);
	}
	rcu_end(true);
	scratch_give(s);
	return 0;
}

/* The inode that the name leads to now, or CONNECTED_ABSTRACT; 0: the program can't follow it. */
static __noinline uint64_t address_leads(struct unix_address *address)
{
	struct scratch *s = scratch_take();
	uint64_t inode = 0;

	rcu_begin(true);
	if (s && read_unix_address(s, address))
		inode = s->user[0] == '@' ? CONNECTED_ABSTRACT : socket_file(s);
	rcu_end(true);
	scratch_give(s);
	return inode;
}

static __always_inline bool is_named(const struct unix_address *address)
{
	return address->family == LINUX_AF_UNIX && address->len > sizeof(address->family) &&
	       address->len <= sizeof(address->family) + UNIX_PATH_BYTES;
}

/* An address without a name isn't asked about: the kernel makes one up. */
static __always_inline int on_socket_bind(struct socket *socket, void *sockaddr, int len, int ret)
{
	struct unix_address address = { .at = scalar_of(sockaddr), .len = len, .copied = true };
	struct syscall_state *state = syscall_state_of_current(true);
	struct question q = {};

	bpf_probe_read_kernel(&address.family, sizeof(address.family), sockaddr);
	if (ret || !is_named(&address))
		return ret;
	if (!state)
		return hook_result(question_lost(slots_to_ask(EV_AUTH_UIPC_BIND)));
	if (!question_open(&q, EV_AUTH_UIPC_BIND, EV_NOTIFY_UIPC_BIND, (uint64_t)READ_CORE(socket, sk),
			   text_take(state, address.at, len), 0))
		return 0;
	return question_ask(&q, WAIT_GATE, put_address(&q, s, &address, NULL));
}

LSM_HOOK(socket_bind, on_socket_bind(socket, address, len, ret), struct socket *socket, void *address, int len,
	 int ret)

/*
 * Here a task can wait at the gate, but knows only a name, which may lead elsewhere when the kernel follows it. A
 * name that the program can't follow isn't asked about yet. ask_connected() compares the inode with the socket that
 * the kernel finds. The inode is part of the question's key: a link may change while the call starts over.
 */
static __always_inline int ask_connecting(struct syscall_state *state, struct socket *socket, uint64_t name)
{
	struct unix_address *address = &state->address;
	struct question q = {};

	if (!question_open_cached(&q, EV_AUTH_UIPC_CONNECT, EV_NOTIFY_UIPC_CONNECT, (uint64_t)READ_CORE(socket, sk), name,
				  state->connected, about_address(&q, address)))
		return 0;
	return question_ask(&q, WAIT_GATE, put_address(&q, s, address, socket));
}

/* Is the open question about a socket that the kernel had found before the call started over? */
static __always_inline bool connected_pending(struct socket *socket, uint64_t name)
{
	struct pending *pending;

	if (!may_be_asking())
		return false;
	pending = bpf_task_storage_get(&pendings, bpf_get_current_task_btf(), NULL, 0);
	return pending && pending->type_and_one == EV_AUTH_UIPC_CONNECT + 1 &&
	       pending->key[0] == (uint64_t)READ_CORE(socket, sk) && pending->key[1] != name;
}

static __always_inline int on_socket_connect(struct socket *socket, void *sockaddr, int len, int ret)
{
	struct syscall_state *state = syscall_state_of_current(true);
	uint64_t name;

	if (ret || !control.subscribers[EV_AUTH_UIPC_CONNECT])
		return ret;
	if (!state)		/* ask_connected() asks once the kernel has found the socket */
		return 0;
	state->connected = 0;
	state->address.at = scalar_of(sockaddr);
	state->address.len = len;
	state->address.copied = true;
	bpf_probe_read_kernel(&state->address.family, sizeof(state->address.family), sockaddr);
	if (!is_named(&state->address))
		return 0;
	name = text_take(state, state->address.at, state->address.len);
	if (connected_pending(socket, name))
		return 0;
	state->connected = address_leads(&state->address);
	return state->connected ? ask_connecting(state, socket, name) : 0;
}

LSM_HOOK(socket_connect, on_socket_connect(socket, address, len, ret), struct socket *socket, void *address, int len,
	 int ret)

/* The kernel has found the socket, and holds its lock. Asks unless this socket was asked about by name. */
static __always_inline int ask_connected(uint64_t sk, uint64_t other, bool by_name)
{
	struct path path = path_at(other + bpf_core_field_offset(struct unix_sock, path));
	struct syscall_state *state = syscall_state_of_current(false);
	uint64_t inode = CONNECTED_ABSTRACT;
	struct question q = {};

	if (path.dentry)
		inode = READ_SCALAR(path.dentry, d_inode);
	if (state && by_name && state->connected == inode)
		return 0;
	if (!question_open_cached(&q, EV_AUTH_UIPC_CONNECT, EV_NOTIFY_UIPC_CONNECT, sk, other, inode,
				if (path.dentry) about_inode(&q, inode, (uint64_t)path.dentry, path.mnt, ANSWER_RESULT)))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_socket(s, sk, other));
}

SEC("lsm/unix_stream_connect")
int BPF_PROG(plain_unix_stream_connect, struct sock *sk, struct sock *other, struct sock *made, int ret)
{
	if (ret || !control.subscribers[EV_AUTH_UIPC_CONNECT])
		return ret;
	return ask_connected(scalar_of(sk), scalar_of(other), true);
}

/* connect(2) of a datagram socket, or a datagram sent by name. What goes to the peer was asked about at connect(2). */
SEC("lsm/unix_may_send")
int BPF_PROG(plain_unix_may_send, struct socket *from, struct socket *to, int ret)
{
	uint64_t sk = READ_SCALAR(from, sk), other = READ_SCALAR(to, sk);

	if (ret || !control.subscribers[EV_AUTH_UIPC_CONNECT] || READ_SCALAR((struct unix_sock *)sk, peer) == other)
		return ret;
	return ask_connected(sk, other, current_syscall().kind == ES_KIND_CONNECT);
}

/* ---- clock ---- */

static __always_inline int on_settime(int ret)
{
	struct question q = {};

	if (ret || !question_open(&q, EV_AUTH_SETTIME, EV_NOTIFY_SETTIME, 0, 0, 0))
		return ret;
	return question_ask(&q, WAIT_GATE, (void)0);
}

LSM_HOOK(settime, on_settime(ret), const void *time, const void *zone, int ret)

/* ---- modules ---- */

enum kernel_read_file_id___modules {
	READING_MODULE = 2,
};

enum kernel_load_data_id___modules {
	LOADING_MODULE = 2,
};

/* A module has its file's name without ".ko" and what follows that, and with '_' for '-'. */
static __noinline int put_module_name(struct scratch *s, struct file *file)
{
	uint32_t i;

	__builtin_memset(s->name, 0, sizeof(s->name));
	bpf_probe_read_kernel_str(s->name, NAME_BYTES, READ_CORE(file, f_path.dentry, d_name.name));
	for (i = 0; i < NAME_BYTES; i++) {
		if (s->name[i] == '.' && s->name[i + 1] == 'k' && s->name[i + 2] == 'o')
			s->name[i] = 0;
		else if (s->name[i] == '-')
			s->name[i] = '_';
	}
	put_string(s, &head_of(s)->str[0], s->name, NAME_BYTES);
	return 0;
}

/* The kernel reads the file after the answer: question_same() checks that it is still the file that was asked about. */
static __always_inline int on_kernel_read_file(struct file *file, uint32_t id, int ret)
{
	uint64_t inode = (uint64_t)READ_CORE(file, f_inode);
	struct question q = {};

	if (ret || id != bpf_core_enum_value(enum kernel_read_file_id___modules, READING_MODULE))
		return ret;
	if (!question_open(&q, EV_AUTH_KEXTLOAD, EV_NOTIFY_KEXTLOAD, inode, 0, file_facts(inode)))
		return 0;
	ret = question_ask(&q, WAIT_GATE, put_module_name(s, file));
	return question_same(&q, ret, file_facts(inode) == q.key[2]);
}

LSM_HOOK(kernel_read_file, on_kernel_read_file(file, id, ret), struct file *file, uint32_t id, bool contents, int ret)

/* init_module(image, length, parameters): the name is in the image, in the section that becomes struct module. */
struct image {
	uint64_t at;
	uint64_t section;		/* header of the next section */
	uint64_t names;			/* of sections */
	uint64_t module;		/* where struct module is, 0: not found yet */
	uint32_t sections;
	uint32_t header_bytes;
};

static __always_inline bool is_module_section(uint64_t name)
{
	const char wanted[] = ".gnu.linkonce.this_module";
	char text[sizeof(wanted)] = {};
	uint32_t i;

	if (bpf_probe_read_kernel(text, sizeof(text), (void *)name))
		return false;
	for (i = 0; i < sizeof(wanted); i++) {
		if (text[i] != wanted[i])
			return false;
	}
	return true;
}

static long image_step(uint32_t index, struct image *image)
{
	enum { NAME_AT = 0, OFFSET_AT = 0x18 };
	uint64_t header = image->section, offset = 0;
	uint32_t name = 0;

	if (index >= image->sections)
		return 1;
	image->section += image->header_bytes;
	if (bpf_probe_read_kernel(&name, sizeof(name), (void *)(header + NAME_AT)) ||
	    !is_module_section(image->names + name))
		return 0;
	if (!bpf_probe_read_kernel(&offset, sizeof(offset), (void *)(header + OFFSET_AT)))
		image->module = image->at + offset;
	return 1;
}

static __noinline int put_image_name(struct scratch *s, uint64_t at)
{
	enum { SECTIONS_AT = 0x28, HEADER_BYTES_AT = 0x3a, SECTIONS_MAX = 4096, MODULE_NAME_BYTES = 56 };
	struct image image = { .module = unknown(0), .at = at };
	uint64_t sections = 0, names = 0;
	uint16_t numbers[3] = {};	/* bytes of a section's header, sections, the one that has names */

	bpf_probe_read_kernel(&sections, sizeof(sections), (void *)(image.at + SECTIONS_AT));
	bpf_probe_read_kernel(numbers, sizeof(numbers), (void *)(image.at + HEADER_BYTES_AT));
	image.section = image.at + sections;
	image.header_bytes = numbers[0];
	image.sections = numbers[1];
	bpf_probe_read_kernel(&names, sizeof(names),
			    (void *)(image.section + (uint64_t)numbers[2] * numbers[0] + 0x18));
	image.names = image.at + names;
	bpf_loop(SECTIONS_MAX, image_step, &image, 0);
	s->name[0] = 0;
	if (image.module)
		bpf_probe_read_kernel_str(s->name, MODULE_NAME_BYTES,
					(void *)(image.module + bpf_core_field_offset(struct module, name)));
	put_string(s, &head_of(s)->str[0], s->name, NAME_BYTES);
	return 0;
}

/*
 * The kernel has copied the image, but not used it yet. A call that starts over copies it again, and it may have
 * changed: so its digest is part of the question's key.
 */
SEC("lsm/kernel_post_load_data")
int BPF_PROG(plain_kernel_post_load_data, char *image, int64_t bytes, uint32_t id, char *description, int ret)
{
	struct question q = {};

	if (ret || id != bpf_core_enum_value(enum kernel_load_data_id___modules, LOADING_MODULE))
		return ret;
	if (!question_open(&q, EV_AUTH_KEXTLOAD, EV_NOTIFY_KEXTLOAD, LOADING_MODULE, bytes,
			   digest_of(scalar_of(image), bytes)))
		return 0;
	return question_ask(&q, WAIT_RESTART, put_image_name(s, scalar_of(image)));
}
