/* SPDX-License-Identifier: MIT */
#pragma once

#include "message.h"

/* The part that a file was made from, whose offsets were checked then; NULL: it isn't one of this message's. */
const struct es_file_part *esl_file_part(const struct esl_message *message, const es_file_t *file);
