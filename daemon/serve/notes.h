/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What happened lately that somebody may want to know of afterwards: `esctl history`. The last ESD_NOTES are kept; each
 * is in the log as well, where it isn't limited in number but in rate.
 */

#include <stddef.h>

#include "abi/control.h"

enum { ESD_NOTES = 128 };

struct esd_notes {
	struct es_note_info note[ESD_NOTES];
	unsigned int next;
	unsigned int count;
};

/* Adds the time. Text that isn't ours is made printable. */
void esd_notes_add(struct esd_notes *notes, const struct es_note_info *note);

/* In order of time. */
unsigned int esd_notes_list(const struct esd_notes *notes, struct es_note_info ret[ESD_NOTES]);

/* Copies what somebody else wrote into a line of ours: what isn't printable becomes '?'. */
void esd_text_clean(char *to, size_t size, const char *from);
