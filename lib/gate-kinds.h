/* SPDX-License-Identifier: MIT */
#pragma once

#include "gate.h"

/* Takes fd and ask_fd if it succeeds. -EPROTO: this sensor has no gate that is known here. */
int esl_gate_new(const struct esl_gate_source *source, struct esl_gate **ret_gate);
