/* SPDX-License-Identifier: MIT */
/*
 * ESClient.h - what a client can do: subscribe, answer, mute
 *
 * Included by EndpointSecurity.h only; programs include that one.
 *
 * Threads: any thread may call any function at any time, also the handler,
 * except es_delete_client() and es_sync_client(), which say how. The library
 * calls the handler on a thread of its own, one message at a time for each
 * client.
 *
 * Ownership: the library copies what is passed in (arrays, paths, tokens).
 * Each function that hands something out says how to free it.
 *
 * After fork() a client belongs to the parent. In the child all calls on it
 * fail.
 *
 * In lists of events, numbers from ES_EVENT_TYPE_LAST up are skipped.
 *
 * Not built yet on Linux, so that they return their error: clients for
 * descendants only.
 */
#ifndef __ENDPOINT_SECURITY_CLIENT_H
#define __ENDPOINT_SECURITY_CLIENT_H

#ifndef __ENDPOINT_SECURITY_INDIRECT__
#error "include <EndpointSecurity/EndpointSecurity.h>"
#endif

#include <EndpointSecurity/ESMessage.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

#ifdef __cplusplus
extern "C" {
#endif

/* A client. Opaque. es_new_client() makes it, es_delete_client() ends it. */
typedef struct es_client_s es_client_t;

/*
 * A handler. The library calls it for each message, one after the other, in
 * the order of delivery. While it runs the next message waits, and that
 * message's deadline is put off, up to a limit. @message lives until the
 * handler returns, or longer if it was retained.
 */
#ifdef __BLOCKS__
typedef void (^es_handler_block_t)(es_client_t *_Nonnull, const es_message_t *_Nonnull);
#endif

/* --- Lifetime --- */

/*
 * Makes a client and connects it. It is subscribed to nothing. @handler is
 * copied and kept until es_delete_client(). On success *@client is set.
 *
 * Only root may (..._NOT_PRIVILEGED). If no daemon runs, the library starts
 * one for this process. A program may have several clients; each has its own
 * queue and handler, and different handlers run at the same time. Every new
 * client empties the cache of all clients.
 */
#ifdef __BLOCKS__
OS_EXPORT es_new_client_result_t es_new_client(
		es_client_t *_Nullable *_Nonnull client, es_handler_block_t _Nonnull handler);
#endif

/*
 * Like es_new_client(), for a client that sees only its own process tree:
 * NOTIFY of the caller, AUTH and NOTIFY of all its descendants, present and
 * future. A process outside the tree cannot be muted. macOS 27.0.
 */
#ifdef __BLOCKS__
OS_EXPORT es_new_client_result_t es_new_descendants_client(
		es_client_t *_Nullable *_Nonnull client, es_handler_block_t _Nonnull handler);
#endif

/*
 * Ends a client. When this returns, the handler doesn't run and won't run
 * again; operations that wait for an answer go on without it, and blocks that
 * wait in es_sync_client() have been called.
 *
 * Only the thread that made the client may call this, not in its handler, and
 * while no other call on the client runs. Another thread gets
 * ES_RETURN_ERROR, and the client lives on. NULL is fine. Retained messages
 * stay valid until they are released.
 */
OS_EXPORT es_return_t es_delete_client(es_client_t *_Nullable client);

/*
 * Calls @block once the handler has returned from every message queued before
 * this call. An operation queues its messages before its system call returns,
 * so whatever was done before this call is handled by then. @block is also
 * called if the client is deleted first; at once if @client is NULL. The
 * handler of @client must not call this. macOS 27.0.
 */
#ifdef __BLOCKS__
OS_EXPORT es_return_t es_sync_client(es_client_t *_Nonnull client, void (^_Nonnull block)(void));
#endif

/* --- Subscriptions --- */

/*
 * Subscribes the client to @events too. All or nothing: ES_RETURN_ERROR if
 * one of them cannot be had on this machine, because the kernel cannot
 * deliver it, or cannot hold the operation for an AUTH. 0 events are fine.
 *
 * AUTH does not include NOTIFY. The client gets NOTIFY about its own process,
 * but is never asked about it.
 */
OS_EXPORT es_return_t es_subscribe(
		es_client_t *_Nonnull client, const es_event_type_t *_Nonnull events,
		uint32_t event_count);

/*
 * Ends the subscription to @events; one that is not subscribed to is ignored.
 * Messages that are queued already still come. es_sync_client() waits for
 * them.
 */
OS_EXPORT es_return_t es_unsubscribe(
		es_client_t *_Nonnull client, const es_event_type_t *_Nonnull events,
		uint32_t event_count);

/* Ends every subscription. */
OS_EXPORT es_return_t es_unsubscribe_all(es_client_t *_Nonnull client);

/*
 * Lists the subscriptions: *@subscriptions is an array of *@count entries in no
 * particular order, for free(3).
 */
OS_EXPORT es_return_t es_subscriptions(
		es_client_t *_Nonnull client, size_t *_Nonnull count,
		es_event_type_t *_Nonnull *_Nullable subscriptions);

/* --- Answers --- */

/*
 * Answers an AUTH message, of any type but open. @client is the one that got
 * the message; @message is alive: retained, if its handler has returned.
 *
 * @cache asks the kernel to decide equal operations alike, without asking:
 * the payload's comment says under Cache what equal means. The NOTIFY still
 * comes. The kernel keeps the answer only if all clients that were asked set
 * @cache. A change of a file that is involved ends it, and so does
 * es_clear_cache(). Where answers can't be kept, @cache changes nothing.
 */
OS_EXPORT es_respond_result_t es_respond_auth_result(
		es_client_t *_Nonnull client, const es_message_t *_Nonnull message,
		es_auth_result_t result, bool cache);

/*
 * Answers ES_EVENT_TYPE_AUTH_OPEN. @authorized_flags is a mask: the file is
 * opened if every bit of event.open.fflag is in it. 0 denies, UINT32_MAX
 * allows whatever is asked.
 *
 * With @cache the kernel keeps the mask and compares later opens with it. So
 * cache UINT32_MAX; the fflag of one read would deny the next write.
 */
OS_EXPORT es_respond_result_t es_respond_flags_result(
		es_client_t *_Nonnull client, const es_message_t *_Nonnull message,
		uint32_t authorized_flags, bool cache);

/*
 * Forgets all cached answers of every client, whichever is given. Called more
 * than ten times a second, it returns ES_CLEAR_CACHE_RESULT_ERR_THROTTLE.
 */
OS_EXPORT es_clear_cache_result_t es_clear_cache(es_client_t *_Nonnull client);

/* --- Muting --- */

/*
 * Mutes a process: this client gets no message, AUTH or NOTIFY, about what
 * the process does or what is done on its behalf (the instigator).
 * @audit_token names one execution, so an exec or the process's exit ends the
 * muting. ES_RETURN_ERROR if no such process runs.
 *
 * Muting twice is muting once. Muting your own process at the start saves
 * work.
 *
 * Three stages are checked in turn: the process, the path of its executable,
 * the path it acts on. The first that is muted keeps the message away.
 */
OS_EXPORT es_return_t es_mute_process(
		es_client_t *_Nonnull client, const audit_token_t *_Nonnull audit_token);

/* The same for @events only. macOS 12.0. */
OS_EXPORT es_return_t es_mute_process_events(
		es_client_t *_Nonnull client, const audit_token_t *_Nonnull audit_token,
		const es_event_type_t *_Nonnull events, size_t event_count);

/* Undoes es_mute_process(); fine if it was not muted. */
OS_EXPORT es_return_t es_unmute_process(
		es_client_t *_Nonnull client, const audit_token_t *_Nonnull audit_token);

/* Undoes it for @events only; the others stay muted. macOS 12.0. */
OS_EXPORT es_return_t es_unmute_process_events(
		es_client_t *_Nonnull client, const audit_token_t *_Nonnull audit_token,
		const es_event_type_t *_Nonnull events, size_t event_count);

/*
 * Lists the muted processes: *@audit_tokens is an array of *@count tokens, as
 * they were given, for free(3); NULL if there are none. Deprecated on macOS
 * since 12.0.
 */
OS_EXPORT es_return_t es_muted_processes(
		es_client_t *_Nonnull client, size_t *_Nonnull count,
		audit_token_t *_Nonnull *_Nullable audit_tokens);

/*
 * Lists the muted processes and for which events each is. *@muted_processes is
 * for es_release_muted_processes(). macOS 12.0.
 */
OS_EXPORT es_return_t es_muted_processes_events(
		es_client_t *_Nonnull client,
		es_muted_processes_t *_Nullable *_Nonnull muted_processes);

/* Frees what es_muted_processes_events() made, after the client too. */
OS_EXPORT void es_release_muted_processes(es_muted_processes_t *_Nonnull muted_processes);

/*
 * Mutes a path: see es_mute_path_type_t. A TARGET type covers those events
 * that act on a path. An event that acts on two (rename, link, clone,
 * copyfile, exchangedata) is kept away only if both are muted, or, inverted,
 * delivered if one of them is listed. The target path of an event that acts
 * on a process (signal, get_task, trace) is that process's executable; of one
 * that makes a file, the new file.
 *
 * A new client begins with some executables muted for AUTH events, since the
 * system cannot do without them; es_muted_paths_events() lists them. macOS
 * 12.0.
 */
OS_EXPORT es_return_t es_mute_path(
		es_client_t *_Nonnull client, const char *_Nonnull path,
		es_mute_path_type_t type);

/*
 * The same for @events only. With a TARGET type, events that act on no path are
 * skipped; ES_RETURN_ERROR if no other is left. macOS 12.0.
 */
OS_EXPORT es_return_t es_mute_path_events(
		es_client_t *_Nonnull client, const char *_Nonnull path,
		es_mute_path_type_t type, const es_event_type_t *_Nonnull events,
		size_t event_count);

/*
 * es_mute_path() with ES_MUTE_PATH_TYPE_PREFIX: about executables, not targets.
 * Deprecated on macOS since 12.0.
 */
OS_EXPORT es_return_t es_mute_path_prefix(
		es_client_t *_Nonnull client, const char *_Nonnull path_prefix);

/*
 * es_mute_path() with ES_MUTE_PATH_TYPE_LITERAL: about executables, not targets.
 * Deprecated on macOS since 12.0.
 */
OS_EXPORT es_return_t es_mute_path_literal(
		es_client_t *_Nonnull client, const char *_Nonnull path_literal);

/*
 * Undoes es_mute_path() of exactly this path and type: a muted prefix keeps
 * covering paths below it. Fine if it was not muted. macOS 12.0.
 */
OS_EXPORT es_return_t es_unmute_path(
		es_client_t *_Nonnull client, const char *_Nonnull path,
		es_mute_path_type_t type);

/* Undoes it for @events only; the others stay muted. macOS 12.0. */
OS_EXPORT es_return_t es_unmute_path_events(
		es_client_t *_Nonnull client, const char *_Nonnull path,
		es_mute_path_type_t type, const es_event_type_t *_Nonnull events,
		size_t event_count);

/*
 * Unmutes all executables, also those that a new client begins with: do it
 * before any AUTH subscription. Targets stay muted.
 */
OS_EXPORT es_return_t es_unmute_all_paths(es_client_t *_Nonnull client);

/* Unmutes all targets. Executables stay muted. macOS 13.0. */
OS_EXPORT es_return_t es_unmute_all_target_paths(es_client_t *_Nonnull client);

/*
 * Lists the muted paths of all four types and for which events each is.
 * *@muted_paths is for es_release_muted_paths(). macOS 12.0.
 */
OS_EXPORT es_return_t es_muted_paths_events(
		es_client_t *_Nonnull client,
		es_muted_paths_t *_Nonnull *_Nullable muted_paths);

/* Frees what es_muted_paths_events() made, after the client too. */
OS_EXPORT void es_release_muted_paths(es_muted_paths_t *_Nonnull muted_paths);

/*
 * Inverts one stage of muting: from then on it keeps away what is not listed.
 * A second call undoes that. The stages are independent. The list stays as it
 * is, so first unmute the paths that a new client begins with. macOS 13.0.
 */
OS_EXPORT es_return_t es_invert_muting(
		es_client_t *_Nonnull client, es_mute_inversion_type_t mute_type);

/* Whether a stage is inverted. Not a bool. macOS 13.0. */
OS_EXPORT es_mute_inverted_return_t es_muting_inverted(
		es_client_t *_Nonnull client, es_mute_inversion_type_t mute_type);

/* --- Deadlines --- */

/*
 * Sets what happens when this client answers too late, or can't be asked
 * since its ring is full. Applies to questions asked from then on. macOS
 * 27.0.
 */
OS_EXPORT es_return_t es_set_deadline_miss_mode(
		es_client_t *_Nonnull client, es_deadline_miss_mode_t mode);

/* The mode in force, in *@mode. macOS 27.0. */
OS_EXPORT es_return_t es_get_deadline_miss_mode(
		es_client_t *_Nonnull client, es_deadline_miss_mode_t *_Nonnull mode);

/*
 * Shortens the deadline of these AUTH events. ES_RETURN_ERROR, and nothing
 * changes, if @milliseconds is 0 or more than the system gives, or an event
 * isn't AUTH. Lowers a minimum that is above it. macOS 27.0.
 */
OS_EXPORT es_return_t es_set_deadline_max_milliseconds(
		es_client_t *_Nonnull client, const es_event_type_t *_Nonnull events,
		uint32_t event_count, uint32_t milliseconds);

/* The maximum of one AUTH event, in *@milliseconds. macOS 27.0. */
OS_EXPORT es_return_t es_get_deadline_max_milliseconds(
		es_client_t *_Nonnull client, es_event_type_t event,
		uint32_t *_Nonnull milliseconds);

/*
 * Guarantees these AUTH events at least @milliseconds, beyond the system's
 * own deadline if need be. Raises a maximum that is below it. For clients
 * made by es_new_descendants_client(): ES_RETURN_ERROR for all others, and
 * for the bootstrap events. macOS 27.0.
 */
OS_EXPORT es_return_t es_set_deadline_min_milliseconds(
		es_client_t *_Nonnull client, const es_event_type_t *_Nonnull events,
		uint32_t event_count, uint32_t milliseconds);

/*
 * The minimum of one AUTH event, in *@milliseconds; 0 unless set.
 * ES_RETURN_ERROR as above. macOS 27.0.
 */
OS_EXPORT es_return_t es_get_deadline_min_milliseconds(
		es_client_t *_Nonnull client, es_event_type_t event,
		uint32_t *_Nonnull milliseconds);

#ifdef __cplusplus
}
#endif

#pragma GCC diagnostic pop

#endif /* __ENDPOINT_SECURITY_CLIENT_H */
