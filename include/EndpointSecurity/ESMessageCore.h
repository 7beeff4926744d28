/* SPDX-License-Identifier: MIT */
/*
 * ESMessageCore.h - the parts of messages: files, processes, threads
 *
 * Part of ESMessage.h since the macOS 26.4 SDK; programs include that one.
 */
#ifndef __ENDPOINT_SECURITY_MESSAGE_CORE_H
#define __ENDPOINT_SECURITY_MESSAGE_CORE_H

#include <EndpointSecurity/ESTypes.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A file, as it was when the message was made.
 *
 * With several hard links path shows any one of them. A file that has been
 * removed, or was never in a directory (memfd), has the kernel's path.
 */
typedef struct {
	es_string_token_t path;	/* absolute */
	/* the kernel's buffer was too short: path is the first part only */
	bool path_truncated;
	struct stat stat;	/* Linux's struct stat */
} es_file_t;

/* A thread. macOS 11.0. */
typedef struct {
	uint64_t thread_id;	/* Linux: its tid, as gettid(2) returns it */
} es_thread_t;

/*
 * A process: the one that acts (es_message_t.process, in the state before the
 * action) or one that is acted on.
 *
 * Linux does not sign programs. The members from codesigning_flags to team_id
 * come from the file's content, the database of packages, and the signed
 * archives that packages come from. They are about the version of the file
 * that is executed. The daemon finds them out; until it has, and where it
 * can't, all of them are zero and empty. NOTIFY never waits for them.
 * AUTH_EXEC does, for the target: an eighth of the time until its deadline,
 * and a second at most. es_linux_identity() in ESLinux.h says which case it
 * is and has the rest; docs/identity.md says what it proves, and what not.
 */
typedef struct {
	/* auid, euid, egid, ruid, rgid, pid, audit session, pidversion */
	audit_token_t audit_token;
	pid_t ppid;			/* the parent now: changes when the parent dies */
	pid_t original_ppid;		/* the parent at the start: never changes */
	pid_t group_id;			/* process group */
	pid_t session_id;		/* session */
	/*
	 * CS_* bits. CS_ADHOC alone: the content is known, but nothing
	 * vouches for it. CS_ADHOC, CS_SIGNED and CS_VALID: the file is as
	 * its package had it. CS_SIGNED and CS_VALID without CS_ADHOC: a
	 * signed archive has that package, or, with CS_DEV_CODE, a key of the
	 * administrator's has signed it. CS_HARD and CS_KILL: fs-verity keeps
	 * it so. CS_PLATFORM_BINARY
	 */
	uint32_t codesigning_flags;
	/* of the system's own archive, unchanged, only root can change it */
	bool is_platform_binary;
	bool is_es_client;		/* has a client of this API */
	es_cdhash_t cdhash;		/* the first 20 bytes of cdhash_full */
	es_string_token_t signing_id;	/* Linux: PACKAGE/NAME, as coreutils/ls */
	/* Linux: the Origin of the archive, or a key; empty for platform binaries */
	es_string_token_t team_id;
	es_file_t *_Nonnull executable;	/* the file it runs */
	es_file_t *_Nullable tty;	/* v2: terminal of its session, NULL without one */
	/* v3: wall clock at the fork; an exec does not change it */
	struct timeval start_time;
	/* v4: the process that it runs for; its own token if there is none */
	audit_token_t responsible_audit_token;
	/* v4: the execution that forked it; better than ppid */
	audit_token_t parent_audit_token;
	/* v10: PLATFORM, DEVELOPER_ID (an archive), LOCAL_SIGNING or NONE here */
	es_cs_validation_category_t cs_validation_category;
	union {
		uint8_t reserved[16];
	};
	es_token_t cdhash_full;		/* v11: fs-verity's digest, or SHA-256 */
} es_process_t;

/* Registers of a thread. macOS 11.0; not used on Linux. */
typedef struct {
	int flavor;		/* which registers */
	es_token_t state;	/* size in bytes */
} es_thread_state_t;

/* A descriptor that is open after an exec. macOS 11.0. */
typedef struct {
	int32_t fd;
	/* PROX_FDTYPE_*: VNODE, SOCKET or PIPE on Linux */
	uint32_t fdtype;
	union {
		struct {
			uint64_t pipe_id;	/* PROX_FDTYPE_PIPE: the same at both ends */
		} pipe;
	};
} es_fd_t;

/* Something that starts by itself. macOS 13.0. */
typedef struct {
	es_btm_item_type_t item_type;
	bool legacy;			/* Linux: a line of a crontab, or an init script */
	bool managed;			/* by device management; false on Linux */
	uid_t uid;			/* of the user it runs for; may be -2, nobody */
	es_string_token_t item_url;	/* Linux: file URL of the unit, crontab or so on */
	es_string_token_t app_url;	/* optional; absent on Linux */
} es_btm_launch_item_t;

/* A configuration profile. macOS 14.0; not used on Linux. */
typedef struct {
	es_string_token_t identifier;
	es_string_token_t uuid;
	es_profile_source_t install_source;
	es_string_token_t organization;
	es_string_token_t display_name;
	es_string_token_t scope;
} es_profile_t;

#ifdef __cplusplus
}
#endif

#pragma GCC diagnostic pop

#endif /* __ENDPOINT_SECURITY_MESSAGE_CORE_H */
