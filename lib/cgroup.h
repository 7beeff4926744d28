/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "message.h"

/* The process's part of the record; the decoder has checked its offset. NULL: it isn't one of the message's. */
const struct es_process_part *esl_process_part(const struct esl_message *message, const es_process_t *process);

/* The path of the cgroup with this id, from the hierarchy's root; "" if it isn't known. Any thread. */
void esl_cgroup_path(uint64_t id, char path[PATH_MAX]);
