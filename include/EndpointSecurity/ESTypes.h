/* SPDX-License-Identifier: MIT */
/*
 * ESTypes.h - constants and small types of the API
 *
 * May be included by itself, as on macOS.
 */
#ifndef __ENDPOINT_SECURITY_TYPES_H
#define __ENDPOINT_SECURITY_TYPES_H

#include <EndpointSecurity/ESPlatform.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"	/* _Nonnull, in clang */

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Names one AUTH message. Opaque; for the library, when the message is
 * answered.
 */
typedef struct {
	uint8_t reserved[32];
} es_event_id_t;

/* Whether a message asks (the operation waits for the answer) or reports. */
typedef enum {
	ES_ACTION_TYPE_AUTH = 0,	/* answer it before its deadline */
	ES_ACTION_TYPE_NOTIFY = 1	/* over: nothing to answer */
} es_action_type_t;

/* Which way an access control list was changed. */
typedef enum {
	ES_SET = 0,	/* a list was put on the file */
	ES_CLEAR = 1	/* the file's list was removed */
} es_set_or_clear_t;

/*
 * What a process asked about another. Numbers of Darwin's proc_info(2); on
 * Linux, an open in /proc/PID is PIDINFO, one in /proc/PID/fd PIDFDINFO.
 */
typedef enum {
	ES_PROC_CHECK_TYPE_LISTPIDS = 0x1,
	ES_PROC_CHECK_TYPE_PIDINFO = 0x2,
	ES_PROC_CHECK_TYPE_PIDFDINFO = 0x3,
	ES_PROC_CHECK_TYPE_KERNMSGBUF = 0x4,	/* never sent */
	ES_PROC_CHECK_TYPE_SETCONTROL = 0x5,
	ES_PROC_CHECK_TYPE_PIDFILEPORTINFO = 0x6,
	ES_PROC_CHECK_TYPE_TERMINATE = 0x7,	/* never sent; see the signal event */
	ES_PROC_CHECK_TYPE_DIRTYCONTROL = 0x8,
	ES_PROC_CHECK_TYPE_PIDRUSAGE = 0x9,
	ES_PROC_CHECK_TYPE_UDATA_INFO = 0xe	/* never sent */
} es_proc_check_type_t;

/* Where an XPC service lives. macOS 14.0; XPC does not exist on Linux. */
typedef enum {
	ES_XPC_DOMAIN_TYPE_SYSTEM = 1,
	ES_XPC_DOMAIN_TYPE_USER = 2,
	ES_XPC_DOMAIN_TYPE_USER_LOGIN = 3,
	ES_XPC_DOMAIN_TYPE_SESSION = 4,
	ES_XPC_DOMAIN_TYPE_PID = 5,
	ES_XPC_DOMAIN_TYPE_MANAGER = 6,
	ES_XPC_DOMAIN_TYPE_PORT = 7,
	ES_XPC_DOMAIN_TYPE_GUI = 8
} es_xpc_domain_type_t;

/*
 * How a user proved who they are: the valid member of data in
 * es_event_authentication_t. macOS 13.0. Linux: OD, TOUCHID or TOKEN.
 */
typedef enum {
	ES_AUTHENTICATION_TYPE_OD = 0,
	ES_AUTHENTICATION_TYPE_TOUCHID = 1,
	ES_AUTHENTICATION_TYPE_TOKEN = 2,
	ES_AUTHENTICATION_TYPE_AUTO_UNLOCK = 3,
	ES_AUTHENTICATION_TYPE_LAST = 4	/* bound, not a type */
} es_authentication_type_t;

/* Which of sudo's plugins refused. macOS 14.0. */
typedef enum {
	ES_SUDO_PLUGIN_TYPE_UNKNOWN = 0,
	ES_SUDO_PLUGIN_TYPE_FRONT_END = 1,
	ES_SUDO_PLUGIN_TYPE_POLICY = 2,
	ES_SUDO_PLUGIN_TYPE_IO = 3,
	ES_SUDO_PLUGIN_TYPE_AUDIT = 4,
	ES_SUDO_PLUGIN_TYPE_APPROVAL = 5
} es_sudo_plugin_type_t;

/*
 * Every event type. A number never changes; ES_EVENT_TYPE_LAST does, with each
 * release that adds types, so it must not be stored.
 *
 * AUTH and NOTIFY of the same name are two types, subscribed to separately,
 * with one payload: the member of es_events_t that bears the name. What each
 * means on Linux stands with its payload in ESMessage.h.
 */
typedef enum {
	/* macOS 10.15 */
	ES_EVENT_TYPE_AUTH_EXEC = 0,
	ES_EVENT_TYPE_AUTH_OPEN = 1,
	ES_EVENT_TYPE_AUTH_KEXTLOAD = 2,
	ES_EVENT_TYPE_AUTH_MMAP = 3,
	ES_EVENT_TYPE_AUTH_MPROTECT = 4,
	ES_EVENT_TYPE_AUTH_MOUNT = 5,
	ES_EVENT_TYPE_AUTH_RENAME = 6,
	ES_EVENT_TYPE_AUTH_SIGNAL = 7,
	ES_EVENT_TYPE_AUTH_UNLINK = 8,
	ES_EVENT_TYPE_NOTIFY_EXEC = 9,
	ES_EVENT_TYPE_NOTIFY_OPEN = 10,
	ES_EVENT_TYPE_NOTIFY_FORK = 11,
	ES_EVENT_TYPE_NOTIFY_CLOSE = 12,
	ES_EVENT_TYPE_NOTIFY_CREATE = 13,
	ES_EVENT_TYPE_NOTIFY_EXCHANGEDATA = 14,
	ES_EVENT_TYPE_NOTIFY_EXIT = 15,
	ES_EVENT_TYPE_NOTIFY_GET_TASK = 16,
	ES_EVENT_TYPE_NOTIFY_KEXTLOAD = 17,
	ES_EVENT_TYPE_NOTIFY_KEXTUNLOAD = 18,
	ES_EVENT_TYPE_NOTIFY_LINK = 19,
	ES_EVENT_TYPE_NOTIFY_MMAP = 20,
	ES_EVENT_TYPE_NOTIFY_MPROTECT = 21,
	ES_EVENT_TYPE_NOTIFY_MOUNT = 22,
	ES_EVENT_TYPE_NOTIFY_UNMOUNT = 23,
	ES_EVENT_TYPE_NOTIFY_IOKIT_OPEN = 24,
	ES_EVENT_TYPE_NOTIFY_RENAME = 25,
	ES_EVENT_TYPE_NOTIFY_SETATTRLIST = 26,
	ES_EVENT_TYPE_NOTIFY_SETEXTATTR = 27,
	ES_EVENT_TYPE_NOTIFY_SETFLAGS = 28,
	ES_EVENT_TYPE_NOTIFY_SETMODE = 29,
	ES_EVENT_TYPE_NOTIFY_SETOWNER = 30,
	ES_EVENT_TYPE_NOTIFY_SIGNAL = 31,
	ES_EVENT_TYPE_NOTIFY_UNLINK = 32,
	ES_EVENT_TYPE_NOTIFY_WRITE = 33,
	ES_EVENT_TYPE_AUTH_FILE_PROVIDER_MATERIALIZE = 34,
	ES_EVENT_TYPE_NOTIFY_FILE_PROVIDER_MATERIALIZE = 35,
	ES_EVENT_TYPE_AUTH_FILE_PROVIDER_UPDATE = 36,
	ES_EVENT_TYPE_NOTIFY_FILE_PROVIDER_UPDATE = 37,
	ES_EVENT_TYPE_AUTH_READLINK = 38,
	ES_EVENT_TYPE_NOTIFY_READLINK = 39,
	ES_EVENT_TYPE_AUTH_TRUNCATE = 40,
	ES_EVENT_TYPE_NOTIFY_TRUNCATE = 41,
	ES_EVENT_TYPE_AUTH_LINK = 42,
	ES_EVENT_TYPE_NOTIFY_LOOKUP = 43,
	ES_EVENT_TYPE_AUTH_CREATE = 44,
	ES_EVENT_TYPE_AUTH_SETATTRLIST = 45,
	ES_EVENT_TYPE_AUTH_SETEXTATTR = 46,
	ES_EVENT_TYPE_AUTH_SETFLAGS = 47,
	ES_EVENT_TYPE_AUTH_SETMODE = 48,
	ES_EVENT_TYPE_AUTH_SETOWNER = 49,
	/* macOS 10.15.1 */
	ES_EVENT_TYPE_AUTH_CHDIR = 50,
	ES_EVENT_TYPE_NOTIFY_CHDIR = 51,
	ES_EVENT_TYPE_AUTH_GETATTRLIST = 52,
	ES_EVENT_TYPE_NOTIFY_GETATTRLIST = 53,
	ES_EVENT_TYPE_NOTIFY_STAT = 54,
	ES_EVENT_TYPE_NOTIFY_ACCESS = 55,
	ES_EVENT_TYPE_AUTH_CHROOT = 56,
	ES_EVENT_TYPE_NOTIFY_CHROOT = 57,
	ES_EVENT_TYPE_AUTH_UTIMES = 58,
	ES_EVENT_TYPE_NOTIFY_UTIMES = 59,
	ES_EVENT_TYPE_AUTH_CLONE = 60,
	ES_EVENT_TYPE_NOTIFY_CLONE = 61,
	ES_EVENT_TYPE_NOTIFY_FCNTL = 62,
	ES_EVENT_TYPE_AUTH_GETEXTATTR = 63,
	ES_EVENT_TYPE_NOTIFY_GETEXTATTR = 64,
	ES_EVENT_TYPE_AUTH_LISTEXTATTR = 65,
	ES_EVENT_TYPE_NOTIFY_LISTEXTATTR = 66,
	ES_EVENT_TYPE_AUTH_READDIR = 67,
	ES_EVENT_TYPE_NOTIFY_READDIR = 68,
	ES_EVENT_TYPE_AUTH_DELETEEXTATTR = 69,
	ES_EVENT_TYPE_NOTIFY_DELETEEXTATTR = 70,
	ES_EVENT_TYPE_AUTH_FSGETPATH = 71,
	ES_EVENT_TYPE_NOTIFY_FSGETPATH = 72,
	ES_EVENT_TYPE_NOTIFY_DUP = 73,
	ES_EVENT_TYPE_AUTH_SETTIME = 74,
	ES_EVENT_TYPE_NOTIFY_SETTIME = 75,
	ES_EVENT_TYPE_NOTIFY_UIPC_BIND = 76,
	ES_EVENT_TYPE_AUTH_UIPC_BIND = 77,
	ES_EVENT_TYPE_NOTIFY_UIPC_CONNECT = 78,
	ES_EVENT_TYPE_AUTH_UIPC_CONNECT = 79,
	ES_EVENT_TYPE_AUTH_EXCHANGEDATA = 80,
	ES_EVENT_TYPE_AUTH_SETACL = 81,
	ES_EVENT_TYPE_NOTIFY_SETACL = 82,
	/* macOS 10.15.4 */
	ES_EVENT_TYPE_NOTIFY_PTY_GRANT = 83,
	ES_EVENT_TYPE_NOTIFY_PTY_CLOSE = 84,
	ES_EVENT_TYPE_AUTH_PROC_CHECK = 85,
	ES_EVENT_TYPE_NOTIFY_PROC_CHECK = 86,
	ES_EVENT_TYPE_AUTH_GET_TASK = 87,
	/* macOS 11.0 */
	ES_EVENT_TYPE_AUTH_SEARCHFS = 88,
	ES_EVENT_TYPE_NOTIFY_SEARCHFS = 89,
	ES_EVENT_TYPE_AUTH_FCNTL = 90,
	ES_EVENT_TYPE_AUTH_IOKIT_OPEN = 91,
	ES_EVENT_TYPE_AUTH_PROC_SUSPEND_RESUME = 92,
	ES_EVENT_TYPE_NOTIFY_PROC_SUSPEND_RESUME = 93,
	ES_EVENT_TYPE_NOTIFY_CS_INVALIDATED = 94,
	ES_EVENT_TYPE_NOTIFY_GET_TASK_NAME = 95,
	ES_EVENT_TYPE_NOTIFY_TRACE = 96,
	ES_EVENT_TYPE_NOTIFY_REMOTE_THREAD_CREATE = 97,
	ES_EVENT_TYPE_AUTH_REMOUNT = 98,
	ES_EVENT_TYPE_NOTIFY_REMOUNT = 99,
	/* macOS 11.3 */
	ES_EVENT_TYPE_AUTH_GET_TASK_READ = 100,
	ES_EVENT_TYPE_NOTIFY_GET_TASK_READ = 101,
	ES_EVENT_TYPE_NOTIFY_GET_TASK_INSPECT = 102,
	/* macOS 12.0 */
	ES_EVENT_TYPE_NOTIFY_SETUID = 103,
	ES_EVENT_TYPE_NOTIFY_SETGID = 104,
	ES_EVENT_TYPE_NOTIFY_SETEUID = 105,
	ES_EVENT_TYPE_NOTIFY_SETEGID = 106,
	ES_EVENT_TYPE_NOTIFY_SETREUID = 107,
	ES_EVENT_TYPE_NOTIFY_SETREGID = 108,
	ES_EVENT_TYPE_AUTH_COPYFILE = 109,
	ES_EVENT_TYPE_NOTIFY_COPYFILE = 110,
	/* macOS 13.0 */
	ES_EVENT_TYPE_NOTIFY_AUTHENTICATION = 111,
	ES_EVENT_TYPE_NOTIFY_XP_MALWARE_DETECTED = 112,
	ES_EVENT_TYPE_NOTIFY_XP_MALWARE_REMEDIATED = 113,
	ES_EVENT_TYPE_NOTIFY_LW_SESSION_LOGIN = 114,
	ES_EVENT_TYPE_NOTIFY_LW_SESSION_LOGOUT = 115,
	ES_EVENT_TYPE_NOTIFY_LW_SESSION_LOCK = 116,
	ES_EVENT_TYPE_NOTIFY_LW_SESSION_UNLOCK = 117,
	ES_EVENT_TYPE_NOTIFY_SCREENSHARING_ATTACH = 118,
	ES_EVENT_TYPE_NOTIFY_SCREENSHARING_DETACH = 119,
	ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGIN = 120,
	ES_EVENT_TYPE_NOTIFY_OPENSSH_LOGOUT = 121,
	ES_EVENT_TYPE_NOTIFY_LOGIN_LOGIN = 122,
	ES_EVENT_TYPE_NOTIFY_LOGIN_LOGOUT = 123,
	ES_EVENT_TYPE_NOTIFY_BTM_LAUNCH_ITEM_ADD = 124,
	ES_EVENT_TYPE_NOTIFY_BTM_LAUNCH_ITEM_REMOVE = 125,
	/* macOS 14.0 */
	ES_EVENT_TYPE_NOTIFY_PROFILE_ADD = 126,
	ES_EVENT_TYPE_NOTIFY_PROFILE_REMOVE = 127,
	ES_EVENT_TYPE_NOTIFY_SU = 128,
	ES_EVENT_TYPE_NOTIFY_AUTHORIZATION_PETITION = 129,
	ES_EVENT_TYPE_NOTIFY_AUTHORIZATION_JUDGEMENT = 130,
	ES_EVENT_TYPE_NOTIFY_SUDO = 131,
	ES_EVENT_TYPE_NOTIFY_OD_GROUP_ADD = 132,
	ES_EVENT_TYPE_NOTIFY_OD_GROUP_REMOVE = 133,
	ES_EVENT_TYPE_NOTIFY_OD_GROUP_SET = 134,
	ES_EVENT_TYPE_NOTIFY_OD_MODIFY_PASSWORD = 135,
	ES_EVENT_TYPE_NOTIFY_OD_DISABLE_USER = 136,
	ES_EVENT_TYPE_NOTIFY_OD_ENABLE_USER = 137,
	ES_EVENT_TYPE_NOTIFY_OD_ATTRIBUTE_VALUE_ADD = 138,
	ES_EVENT_TYPE_NOTIFY_OD_ATTRIBUTE_VALUE_REMOVE = 139,
	ES_EVENT_TYPE_NOTIFY_OD_ATTRIBUTE_SET = 140,
	ES_EVENT_TYPE_NOTIFY_OD_CREATE_USER = 141,
	ES_EVENT_TYPE_NOTIFY_OD_CREATE_GROUP = 142,
	ES_EVENT_TYPE_NOTIFY_OD_DELETE_USER = 143,
	ES_EVENT_TYPE_NOTIFY_OD_DELETE_GROUP = 144,
	ES_EVENT_TYPE_NOTIFY_XPC_CONNECT = 145,
	/* macOS 15.0 */
	ES_EVENT_TYPE_NOTIFY_GATEKEEPER_USER_OVERRIDE = 146,
	/* macOS 15.4 */
	ES_EVENT_TYPE_NOTIFY_TCC_MODIFY = 147,
	/* macOS 26.3 */
	ES_EVENT_TYPE_RESERVED_0 = 148,	/* 148 to 156: no public payload, never sent on Linux */
	ES_EVENT_TYPE_RESERVED_1 = 149,
	ES_EVENT_TYPE_RESERVED_2 = 150,
	/* macOS 26.4 */
	ES_EVENT_TYPE_RESERVED_3 = 151,
	ES_EVENT_TYPE_RESERVED_4 = 152,
	ES_EVENT_TYPE_RESERVED_5 = 153,
	ES_EVENT_TYPE_RESERVED_6 = 154,
	/* macOS 26.5 */
	ES_EVENT_TYPE_RESERVED_7 = 155,
	ES_EVENT_TYPE_RESERVED_8 = 156,
	/* macOS 27.0 */
	ES_EVENT_TYPE_AUTH_XPC_CONNECT = 157,
	ES_EVENT_TYPE_AUTH_BOOTSTRAP_CHECK_IN = 158,
	ES_EVENT_TYPE_NOTIFY_BOOTSTRAP_CHECK_IN = 159,
	ES_EVENT_TYPE_AUTH_BOOTSTRAP_LOOK_UP = 160,
	ES_EVENT_TYPE_NOTIFY_BOOTSTRAP_LOOK_UP = 161,
	ES_EVENT_TYPE_LAST = 162	/* bound, not an event */
} es_event_type_t;

/*
 * What a client decides. Deny wins: an operation goes on only if all clients
 * that were asked allow it and the kernel's other checks do, too.
 */
typedef enum {
	ES_AUTH_RESULT_ALLOW = 0,
	ES_AUTH_RESULT_DENY = 1
} es_auth_result_t;

/* The valid member of result in es_result_t. */
typedef enum {
	ES_RESULT_TYPE_AUTH = 0,	/* result.auth: every event but open */
	ES_RESULT_TYPE_FLAGS = 1	/* result.flags: open */
} es_result_type_t;

/* Outcome of calls that have nothing more to say. errno is not set. */
typedef enum {
	ES_RETURN_SUCCESS = 0,
	ES_RETURN_ERROR = 1
} es_return_t;

/* Outcome of es_respond_auth_result() and es_respond_flags_result(). */
typedef enum {
	ES_RESPOND_RESULT_SUCCESS = 0,			/* the answer counts */
	/* a bad argument; nothing was answered */
	ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT = 1,
	ES_RESPOND_RESULT_ERR_INTERNAL = 2,		/* the daemon is gone */
	/* no operation waits for this message any more */
	ES_RESPOND_RESULT_NOT_FOUND = 3,
	/* answered before, by the client or at the deadline */
	ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE = 4,
	/* the other function answers this type, or it is a NOTIFY */
	ES_RESPOND_RESULT_ERR_EVENT_TYPE = 5
} es_respond_result_t;

/* Outcome of es_new_client() and the other functions that make clients. */
typedef enum {
	ES_NEW_CLIENT_RESULT_SUCCESS = 0,
	/* no place for the client, or no handler */
	ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT = 1,
	/* the daemon cannot be reached or started, or has no working sensor */
	ES_NEW_CLIENT_RESULT_ERR_INTERNAL = 2,
	/* only listed programs may, and this one is not: endpointsecurity.conf(5) */
	ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED = 3,
	/* the administrator's list says that this program may not */
	ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED = 4,
	ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED = 5,	/* not root */
	ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS = 6	/* delete one first */
} es_new_client_result_t;

/* Outcome of es_clear_cache(). */
typedef enum {
	ES_CLEAR_CACHE_RESULT_SUCCESS = 0,	/* empty, for all clients */
	ES_CLEAR_CACHE_RESULT_ERR_INTERNAL = 1,	/* the daemon cannot be reached */
	ES_CLEAR_CACHE_RESULT_ERR_THROTTLE = 2	/* called too often; try again later */
} es_clear_cache_result_t;

/* Values */

/* First 20 bytes of the hash that identifies a program's code. */
typedef uint8_t es_cdhash_t[20];

/* macOS 15.0. */
typedef uint8_t es_sha256_t[32];

/* Some bytes. */
typedef struct {
	size_t size;			/* bytes in data */
	const uint8_t *_Nonnull data;	/* not NUL-terminated */
} es_token_t;

/*
 * A string. The token's owner owns the string; inside a message that is the
 * message. An optional string that is absent is {0, ""}: data is never NULL.
 */
typedef struct {
	size_t length;			/* as strlen(data) */
	const char *_Nonnull data;	/* ends with a NUL */
} es_string_token_t;

/* Muting */

/*
 * What a muted path is compared with, and how. A prefix is a string prefix:
 * "/opt/a" covers "/opt/ab", so end a directory with "/". Links are not
 * followed: give the path that events show. macOS 12.0, targets 13.0.
 */
typedef enum {
	/* executable of the process that acts, prefix */
	ES_MUTE_PATH_TYPE_PREFIX = 0,
	ES_MUTE_PATH_TYPE_LITERAL = 1,		/* executable of the process that acts, whole */
	ES_MUTE_PATH_TYPE_TARGET_PREFIX = 2,	/* path that is acted on, prefix */
	ES_MUTE_PATH_TYPE_TARGET_LITERAL = 3	/* path that is acted on, whole */
} es_mute_path_type_t;

/* One path that is muted, and for which events. */
typedef struct {
	es_mute_path_type_t type;
	size_t event_count;
	const es_event_type_t *_Nonnull events;
	es_string_token_t path;
} es_muted_path_t;

/* What es_muted_paths_events() finds. Free with es_release_muted_paths(). */
typedef struct {
	size_t count;
	const es_muted_path_t *_Nonnull paths;
} es_muted_paths_t;

/* One process that is muted, and for which events. */
typedef struct {
	audit_token_t audit_token;	/* the bytes that were given to es_mute_process() */
	size_t event_count;
	const es_event_type_t *_Nonnull events;
} es_muted_process_t;

/*
 * What es_muted_processes_events() finds. Free with
 * es_release_muted_processes().
 */
typedef struct {
	size_t count;
	const es_muted_process_t *_Nonnull processes;
} es_muted_processes_t;

/* What single events need */

/* How a source_address is written. macOS 13.0. */
typedef enum {
	ES_ADDRESS_TYPE_NONE = 0,		/* there is none */
	ES_ADDRESS_TYPE_IPV4 = 1,		/* dotted */
	ES_ADDRESS_TYPE_IPV6 = 2,
	ES_ADDRESS_TYPE_NAMED_SOCKET = 3	/* path of a UNIX socket */
} es_address_type_t;

/* The three stages of muting; each is inverted on its own. macOS 13.0. */
typedef enum {
	ES_MUTE_INVERSION_TYPE_PROCESS = 0,	/* es_mute_process() */
	ES_MUTE_INVERSION_TYPE_PATH = 1,	/* es_mute_path() on executables */
	ES_MUTE_INVERSION_TYPE_TARGET_PATH = 2,	/* es_mute_path() on targets */
	ES_MUTE_INVERSION_TYPE_LAST = 3		/* bound, not a type */
} es_mute_inversion_type_t;

/* Answer of es_muting_inverted(). Not a bool: "inverted" is 0. macOS 13.0. */
typedef enum {
	ES_MUTE_INVERTED = 0,
	ES_MUTE_NOT_INVERTED = 1,
	ES_MUTE_INVERTED_ERROR = 2
} es_mute_inverted_return_t;

/* What kind of rule judged a right. macOS 14.0; not used on Linux. */
typedef enum {
	ES_AUTHORIZATION_RULE_CLASS_USER = 0,
	ES_AUTHORIZATION_RULE_CLASS_RULE = 1,
	ES_AUTHORIZATION_RULE_CLASS_MECHANISM = 2,
	ES_AUTHORIZATION_RULE_CLASS_ALLOW = 3,
	ES_AUTHORIZATION_RULE_CLASS_DENY = 4,
	ES_AUTHORIZATION_RULE_CLASS_UNKNOWN = 5,
	ES_AUTHORIZATION_RULE_CLASS_INVALID = 6
} es_authorization_rule_class_t;

/* Valid member of an es_od_member_id_t. macOS 14.0. Linux: always USER_NAME. */
typedef enum {
	ES_OD_MEMBER_TYPE_USER_NAME = 0,
	ES_OD_MEMBER_TYPE_USER_UUID = 1,
	ES_OD_MEMBER_TYPE_GROUP_UUID = 2
} es_od_member_type_t;

/* Whose password it was. macOS 14.0. Linux: always USER. */
typedef enum {
	ES_OD_ACCOUNT_TYPE_USER = 0,
	ES_OD_ACCOUNT_TYPE_COMPUTER = 1
} es_od_account_type_t;

/* What kind of record was changed. macOS 14.0. */
typedef enum {
	ES_OD_RECORD_TYPE_USER = 0,
	ES_OD_RECORD_TYPE_GROUP = 1
} es_od_record_type_t;

/* Valid member of file in es_event_gatekeeper_user_override_t. macOS 15.0. */
typedef enum {
	ES_GATEKEEPER_USER_OVERRIDE_FILE_TYPE_PATH = 0,	/* file.file_path */
	ES_GATEKEEPER_USER_OVERRIDE_FILE_TYPE_FILE = 1	/* file.file */
} es_gatekeeper_user_override_file_type_t;

/* Who signed a file. macOS 15.0; not used on Linux. */
typedef struct {
	es_cdhash_t cdhash;
	es_string_token_t signing_id;
	es_string_token_t team_id;
} es_signed_file_info_t;

/* What happened to a consent. macOS 15.4; Linux has no TCC. */
typedef enum {
	ES_TCC_EVENT_TYPE_UNKNOWN = 0,
	ES_TCC_EVENT_TYPE_CREATE = 1,
	ES_TCC_EVENT_TYPE_MODIFY = 2,
	ES_TCC_EVENT_TYPE_DELETE = 3
} es_tcc_event_type_t;

/* What a consent allows. macOS 15.4; Linux has no TCC. */
typedef enum {
	ES_TCC_AUTHORIZATION_RIGHT_DENIED = 0,
	ES_TCC_AUTHORIZATION_RIGHT_UNKNOWN = 1,
	ES_TCC_AUTHORIZATION_RIGHT_ALLOWED = 2,
	ES_TCC_AUTHORIZATION_RIGHT_LIMITED = 3,
	ES_TCC_AUTHORIZATION_RIGHT_ADD_MODIFY_ADDED = 4,
	ES_TCC_AUTHORIZATION_RIGHT_SESSION_PID = 5,
	ES_TCC_AUTHORIZATION_RIGHT_LEARN_MORE = 6
} es_tcc_authorization_right_t;

/* Why a consent has changed. macOS 15.4; Linux has no TCC. */
typedef enum {
	ES_TCC_AUTHORIZATION_REASON_NONE = 0,
	ES_TCC_AUTHORIZATION_REASON_ERROR = 1,
	ES_TCC_AUTHORIZATION_REASON_USER_CONSENT = 2,
	ES_TCC_AUTHORIZATION_REASON_USER_SET = 3,
	ES_TCC_AUTHORIZATION_REASON_SYSTEM_SET = 4,
	ES_TCC_AUTHORIZATION_REASON_SERVICE_POLICY = 5,
	ES_TCC_AUTHORIZATION_REASON_MDM_POLICY = 6,
	ES_TCC_AUTHORIZATION_REASON_SERVICE_OVERRIDE_POLICY = 7,
	ES_TCC_AUTHORIZATION_REASON_MISSING_USAGE_STRING = 8,
	ES_TCC_AUTHORIZATION_REASON_PROMPT_TIMEOUT = 9,
	ES_TCC_AUTHORIZATION_REASON_PREFLIGHT_UNKNOWN = 10,
	ES_TCC_AUTHORIZATION_REASON_ENTITLED = 11,
	ES_TCC_AUTHORIZATION_REASON_APP_TYPE_POLICY = 12,
	ES_TCC_AUTHORIZATION_REASON_PROMPT_CANCEL = 13
} es_tcc_authorization_reason_t;

/* Whom a consent is for. macOS 15.4; Linux has no TCC. */
typedef enum {
	ES_TCC_IDENTITY_TYPE_BUNDLE_ID = 0,
	ES_TCC_IDENTITY_TYPE_EXECUTABLE_PATH = 1,
	ES_TCC_IDENTITY_TYPE_POLICY_ID = 2,
	ES_TCC_IDENTITY_TYPE_FILE_PROVIDER_DOMAIN_ID = 3
} es_tcc_identity_type_t;

/* Which policy accepted a signature. macOS 26.0. Linux: see es_process_t. */
typedef enum {
	ES_CS_VALIDATION_CATEGORY_INVALID = 0,
	ES_CS_VALIDATION_CATEGORY_PLATFORM = 1,
	ES_CS_VALIDATION_CATEGORY_TESTFLIGHT = 2,
	ES_CS_VALIDATION_CATEGORY_DEVELOPMENT = 3,
	ES_CS_VALIDATION_CATEGORY_APP_STORE = 4,
	ES_CS_VALIDATION_CATEGORY_ENTERPRISE = 5,
	ES_CS_VALIDATION_CATEGORY_DEVELOPER_ID = 6,
	ES_CS_VALIDATION_CATEGORY_LOCAL_SIGNING = 7,
	ES_CS_VALIDATION_CATEGORY_ROSETTA = 8,
	ES_CS_VALIDATION_CATEGORY_OOPJIT = 9,
	ES_CS_VALIDATION_CATEGORY_NONE = 10
} es_cs_validation_category_t;

/* What a watch has unlocked. macOS 13.0; not used on Linux. */
typedef enum {
	ES_AUTO_UNLOCK_MACHINE_UNLOCK = 1,
	ES_AUTO_UNLOCK_AUTH_PROMPT = 2
} es_auto_unlock_type_t;

/*
 * What starts by itself. macOS 13.0. Linux: DAEMON is a system unit, an init
 * script or a crontab's line, AGENT a unit of users, LOGIN_ITEM an autostart
 * entry.
 */
typedef enum {
	ES_BTM_ITEM_TYPE_USER_ITEM = 0,
	ES_BTM_ITEM_TYPE_APP = 1,
	ES_BTM_ITEM_TYPE_LOGIN_ITEM = 2,
	ES_BTM_ITEM_TYPE_AGENT = 3,
	ES_BTM_ITEM_TYPE_DAEMON = 4
} es_btm_item_type_t;

/*
 * Whether the destination of an operation exists: the valid member of its
 * union.
 */
typedef enum {
	ES_DESTINATION_TYPE_EXISTING_FILE = 0,	/* existing_file */
	ES_DESTINATION_TYPE_NEW_PATH = 1	/* new_path */
} es_destination_type_t;

/* How a process got control over another. macOS 11.3. Linux: TASK_FOR_PID. */
typedef enum {
	ES_GET_TASK_TYPE_TASK_FOR_PID = 0,
	ES_GET_TASK_TYPE_EXPOSE_TASK = 1,
	ES_GET_TASK_TYPE_IDENTITY_TOKEN = 2
} es_get_task_type_t;

/* How an SSH login ended. macOS 13.0. */
typedef enum {
	ES_OPENSSH_LOGIN_EXCEED_MAXTRIES = 0,
	ES_OPENSSH_LOGIN_ROOT_DENIED = 1,
	ES_OPENSSH_AUTH_SUCCESS = 2,
	ES_OPENSSH_AUTH_FAIL_NONE = 3,
	ES_OPENSSH_AUTH_FAIL_PASSWD = 4,
	ES_OPENSSH_AUTH_FAIL_KBDINT = 5,
	ES_OPENSSH_AUTH_FAIL_PUBKEY = 6,
	ES_OPENSSH_AUTH_FAIL_HOSTBASED = 7,
	ES_OPENSSH_AUTH_FAIL_GSSAPI = 8,
	ES_OPENSSH_INVALID_USER = 9
} es_openssh_login_result_type_t;

/* What kind of thing is mounted. macOS 15.0. */
typedef enum {
	ES_MOUNT_DISPOSITION_EXTERNAL = 0,	/* a removable disk */
	ES_MOUNT_DISPOSITION_INTERNAL = 1,	/* a disk that stays in the machine */
	ES_MOUNT_DISPOSITION_NETWORK = 2,	/* a server */
	ES_MOUNT_DISPOSITION_VIRTUAL = 3,	/* a file, by way of a loop device */
	ES_MOUNT_DISPOSITION_NULLFS = 4,	/* Linux: a bind mount */
	ES_MOUNT_DISPOSITION_UNKNOWN = 5	/* anything else: proc, tmpfs, overlay */
} es_mount_disposition_t;

/* 2 is not used. macOS 11.0. */
typedef enum {
	ES_PROC_SUSPEND_RESUME_TYPE_SUSPEND = 0,		/* Linux: SIGSTOP, SIGTSTP */
	ES_PROC_SUSPEND_RESUME_TYPE_RESUME = 1,			/* Linux: SIGCONT */
	ES_PROC_SUSPEND_RESUME_TYPE_SHUTDOWN_SOCKETS = 3	/* not on Linux */
} es_proc_suspend_resume_type_t;

/* Who installed a profile. macOS 14.0; not used on Linux. */
typedef enum {
	ES_PROFILE_SOURCE_MANAGED = 0,
	ES_PROFILE_SOURCE_INSTALL = 1
} es_profile_source_t;

/* What a finger was for. macOS 13.0. Linux: always VERIFICATION. */
typedef enum {
	ES_TOUCHID_MODE_VERIFICATION = 0,
	ES_TOUCHID_MODE_IDENTIFICATION = 1
} es_touchid_mode_t;

/*
 * What happens to the client and to the operation when an answer is late.
 * macOS 27.0.
 */
typedef enum {
	/* default: SIGKILL for the client, the operation goes on */
	ES_DEADLINE_MISS_MODE_KILL = 0,
	ES_DEADLINE_MISS_MODE_FAIL_CLOSED = 1,	/* the operation is denied, the client lives */
	ES_DEADLINE_MISS_MODE_FAIL_OPEN = 2	/* the operation goes on, the client lives */
} es_deadline_miss_mode_t;

/* Valid member of target in es_event_bootstrap_look_up_t. macOS 27.0. */
typedef enum {
	ES_BOOTSTRAP_TARGET_TYPE_PROCESS = 0,
	ES_BOOTSTRAP_TARGET_TYPE_JOB = 1
} es_bootstrap_target_type_t;

#ifdef __cplusplus
}
#endif

#pragma GCC diagnostic pop

#endif /* __ENDPOINT_SECURITY_TYPES_H */
