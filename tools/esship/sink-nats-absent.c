/* SPDX-License-Identifier: MIT */
#include "tools/esship/sink.h"

const struct sink_kind sink_nats = { .name = "nats", .absent = "libnats" };
