/* SPDX-License-Identifier: MIT */

/*
 * tools/event-json.c: messages made by hand against the JSON they must become, compared as objects by json-c.
 *
 * With --all it prints one message of each event instead, for test-event-keys.
 */

#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <json-c/json.h>

#include <EndpointSecurity/ESLinux.h>

#include "tools/event.h"
#include "tools/event-json.h"
#include "util/macro.h"

#define STRING(text) ((es_string_token_t){ sizeof(text) - 1, text })

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

/* One file is seen by another name, and is where nobody else can see it. */
static const es_file_t *flagged;

bool es_linux_file(const es_message_t *message, const es_file_t *file, es_linux_file_t *info)
{
	assert(message);
	if (file != flagged)
		return false;
	*info = (es_linux_file_t){ .unreachable = true, .mount_namespace = 4026532842,
				   .actors_path = STRING("/view"), .real_path = { 0, "" } };
	return true;
}

/* --- what messages are made of, and what that looks like --- */

static es_file_t tool = {
	.path = STRING("/usr/sbin/tool"),
	.stat = {
		.st_dev = 2049, .st_ino = 1152921500312525701, .st_mode = 0100755, .st_nlink = 2, .st_uid = 1, .st_gid = 3,
		.st_rdev = 4, .st_size = 259504, .st_blocks = 152, .st_blksize = 4096,
		.st_atim = { 1752042434, 0 }, .st_mtim = { 1752042434, 1 }, .st_ctim = { -1, 999999999 },
	},
};
#define TOOL \
	"{'path':'\\/usr\\/sbin\\/tool','path_truncated':false,'stat':{'st_dev':2049,'st_ino':1152921500312525701," \
	"'st_mode':33261,'st_nlink':2,'st_uid':1,'st_gid':3,'st_rdev':4,'st_size':259504,'st_blocks':152," \
	"'st_blksize':4096,'st_flags':0,'st_gen':0,'st_atimespec':'2025-07-09T06:27:14.000000000Z'," \
	"'st_mtimespec':'2025-07-09T06:27:14.000000001Z','st_ctimespec':'1969-12-31T23:59:59.999999999Z'," \
	"'st_birthtimespec':'1970-01-01T00:00:00.000000000Z'}}"

static es_file_t bare = { .path = STRING("/b"), .path_truncated = true };
#define BARE \
	"{'path':'/b','path_truncated':true,'stat':{'st_dev':0,'st_ino':0,'st_mode':0,'st_nlink':0,'st_uid':0," \
	"'st_gid':0,'st_rdev':0,'st_size':0,'st_blocks':0,'st_blksize':0,'st_flags':0,'st_gen':0," \
	"'st_atimespec':'1970-01-01T00:00:00.000000000Z','st_mtimespec':'1970-01-01T00:00:00.000000000Z'," \
	"'st_ctimespec':'1970-01-01T00:00:00.000000000Z','st_birthtimespec':'1970-01-01T00:00:00.000000000Z'}}"

#define TOKEN(number) { { 4294967295, number, 20, 501, 21, 1000 + number, 100017, 170692 } }
#define TOKEN_JSON(number, pid) \
	"{'auid':4294967295,'euid':" number ",'egid':20,'ruid':501,'rgid':21,'pid':" pid ",'asid':100017," \
	"'pidversion':170692}"

static es_process_t actor = {
	.audit_token = TOKEN(1), .parent_audit_token = TOKEN(2), .responsible_audit_token = TOKEN(3),
	.ppid = 532, .original_ppid = 533, .group_id = 534, .session_id = 535,
	.codesigning_flags = 637623057, .is_platform_binary = true,
	.cdhash = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, [19] = 0xff },
	.signing_id = STRING("com.example.tool"), .executable = &tool, .start_time = { 1754579589, 798115 },
	.cs_validation_category = ES_CS_VALIDATION_CATEGORY_NONE,
};
#define ACTOR \
	"{'audit_token':" TOKEN_JSON("1", "1001") ",'parent_audit_token':" TOKEN_JSON("2", "1002") "," \
	"'responsible_audit_token':" TOKEN_JSON("3", "1003") ",'ppid':532,'original_ppid':533,'group_id':534," \
	"'session_id':535,'codesigning_flags':637623057,'is_platform_binary':true,'is_es_client':false," \
	"'cdhash':'0123456789ABCDEF0000000000000000000000FF','signing_id':'com.example.tool','team_id':null," \
	"'executable':" TOOL ",'tty':null,'start_time':'2025-08-07T15:13:09.798115Z','cs_validation_category':10}"

static es_process_t other = { .executable = &bare, .tty = &tool, .is_es_client = true, .team_id = STRING("") };
#define NO_TOKEN "{'auid':0,'euid':0,'egid':0,'ruid':0,'rgid':0,'pid':0,'asid':0,'pidversion':0}"
#define OTHER \
	"{'audit_token':" NO_TOKEN ",'parent_audit_token':" NO_TOKEN ",'responsible_audit_token':" NO_TOKEN "," \
	"'ppid':0,'original_ppid':0,'group_id':0,'session_id':0,'codesigning_flags':0,'is_platform_binary':false," \
	"'is_es_client':true,'cdhash':'0000000000000000000000000000000000000000','signing_id':null,'team_id':null," \
	"'executable':" BARE ",'tty':" TOOL ",'start_time':'1970-01-01T00:00:00.000000Z','cs_validation_category':0}"

static es_thread_t thread = { 622243 };

static es_message_t make_message(es_event_type_t type)
{
	return (es_message_t){
		.version = 11, .time = { 1754579589, 811587464 }, .mach_time = 401374797834, .deadline = 5,
		.process = &actor, .seq_num = 362, .global_seq_num = 1103, .action_type = ES_ACTION_TYPE_NOTIFY,
		.event_type = type, .thread = &thread,
	};
}

/* --- comparing --- */

/* JSON text with ' for ", so that it can be read in C. */
static json_object *parse_expected(const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	json_object *object;

	for (char *quote = copy; (quote = strchr(quote, '\''));)
		*quote = '"';
	object = json_tokener_parse(copy);
	if (!object)
		fprintf(stderr, "the expectation is no JSON: %s\n", copy);
	assert(object);
	return object;
}

/* Exactly one line, exactly one object. */
static json_object *encode(const es_message_t *message)
{
	_cleanup_free_ char *line = NULL;
	struct json json = {};
	json_object *object;

	event_json_message(&json, message);
	assert(!json.failed && json.length && json.data[json.length - 1] == '\n');
	assert(!memchr(json.data, '\n', json.length - 1));
	line = strndup(json.data, json.length);
	object = json_tokener_parse(line);
	if (!object)
		fprintf(stderr, "not JSON: %s\n", line);
	assert(object);
	json_deinit(&json);
	return object;
}

static void expect_equal(json_object *got, const char *text)
{
	json_object *expected = parse_expected(text);

	if (!json_object_equal(got, expected)) {
		fprintf(stderr, "got      %s\n", json_object_to_json_string_ext(got, JSON_C_TO_STRING_PLAIN));
		fprintf(stderr, "expected %s\n", json_object_to_json_string_ext(expected, JSON_C_TO_STRING_PLAIN));
		abort();
	}
	json_object_put(expected);
}

static void expect_message(const es_message_t *message, const char *text)
{
	json_object *object = encode(message);

	expect_equal(object, text);
	json_object_put(object);
}

static void expect_member(const es_message_t *message, const char *member, const char *text)
{
	json_object *object = encode(message), *found;

	assert(json_object_object_get_ex(object, member, &found));
	expect_equal(found, text);
	json_object_put(object);
}

#define EXPECT_EVENT(message, text) expect_member(message, "event", text)

/* --- the tests --- */

/* What is flagged has a key more, and nothing else has it. */
static void test_linux(void)
{
	static es_file_t seen = { .path = STRING("/view"), .path_truncated = true };
	es_message_t message = make_message(ES_EVENT_TYPE_NOTIFY_UNLINK);

	message.event.unlink = (es_event_unlink_t){ .target = &seen, .parent_dir = &bare };
	flagged = &seen;
	EXPECT_EVENT(&message, "{'unlink':{'target':{'path':'/view','path_truncated':true,'stat':{'st_dev':0,'st_ino':0,"
		"'st_mode':0,'st_nlink':0,'st_uid':0,'st_gid':0,'st_rdev':0,'st_size':0,'st_blocks':0,'st_blksize':0,"
		"'st_flags':0,'st_gen':0,'st_atimespec':'1970-01-01T00:00:00.000000000Z',"
		"'st_mtimespec':'1970-01-01T00:00:00.000000000Z','st_ctimespec':'1970-01-01T00:00:00.000000000Z',"
		"'st_birthtimespec':'1970-01-01T00:00:00.000000000Z'},'linux':{'unreachable':true,'unresolved':false,"
		"'layered':false,'mount_namespace':4026532842,'actors_path':'/view','real_path':''}},"
		"'parent_dir':" BARE "}}");
	flagged = NULL;
}

static void test_whole_message(void)
{
	es_message_t message = make_message(ES_EVENT_TYPE_NOTIFY_EXIT);

	message.event.exit.stat = 256;
	expect_message(&message,
		"{'schema_version':1,'version':11,'time':'2025-08-07T15:13:09.811587464Z','mach_time':401374797834,"
		"'event_type':15,'action_type':1,'action':{'result':{'result_type':0,'result':{'auth':0}}},"
		"'seq_num':362,'global_seq_num':1103,'thread':{'thread_id':622243},'process':" ACTOR ","
		"'event':{'exit':{'stat':256}}}");
}

static void test_action(void)
{
	es_message_t message = make_message(ES_EVENT_TYPE_NOTIFY_EXEC);

	message.action.notify.result.auth = ES_AUTH_RESULT_DENY;
	expect_member(&message, "action", "{'result':{'result_type':0,'result':{'auth':1}}}");
	message.action.notify = (es_result_t){ .result_type = ES_RESULT_TYPE_FLAGS, .result.flags = UINT32_MAX };
	expect_member(&message, "action", "{'result':{'result_type':1,'result':{'flags':4294967295}}}");
	message.thread = NULL;
	expect_member(&message, "process", ACTOR);

	message = make_message(ES_EVENT_TYPE_AUTH_SIGNAL);
	message.action_type = ES_ACTION_TYPE_AUTH;
	message.event.signal = (es_event_signal_t){ .sig = 9, .target = &other };
	expect_member(&message, "action", "{'auth':{}}");
	EXPECT_EVENT(&message, "{'signal':{'sig':9,'target':" OTHER ",'instigator':null}}");
}

/* json-c makes U+FFFD of a lone surrogate, so the text is looked at for that one. */
static void test_exec(void)
{
	es_message_t message = make_message(ES_EVENT_TYPE_NOTIFY_EXEC);
	_cleanup_free_ char *line = NULL;
	struct json json = {};

	message.event.exec = (es_event_exec_t){
		.target = &other, .dyld_exec_path = STRING("tool"), .script = NULL, .cwd = &bare, .last_fd = 9,
		.image_cputype = CPU_TYPE_X86_64, .image_cpusubtype = -2147483646,
	};
	EXPECT_EVENT(&message,
		"{'exec':{'target':" OTHER ",'args':['\\/bin\\/tool','-v','a\\nb\\udcff'],'env':['FOO=bar'],"
		"'fds':[{'fd':0,'fdtype':1},{'fd':1,'fdtype':6,'pipe':{'pipe_id':18446744073709551615}}],"
		"'cwd':" BARE ",'script':null,'last_fd':9,'image_cputype':16777223,'image_cpusubtype':-2147483646,"
		"'dyld_exec_path':'tool','entitlements':null}}");

	message.event.exec.script = &tool;
	event_json_message(&json, &message);
	line = strndup(json.data, json.length);
	assert(strstr(line, "\"args\":[\"\\/bin\\/tool\",\"-v\",\"a\\nb\\udcff\"],"));
	assert(strstr(line, "\"script\":{\"path\":\"\\/usr\\/sbin\\/tool\","));
	json_deinit(&json);
}

static void test_files(void)
{
	es_message_t message = make_message(ES_EVENT_TYPE_NOTIFY_OPEN);

	message.event.open = (es_event_open_t){ .fflag = FREAD | FWRITE, .file = &tool };
	EXPECT_EVENT(&message, "{'open':{'fflag':3,'file':" TOOL "}}");

	message = make_message(ES_EVENT_TYPE_NOTIFY_CLOSE);
	message.event.close = (es_event_close_t){ .modified = true, .target = &bare, .was_mapped_writable = true };
	EXPECT_EVENT(&message, "{'close':{'modified':true,'was_mapped_writable':true,'target':" BARE "}}");

	message = make_message(ES_EVENT_TYPE_NOTIFY_UTIMES);
	message.event.utimes = (es_event_utimes_t){ .target = &bare, .atime = { 0, 7 }, .mtime = { 0, (1 << 30) - 2 } };
	EXPECT_EVENT(&message,
		"{'utimes':{'target':" BARE ",'atime':'1970-01-01T00:00:00.000000007Z','mtime':null}}");
}

static void test_destinations(void)
{
	es_message_t message = make_message(ES_EVENT_TYPE_NOTIFY_RENAME);

	message.event.rename = (es_event_rename_t){
		.source = &tool, .destination_type = ES_DESTINATION_TYPE_EXISTING_FILE, .destination.existing_file = &bare,
	};
	EXPECT_EVENT(&message,
		"{'rename':{'source':" TOOL ",'destination_type':0,'destination':{'existing_file':" BARE "}}}");

	message.event.rename = (es_event_rename_t){
		.source = &tool, .destination_type = ES_DESTINATION_TYPE_NEW_PATH,
		.destination.new_path = { .dir = &bare, .filename = STRING("new") },
	};
	EXPECT_EVENT(&message,
		"{'rename':{'source':" TOOL ",'destination_type':1,'destination':{'new_path':{'dir':" BARE ","
		"'filename':'new'}}}}");

	message = make_message(ES_EVENT_TYPE_NOTIFY_CREATE);
	message.event.create = (es_event_create_t){
		.destination_type = ES_DESTINATION_TYPE_NEW_PATH,
		.destination.new_path = { .dir = &bare, .filename = STRING("new"), .mode = 0644 },
	};
	EXPECT_EVENT(&message,
		"{'create':{'destination_type':1,'destination':{'new_path':{'dir':" BARE ",'filename':'new',"
		"'mode':420}},'acl':null}}");
}

static void test_mount(void)
{
	struct es_statfs statfs = {
		.f_bsize = 4096, .f_iosize = -1, .f_blocks = UINT64_MAX, .f_bfree = 1, .f_bavail = 2, .f_files = 3,
		.f_ffree = 4, .f_fsid = { { 5, -6 } }, .f_owner = 7, .f_type = 8, .f_flags = 9, .f_fssubtype = 10,
		.f_flags_ext = 11, .f_mntonname = "/mnt", .f_mntfromname = "none",
	};
	es_message_t message = make_message(ES_EVENT_TYPE_NOTIFY_MOUNT);

	memset(statfs.f_fstypename, 'x', sizeof(statfs.f_fstypename));	/* fills the array: no NUL */
	message.event.mount = (es_event_mount_t){ .statfs = &statfs, .disposition = ES_MOUNT_DISPOSITION_VIRTUAL };
	EXPECT_EVENT(&message,
		"{'mount':{'disposition':3,'statfs':{'f_bsize':4096,'f_iosize':-1,'f_blocks':18446744073709551615,"
		"'f_bfree':1,'f_bavail':2,'f_files':3,'f_ffree':4,'f_fsid':[5,-6],'f_owner':7,'f_type':8,'f_flags':9,"
		"'f_fssubtype':10,'f_flags_ext':11,'f_fstypename':'xxxxxxxxxxxxxxxx','f_mntonname':'/mnt',"
		"'f_mntfromname':'none'}}}");
}

static void test_pointer_payloads(void)
{
	es_event_openssh_login_t login = {
		.result_type = ES_OPENSSH_INVALID_USER, .source_address_type = ES_ADDRESS_TYPE_IPV4,
		.source_address = STRING("192.0.2.1"), .username = STRING("nobody"), .uid.uid = 77,
	};
	uuid_t uuids[1] = { { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, [15] = 0x10 } };
	es_od_member_id_array_t members = {
		.member_type = ES_OD_MEMBER_TYPE_USER_UUID, .member_count = 1, .member_array.uuids = uuids,
	};
	es_event_od_group_set_t group = { .group_name = STRING("g"), .members = &members, .error_code = -2 };
	es_event_gatekeeper_user_override_t override = { .file.file_path = STRING("/x") };
	es_message_t message = make_message(ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGIN);

	message.event.openssh_login = &login;
	EXPECT_EVENT(&message,
		"{'openssh_login':{'success':false,'result_type':9,'source_address_type':1,'source_address':'192.0.2.1',"
		"'username':'nobody','has_uid':false,'uid':null}}");
	login.has_uid = true;
	EXPECT_EVENT(&message,
		"{'openssh_login':{'success':false,'result_type':9,'source_address_type':1,'source_address':'192.0.2.1',"
		"'username':'nobody','has_uid':true,'uid':77}}");

	message = make_message(ES_EVENT_TYPE_NOTIFY_OD_GROUP_SET);
	message.event.od_group_set = &group;
	EXPECT_EVENT(&message,
		"{'od_group_set':{'instigator':null,'error_code':-2,'group_name':'g','members':{'member_type':1,"
		"'member_count':1,'member_array':['01234567-89AB-CDEF-FEDC-000000000010']},'node_name':null,'db_path':null,"
		"'instigator_token':" NO_TOKEN "}}");

	message = make_message(ES_EVENT_TYPE_NOTIFY_GATEKEEPER_USER_OVERRIDE);
	message.event.gatekeeper_user_override = &override;
	EXPECT_EVENT(&message, "{'gatekeeper_user_override':{'file_type':0,'file_path':'/x','sha256':'NULL'}}");
}

static void test_names(void)
{
	es_event_type_t type;

	assert(!strcmp(event_name(ES_EVENT_TYPE_NOTIFY_EXEC), "exec"));
	assert(!strcmp(event_name(ES_EVENT_TYPE_AUTH_EXEC), "exec"));
	assert(!event_name(ES_EVENT_TYPE_LAST) && !event_name(-1) && !event_name(ES_EVENT_TYPE_RESERVED_0));
	assert(event_find("btm_launch_item_add", &type) && type == ES_EVENT_TYPE_NOTIFY_BTM_LAUNCH_ITEM_ADD);
	assert(event_find("exec", &type) && type == ES_EVENT_TYPE_NOTIFY_EXEC);
	assert(!event_find("none", &type) && !event_find("", &type) && !event_find("Exec", &type));
}

/* A message of a number that a later library may have is still JSON. */
static void test_unknown_type(void)
{
	es_message_t message = make_message(ES_EVENT_TYPE_LAST);

	expect_member(&message, "process", ACTOR);
	message = make_message(ES_EVENT_TYPE_RESERVED_0);
	EXPECT_EVENT(&message, "{'none':{}}");
}

/* --- one message of each event, with something in each member --- */

static union {
#define ES_PAYLOAD(...)
#define ES_PAYLOAD_OWN(...)
#define ES_PAYLOAD_ABSENT(...)
#define ES_PAYLOAD_AT(name, ...) es_event_##name##_t name;
#define ES_PAYLOAD_TEXT ES_PAYLOAD_AT
#define ES_PAYLOAD_NONE(...)
#include "abi/payloads.def"
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

enum { VARIANTS = 4 };

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
#include "abi/payloads.def"

static void fill_event(es_message_t *message, unsigned int variant)
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

/* Each event is JSON under its name; with `out`, the payload's line is printed as it is. */
static void encode_event(es_event_type_t type, unsigned int variant, FILE *out)
{
	es_message_t message = make_message(type);
	json_object *object, *event;
	struct json json = {};
	const char *payload;

	fill_event(&message, variant);
	object = encode(&message);
	assert(json_object_object_get_ex(object, "event", &event));
	assert(json_object_object_length(event) == 1);
	assert(json_object_object_get_ex(event, event_name(type), NULL));
	json_object_put(object);
	if (!out)
		return;
	event_json_message(&json, &message);
	json.data[json.length - 2] = '\0';	/* the object's end, and the line's */
	payload = strstr(json.data, "\"event\":{");
	fprintf(out, "%s\n", payload + strlen("\"event\":"));
	json_deinit(&json);
}

static void encode_all(FILE *out)
{
	for (unsigned int type = 0; type < ES_EVENT_TYPE_LAST; type++)
		for (unsigned int variant = 0; event_name(type) && variant < VARIANTS; variant++)
			encode_event(type, variant, out);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--all")) {
		encode_all(stdout);
		return 0;
	}
	test_whole_message();
	test_linux();
	test_action();
	test_exec();
	test_files();
	test_destinations();
	test_mount();
	test_pointer_payloads();
	test_names();
	test_unknown_type();
	encode_all(NULL);
	return 0;
}
