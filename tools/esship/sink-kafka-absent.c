/* SPDX-License-Identifier: MIT */
#include "tools/esship/sink.h"

const struct sink_kind sink_kafka = { .name = "kafka", .absent = "librdkafka" };
