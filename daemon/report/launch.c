/* SPDX-License-Identifier: MIT */

/*
 * The subject of launch items. Stores the items of each place. Reads a file again when it has changed, and a folder when it
 * or one above it was renamed. Reports each new or changed item as added; as on macOS, it may have existed before.
 */

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/report/items.h"
#include "daemon/report/reporter.h"
#include "daemon/report/told.h"
#include "util/log.h"
#include "util/macro.h"

enum {
#define ES_EVENT(name, number, ...) TYPE_##name = number,
#include "abi/events.def"
};

static const uint8_t types[] = { TYPE_NOTIFY_CLOSE,    TYPE_NOTIFY_RENAME, TYPE_NOTIFY_EXCHANGEDATA,
				 TYPE_NOTIFY_LINK,     TYPE_NOTIFY_CLONE,  TYPE_NOTIFY_TRUNCATE,
				 TYPE_NOTIFY_CREATE,   TYPE_NOTIFY_UNLINK, TYPE_NOTIFY_SETMODE };

struct launch {
	struct esd_reporter *reporter;	/* borrowed */
	char *root;			/* owned, as are these */
	char *passwd_path;
	struct esd_listing passwd;	/* text NULL: not known */
	struct esd_places places;
	struct esd_items *known;	/* of each place */
};

/* ---- life ---- */

/* If the file can't be read, the old content stays. */
static void passwd_read(struct launch *launch)
{
	struct esd_listing now;

	if (esd_listing_read(&now, ESD_LISTING_PASSWD, launch->passwd_path, launch->passwd.text ? &launch->passwd : NULL,
			     launch->reporter->key) < 0)
		return;
	esd_listing_deinit(&launch->passwd);
	launch->passwd = now;
}

static void launch_free(struct launch *launch)
{
	for (size_t i = 0; launch->known && i < launch->places.count; i++)
		esd_items_deinit(&launch->known[i]);
	free(launch->known);
	esd_places_deinit(&launch->places);
	esd_listing_deinit(&launch->passwd);
	free(launch->passwd_path);
	free(launch->root);
	free(launch);
}

static int launch_make(struct launch *launch, const char *folder)
{
	int r;

	launch->root = strdup(strcmp(folder, "/") ? folder : "");
	if (!launch->root)
		return -ENOMEM;
	if (asprintf(&launch->passwd_path, "%s/etc/passwd", launch->root) < 0) {
		launch->passwd_path = NULL;
		return -ENOMEM;
	}
	passwd_read(launch);
	r = esd_places_init(&launch->places, launch->root, launch->passwd.text ? &launch->passwd : NULL);
	if (r < 0)
		return r;
	launch->known = calloc(launch->places.count, sizeof(*launch->known));
	return launch->known ? 0 : -ENOMEM;
}

static int subject_init(struct esd_reporter *reporter, const char *folder)
{
	struct launch *launch = calloc(1, sizeof(*launch));
	int r;

	if (!launch)
		return -ENOMEM;
	launch->reporter = reporter;
	r = launch_make(launch, folder);
	if (r < 0) {
		launch_free(launch);
		return r;
	}
	reporter->state = launch;
	return 0;
}

static void subject_deinit(struct esd_reporter *reporter)
{
	launch_free(reporter->state);
}

/* ---- what is looked at ---- */

/* Also selects the folders above a place: a rename of one moves the place. */
static int add_above(const struct esd_place *place, esd_reporter_path_f *add, void *owner)
{
	_cleanup_free_ char *path = strdup(place->path);
	char *slash;
	int r = 0;

	if (!path)
		return -ENOMEM;
	while (r == 0 && (slash = strrchr(path, '/')) && (size_t)(slash - path) > place->above) {
		*slash = '\0';
		r = add(owner, ES_MUTE_TARGET_LITERAL, path);
	}
	return r;
}

static int subject_paths(struct esd_reporter *reporter, esd_reporter_path_f *add, void *owner)
{
	struct launch *launch = reporter->state;
	int r = 0;

	for (size_t i = 0; r == 0 && i < launch->places.count; i++) {
		const struct esd_place *place = &launch->places.place[i];
		_cleanup_free_ char *inside = NULL;

		r = add(owner, ES_MUTE_TARGET_LITERAL, place->path);
		if (r == 0 && !esd_place_is_file(place)) {
			if (asprintf(&inside, "%s/", place->path) < 0)
				return -ENOMEM;
			r = add(owner, ES_MUTE_TARGET_PREFIX, inside);
		}
		if (r == 0)
			r = add_above(place, add, owner);
	}
	return r;
}

/* ---- what has changed ---- */

/* file:// and the path, with all but letters, digits and "-._~/" as %XX. */
static char *url_of(const char *path)
{
	static const char hex[] = "0123456789ABCDEF";
	char *url = malloc(strlen("file://") + 3 * strlen(path) + 1), *to;

	if (!url)
		return NULL;
	to = stpcpy(url, "file://");
	for (const unsigned char *at = (const unsigned char *)path; *at; at++) {
		if ((*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') ||
		    strchr("-._~/", *at)) {
			*to++ = (char)*at;
			continue;
		}
		*to++ = '%';
		*to++ = hex[*at >> 4];
		*to++ = hex[*at & 15];
	}
	*to = '\0';
	return url;
}

static void tell(struct launch *launch, enum es_report_number number, const struct esd_item *item,
		 const struct es_record *seen)
{
	struct esd_reporter *reporter = launch->reporter;
	_cleanup_free_ char *url = url_of(item->path);
	struct es_record *told = reporter->told;

	if (!url || !esd_reporter_tell(reporter, number, seen))
		return;
	told->num[ES_ITEM_TYPE] = item->type;
	told->num[ES_ITEM_LEGACY] = item->legacy;
	told->num[ES_ITEM_UID] = item->uid;
	esd_told_string(told, 0, url);
	if (number == ES_REPORT_BTM_LAUNCH_ITEM_ADD)
		esd_told_string(told, 1, item->program);
	esd_reporter_send(reporter, number, seen);
}

static bool is_in(const struct esd_items *items, size_t index)
{
	return index < items->count;
}

/* Both lists are sorted. Report removed items before new ones. */
static void tell_gone(struct launch *launch, const struct esd_items *old, const struct esd_items *now,
		      const struct es_record *seen)
{
	for (size_t i = 0, j = 0; is_in(old, i); i++) {
		while (is_in(now, j) && esd_items_order(&now->item[j], &old->item[i]) < 0)
			j++;
		if (is_in(now, j) && esd_items_order(&now->item[j], &old->item[i]) == 0)
			j++;
		else
			tell(launch, ES_REPORT_BTM_LAUNCH_ITEM_REMOVE, &old->item[i], seen);
	}
}

static void tell_new(struct launch *launch, const struct esd_items *old, const struct esd_items *now,
		     const struct es_record *seen)
{
	for (size_t i = 0, j = 0; is_in(now, i); i++) {
		while (is_in(old, j) && esd_items_order(&old->item[j], &now->item[i]) < 0)
			j++;
		if (is_in(old, j) && esd_items_order(&old->item[j], &now->item[i]) == 0 &&
		    esd_item_same(&old->item[j++], &now->item[i]))
			continue;
		tell(launch, ES_REPORT_BTM_LAUNCH_ITEM_ADD, &now->item[i], seen);
	}
}

/* ---- what is known ---- */

/* Is `path` this folder, or below it? */
static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return !strncmp(path, folder, length) && (!path[length] || path[length] == '/');
}

/* Moves the items of a path from one list to another, which has room for all. */
static void split(struct esd_items *from, const char *path, struct esd_items *to)
{
	size_t kept = 0;

	for (size_t i = 0; i < from->count; i++) {
		if (is_below(from->item[i].path, path))
			to->item[to->count++] = from->item[i];
		else
			from->item[kept++] = from->item[i];
	}
	from->count = kept;
}

/* Puts `now` into `known`, in order. */
static int merge(struct esd_items *known, struct esd_items *now)
{
	struct esd_items both = { .item = calloc(known->count + now->count + 1, sizeof(*both.item)) };
	size_t i = 0, j = 0;

	if (!both.item)
		return -ENOMEM;
	while (i < known->count || j < now->count) {
		bool first = i < known->count &&
			     (j == now->count || esd_items_order(&known->item[i], &now->item[j]) <= 0);

		both.item[both.count++] = first ? known->item[i++] : now->item[j++];
	}
	free(known->item);
	free(now->item);
	*known = both;
	*now = (struct esd_items){};
	return 0;
}

/* `seen` NULL: the first reading, of which it reports nothing. */
static void place_read(struct launch *launch, size_t index, const char *path, const struct es_record *seen)
{
	const struct esd_items_from from = { launch->root, &launch->places, launch->passwd.text ? &launch->passwd : NULL,
					     launch->reporter->key };
	struct esd_items *known = &launch->known[index], now, old = {};

	if (esd_items_read(&now, &from, &launch->places.place[index], path) < 0)
		return;
	old.item = calloc(known->count + 1, sizeof(*old.item));
	if (old.item) {
		split(known, path, &old);
		if (seen) {
			tell_gone(launch, &old, &now, seen);
			tell_new(launch, &old, &now, seen);
		}
		(void)merge(known, &now);
	}
	esd_items_deinit(&old);
	esd_items_deinit(&now);
}

/* ---- homes on servers ---- */

static bool is_remote_type(const char *type)
{
	static const char *const remote[] = { "nfs", "nfs4", "cifs", "smb3", "autofs", "ceph", "afs", "fuse", "fuseblk" };

	for (size_t i = 0; i < ARRAY_SIZE(remote); i++)
		if (!strcmp(type, remote[i]))
			return true;
	return !strncmp(type, "fuse.", strlen("fuse."));
}

/* A server that doesn't answer, or a user's own file system, must not block the daemon's thread. */
static bool is_remote(const struct esd_place *place)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	bool remote = false;
	struct mntent *mount;
	size_t longest = 0;

	while (mounts && (mount = getmntent(mounts))) {
		size_t length = strcmp(mount->mnt_dir, "/") ? strlen(mount->mnt_dir) : 0;

		if (length < longest || (length && !is_below(place->path, mount->mnt_dir)))
			continue;
		longest = length;
		remote = is_remote_type(mount->mnt_type);
	}
	if (mounts)
		endmntent(mounts);
	return remote;
}

static void place_look(struct launch *launch, size_t index, const char *path, const struct es_record *seen)
{
	const struct esd_place *place = &launch->places.place[index];

	if (!place->of_home || !is_remote(place))
		place_read(launch, index, path, seen);
}

static void all_look(struct launch *launch, const struct es_record *seen)
{
	for (size_t i = 0; i < launch->places.count; i++)
		place_look(launch, i, launch->places.place[i].path, seen);
}

static void subject_begin(struct esd_reporter *reporter)
{
	all_look(reporter->state, NULL);
}

/* ---- what has been seen ---- */

/* Can this event have moved whole folders? */
static bool moves_folders(const struct es_record *seen)
{
	return seen->type == TYPE_NOTIFY_RENAME || seen->type == TYPE_NOTIFY_EXCHANGEDATA;
}

/* A change of mode matters for scripts only. Don't read other files then: a program may be writing them. */
static bool concerns(const struct es_record *seen, const struct esd_place *place)
{
	return seen->type != TYPE_NOTIFY_SETMODE || esd_place_is_of_scripts(place);
}

static void path_look(struct launch *launch, const char *path, const struct es_record *seen)
{
	bool folders = moves_folders(seen);

	for (size_t i = 0; i < launch->places.count; i++) {
		const struct esd_place *place = &launch->places.place[i];
		bool whole = !strcmp(path, place->path);

		if (!concerns(seen, place))
			continue;
		if (is_below(path, place->path) && (!whole || folders || esd_place_is_file(place)))
			place_look(launch, i, path, seen);
		else if (folders && !whole && is_below(place->path, path))
			place_look(launch, i, place->path, seen);
	}
}

/* A program writes a new file and closes it: read it only then. A link is complete when it is made. */
static bool is_unfinished(const struct es_record *seen, const char *path)
{
	struct stat stat;

	return seen->type == TYPE_NOTIFY_CREATE && (lstat(path, &stat) < 0 || !S_ISLNK(stat.st_mode));
}

/* If the record has a name, its second file is that name's folder. False: the path isn't known. */
static bool file_look(struct launch *launch, const struct es_record *seen, unsigned int file)
{
	const char *path = esd_told_path(seen, file), *name = esd_told_text(seen, 0);
	_cleanup_free_ char *both = NULL;

	if (!path || (file && seen->str[0].off && !name))
		return false;
	if (file && name) {
		if (asprintf(&both, "%s/%s", path, name) < 0)
			return false;
		path = both;
	}
	if (!is_unfinished(seen, path))
		path_look(launch, path, seen);
	return true;
}

static void subject_compare(struct esd_reporter *reporter, const struct es_record *seen, bool all)
{
	struct launch *launch = reporter->state;
	bool known = true;

	passwd_read(launch);
	for (unsigned int i = 0; !all && i < ES_RECORD_FILES; i++)
		if (seen->file[i] && !(seen->type == TYPE_NOTIFY_UNLINK && i == 1))	/* that is its folder */
			known &= file_look(launch, seen, i);
	if (all || !known)
		all_look(launch, seen);
}

const struct esd_subject esd_subject_items = {
	.name = "launch items",
	.first = ES_REPORT_BTM_LAUNCH_ITEM_ADD,
	.last = ES_REPORT_BTM_LAUNCH_ITEM_REMOVE,
	.types = types,
	.type_count = ARRAY_SIZE(types),
	.init = subject_init,
	.deinit = subject_deinit,
	.paths = subject_paths,
	.begin = subject_begin,
	.compare = subject_compare,
};
