/* SPDX-License-Identifier: MIT */
/*
 * log.h - os_log: to the journal, or to stderr if there is none
 *
 * The priority in the journal follows from the type; subsystem and category are
 * the fields SUBSYSTEM and CATEGORY. With OS_ACTIVITY_DT_MODE set in the
 * environment, lines go to stderr as well. Debug lines are dropped unless
 * OS_ACTIVITY_MODE=debug.
 *
 * Formats are os_log's, not printf's: %{public}s, %{private}s ("<private>"),
 * %{bool}d, %{errno}d, %{time_t}d, %{uuid_t}.16P, %.*P, %m. Strings without an
 * annotation are shown, since nothing here could undo a redaction later.
 */
#ifndef __ES_COMPAT_OS_LOG_H
#define __ES_COMPAT_OS_LOG_H

#include <es-compat/darwin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct os_log_s *os_log_t;

typedef enum {
	OS_LOG_TYPE_DEFAULT = 0x00,
	OS_LOG_TYPE_INFO = 0x01,
	OS_LOG_TYPE_DEBUG = 0x02,
	OS_LOG_TYPE_ERROR = 0x10,
	OS_LOG_TYPE_FAULT = 0x11
} os_log_type_t;

extern struct os_log_s _es_os_log_default;
extern struct os_log_s _es_os_log_disabled;

#define OS_LOG_DEFAULT	(&_es_os_log_default)
#define OS_LOG_DISABLED	(&_es_os_log_disabled)

/* Returns the same object for the same strings, which it copies. It lives until the program ends. Never NULL. */
OS_EXPORT os_log_t os_log_create(const char *subsystem, const char *category);
OS_EXPORT bool os_log_type_enabled(os_log_t log, os_log_type_t type);

/* clang knows these formats, gcc doesn't. */
#ifdef __clang__
#define __ES_OS_LOG_FORMAT	__attribute__((__format__(os_log, 3, 4)))
#else
#define __ES_OS_LOG_FORMAT
#endif

OS_EXPORT void _es_os_log(os_log_t log, os_log_type_t type, const char *format, ...) __ES_OS_LOG_FORMAT;

#define os_log_with_type(log, type, ...)	_es_os_log((log), (type), __VA_ARGS__)
#define os_log(log, ...)	_es_os_log((log), OS_LOG_TYPE_DEFAULT, __VA_ARGS__)
#define os_log_info(log, ...)	_es_os_log((log), OS_LOG_TYPE_INFO, __VA_ARGS__)
#define os_log_debug(log, ...)	_es_os_log((log), OS_LOG_TYPE_DEBUG, __VA_ARGS__)
#define os_log_error(log, ...)	_es_os_log((log), OS_LOG_TYPE_ERROR, __VA_ARGS__)
#define os_log_fault(log, ...)	_es_os_log((log), OS_LOG_TYPE_FAULT, __VA_ARGS__)

#define os_log_info_enabled(log)	os_log_type_enabled((log), OS_LOG_TYPE_INFO)
#define os_log_debug_enabled(log)	os_log_type_enabled((log), OS_LOG_TYPE_DEBUG)

#ifdef __cplusplus
}
#endif

#endif /* __ES_COMPAT_OS_LOG_H */
