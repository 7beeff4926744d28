/* SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define container_of(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))

/* Run `function(&variable)` when the variable goes out of scope. */
#define _cleanup_(function) __attribute__((cleanup(function)))

static inline void freep(void *pointer)
{
	free(*(void **)pointer);
}

/* Closes *fd unless it is negative. */
static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

/* Takes a variable's value and sets the variable to `empty`: hands ownership out of a cleanup variable. */
#define TAKE(variable, empty) ({ __typeof__(variable) taken_ = (variable); (variable) = (empty); taken_; })
#define TAKE_POINTER(variable) TAKE(variable, NULL)
#define TAKE_FD(variable) TAKE(variable, -1)
