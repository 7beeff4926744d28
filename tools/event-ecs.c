/* SPDX-License-Identifier: MIT */

#include "tools/event-ecs.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <EndpointSecurity/ESLinux.h>

#include "tools/event-put.h"

/* --- values --- */

/* Words with a space between, as an array. */
static void put_words(struct json *json, const char *words, const char *more)
{
	json_open(json, '[');
	for (const char *word = words; *word;) {
		size_t length = strcspn(word, " ");

		json_string(json, word, length);
		word += length + (word[length] == ' ');
	}
	if (more)
		put_text(json, more);
	json_close(json, ']');
}

/* --- files --- */

static const char *type_of(mode_t mode)
{
	return S_ISREG(mode) ? "file" : S_ISDIR(mode) ? "dir" : S_ISLNK(mode) ? "symlink" : NULL;
}

static void put_extension(struct json *json, es_string_token_t name)
{
	const char *dot = name.length ? memrchr(name.data, '.', name.length) : NULL;

	if (dot && dot > name.data && dot + 1 < name.data + name.length)
		KEY_TOKEN("extension", ((es_string_token_t){ name.length - (size_t)(dot + 1 - name.data), dot + 1 }));
}

static void put_mode(struct json *json, mode_t mode)
{
	char text[16];

	snprintf(text, sizeof(text), "%04o", (unsigned int)mode & 07777);
	KEY_TEXT("mode", text);
}

static void put_stat(struct json *json, const struct stat *st)
{
	if (!st->st_mode)
		return;
	if (type_of(st->st_mode))
		KEY_TEXT("type", type_of(st->st_mode));
	put_mode(json, st->st_mode);
	KEY_ID("inode", st->st_ino);
	KEY_ID("uid", st->st_uid);
	KEY_ID("gid", st->st_gid);
	KEY_NUMBER("size", st->st_size);
	json_key(json, "mtime");
	json_time(json, st->st_mtim.tv_sec, st->st_mtim.tv_nsec, 9);
	json_key(json, "ctime");
	json_time(json, st->st_ctim.tv_sec, st->st_ctim.tv_nsec, 9);
	json_key(json, "accessed");
	json_time(json, st->st_atim.tv_sec, st->st_atim.tv_nsec, 9);
}

static void put_named(struct json *json, const struct event_named *named)
{
	es_string_token_t name = named->file ? event_base_name(named->file->path) : named->name;

	json_open(json, '{');
	json_key(json, "path");
	event_named_path(json, named);
	KEY_TOKEN("name", name);
	KEY_TOKEN("directory", named->file ? event_folder_name(named->file->path) : named->dir->path);
	put_extension(json, name);
	if (named->file)
		put_stat(json, &named->file->stat);
	else if (named->mode)
		put_mode(json, *named->mode);
	CLOSE();
}

/* --- processes --- */

static void put_entity(struct json *json, const struct event_host *host, const audit_token_t *token)
{
	char id[EVENT_PROCESS_ID_BYTES];

	event_process_id(id, host, token);
	KEY_NUMBER("pid", (int)token->val[5]);
	KEY_TEXT("entity_id", id);
}

static void put_users(struct json *json, const audit_token_t *token)
{
	KEY_OPEN("user"), KEY_ID("id", token->val[1]), CLOSE();
	KEY_OPEN("group"), KEY_ID("id", token->val[2]), CLOSE();
	KEY_OPEN("real_user"), KEY_ID("id", token->val[3]), CLOSE();
	KEY_OPEN("real_group"), KEY_ID("id", token->val[4]), CLOSE();
}

static bool any_set(const uint8_t *bytes, size_t count)
{
	while (count && !bytes[count - 1])
		count--;
	return count;
}

static void put_signature(struct json *json, const es_process_t *process)
{
	char text[16];

	if (any_set(process->cdhash, sizeof(process->cdhash))) {
		KEY_OPEN("hash");
		json_key(json, "cdhash");
		json_hex(json, process->cdhash, sizeof(process->cdhash));
		CLOSE();
	}
	if (!process->signing_id.length && !process->team_id.length && !process->codesigning_flags)
		return;
	snprintf(text, sizeof(text), "0x%x", process->codesigning_flags);
	KEY_OPEN("code_signature");
	KEY_TEXT("flags", text);
	if (process->signing_id.length)
		KEY_TOKEN("signing_id", process->signing_id);
	if (process->team_id.length)
		KEY_TOKEN("team_id", process->team_id);
	CLOSE();
}

static void put_terminal(struct json *json, const es_file_t *tty)
{
	if (!tty)
		return;
	KEY_OPEN("tty"), KEY_OPEN("char_device");
	KEY_NUMBER("major", major(tty->stat.st_rdev));
	KEY_NUMBER("minor", minor(tty->stat.st_rdev));
	CLOSE(), CLOSE();
}

/* The members of a process; the caller closes the object. */
static void put_process(struct json *json, const es_process_t *process, const struct event_host *host)
{
	es_string_token_t path = process->executable ? process->executable->path : (es_string_token_t){ 0, "" };

	put_entity(json, host, &process->audit_token);
	KEY_TOKEN("name", event_base_name(path));
	KEY_TOKEN("executable", path);
	json_key(json, "start");
	json_time(json, process->start_time.tv_sec, process->start_time.tv_usec, 6);
	put_users(json, &process->audit_token);
	put_signature(json, process);
	put_terminal(json, process->tty);
	json_key(json, "interactive");
	json_boolean(json, process->tty);
	KEY_OPEN("parent"), put_entity(json, host, &process->parent_audit_token), CLOSE();
	KEY_OPEN("group_leader"), KEY_NUMBER("pid", process->group_id), CLOSE();
	KEY_OPEN("session_leader"), KEY_NUMBER("pid", process->session_id), CLOSE();
}

static void put_arguments(struct json *json, const es_event_exec_t *exec)
{
	struct event_exec_list arguments = event_exec_arguments(exec);
	es_string_token_t argument;

	json_literal(json, "\"args\":[");
	while (event_exec_next(&arguments, &argument))
		put_token(json, argument);
	json_close(json, ']');
	KEY_NUMBER("args_count", arguments.count);
	json_key(json, "command_line"), event_exec_command(json, exec);
	if (exec->cwd)
		KEY_TOKEN("working_directory", exec->cwd->path);
}

static void put_exit(struct json *json, const es_message_t *message)
{
	int status = message->event.exit.stat;

	KEY_NUMBER("exit_code", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	json_key(json, "end");
	json_time(json, message->time.tv_sec, message->time.tv_nsec, 9);
}

/* The acting process. For an exec or fork, the started process comes first, and the one that started it second. */
static void put_process_of(struct json *json, const es_message_t *message, const struct event_host *host)
{
	es_event_type_t type = message->event_type;
	bool is_exec = type == ES_EVENT_TYPE_NOTIFY_EXEC || type == ES_EVENT_TYPE_AUTH_EXEC;
	const es_process_t *process = is_exec ? message->event.exec.target :
				      type == ES_EVENT_TYPE_NOTIFY_FORK ? message->event.fork.child : message->process;

	KEY_OPEN("process");
	put_process(json, process, host);
	if (is_exec) {
		put_arguments(json, &message->event.exec);
		json_literal(json, "\"previous\":[{");
		put_process(json, message->process, host);
		CLOSE(), json_close(json, ']');
	} else if (type == ES_EVENT_TYPE_NOTIFY_EXIT) {
		put_exit(json, message);
	}
	if (process == message->process && message->thread)
		KEY_OPEN("thread"), KEY_UNSIGNED("id", message->thread->thread_id), CLOSE();
	CLOSE();
}

/* --- users, and where they come from --- */

static void put_user(struct json *json, const struct event_parts *parts, const char *name_key, const char *id_key)
{
	es_string_token_t name = event_part_string(parts, name_key);

	json_open(json, '{');
	if (name.length)
		KEY_TOKEN("name", name);
	if (event_part_has(parts, id_key))
		KEY_ID("id", (uint32_t)event_part_number(parts, id_key, 0));
	CLOSE();
}

static const char *first_of(const struct event_parts *parts, const char *const *keys)
{
	while (*keys && !event_part_string(parts, *keys).length)
		keys++;
	return *keys;
}

/*
 * user is the acting user: the one who switches to another or logs in, else the acting process's. user.effective is the
 * user after a switch, user.target the one whose account or membership is changed.
 */
static void put_users_of(struct json *json, const struct event_parts *parts, const struct event_format *format)
{
	static const char *const logged_in[] = { "username", "session_username", "record_name", NULL };
	static const char *const changed[] = { "user_name", "account_name", "member_value", "record_name", NULL };
	bool is_switch = event_part_has(parts, "to_username");
	bool is_change = format->class == OCSF_ACCOUNT || format->class == OCSF_GROUP;
	const char *name = is_switch ? "from_username" : format->class == OCSF_AUTHENTICATION ? first_of(parts, logged_in) : NULL;

	json_key(json, "user");
	if (name) {
		put_user(json, parts, name, is_switch ? "from_uid" : "uid");
	} else {
		json_open(json, '{');
		KEY_ID("id", (parts->instigator ?: parts->message->process)->audit_token.val[1]);
		CLOSE();
	}
	name = is_switch ? "to_username" : is_change ? first_of(parts, changed) : NULL;
	if (!name || (format->class == OCSF_GROUP && !strcmp(name, "record_name")))
		return;
	json->length -= !json->failed * 2;
	json_literal(json, ",");
	if (is_switch)
		json_key(json, "effective");
	else
		json_key(json, "target");
	put_user(json, parts, name, "to_uid");
	CLOSE();
}

static void put_group(struct json *json, const struct event_parts *parts, const struct event_format *format)
{
	if (format->class != OCSF_GROUP)
		return;
	KEY_OPEN("group");
	KEY_TOKEN("name", event_part_string(parts, event_part_has(parts, "group_name") ? "group_name" : "record_name"));
	CLOSE();
}

static void put_source(struct json *json, const struct event_parts *parts)
{
	es_string_token_t address = event_part_string(parts, "source_address");
	int64_t type = event_part_number(parts, "source_address_type", ES_ADDRESS_TYPE_NONE);

	if (!address.length)
		return;
	KEY_OPEN("source");
	KEY_TOKEN("address", address);
	if (type == ES_ADDRESS_TYPE_IPV4 || type == ES_ADDRESS_TYPE_IPV6)
		KEY_TOKEN("ip", address);
	CLOSE();
}

/* --- the message --- */

void event_ecs_host(struct json *json, const struct event_host *host)
{
	KEY_OPEN("host");
	if (*host->name)
		KEY_TEXT("name", host->name), KEY_TEXT("hostname", host->name);
	if (*host->id)
		KEY_TEXT("id", host->id);
	if (*host->machine)
		KEY_TEXT("architecture", host->machine);
	if (*host->boot_id)
		KEY_OPEN("boot"), KEY_TEXT("id", host->boot_id), CLOSE();
	KEY_OPEN("os"), KEY_TEXT("type", "linux");
	if (*host->kernel)
		KEY_TEXT("kernel", host->kernel);
	CLOSE(), CLOSE();
}

static void put_event(struct json *json, const struct event_parts *parts, const struct event_format *format,
		      const struct event_host *host)
{
	static const char *const outcomes[] = {
		[EVENT_DONE] = "success", [EVENT_FAILED] = "failure", [EVENT_DENIED] = "failure", [EVENT_ASKED] = "unknown",
	};
	const es_message_t *message = parts->message;
	enum event_outcome outcome = event_outcome(parts);
	bool denied = outcome == EVENT_DENIED;
	char id[64];

	KEY_OPEN("event");
	KEY_TEXT("kind", "event");
	json_key(json, "category"), put_words(json, format->category, denied ? "intrusion_detection" : NULL);
	json_key(json, "type"), put_words(json, format->type, denied ? "denied" : NULL);
	KEY_TEXT("action", format->action);
	KEY_TEXT("outcome", outcomes[outcome]);
	KEY_TEXT("code", event_constant(message->event_type));
	KEY_TEXT("module", "endpoint_security");
	KEY_TEXT("dataset", "endpoint_security.events");
	KEY_TEXT("provider", "endpoint_security");
	KEY_UNSIGNED("sequence", message->global_seq_num);
	if (*host->client) {
		snprintf(id, sizeof(id), "%s:%ju", host->client, (uintmax_t)host->number);
		KEY_TEXT("id", id);
	}
	CLOSE();
}

/* A connection within the machine: to a socket's path, or a service's name. */
static void put_destination(struct json *json, const struct event_parts *parts)
{
	es_string_token_t name = event_part_string(parts, "service_name");

	KEY_OPEN("destination");
	json_key(json, "address");
	if (event_named_is(&parts->about))
		event_named_path(json, &parts->about);
	else
		put_token(json, name);
	CLOSE();
}

static void put_own(struct json *json, const struct event_parts *parts, const struct event_host *host)
{
	const es_message_t *message = parts->message;
	es_event_type_t type = message->event_type;
	bool is_start = type == ES_EVENT_TYPE_NOTIFY_EXEC || type == ES_EVENT_TYPE_AUTH_EXEC ||
			type == ES_EVENT_TYPE_NOTIFY_FORK;

	KEY_OPEN("endpoint_security");
	if (*host->client)
		KEY_OPEN("esship"), event_put_stream(json, host), CLOSE();
	KEY_UNSIGNED("mach_time", message->mach_time);
	KEY_UNSIGNED("seq_num", message->seq_num);
	if (event_named_is(&parts->about) && event_named_is(&parts->result))
		json_key(json, "original"), put_named(json, &parts->about);
	if (parts->target && !is_start)
		KEY_OPEN("target"), put_process(json, parts->target, host), CLOSE();
	if (parts->instigator)
		KEY_OPEN("instigator"), put_process(json, parts->instigator, host), CLOSE();
	event_rest(json, message);
	CLOSE();
}

void event_ecs_message(struct json *json, const es_message_t *message, const struct event_host *host)
{
	struct event_format format;
	struct event_parts parts;

	event_parts_gather(&parts, message);
	if (!event_format_of(&format, &parts))
		return;
	json_literal(json, "{\"@timestamp\":");
	json_time(json, message->time.tv_sec, message->time.tv_nsec, 9);
	KEY_OPEN("ecs"), KEY_TEXT("version", EVENT_ECS_VERSION), CLOSE();
	put_event(json, &parts, &format, host);
	event_ecs_host(json, host);
	put_process_of(json, message, host);
	put_users_of(json, &parts, &format);
	put_group(json, &parts, &format);
	if (format.class == OCSF_NETWORK)
		put_destination(json, &parts);
	else if (event_named_is(event_named_is(&parts.result) ? &parts.result : &parts.about))
		json_key(json, "file"), put_named(json, event_named_is(&parts.result) ? &parts.result : &parts.about);
	put_source(json, &parts);
	put_own(json, &parts, host);
	CLOSE();
	json_line(json);
}
