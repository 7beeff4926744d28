/* SPDX-License-Identifier: MIT */
#pragma once

#include "abi/control.h"

struct esd_daemon;

/* The data for tools. The first returns the number of entries that it filled in. */
unsigned int esd_status_clients(const struct esd_daemon *daemon, struct es_client_info ret[ES_CLIENTS_MAX]);
void esd_status_daemon(const struct esd_daemon *daemon, struct es_status_info *ret);
