/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Makes text that others chose safe to read. Replaces by '?', byte by byte, what would move a terminal's cursor, end
 * a line, or turn the reading direction: control characters of one byte and of two (U+0080 to U+009F), line and
 * paragraph separators, and the marks that change direction. Anything else stays, valid or not.
 */
void text_clean(char *text);
