/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/passwd.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

enum {
	FIELDS = 7,			/* name, password, uid, gid, gecos, home, shell */
	LINE_MAX_BYTES = 65536,
};

static bool put_field(char *to, size_t size, const char *from)
{
	size_t length = strlen(from);

	if (length >= size)
		return false;
	memcpy(to, from, length);
	return true;
}

static bool parse_uid(const char *text, uint32_t *ret)
{
	unsigned long long uid;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	uid = strtoull(text, &end, 10);
	if (errno || *end || uid >= UINT32_MAX)
		return false;
	*ret = (uint32_t)uid;
	return true;
}

static bool parse_line(char *line, struct esd_passwd_entry *entry)
{
	char *fields[FIELDS];
	size_t count = 0;

	line[strcspn(line, "\n")] = '\0';
	while (count < FIELDS && line)
		fields[count++] = strsep(&line, ":");
	if (count < FIELDS || line || !fields[0][0] || strchr("+-#", fields[0][0]))
		return false;
	*entry = (struct esd_passwd_entry){};
	return put_field(entry->name.name, sizeof(entry->name.name), fields[0]) &&
	       put_field(entry->account.shell, sizeof(entry->account.shell), fields[6]) &&
	       parse_uid(fields[2], &entry->account.uid);
}

static int add(struct esd_passwd *passwd, size_t *room, const struct esd_passwd_entry *entry)
{
	struct esd_passwd_entry *more;

	if (passwd->count == ES_ACCOUNTS_MAX)
		return -EFBIG;
	if (passwd->count == *room) {
		more = reallocarray(passwd->entries, *room ? 2 * *room : 64, sizeof(*more));
		if (!more)
			return -ENOMEM;
		passwd->entries = more;
		*room = *room ? 2 * *room : 64;
	}
	passwd->entries[passwd->count++] = *entry;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct esd_passwd_entry *first = a, *second = b;
	int order = memcmp(&first->name, &second->name, sizeof(first->name));

	return order ?: (first->line > second->line) - (first->line < second->line);
}

static int same_name(const void *a, const void *b)
{
	return memcmp(a, &((const struct esd_passwd_entry *)b)->name, sizeof(struct es_account_name));
}

static void drop_doubles(struct esd_passwd *passwd)
{
	size_t kept = 0;

	for (size_t i = 0; i < passwd->count; i++)
		if (!kept || memcmp(&passwd->entries[kept - 1].name, &passwd->entries[i].name, sizeof(struct es_account_name)))
			passwd->entries[kept++] = passwd->entries[i];
	passwd->count = kept;
}

/* A line longer than LINE_MAX_BYTES is read as several lines, none of which is an account. */
static int read_lines(struct esd_passwd *passwd, FILE *file)
{
	_cleanup_free_ char *line = malloc(LINE_MAX_BYTES);
	struct esd_passwd_entry entry;
	bool whole = true, was_whole;
	size_t room = 0;
	int r;

	if (!line)
		return -ENOMEM;
	for (size_t number = 0; fgets(line, LINE_MAX_BYTES, file); number++) {
		was_whole = whole;
		whole = strchr(line, '\n') || feof(file);
		if (!was_whole || !whole || !parse_line(line, &entry))
			continue;
		entry.line = number;
		r = add(passwd, &room, &entry);
		if (r < 0)
			return r;
	}
	return ferror(file) ? -EIO : 0;
}

int esd_passwd_read(struct esd_passwd *ret, const char *path)
{
	struct esd_passwd passwd = {};
	FILE *file = fopen(path, "re");
	int r;

	if (!file)
		return -errno;
	r = read_lines(&passwd, file);
	fclose(file);
	if (r < 0) {
		esd_passwd_deinit(&passwd);
		return r;
	}
	if (passwd.count)
		qsort(passwd.entries, passwd.count, sizeof(*passwd.entries), by_name);
	drop_doubles(&passwd);
	*ret = passwd;
	return 0;
}

void esd_passwd_deinit(struct esd_passwd *passwd)
{
	free(passwd->entries);
	*passwd = (struct esd_passwd){};
}

const struct esd_passwd_entry *esd_passwd_find(const struct esd_passwd *passwd, const struct es_account_name *name)
{
	if (!passwd->count)
		return NULL;
	return bsearch(name, passwd->entries, passwd->count, sizeof(*passwd->entries), same_name);
}
