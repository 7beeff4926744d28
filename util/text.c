/* SPDX-License-Identifier: MIT */
#include "util/text.h"

#include <stddef.h>
#include <string.h>

/* The length of the character at `text` if it is to be replaced, else 0. */
static size_t unwanted(const unsigned char *text)
{
	if (text[0] < ' ' || text[0] == 0x7f)
		return 1;
	if (text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f)
		return 2;
	if (text[0] == 0xd8 && text[1] == 0x9c)			/* U+061C */
		return 2;
	if (text[0] != 0xe2)
		return 0;
	if (text[1] == 0x80 && (text[2] == 0x8e || text[2] == 0x8f))	/* U+200E, U+200F */
		return 3;
	if (text[1] == 0x80 && text[2] >= 0xa8 && text[2] <= 0xae)	/* line ends, and U+202A to U+202E */
		return 3;
	return text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9 ? 3 : 0;	/* U+2066 to U+2069 */
}

void text_clean(char *text)
{
	size_t bytes;

	for (; *text; text += bytes ? bytes : 1) {
		bytes = unwanted((unsigned char *)text);
		memset(text, '?', bytes);
	}
}
