/* SPDX-License-Identifier: MIT */

#include "tools/event.h"

#include <string.h>

#include <EndpointSecurity/ESLinux.h>

#include "util/macro.h"

/* The visitor, and its argument. */
struct visit {
	const struct event_visitor *is;
	void *to;
	const es_message_t *message;
};

#define NO_KEY ((struct event_key){})
#define OPEN(key, bracket) v->is->open(v->to, key, bracket)
#define CLOSE(bracket) v->is->close(v->to, bracket)

/* One member of `e`. visit_<kind>() takes what the member is declared as. */
#define MEMBER(kind, member, ...) visit_##kind(v, EVENT_KEY(#member), e->member);

/* --- numbers --- */

#define NATURAL(kind, unit) \
	static void visit_##kind(const struct visit *v, struct event_key key, uint64_t value) \
	{ \
		v->is->natural(v->to, key, value, unit); \
	}

#define INTEGER(kind, unit) \
	static void visit_##kind(const struct visit *v, struct event_key key, int64_t value) \
	{ \
		v->is->integer(v->to, key, value, unit); \
	}

NATURAL(number, EVENT_PLAIN)
NATURAL(mode, EVENT_MODE)
NATURAL(uid, EVENT_USER)
NATURAL(gid, EVENT_GROUP)
NATURAL(device, EVENT_DEVICE)
NATURAL(mount_flags, EVENT_PLAIN)
INTEGER(signed, EVENT_PLAIN)
INTEGER(status, EVENT_STATUS)
INTEGER(sig, EVENT_SIGNAL)
INTEGER(fflag, EVENT_OPEN_FLAGS)
INTEGER(access, EVENT_ACCESS)
INTEGER(protection, EVENT_PROTECTION)

static void visit_bool(const struct visit *v, struct event_key key, bool value)
{
	v->is->boolean(v->to, key, value);
}

static void visit_absent(const struct visit *v, struct event_key key)
{
	v->is->absent(v->to, key);
}

static void visit_timespec(const struct visit *v, struct event_key key, struct timespec time)
{
	v->is->time(v->to, key, time.tv_sec, time.tv_nsec, 9);
}

/* --- strings --- */

static void visit_string(const struct visit *v, struct event_key key, es_string_token_t string)
{
	v->is->string(v->to, key, string);
}

static void visit_list_string(const struct visit *v, struct event_key key, const es_string_token_t *strings,
			      size_t count)
{
	OPEN(key, '[');
	for (size_t i = 0; i < count; i++)
		visit_string(v, NO_KEY, strings[i]);
	CLOSE(']');
}

/* A character array that need not be terminated. */
static void visit_chars(const struct visit *v, struct event_key key, const char *chars, size_t size)
{
	visit_string(v, key, (es_string_token_t){ strnlen(chars, size), chars });
}

static void visit_uuid(const struct visit *v, struct event_key key, const unsigned char *uuid)
{
	static const char hex[] = "0123456789ABCDEF";
	char text[36];
	char *out = text;

	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = hex[uuid[i] >> 4];
		*out++ = hex[uuid[i] & 15];
	}
	visit_string(v, key, (es_string_token_t){ sizeof(text), text });
}

/* --- files and processes --- */

static void visit_token_at(const struct visit *v, struct event_key key, const audit_token_t *token)
{
	static const struct event_key keys[] = {
		EVENT_KEY("auid"), EVENT_KEY("euid"), EVENT_KEY("egid"), EVENT_KEY("ruid"),
		EVENT_KEY("rgid"), EVENT_KEY("pid"), EVENT_KEY("asid"), EVENT_KEY("pidversion"),
	};

	if (!token) {
		visit_absent(v, key);
		return;
	}
	if (v->is->token) {
		v->is->token(v->to, key, token);
		return;
	}
	OPEN(key, '{');
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (i == 5)
			visit_signed(v, keys[i], (int)token->val[i]);
		else
			visit_number(v, keys[i], token->val[i]);
	}
	CLOSE('}');
}

static void visit_token(const struct visit *v, struct event_key key, audit_token_t token)
{
	visit_token_at(v, key, &token);
}

/* Linux has no st_flags, st_gen and st_birthtimespec in struct stat: 0, 0 and the epoch stand for "none". */
static void visit_stat(const struct visit *v, struct event_key key, const struct stat *e)
{
	OPEN(key, '{');
	MEMBER(number, st_dev)
	MEMBER(number, st_ino)
	MEMBER(number, st_mode)
	MEMBER(number, st_nlink)
	MEMBER(number, st_uid)
	MEMBER(number, st_gid)
	MEMBER(number, st_rdev)
	MEMBER(signed, st_size)
	MEMBER(signed, st_blocks)
	MEMBER(signed, st_blksize)
	visit_number(v, EVENT_KEY("st_flags"), 0);
	visit_number(v, EVENT_KEY("st_gen"), 0);
	visit_timespec(v, EVENT_KEY("st_atimespec"), e->st_atimespec);
	visit_timespec(v, EVENT_KEY("st_mtimespec"), e->st_mtimespec);
	visit_timespec(v, EVENT_KEY("st_ctimespec"), e->st_ctimespec);
	visit_timespec(v, EVENT_KEY("st_birthtimespec"), (struct timespec){});
	CLOSE('}');
}

/* A string that there may be none of: then it is empty. */
static void visit_optional(const struct visit *v, struct event_key key, es_string_token_t e)
{
	if (e.length)
		visit_string(v, key, e);
	else
		visit_absent(v, key);
}

/* The members that only Linux has, if they differ from the usual: for most files they don't. */
static void visit_linux_file(const struct visit *v, const es_file_t *file)
{
	es_linux_file_t linux_file, *e = &linux_file;

	if (!es_linux_file(v->message, file, e))
		return;
	if (!e->unreachable && !e->unresolved && !e->layered && !e->actors_path.length)
		return;
	OPEN(EVENT_KEY("linux"), '{');
	MEMBER(bool, unreachable)
	MEMBER(bool, unresolved)
	MEMBER(bool, layered)
	MEMBER(number, mount_namespace)
	MEMBER(string, actors_path)
	MEMBER(string, real_path)
	CLOSE('}');
}

static void visit_file(const struct visit *v, struct event_key key, const es_file_t *e)
{
	if (!e) {
		visit_absent(v, key);
		return;
	}
	if (v->is->file) {
		v->is->file(v->to, key, e);
		return;
	}
	OPEN(key, '{');
	MEMBER(string, path)
	MEMBER(bool, path_truncated)
	visit_stat(v, EVENT_KEY("stat"), &e->stat);
	visit_linux_file(v, e);
	CLOSE('}');
}

static void visit_containers(const struct visit *v, struct event_key key, const es_linux_cgroup_t *cgroup)
{
	const char *name;

	OPEN(key, '[');
	for (size_t i = 0; i < cgroup->container_count; i++) {
		name = es_linux_runtime_name(cgroup->containers[i].runtime);
		OPEN(NO_KEY, '{');
		visit_string(v, EVENT_KEY("runtime"), (es_string_token_t){ strlen(name), name });
		visit_string(v, EVENT_KEY("id"), cgroup->containers[i].id);
		CLOSE('}');
	}
	CLOSE(']');
}

/* Where a process is. First what the message has, then the names that belong to it, if they are known. */
static void visit_linux_process(const struct visit *v, const es_process_t *process)
{
	es_linux_cgroup_t *e;

	if (es_linux_find_cgroup(v->message, process, &e) != ES_RETURN_SUCCESS)
		return;
	OPEN(EVENT_KEY("linux"), '{');
	visit_number(v, EVENT_KEY("cgroup_id"), e->id);
	MEMBER(number, mount_namespace)
	MEMBER(number, pid_namespace)
	if (e->path.length)
		visit_string(v, EVENT_KEY("cgroup"), e->path);
	if (e->container_count)
		visit_containers(v, EVENT_KEY("containers"), e);
	if (e->pod.length)
		MEMBER(string, pod)
	CLOSE('}');
	es_linux_free_cgroup(e);
}

static void visit_process(const struct visit *v, struct event_key key, const es_process_t *e)
{
	if (!e) {
		visit_absent(v, key);
		return;
	}
	if (v->is->process) {
		v->is->process(v->to, key, e);
		return;
	}
	OPEN(key, '{');
	MEMBER(token, audit_token)
	MEMBER(signed, ppid)
	MEMBER(signed, original_ppid)
	MEMBER(signed, group_id)
	MEMBER(signed, session_id)
	MEMBER(number, codesigning_flags)
	MEMBER(bool, is_platform_binary)
	MEMBER(bool, is_es_client)
	v->is->bytes(v->to, EVENT_KEY("cdhash"), e->cdhash, sizeof(e->cdhash));
	MEMBER(optional, signing_id)
	MEMBER(optional, team_id)
	MEMBER(file, executable)
	MEMBER(file, tty)
	v->is->time(v->to, EVENT_KEY("start_time"), e->start_time.tv_sec, e->start_time.tv_usec, 6);
	MEMBER(token, responsible_audit_token)
	MEMBER(token, parent_audit_token)
	MEMBER(number, cs_validation_category)
	visit_linux_process(v, e);
	CLOSE('}');
}

#define visit_file_or_null visit_file
#define visit_process_or_null visit_process

static void visit_statfs(const struct visit *v, struct event_key key, const struct es_statfs *e)
{
	if (v->is->statfs) {
		v->is->statfs(v->to, key, e);
		return;
	}
	OPEN(key, '{');
	MEMBER(number, f_bsize)
	MEMBER(signed, f_iosize)
	MEMBER(number, f_blocks)
	MEMBER(number, f_bfree)
	MEMBER(number, f_bavail)
	MEMBER(number, f_files)
	MEMBER(number, f_ffree)
	OPEN(EVENT_KEY("f_fsid"), '[');
	visit_signed(v, NO_KEY, e->f_fsid.val[0]);
	visit_signed(v, NO_KEY, e->f_fsid.val[1]);
	CLOSE(']');
	MEMBER(number, f_owner)
	MEMBER(number, f_type)
	MEMBER(number, f_flags)
	MEMBER(number, f_fssubtype)
	MEMBER(number, f_flags_ext)
	visit_chars(v, EVENT_KEY("f_fstypename"), e->f_fstypename, sizeof(e->f_fstypename));
	visit_chars(v, EVENT_KEY("f_mntonname"), e->f_mntonname, sizeof(e->f_mntonname));
	visit_chars(v, EVENT_KEY("f_mntfromname"), e->f_mntfromname, sizeof(e->f_mntfromname));
	CLOSE('}');
}

/* --- what one payload or another has besides --- */

static uint64_t exec_limit = UINT64_MAX;

void event_exec_set_limit(uint64_t bytes)
{
	exec_limit = bytes;
}

struct event_exec_list event_exec_arguments(const es_event_exec_t *exec)
{
	return (struct event_exec_list){ exec, es_exec_arg, 0, es_exec_arg_count(exec), exec_limit };
}

struct event_exec_list event_exec_environment(const es_event_exec_t *exec)
{
	return (struct event_exec_list){ exec, es_exec_env, 0, es_exec_env_count(exec), exec_limit };
}

bool event_exec_next(struct event_exec_list *list, es_string_token_t *ret)
{
	if (list->next == list->count || !list->left)
		return false;
	*ret = list->get(list->exec, list->next++);
	if (ret->length >= list->left)
		ret->length = list->left - 1;
	list->left -= ret->length + 1;
	return true;
}

static uint64_t exec_bytes(struct event_exec_list list)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < list.count; i++)
		bytes += list.get(list.exec, i).length + 1;
	return bytes;
}

uint64_t event_exec_cut(const es_event_exec_t *exec)
{
	uint64_t arguments = exec_bytes(event_exec_arguments(exec)), environment = exec_bytes(event_exec_environment(exec));

	return (arguments > exec_limit ? arguments - exec_limit : 0) + (environment > exec_limit ? environment - exec_limit : 0);
}

static void visit_exec_strings(const struct visit *v, struct event_key key, struct event_exec_list list)
{
	es_string_token_t string;

	OPEN(key, '[');
	while (event_exec_next(&list, &string))
		visit_string(v, NO_KEY, string);
	CLOSE(']');
}

static void visit_exec_args(const struct visit *v, struct event_key key, const es_event_exec_t *e)
{
	visit_exec_strings(v, key, event_exec_arguments(e));
}

static void visit_exec_env(const struct visit *v, struct event_key key, const es_event_exec_t *e)
{
	if (!v->is->brief)
		visit_exec_strings(v, key, event_exec_environment(e));
}

static void visit_exec_fd(const struct visit *v, const es_fd_t *e)
{
	OPEN(NO_KEY, '{');
	MEMBER(signed, fd)
	MEMBER(number, fdtype)
	if (e->fdtype == PROX_FDTYPE_PIPE) {
		OPEN(EVENT_KEY("pipe"), '{');
		visit_number(v, EVENT_KEY("pipe_id"), e->pipe.pipe_id);
		CLOSE('}');
	}
	CLOSE('}');
}

static void visit_exec_fds(const struct visit *v, struct event_key key, const es_event_exec_t *e)
{
	uint32_t count;

	if (v->is->brief)
		return;
	count = es_exec_fd_count(e);
	OPEN(key, '[');
	for (uint32_t i = 0; i < count; i++)
		visit_exec_fd(v, es_exec_fd(e, i));
	CLOSE(']');
}

/* The new name of a create or rename; `mode` NULL: not part of it. */
static void visit_new_path(const struct visit *v, const es_file_t *dir, es_string_token_t filename, const mode_t *mode)
{
	if (v->is->new_path) {
		v->is->new_path(v->to, dir, filename, mode);
		return;
	}
	OPEN(EVENT_KEY("new_path"), '{');
	visit_file(v, EVENT_KEY("dir"), dir);
	visit_string(v, EVENT_KEY("filename"), filename);
	if (mode)
		visit_mode(v, EVENT_KEY("mode"), *mode);
	CLOSE('}');
}

static void visit_create_destination(const struct visit *v, struct event_key key, const es_event_create_t *e)
{
	OPEN(key, '{');
	if (e->destination_type == ES_DESTINATION_TYPE_EXISTING_FILE)
		visit_file(v, EVENT_KEY("existing_file"), e->destination.existing_file);
	else
		visit_new_path(v, e->destination.new_path.dir, e->destination.new_path.filename,
			       &e->destination.new_path.mode);
	CLOSE('}');
}

static void visit_rename_destination(const struct visit *v, struct event_key key, const es_event_rename_t *e)
{
	OPEN(key, '{');
	if (e->destination_type == ES_DESTINATION_TYPE_EXISTING_FILE)
		visit_file(v, EVENT_KEY("existing_file"), e->destination.existing_file);
	else
		visit_new_path(v, e->destination.new_path.dir, e->destination.new_path.filename, NULL);
	CLOSE('}');
}

static void visit_attrlist(const struct visit *v, struct event_key key, struct attrlist list)
{
	const struct attrlist *e = &list;

	OPEN(key, '{');
	MEMBER(number, bitmapcount)
	MEMBER(number, commonattr)
	MEMBER(number, volattr)
	MEMBER(number, dirattr)
	MEMBER(number, fileattr)
	MEMBER(number, forkattr)
	CLOSE('}');
}

static void visit_thread_state(const struct visit *v, struct event_key key, const es_event_remote_thread_create_t *e)
{
	if (!e->thread_state) {
		visit_absent(v, key);
		return;
	}
	OPEN(key, '{');
	visit_signed(v, EVENT_KEY("flavor"), e->thread_state->flavor);
	CLOSE('}');
}

static void visit_authentication_od(const struct visit *v, const es_event_authentication_od_t *e)
{
	OPEN(EVENT_KEY("od"), '{');
	MEMBER(process, instigator)
	MEMBER(string, record_type)
	MEMBER(string, record_name)
	MEMBER(string, node_name)
	MEMBER(optional, db_path)
	MEMBER(token, instigator_token)
	CLOSE('}');
}

static void visit_authentication_touchid(const struct visit *v, const es_event_authentication_touchid_t *e)
{
	OPEN(EVENT_KEY("touchid"), '{');
	MEMBER(process, instigator)
	MEMBER(number, touchid_mode)
	MEMBER(bool, has_uid)
	if (e->has_uid)
		visit_uid(v, EVENT_KEY("uid"), e->uid.uid);
	else
		visit_absent(v, EVENT_KEY("uid"));
	MEMBER(token, instigator_token)
	CLOSE('}');
}

static void visit_authentication_token(const struct visit *v, const es_event_authentication_token_t *e)
{
	OPEN(EVENT_KEY("token"), '{');
	MEMBER(process, instigator)
	MEMBER(string, pubkey_hash)
	MEMBER(string, token_id)
	MEMBER(optional, kerberos_principal)
	MEMBER(token, instigator_token)
	CLOSE('}');
}

static void visit_authentication_auto_unlock(const struct visit *v, const es_event_authentication_auto_unlock_t *e)
{
	OPEN(EVENT_KEY("auto_unlock"), '{');
	MEMBER(string, username)
	MEMBER(number, type)
	CLOSE('}');
}

static void visit_authentication_data(const struct visit *v, struct event_key key, const es_event_authentication_t *e)
{
	OPEN(key, '{');
	switch (e->type) {
	case ES_AUTHENTICATION_TYPE_OD:
		visit_authentication_od(v, e->data.od);
		break;
	case ES_AUTHENTICATION_TYPE_TOUCHID:
		visit_authentication_touchid(v, e->data.touchid);
		break;
	case ES_AUTHENTICATION_TYPE_TOKEN:
		visit_authentication_token(v, e->data.token);
		break;
	case ES_AUTHENTICATION_TYPE_AUTO_UNLOCK:
		visit_authentication_auto_unlock(v, e->data.auto_unlock);
		break;
	default:
		break;
	}
	CLOSE('}');
}

static void visit_su_env(const struct visit *v, struct event_key key, const es_event_su_t *e)
{
	if (!v->is->brief)
		visit_list_string(v, key, e->env, e->env_count);
}

static void visit_launch_item(const struct visit *v, struct event_key key, const es_btm_launch_item_t *e)
{
	OPEN(key, '{');
	MEMBER(number, item_type)
	MEMBER(bool, legacy)
	MEMBER(bool, managed)
	MEMBER(uid, uid)
	MEMBER(string, item_url)
	MEMBER(string, app_url)
	CLOSE('}');
}

static void visit_profile(const struct visit *v, struct event_key key, const es_profile_t *e)
{
	OPEN(key, '{');
	MEMBER(string, identifier)
	MEMBER(string, uuid)
	MEMBER(number, install_source)
	MEMBER(string, organization)
	MEMBER(string, display_name)
	MEMBER(string, scope)
	CLOSE('}');
}

static void visit_reject_info(const struct visit *v, struct event_key key, const es_sudo_reject_info_t *e)
{
	if (!e) {
		visit_absent(v, key);
		return;
	}
	OPEN(key, '{');
	MEMBER(string, plugin_name)
	MEMBER(number, plugin_type)
	MEMBER(string, failure_message)
	CLOSE('}');
}

static void visit_list_authorization_result(const struct visit *v, struct event_key key,
					    const es_authorization_result_t *results, size_t count)
{
	OPEN(key, '[');
	for (const es_authorization_result_t *e = results; e < results + count; e++) {
		OPEN(NO_KEY, '{');
		MEMBER(string, right_name)
		MEMBER(number, rule_class)
		MEMBER(bool, granted)
		CLOSE('}');
	}
	CLOSE(']');
}

static void visit_od_member(const struct visit *v, struct event_key key, const es_od_member_id_t *e)
{
	OPEN(key, '{');
	MEMBER(number, member_type)
	if (e->member_type == ES_OD_MEMBER_TYPE_USER_NAME)
		visit_string(v, EVENT_KEY("member_value"), e->member_value.name);
	else
		visit_uuid(v, EVENT_KEY("member_value"), e->member_value.uuid);
	CLOSE('}');
}

static void visit_od_members(const struct visit *v, struct event_key key, const es_od_member_id_array_t *e)
{
	OPEN(key, '{');
	MEMBER(number, member_type)
	MEMBER(number, member_count)
	OPEN(EVENT_KEY("member_array"), '[');
	for (size_t i = 0; i < e->member_count; i++) {
		if (e->member_type == ES_OD_MEMBER_TYPE_USER_NAME)
			visit_string(v, NO_KEY, e->member_array.names[i]);
		else
			visit_uuid(v, NO_KEY, e->member_array.uuids[i]);
	}
	CLOSE(']');
	CLOSE('}');
}

/* As macOS prints it: the key says which of the two it is, and signing_info is left out. */
static void visit_gatekeeper_file(const struct visit *v, struct event_key key,
				  const es_event_gatekeeper_user_override_t *e)
{
	if (e->file_type == ES_GATEKEEPER_USER_OVERRIDE_FILE_TYPE_PATH)
		visit_string(v, EVENT_KEY("file_path"), e->file.file_path);
	else
		visit_file(v, key, e->file.file);
}

/* Likewise: the absent hash is the text "NULL". */
static void visit_gatekeeper_sha256(const struct visit *v, struct event_key key,
				    const es_event_gatekeeper_user_override_t *e)
{
	if (e->sha256)
		v->is->bytes(v->to, key, *e->sha256, sizeof(*e->sha256));
	else
		visit_string(v, key, (es_string_token_t){ 4, "NULL" });
}

static void visit_requirement(const struct visit *v, struct event_key key, const es_lightweight_code_requirement_t *e)
{
	if (!e) {
		visit_absent(v, key);
		return;
	}
	OPEN(key, '{');
	MEMBER(string, team_id)
	MEMBER(string, signing_id)
	CLOSE('}');
}

static void visit_bootstrap_target(const struct visit *v, struct event_key key, const es_event_bootstrap_look_up_t *e)
{
	OPEN(key, '{');
	if (e->target_type == ES_BOOTSTRAP_TARGET_TYPE_PROCESS) {
		OPEN(EVENT_KEY("process"), '{');
		visit_process(v, EVENT_KEY("target"), e->target.process.target);
		visit_token(v, EVENT_KEY("target_token"), e->target.process.target_token);
		visit_string(v, EVENT_KEY("job_label"), e->target.process.job_label);
		CLOSE('}');
	} else {
		OPEN(EVENT_KEY("job"), '{');
		visit_string(v, EVENT_KEY("job_label"), e->target.job.job_label);
		visit_requirement(v, EVENT_KEY("lwcr"), e->target.job.lwcr);
		CLOSE('}');
	}
	CLOSE('}');
}

/* --- the payloads --- */

#define PAYLOAD_FUNCTION(name, payload, ...) \
	static void payload_##name(const struct visit *v, const es_message_t *message) \
	{ \
		const es_event_##name##_t *e = payload; \
\
		(void)v; \
		(void)e; \
		__VA_ARGS__ \
	}

#define ES_PAYLOAD(name, ...) PAYLOAD_FUNCTION(name, &message->event.name, __VA_ARGS__)
#define ES_PAYLOAD_OWN ES_PAYLOAD
#define ES_PAYLOAD_ABSENT ES_PAYLOAD
#define ES_PAYLOAD_AT(name, ...) PAYLOAD_FUNCTION(name, message->event.name, __VA_ARGS__)
#define ES_PAYLOAD_TEXT ES_PAYLOAD_AT
#define ES_PAYLOAD_NONE(name) \
	static void payload_##name(const struct visit *v, const es_message_t *message) \
	{ \
		(void)v; \
		(void)message; \
	}
#define TARGET MEMBER
#define TARGETS SPECIAL
#define UNSET MEMBER
#define OPAQUE(member) visit_absent(v, EVENT_KEY(#member));
#define OPTIONAL(kind, has, member, value) \
	if (e->has) \
		visit_##kind(v, EVENT_KEY(#member), e->member.value); \
	else \
		visit_absent(v, EVENT_KEY(#member));
#define LIST(kind, member, count) visit_list_##kind(v, EVENT_KEY(#member), e->member, e->count);
#define SPECIAL(kind, member, ...) visit_##kind(v, EVENT_KEY(#member), e);
#include "abi/events.def"

static const struct event {
	const char *constant;
	const char *name;
	void (*visit)(const struct visit *visit, const es_message_t *message);
} events[] = {
#define ES_EVENT(constant, number, payload, ...) [number] = { #constant, #payload, payload_##payload },
#include "abi/events.def"
};

_Static_assert(ARRAY_SIZE(events) == ES_EVENT_TYPE_LAST, "abi/events.def and es_event_type_t are of one length");

void event_visit_process(const struct event_visitor *visitor, void *to, struct event_key key,
			 const es_message_t *message)
{
	visit_process(&(struct visit){ visitor, to, message }, key, message->process);
}

void event_visit_payload(const struct event_visitor *visitor, void *to, const es_message_t *message)
{
	if ((unsigned int)message->event_type < ARRAY_SIZE(events))
		events[message->event_type].visit(&(struct visit){ visitor, to, message }, message);
}

const char *event_name(es_event_type_t type)
{
	if ((unsigned int)type >= ARRAY_SIZE(events) || events[type].visit == payload_none)
		return NULL;
	return events[type].name;
}

bool event_is_notify(es_event_type_t type)
{
	static const char prefix[] = "NOTIFY_";

	return event_name(type) && !strncmp(events[type].constant, prefix, sizeof(prefix) - 1);
}

bool event_find(const char *name, es_event_type_t *ret_type)
{
	for (size_t type = 0; type < ARRAY_SIZE(events); type++) {
		if (!event_is_notify(type) || strcmp(events[type].name, name))
			continue;
		*ret_type = type;
		return true;
	}
	return false;
}

bool event_is_denied(const es_message_t *message)
{
	const es_result_t *result = &message->action.notify;

	if (message->action_type != ES_ACTION_TYPE_NOTIFY)
		return false;
	if (result->result_type == ES_RESULT_TYPE_AUTH)
		return result->result.auth == ES_AUTH_RESULT_DENY;
	return (uint32_t)message->event.open.fflag & ~result->result.flags;
}
