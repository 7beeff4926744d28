/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "abi/control.h"

struct esd_peer;

/*
 * The results of esd_control_dispatch() besides 0. AGAIN: no reply yet; dispatch the same request again after other
 * connections had their turn. All others end the connection; those above END are logged.
 */
enum esd_control_result {
	ESD_CONTROL_AGAIN = -1,
	ESD_CONTROL_END = 1,
	ESD_CONTROL_BAD_SIZE,
	ESD_CONTROL_BAD_VERSION,
	ESD_CONTROL_BAD_OP,
	ESD_CONTROL_BAD_STATE,
	ESD_CONTROL_UNREAD,
};

/*
 * Handles one packet and sends the reply. `size` bytes are at `request`: the struct, then data. `cut`: the packet was
 * longer than that.
 */
int esd_control_dispatch(struct esd_peer *peer, const struct es_request *request, size_t size, bool cut);

const char *esd_control_complaint(int result);

/* Sends a reply, then its data_bytes of `data`, with descriptors. 0, or one of the above. */
int esd_control_reply(struct esd_peer *peer, const struct es_reply *reply, const void *data,
		      const int *fds, unsigned int fd_count);
