/* SPDX-License-Identifier: MIT */
#include "daemon/report/entries.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/macro.h"

/* ---- words and lines ---- */

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t\r\f\v");
}

/* The first word: quotes keep blanks in it, and a backslash quotes the next byte. */
static char *first_word(const char *text)
{
	_cleanup_free_ char *word = calloc(1, ESD_ENTRY_BYTES);
	char quote = '\0';
	size_t length = 0;

	if (!word)
		return NULL;
	for (const char *at = skip_blanks(text); *at && length < ESD_ENTRY_BYTES - 1; at++) {
		if (!quote && isspace((unsigned char)*at))
			break;
		if (*at == quote)
			quote = '\0';
		else if (!quote && (*at == '"' || *at == '\''))
			quote = *at;
		else if (*at == '\\' && at[1])
			word[length++] = *++at;
		else
			word[length++] = *at;
	}
	return length ? TAKE_POINTER(word) : NULL;
}

/* The next line, which is taken from *rest, without blanks around it; NULL: the text has ended. */
static char *next_line(char **rest)
{
	char *line = strsep(rest, "\n");
	size_t length;

	if (!line)
		return NULL;
	line = (char *)skip_blanks(line);
	length = strlen(line);
	while (length && isspace((unsigned char)line[length - 1]))
		line[--length] = '\0';
	return line;
}

/* The value, if the line is "key = value"; else NULL. A key that ends in * stands for all that begin so. */
static const char *value_of(const char *line, const char *key)
{
	size_t length = strcspn(key, "*"), end = strcspn(line, "= \t");
	const char *at = skip_blanks(line + end);

	if (strncmp(line, key, length) || (!key[length] && end != length) || *at != '=')
		return NULL;
	return skip_blanks(at + 1);
}

/* ---- units ---- */

/* A backslash at its end joins a line with the next. */
static void lines_join(char *text)
{
	for (char *at = text; (at = strstr(at, "\\\n")); at += 2)
		memset(at, ' ', 2);
}

/* An empty value removes those before it. */
static char *unit_program(char *text, const char *key)
{
	char *found = NULL, *line;

	while ((line = next_line(&text))) {
		const char *value = value_of(line, key);

		if (!value)
			continue;
		if (!value[0])
			free(TAKE_POINTER(found));
		else if (!found)
			found = first_word(value + strspn(value, "@-:+!|"));
	}
	return found;
}

char *esd_entry_unit(char *text, bool any)
{
	_cleanup_free_ char *again = NULL;
	char *found;

	lines_join(text);
	again = any ? strdup(text) : NULL;
	found = unit_program(text, "ExecStart");
	return found || !again ? found : unit_program(again, "Exec*");
}

char *esd_entry_setting(char *text, const char *key)
{
	const char *found = NULL;
	char *line;

	lines_join(text);
	while ((line = next_line(&text)))
		found = value_of(line, key) ?: found;
	return found && found[0] ? strdup(found) : NULL;
}

/* ---- autostart ---- */

char *esd_entry_desktop(char *text)
{
	_cleanup_free_ char *found = NULL;
	bool ours = false, off = false;
	char *line;

	while ((line = next_line(&text))) {
		const char *value;

		if (line[0] == '[')
			ours = !strcmp(line, "[Desktop Entry]");
		if (!ours)
			continue;
		value = value_of(line, "Exec");
		if (value && !found)
			found = first_word(value);
		value = value_of(line, "Hidden");
		off |= value && !strcasecmp(value, "true");
		value = value_of(line, "X-GNOME-Autostart-enabled");
		off |= value && !strcasecmp(value, "false");
	}
	return off ? NULL : TAKE_POINTER(found);
}

/* ---- crontabs ---- */

/* Skips words; NULL: there are fewer, or nothing behind them. */
static const char *skip_words(const char *at, unsigned int count)
{
	while (count--)
		at = skip_blanks(at + strcspn(at, " \t"));
	return *at ? at : NULL;
}

/* NAME=value, with blanks around the equals sign if need be. */
static bool is_setting(const char *line)
{
	const char *at = skip_blanks(line + strcspn(line, "= \t"));

	return *at == '=' && (isalpha((unsigned char)line[0]) || strchr("_\"'", line[0]));
}

static void take_line(const char *line, bool has_user, esd_entry_line_f *found, void *owner)
{
	const char *command = skip_words(line, line[0] == '@' ? 1 : 5);
	_cleanup_free_ char *user = NULL, *program = NULL;

	if (command && has_user) {
		user = first_word(command);
		command = skip_words(command, 1);
	}
	if (!command || (has_user && !user))
		return;
	program = first_word(command);
	if (program)
		found(owner, &(struct esd_entry_line){ .line = line, .user = user, .program = program });
}

void esd_entry_crontab(char *text, bool has_user, esd_entry_line_f *found, void *owner)
{
	char *line;

	while ((line = next_line(&text)))
		if (line[0] && line[0] != '#' && !is_setting(line))
			take_line(line, has_user, found, owner);
}
