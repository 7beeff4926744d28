/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A client's entries in the kernel programs' maps: its ring, its table of held operations, and the count of clients of
 * its process.
 */

#include "daemon/sensor/bpf.h"

#define ESD_BPF_SLOT_NONE { .fds = { -1, -1, -1, -1, -1 }, .abort_fd = -1 }

/* Changes the number of clients that a process has. */
int esd_bpf_process_count(struct esd_bpf *s, uint32_t pid, int change);

/* Each makes a part of a slot, and leaves to esd_bpf_slot_clear() what it has made. */
int esd_bpf_slot_owner(struct esd_bpf *s, uint32_t number, pid_t pid);
int esd_bpf_slot_ring(struct esd_bpf *s, uint32_t number, struct esd_bpf_slot *slot, uint32_t bytes);
int esd_bpf_slot_held(struct esd_bpf *s, uint32_t number, struct esd_bpf_slot *slot);

/* Maps the memory of a slot whose descriptors another daemon has made. */
int esd_bpf_slot_map(struct esd_bpf_slot *slot);

/*
 * Also clears a slot that is only half made. In each deletion the kernel waits until no program uses what was deleted.
 * So call it last, after all that others may wait for.
 */
void esd_bpf_slot_clear(struct esd_bpf *s, uint32_t number);
