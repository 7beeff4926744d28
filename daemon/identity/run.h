/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Runs a program without a shell and without input; discards its error output. Calls `call` with each line that it
 * prints, without the newline. Returns 0; the result of `call`, if not 0; or a negative errno: -EPROTO, it failed.
 */
int esd_run_lines(const char *const arguments[], int (*call)(void *context, char *line), void *context);
