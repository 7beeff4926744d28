/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Text that others chose, for people to read: what would move a terminal's cursor, end a line, or turn the reading
 * direction is replaced, byte by byte, by '?'. That is control characters of one byte and of two (U+0080 to U+009F), and
 * the marks that change direction. Anything else stays, valid or not.
 */
void text_clean(char *text);
