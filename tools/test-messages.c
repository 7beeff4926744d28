/* SPDX-License-Identifier: MIT */
#undef NDEBUG
#include "tools/test-messages.h"

#include <assert.h>
#include <string.h>

#include <EndpointSecurity/ESLinux.h>

#include "util/macro.h"

/* The accessors of exec messages look into the library's own part of a message; here they look into these. */
static const es_string_token_t args[] = { STRING("/bin/tool"), STRING("-v"), STRING("a\nb\xff") };
static const es_string_token_t env[] = { STRING("FOO=bar") };
static const es_fd_t fds[] = {
	{ .fd = 0, .fdtype = PROX_FDTYPE_VNODE },
	{ .fd = 1, .fdtype = PROX_FDTYPE_PIPE, .pipe.pipe_id = UINT64_MAX },
};

uint32_t es_exec_arg_count(const es_event_exec_t *event)
{
	(void)event;
	return ARRAY_SIZE(args);
}

es_string_token_t es_exec_arg(const es_event_exec_t *event, uint32_t index)
{
	(void)event;
	return args[index];
}

uint32_t es_exec_env_count(const es_event_exec_t *event)
{
	(void)event;
	return ARRAY_SIZE(env);
}

es_string_token_t es_exec_env(const es_event_exec_t *event, uint32_t index)
{
	(void)event;
	return env[index];
}

uint32_t es_exec_fd_count(const es_event_exec_t *event)
{
	(void)event;
	return ARRAY_SIZE(fds);
}

const es_fd_t *es_exec_fd(const es_event_exec_t *event, uint32_t index)
{
	(void)event;
	return &fds[index];
}

/* The process has reached one file by another name, in mounts that only it has. */
const es_file_t *test_flagged;

bool es_linux_file(const es_message_t *message, const es_file_t *file, es_linux_file_t *info)
{
	assert(message);
	if (file != test_flagged)
		return false;
	*info = (es_linux_file_t){ .unreachable = true, .mount_namespace = 4026532842,
				   .actors_path = STRING("/view"), .real_path = { 0, "" } };
	return true;
}

/* --- what messages are made of --- */

es_file_t tool = {
	.path = STRING("/usr/sbin/tool"),
	.stat = {
		.st_dev = 2049, .st_ino = 1152921500312525701, .st_mode = 0100755, .st_nlink = 2, .st_uid = 1, .st_gid = 3,
		.st_rdev = 4, .st_size = 259504, .st_blocks = 152, .st_blksize = 4096,
		.st_atim = { 1752042434, 0 }, .st_mtim = { 1752042434, 1 }, .st_ctim = { -1, 999999999 },
	},
};

es_file_t bare = { .path = STRING("/b"), .path_truncated = true };

es_process_t actor = {
	.audit_token = TOKEN(1), .parent_audit_token = TOKEN(2), .responsible_audit_token = TOKEN(3),
	.ppid = 532, .original_ppid = 533, .group_id = 534, .session_id = 535,
	.codesigning_flags = 637623057, .is_platform_binary = true,
	.cdhash = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, [19] = 0xff },
	.signing_id = STRING("com.example.tool"), .executable = &tool, .start_time = { 1754579589, 798115 },
	.cs_validation_category = ES_CS_VALIDATION_CATEGORY_NONE,
};

es_process_t other = { .executable = &bare, .tty = &tool, .is_es_client = true, .team_id = STRING("") };

static es_thread_t thread = { 622243 };

es_message_t make_message(es_event_type_t type)
{
	return (es_message_t){
		.version = 11, .time = { 1754579589, 811587464 }, .mach_time = 401374797834, .deadline = 5,
		.process = &actor, .seq_num = 362, .global_seq_num = 1103, .action_type = ES_ACTION_TYPE_NOTIFY,
		.event_type = type, .thread = &thread,
	};
}

/* --- one message of each event, with something in each member --- */

static union {
#define ES_PAYLOAD_AT(name, ...) es_event_##name##_t name;
#define ES_PAYLOAD_TEXT ES_PAYLOAD_AT
#include "abi/events.def"
} pointed;

/* As negative as can be: so that signed and unsigned, and 32 and 64 bits, are told apart. */
#define FILL_number(to) ((to) = (typeof(to))-2)
#define FILL_signed FILL_number
#define FILL_status FILL_number
#define FILL_sig FILL_number
#define FILL_fflag FILL_number
#define FILL_mode FILL_number
#define FILL_access FILL_number
#define FILL_protection FILL_number
#define FILL_uid FILL_number
#define FILL_gid FILL_number
#define FILL_device FILL_number
#define FILL_mount_flags FILL_number
#define FILL_bool(to) ((to) = true)
#define FILL_timespec(to) ((to) = (struct timespec){ 1754579589, 7 })
#define FILL_file(to) ((to) = &bare)
#define FILL_file_or_null FILL_file
#define FILL_process(to) ((to) = &other)
#define FILL_process_or_null FILL_process
#define FILL_optional FILL_string
#define FILL_string(to) ((to) = STRING("a\tb/\xc3\xa4\xff"))
#define FILL_token(to) ((to) = (audit_token_t)TOKEN(4))
#define FILL_token_at(to) ((to) = &some_token)
#define FILL_statfs(to) ((to) = &some_statfs)
#define FILL_attrlist(to) ((to) = (struct attrlist){ 5, 0, -1, -2, -3, -4, -5 })
#define FILL_launch_item(to) ((to) = &some_item)
#define FILL_profile(to) ((to) = &some_profile)
#define FILL_reject_info(to) ((to) = &some_reject)
#define FILL_od_member(to) ((to) = &some_member)
#define FILL_od_members(to) ((to) = &some_members)
#define FILL_authorization_result(to, count) ((to) = some_results, (count) = ARRAY_SIZE(some_results))

static audit_token_t some_token = TOKEN(5);
static struct es_statfs some_statfs = { .f_bsize = -1, .f_iosize = -1, .f_fstypename = "tmpfs", .f_fsid = { { -1, 1 } } };
static es_btm_launch_item_t some_item = { .item_type = 3, .managed = true, .uid = -2, .item_url = STRING("file:///u") };
static es_profile_t some_profile = { .identifier = STRING("p"), .install_source = 1, .scope = STRING("s") };
static es_sudo_reject_info_t some_reject = { .plugin_name = STRING("q"), .plugin_type = 1 };
static es_od_member_id_t some_member = { .member_type = ES_OD_MEMBER_TYPE_USER_NAME, .member_value.name = STRING("m") };
static es_string_token_t some_strings[] = { STRING("one"), STRING(""), { 0, NULL } };
static es_od_member_id_array_t some_members = {
	.member_type = ES_OD_MEMBER_TYPE_USER_NAME, .member_count = 2, .member_array.names = some_strings,
};
static es_authorization_result_t some_results[] = { { STRING("r"), 1, true }, { STRING("s"), 2, false } };
static es_thread_state_t some_state = { .flavor = -7 };
static es_event_authentication_od_t some_od = { .record_type = STRING("Users") };
static es_event_authentication_touchid_t some_touch = { .has_uid = true, .uid.uid = 7 };
static es_event_authentication_token_t some_smartcard = { .pubkey_hash = STRING("h") };
static es_event_authentication_auto_unlock_t some_unlock = { .username = STRING("u"), .type = 1 };
static es_sha256_t some_sha256 = { 1, 2, [31] = 0xfe };

/* --- SPECIAL members, some in more ways than one: `variant` says which --- */

static void fill_special(es_message_t *message, unsigned int variant)
{
	es_events_t *event = &message->event;

	switch (message->event_type) {
	case ES_EVENT_TYPE_AUTH_CREATE:
	case ES_EVENT_TYPE_NOTIFY_CREATE:
		event->create.destination.new_path.dir = &bare;
		event->create.destination.new_path.filename = STRING("new");
		event->create.destination.new_path.mode = 0100644;
		if (variant)
			event->create.destination_type = ES_DESTINATION_TYPE_EXISTING_FILE;
		break;
	case ES_EVENT_TYPE_AUTH_RENAME:
	case ES_EVENT_TYPE_NOTIFY_RENAME:
		event->rename.destination.new_path.dir = &bare;
		event->rename.destination.new_path.filename = STRING("new");
		if (variant)
			event->rename.destination_type = ES_DESTINATION_TYPE_EXISTING_FILE;
		break;
	case ES_EVENT_TYPE_NOTIFY_REMOTE_THREAD_CREATE:
		event->remote_thread_create.thread_state = variant ? NULL : &some_state;
		break;
	case ES_EVENT_TYPE_NOTIFY_AUTHENTICATION:
		event->authentication->type = variant;
		event->authentication->data.od = &some_od;
		if (variant == ES_AUTHENTICATION_TYPE_TOUCHID)
			event->authentication->data.touchid = &some_touch;
		if (variant == ES_AUTHENTICATION_TYPE_TOKEN)
			event->authentication->data.token = &some_smartcard;
		if (variant == ES_AUTHENTICATION_TYPE_AUTO_UNLOCK)
			event->authentication->data.auto_unlock = &some_unlock;
		break;
	case ES_EVENT_TYPE_NOTIFY_SU:
		event->su->env = some_strings;
		event->su->env_count = ARRAY_SIZE(some_strings);
		break;
	case ES_EVENT_TYPE_NOTIFY_GATEKEEPER_USER_OVERRIDE:
		event->gatekeeper_user_override->file_type = !variant;
		event->gatekeeper_user_override->file.file_path = STRING("/x");
		if (!variant)
			event->gatekeeper_user_override->file.file = &bare;
		event->gatekeeper_user_override->sha256 = variant ? NULL : &some_sha256;
		break;
	case ES_EVENT_TYPE_AUTH_BOOTSTRAP_LOOK_UP:
	case ES_EVENT_TYPE_NOTIFY_BOOTSTRAP_LOOK_UP:
		event->bootstrap_look_up->target_type = ES_BOOTSTRAP_TARGET_TYPE_PROCESS;
		event->bootstrap_look_up->target.process.target = &other;
		event->bootstrap_look_up->target.process.job_label = STRING("label");
		if (!variant)
			break;
		event->bootstrap_look_up->target_type = !ES_BOOTSTRAP_TARGET_TYPE_PROCESS;
		event->bootstrap_look_up->target.job.job_label = STRING("job");
		event->bootstrap_look_up->target.job.lwcr = NULL;
		break;
	default:
		break;
	}
}

#define FILL_FUNCTION(name, payload, ...) \
	static void fill_##name(es_message_t *message) \
	{ \
		es_event_##name##_t *e = payload; \
\
		(void)e; \
		__VA_ARGS__ \
	}
#define ES_PAYLOAD(name, ...) FILL_FUNCTION(name, &message->event.name, __VA_ARGS__)
#define ES_PAYLOAD_OWN ES_PAYLOAD
#define ES_PAYLOAD_ABSENT ES_PAYLOAD
#define ES_PAYLOAD_AT(name, ...) FILL_FUNCTION(name, message->event.name = &pointed.name, __VA_ARGS__)
#define ES_PAYLOAD_TEXT ES_PAYLOAD_AT
#define ES_PAYLOAD_NONE(name) \
	static void fill_##name(es_message_t *message) \
	{ \
		(void)message; \
	}
#define MEMBER(kind, member, ...) FILL_##kind(e->member);
#define TARGET MEMBER
#define UNSET MEMBER
#define OPTIONAL(kind, has, member, value) FILL_##kind(e->member.value);
#define LIST(kind, member, count) FILL_LIST_##kind(e->member, e->count);
#define FILL_LIST_string(to, number) ((to) = some_strings, (number) = ARRAY_SIZE(some_strings))
#define FILL_LIST_authorization_result(to, number) ((to) = some_results, (number) = ARRAY_SIZE(some_results))
#define TARGETS(...)
#define OPAQUE(...)
#define SPECIAL(...)
#include "abi/events.def"

void fill_event(es_message_t *message, unsigned int variant)
{
	static void (*const fill[])(es_message_t *message) = {
#define ES_EVENT(name, number, payload, ...) [number] = fill_##payload,
#include "abi/events.def"
	};

	memset(&message->event, 0, sizeof(message->event));
	memset(&pointed, 0, sizeof(pointed));
	fill[message->event_type](message);
	fill_special(message, variant);
}
