/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/*
 * Runs a program, without a shell, with no input and its errors thrown away, and calls `call` with each line that it
 * prints, without the newline. 0; what `call` returned, if not 0; or a negative errno: -EPROTO if it failed.
 */
int esd_run_lines(const char *const arguments[], int (*call)(void *context, char *line), void *context);
