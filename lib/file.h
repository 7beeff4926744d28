/* SPDX-License-Identifier: MIT */
#pragma once

#include "message.h"

/* The part that `file` was made from; the decoder has checked its offsets. NULL: `file` isn't one of the message's. */
const struct es_file_part *esl_file_part(const struct esl_message *message, const es_file_t *file);

/* Likewise, the part that `process` was made from. */
const struct es_process_part *esl_process_part(const struct esl_message *message, const es_process_t *process);
