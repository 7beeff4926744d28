/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>

/* What a daemon has said of this process when it made a client; 0: it doesn't know. Any thread. */
void esl_token_learnt(uint32_t pidversion);
