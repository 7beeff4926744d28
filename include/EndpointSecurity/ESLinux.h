/* SPDX-License-Identifier: MIT */
/*
 * ESLinux.h - what Linux adds to the API
 *
 * Included by programs that want it; EndpointSecurity.h does not pull it in,
 * so nothing here can collide with a program written for macOS. Its functions
 * are for compilers without blocks, and for what a client on Linux can learn
 * that one on macOS cannot.
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
 * A handler as a function. It is called as a handler block would be: serially
 * for one client, in the order of delivery, on a thread of the library's own.
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
 * es_sync_client() with a function: @function is called once, with @context,
 * when the handler has been called for all that was queued before. Not to be
 * called from the client's own handler.
 */
OS_EXPORT es_return_t es_sync_client_f(
		es_client_t *_Nullable client, void (*_Nonnull function)(void *_Nullable context),
		void *_Nullable context);

/*
 * The constant's name without its ES_EVENT_TYPE_, for example "AUTH_EXEC".
 * A constant string; NULL for numbers that are no event. Any thread.
 */
OS_EXPORT const char *_Nullable es_linux_event_name(es_event_type_t type);

/*
 * The token that messages about this process carry, for es_mute_process() and
 * for comparing. The daemon makes tokens: this asks the last client that was
 * made, or, where there is none, a client of its own, which stays until the
 * process ends. So it fails where es_new_client() would. Any thread.
 */
OS_EXPORT es_return_t es_linux_own_token(audit_token_t *_Nonnull token);

/*
 * True once the daemon that served @client is gone: no message will come any
 * more, and what was held for an answer has been let go. Delete the client and
 * make a new one. Any thread, also the handler.
 */
OS_EXPORT bool es_linux_stream_ended(const es_client_t *_Nonnull client);

#ifdef __cplusplus
}
#endif

#pragma GCC diagnostic pop

#endif /* __ENDPOINT_SECURITY_LINUX_H */
