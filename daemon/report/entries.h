/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Finds the program that a file starts: units of systemd, entries of desktops' autostart, crontabs. Expands no specifiers
 * (%h) and no variables, and parses no shell. All functions change the text, which is NUL-terminated. The caller frees
 * their results. NULL: there is none, or no memory.
 */

#include <stdbool.h>

enum { ESD_ENTRY_BYTES = 4096 };	/* longer programs are cut */

/* The program of the unit's first ExecStart=; else of any other Exec...=, if `any`. */
char *esd_entry_unit(char *text, bool any);

/* The value of a setting, the last one that has it: "Unit". */
char *esd_entry_setting(char *text, const char *key);

/* The program of Exec=, unless the entry is hidden or switched off. */
char *esd_entry_desktop(char *text);

/* A line of a crontab, valid during the call. */
struct esd_entry_line {
	const char *line;		/* without blanks before and behind it */
	const char *user;		/* NULL: this kind of file doesn't say */
	const char *program;
};

typedef void esd_entry_line_f(void *owner, const struct esd_entry_line *line);

void esd_entry_crontab(char *text, bool has_user, esd_entry_line_f *found, void *owner);
