/* The types of the API: member names, types, order. A field marked vN is read from message version N on. */

typedef struct {
	uint8_t reserved[32];
} es_event_id_t;

typedef enum {
	ES_ACTION_TYPE_AUTH = 0,
	ES_ACTION_TYPE_NOTIFY = 1
} es_action_type_t;

typedef enum {
	ES_SET = 0,
	ES_CLEAR = 1
} es_set_or_clear_t;

typedef enum {
	ES_PROC_CHECK_TYPE_LISTPIDS = 0x1,
	ES_PROC_CHECK_TYPE_PIDINFO = 0x2,
	ES_PROC_CHECK_TYPE_PIDFDINFO = 0x3,
	ES_PROC_CHECK_TYPE_KERNMSGBUF = 0x4,
	ES_PROC_CHECK_TYPE_SETCONTROL = 0x5,
	ES_PROC_CHECK_TYPE_PIDFILEPORTINFO = 0x6,
	ES_PROC_CHECK_TYPE_TERMINATE = 0x7,
	ES_PROC_CHECK_TYPE_DIRTYCONTROL = 0x8,
	ES_PROC_CHECK_TYPE_PIDRUSAGE = 0x9,
	ES_PROC_CHECK_TYPE_UDATA_INFO = 0xe
} es_proc_check_type_t;

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

typedef enum {
	ES_AUTHENTICATION_TYPE_OD = 0,
	ES_AUTHENTICATION_TYPE_TOUCHID = 1,
	ES_AUTHENTICATION_TYPE_TOKEN = 2,
	ES_AUTHENTICATION_TYPE_AUTO_UNLOCK = 3,
	ES_AUTHENTICATION_TYPE_LAST = 4
} es_authentication_type_t;

typedef enum {
	ES_SUDO_PLUGIN_TYPE_UNKNOWN = 0,
	ES_SUDO_PLUGIN_TYPE_FRONT_END = 1,
	ES_SUDO_PLUGIN_TYPE_POLICY = 2,
	ES_SUDO_PLUGIN_TYPE_IO = 3,
	ES_SUDO_PLUGIN_TYPE_AUDIT = 4,
	ES_SUDO_PLUGIN_TYPE_APPROVAL = 5
} es_sudo_plugin_type_t;

typedef enum {
	ES_AUTH_RESULT_ALLOW = 0,
	ES_AUTH_RESULT_DENY = 1
} es_auth_result_t;

typedef enum {
	ES_RESULT_TYPE_AUTH = 0,
	ES_RESULT_TYPE_FLAGS = 1
} es_result_type_t;

typedef enum {
	ES_RETURN_SUCCESS = 0,
	ES_RETURN_ERROR = 1
} es_return_t;

typedef enum {
	ES_RESPOND_RESULT_SUCCESS = 0,
	ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT = 1,
	ES_RESPOND_RESULT_ERR_INTERNAL = 2,
	ES_RESPOND_RESULT_NOT_FOUND = 3,
	ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE = 4,
	ES_RESPOND_RESULT_ERR_EVENT_TYPE = 5
} es_respond_result_t;

typedef enum {
	ES_NEW_CLIENT_RESULT_SUCCESS = 0,
	ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT = 1,
	ES_NEW_CLIENT_RESULT_ERR_INTERNAL = 2,
	ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED = 3,
	ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED = 4,
	ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED = 5,
	ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS = 6
} es_new_client_result_t;

typedef enum {
	ES_CLEAR_CACHE_RESULT_SUCCESS = 0,
	ES_CLEAR_CACHE_RESULT_ERR_INTERNAL = 1,
	ES_CLEAR_CACHE_RESULT_ERR_THROTTLE = 2
} es_clear_cache_result_t;

typedef uint8_t es_cdhash_t[20];

typedef uint8_t es_sha256_t[32];

typedef struct {
	size_t size;
	const uint8_t *data;
} es_token_t;

typedef struct {
	size_t length;
	const char *data;
} es_string_token_t;

typedef enum {
	ES_MUTE_PATH_TYPE_PREFIX = 0,
	ES_MUTE_PATH_TYPE_LITERAL = 1,
	ES_MUTE_PATH_TYPE_TARGET_PREFIX = 2,
	ES_MUTE_PATH_TYPE_TARGET_LITERAL = 3
} es_mute_path_type_t;

typedef struct {
	es_mute_path_type_t type;
	size_t event_count;
	const es_event_type_t *events;
	es_string_token_t path;
} es_muted_path_t;

typedef struct {
	size_t count;
	const es_muted_path_t *paths;
} es_muted_paths_t;

typedef struct {
	audit_token_t audit_token;
	size_t event_count;
	const es_event_type_t *events;
} es_muted_process_t;

typedef struct {
	size_t count;
	const es_muted_process_t *processes;
} es_muted_processes_t;

typedef enum {
	ES_ADDRESS_TYPE_NONE = 0,
	ES_ADDRESS_TYPE_IPV4 = 1,
	ES_ADDRESS_TYPE_IPV6 = 2,
	ES_ADDRESS_TYPE_NAMED_SOCKET = 3
} es_address_type_t;

typedef enum {
	ES_MUTE_INVERSION_TYPE_PROCESS = 0,
	ES_MUTE_INVERSION_TYPE_PATH = 1,
	ES_MUTE_INVERSION_TYPE_TARGET_PATH = 2,
	ES_MUTE_INVERSION_TYPE_LAST = 3
} es_mute_inversion_type_t;

typedef enum {
	ES_MUTE_INVERTED = 0,
	ES_MUTE_NOT_INVERTED = 1,
	ES_MUTE_INVERTED_ERROR = 2
} es_mute_inverted_return_t;

typedef enum {
	ES_AUTHORIZATION_RULE_CLASS_USER = 0,
	ES_AUTHORIZATION_RULE_CLASS_RULE = 1,
	ES_AUTHORIZATION_RULE_CLASS_MECHANISM = 2,
	ES_AUTHORIZATION_RULE_CLASS_ALLOW = 3,
	ES_AUTHORIZATION_RULE_CLASS_DENY = 4,
	ES_AUTHORIZATION_RULE_CLASS_UNKNOWN = 5,
	ES_AUTHORIZATION_RULE_CLASS_INVALID = 6
} es_authorization_rule_class_t;

typedef enum {
	ES_OD_MEMBER_TYPE_USER_NAME = 0,
	ES_OD_MEMBER_TYPE_USER_UUID = 1,
	ES_OD_MEMBER_TYPE_GROUP_UUID = 2
} es_od_member_type_t;

typedef enum {
	ES_OD_ACCOUNT_TYPE_USER = 0,
	ES_OD_ACCOUNT_TYPE_COMPUTER = 1
} es_od_account_type_t;

typedef enum {
	ES_OD_RECORD_TYPE_USER = 0,
	ES_OD_RECORD_TYPE_GROUP = 1
} es_od_record_type_t;

typedef enum {
	ES_GATEKEEPER_USER_OVERRIDE_FILE_TYPE_PATH = 0,
	ES_GATEKEEPER_USER_OVERRIDE_FILE_TYPE_FILE = 1
} es_gatekeeper_user_override_file_type_t;

typedef struct {
	es_cdhash_t cdhash;
	es_string_token_t signing_id;
	es_string_token_t team_id;
} es_signed_file_info_t;

typedef enum {
	ES_TCC_EVENT_TYPE_UNKNOWN = 0,
	ES_TCC_EVENT_TYPE_CREATE = 1,
	ES_TCC_EVENT_TYPE_MODIFY = 2,
	ES_TCC_EVENT_TYPE_DELETE = 3
} es_tcc_event_type_t;

typedef enum {
	ES_TCC_AUTHORIZATION_RIGHT_DENIED = 0,
	ES_TCC_AUTHORIZATION_RIGHT_UNKNOWN = 1,
	ES_TCC_AUTHORIZATION_RIGHT_ALLOWED = 2,
	ES_TCC_AUTHORIZATION_RIGHT_LIMITED = 3,
	ES_TCC_AUTHORIZATION_RIGHT_ADD_MODIFY_ADDED = 4,
	ES_TCC_AUTHORIZATION_RIGHT_SESSION_PID = 5,
	ES_TCC_AUTHORIZATION_RIGHT_LEARN_MORE = 6
} es_tcc_authorization_right_t;

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

typedef enum {
	ES_TCC_IDENTITY_TYPE_BUNDLE_ID = 0,
	ES_TCC_IDENTITY_TYPE_EXECUTABLE_PATH = 1,
	ES_TCC_IDENTITY_TYPE_POLICY_ID = 2,
	ES_TCC_IDENTITY_TYPE_FILE_PROVIDER_DOMAIN_ID = 3
} es_tcc_identity_type_t;

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

typedef enum {
	ES_AUTO_UNLOCK_MACHINE_UNLOCK = 1,
	ES_AUTO_UNLOCK_AUTH_PROMPT = 2
} es_auto_unlock_type_t;

typedef enum {
	ES_BTM_ITEM_TYPE_USER_ITEM = 0,
	ES_BTM_ITEM_TYPE_APP = 1,
	ES_BTM_ITEM_TYPE_LOGIN_ITEM = 2,
	ES_BTM_ITEM_TYPE_AGENT = 3,
	ES_BTM_ITEM_TYPE_DAEMON = 4
} es_btm_item_type_t;

typedef enum {
	ES_DESTINATION_TYPE_EXISTING_FILE = 0,
	ES_DESTINATION_TYPE_NEW_PATH = 1
} es_destination_type_t;

typedef enum {
	ES_GET_TASK_TYPE_TASK_FOR_PID = 0,
	ES_GET_TASK_TYPE_EXPOSE_TASK = 1,
	ES_GET_TASK_TYPE_IDENTITY_TOKEN = 2
} es_get_task_type_t;

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

typedef enum {
	ES_MOUNT_DISPOSITION_EXTERNAL = 0,
	ES_MOUNT_DISPOSITION_INTERNAL = 1,
	ES_MOUNT_DISPOSITION_NETWORK = 2,
	ES_MOUNT_DISPOSITION_VIRTUAL = 3,
	ES_MOUNT_DISPOSITION_NULLFS = 4,
	ES_MOUNT_DISPOSITION_UNKNOWN = 5
} es_mount_disposition_t;

typedef enum {
	ES_PROC_SUSPEND_RESUME_TYPE_SUSPEND = 0,
	ES_PROC_SUSPEND_RESUME_TYPE_RESUME = 1,
	ES_PROC_SUSPEND_RESUME_TYPE_SHUTDOWN_SOCKETS = 3
} es_proc_suspend_resume_type_t;

typedef enum {
	ES_PROFILE_SOURCE_MANAGED = 0,
	ES_PROFILE_SOURCE_INSTALL = 1
} es_profile_source_t;

typedef enum {
	ES_TOUCHID_MODE_VERIFICATION = 0,
	ES_TOUCHID_MODE_IDENTIFICATION = 1
} es_touchid_mode_t;

typedef enum {
	ES_DEADLINE_MISS_MODE_KILL = 0,
	ES_DEADLINE_MISS_MODE_FAIL_CLOSED = 1,
	ES_DEADLINE_MISS_MODE_FAIL_OPEN = 2
} es_deadline_miss_mode_t;

typedef enum {
	ES_BOOTSTRAP_TARGET_TYPE_PROCESS = 0,
	ES_BOOTSTRAP_TARGET_TYPE_JOB = 1
} es_bootstrap_target_type_t;

typedef struct {
	es_string_token_t path;
	bool path_truncated;
	struct stat stat;
} es_file_t;

typedef struct {
	uint64_t thread_id;
} es_thread_t;

typedef struct {
	audit_token_t audit_token;
	pid_t ppid;
	pid_t original_ppid;
	pid_t group_id;
	pid_t session_id;
	uint32_t codesigning_flags;
	bool is_platform_binary;
	bool is_es_client;
	es_cdhash_t cdhash;
	es_string_token_t signing_id;
	es_string_token_t team_id;
	es_file_t *executable;
	es_file_t *_Nullable tty; /* v2 */
	struct timeval start_time; /* v3 */
	audit_token_t responsible_audit_token; /* v4 */
	audit_token_t parent_audit_token; /* v4 */
	es_cs_validation_category_t cs_validation_category; /* v10 */
	union {
		uint8_t reserved[16];
	};
	es_token_t cdhash_full; /* v11 */
} es_process_t;

typedef struct {
	int flavor;
	es_token_t state;
} es_thread_state_t;

typedef struct {
	int32_t fd;
	uint32_t fdtype;
	union {
		struct {
			uint64_t pipe_id;
		} pipe;
	};
} es_fd_t;

typedef struct {
	es_btm_item_type_t item_type;
	bool legacy;
	bool managed;
	uid_t uid;
	es_string_token_t item_url;
	es_string_token_t app_url;
} es_btm_launch_item_t;

typedef struct {
	es_string_token_t identifier;
	es_string_token_t uuid;
	es_profile_source_t install_source;
	es_string_token_t organization;
	es_string_token_t display_name;
	es_string_token_t scope;
} es_profile_t;

typedef struct {
	es_process_t *target;
	es_string_token_t dyld_exec_path; /* v7 */
	union {
		uint8_t reserved[64];
		struct {
			es_file_t *_Nullable script; /* v2 */
			es_file_t *cwd; /* v3 */
			int last_fd; /* v4 */
			cpu_type_t image_cputype; /* v6 */
			cpu_subtype_t image_cpusubtype; /* v6 */
		};
	};
} es_event_exec_t;

typedef struct {
	int32_t fflag;
	es_file_t *file;
	uint8_t reserved[64];
} es_event_open_t;

typedef struct {
	es_string_token_t identifier;
	uint8_t reserved[64];
} es_event_kextload_t;

typedef struct {
	es_string_token_t identifier;
	uint8_t reserved[64];
} es_event_kextunload_t;

typedef struct {
	es_file_t *target;
	es_file_t *parent_dir;
	uint8_t reserved[64];
} es_event_unlink_t;

typedef struct {
	int32_t protection;
	int32_t max_protection;
	int32_t flags;
	uint64_t file_pos;
	es_file_t *source;
	uint8_t reserved[64];
} es_event_mmap_t;

typedef struct {
	es_file_t *source;
	es_file_t *target_dir;
	es_string_token_t target_filename;
	uint8_t reserved[64];
} es_event_link_t;

typedef struct {
	struct statfs *statfs;
	es_mount_disposition_t disposition; /* v8 */
	uint8_t reserved[60];
} es_event_mount_t;

typedef struct {
	struct statfs *statfs;
	uint8_t reserved[64];
} es_event_unmount_t;

typedef struct {
	struct statfs *statfs;
	uint64_t remount_flags; /* v8 */
	es_mount_disposition_t disposition; /* v8 */
	uint8_t reserved[52];
} es_event_remount_t;

typedef struct {
	es_process_t *child;
	uint8_t reserved[64];
} es_event_fork_t;

typedef struct {
	int32_t protection;
	user_addr_t address;
	user_size_t size;
	uint8_t reserved[64];
} es_event_mprotect_t;

typedef struct {
	int sig;
	es_process_t *target;
	es_process_t *_Nullable instigator; /* v9 */
	uint8_t reserved[56];
} es_event_signal_t;

typedef struct {
	es_file_t *source;
	es_destination_type_t destination_type;
	union {
		es_file_t *existing_file;
		struct {
			es_file_t *dir;
			es_string_token_t filename;
		} new_path;
	} destination;
	uint8_t reserved[64];
} es_event_rename_t;

typedef struct {
	es_file_t *target;
	es_string_token_t extattr;
	uint8_t reserved[64];
} es_event_setextattr_t;

typedef struct {
	es_file_t *target;
	es_string_token_t extattr;
	uint8_t reserved[64];
} es_event_getextattr_t;

typedef struct {
	es_file_t *target;
	es_string_token_t extattr;
	uint8_t reserved[64];
} es_event_deleteextattr_t;

typedef struct {
	mode_t mode;
	es_file_t *target;
	uint8_t reserved[64];
} es_event_setmode_t;

typedef struct {
	uint32_t flags;
	es_file_t *target;
	uint8_t reserved[64];
} es_event_setflags_t;

typedef struct {
	uid_t uid;
	gid_t gid;
	es_file_t *target;
	uint8_t reserved[64];
} es_event_setowner_t;

typedef struct {
	bool modified;
	es_file_t *target;
	union {
		uint8_t reserved[64];
		struct {
			bool was_mapped_writable; /* v6 */
		};
	};
} es_event_close_t;

typedef struct {
	es_destination_type_t destination_type;
	union {
		es_file_t *existing_file;
		struct {
			es_file_t *dir;
			es_string_token_t filename;
			mode_t mode;
		} new_path;
	} destination;
	uint8_t reserved2[16];
	union {
		uint8_t reserved[48];
		struct {
			acl_t _Nullable acl; /* v2 */
		};
	};
} es_event_create_t;

typedef struct {
	int stat;
	uint8_t reserved[64];
} es_event_exit_t;

typedef struct {
	es_file_t *file1;
	es_file_t *file2;
	uint8_t reserved[64];
} es_event_exchangedata_t;

typedef struct {
	es_file_t *target;
	uint8_t reserved[64];
} es_event_write_t;

typedef struct {
	es_file_t *target;
	uint8_t reserved[64];
} es_event_truncate_t;

typedef struct {
	es_file_t *target;
	uint8_t reserved[64];
} es_event_chdir_t;

typedef struct {
	es_file_t *target;
	uint8_t reserved[64];
} es_event_stat_t;

typedef struct {
	es_file_t *target;
	uint8_t reserved[64];
} es_event_chroot_t;

typedef struct {
	es_file_t *target;
	uint8_t reserved[64];
} es_event_listextattr_t;

typedef struct {
	uint32_t user_client_type;
	es_string_token_t user_client_class;
	uint64_t parent_registry_id; /* v10 */
	es_string_token_t parent_path; /* v10 */
	uint8_t reserved[40];
} es_event_iokit_open_t;

typedef struct {
	es_process_t *target;
	es_get_task_type_t type; /* v5 */
	uint8_t reserved[60];
} es_event_get_task_t;

typedef struct {
	es_process_t *target;
	es_get_task_type_t type; /* v5 */
	uint8_t reserved[60];
} es_event_get_task_read_t;

typedef struct {
	es_process_t *target;
	es_get_task_type_t type; /* v5 */
	uint8_t reserved[60];
} es_event_get_task_inspect_t;

typedef struct {
	es_process_t *target;
	es_get_task_type_t type; /* v5 */
	uint8_t reserved[60];
} es_event_get_task_name_t;

typedef struct {
	struct attrlist attrlist;
	es_file_t *target;
	uint8_t reserved[64];
} es_event_getattrlist_t;

typedef struct {
	struct attrlist attrlist;
	es_file_t *target;
	uint8_t reserved[64];
} es_event_setattrlist_t;

typedef struct {
	es_file_t *source;
	es_string_token_t target_path;
	uint8_t reserved[64];
} es_event_file_provider_update_t;

typedef struct {
	es_process_t *_Nullable instigator;
	es_file_t *source;
	es_file_t *target;
	audit_token_t instigator_token; /* v8 */
	uint8_t reserved[32];
} es_event_file_provider_materialize_t;

typedef struct {
	es_file_t *source;
	uint8_t reserved[64];
} es_event_readlink_t;

typedef struct {
	es_file_t *source_dir;
	es_string_token_t relative_target;
	uint8_t reserved[64];
} es_event_lookup_t;

typedef struct {
	int32_t mode;
	es_file_t *target;
	uint8_t reserved[64];
} es_event_access_t;

typedef struct {
	es_file_t *target;
	struct timespec atime;
	struct timespec mtime;
	uint8_t reserved[64];
} es_event_utimes_t;

typedef struct {
	es_file_t *source;
	es_file_t *target_dir;
	es_string_token_t target_name;
	uint8_t reserved[64];
} es_event_clone_t;

typedef struct {
	es_file_t *source;
	es_file_t *_Nullable target_file;
	es_file_t *target_dir;
	es_string_token_t target_name;
	mode_t mode;
	int32_t flags;
	uint8_t reserved[56];
} es_event_copyfile_t;

typedef struct {
	es_file_t *target;
	int32_t cmd;
	uint8_t reserved[64];
} es_event_fcntl_t;

typedef struct {
	es_file_t *target;
	uint8_t reserved[64];
} es_event_readdir_t;

typedef struct {
	es_file_t *target;
	uint8_t reserved[64];
} es_event_fsgetpath_t;

typedef struct {
	uint8_t reserved[64];
} es_event_settime_t;

typedef struct {
	es_file_t *target;
	uint8_t reserved[64];
} es_event_dup_t;

typedef struct {
	es_file_t *dir;
	es_string_token_t filename;
	mode_t mode;
	uint8_t reserved[64];
} es_event_uipc_bind_t;

typedef struct {
	es_file_t *file;
	int domain;
	int type;
	int protocol;
	uint8_t reserved[64];
} es_event_uipc_connect_t;

typedef struct {
	es_file_t *target;
	es_set_or_clear_t set_or_clear;
	union {
		acl_t set;
	} acl;
	uint8_t reserved[64];
} es_event_setacl_t;

typedef struct {
	dev_t dev;
	uint8_t reserved[64];
} es_event_pty_grant_t;

typedef struct {
	dev_t dev;
	uint8_t reserved[64];
} es_event_pty_close_t;

typedef struct {
	es_process_t *_Nullable target;
	es_proc_check_type_t type;
	int flavor;
	uint8_t reserved[64];
} es_event_proc_check_t;

typedef struct {
	struct attrlist attrlist;
	es_file_t *target;
	uint8_t reserved[64];
} es_event_searchfs_t;

typedef struct {
	es_process_t *_Nullable target;
	es_proc_suspend_resume_type_t type;
	uint8_t reserved[64];
} es_event_proc_suspend_resume_t;

typedef struct {
	uint8_t reserved[64];
} es_event_cs_invalidated_t;

typedef struct {
	es_process_t *target;
	uint8_t reserved[64];
} es_event_trace_t;

typedef struct {
	es_process_t *target;
	es_thread_state_t *_Nullable thread_state;
	uint8_t reserved[64];
} es_event_remote_thread_create_t;

typedef struct {
	uid_t uid;
	uint8_t reserved[64];
} es_event_setuid_t;

typedef struct {
	uid_t gid;
	uint8_t reserved[64];
} es_event_setgid_t;

typedef struct {
	uid_t euid;
	uint8_t reserved[64];
} es_event_seteuid_t;

typedef struct {
	uid_t egid;
	uint8_t reserved[64];
} es_event_setegid_t;

typedef struct {
	uid_t ruid;
	uid_t euid;
	uint8_t reserved[64];
} es_event_setreuid_t;

typedef struct {
	uid_t rgid;
	uid_t egid;
	uint8_t reserved[64];
} es_event_setregid_t;

typedef struct {
	es_process_t *_Nullable instigator;
	es_string_token_t record_type;
	es_string_token_t record_name;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_authentication_od_t;

typedef struct {
	es_process_t *_Nullable instigator;
	es_touchid_mode_t touchid_mode;
	bool has_uid;
	union {
		uid_t uid;
	} uid;
	audit_token_t instigator_token; /* v8 */
} es_event_authentication_touchid_t;

typedef struct {
	es_process_t *_Nullable instigator;
	es_string_token_t pubkey_hash;
	es_string_token_t token_id;
	es_string_token_t kerberos_principal;
	audit_token_t instigator_token; /* v8 */
} es_event_authentication_token_t;

typedef struct {
	es_string_token_t username;
	es_auto_unlock_type_t type;
} es_event_authentication_auto_unlock_t;

typedef struct {
	bool success;
	es_authentication_type_t type;
	union {
		es_event_authentication_od_t *od;
		es_event_authentication_touchid_t *touchid;
		es_event_authentication_token_t *token;
		es_event_authentication_auto_unlock_t *auto_unlock;
	} data;
} es_event_authentication_t;

typedef struct {
	es_string_token_t signature_version;
	es_string_token_t malware_identifier;
	es_string_token_t incident_identifier;
	es_string_token_t detected_path;
	es_string_token_t detected_executable; /* v10 */
} es_event_xp_malware_detected_t;

typedef struct {
	es_string_token_t signature_version;
	es_string_token_t malware_identifier;
	es_string_token_t incident_identifier;
	es_string_token_t action_type;
	bool success;
	es_string_token_t result_description;
	es_string_token_t remediated_path;
	audit_token_t *_Nullable remediated_process_audit_token;
} es_event_xp_malware_remediated_t;

typedef uint32_t es_graphical_session_id_t;

typedef struct {
	es_string_token_t username;
	es_graphical_session_id_t graphical_session_id;
} es_event_lw_session_login_t;

typedef struct {
	es_string_token_t username;
	es_graphical_session_id_t graphical_session_id;
} es_event_lw_session_logout_t;

typedef struct {
	es_string_token_t username;
	es_graphical_session_id_t graphical_session_id;
} es_event_lw_session_lock_t;

typedef struct {
	es_string_token_t username;
	es_graphical_session_id_t graphical_session_id;
} es_event_lw_session_unlock_t;

typedef struct {
	bool success;
	es_address_type_t source_address_type;
	es_string_token_t source_address;
	es_string_token_t viewer_appleid;
	es_string_token_t authentication_type;
	es_string_token_t authentication_username;
	es_string_token_t session_username;
	bool existing_session;
	es_graphical_session_id_t graphical_session_id;
} es_event_screensharing_attach_t;

typedef struct {
	es_address_type_t source_address_type;
	es_string_token_t source_address;
	es_string_token_t viewer_appleid;
	es_graphical_session_id_t graphical_session_id;
} es_event_screensharing_detach_t;

typedef struct {
	bool success;
	es_openssh_login_result_type_t result_type;
	es_address_type_t source_address_type;
	es_string_token_t source_address;
	es_string_token_t username;
	bool has_uid;
	union {
		uid_t uid;
	} uid;
} es_event_openssh_login_t;

typedef struct {
	es_address_type_t source_address_type;
	es_string_token_t source_address;
	es_string_token_t username;
	uid_t uid;
} es_event_openssh_logout_t;

typedef struct {
	bool success;
	es_string_token_t failure_message;
	es_string_token_t username;
	bool has_uid;
	union {
		uid_t uid;
	} uid;
} es_event_login_login_t;

typedef struct {
	es_string_token_t username;
	uid_t uid;
} es_event_login_logout_t;

typedef struct {
	es_process_t *_Nullable instigator;
	es_process_t *_Nullable app;
	es_btm_launch_item_t *item;
	es_string_token_t executable_path;
	audit_token_t *_Nullable instigator_token; /* v8 */
	audit_token_t *_Nullable app_token; /* v8 */
} es_event_btm_launch_item_add_t;

typedef struct {
	es_process_t *_Nullable instigator;
	es_process_t *_Nullable app;
	es_btm_launch_item_t *item;
	audit_token_t *_Nullable instigator_token; /* v8 */
	audit_token_t *_Nullable app_token; /* v8 */
} es_event_btm_launch_item_remove_t;

typedef struct {
	bool success;
	es_string_token_t failure_message;
	uid_t from_uid;
	es_string_token_t from_username;
	bool has_to_uid;
	union {
		uid_t uid;
	} to_uid;
	es_string_token_t to_username;
	es_string_token_t shell;
	size_t argc;
	es_string_token_t *_Nullable argv;
	size_t env_count;
	es_string_token_t *_Nullable env;
} es_event_su_t;

typedef struct {
	es_string_token_t plugin_name;
	es_sudo_plugin_type_t plugin_type;
	es_string_token_t failure_message;
} es_sudo_reject_info_t;

typedef struct {
	bool success;
	es_sudo_reject_info_t *_Nullable reject_info;
	bool has_from_uid;
	union {
		uid_t uid;
	} from_uid;
	es_string_token_t from_username;
	bool has_to_uid;
	union {
		uid_t uid;
	} to_uid;
	es_string_token_t to_username;
	es_string_token_t command;
} es_event_sudo_t;

typedef struct {
	es_process_t *_Nullable instigator;
	bool is_update;
	es_profile_t *profile;
	audit_token_t instigator_token; /* v8 */
} es_event_profile_add_t;

typedef struct {
	es_process_t *_Nullable instigator;
	es_profile_t *profile;
	audit_token_t instigator_token; /* v8 */
} es_event_profile_remove_t;

typedef struct {
	es_process_t *_Nullable instigator;
	es_process_t *_Nullable petitioner;
	uint32_t flags;
	size_t right_count;
	es_string_token_t *_Nullable rights;
	audit_token_t instigator_token; /* v8 */
	audit_token_t petitioner_token; /* v8 */
} es_event_authorization_petition_t;

typedef struct {
	es_string_token_t right_name;
	es_authorization_rule_class_t rule_class;
	bool granted;
} es_authorization_result_t;

typedef struct {
	es_process_t *_Nullable instigator;
	es_process_t *_Nullable petitioner;
	int return_code;
	size_t result_count;
	es_authorization_result_t *_Nullable results;
	audit_token_t instigator_token; /* v8 */
	audit_token_t petitioner_token; /* v8 */
} es_event_authorization_judgement_t;

typedef struct {
	es_od_member_type_t member_type;
	union {
		uuid_t uuid;
		es_string_token_t name;
	} member_value;
} es_od_member_id_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_string_token_t group_name;
	es_od_member_id_t *member;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_group_add_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_string_token_t group_name;
	es_od_member_id_t *member;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_group_remove_t;

typedef struct {
	es_od_member_type_t member_type;
	size_t member_count;
	union {
		uuid_t *uuids;
		es_string_token_t *names;
	} member_array;
} es_od_member_id_array_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_string_token_t group_name;
	es_od_member_id_array_t *members;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_group_set_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_od_account_type_t account_type;
	es_string_token_t account_name;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_modify_password_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_string_token_t user_name;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_disable_user_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_string_token_t user_name;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_enable_user_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_od_record_type_t record_type;
	es_string_token_t record_name;
	es_string_token_t attribute_name;
	es_string_token_t attribute_value;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_attribute_value_add_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_od_record_type_t record_type;
	es_string_token_t record_name;
	es_string_token_t attribute_name;
	es_string_token_t attribute_value;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_attribute_value_remove_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_od_record_type_t record_type;
	es_string_token_t record_name;
	es_string_token_t attribute_name;
	size_t attribute_value_count;
	es_string_token_t *_Nullable attribute_values;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_attribute_set_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_string_token_t user_name;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_create_user_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_string_token_t group_name;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_create_group_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_string_token_t user_name;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_delete_user_t;

typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;
	es_string_token_t group_name;
	es_string_token_t node_name;
	es_string_token_t db_path;
	audit_token_t instigator_token; /* v8 */
} es_event_od_delete_group_t;

typedef struct {
	es_string_token_t service_name;
	es_xpc_domain_type_t service_domain_type;
} es_event_xpc_connect_t;

typedef struct {
	es_gatekeeper_user_override_file_type_t file_type;
	union {
		es_string_token_t file_path;
		es_file_t *file;
	} file;
	es_sha256_t *_Nullable sha256;
	es_signed_file_info_t *_Nullable signing_info;
} es_event_gatekeeper_user_override_t;

typedef struct {
	es_string_token_t service;
	es_string_token_t identity;
	es_tcc_identity_type_t identity_type;
	es_tcc_event_type_t update_type;
	audit_token_t instigator_token;
	es_process_t *_Nullable instigator;
	audit_token_t *_Nullable responsible_token;
	es_process_t *_Nullable responsible;
	es_tcc_authorization_right_t right;
	es_tcc_authorization_reason_t reason;
} es_event_tcc_modify_t;

typedef struct {
	es_string_token_t team_id;
	es_string_token_t signing_id;
} es_lightweight_code_requirement_t;

typedef struct {
	es_process_t *_Nullable instigator;
	audit_token_t instigator_token;
	es_string_token_t service_name;
} es_event_bootstrap_check_in_t;

typedef struct {
	es_process_t *_Nullable instigator;
	audit_token_t instigator_token;
	es_string_token_t service_name;
	es_bootstrap_target_type_t target_type;
	union {
		struct {
			es_process_t *_Nullable target;
			audit_token_t target_token;
			es_string_token_t job_label;
		} process;
		struct {
			es_string_token_t job_label;
			es_lightweight_code_requirement_t *_Nullable lwcr;
		} job;
	} target;
} es_event_bootstrap_look_up_t;

typedef union {
	es_event_access_t access;
	es_event_chdir_t chdir;
	es_event_chroot_t chroot;
	es_event_clone_t clone;
	es_event_close_t close;
	es_event_copyfile_t copyfile;
	es_event_create_t create;
	es_event_cs_invalidated_t cs_invalidated;
	es_event_deleteextattr_t deleteextattr;
	es_event_dup_t dup;
	es_event_exchangedata_t exchangedata;
	es_event_exec_t exec;
	es_event_exit_t exit;
	es_event_file_provider_materialize_t file_provider_materialize;
	es_event_file_provider_update_t file_provider_update;
	es_event_fcntl_t fcntl;
	es_event_fork_t fork;
	es_event_fsgetpath_t fsgetpath;
	es_event_get_task_t get_task;
	es_event_get_task_read_t get_task_read;
	es_event_get_task_inspect_t get_task_inspect;
	es_event_get_task_name_t get_task_name;
	es_event_getattrlist_t getattrlist;
	es_event_getextattr_t getextattr;
	es_event_iokit_open_t iokit_open;
	es_event_kextload_t kextload;
	es_event_kextunload_t kextunload;
	es_event_link_t link;
	es_event_listextattr_t listextattr;
	es_event_lookup_t lookup;
	es_event_mmap_t mmap;
	es_event_mount_t mount;
	es_event_mprotect_t mprotect;
	es_event_open_t open;
	es_event_proc_check_t proc_check;
	es_event_proc_suspend_resume_t proc_suspend_resume;
	es_event_pty_close_t pty_close;
	es_event_pty_grant_t pty_grant;
	es_event_readdir_t readdir;
	es_event_readlink_t readlink;
	es_event_remote_thread_create_t remote_thread_create;
	es_event_remount_t remount;
	es_event_rename_t rename;
	es_event_searchfs_t searchfs;
	es_event_setacl_t setacl;
	es_event_setattrlist_t setattrlist;
	es_event_setextattr_t setextattr;
	es_event_setflags_t setflags;
	es_event_setmode_t setmode;
	es_event_setowner_t setowner;
	es_event_settime_t settime;
	es_event_setuid_t setuid;
	es_event_setgid_t setgid;
	es_event_seteuid_t seteuid;
	es_event_setegid_t setegid;
	es_event_setreuid_t setreuid;
	es_event_setregid_t setregid;
	es_event_signal_t signal;
	es_event_stat_t stat;
	es_event_trace_t trace;
	es_event_truncate_t truncate;
	es_event_uipc_bind_t uipc_bind;
	es_event_uipc_connect_t uipc_connect;
	es_event_unlink_t unlink;
	es_event_unmount_t unmount;
	es_event_utimes_t utimes;
	es_event_write_t write;
	es_event_authentication_t *authentication;
	es_event_xp_malware_detected_t *xp_malware_detected;
	es_event_xp_malware_remediated_t *xp_malware_remediated;
	es_event_lw_session_login_t *lw_session_login;
	es_event_lw_session_logout_t *lw_session_logout;
	es_event_lw_session_lock_t *lw_session_lock;
	es_event_lw_session_unlock_t *lw_session_unlock;
	es_event_screensharing_attach_t *screensharing_attach;
	es_event_screensharing_detach_t *screensharing_detach;
	es_event_openssh_login_t *openssh_login;
	es_event_openssh_logout_t *openssh_logout;
	es_event_login_login_t *login_login;
	es_event_login_logout_t *login_logout;
	es_event_btm_launch_item_add_t *btm_launch_item_add;
	es_event_btm_launch_item_remove_t *btm_launch_item_remove;
	es_event_profile_add_t *profile_add;
	es_event_profile_remove_t *profile_remove;
	es_event_su_t *su;
	es_event_authorization_petition_t *authorization_petition;
	es_event_authorization_judgement_t *authorization_judgement;
	es_event_sudo_t *sudo;
	es_event_od_group_add_t *od_group_add;
	es_event_od_group_remove_t *od_group_remove;
	es_event_od_group_set_t *od_group_set;
	es_event_od_modify_password_t *od_modify_password;
	es_event_od_disable_user_t *od_disable_user;
	es_event_od_enable_user_t *od_enable_user;
	es_event_od_attribute_value_add_t *od_attribute_value_add;
	es_event_od_attribute_value_remove_t *od_attribute_value_remove;
	es_event_od_attribute_set_t *od_attribute_set;
	es_event_od_create_user_t *od_create_user;
	es_event_od_create_group_t *od_create_group;
	es_event_od_delete_user_t *od_delete_user;
	es_event_od_delete_group_t *od_delete_group;
	es_event_xpc_connect_t *xpc_connect;
	es_event_gatekeeper_user_override_t *gatekeeper_user_override;
	es_event_tcc_modify_t *tcc_modify;
	es_event_bootstrap_check_in_t *bootstrap_check_in;
	es_event_bootstrap_look_up_t *bootstrap_look_up;
} es_events_t;

typedef struct {
	es_result_type_t result_type;
	union {
		es_auth_result_t auth;
		uint32_t flags;
		uint8_t reserved[32];
	} result;
} es_result_t;

typedef struct {
	uint32_t version;
	struct timespec time;
	uint64_t mach_time;
	uint64_t deadline;
	es_process_t *process;
	uint64_t seq_num; /* v2 */
	es_action_type_t action_type;
	union {
		es_event_id_t auth;
		es_result_t notify;
	} action;
	es_event_type_t event_type;
	es_events_t event;
	es_thread_t *_Nullable thread; /* v4 */
	uint64_t global_seq_num; /* v4 */
	uint64_t opaque[];
} es_message_t;

typedef struct statfs es_statfs_t;

typedef struct es_client_s es_client_t;
