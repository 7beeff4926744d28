/* SPDX-License-Identifier: MIT */
/*
 * ESClient.h - what a client can do: subscribe, answer, mute
 *
 * Included by EndpointSecurity.h, and by nobody else.
 *
 * Threads: every function may be called by any thread at any time, also by the
 * handler, with two exceptions that say so: es_delete_client() and
 * es_sync_client(). The handler is called on a thread of the library's own, one
 * message at a time for each client.
 *
 * Ownership: what is passed in (arrays, paths, tokens) is copied. What is
 * handed out says how to free it.
 *
 * After fork() a client belongs to the parent. In the child all calls on it fail.
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

/* A client. Opaque; made by es_new_client(), gone with es_delete_client(). */
typedef struct es_client_s es_client_t;

/*
 * A handler. Called for each message, one after the other, in the order of
 * delivery. The next message waits until it returns; its deadline is put off
 * for that, up to a limit. @message lives until then, or longer if it was
 * retained.
 */
#ifdef __BLOCKS__
typedef void (^es_handler_block_t)(es_client_t *_Nonnull, const es_message_t *_Nonnull);
#endif

/* --- Lifetime --- */

/*
 * Makes a client and connects it. It is subscribed to nothing. @handler is
 * copied and kept until es_delete_client(). On success *@client is set.
 *
 * Wants root (..._NOT_PRIVILEGED). Where no daemon runs, the library starts one
 * for this process. A program may have several clients; each has its own queue
 * and handler, and different handlers run at the same time. Every new client
 * empties the cache of all.
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
 * Ends a client. When this returns, the handler neither runs nor will run;
 * operations that wait for an answer go on without it, and blocks that wait in
 * es_sync_client() have been called.
 *
 * To be called by the thread that made the client, while no other call on it
 * is running, and not by its handler. Another thread gets ES_RETURN_ERROR, and
 * the client lives on. NULL is fine. Messages that are retained stay valid
 * until they are released.
 */
OS_EXPORT es_return_t es_delete_client(es_client_t *_Nullable client);

/*
 * Calls @block once the handler has been called for every message queued before
 * this call. An operation queues its messages before its system call returns,
 * so what was done before is handled by then. Also called if the client is
 * deleted first; at once if @client is NULL. Not to be called by the handler
 * of @client. macOS 27.0.
 */
#ifdef __BLOCKS__
OS_EXPORT es_return_t es_sync_client(es_client_t *_Nonnull client, void (^_Nonnull block)(void));
#endif

/* --- Subscriptions --- */

/*
 * Adds @events to what the client is told. All or nothing: ES_RETURN_ERROR if
 * one of them cannot be had on this machine, because the kernel cannot deliver
 * it, or cannot hold the operation for an AUTH. 0 events are fine.
 *
 * AUTH does not include NOTIFY. Operations of the client's own process are
 * told to it, but it is never asked about them.
 */
OS_EXPORT es_return_t es_subscribe(
		es_client_t *_Nonnull client, const es_event_type_t *_Nonnull events,
		uint32_t event_count);

/*
 * Takes @events away; one that is not subscribed to is ignored. Messages that
 * are queued already still come: es_sync_client() says when they are through.
 */
OS_EXPORT es_return_t es_unsubscribe(
		es_client_t *_Nonnull client, const es_event_type_t *_Nonnull events,
		uint32_t event_count);

/* Takes away every subscription. */
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
 * the message, @message is alive: retained, if its handler has returned.
 *
 * @cache asks to decide equal operations alike without asking: what counts as
 * equal stands at the payload under Cache. The NOTIFY still comes. Changing a
 * file that is involved ends it, and so does es_clear_cache(). All clients that
 * were asked have to wish it. Where answers can't be kept it changes nothing.
 */
OS_EXPORT es_respond_result_t es_respond_auth_result(
		es_client_t *_Nonnull client, const es_message_t *_Nonnull message,
		es_auth_result_t result, bool cache);

/*
 * Answers ES_EVENT_TYPE_AUTH_OPEN. @authorized_flags is a mask: the file is
 * opened if every bit of event.open.fflag is in it. 0 denies, UINT32_MAX allows
 * whatever is asked.
 *
 * With @cache the mask is kept and later opens are compared with it. So cache
 * UINT32_MAX; the fflag of one read would deny the next write.
 */
OS_EXPORT es_respond_result_t es_respond_flags_result(
		es_client_t *_Nonnull client, const es_message_t *_Nonnull message,
		uint32_t authorized_flags, bool cache);

/*
 * Forgets all cached answers, of every client, whichever client is given. More
 * than ten times a second it returns ES_CLEAR_CACHE_RESULT_ERR_THROTTLE.
 */
OS_EXPORT es_clear_cache_result_t es_clear_cache(es_client_t *_Nonnull client);

/* --- Muting --- */

/*
 * Muting a process: nothing that it does, or that is done on its behalf (the
 * instigator), is told to this client or asked of it, neither AUTH nor NOTIFY.
 * @audit_token names one execution, so an exec ends it, and so does the
 * process's exit. ES_RETURN_ERROR if no such process runs.
 *
 * Muting twice is muting once. Muting your own process at the start saves work.
 *
 * Three stages are asked in turn: the process, the path of its executable, the
 * path it acts on. The first that is muted keeps the message away.
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
 * Muting a path: see es_mute_path_type_t. A TARGET type covers those events
 * that act on a path. An event that acts on two (rename, link, clone, copyfile,
 * exchangedata) is kept away only if both are muted, or, inverted, delivered if
 * one of them is listed. The target path of an event that acts on a process
 * (signal, get_task, trace) is that process's executable; of one that makes a
 * file, the file to be.
 *
 * A new client begins with some executables muted for AUTH events that the
 * system cannot do without; es_muted_paths_events() lists them. macOS 12.0.
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
 * Undoes es_mute_path() of exactly this path and type: what a muted prefix
 * covers is not taken out of it. Fine if it was not muted. macOS 12.0.
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
 * Unmutes all executables, those too that a new client begins with: do it
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
 * Turns one stage of muting round: from then on it keeps away what is not
 * listed. A second call turns it back. The stages stay independent, and the
 * list is not touched: take out the paths that a new client begins with first.
 * macOS 13.0.
 */
OS_EXPORT es_return_t es_invert_muting(
		es_client_t *_Nonnull client, es_mute_inversion_type_t mute_type);

/* Whether a stage is inverted. Not a bool. macOS 13.0. */
OS_EXPORT es_mute_inverted_return_t es_muting_inverted(
		es_client_t *_Nonnull client, es_mute_inversion_type_t mute_type);

/* --- Deadlines --- */

/*
 * What happens when this client answers too late, or can't be asked since its
 * ring is full. Holds for what is asked from then on. macOS 27.0.
 */
OS_EXPORT es_return_t es_set_deadline_miss_mode(
		es_client_t *_Nonnull client, es_deadline_miss_mode_t mode);

/* The mode in force, in *@mode. macOS 27.0. */
OS_EXPORT es_return_t es_get_deadline_miss_mode(
		es_client_t *_Nonnull client, es_deadline_miss_mode_t *_Nonnull mode);

/*
 * Shortens the deadline of these AUTH events. ES_RETURN_ERROR, and nothing
 * changes, if that is 0 or more than the system gives, or for an event that isn't
 * AUTH. A minimum above it goes down to it. macOS 27.0.
 */
OS_EXPORT es_return_t es_set_deadline_max_milliseconds(
		es_client_t *_Nonnull client, const es_event_type_t *_Nonnull events,
		uint32_t event_count, uint32_t milliseconds);

/* The maximum of one AUTH event, in *@milliseconds. macOS 27.0. */
OS_EXPORT es_return_t es_get_deadline_max_milliseconds(
		es_client_t *_Nonnull client, es_event_type_t event,
		uint32_t *_Nonnull milliseconds);

/*
 * Makes sure of a deadline for these AUTH events, beyond the system's own if
 * need be. A maximum below it goes up to it. For clients made by
 * es_new_descendants_client(): ES_RETURN_ERROR for all others, and for the
 * bootstrap events. macOS 27.0.
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
