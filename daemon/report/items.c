/* SPDX-License-Identifier: MIT */
#include "daemon/report/items.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/report/entries.h"
#include "util/macro.h"

enum { FILE_MAX_BYTES = 1024 * 1024 };

static const uid_t nobody = (uid_t)-2;

/* One reading. */
struct reading {
	const struct esd_items_from *from;
	const struct esd_place *place;
	struct esd_items *items;
	const char *path;		/* of the file that is read */
	int error;
};

/* ---- the list ---- */

static void item_deinit(struct esd_item *item)
{
	free(item->path);
	free(item->line);
	free(item->program);
}

void esd_items_deinit(struct esd_items *items)
{
	for (size_t i = 0; i < items->count; i++)
		item_deinit(&items->item[i]);
	free(items->item);
	*items = (struct esd_items){};
}

int esd_items_order(const void *a, const void *b)
{
	const struct esd_item *first = a, *second = b;

	return strcmp(first->path, second->path) ?: strcmp(first->line, second->line);
}

bool esd_item_same(const struct esd_item *a, const struct esd_item *b)
{
	return !memcmp(&a->content, &b->content, sizeof(a->content)) && a->uid == b->uid;
}

static bool make_room(struct esd_items *items)
{
	struct esd_item *more;

	if (items->count & (items->count - 1))
		return true;
	more = reallocarray(items->item, items->count ? 2 * items->count : 1, sizeof(*more));
	if (more)
		items->item = more;
	return more;
}

static struct es_mute_hash hash_of(const struct reading *r, const char *text, size_t length)
{
	struct es_mute_hash all = {};

	for (size_t at = 0; at < length; at += ES_MUTE_PATH_BYTES - 8) {
		size_t left = length - at, bytes = left < ES_MUTE_PATH_BYTES - 8 ? left : ES_MUTE_PATH_BYTES - 8;
		struct es_mute_hash part = es_mute_hash_path(r->from->keys, text + at, bytes);

		all.sum[0] = (all.sum[0] ^ part.sum[0]) * r->from->keys[0] + part.sum[1];
		all.sum[1] = (all.sum[1] ^ part.sum[1]) * r->from->keys[1] + part.sum[0];
	}
	all.sum[0] += length;
	return all;
}

/* Passes `program` to the list. */
static void item_add(struct reading *r, const char *line, char *program, struct es_mute_hash content, uid_t uid)
{
	enum esd_place_kind kind = r->place->kind;
	struct esd_item item = {
		.path = strdup(r->path),
		.line = strdup(line),
		.program = program ?: strdup(""),
		.content = content,
		.type = kind == ESD_PLACE_AUTOSTART ? ESD_ITEM_LOGIN_ITEM :
			kind == ESD_PLACE_USER_UNITS ? ESD_ITEM_AGENT : ESD_ITEM_DAEMON,
		.legacy = kind >= ESD_PLACE_SCRIPTS,
		.uid = uid,
	};

	if (item.path && item.line && item.program && r->items->count < ESD_ITEMS_MAX && make_room(r->items)) {
		r->items->item[r->items->count++] = item;
		return;
	}
	if (r->items->count < ESD_ITEMS_MAX)
		r->error = -ENOMEM;
	item_deinit(&item);
}

/* ---- files ---- */

/* The content of a regular file, with a NUL at its end; NULL: no regular file, too long, empty, or with a NUL in it. */
static char *file_read(const char *path, int flags, size_t *ret_length, mode_t *ret_mode)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || !stat.st_size || stat.st_size > FILE_MAX_BYTES)
		return NULL;
	text = malloc((size_t)stat.st_size + 1);
	while (text && length < (size_t)stat.st_size) {
		ssize_t n = read(fd, text + length, (size_t)stat.st_size - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		length += (size_t)n;
	}
	if (!text || !length)
		return NULL;
	for (size_t i = 0; i < length; i++)
		if (!text[i])
			text[i] = '\n';
	text[length] = '\0';
	*ret_length = length;
	if (ret_mode)
		*ret_mode = stat.st_mode;
	return TAKE_POINTER(text);
}

/* The target of a link, as a path below the root. */
static char *link_follow(const struct reading *r, const char *path)
{
	char target[PATH_MAX], *both;
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *slash = strrchr(path, '/');
	int printed;

	if (n <= 0)
		return NULL;
	target[n] = '\0';
	if (target[0] == '/')
		printed = asprintf(&both, "%s%s", r->from->root, target);
	else
		printed = asprintf(&both, "%.*s/%s", (int)(slash - path), path, target);
	return printed < 0 ? NULL : both;
}

/* ---- units ---- */

static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix);

	return length >= tail && !strcmp(name + length - tail, suffix);
}

/* The program of the service of this name, in the first place that has it. */
static char *service_program(const struct reading *r, const char *service)
{
	for (size_t i = 0; i < r->from->places->count; i++) {
		const struct esd_place *place = &r->from->places->place[i];
		_cleanup_free_ char *path = NULL, *text = NULL;
		size_t length;

		if (place->kind != r->place->kind || (place->of_home && place->uid != r->place->uid))
			continue;
		if (asprintf(&path, "%s/%s", place->path, service) < 0)
			return NULL;
		text = file_read(path, 0, &length, NULL);
		if (text)
			return esd_entry_unit(text, true);
	}
	return NULL;
}

/* Of a unit that starts another. */
static char *other_program(const struct reading *r, const char *name, char *text)
{
	_cleanup_free_ char *service = esd_entry_setting(text, has_suffix(name, ".socket") ? "Service" : "Unit");

	if (!service && asprintf(&service, "%.*s.service", (int)(strrchr(name, '.') - name), name) < 0)
		service = NULL;
	return service && !strchr(service, '/') ? service_program(r, service) : NULL;
}

static char *unit_program(const struct reading *r, char *text)
{
	const char *name = name_of(r->path);

	if (has_suffix(name, ".service") || has_suffix(name, ".conf"))
		return esd_entry_unit(text, true);
	return other_program(r, name, text);
}

static void take_unit_text(struct reading *r, char *text, size_t length)
{
	struct es_mute_hash content = hash_of(r, text, length);
	char *program = unit_program(r, text);

	if (program || !has_suffix(r->path, ".conf"))		/* a drop-in that starts nothing is no item */
		item_add(r, "", program, content, r->place->uid);
}

/* A link that enables a unit, or gives it another name. A link to /dev/null masks a unit: it starts nothing. */
static void take_unit_link(struct reading *r)
{
	_cleanup_free_ char *target = link_follow(r, r->path), *text = NULL;
	char *program = NULL;
	size_t length;

	if (!target || has_suffix(target, "/dev/null"))
		return;
	text = file_read(target, 0, &length, NULL);
	if (text)
		program = unit_program(r, text);
	item_add(r, "", program, hash_of(r, target, strlen(target)), r->place->uid);
}

/* ---- others ---- */

static uid_t uid_of(const struct reading *r, const char *user)
{
	const struct esd_row *row = r->from->passwd ? esd_listing_find(r->from->passwd, user) : NULL;

	return row ? (uid_t)strtoul(row->field[ESD_FIELD_ID], NULL, 10) : nobody;
}

static void take_line(void *owner, const struct esd_entry_line *line)
{
	struct reading *r = owner;

	item_add(r, line->line, strdup(line->program), (struct es_mute_hash){},
		 uid_of(r, line->user ?: name_of(r->path)));
}

static void take_text(struct reading *r, char *text, size_t length, mode_t mode)
{
	struct es_mute_hash content;
	char *program;

	switch (r->place->kind) {
	case ESD_PLACE_UNITS:
	case ESD_PLACE_USER_UNITS:
		take_unit_text(r, text, length);
		break;
	case ESD_PLACE_AUTOSTART:
		content = hash_of(r, text, length);
		program = esd_entry_desktop(text);
		if (program)
			item_add(r, "", program, content, r->place->uid);
		break;
	case ESD_PLACE_SCRIPTS:
	case ESD_PLACE_PARTS:
	case ESD_PLACE_SCRIPT:
		if (mode & (S_IXUSR | S_IXGRP | S_IXOTH))
			item_add(r, "", strdup(r->path), hash_of(r, text, length), 0);
		break;
	case ESD_PLACE_CRONTAB:
	case ESD_PLACE_CRONTABS:
		esd_entry_crontab(text, true, take_line, r);
		break;
	case ESD_PLACE_SPOOL:
		if (uid_of(r, name_of(r->path)) != nobody)	/* crontab(1) first writes a file of another name */
			esd_entry_crontab(text, false, take_line, r);
		break;
	}
}

static void take_file(struct reading *r, const char *path, bool is_link)
{
	bool is_unit = r->place->kind == ESD_PLACE_UNITS || r->place->kind == ESD_PLACE_USER_UNITS;
	_cleanup_free_ char *text = NULL, *target = NULL;
	mode_t mode = 0;
	size_t length;

	r->path = path;
	if (is_link && is_unit) {
		take_unit_link(r);
		return;
	}
	if (is_link)
		target = link_follow(r, path);
	text = file_read(target ?: path, target ? 0 : O_NOFOLLOW, &length, &mode);
	if (text)
		take_text(r, text, length, mode);
}

/* ---- folders ---- */

static void take_path(struct reading *r, const char *path);

static void take_folder(struct reading *r, const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	if (!folder)
		return;
	while (!r->error && r->items->count < ESD_ITEMS_MAX && (entry = readdir(folder))) {
		_cleanup_free_ char *inner = NULL;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&inner, "%s/%s", path, entry->d_name) < 0)
			r->error = -ENOMEM;
		else
			take_path(r, inner);
	}
	closedir(folder);
}

/* Is it the place, or something in it that counts? */
static bool is_taken(const struct esd_place *place, const char *path, bool is_folder)
{
	size_t length = strlen(place->path);
	char within[NAME_MAX + 1];
	const char *name, *slash;

	if (strncmp(path, place->path, length))
		return false;
	if (!path[length])
		return is_folder != esd_place_is_file(place);
	if (path[length] != '/')
		return false;
	name = path + length + 1;
	slash = strchr(name, '/');
	if (!slash)
		return is_folder ? esd_place_takes_folder(place, name) : esd_place_takes(place, NULL, name);
	if (is_folder || strchr(slash + 1, '/') || slash - name > NAME_MAX)
		return false;
	snprintf(within, sizeof(within), "%.*s", (int)(slash - name), name);
	return esd_place_takes(place, within, slash + 1);
}

static void take_path(struct reading *r, const char *path)
{
	struct stat stat;

	if (lstat(path, &stat) < 0 || !is_taken(r->place, path, S_ISDIR(stat.st_mode)))
		return;
	if (S_ISDIR(stat.st_mode))
		take_folder(r, path);
	else if (S_ISREG(stat.st_mode) || S_ISLNK(stat.st_mode))
		take_file(r, path, S_ISLNK(stat.st_mode));
}

int esd_items_read(struct esd_items *ret, const struct esd_items_from *from, const struct esd_place *place,
		   const char *path)
{
	struct esd_items items = {};
	struct reading reading = { .from = from, .place = place, .items = &items };

	take_path(&reading, path);
	if (reading.error) {
		esd_items_deinit(&items);
		return reading.error;
	}
	if (items.count)
		qsort(items.item, items.count, sizeof(*items.item), esd_items_order);
	*ret = items;
	return 0;
}
