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
#include "tools/test-messages.h"
#include "util/macro.h"

/* --- what messages are made of, and what that looks like --- */

#define TOOL \
	"{'path':'\\/usr\\/sbin\\/tool','path_truncated':false,'stat':{'st_dev':2049,'st_ino':1152921500312525701," \
	"'st_mode':33261,'st_nlink':2,'st_uid':1,'st_gid':3,'st_rdev':4,'st_size':259504,'st_blocks':152," \
	"'st_blksize':4096,'st_flags':0,'st_gen':0,'st_atimespec':'2025-07-09T06:27:14.000000000Z'," \
	"'st_mtimespec':'2025-07-09T06:27:14.000000001Z','st_ctimespec':'1969-12-31T23:59:59.999999999Z'," \
	"'st_birthtimespec':'1970-01-01T00:00:00.000000000Z'}}"

#define BARE \
	"{'path':'/b','path_truncated':true,'stat':{'st_dev':0,'st_ino':0,'st_mode':0,'st_nlink':0,'st_uid':0," \
	"'st_gid':0,'st_rdev':0,'st_size':0,'st_blocks':0,'st_blksize':0,'st_flags':0,'st_gen':0," \
	"'st_atimespec':'1970-01-01T00:00:00.000000000Z','st_mtimespec':'1970-01-01T00:00:00.000000000Z'," \
	"'st_ctimespec':'1970-01-01T00:00:00.000000000Z','st_birthtimespec':'1970-01-01T00:00:00.000000000Z'}}"

#define TOKEN_JSON(number, pid) \
	"{'auid':4294967295,'euid':" number ",'egid':20,'ruid':501,'rgid':21,'pid':" pid ",'asid':100017," \
	"'pidversion':170692}"

#define ACTOR \
	"{'audit_token':" TOKEN_JSON("1", "1001") ",'parent_audit_token':" TOKEN_JSON("2", "1002") "," \
	"'responsible_audit_token':" TOKEN_JSON("3", "1003") ",'ppid':532,'original_ppid':533,'group_id':534," \
	"'session_id':535,'codesigning_flags':637623057,'is_platform_binary':true,'is_es_client':false," \
	"'cdhash':'0123456789ABCDEF0000000000000000000000FF','signing_id':'com.example.tool','team_id':null," \
	"'executable':" TOOL ",'tty':null,'start_time':'2025-08-07T15:13:09.798115Z','cs_validation_category':10}"

#define NO_TOKEN "{'auid':0,'euid':0,'egid':0,'ruid':0,'rgid':0,'pid':0,'asid':0,'pidversion':0}"
#define OTHER \
	"{'audit_token':" NO_TOKEN ",'parent_audit_token':" NO_TOKEN ",'responsible_audit_token':" NO_TOKEN "," \
	"'ppid':0,'original_ppid':0,'group_id':0,'session_id':0,'codesigning_flags':0,'is_platform_binary':false," \
	"'is_es_client':true,'cdhash':'0000000000000000000000000000000000000000','signing_id':null,'team_id':null," \
	"'executable':" BARE ",'tty':" TOOL ",'start_time':'1970-01-01T00:00:00.000000Z','cs_validation_category':0}"

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

/* A flagged file has one more key, and no other file has it. */
static void test_linux(void)
{
	static es_file_t seen = { .path = STRING("/view"), .path_truncated = true };
	es_message_t message = make_message(ES_EVENT_TYPE_NOTIFY_UNLINK);

	message.event.unlink = (es_event_unlink_t){ .target = &seen, .parent_dir = &bare };
	test_flagged = &seen;
	EXPECT_EVENT(&message, "{'unlink':{'target':{'path':'/view','path_truncated':true,'stat':{'st_dev':0,'st_ino':0,"
		"'st_mode':0,'st_nlink':0,'st_uid':0,'st_gid':0,'st_rdev':0,'st_size':0,'st_blocks':0,'st_blksize':0,"
		"'st_flags':0,'st_gen':0,'st_atimespec':'1970-01-01T00:00:00.000000000Z',"
		"'st_mtimespec':'1970-01-01T00:00:00.000000000Z','st_ctimespec':'1970-01-01T00:00:00.000000000Z',"
		"'st_birthtimespec':'1970-01-01T00:00:00.000000000Z'},'linux':{'unreachable':true,'unresolved':false,"
		"'layered':false,'mount_namespace':4026532842,'actors_path':'/view','real_path':''}},"
		"'parent_dir':" BARE "}}");
	test_flagged = NULL;
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
