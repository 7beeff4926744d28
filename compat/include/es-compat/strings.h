/* SPDX-License-Identifier: MIT */
/*
 * strings.h - strlcpy(), strlcat(), strnstr() for C libraries without them
 *
 * Included by <string.h>. glibc has the first two from 2.38 on, and no version
 * has the third. They are inline, so that they need no library and collide
 * with none.
 */
#ifndef __ES_COMPAT_STRINGS_H
#define __ES_COMPAT_STRINGS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__GLIBC__) || __GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 38)
#define __ES_COMPAT_LIBC_HAS_STRL 1
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifndef __ES_COMPAT_LIBC_HAS_STRL
/* Copies as much as fits, always NUL-terminated if size isn't 0. Returns the length of source. */
static __inline__ __attribute__((__unused__)) size_t strlcpy(char *to, const char *source, size_t size)
{
	size_t length = strlen(source);

	if (size > 0) {
		size_t copied = length < size ? length : size - 1;

		memcpy(to, source, copied);
		to[copied] = '\0';
	}
	return length;
}

/* Appends likewise. Returns the length that the whole would have. */
static __inline__ __attribute__((__unused__)) size_t strlcat(char *to, const char *source, size_t size)
{
	size_t length = strnlen(to, size);

	return length == size ? size + strlen(source) : length + strlcpy(to + length, source, size - length);
}
#endif

/* The first place of `what` in the first `size` bytes of `in`, which end at a NUL if one comes before. */
static __inline__ __attribute__((__unused__)) char *strnstr(const char *in, const char *what, size_t size)
{
	size_t length = strlen(what);
	size_t room = strnlen(in, size);

	for (; room >= length; in++, room--)
		if (strncmp(in, what, length) == 0)
			return (char *)(uintptr_t)in;
	return NULL;
}

#ifdef __cplusplus
}
#endif

#endif /* __ES_COMPAT_STRINGS_H */
