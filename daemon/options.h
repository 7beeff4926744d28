/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/config.h"

/* 0; positive: --help or --version was printed, and that was all; negative: it won't do, and why was logged. */
int esd_options_parse(struct esd_options *options, int count, char *arguments[]);
