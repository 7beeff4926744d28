/* SPDX-License-Identifier: MIT */

#include "tools/event-ocsf.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <EndpointSecurity/ESLinux.h>

#include "tools/event-put.h"

enum { SEVERITY_INFORMATIONAL = 1, SEVERITY_MEDIUM = 3 };
enum { STATUS_UNKNOWN, STATUS_SUCCESS, STATUS_FAILURE };
enum { ACTION_UNKNOWN = 0, ACTION_DENIED = 2, ACTION_OBSERVED = 3 };
enum { DISPOSITION_UNKNOWN = 0, DISPOSITION_BLOCKED = 2, DISPOSITION_LOGGED = 17 };
enum { LAUNCH_FORK = 2, LAUNCH_EXEC = 3 };
enum { LOGON_INTERACTIVE = 2, LOGON_NETWORK = 3, LOGON_UNLOCK = 7, LOGON_REMOTE_INTERACTIVE = 10 };
enum { TYPE_UNKNOWN = 0, TYPE_OTHER = 99, LINUX = 200, MODULE_MAPPED = 4, SUBSTITUTE_USER = 1 };

/* The input of the functions below: a message, by parts. */
struct ocsf {
	struct json *json;
	const es_message_t *message;
	const struct event_host *host;
	struct event_parts parts;
	struct event_format format;
};

/* --- values --- */

/* Milliseconds since the epoch. */
static int64_t milliseconds(int64_t seconds, int64_t nanoseconds)
{
	return seconds * 1000 + nanoseconds / 1000000;
}

/* --- objects --- */

static int file_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return 1;
	case S_IFDIR:
		return 2;
	case S_IFCHR:
		return 3;
	case S_IFBLK:
		return 4;
	case S_IFSOCK:
		return 5;
	case S_IFIFO:
		return 6;
	case S_IFLNK:
		return 7;
	default:
		return TYPE_UNKNOWN;
	}
}

static void put_stat(struct json *json, const struct stat *st)
{
	char uid[48];

	if (!st->st_mode)
		return;
	snprintf(uid, sizeof(uid), "%u:%u:%ju", major(st->st_dev), minor(st->st_dev), (uintmax_t)st->st_ino);
	KEY_TEXT("uid", uid);
	KEY_NUMBER("size", st->st_size);
	KEY_OPEN("owner"), KEY_ID("uid", st->st_uid), CLOSE();
	KEY_NUMBER("accessed_time", milliseconds(st->st_atim.tv_sec, st->st_atim.tv_nsec));
	KEY_NUMBER("modified_time", milliseconds(st->st_mtim.tv_sec, st->st_mtim.tv_nsec));
}

static void put_named(struct json *json, const struct event_named *named)
{
	const es_file_t *file = named->file;

	json_open(json, '{');
	KEY_TOKEN("name", file ? event_base_name(file->path) : named->name);
	KEY_NUMBER("type_id", file_type(file ? file->stat.st_mode : named->mode ? *named->mode : 0));
	json_key(json, "path");
	event_named_path(json, named);
	KEY_TOKEN("parent_folder", file ? event_folder_name(file->path) : named->dir->path);
	if (file)
		put_stat(json, &file->stat);
	CLOSE();
}

static void put_file(struct json *json, const es_file_t *file)
{
	put_named(json, &(struct event_named){ .file = file });
}

/* A file of which only the name and type are known. */
static void put_name(struct json *json, es_string_token_t name, int type)
{
	json_open(json, '{');
	KEY_TOKEN("name", event_base_name(name));
	KEY_NUMBER("type_id", type);
	KEY_TOKEN("path", name);
	CLOSE();
}

static void put_entity(const struct ocsf *ocsf, const audit_token_t *token)
{
	struct json *json = ocsf->json;
	char id[EVENT_PROCESS_ID_BYTES];

	event_process_id(id, ocsf->host, token);
	KEY_NUMBER("pid", (int)token->val[5]);
	KEY_TEXT("uid", id);
}

/* auid, euid, egid and group are the profile linux_users'. */
static void put_users(struct json *json, const audit_token_t *token)
{
	KEY_OPEN("user"), KEY_ID("uid", token->val[3]), CLOSE();
	KEY_OPEN("group"), KEY_ID("uid", token->val[4]), CLOSE();
	KEY_UNSIGNED("auid", token->val[0]);
	KEY_UNSIGNED("euid", token->val[1]);
	KEY_UNSIGNED("egid", token->val[2]);
}

static void put_process(const struct ocsf *ocsf, const es_process_t *process)
{
	struct json *json = ocsf->json;
	const es_event_exec_t *exec = &ocsf->message->event.exec;
	bool is_exec = ocsf->format.class == OCSF_PROCESS && process == ocsf->parts.target &&
		       (ocsf->message->event_type == ES_EVENT_TYPE_NOTIFY_EXEC ||
			ocsf->message->event_type == ES_EVENT_TYPE_AUTH_EXEC);

	json_open(json, '{');
	put_entity(ocsf, &process->audit_token);
	if (process->executable) {
		KEY_TOKEN("name", event_base_name(process->executable->path));
		json_key(json, "file"), put_file(json, process->executable);
	}
	KEY_NUMBER("created_time", milliseconds(process->start_time.tv_sec, process->start_time.tv_usec * 1000));
	put_users(json, &process->audit_token);
	KEY_OPEN("session"), KEY_ID("uid", process->audit_token.val[6]), CLOSE();
	KEY_OPEN("parent_process"), put_entity(ocsf, &process->parent_audit_token), CLOSE();
	if (is_exec) {
		json_key(json, "cmd_line"), event_exec_command(json, exec);
		if (exec->cwd)
			KEY_TOKEN("working_directory", exec->cwd->path);
	}
	if (process == ocsf->message->process && ocsf->message->thread)
		KEY_UNSIGNED("tid", ocsf->message->thread->thread_id);
	CLOSE();
}

static void put_user(const struct ocsf *ocsf, const char *const *names, const char *id_key)
{
	struct json *json = ocsf->json;

	while (*names && !event_part_string(&ocsf->parts, *names).length)
		names++;
	json_open(json, '{');
	KEY_TOKEN("name", event_part_string(&ocsf->parts, *names ?: ""));
	if (event_part_has(&ocsf->parts, id_key))
		KEY_ID("uid", (uint32_t)event_part_number(&ocsf->parts, id_key, 0));
	CLOSE();
}

static void put_actor(const struct ocsf *ocsf)
{
	static const char *const from[] = { "from_username", NULL };
	struct json *json = ocsf->json;

	KEY_OPEN("actor");
	json_key(json, "process");
	put_process(ocsf, ocsf->parts.instigator ?: ocsf->message->process);
	if (event_part_has(&ocsf->parts, "from_username"))
		json_key(json, "user"), put_user(ocsf, from, "from_uid");
	CLOSE();
}

void event_ocsf_device(struct json *json, const struct event_host *host)
{
	KEY_OPEN("device");
	KEY_NUMBER("type_id", TYPE_UNKNOWN);
	if (*host->name)
		KEY_TEXT("hostname", host->name);
	if (*host->id)
		KEY_TEXT("uid", host->id);
	if (*host->boot_id)
		KEY_TEXT("boot_uid", host->boot_id);
	KEY_OPEN("os"), KEY_TEXT("name", "Linux"), KEY_NUMBER("type_id", LINUX);
	if (*host->kernel)
		KEY_TEXT("kernel_release", host->kernel);
	CLOSE(), CLOSE();
}

void event_ocsf_metadata(struct json *json, const struct event_host *host, const char *code, uint64_t sequence)
{
	char uid[64];

	json_literal(json, "\"metadata\":{\"version\":\"" EVENT_OCSF_VERSION "\",\"product\":{\"name\":\"Endpoint Security for "
		     "Linux\",\"vendor_name\":\"Endpoint Security for Linux\",\"version\":\"" ES_LINUX_VERSION_STRING "\"},"
		     "\"profiles\":[\"host\",\"security_control\",\"datetime\",\"linux\\/linux_users\"],");
	KEY_TEXT("log_name", "endpoint_security");
	KEY_TEXT("event_code", code);
	KEY_UNSIGNED("sequence", sequence);
	if (*host->client) {
		snprintf(uid, sizeof(uid), "%s:%ju", host->client, (uintmax_t)host->number);
		KEY_TEXT("uid", uid);
	}
	CLOSE();
}

/* --- what a class has besides --- */

static void put_file_class(const struct ocsf *ocsf)
{
	const struct event_parts *parts = &ocsf->parts;
	struct json *json = ocsf->json;
	uint64_t device = (uint64_t)event_part_number(parts, "dev", 0);
	char text[24];

	json_key(json, "file");
	if (event_named_is(&parts->about)) {
		put_named(json, &parts->about);
	} else if (event_part_has(parts, "dev")) {
		snprintf(text, sizeof(text), "%u:%u", major(device), minor(device));
		put_name(json, (es_string_token_t){ strlen(text), text }, 3);
	} else if (event_part_has(parts, "f_mntonname")) {
		put_name(json, event_part_string(parts, "f_mntonname"), 2);
	} else {
		put_name(json, event_part_string(parts, "file_path"), TYPE_UNKNOWN);
	}
	if (event_named_is(&parts->result))
		json_key(json, "file_result"), put_named(json, &parts->result);
}

static void put_driver_class(const struct ocsf *ocsf)
{
	struct json *json = ocsf->json;

	KEY_OPEN("driver"), json_key(json, "file");
	put_name(json, event_part_string(&ocsf->parts, "identifier"), TYPE_UNKNOWN);
	CLOSE();
}

static void put_kernel_class(const struct ocsf *ocsf)
{
	struct json *json = ocsf->json;
	es_string_token_t class = event_part_string(&ocsf->parts, "user_client_class");

	KEY_OPEN("kernel");
	if (class.length)
		KEY_TOKEN("name", class);
	else
		KEY_TEXT("name", "clock");
	KEY_NUMBER("type_id", TYPE_OTHER);
	CLOSE();
}

static void put_memory_class(const struct ocsf *ocsf)
{
	struct json *json = ocsf->json;
	char text[24];

	json_key(json, "process"), put_process(ocsf, ocsf->message->process);
	KEY_NUMBER("requested_permissions", event_part_number(&ocsf->parts, "protection", 0));
	if (!event_part_has(&ocsf->parts, "address"))
		return;
	snprintf(text, sizeof(text), "0x%jx", (uintmax_t)event_part_number(&ocsf->parts, "address", 0));
	KEY_TEXT("base_address", text);
	KEY_NUMBER("size", event_part_number(&ocsf->parts, "size", 0));
}

static void put_module_class(const struct ocsf *ocsf)
{
	struct json *json = ocsf->json;

	KEY_OPEN("module");
	json_key(json, "file"), put_named(json, &ocsf->parts.about);
	KEY_NUMBER("load_type_id", MODULE_MAPPED);
	CLOSE();
}

static void put_job_class(const struct ocsf *ocsf)
{
	struct json *json = ocsf->json;
	es_string_token_t url = event_part_string(&ocsf->parts, "item_url");
	es_string_token_t path = event_part_string(&ocsf->parts, "executable_path");

	KEY_OPEN("job");
	KEY_TOKEN("name", event_base_name(url));
	json_key(json, "file"), put_name(json, path.length ? path : url, TYPE_UNKNOWN);
	CLOSE();
}

static void put_process_class(const struct ocsf *ocsf)
{
	es_event_type_t type = ocsf->message->event_type;
	struct json *json = ocsf->json;
	int status = ocsf->message->event.exit.stat;

	json_key(json, "process"), put_process(ocsf, ocsf->parts.target ?: ocsf->message->process);
	if (type == ES_EVENT_TYPE_NOTIFY_EXEC || type == ES_EVENT_TYPE_AUTH_EXEC)
		KEY_NUMBER("launch_type_id", LAUNCH_EXEC);
	else if (type == ES_EVENT_TYPE_NOTIFY_FORK)
		KEY_NUMBER("launch_type_id", LAUNCH_FORK);
	else if (type == ES_EVENT_TYPE_NOTIFY_EXIT)
		KEY_NUMBER("exit_code", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

static void put_finding_class(const struct ocsf *ocsf)
{
	struct json *json = ocsf->json;

	KEY_OPEN("finding_info");
	KEY_TOKEN("title", event_part_string(&ocsf->parts, "malware_identifier"));
	KEY_TOKEN("uid", event_part_string(&ocsf->parts, "incident_identifier"));
	CLOSE();
}

static void put_account_class(const struct ocsf *ocsf)
{
	static const char *const names[] = { "user_name", "account_name", "record_name", NULL };

	json_key(ocsf->json, "user"), put_user(ocsf, names, "uid");
}

static const char *service_of(es_event_type_t type)
{
	switch (type) {
	case ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGIN:
	case ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGOUT:
		return "sshd";
	case ES_EVENT_TYPE_NOTIFY_LOGIN_LOGIN:
	case ES_EVENT_TYPE_NOTIFY_LOGIN_LOGOUT:
		return "login";
	case ES_EVENT_TYPE_NOTIFY_SU:
		return "su";
	case ES_EVENT_TYPE_NOTIFY_SUDO:
		return "sudo";
	case ES_EVENT_TYPE_NOTIFY_SCREENSHARING_ATTACH:
	case ES_EVENT_TYPE_NOTIFY_SCREENSHARING_DETACH:
		return "screen sharing";
	case ES_EVENT_TYPE_NOTIFY_AUTHENTICATION:
		return "authentication";
	default:
		return "session manager";
	}
}

/* 0: unknown. */
static int logon_type(es_event_type_t type)
{
	switch (type) {
	case ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGIN:
		return LOGON_NETWORK;
	case ES_EVENT_TYPE_NOTIFY_SCREENSHARING_ATTACH:
		return LOGON_REMOTE_INTERACTIVE;
	case ES_EVENT_TYPE_NOTIFY_LOGIN_LOGIN:
	case ES_EVENT_TYPE_NOTIFY_LW_SESSION_LOGIN:
		return LOGON_INTERACTIVE;
	case ES_EVENT_TYPE_NOTIFY_LW_SESSION_UNLOCK:
		return LOGON_UNLOCK;
	default:
		return 0;
	}
}

static void put_source(const struct ocsf *ocsf)
{
	es_string_token_t address = event_part_string(&ocsf->parts, "source_address");
	int64_t type = event_part_number(&ocsf->parts, "source_address_type", ES_ADDRESS_TYPE_NONE);
	struct json *json = ocsf->json;

	if (!address.length)
		return;
	KEY_OPEN("src_endpoint");
	if (type == ES_ADDRESS_TYPE_IPV4 || type == ES_ADDRESS_TYPE_IPV6)
		KEY_TOKEN("ip", address);
	else
		KEY_TOKEN("name", address);
	CLOSE();
}

static void put_authentication_class(const struct ocsf *ocsf)
{
	static const char *const names[] = { "to_username", "username", "session_username", "record_name", NULL };
	es_event_type_t type = ocsf->message->event_type;
	const char *service = service_of(type);
	struct json *json = ocsf->json;
	bool is_switch = event_part_has(&ocsf->parts, "to_username");

	json_key(json, "user"), put_user(ocsf, names, is_switch ? "to_uid" : "uid");
	KEY_OPEN("service"), KEY_TEXT("name", service), CLOSE();
	if (logon_type(type))
		KEY_NUMBER("logon_type_id", logon_type(type));
	if (is_switch)
		KEY_NUMBER("account_switch_type_id", SUBSTITUTE_USER);
	if (event_part_has(&ocsf->parts, "source_address"))
		json_key(json, "is_remote"), json_boolean(json, event_part_string(&ocsf->parts, "source_address").length);
	put_source(ocsf);
	if (event_part_has(&ocsf->parts, "graphical_session_id")) {
		KEY_OPEN("session"), KEY_ID("uid", (uint32_t)event_part_number(&ocsf->parts, "graphical_session_id", 0));
		CLOSE();
	}
}

/* The rights that are requested or decided on. */
static void put_privileges(const struct ocsf *ocsf)
{
	const es_message_t *message = ocsf->message;
	struct json *json = ocsf->json;

	json_literal(json, "\"privileges\":[");
	if (message->event_type == ES_EVENT_TYPE_NOTIFY_AUTHORIZATION_PETITION) {
		for (size_t i = 0; i < message->event.authorization_petition->right_count; i++)
			put_token(json, message->event.authorization_petition->rights[i]);
	} else if (message->event_type == ES_EVENT_TYPE_NOTIFY_AUTHORIZATION_JUDGEMENT) {
		for (size_t i = 0; i < message->event.authorization_judgement->result_count; i++)
			put_token(json, message->event.authorization_judgement->results[i].right_name);
	} else {
		put_token(json, event_part_string(&ocsf->parts, "service"));
	}
	json_close(json, ']');
}

static void put_authorize_class(const struct ocsf *ocsf)
{
	struct json *json = ocsf->json;

	KEY_OPEN("user");
	KEY_ID("uid", (ocsf->parts.instigator ?: ocsf->message->process)->audit_token.val[3]);
	CLOSE();
	put_privileges(ocsf);
}

static void put_entity_class(const struct ocsf *ocsf)
{
	struct json *json = ocsf->json;

	KEY_OPEN("entity");
	KEY_TOKEN("name", event_part_string(&ocsf->parts, "identifier"));
	KEY_TOKEN("uid", event_part_string(&ocsf->parts, "uuid"));
	KEY_TEXT("type", "configuration profile");
	CLOSE();
}

static void put_group_class(const struct ocsf *ocsf)
{
	static const char *const members[] = { "member_value", NULL };
	const struct event_parts *parts = &ocsf->parts;
	struct json *json = ocsf->json;

	KEY_OPEN("group");
	KEY_TOKEN("name", event_part_string(parts, event_part_has(parts, "group_name") ? "group_name" : "record_name"));
	CLOSE();
	if (event_part_string(parts, "member_value").length)
		json_key(json, "user"), put_user(ocsf, members, "");
}

static void put_network_class(const struct ocsf *ocsf)
{
	struct json *json = ocsf->json;

	KEY_OPEN("dst_endpoint"), json_key(json, "name");
	if (event_named_is(&ocsf->parts.about))
		event_named_path(json, &ocsf->parts.about);
	else
		put_token(json, event_part_string(&ocsf->parts, "service_name"));
	CLOSE();
}

static void put_class(const struct ocsf *ocsf)
{
	static const struct {
		enum ocsf_class class;
		void (*put)(const struct ocsf *ocsf);
	} classes[] = {
		{ OCSF_FILE, put_file_class }, { OCSF_DRIVER, put_driver_class }, { OCSF_KERNEL, put_kernel_class },
		{ OCSF_MEMORY, put_memory_class }, { OCSF_MODULE, put_module_class }, { OCSF_JOB, put_job_class },
		{ OCSF_PROCESS, put_process_class }, { OCSF_FINDING, put_finding_class },
		{ OCSF_ACCOUNT, put_account_class }, { OCSF_AUTHENTICATION, put_authentication_class },
		{ OCSF_AUTHORIZE, put_authorize_class }, { OCSF_ENTITY, put_entity_class }, { OCSF_GROUP, put_group_class },
		{ OCSF_NETWORK, put_network_class },
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (classes[i].class == ocsf->format.class)
			classes[i].put(ocsf);
}

/* --- the message --- */

static void put_outcome(const struct ocsf *ocsf)
{
	static const struct { int severity, status, action, disposition; } of[] = {
		[EVENT_DONE] = { SEVERITY_INFORMATIONAL, STATUS_SUCCESS, ACTION_OBSERVED, DISPOSITION_LOGGED },
		[EVENT_FAILED] = { SEVERITY_INFORMATIONAL, STATUS_FAILURE, ACTION_OBSERVED, DISPOSITION_LOGGED },
		[EVENT_DENIED] = { SEVERITY_MEDIUM, STATUS_FAILURE, ACTION_DENIED, DISPOSITION_BLOCKED },
		[EVENT_ASKED] = { SEVERITY_INFORMATIONAL, STATUS_UNKNOWN, ACTION_UNKNOWN, DISPOSITION_UNKNOWN },
	};
	enum event_outcome outcome = event_outcome(&ocsf->parts);
	struct json *json = ocsf->json;

	KEY_NUMBER("severity_id", of[outcome].severity);
	KEY_NUMBER("status_id", of[outcome].status);
	KEY_NUMBER("action_id", of[outcome].action);
	KEY_NUMBER("disposition_id", of[outcome].disposition);
}

static void put_classification(const struct ocsf *ocsf)
{
	int class = (int)ocsf->format.class, activity = (int)ocsf->format.activity;
	struct json *json = ocsf->json;

	KEY_NUMBER("category_uid", class / 1000);
	KEY_NUMBER("class_uid", class);
	KEY_NUMBER("activity_id", activity);
	KEY_TEXT("activity_name", ocsf->format.name);
	KEY_NUMBER("type_uid", class * 100 + activity);
}

void event_ocsf_message(struct json *json, const es_message_t *message, const struct event_host *host)
{
	struct ocsf ocsf = { .json = json, .message = message, .host = host };

	event_parts_gather(&ocsf.parts, message);
	if (!event_format_of(&ocsf.format, &ocsf.parts))
		return;
	json_open(json, '{');
	KEY_NUMBER("time", milliseconds(message->time.tv_sec, message->time.tv_nsec));
	json_key(json, "time_dt");
	json_time(json, message->time.tv_sec, message->time.tv_nsec, 9);
	put_classification(&ocsf);
	put_outcome(&ocsf);
	event_ocsf_metadata(json, host, event_constant(message->event_type), message->global_seq_num);
	event_ocsf_device(json, host);
	put_actor(&ocsf);
	put_class(&ocsf);
	KEY_OPEN("unmapped");
	if (*host->client)
		KEY_OPEN("esship"), event_put_stream(json, host), CLOSE();
	KEY_UNSIGNED("mach_time", message->mach_time);
	KEY_UNSIGNED("seq_num", message->seq_num);
	event_rest(json, message);
	CLOSE();
	CLOSE();
	json_line(json);
}
