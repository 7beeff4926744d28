/* SPDX-License-Identifier: MIT */
#include "util/text.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *text, *clean;
} rows[] = {
	{ "/bin/ls", "/bin/ls" },
	{ "a\nb\x1b[2Jc\x7f", "a?b?[2Jc?" },
	{ "a\xc2\x9b" "2J", "a??2J" },			/* C1: the same as ESC [ */
	{ "\xe2\x80\xae" "fdp.exe", "???fdp.exe" },	/* right to left */
	{ "\xe2\x81\xa6x\xe2\x81\xa9", "???x???" },
	{ "\xd8\x9c", "??" },
	{ "\xe2\x80\xa8", "???" },
	{ "\xc3\xa4\xe2\x82\xac\xd8\xa7", "\xc3\xa4\xe2\x82\xac\xd8\xa7" },
	{ "\xc2", "\xc2" },
	{ "\xe2\x80", "\xe2\x80" },
	{ "", "" },
};

int main(void)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s", rows[i].text);
		text_clean(text);
		if (strcmp(text, rows[i].clean)) {
			fprintf(stderr, "row %zu: got \"%s\"\n", i, text);
			failed = 1;
		}
	}
	return failed;
}
