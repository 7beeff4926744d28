/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

struct es_reply;

/* What a daemon has said of this process when it made a client. Any thread. */
void esl_token_learnt(const struct es_reply *reply);
