/* SPDX-License-Identifier: MIT */
/*
 * ESLinux.h - what Linux adds to the API
 *
 * Programs that want it include it. EndpointSecurity.h does not, so nothing
 * here can collide with a program written for macOS. Its functions are for
 * compilers without blocks, and for what a client can learn on Linux but not
 * on macOS.
 */
#ifndef __ENDPOINT_SECURITY_LINUX_H
#define __ENDPOINT_SECURITY_LINUX_H

#include <EndpointSecurity/EndpointSecurity.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The version of these headers. Compare numbers: a later version has more, and
 * everything that an earlier one has.
 */
#define ES_LINUX_VERSION_MAJOR	0
#define ES_LINUX_VERSION_MINOR	1
#define ES_LINUX_VERSION_PATCH	0
#define ES_LINUX_VERSION_NUMBER(major, minor, patch)	((major) << 16 | (minor) << 8 | (patch))
#define ES_LINUX_VERSION	ES_LINUX_VERSION_NUMBER( \
		ES_LINUX_VERSION_MAJOR, ES_LINUX_VERSION_MINOR, ES_LINUX_VERSION_PATCH)
#define ES_LINUX_VERSION_STRING	"0.1.0"

/* ES_LINUX_VERSION of the library that the program runs with. Any thread. */
OS_EXPORT uint32_t es_linux_version(void);

/* --- Handlers without blocks --- */

/*
 * A handler as a function. The library calls it as it would a handler block:
 * serially for one client, in the order of delivery, on a thread of its own.
 * @context is what was given when the client was made. @message lives until
 * the handler returns, longer if es_retain_message() was called.
 */
typedef void (*es_handler_function_t)(
		es_client_t *_Nonnull client, const es_message_t *_Nonnull message,
		void *_Nullable context);

/*
 * es_new_client() with a function for a handler. @context is passed through
 * and never touched; it has to stay valid until es_delete_client() returns.
 */
OS_EXPORT es_new_client_result_t es_new_client_f(
		es_client_t *_Nullable *_Nonnull client, es_handler_function_t _Nonnull handler,
		void *_Nullable context);

/* es_new_descendants_client() with a function for a handler. */
OS_EXPORT es_new_client_result_t es_new_descendants_client_f(
		es_client_t *_Nullable *_Nonnull client, es_handler_function_t _Nonnull handler,
		void *_Nullable context);

/*
 * es_sync_client() with a function: the library calls @function once, with
 * @context, when the handler has returned from all that was queued before.
 * The client's own handler must not call this.
 */
OS_EXPORT es_return_t es_sync_client_f(
		es_client_t *_Nullable client, void (*_Nonnull function)(void *_Nullable context),
		void *_Nullable context);

/* --- Names, for logs --- */

/*
 * The constant's name without its ES_EVENT_TYPE_, for example "AUTH_EXEC".
 * A constant string; NULL for numbers that are no event. Any thread.
 */
OS_EXPORT const char *_Nullable es_linux_event_name(es_event_type_t type);

/*
 * The name of a constant, for example "ES_RETURN_ERROR". Constant strings; NULL
 * for numbers that are none. Any thread.
 */
OS_EXPORT const char *_Nullable es_linux_return_name(es_return_t result);
OS_EXPORT const char *_Nullable es_linux_respond_result_name(es_respond_result_t result);
OS_EXPORT const char *_Nullable es_linux_new_client_result_name(es_new_client_result_t result);
OS_EXPORT const char *_Nullable es_linux_clear_cache_result_name(es_clear_cache_result_t result);
OS_EXPORT const char *_Nullable es_linux_mute_inverted_name(es_mute_inverted_return_t result);

/*
 * The one of these functions that fits the type of @result. @result has to be
 * a variable or a call: in C the constants themselves are plain numbers.
 */
#if !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define es_linux_result_name(result) \
	_Generic((result), \
		es_return_t: es_linux_return_name, \
		es_respond_result_t: es_linux_respond_result_name, \
		es_new_client_result_t: es_linux_new_client_result_name, \
		es_clear_cache_result_t: es_linux_clear_cache_result_name, \
		es_mute_inverted_return_t: es_linux_mute_inverted_name)(result)
#endif

/* --- Tokens and processes --- */

/* The words of a token that programs ask for, without <bsm/libbsm.h>. */
static inline uid_t es_linux_token_auid(audit_token_t token)
{
	return token.val[0];
}

static inline uid_t es_linux_token_euid(audit_token_t token)
{
	return token.val[1];
}

static inline pid_t es_linux_token_pid(audit_token_t token)
{
	return (pid_t)token.val[5];
}

static inline unsigned int es_linux_token_pidversion(audit_token_t token)
{
	return token.val[7];
}

/*
 * The token that messages about this process carry, for es_mute_process() and
 * for comparing. The daemon makes tokens: this uses what it reported to the
 * last client made, or, if there is none, asks it by a client of its own,
 * which stays until the process ends. So it fails where es_new_client()
 * would. Any thread.
 */
OS_EXPORT es_return_t es_linux_own_token(audit_token_t *_Nonnull token);

/* What es_linux_find_process() finds. Further members may come at its end. */
typedef struct {
	audit_token_t audit_token;		/* as it was given */
	pid_t ppid;
	es_string_token_t executable;		/* path; empty for kernel threads */
	es_string_token_t cwd;			/* its working directory */
	size_t arg_count;
	const es_string_token_t *_Nonnull args;	/* as they are now: a program can overwrite them */
} es_linux_process_t;

/*
 * Looks up the running execution that @token names, as a message or
 * es_linux_own_token() has it. Its users may have changed since.
 * ES_RETURN_ERROR if it has ended, or the process executes another program by
 * now; never the facts of another. Reads /proc, so paths are as the caller
 * sees them. *@process is for es_linux_free_process(). Any thread; in a
 * handler it costs the time of some system calls.
 */
OS_EXPORT es_return_t es_linux_find_process(
		es_client_t *_Nonnull client, const audit_token_t *_Nonnull token,
		es_linux_process_t *_Nullable *_Nonnull process);

/* NULL is fine. */
OS_EXPORT void es_linux_free_process(es_linux_process_t *_Nullable process);

/* --- Waiting for the daemon --- */

/*
 * How long es_new_client() and its like may wait until there is a daemon and
 * it has answered, in all; then they return
 * ES_NEW_CLIENT_RESULT_ERR_INTERNAL. 0, which is the default: a minute for
 * each of the two. For programs that have more to do than to be a client, and
 * such as handle SIGTERM: no signal makes these functions return. Of this
 * process, for all clients that it makes from now on. Any thread.
 */
OS_EXPORT void es_linux_set_connect_timeout_milliseconds(uint32_t milliseconds);

/* --- The stream's end --- */

/*
 * The group of this process as messages have it in group_id; in a pid
 * namespace getpgrp(2) has another number. It is the group at the time when
 * the client was made. 0: not known. Asks as es_linux_own_token() does. Any
 * thread.
 */
OS_EXPORT pid_t es_linux_own_group(void);

/*
 * True once the daemon that served @client is gone: no message will come any
 * more, and the library has let go what waited for an answer. Delete the
 * client and make a new one. Any thread, also the handler.
 */
OS_EXPORT bool es_linux_stream_ended(const es_client_t *_Nonnull client);

/*
 * A descriptor for poll(2), epoll or an event loop: it becomes readable
 * (POLLIN) when es_linux_stream_ended() becomes true, and stays so. The
 * client owns it: don't read or close it, and stop using it before
 * es_delete_client(). -1 if @client is none. Any thread.
 */
OS_EXPORT int es_linux_stream_end_fd(const es_client_t *_Nonnull client);

/*
 * How a file was found, and its other names. The path of an es_file_t is the
 * one that the file has in the initial mount namespace, which is the
 * daemon's, whatever mounts the actor reached it by. Mutes are compared with
 * this path. If it can't be given, one of the first two members is true. Then
 * path is what the actor calls the file, no mute of a path keeps it away, and
 * no answer about it is cached. Strings live as long as the message.
 */
typedef struct {
	/* it has no path in the initial namespace: path is the actor's own view */
	bool unreachable;
	/* links in it could not be followed: path is the text that was passed */
	bool unresolved;
	/* it is in layers (overlayfs) that only the actor has put together: path
	   and stat are those of the file in its layer */
	bool layered;
	/* inode number of the mount namespace that it was reached in, as in
	   /proc/PID/ns/mnt; 0: the initial one, or none any more */
	uint32_t mount_namespace;
	/* the path there, from the root of that namespace; empty: the same */
	es_string_token_t actors_path;
	/* the path in its layer, known while a client has inverted muting by
	   target; empty: not in layers, or not known */
	es_string_token_t real_path;
} es_linux_file_t;

/*
 * Fills @info for a file that is part of @message. False: it isn't, or an
 * argument is NULL. Any thread.
 */
OS_EXPORT bool es_linux_file(
		const es_message_t *_Nonnull message, const es_file_t *_Nonnull file,
		es_linux_file_t *_Nonnull info);

/* --- Who made a program --- */

/*
 * What the daemon knows about one version of a file. es_process_t of every
 * message has it, too, as far as macOS has members for it; docs/identity.md
 * says what each proves.
 */
typedef enum {
	ES_LINUX_IDENTITY_PENDING = 1,	/* not known yet: ask again later */
	ES_LINUX_IDENTITY_KNOWN = 2,
	ES_LINUX_IDENTITY_UNKNOWABLE = 3	/* nothing can be found out: see the reason */
} es_linux_identity_state_t;

/* Why no package vouches for a file, or why nothing is known of it. */
typedef enum {
	ES_LINUX_IDENTITY_REASON_NONE = 0,	/* a package does, or a signature */
	ES_LINUX_IDENTITY_REASON_BUSY = 1,	/* it, or the database of packages, is changing */
	ES_LINUX_IDENTITY_REASON_NO_PACKAGE = 2,	/* no package has a file of this name */
	ES_LINUX_IDENTITY_REASON_CHANGED = 3,	/* it is not the file that its package had */
	ES_LINUX_IDENTITY_REASON_OTHER_NAME = 4,	/* it has no name in the initial mount namespace */
	/* UNKNOWABLE: */
	ES_LINUX_IDENTITY_REASON_FILE_SYSTEM = 5,	/* of a kind where a version can change its content */
	ES_LINUX_IDENTITY_REASON_GONE = 6,	/* that version can't be opened any more */
	ES_LINUX_IDENTITY_REASON_UNREADABLE = 7,
	ES_LINUX_IDENTITY_REASON_TOO_LARGE = 8,
	ES_LINUX_IDENTITY_REASON_BAD_SIGNATURE = 9
} es_linux_identity_reason_t;

typedef enum {
	ES_LINUX_DIGEST_NONE = 0,
	ES_LINUX_DIGEST_SHA256 = 1,		/* of the content */
	ES_LINUX_DIGEST_VERITY_SHA256 = 2,	/* fs-verity's, which the kernel keeps true */
	ES_LINUX_DIGEST_VERITY_SHA512 = 3
} es_linux_digest_t;

/* The strings are inside. Further members may come at its end. */
typedef struct {
	es_linux_identity_state_t state;
	es_linux_identity_reason_t reason;
	bool is_packaged;		/* it is as its package had it */
	bool is_vouched_for;		/* a signed archive has that version, or a key in keys.d has signed it */
	bool is_platform_binary;	/* that archive is the system's, and only root can change the file */
	es_linux_digest_t digest_kind;
	uint32_t digest_size;
	uint8_t digest[64];
	char signing_id[160];		/* PACKAGE/NAME, or empty */
	char team_id[64];		/* the archive's Origin; empty for platform binaries */
	char package[128];		/* name, architecture, version; or empty */
	char vendor[64];		/* the archive's Origin, of platform binaries as well */
} es_linux_identity_t;

/*
 * Fills @identity for a file of @message (an executable, a script, or any
 * other) with what the daemon knows now. Asking makes the daemon look, and
 * never waits. False: @client isn't one, the file isn't part of @message or
 * no regular one, or the administrator has turned this off. Any thread.
 */
OS_EXPORT bool es_linux_identity(
		es_client_t *_Nonnull client, const es_message_t *_Nonnull message,
		const es_file_t *_Nonnull file, es_linux_identity_t *_Nonnull identity);

#ifdef __cplusplus
}
#endif

#pragma GCC diagnostic pop

#endif /* __ENDPOINT_SECURITY_LINUX_H */
