/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

struct es_reply;

/* Stores what a daemon's reply to a new client says about this process. Any thread. */
void esl_token_learnt(const struct es_reply *reply);
