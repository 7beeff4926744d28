/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Recent events of note, for `esctl history`: the last ESD_NOTES of them. Each is in the log too, where their rate is
 * limited instead of their number.
 */

#include <stddef.h>

#include "abi/control.h"

enum { ESD_NOTES = 128 };

struct esd_notes {
	struct es_note_info note[ESD_NOTES];
	unsigned int next;
	unsigned int count;
};

/* Adds a note with the present time. Makes text of other processes printable. */
void esd_notes_add(struct esd_notes *notes, const struct es_note_info *note);

/* In order of time. */
unsigned int esd_notes_list(const struct esd_notes *notes, struct es_note_info ret[ESD_NOTES]);

/* Copies text of another process for a line of ours: unprintable characters become '?'. */
void esd_text_clean(char *to, size_t size, const char *from);
