/* SPDX-License-Identifier: MIT */
#include "daemon/serve/notes.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"
#include "util/text.h"

void esd_text_clean(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
	text_clean(to);
}

void esd_notes_add(struct esd_notes *notes, const struct es_note_info *note)
{
	struct es_note_info *to = &notes->note[notes->next];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*to = *note;
	to->time_ns = now.tv_sec * NS_PER_S + now.tv_nsec;
	esd_text_clean(to->path, sizeof(to->path), note->path);
	esd_text_clean(to->executable, sizeof(to->executable), note->executable);
	notes->next = (notes->next + 1) % ESD_NOTES;
	if (notes->count < ESD_NOTES)
		notes->count++;
}

unsigned int esd_notes_list(const struct esd_notes *notes, struct es_note_info ret[ESD_NOTES])
{
	unsigned int first = (notes->next + ESD_NOTES - notes->count) % ESD_NOTES;

	for (unsigned int i = 0; i < notes->count; i++)
		ret[i] = notes->note[(first + i) % ESD_NOTES];
	return notes->count;
}
