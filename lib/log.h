/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One line to stderr, written with one write(2), prefixed with "EndpointSecurity: ". Allocates nothing and opens
 * nothing (strerror() may open a message catalogue), so that the gate thread can use it too: see gate.h. Errors are
 * written by name: esl_errno(ENOENT) is "ENOENT".
 */
void esl_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

const char *esl_errno(int error);
