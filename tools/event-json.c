/* SPDX-License-Identifier: MIT */

#include "tools/event-json.h"

#include <string.h>

#include "util/macro.h"

/*
 * One function per payload. Keys are the names of the C members, so what a function says is the kind of each member:
 * MEMBER(file, target) writes "target": and the es_file_t that e->target points to.
 */
#define MEMBER(kind, name) (json_key(json, #name), put_##kind(json, e->name))
#define OBJECT(name) (json_key(json, #name), json_open(json, '{'))
#define END() json_close(json, '}')

static void put_number(struct json *json, uint64_t value)
{
	json_unsigned(json, value);
}

static void put_signed(struct json *json, int64_t value)
{
	json_signed(json, value);
}

static void put_bool(struct json *json, bool value)
{
	json_boolean(json, value);
}

static void put_string(struct json *json, es_string_token_t string)
{
	json_string(json, string.data, string.length);
}

static void put_strings(struct json *json, const es_string_token_t *strings, size_t count)
{
	json_open(json, '[');
	for (size_t i = 0; i < count; i++)
		put_string(json, strings[i]);
	json_close(json, ']');
}

/* A character array that need not be terminated. */
static void put_chars(struct json *json, const char *chars, size_t size)
{
	json_string(json, chars, strnlen(chars, size));
}

static void put_timespec(struct json *json, struct timespec time)
{
	json_time(json, time.tv_sec, time.tv_nsec, 9);
}

static void put_token(struct json *json, audit_token_t token)
{
	json_literal(json, "{\"auid\":");
	json_unsigned(json, token.val[0]);
	json_key(json, "euid");
	json_unsigned(json, token.val[1]);
	json_key(json, "egid");
	json_unsigned(json, token.val[2]);
	json_key(json, "ruid");
	json_unsigned(json, token.val[3]);
	json_key(json, "rgid");
	json_unsigned(json, token.val[4]);
	json_key(json, "pid");
	json_signed(json, (int)token.val[5]);
	json_key(json, "asid");
	json_unsigned(json, token.val[6]);
	json_key(json, "pidversion");
	json_unsigned(json, token.val[7]);
	END();
}

static void put_token_at(struct json *json, const audit_token_t *token)
{
	if (token)
		put_token(json, *token);
	else
		json_null(json);
}

/* Linux has no st_flags, st_gen and st_birthtimespec in struct stat: 0, 0 and the epoch stand for "none". */
static void put_stat(struct json *json, const struct stat *e)
{
	json_open(json, '{');
	MEMBER(number, st_dev);
	MEMBER(number, st_ino);
	MEMBER(number, st_mode);
	MEMBER(number, st_nlink);
	MEMBER(number, st_uid);
	MEMBER(number, st_gid);
	MEMBER(number, st_rdev);
	MEMBER(signed, st_size);
	MEMBER(signed, st_blocks);
	MEMBER(signed, st_blksize);
	json_literal(json, "\"st_flags\":0,\"st_gen\":0,\"st_atimespec\":");
	put_timespec(json, e->st_atimespec);
	json_key(json, "st_mtimespec");
	put_timespec(json, e->st_mtimespec);
	json_key(json, "st_ctimespec");
	put_timespec(json, e->st_ctimespec);
	json_literal(json, "\"st_birthtimespec\":\"1970-01-01T00:00:00.000000000Z\",");
	END();
}

static void put_file(struct json *json, const es_file_t *e)
{
	if (!e) {
		json_null(json);
		return;
	}
	json_open(json, '{');
	MEMBER(string, path);
	MEMBER(bool, path_truncated);
	json_key(json, "stat");
	put_stat(json, &e->stat);
	END();
}

static void put_process(struct json *json, const es_process_t *e)
{
	if (!e) {
		json_null(json);
		return;
	}
	json_open(json, '{');
	MEMBER(token, audit_token);
	MEMBER(signed, ppid);
	MEMBER(signed, original_ppid);
	MEMBER(signed, group_id);
	MEMBER(signed, session_id);
	MEMBER(number, codesigning_flags);
	MEMBER(bool, is_platform_binary);
	MEMBER(bool, is_es_client);
	json_key(json, "cdhash");
	json_hex(json, e->cdhash, sizeof(e->cdhash));
	MEMBER(string, signing_id);
	MEMBER(string, team_id);
	MEMBER(file, executable);
	MEMBER(file, tty);
	json_key(json, "start_time");
	json_time(json, e->start_time.tv_sec, e->start_time.tv_usec, 6);
	MEMBER(token, responsible_audit_token);
	MEMBER(token, parent_audit_token);
	MEMBER(number, cs_validation_category);
	END();
}

static void put_statfs(struct json *json, const struct es_statfs *e)
{
	json_open(json, '{');
	MEMBER(number, f_bsize);
	MEMBER(signed, f_iosize);
	MEMBER(number, f_blocks);
	MEMBER(number, f_bfree);
	MEMBER(number, f_bavail);
	MEMBER(number, f_files);
	MEMBER(number, f_ffree);
	json_key(json, "f_fsid");
	json_open(json, '[');
	json_signed(json, e->f_fsid.val[0]);
	json_signed(json, e->f_fsid.val[1]);
	json_close(json, ']');
	MEMBER(number, f_owner);
	MEMBER(number, f_type);
	MEMBER(number, f_flags);
	MEMBER(number, f_fssubtype);
	MEMBER(number, f_flags_ext);
	json_key(json, "f_fstypename");
	put_chars(json, e->f_fstypename, sizeof(e->f_fstypename));
	json_key(json, "f_mntonname");
	put_chars(json, e->f_mntonname, sizeof(e->f_mntonname));
	json_key(json, "f_mntfromname");
	put_chars(json, e->f_mntfromname, sizeof(e->f_mntfromname));
	END();
}

static void put_attrlist(struct json *json, struct attrlist list)
{
	const struct attrlist *e = &list;

	json_open(json, '{');
	MEMBER(number, bitmapcount);
	MEMBER(number, commonattr);
	MEMBER(number, volattr);
	MEMBER(number, dirattr);
	MEMBER(number, fileattr);
	MEMBER(number, forkattr);
	END();
}

static void put_uuid(struct json *json, const unsigned char *uuid)
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
	json_string(json, text, sizeof(text));
}

/* A user id that is there only if has_uid. */
static void put_uid(struct json *json, bool has_uid, uid_t uid)
{
	if (has_uid)
		json_unsigned(json, uid);
	else
		json_null(json);
}

/*
 * PAYLOAD(name) begins the function of an event whose payload lies in the message, POINTER_PAYLOAD(name) of one that
 * the message points to. `e` is the payload.
 */
#define PAYLOAD_FUNCTION(name, payload) \
	static void fields_##name(struct json *json, const es_event_##name##_t *e); \
	static void event_##name(struct json *json, const es_message_t *message) \
	{ \
		fields_##name(json, payload); \
	} \
	static void fields_##name(struct json *json, const es_event_##name##_t *e)

#define PAYLOAD(name) PAYLOAD_FUNCTION(name, &message->event.name)
#define POINTER_PAYLOAD(name) PAYLOAD_FUNCTION(name, message->event.name)

/* The reserved numbers, which no message has. */
static void event_none(struct json *json, const es_message_t *message)
{
	(void)json;
	(void)message;
}

static void put_exec_strings(struct json *json, const es_event_exec_t *e, uint32_t count,
			     es_string_token_t (*get)(const es_event_exec_t *, uint32_t))
{
	json_open(json, '[');
	for (uint32_t i = 0; i < count; i++)
		put_string(json, get(e, i));
	json_close(json, ']');
}

static void put_fd(struct json *json, const es_fd_t *e)
{
	json_open(json, '{');
	MEMBER(signed, fd);
	MEMBER(number, fdtype);
	if (e->fdtype == PROX_FDTYPE_PIPE) {
		OBJECT(pipe);
		json_key(json, "pipe_id");
		json_unsigned(json, e->pipe.pipe_id);
		END();
	}
	END();
}

/* Executables on Linux carry no entitlements: es_exec_entitlements() has none to give. */
PAYLOAD(exec)
{
	uint32_t fds = es_exec_fd_count(e);

	MEMBER(process, target);
	json_key(json, "args");
	put_exec_strings(json, e, es_exec_arg_count(e), es_exec_arg);
	json_key(json, "env");
	put_exec_strings(json, e, es_exec_env_count(e), es_exec_env);
	json_key(json, "fds");
	json_open(json, '[');
	for (uint32_t i = 0; i < fds; i++)
		put_fd(json, es_exec_fd(e, i));
	json_close(json, ']');
	MEMBER(file, cwd);
	MEMBER(file, script);
	MEMBER(signed, last_fd);
	MEMBER(signed, image_cputype);
	MEMBER(signed, image_cpusubtype);
	MEMBER(string, dyld_exec_path);
	json_literal(json, "\"entitlements\":null,");
}

PAYLOAD(fork)
{
	MEMBER(process, child);
}

PAYLOAD(exit)
{
	MEMBER(signed, stat);
}

PAYLOAD(open)
{
	MEMBER(signed, fflag);
	MEMBER(file, file);
}

PAYLOAD(close)
{
	MEMBER(file, target);
	MEMBER(bool, modified);
	MEMBER(bool, was_mapped_writable);
}

/* The new name of a create or rename; `mode` NULL: not part of it. */
static void put_new_path(struct json *json, const es_file_t *dir, es_string_token_t filename, const mode_t *mode)
{
	json_literal(json, "\"new_path\":{\"dir\":");
	put_file(json, dir);
	json_key(json, "filename");
	put_string(json, filename);
	if (mode) {
		json_key(json, "mode");
		json_unsigned(json, *mode);
	}
	END();
}

static void put_existing_file(struct json *json, const es_file_t *file)
{
	json_key(json, "existing_file");
	put_file(json, file);
}

PAYLOAD(create)
{
	MEMBER(number, destination_type);
	OBJECT(destination);
	if (e->destination_type == ES_DESTINATION_TYPE_EXISTING_FILE)
		put_existing_file(json, e->destination.existing_file);
	else
		put_new_path(json, e->destination.new_path.dir, e->destination.new_path.filename,
			     &e->destination.new_path.mode);
	END();
	json_literal(json, "\"acl\":null,");	/* opaque */
}

PAYLOAD(rename)
{
	MEMBER(file, source);
	MEMBER(number, destination_type);
	OBJECT(destination);
	if (e->destination_type == ES_DESTINATION_TYPE_EXISTING_FILE)
		put_existing_file(json, e->destination.existing_file);
	else
		put_new_path(json, e->destination.new_path.dir, e->destination.new_path.filename, NULL);
	END();
}

PAYLOAD(unlink)
{
	MEMBER(file, target);
	MEMBER(file, parent_dir);
}

PAYLOAD(link)
{
	MEMBER(file, source);
	MEMBER(file, target_dir);
	MEMBER(string, target_filename);
}

PAYLOAD(clone)
{
	MEMBER(file, source);
	MEMBER(file, target_dir);
	MEMBER(string, target_name);
}

PAYLOAD(copyfile)
{
	MEMBER(file, source);
	MEMBER(file, target_file);
	MEMBER(file, target_dir);
	MEMBER(string, target_name);
	MEMBER(number, mode);
	MEMBER(signed, flags);
}

PAYLOAD(exchangedata)
{
	MEMBER(file, file1);
	MEMBER(file, file2);
}

#define TARGET_FILE_PAYLOAD(name) \
	PAYLOAD(name) \
	{ \
		MEMBER(file, target); \
	}

TARGET_FILE_PAYLOAD(write)
TARGET_FILE_PAYLOAD(truncate)
TARGET_FILE_PAYLOAD(chdir)
TARGET_FILE_PAYLOAD(chroot)
TARGET_FILE_PAYLOAD(stat)
TARGET_FILE_PAYLOAD(readdir)
TARGET_FILE_PAYLOAD(listextattr)
TARGET_FILE_PAYLOAD(fsgetpath)
TARGET_FILE_PAYLOAD(dup)

PAYLOAD(readlink)
{
	MEMBER(file, source);
}

PAYLOAD(lookup)
{
	MEMBER(file, source_dir);
	MEMBER(string, relative_target);
}

PAYLOAD(access)
{
	MEMBER(signed, mode);
	MEMBER(file, target);
}

PAYLOAD(utimes)
{
	MEMBER(file, target);
	MEMBER(timespec, atime);
	MEMBER(timespec, mtime);
}

PAYLOAD(setmode)
{
	MEMBER(number, mode);
	MEMBER(file, target);
}

PAYLOAD(setflags)
{
	MEMBER(number, flags);
	MEMBER(file, target);
}

PAYLOAD(setowner)
{
	MEMBER(number, uid);
	MEMBER(number, gid);
	MEMBER(file, target);
}

#define EXTATTR_PAYLOAD(name) \
	PAYLOAD(name) \
	{ \
		MEMBER(file, target); \
		MEMBER(string, extattr); \
	}

EXTATTR_PAYLOAD(setextattr)
EXTATTR_PAYLOAD(getextattr)
EXTATTR_PAYLOAD(deleteextattr)

#define ATTRLIST_PAYLOAD(name) \
	PAYLOAD(name) \
	{ \
		MEMBER(attrlist, attrlist); \
		MEMBER(file, target); \
	}

ATTRLIST_PAYLOAD(getattrlist)
ATTRLIST_PAYLOAD(setattrlist)
ATTRLIST_PAYLOAD(searchfs)

PAYLOAD(setacl)
{
	MEMBER(file, target);
	MEMBER(number, set_or_clear);
	json_literal(json, "\"acl\":null,");	/* opaque */
}

PAYLOAD(fcntl)
{
	MEMBER(file, target);
	MEMBER(signed, cmd);
}

PAYLOAD(mmap)
{
	MEMBER(signed, protection);
	MEMBER(signed, max_protection);
	MEMBER(signed, flags);
	MEMBER(number, file_pos);
	MEMBER(file, source);
}

PAYLOAD(mprotect)
{
	MEMBER(signed, protection);
	MEMBER(number, address);
	MEMBER(number, size);
}

PAYLOAD(mount)
{
	MEMBER(statfs, statfs);
	MEMBER(number, disposition);
}

PAYLOAD(unmount)
{
	MEMBER(statfs, statfs);
}

PAYLOAD(remount)
{
	MEMBER(statfs, statfs);
	MEMBER(number, remount_flags);
	MEMBER(number, disposition);
}

PAYLOAD(kextload)
{
	MEMBER(string, identifier);
}

PAYLOAD(kextunload)
{
	MEMBER(string, identifier);
}

PAYLOAD(signal)
{
	MEMBER(signed, sig);
	MEMBER(process, target);
	MEMBER(process, instigator);
}

PAYLOAD(iokit_open)
{
	MEMBER(number, user_client_type);
	MEMBER(string, user_client_class);
	MEMBER(number, parent_registry_id);
	MEMBER(string, parent_path);
}

#define GET_TASK_PAYLOAD(name) \
	PAYLOAD(name) \
	{ \
		MEMBER(process, target); \
		MEMBER(number, type); \
	}

GET_TASK_PAYLOAD(get_task)
GET_TASK_PAYLOAD(get_task_read)
GET_TASK_PAYLOAD(get_task_inspect)
GET_TASK_PAYLOAD(get_task_name)
GET_TASK_PAYLOAD(proc_suspend_resume)

PAYLOAD(proc_check)
{
	MEMBER(process, target);
	MEMBER(number, type);
	MEMBER(signed, flavor);
}

PAYLOAD(trace)
{
	MEMBER(process, target);
}

PAYLOAD(remote_thread_create)
{
	MEMBER(process, target);
	json_key(json, "thread_state");
	if (!e->thread_state) {
		json_null(json);
		return;
	}
	json_literal(json, "{\"flavor\":");
	json_signed(json, e->thread_state->flavor);
	END();
}

PAYLOAD(cs_invalidated)
{
	(void)json;
	(void)e;
}

PAYLOAD(settime)
{
	(void)json;
	(void)e;
}

PAYLOAD(file_provider_update)
{
	MEMBER(file, source);
	MEMBER(string, target_path);
}

PAYLOAD(file_provider_materialize)
{
	MEMBER(process, instigator);
	MEMBER(file, source);
	MEMBER(file, target);
	MEMBER(token, instigator_token);
}

PAYLOAD(uipc_bind)
{
	MEMBER(file, dir);
	MEMBER(string, filename);
	MEMBER(number, mode);
}

PAYLOAD(uipc_connect)
{
	MEMBER(file, file);
	MEMBER(signed, domain);
	MEMBER(signed, type);
	MEMBER(signed, protocol);
}

PAYLOAD(pty_grant)
{
	MEMBER(number, dev);
}

PAYLOAD(pty_close)
{
	MEMBER(number, dev);
}

PAYLOAD(setuid)
{
	MEMBER(number, uid);
}

PAYLOAD(setgid)
{
	MEMBER(number, gid);
}

PAYLOAD(seteuid)
{
	MEMBER(number, euid);
}

PAYLOAD(setegid)
{
	MEMBER(number, egid);
}

PAYLOAD(setreuid)
{
	MEMBER(number, ruid);
	MEMBER(number, euid);
}

PAYLOAD(setregid)
{
	MEMBER(number, rgid);
	MEMBER(number, egid);
}

static void put_authentication_od(struct json *json, const es_event_authentication_od_t *e)
{
	MEMBER(process, instigator);
	MEMBER(string, record_type);
	MEMBER(string, record_name);
	MEMBER(string, node_name);
	MEMBER(string, db_path);
	MEMBER(token, instigator_token);
}

static void put_authentication_touchid(struct json *json, const es_event_authentication_touchid_t *e)
{
	MEMBER(process, instigator);
	MEMBER(number, touchid_mode);
	MEMBER(bool, has_uid);
	json_key(json, "uid");
	put_uid(json, e->has_uid, e->uid.uid);
	MEMBER(token, instigator_token);
}

static void put_authentication_token(struct json *json, const es_event_authentication_token_t *e)
{
	MEMBER(process, instigator);
	MEMBER(string, pubkey_hash);
	MEMBER(string, token_id);
	MEMBER(string, kerberos_principal);
	MEMBER(token, instigator_token);
}

static void put_authentication_auto_unlock(struct json *json, const es_event_authentication_auto_unlock_t *e)
{
	MEMBER(string, username);
	MEMBER(number, type);
}

POINTER_PAYLOAD(authentication)
{
	MEMBER(bool, success);
	MEMBER(number, type);
	OBJECT(data);
	switch (e->type) {
	case ES_AUTHENTICATION_TYPE_OD:
		OBJECT(od);
		put_authentication_od(json, e->data.od);
		END();
		break;
	case ES_AUTHENTICATION_TYPE_TOUCHID:
		OBJECT(touchid);
		put_authentication_touchid(json, e->data.touchid);
		END();
		break;
	case ES_AUTHENTICATION_TYPE_TOKEN:
		OBJECT(token);
		put_authentication_token(json, e->data.token);
		END();
		break;
	case ES_AUTHENTICATION_TYPE_AUTO_UNLOCK:
		OBJECT(auto_unlock);
		put_authentication_auto_unlock(json, e->data.auto_unlock);
		END();
		break;
	default:
		break;
	}
	END();
}

POINTER_PAYLOAD(xp_malware_detected)
{
	MEMBER(string, signature_version);
	MEMBER(string, malware_identifier);
	MEMBER(string, incident_identifier);
	MEMBER(string, detected_path);
	MEMBER(string, detected_executable);
}

POINTER_PAYLOAD(xp_malware_remediated)
{
	MEMBER(string, signature_version);
	MEMBER(string, malware_identifier);
	MEMBER(string, incident_identifier);
	MEMBER(string, action_type);
	MEMBER(bool, success);
	MEMBER(string, result_description);
	MEMBER(string, remediated_path);
	MEMBER(token_at, remediated_process_audit_token);
}

#define SESSION_PAYLOAD(name) \
	POINTER_PAYLOAD(name) \
	{ \
		MEMBER(string, username); \
		MEMBER(number, graphical_session_id); \
	}

SESSION_PAYLOAD(lw_session_login)
SESSION_PAYLOAD(lw_session_logout)
SESSION_PAYLOAD(lw_session_lock)
SESSION_PAYLOAD(lw_session_unlock)

POINTER_PAYLOAD(screensharing_attach)
{
	MEMBER(bool, success);
	MEMBER(number, source_address_type);
	MEMBER(string, source_address);
	MEMBER(string, viewer_appleid);
	MEMBER(string, authentication_type);
	MEMBER(string, authentication_username);
	MEMBER(string, session_username);
	MEMBER(bool, existing_session);
	MEMBER(number, graphical_session_id);
}

POINTER_PAYLOAD(screensharing_detach)
{
	MEMBER(number, source_address_type);
	MEMBER(string, source_address);
	MEMBER(string, viewer_appleid);
	MEMBER(number, graphical_session_id);
}

POINTER_PAYLOAD(openssh_login)
{
	MEMBER(bool, success);
	MEMBER(number, result_type);
	MEMBER(number, source_address_type);
	MEMBER(string, source_address);
	MEMBER(string, username);
	MEMBER(bool, has_uid);
	json_key(json, "uid");
	put_uid(json, e->has_uid, e->uid.uid);
}

POINTER_PAYLOAD(openssh_logout)
{
	MEMBER(number, source_address_type);
	MEMBER(string, source_address);
	MEMBER(string, username);
	MEMBER(number, uid);
}

POINTER_PAYLOAD(login_login)
{
	MEMBER(bool, success);
	MEMBER(string, failure_message);
	MEMBER(string, username);
	MEMBER(bool, has_uid);
	json_key(json, "uid");
	put_uid(json, e->has_uid, e->uid.uid);
}

POINTER_PAYLOAD(login_logout)
{
	MEMBER(string, username);
	MEMBER(number, uid);
}

static void put_launch_item(struct json *json, const es_btm_launch_item_t *e)
{
	json_open(json, '{');
	MEMBER(number, item_type);
	MEMBER(bool, legacy);
	MEMBER(bool, managed);
	MEMBER(number, uid);
	MEMBER(string, item_url);
	MEMBER(string, app_url);
	END();
}

POINTER_PAYLOAD(btm_launch_item_add)
{
	MEMBER(process, instigator);
	MEMBER(process, app);
	MEMBER(launch_item, item);
	MEMBER(string, executable_path);
	MEMBER(token_at, instigator_token);
	MEMBER(token_at, app_token);
}

POINTER_PAYLOAD(btm_launch_item_remove)
{
	MEMBER(process, instigator);
	MEMBER(process, app);
	MEMBER(launch_item, item);
	MEMBER(token_at, instigator_token);
	MEMBER(token_at, app_token);
}

static void put_profile(struct json *json, const es_profile_t *e)
{
	json_open(json, '{');
	MEMBER(string, identifier);
	MEMBER(string, uuid);
	MEMBER(number, install_source);
	MEMBER(string, organization);
	MEMBER(string, display_name);
	MEMBER(string, scope);
	END();
}

POINTER_PAYLOAD(profile_add)
{
	MEMBER(process, instigator);
	MEMBER(bool, is_update);
	MEMBER(profile, profile);
	MEMBER(token, instigator_token);
}

POINTER_PAYLOAD(profile_remove)
{
	MEMBER(process, instigator);
	MEMBER(profile, profile);
	MEMBER(token, instigator_token);
}

POINTER_PAYLOAD(su)
{
	MEMBER(bool, success);
	MEMBER(string, failure_message);
	MEMBER(number, from_uid);
	MEMBER(string, from_username);
	MEMBER(bool, has_to_uid);
	json_key(json, "to_uid");
	put_uid(json, e->has_to_uid, e->to_uid.uid);
	MEMBER(string, to_username);
	MEMBER(string, shell);
	MEMBER(number, argc);
	json_key(json, "argv");
	put_strings(json, e->argv, e->argc);
	MEMBER(number, env_count);
	json_key(json, "env");
	put_strings(json, e->env, e->env_count);
}

static void put_reject_info(struct json *json, const es_sudo_reject_info_t *e)
{
	if (!e) {
		json_null(json);
		return;
	}
	json_open(json, '{');
	MEMBER(string, plugin_name);
	MEMBER(number, plugin_type);
	MEMBER(string, failure_message);
	END();
}

POINTER_PAYLOAD(sudo)
{
	MEMBER(bool, success);
	MEMBER(reject_info, reject_info);
	MEMBER(bool, has_from_uid);
	json_key(json, "from_uid");
	put_uid(json, e->has_from_uid, e->from_uid.uid);
	MEMBER(string, from_username);
	MEMBER(bool, has_to_uid);
	json_key(json, "to_uid");
	put_uid(json, e->has_to_uid, e->to_uid.uid);
	MEMBER(string, to_username);
	MEMBER(string, command);
}

POINTER_PAYLOAD(authorization_petition)
{
	MEMBER(process, instigator);
	MEMBER(process, petitioner);
	MEMBER(number, flags);
	MEMBER(number, right_count);
	json_key(json, "rights");
	put_strings(json, e->rights, e->right_count);
	MEMBER(token, instigator_token);
	MEMBER(token, petitioner_token);
}

static void put_authorization_result(struct json *json, const es_authorization_result_t *e)
{
	json_open(json, '{');
	MEMBER(string, right_name);
	MEMBER(number, rule_class);
	MEMBER(bool, granted);
	END();
}

POINTER_PAYLOAD(authorization_judgement)
{
	MEMBER(process, instigator);
	MEMBER(process, petitioner);
	MEMBER(signed, return_code);
	MEMBER(number, result_count);
	json_key(json, "results");
	json_open(json, '[');
	for (size_t i = 0; i < e->result_count; i++)
		put_authorization_result(json, &e->results[i]);
	json_close(json, ']');
	MEMBER(token, instigator_token);
	MEMBER(token, petitioner_token);
}

static void put_member(struct json *json, const es_od_member_id_t *e)
{
	json_open(json, '{');
	MEMBER(number, member_type);
	json_key(json, "member_value");
	if (e->member_type == ES_OD_MEMBER_TYPE_USER_NAME)
		put_string(json, e->member_value.name);
	else
		put_uuid(json, e->member_value.uuid);
	END();
}

static void put_members(struct json *json, const es_od_member_id_array_t *e)
{
	json_open(json, '{');
	MEMBER(number, member_type);
	MEMBER(number, member_count);
	json_key(json, "member_array");
	json_open(json, '[');
	for (size_t i = 0; i < e->member_count; i++) {
		if (e->member_type == ES_OD_MEMBER_TYPE_USER_NAME)
			put_string(json, e->member_array.names[i]);
		else
			put_uuid(json, e->member_array.uuids[i]);
	}
	json_close(json, ']');
	END();
}

/* Every od event begins with who and ends with where. */
#define OD_PAYLOAD(name, ...) \
	POINTER_PAYLOAD(name) \
	{ \
		MEMBER(process, instigator); \
		MEMBER(signed, error_code); \
		__VA_ARGS__ \
		MEMBER(string, node_name); \
		MEMBER(string, db_path); \
		MEMBER(token, instigator_token); \
	}

OD_PAYLOAD(od_group_add, MEMBER(string, group_name); MEMBER(member, member);)
OD_PAYLOAD(od_group_remove, MEMBER(string, group_name); MEMBER(member, member);)
OD_PAYLOAD(od_group_set, MEMBER(string, group_name); MEMBER(members, members);)
OD_PAYLOAD(od_modify_password, MEMBER(number, account_type); MEMBER(string, account_name);)
OD_PAYLOAD(od_disable_user, MEMBER(string, user_name);)
OD_PAYLOAD(od_enable_user, MEMBER(string, user_name);)
OD_PAYLOAD(od_create_user, MEMBER(string, user_name);)
OD_PAYLOAD(od_create_group, MEMBER(string, group_name);)
OD_PAYLOAD(od_delete_user, MEMBER(string, user_name);)
OD_PAYLOAD(od_delete_group, MEMBER(string, group_name);)
OD_PAYLOAD(od_attribute_value_add,
	MEMBER(number, record_type); MEMBER(string, record_name);
	MEMBER(string, attribute_name); MEMBER(string, attribute_value);)
OD_PAYLOAD(od_attribute_value_remove,
	MEMBER(number, record_type); MEMBER(string, record_name);
	MEMBER(string, attribute_name); MEMBER(string, attribute_value);)
OD_PAYLOAD(od_attribute_set,
	MEMBER(number, record_type); MEMBER(string, record_name);
	MEMBER(string, attribute_name); MEMBER(number, attribute_value_count);
	json_key(json, "attribute_values");
	put_strings(json, e->attribute_values, e->attribute_value_count);)

POINTER_PAYLOAD(xpc_connect)
{
	MEMBER(string, service_name);
	MEMBER(number, service_domain_type);
}

/* As macOS prints it: the absent hash is the text "NULL", and signing_info is left out. */
POINTER_PAYLOAD(gatekeeper_user_override)
{
	MEMBER(number, file_type);
	if (e->file_type == ES_GATEKEEPER_USER_OVERRIDE_FILE_TYPE_PATH) {
		json_key(json, "file_path");
		put_string(json, e->file.file_path);
	} else {
		json_key(json, "file");
		put_file(json, e->file.file);
	}
	json_key(json, "sha256");
	if (e->sha256)
		json_hex(json, *e->sha256, sizeof(*e->sha256));
	else
		json_literal(json, "\"NULL\",");
}

POINTER_PAYLOAD(tcc_modify)
{
	MEMBER(string, service);
	MEMBER(string, identity);
	MEMBER(number, identity_type);
	MEMBER(number, update_type);
	MEMBER(token, instigator_token);
	MEMBER(process, instigator);
	MEMBER(token_at, responsible_token);
	MEMBER(process, responsible);
	MEMBER(number, right);
	MEMBER(number, reason);
}

POINTER_PAYLOAD(bootstrap_check_in)
{
	MEMBER(process, instigator);
	MEMBER(token, instigator_token);
	MEMBER(string, service_name);
}

static void put_requirement(struct json *json, const es_lightweight_code_requirement_t *e)
{
	if (!e) {
		json_null(json);
		return;
	}
	json_open(json, '{');
	MEMBER(string, team_id);
	MEMBER(string, signing_id);
	END();
}

POINTER_PAYLOAD(bootstrap_look_up)
{
	MEMBER(process, instigator);
	MEMBER(token, instigator_token);
	MEMBER(string, service_name);
	MEMBER(number, target_type);
	OBJECT(target);
	if (e->target_type == ES_BOOTSTRAP_TARGET_TYPE_PROCESS) {
		OBJECT(process);
		json_key(json, "target");
		put_process(json, e->target.process.target);
		json_key(json, "target_token");
		put_token(json, e->target.process.target_token);
		json_key(json, "job_label");
		put_string(json, e->target.process.job_label);
		END();
	} else {
		OBJECT(job);
		json_key(json, "job_label");
		put_string(json, e->target.job.job_label);
		json_key(json, "lwcr");
		put_requirement(json, e->target.job.lwcr);
		END();
	}
	END();
}

static const struct event {
	const char *constant;
	const char *name;
	const char *prefix;		/* the name as a key, and how the payload opens */
	size_t prefix_length;
	void (*put)(struct json *json, const es_message_t *message);
} events[] = {
#define ES_EVENT(constant, number, payload, answer, hook, wait, tracepoint) \
	[number] = { #constant, #payload, "{\"" #payload "\":{", sizeof("{\"" #payload "\":{") - 1, event_##payload },
#include "abi/events.def"
};

_Static_assert(ARRAY_SIZE(events) == ES_EVENT_TYPE_LAST, "abi/events.def and es_event_type_t are of one length");

const char *event_json_name(es_event_type_t type)
{
	if ((unsigned int)type >= ARRAY_SIZE(events) || events[type].put == event_none)
		return NULL;
	return events[type].name;
}

bool event_json_is_notify(es_event_type_t type)
{
	static const char prefix[] = "NOTIFY_";

	return event_json_name(type) && !strncmp(events[type].constant, prefix, sizeof(prefix) - 1);
}

bool event_json_find(const char *name, es_event_type_t *ret_type)
{
	for (size_t type = 0; type < ARRAY_SIZE(events); type++) {
		if (!event_json_is_notify(type) || strcmp(events[type].name, name))
			continue;
		*ret_type = type;
		return true;
	}
	return false;
}

/* An AUTH message has an opaque id there, of which nothing can be shown. */
static void put_action(struct json *json, const es_message_t *message)
{
	const es_result_t *result = &message->action.notify;

	if (message->action_type == ES_ACTION_TYPE_AUTH) {
		json_literal(json, "{\"auth\":{}},");
		return;
	}
	if (result->result_type == ES_RESULT_TYPE_AUTH) {
		json_literal(json, "{\"result\":{\"result_type\":0,\"result\":{\"auth\":");
		json_unsigned(json, result->result.auth);
	} else {
		json_literal(json, "{\"result\":{\"result_type\":1,\"result\":{\"flags\":");
		json_unsigned(json, result->result.flags);
	}
	END();
	END();
	END();
}

static void put_event(struct json *json, const es_message_t *message)
{
	const struct event *event = &events[message->event_type];

	json_raw(json, event->prefix, event->prefix_length);
	event->put(json, message);
	END();
	END();
}

void event_json_message(struct json *json, const es_message_t *message)
{
	const es_message_t *e = message;

	json_literal(json, "{\"schema_version\":1,\"version\":");
	json_unsigned(json, e->version);
	MEMBER(timespec, time);
	MEMBER(number, mach_time);
	MEMBER(number, event_type);
	MEMBER(number, action_type);
	json_key(json, "action");
	put_action(json, e);
	MEMBER(number, seq_num);
	MEMBER(number, global_seq_num);
	json_key(json, "thread");
	if (e->thread) {
		json_literal(json, "{\"thread_id\":");
		json_unsigned(json, e->thread->thread_id);
		END();
	} else {
		json_null(json);
	}
	MEMBER(process, process);
	json_key(json, "event");
	if ((unsigned int)e->event_type < ARRAY_SIZE(events))
		put_event(json, e);
	else
		json_null(json);
	END();
	json_line(json);
}
