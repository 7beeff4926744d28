/* SPDX-License-Identifier: MIT */
#pragma once

#include "gate.h"

/* On success the gate owns fd and ask_fd of `source`. -EPROTO: the library knows no gate for this sensor. */
int esl_gate_new(const struct esl_gate_source *source, struct esl_gate **ret_gate);
