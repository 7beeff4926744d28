/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "abi/control.h"

struct esd_peer;

/*
 * What esd_control_dispatch() returns besides 0. AGAIN: there is no reply yet, the same request is to be dispatched
 * again when others have had their turn. All others end the connection; above END: why is worth a line in the log.
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
 * Handles one packet: `size` bytes of it are at `request`, data behind the struct; `cut` says that there were more.
 * Sends the reply.
 */
int esd_control_dispatch(struct esd_peer *peer, const struct es_request *request, size_t size, bool cut);

const char *esd_control_complaint(int result);

/* Sends a reply, whose data_bytes of `data` follow it, with descriptors. 0, or one of the above. */
int esd_control_reply(struct esd_peer *peer, const struct es_reply *reply, const void *data,
		      const int *fds, unsigned int fd_count);
