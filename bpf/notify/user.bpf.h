/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * (N1) Events that programs report about users. PAM, sshd, login and sudo send messages to the kernel's auditing.
 * That need not be on, since the programs here see a message in its sender's context, before the kernel drops it:
 *
 *	message			sent by			becomes
 *	USER_AUTH		any			AUTHENTICATION
 *	USER_AUTH, failed	su			SU
 *	USER_ACCT, failed	su			SU
 *	USER_START		su			SU
 *	USER_START		sshd			OPENSSH_LOGIN; AUTHENTICATION, if PAM did none
 *	USER_END		sshd, login		OPENSSH_LOGOUT, LOGIN_LOGOUT
 *	USER_LOGIN, failed	sshd			OPENSSH_LOGIN, if nothing better comes before it ends
 *	USER_LOGIN		login			LOGIN_LOGIN
 *	USER_CMD		sudo			SUDO; a success when the next message names the user, or at exit
 *
 * A record has the text as it is: the library parses it (lib/user.c). The programs here only read the result, which
 * ends it, and the account. The sender is the current task, whatever the text says. Messages that the kernel would
 * refuse are ignored.
 *
 *	see_netlink_send, lsm_see_netlink_send	where programs can attach to the kernel's functions
 *	exit_send				elsewhere: sendto(2), by its arguments in the program's memory
 *	user_exit				a process ends with a message that waits for another
 *
 * These programs may be preempted, so they make records in areas of the pool.
 */

#include "bpf/base/syscall-args.bpf.h"
#include "bpf/notify/object.bpf.h"
#include "bpf/record/exec.bpf.h"
#include "bpf/select/event.bpf.h"

enum user_message_number {
	AUDIT_USER_AUTH = 1100,
	AUDIT_USER_ACCT = 1101,
	AUDIT_CRED_ACQ = 1103,
	AUDIT_USER_START = 1105,
	AUDIT_USER_END = 1106,
	AUDIT_CRED_REFR = 1110,
	AUDIT_USER_LOGIN = 1112,
	AUDIT_USER_CMD = 1123,
};

enum {
	NETLINK_AUDIT = 9,
	LINUX_AF_NETLINK = 16,
	LINUX_CAP_AUDIT_WRITE = 29,
	NLMSG_NOOP = 1,			/* the daemon sends this to see whether the programs are called */
	AUDIT_TEXT_MAX = 8560,		/* the kernel accepts no longer message */
	ACCT_BYTES = 7,			/* of the text before an account: space, acct=, a quote */
	HELD_TEXT_BYTES = 2048,		/* kept of a message until another follows */
};

/* The senders that are treated differently. */
enum user_teller {
	TELLER_OTHER,
	TELLER_SSHD,
	TELLER_LOGIN,
	TELLER_SU,
	TELLER_SUDO,
};

struct nlmsghdr {
	uint32_t nlmsg_len;
	uint16_t nlmsg_type;
	uint16_t nlmsg_flags;
	uint32_t nlmsg_seq;
	uint32_t nlmsg_pid;
};

struct kernel_cap {
	uint32_t cap[2];
} __attribute__((preserve_access_index));

/* The capabilities are of one width on all kernels, whatever their type is made of. */
struct cred___caps {
	struct kernel_cap cap_effective;
	struct user_namespace *user_ns;
} __attribute__((preserve_access_index));

struct file___cred {
	const struct cred___caps *f_cred;
} __attribute__((preserve_access_index));

struct socket___file {
	struct file___cred *file;
} __attribute__((preserve_access_index));

struct sock_common {
	uint16_t skc_family;
} __attribute__((preserve_access_index));

struct sock___owned {
	struct sock_common __sk_common;
	uint16_t sk_protocol;
	struct socket___file *sk_socket;
} __attribute__((preserve_access_index));

struct sk_buff {
	unsigned int len;
	unsigned char *data;
} __attribute__((preserve_access_index));

/* One message. */
struct user_message {
	uint64_t text;			/* in the kernel's memory, or the program's */
	uint32_t len;
	uint32_t number;
	uint32_t flags;			/* ES_USER_* */
	bool good;
	bool copied;			/* the text is in the kernel's memory */
	bool by_object;			/* seen by the programs at the kernel's functions */
	uint32_t tell[2];		/* types of the events that it becomes, 0: none */
};

enum {
	USER_AUTH_GOOD = 1 << 0,	/* PAM has let the user in */
	USER_AUTH_BAD = 1 << 1,		/* PAM has refused the user */
	USER_LOGGED_IN = 1 << 2,	/* the login was reported */
};

/* What a process has reported so far; kept with its thread. */
struct user_state {
	uint32_t pidversion;		/* of the execution that reported it */
	uint32_t said;			/* USER_* */
	uint32_t held;			/* type of the event that is held back; 0: none is */
	uint32_t number;		/* and of its message */
	uint32_t flags;
	uint32_t len;
	char text[HELD_TEXT_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct user_state);
} user_states SEC(".maps");

/* The accounts of /etc/passwd. The daemon puts them in (daemon/sensor/accounts.h). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ES_ACCOUNTS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct es_account_name);
	__type(value, struct es_account);
} accounts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ES_ACCOUNTS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, uint32_t);
	__type(value, struct es_account_name);
} account_names SEC(".maps");

/* ---- the sender ---- */

static __always_inline bool can_write_audit(const struct cred___caps *cred)
{
	uint32_t low = 0;

	bpf_probe_read_kernel(&low, sizeof(low),
			      (const char *)cred + bpf_core_field_offset(struct cred___caps, cap_effective));
	return low >> LINUX_CAP_AUDIT_WRITE & 1 && READ_CORE(cred, user_ns, level) == 0;
}

/* May the sender write audit messages? Like the kernel, checks the task and the opener of the socket. */
static __always_inline bool may_tell(struct sock___owned *sk)
{
	struct task_struct *task = bpf_get_current_task_btf();

	return can_write_audit((struct cred___caps *)READ_CORE(task, cred)) &&
	       can_write_audit(READ_CORE(sk, sk_socket, file, f_cred));
}

static __always_inline bool is_audit_socket(struct sock___owned *sk)
{
	return READ_CORE(sk, sk_protocol) == NETLINK_AUDIT && READ_CORE(sk, __sk_common.skc_family) == LINUX_AF_NETLINK;
}

enum { EXE_NAME_BYTES = 16 };

#define IS_NAME(name, text) (!__builtin_memcmp(name, text "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", EXE_NAME_BYTES))

static __always_inline void read_name(char name[EXE_NAME_BYTES], struct dentry *dentry)
{
	__builtin_memset(name, 0, EXE_NAME_BYTES);
	if (bpf_probe_read_kernel_str(name, EXE_NAME_BYTES, READ_CORE(dentry, d_name.name)) < 0)
		name[0] = 0;
}

/* Recognizes the sender by the name of its program's file and directory, in any container. */
__noinline uint32_t user_teller(void)
{
	struct dentry *dentry = READ_CORE(bpf_get_current_task_btf(), mm, exe_file, f_path.dentry);
	char name[EXE_NAME_BYTES], folder[EXE_NAME_BYTES];

	if (!dentry)
		return TELLER_OTHER;
	read_name(name, dentry);
	read_name(folder, READ_CORE(dentry, d_parent));
	if (IS_NAME(folder, "openssh") && IS_NAME(name, "sshd-session"))
		return TELLER_SSHD;
	if ((IS_NAME(folder, "sbin") || IS_NAME(folder, "bin")) && IS_NAME(name, "sshd"))
		return TELLER_SSHD;
	if (!IS_NAME(folder, "bin"))
		return TELLER_OTHER;
	if (IS_NAME(name, "login"))
		return TELLER_LOGIN;
	if (IS_NAME(name, "su"))
		return TELLER_SU;
	return IS_NAME(name, "sudo") ? TELLER_SUDO : TELLER_OTHER;
}

/* ---- the sender's earlier messages ---- */

static __always_inline uint32_t pidversion_of_current(void)
{
	struct process *p = process_of(bpf_get_current_task_btf());

	return p ? p->pidversion : 0;
}

static __always_inline struct user_state *user_state_found(void)
{
	struct user_state *state = bpf_task_storage_get(&user_states, bpf_get_current_task_btf(), NULL, 0);

	return state && state->pidversion == pidversion_of_current() ? state : NULL;
}

static __always_inline struct user_state *user_state_made(void)
{
	struct user_state *state = bpf_task_storage_get(&user_states, bpf_get_current_task_btf(), NULL,
							BPF_LOCAL_STORAGE_GET_F_CREATE);
	uint32_t pidversion = pidversion_of_current();

	if (state && state->pidversion != pidversion) {
		state->pidversion = pidversion;
		state->said = state->held = 0;
	}
	return state;
}

/* ---- accounts ---- */

/* The daemon's root directory, as fill_tasks finds it: the map's accounts are those of processes with this root. */
uint64_t accounts_root;

static __always_inline bool knows_accounts(void)
{
	return (uint64_t)READ_CORE(bpf_get_current_task_btf(), fs, root.dentry) == accounts_root;
}

struct acct_search {
	struct scratch *s;
	uint32_t off;			/* where the search begins in the record */
	uint32_t found;			/* where it was found; 0: nowhere */
};

static long acct_step(uint32_t index, struct acct_search *search)
{
	const uint64_t key = 0x223d74636361 << 8 | ' ';		/* " acct=\"" */
	uint64_t word = 0;

	bpf_probe_read_kernel(&word, ACCT_BYTES, at(search->s, search->off + index));
	if (word != key)
		return 0;
	search->found = search->off + index;
	return 1;
}

static long quote_step(uint32_t index, struct acct_search *search)
{
	char byte = 0;

	bpf_probe_read_kernel(&byte, 1, at(search->s, search->off + index));
	if (byte != '"')
		return 0;
	search->found = search->off + index;
	return 1;
}

/* Finds the account's name in a text of the record; false: it has none, or one that is too long for the list. */
static __always_inline bool acct_find(struct scratch *s, uint32_t off, uint32_t len, struct es_span *name)
{
	struct acct_search search = { .s = s, .off = off, .found = unknown(0) };

	if (len <= ACCT_BYTES || len > AUDIT_TEXT_MAX)
		return false;
	bpf_loop(len - ACCT_BYTES, acct_step, &search, 0);
	if (!search.found)
		return false;
	name->off = search.off = search.found + ACCT_BYTES;
	search.found = unknown(0);
	bpf_loop(ES_ACCOUNT_NAME_BYTES, quote_step, &search, 0);
	name->len = search.found - name->off;
	return search.found && name->len < ES_ACCOUNT_NAME_BYTES;
}

/* Adds the uid of the account in a text, and the shell that su starts for it. */
__noinline int put_account(struct scratch *s, uint32_t off, uint32_t len, uint32_t with_shell)
{
	struct es_account_name name = {};
	struct es_account *account;
	struct es_span span = {};

	if (!s || !knows_accounts() || !acct_find(s, off, len, &span))
		return 0;
	bpf_probe_read_kernel(name.name, span.len & (ES_ACCOUNT_NAME_BYTES - 1), at(s, span.off));
	account = bpf_map_lookup_elem(&accounts, &name);
	if (!account)
		return 0;
	head_of(s)->num[ES_USER_UID] = account->uid;
	if (with_shell)
		put_string(s, &head_of(s)->str[2], account->shell, sizeof(account->shell));
	return 0;
}

static __always_inline void put_name_of(struct scratch *s, uint32_t uid)
{
	struct es_account_name *name = knows_accounts() ? bpf_map_lookup_elem(&account_names, &uid) : NULL;

	if (name)
		put_string(s, &head_of(s)->str[1], name->name, sizeof(name->name));
}

/* Adds the user who started the program: sudo soon changes its own ids. */
__noinline int put_from(struct scratch *s)
{
	struct process *p = process_of(bpf_get_current_task_btf());

	if (!s || !p)
		return 0;
	head_of(s)->num[ES_USER_FROM_UID] = p->started_by;
	put_name_of(s, p->started_by);
	return 0;
}

/* Adds the account of a text that has its number in place of its name, as util-linux' login says it. */
__noinline int put_numbered_account(struct scratch *s, uint32_t off)
{
	enum { BEFORE = 12, DIGITS = 10 };	/* "op=login id=" */
	char text[BEFORE + DIGITS + 2] = {};
	uint64_t id = 0;
	uint32_t i;

	if (!s || bpf_probe_read_kernel(text, BEFORE + DIGITS + 1, at(s, off)) ||
	    __builtin_memcmp(text, "op=login id=", BEFORE))
		return 0;
	for (i = 0; i < DIGITS && text[BEFORE + i] >= '0' && text[BEFORE + i] <= '9'; i++)
		id = id * 10 + (text[BEFORE + i] - '0');
	if (!i || text[BEFORE + i] != ' ' || id >= (uint32_t)-1)
		return 0;
	head_of(s)->num[ES_USER_UID] = id;
	put_name_of(s, id);
	return 0;
}

/* ---- sending the events ---- */

/* Either the programs at system calls report a type, or those at the kernel's functions (`by_object`). */
static __always_inline uint64_t user_clients(uint32_t type, bool by_object)
{
	if (type >= ES_EVENT_TYPES || !control.by_object[type] == by_object)
		return 0;
	return select_clients(type);
}

/* Puts the message's text as str[number]. */
__noinline int put_text(struct scratch *s, struct user_message *m, uint32_t number)
{
	uint32_t off, len;
	uint8_t *to;

	if (!s || !m || number >= ES_RECORD_STRINGS)
		return 0;
	off = s->used;
	len = m->len;
	to = at(s, off);
	asm volatile("" : "+r"(len));
	if (len > AUDIT_TEXT_MAX)
		len = AUDIT_TEXT_MAX;
	if (off >= RECORD_BYTES - RECORD_SLACK / 2)
		return 0;
	if (m->copied ? bpf_probe_read_kernel(to, len, (void *)m->text) : bpf_probe_read_user(to, len, (void *)m->text))
		return 0;
	to[len] = 0;
	head_of(s)->str[number].off = off;
	head_of(s)->str[number].len = len;
	s->used = off + len + 1;
	return 0;
}

/* Sends a record with arguments and environment, which an SU event has. */
__noinline int send_su(struct scratch *s, uint64_t slots)
{
	if (!s)
		return 0;
	slots = event_finish(s, slots);
	if (slots)
		exec_record_send(s, bpf_get_current_task_btf(), slots);
	scratch_give(s);
	return 0;
}

/* `next`: the message that names the user of `m`; NULL: there is none, or `m` does. */
__noinline int user_tell(uint32_t type, struct user_message *m, struct user_message *next)
{
	struct es_record *head;
	struct scratch *s;
	uint64_t slots;

	if (!m)
		return 0;
	slots = user_clients(type, m->by_object);
	s = object_begin(type, slots);
	if (!s)
		return 0;
	head = head_of(s);
	head->thread_id = 0;
	put_text(s, m, 0);
	if (next)
		put_text(s, next, 2);
	head->num[ES_USER_NUMBER] = m->number;
	head->num[ES_USER_FLAGS] = m->flags;
	head->num[ES_USER_UID] = -1;
	head->num[ES_USER_FROM_UID] = -1;
	if (type == EV_NOTIFY_SU || type == EV_NOTIFY_SUDO)
		put_from(s);
	if (type == EV_NOTIFY_LOGIN_LOGIN)
		put_numbered_account(s, head->str[0].off);
	put_account(s, head->str[next ? 2 : 0].off, head->str[next ? 2 : 0].len, type == EV_NOTIFY_SU);
	if (type == EV_NOTIFY_SU)
		send_su(s, slots);
	else
		event_send(s, slots);
	return 0;
}

/* Keeps a message until another follows, or the process ends. It copies the text, which won't be there then. */
__noinline int user_hold(uint32_t type, struct user_message *m)
{
	struct user_state *state = user_state_made();
	uint32_t len;

	if (!m)
		return 0;
	if (!state)
		return record_lost(user_clients(type, m->by_object), type);
	len = m->len;
	asm volatile("" : "+r"(len));
	if (len > HELD_TEXT_BYTES)
		len = HELD_TEXT_BYTES;
	if (m->copied ? bpf_probe_read_kernel(state->text, len, (void *)m->text)
		      : bpf_probe_read_user(state->text, len, (void *)m->text))
		return 0;
	state->len = len;
	state->number = m->number;
	state->flags = m->flags;
	state->held = type;
	return 0;
}

/* Makes `held` of the message that was kept. */
static __always_inline void user_release(struct user_state *state, struct user_message *held, bool by_object)
{
	held->text = (uint64_t)state->text;
	held->len = state->len;
	held->number = state->number;
	held->flags = state->flags;
	held->copied = true;
	held->by_object = by_object;
	held->tell[0] = state->held;
	state->held = 0;
}

/* ---- which events a message becomes ---- */

static __always_inline void sshd_says(struct user_message *m)
{
	struct user_state *state = user_state_made();

	if (!state)
		return;
	switch (m->number) {
	case AUDIT_USER_AUTH:
		state->said |= m->good ? USER_AUTH_GOOD : USER_AUTH_BAD;
		break;
	case AUDIT_USER_LOGIN:
		if (m->good || state->said & USER_LOGGED_IN)
			break;
		m->flags = state->said & USER_AUTH_BAD ? ES_USER_PASSWORD : 0;
		state->said &= ~USER_AUTH_BAD;
		user_hold(EV_NOTIFY_OPENSSH_LOGIN, m);
		break;
	case AUDIT_USER_START:
		if (!m->good || state->said & USER_LOGGED_IN)
			break;
		if (!(state->said & USER_AUTH_GOOD)) {
			m->flags = ES_USER_KEY;
			m->tell[0] = EV_NOTIFY_AUTHENTICATION;
		}
		state->said |= USER_LOGGED_IN;
		state->held = 0;
		m->tell[1] = EV_NOTIFY_OPENSSH_LOGIN;
		break;
	case AUDIT_USER_END:
		m->tell[1] = EV_NOTIFY_OPENSSH_LOGOUT;
	}
}

static __always_inline void su_says(struct user_message *m)
{
	if (m->number == AUDIT_USER_START || (!m->good && (m->number == AUDIT_USER_AUTH ||
		m->number == AUDIT_USER_ACCT)))
		m->tell[1] = EV_NOTIFY_SU;
}

/* An allowed command waits for the message that names the user. */
static __always_inline void sudo_says(struct user_message *m, struct user_message *held)
{
	struct user_state *state;

	if (m->number == AUDIT_USER_CMD) {
		if (m->good)
			user_hold(EV_NOTIFY_SUDO, m);
		else
			m->tell[1] = EV_NOTIFY_SUDO;
	}
	if (m->number != AUDIT_USER_START && m->number != AUDIT_CRED_REFR && m->number != AUDIT_CRED_ACQ)
		return;
	state = user_state_found();
	if (state && state->held == EV_NOTIFY_SUDO)
		user_release(state, held, m->by_object);
}

/* Sets m->tell to the message's events; if it completes a kept message, puts that into `held`. */
static __always_inline void user_says(struct user_message *m, struct user_message *held)
{
	if (m->number == AUDIT_USER_AUTH)
		m->tell[0] = EV_NOTIFY_AUTHENTICATION;
	switch (user_teller()) {
	case TELLER_SSHD:
		sshd_says(m);
		break;
	case TELLER_LOGIN:
		if (m->number == AUDIT_USER_LOGIN)
			m->tell[1] = EV_NOTIFY_LOGIN_LOGIN;
		else if (m->number == AUDIT_USER_END)
			m->tell[1] = EV_NOTIFY_LOGIN_LOGOUT;
		break;
	case TELLER_SU:
		su_says(m);
		break;
	case TELLER_SUDO:
		sudo_says(m, held);
		break;
	}
}

static __always_inline bool is_about_users(uint32_t number)
{
	return number == AUDIT_USER_AUTH || number == AUDIT_USER_ACCT || number == AUDIT_CRED_ACQ ||
	       number == AUDIT_USER_START || number == AUDIT_USER_END || number == AUDIT_CRED_REFR ||
	       number == AUDIT_USER_LOGIN || number == AUDIT_USER_CMD;
}

static __always_inline long message_read(void *to, uint32_t bytes, uint64_t from, bool copied)
{
	return copied ? bpf_probe_read_kernel(to, bytes, (void *)from) : bpf_probe_read_user(to, bytes, (void *)from);
}

enum { RESULT_BYTES = 12 };		/* " res=success" */

/* Removes NULs at the end, and reads the result; false: the message doesn't end as libaudit's do. */
static __always_inline bool message_ends(struct user_message *m)
{
	char end[RESULT_BYTES + 4] = {};

	for (uint32_t i = 0; i < 4; i++) {
		char last = 0;

		if (m->len <= RESULT_BYTES || message_read(&last, 1, m->text + m->len - 1, m->copied))
			return false;
		if (last)
			break;
		m->len--;
	}
	if (message_read(end, RESULT_BYTES, m->text + m->len - RESULT_BYTES, m->copied))
		return false;
	m->good = !__builtin_memcmp(end, " res=success", RESULT_BYTES);
	return m->good || !__builtin_memcmp(end + 1, " res=failed", RESULT_BYTES - 1);
}

/* Decides which events a message becomes. It sends none itself: calls may be eight deep, and sending takes seven. */
__noinline int user_decide(struct user_message *m, struct user_message *held)
{
	if (!m || !held || m->len > AUDIT_TEXT_MAX || !message_ends(m))
		return 0;
	user_says(m, held);
	return 0;
}

static __always_inline void user_message(struct user_message *m)
{
	struct user_message held = {};

	user_decide(m, &held);
	if (m->tell[0])
		user_tell(m->tell[0], m, NULL);
	if (m->tell[1])
		user_tell(m->tell[1], m, NULL);
	if (held.tell[0])
		user_tell(held.tell[0], &held, m);
}

/* The text's length; 0 for a message that is longer than its packet, which the kernel ignores, too. */
static __always_inline uint32_t text_bytes(const struct nlmsghdr *head, uint64_t packet)
{
	uint32_t bytes = head->nlmsg_len;

	return bytes > sizeof(*head) && bytes <= packet ? bytes - sizeof(*head) : 0;
}

/* ---- the ways in ---- */

static __always_inline void user_probed(void)
{
	__sync_fetch_and_add(&control.probed[EV_NOTIFY_AUTHENTICATION], 1);
	__sync_fetch_and_add(&control.probed[EV_NOTIFY_OPENSSH_LOGIN], 1);
	__sync_fetch_and_add(&control.probed[EV_NOTIFY_OPENSSH_LOGOUT], 1);
	__sync_fetch_and_add(&control.probed[EV_NOTIFY_LOGIN_LOGIN], 1);
	__sync_fetch_and_add(&control.probed[EV_NOTIFY_LOGIN_LOGOUT], 1);
	__sync_fetch_and_add(&control.probed[EV_NOTIFY_SU], 1);
	__sync_fetch_and_add(&control.probed[EV_NOTIFY_SUDO], 1);
}

static __always_inline bool nobody_wants_users(void)
{
	return nobody_wants(EV_NOTIFY_AUTHENTICATION) && nobody_wants(EV_NOTIFY_OPENSSH_LOGIN) &&
	       nobody_wants(EV_NOTIFY_OPENSSH_LOGOUT) && nobody_wants(EV_NOTIFY_LOGIN_LOGIN) &&
	       nobody_wants(EV_NOTIFY_LOGIN_LOGOUT) && nobody_wants(EV_NOTIFY_SU) && nobody_wants(EV_NOTIFY_SUDO);
}

/* security_netlink_send(sk, skb) */
static __always_inline void message_seen(void *ctx)
{
	struct sock___owned *sk;
	struct user_message m = { .copied = true, .by_object = true };
	struct nlmsghdr head;
	struct sk_buff *skb;
	uint64_t data;

	if (nobody_wants_users())
		return;
	sk = (void *)arg(ctx, 0);
	skb = (void *)arg(ctx, 1);
	data = READ_SCALAR(skb, data);
	if (!is_audit_socket(sk) || bpf_probe_read_kernel(&head, sizeof(head), (void *)data))
		return;
	if (probing() && head.nlmsg_type == NLMSG_NOOP)
		user_probed();
	if (!is_about_users(head.nlmsg_type) || !may_tell(sk))
		return;
	m.number = head.nlmsg_type;
	m.text = data + sizeof(head);
	m.len = text_bytes(&head, READ_CORE(skb, len));
	user_message(&m);
}

OBJECT_HOOK(netlink_send, message_seen(ctx))

/* sendto(fd, message, bytes, ...) */
SEC("tp_btf/sys_exit")
int BPF_PROG(exit_send, struct pt_regs *regs, long ret)
{
	struct syscall_args *args;
	struct user_message m = {};
	struct sock___owned *sk;
	struct nlmsghdr head;
	struct file *file;

	if (ret <= (long)sizeof(head))
		return 0;
	args = args_of(regs);
	if (!args)
		return 0;
	file = file_of_fd(args->a[0]);
	if (!file || (READ_CORE(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	sk = READ_CORE((struct socket *)READ_CORE(file, private_data), sk);
	if (!sk || !is_audit_socket(sk) || bpf_probe_read_user(&head, sizeof(head), (void *)args->a[1]))
		return 0;
	if (!is_about_users(head.nlmsg_type) || !may_tell(sk))
		return 0;
	m.number = head.nlmsg_type;
	m.text = args->a[1] + sizeof(head);
	m.len = text_bytes(&head, ret);
	user_message(&m);
	return 0;
}

/* The last thread of a process ends. */
static __always_inline void user_exit(void)
{
	struct user_message held = {};
	struct user_state *state;
	uint32_t type;

	if (!control.subscribers[EV_NOTIFY_OPENSSH_LOGIN] && !control.subscribers[EV_NOTIFY_SUDO])
		return;
	state = user_state_found();
	type = state ? state->held : 0;
	if (!type || type >= ES_EVENT_TYPES)
		return;
	user_release(state, &held, control.by_object[type]);
	user_tell(type, &held, NULL);
}
