/* SPDX-License-Identifier: MIT */
#pragma once

#include "daemon/config.h"

/* 0; positive: --help or --version was printed, so exit; negative: the options are wrong, and the reason was logged. */
int esd_options_parse(struct esd_options *options, int count, char *arguments[]);
