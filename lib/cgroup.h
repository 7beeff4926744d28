/* SPDX-License-Identifier: MIT */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "message.h"

/* The path of the cgroup with this id, from the hierarchy's root; "" if it isn't known. Any thread. */
void esl_cgroup_path(uint64_t id, char path[PATH_MAX]);
