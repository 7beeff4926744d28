/* SPDX-License-Identifier: MIT */
#include "tools/esship/sink.h"

const struct sink_kind sink_http = { .name = "http", .absent = "libcurl" };
