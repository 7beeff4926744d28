/* SPDX-License-Identifier: MIT */
#include "tools/esship/sink.h"

const struct sink_kind sink_otlp = { .name = "otlp", .absent = "libcurl and libjson-c" };
