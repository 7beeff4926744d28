/* SPDX-License-Identifier: MIT */
#include "daemon/report/places.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/macro.h"

struct known {
	enum esd_place_kind kind;
	const char *path;
};

static const struct known of_system[] = {
	{ ESD_PLACE_UNITS, "/etc/systemd/system" },
	{ ESD_PLACE_UNITS, "/usr/local/lib/systemd/system" },
	{ ESD_PLACE_UNITS, "/usr/lib/systemd/system" },
	{ ESD_PLACE_UNITS, "/lib/systemd/system" },	/* on most systems /lib is a link */
	{ ESD_PLACE_USER_UNITS, "/etc/systemd/user" },
	{ ESD_PLACE_USER_UNITS, "/usr/local/lib/systemd/user" },
	{ ESD_PLACE_USER_UNITS, "/usr/lib/systemd/user" },
	{ ESD_PLACE_AUTOSTART, "/etc/xdg/autostart" },
	{ ESD_PLACE_SCRIPTS, "/etc/init.d" },
	{ ESD_PLACE_SCRIPT, "/etc/rc.local" },
	{ ESD_PLACE_PARTS, "/etc/cron.hourly" },
	{ ESD_PLACE_PARTS, "/etc/cron.daily" },
	{ ESD_PLACE_PARTS, "/etc/cron.weekly" },
	{ ESD_PLACE_PARTS, "/etc/cron.monthly" },
	{ ESD_PLACE_PARTS, "/etc/cron.yearly" },
	{ ESD_PLACE_CRONTAB, "/etc/crontab" },
	{ ESD_PLACE_CRONTABS, "/etc/cron.d" },
	{ ESD_PLACE_SPOOL, "/var/spool/cron/crontabs" },
};

static const struct known of_homes[] = {
	{ ESD_PLACE_USER_UNITS, "/.config/systemd/user" },
	{ ESD_PLACE_USER_UNITS, "/.local/share/systemd/user" },
	{ ESD_PLACE_AUTOSTART, "/.config/autostart" },
};

/* ---- the list ---- */

static bool is_there(const struct esd_places *places, const char *path)
{
	for (size_t i = 0; i < places->count; i++)
		if (!strcmp(places->place[i].path, path))
			return true;
	return false;
}

/* The path is the list's from now on. */
static int add(struct esd_places *places, const struct esd_place *place)
{
	struct esd_place *more = reallocarray(places->place, places->count + 1, sizeof(*more));

	if (!more) {
		free(place->path);
		return -ENOMEM;
	}
	places->place = more;
	more[places->count++] = *place;
	return 0;
}

static int add_of_system(struct esd_places *places, const char *root)
{
	for (size_t i = 0; i < ARRAY_SIZE(of_system); i++) {
		struct esd_place place = { .kind = of_system[i].kind, .above = strlen(root) };
		char *path, *real;
		int r;

		if (asprintf(&path, "%s%s", root, of_system[i].path) < 0)
			return -ENOMEM;
		real = realpath(path, NULL);
		place.path = real ?: path;
		if (real)
			free(path);
		if (is_there(places, place.path)) {
			free(place.path);
			continue;
		}
		r = add(places, &place);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Links in homes aren't followed: a home may be on a server that doesn't answer. */
static int add_home(struct esd_places *places, const char *root, const struct esd_row *row)
{
	const char *home = row->field[ESD_FIELD_HOME];
	uid_t uid = (uid_t)strtoul(row->field[ESD_FIELD_ID], NULL, 10);

	for (size_t i = 0; i < ARRAY_SIZE(of_homes); i++) {
		struct esd_place place = { .kind = of_homes[i].kind, .above = strlen(root) + strlen(home) - 1,
					   .of_home = true, .uid = uid };
		int r;

		if (asprintf(&place.path, "%s%s%s", root, home, of_homes[i].path) < 0)
			return -ENOMEM;
		r = add(places, &place);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && !strcmp(text + length - tail, end);
}

static bool has_home(const struct esd_row *row)
{
	const char *home = row->field[ESD_FIELD_HOME], *shell = row->field[ESD_FIELD_SHELL];

	return home[0] == '/' && home[1] && !ends_in(home, "/") && !strstr(home, "//") && !strstr(home, "/.") &&
	       strlen(home) < 1024 && !ends_in(shell, "/nologin") && !ends_in(shell, "/false");
}

static int by_home(const void *a, const void *b)
{
	const struct esd_row *first = *(const struct esd_row *const *)a, *second = *(const struct esd_row *const *)b;
	int order = strcmp(first->field[ESD_FIELD_HOME], second->field[ESD_FIELD_HOME]);

	return order ?: (first->line > second->line) - (first->line < second->line);
}

/* Several accounts may have one home: it is the first one's. */
static int add_homes(struct esd_places *places, const char *root, const struct esd_listing *passwd)
{
	_cleanup_free_ const struct esd_row **rows = calloc(passwd->count ?: 1, sizeof(*rows));
	size_t count = 0, homes = 0;
	int r = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < passwd->count; i++)
		if (has_home(&passwd->rows[i]))
			rows[count++] = &passwd->rows[i];
	qsort(rows, count, sizeof(*rows), by_home);
	for (size_t i = 0; r == 0 && i < count && homes < ESD_HOMES_MAX; i++) {
		if (i && !strcmp(rows[i]->field[ESD_FIELD_HOME], rows[i - 1]->field[ESD_FIELD_HOME]))
			continue;
		r = add_home(places, root, rows[i]);
		homes++;
	}
	if (homes == ESD_HOMES_MAX)
		log_warning("launch items are looked for in %d homes, and in no more", ESD_HOMES_MAX);
	return r;
}

int esd_places_init(struct esd_places *places, const char *root, const struct esd_listing *passwd)
{
	int r;

	*places = (struct esd_places){};
	r = add_of_system(places, root);
	if (r == 0 && passwd)
		r = add_homes(places, root, passwd);
	if (r < 0)
		esd_places_deinit(places);
	return r;
}

void esd_places_deinit(struct esd_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free(places->place[i].path);
	free(places->place);
	*places = (struct esd_places){};
}

/* ---- names ---- */

bool esd_place_is_file(const struct esd_place *place)
{
	return place->kind == ESD_PLACE_SCRIPT || place->kind == ESD_PLACE_CRONTAB;
}

bool esd_place_is_of_scripts(const struct esd_place *place)
{
	return place->kind == ESD_PLACE_SCRIPTS || place->kind == ESD_PLACE_PARTS || place->kind == ESD_PLACE_SCRIPT;
}

static bool is_of_units(const struct esd_place *place)
{
	return place->kind == ESD_PLACE_UNITS || place->kind == ESD_PLACE_USER_UNITS;
}

bool esd_place_takes_folder(const struct esd_place *place, const char *name)
{
	return is_of_units(place) && (ends_in(name, ".wants") || ends_in(name, ".requires") || ends_in(name, ".service.d"));
}

static bool is_unit(const char *name)
{
	static const char *const ends[] = { ".service", ".timer", ".socket", ".path" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends_in(name, ends[i]) && strlen(name) > strlen(ends[i]))
			return true;
	return false;
}

/* As run-parts(8) and cron(8) take them. */
static bool is_plain(const char *name)
{
	for (const char *at = name; *at; at++)
		if (!isascii((unsigned char)*at) || (!isalnum((unsigned char)*at) && !strchr("_-", *at)))
			return false;
	return name[0];
}

bool esd_place_takes(const struct esd_place *place, const char *within, const char *name)
{
	if (name[0] == '.' || (within && !esd_place_takes_folder(place, within)))
		return false;
	switch (place->kind) {
	case ESD_PLACE_UNITS:
	case ESD_PLACE_USER_UNITS:
		return within && ends_in(within, ".d") ? ends_in(name, ".conf") : is_unit(name);
	case ESD_PLACE_AUTOSTART:
		return ends_in(name, ".desktop");
	case ESD_PLACE_SCRIPTS:
		return !strstr(name, ".dpkg-") && !ends_in(name, "~");
	case ESD_PLACE_PARTS:
	case ESD_PLACE_CRONTABS:
		return is_plain(name);
	case ESD_PLACE_SPOOL:
	case ESD_PLACE_SCRIPT:
	case ESD_PLACE_CRONTAB:
		return true;
	}
	return false;
}
