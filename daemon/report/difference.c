/* SPDX-License-Identifier: MIT */
#include "daemon/report/difference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

enum { SHADOW_EXPIRES = 7 };		/* index of the field */

/* The fields that are attributes, by their names in a directory service; NULL: not an attribute. */
static const char *const attributes[ESD_LISTINGS][ESD_LISTING_FIELDS] = {
	[ESD_LISTING_PASSWD] = { NULL, NULL, "UniqueID", "PrimaryGroupID", "RealName", "NFSHomeDirectory", "UserShell" },
	[ESD_LISTING_SHADOW] = { NULL, NULL, "ShadowLastChange", "ShadowMin", "ShadowMax", "ShadowWarning",
			       "ShadowInactive", "ShadowExpire", "ShadowFlag" },
	[ESD_LISTING_GROUP] = { NULL, NULL, "PrimaryGroupID" },
	[ESD_LISTING_GSHADOW] = {},
};

/* One comparison. */
struct telling {
	const struct esd_difference *difference;
	enum esd_listing_kind kind;
};

static bool is_group(enum esd_listing_kind kind)
{
	return kind == ESD_LISTING_GROUP || kind == ESD_LISTING_GSHADOW;
}

static void tell_values(const struct telling *t, enum es_report_number number, const char *name, const char *detail,
			const char *values, size_t bytes)
{
	const struct esd_change change = {
		.number = number,
		.record = is_group(t->kind) ? ESD_RECORD_GROUP : ESD_RECORD_USER,
		.name = name,
		.detail = detail,
		.values = values,
		.values_bytes = bytes,
	};

	t->difference->changed(t->difference->owner, &change);
}

static void tell(const struct telling *t, enum es_report_number number, const char *name, const char *detail)
{
	tell_values(t, number, name, detail, NULL, 0);
}

/* value "": the attribute has no value any more. */
static void tell_attribute(const struct telling *t, const char *name, const char *attribute, const char *value)
{
	char cut[ESD_CHANGE_BYTES];
	size_t bytes = value[0] ? strlen(value) + 1 : 0;

	if (bytes > sizeof(cut)) {
		memcpy(cut, value, sizeof(cut) - 1);
		cut[sizeof(cut) - 1] = '\0';
		tell_values(t, ES_REPORT_OD_ATTRIBUTE_SET, name, attribute, cut, sizeof(cut));
		return;
	}
	tell_values(t, ES_REPORT_OD_ATTRIBUTE_SET, name, attribute, value, bytes);
}

/* ---- lists of names ---- */

struct names {
	char *text;			/* owned, as is `name` */
	char **name;			/* sorted, each once */
	size_t count;
	size_t bytes;			/* of all, with their NULs */
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_deinit(struct names *names)
{
	free(names->text);
	free(names->name);
}

static int names_split(struct names *names, const char *list)
{
	size_t room = 1, kept = 0;
	char *rest, *name;

	*names = (struct names){ .text = strdup(list) };
	for (const char *at = list; *at; at++)
		room += *at == ',';
	names->name = calloc(room, sizeof(*names->name));
	if (!names->text || !names->name)
		return -ENOMEM;
	rest = names->text;
	while ((name = strsep(&rest, ",")))
		if (name[0])
			names->name[names->count++] = name;
	qsort(names->name, names->count, sizeof(*names->name), by_text);
	for (size_t i = 0; i < names->count; i++)
		if (!kept || strcmp(names->name[kept - 1], names->name[i]))
			names->name[kept++] = names->name[i];
	names->count = kept;
	for (size_t i = 0; i < kept; i++)
		names->bytes += strlen(names->name[i]) + 1;
	return 0;
}

static bool names_have(const struct names *names, const char *name)
{
	return names->count && bsearch(&name, names->name, names->count, sizeof(*names->name), by_text);
}

static size_t names_missing(const struct names *names, const struct names *others)
{
	size_t missing = 0;

	for (size_t i = 0; i < names->count; i++)
		missing += !names_have(others, names->name[i]);
	return missing;
}

/* Reports each of `names` that isn't in `others`, one by one: members, or values of an attribute. */
static void tell_missing(const struct telling *t, enum es_report_number number, const char *group, const char *attribute,
			 const struct names *names, const struct names *others)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->name[i];

		if (names_have(others, name))
			continue;
		if (attribute)
			tell_values(t, number, group, attribute, name, strlen(name) + 1);
		else
			tell(t, number, group, name);
	}
}

static void tell_set(const struct telling *t, const char *group, const struct names *names)
{
	char values[ESD_CHANGE_BYTES], *at = values;

	for (size_t i = 0; i < names->count; i++)
		at = stpcpy(at, names->name[i]) + 1;
	tell_values(t, ES_REPORT_OD_GROUP_SET, group, NULL, values, (size_t)(at - values));
}

/* If members were both added and removed, reports the whole new list at once, if there is room for it. */
static void tell_members(const struct telling *t, const char *group, const struct names *old, const struct names *now)
{
	if (names_missing(old, now) && names_missing(now, old) && now->bytes <= ESD_CHANGE_BYTES) {
		tell_set(t, group, now);
		return;
	}
	tell_missing(t, ES_REPORT_OD_GROUP_REMOVE, group, NULL, old, now);
	tell_missing(t, ES_REPORT_OD_GROUP_ADD, group, NULL, now, old);
}

static void tell_admins(const struct telling *t, const char *group, const struct names *old, const struct names *now)
{
	tell_missing(t, ES_REPORT_OD_ATTRIBUTE_VALUE_REMOVE, group, "GroupAdministrators", old, now);
	tell_missing(t, ES_REPORT_OD_ATTRIBUTE_VALUE_ADD, group, "GroupAdministrators", now, old);
}

typedef void tell_lists(const struct telling *t, const char *group, const struct names *old, const struct names *now);

static void compare_lists(const struct telling *t, const char *group, const char *old, const char *now, tell_lists *lists)
{
	struct names before = {}, after = {};

	if (strcmp(old, now) && names_split(&before, old) == 0 && names_split(&after, now) == 0)
		lists(t, group, &before, &after);
	names_deinit(&before);
	names_deinit(&after);
}

/* ---- records ---- */

static bool same_password(const struct esd_row *a, const struct esd_row *b)
{
	return a->password.sum[0] == b->password.sum[0] && a->password.sum[1] == b->password.sum[1];
}

/* A group's password is an attribute; its value isn't reported. */
static void compare_passwords(const struct telling *t, const struct esd_row *old, const struct esd_row *now)
{
	const char *name = now->field[ESD_FIELD_NAME];
	bool changed = !same_password(old, now);

	if (is_group(t->kind)) {
		if (changed || old->locked != now->locked)
			tell(t, ES_REPORT_OD_ATTRIBUTE_SET, name, "Password");
		return;
	}
	if (changed)
		tell(t, ES_REPORT_OD_MODIFY_PASSWORD, name, NULL);
	if (old->locked != now->locked)
		tell(t, now->locked ? ES_REPORT_OD_DISABLE_USER : ES_REPORT_OD_ENABLE_USER, name, NULL);
}

/* Has the account's last day passed? */
static bool has_expired(const struct telling *t, const struct esd_row *row)
{
	const char *text = row->field[SHADOW_EXPIRES];
	char *end;
	long day;

	errno = 0;
	day = strtol(text, &end, 10);
	return end != text && !*end && !errno && day >= 0 && day <= t->difference->today;
}

static void compare_expiry(const struct telling *t, const struct esd_row *old, const struct esd_row *now)
{
	bool before = has_expired(t, old), after = has_expired(t, now);

	if (strcmp(old->field[SHADOW_EXPIRES], now->field[SHADOW_EXPIRES]) && before != after)
		tell(t, after ? ES_REPORT_OD_DISABLE_USER : ES_REPORT_OD_ENABLE_USER, now->field[ESD_FIELD_NAME], NULL);
}

static void compare_rows(const struct telling *t, const struct esd_row *old, const struct esd_row *now)
{
	const char *name = now->field[ESD_FIELD_NAME];

	compare_passwords(t, old, now);
	for (size_t i = 0; i < ESD_LISTING_FIELDS; i++)
		if (attributes[t->kind][i] && strcmp(old->field[i], now->field[i]))
			tell_attribute(t, name, attributes[t->kind][i], now->field[i]);
	if (t->kind == ESD_LISTING_SHADOW)
		compare_expiry(t, old, now);
	if (t->kind == ESD_LISTING_GROUP)
		compare_lists(t, name, old->field[ESD_FIELD_MEMBERS], now->field[ESD_FIELD_MEMBERS], tell_members);
	if (t->kind == ESD_LISTING_GSHADOW)
		compare_lists(t, name, old->field[ESD_FIELD_ADMINS], now->field[ESD_FIELD_ADMINS], tell_admins);
}

/* A new account is reported from passwd. From shadow, only a password that allows a login is reported. */
static void tell_new(const struct telling *t, const struct esd_row *row)
{
	const char *name = row->field[ESD_FIELD_NAME];

	switch (t->kind) {
	case ESD_LISTING_PASSWD:
		tell(t, ES_REPORT_OD_CREATE_USER, name, NULL);
		break;
	case ESD_LISTING_SHADOW:
		if (row->usable)
			tell(t, ES_REPORT_OD_MODIFY_PASSWORD, name, NULL);
		break;
	case ESD_LISTING_GROUP:
		tell(t, ES_REPORT_OD_CREATE_GROUP, name, NULL);
		compare_lists(t, name, "", row->field[ESD_FIELD_MEMBERS], tell_members);
		break;
	default:
		break;
	}
}

/* If a line of shadow is gone but the account still exists, its password is gone. */
static void tell_gone(const struct telling *t, const struct esd_row *row)
{
	const struct esd_listing *passwd = t->difference->passwd;
	const char *name = row->field[ESD_FIELD_NAME];

	if (t->kind == ESD_LISTING_PASSWD)
		tell(t, ES_REPORT_OD_DELETE_USER, name, NULL);
	else if (t->kind == ESD_LISTING_GROUP)
		tell(t, ES_REPORT_OD_DELETE_GROUP, name, NULL);
	else if (t->kind == ESD_LISTING_SHADOW && passwd && esd_listing_find(passwd, name))
		tell(t, ES_REPORT_OD_MODIFY_PASSWORD, name, NULL);
}

/* ---- listings ---- */

/* A renamed record is recognized by its id; in shadow by its password, which has a salt of its own. */
static int by_id(const void *a, const void *b)
{
	const struct esd_row *first = *(const struct esd_row *const *)a, *second = *(const struct esd_row *const *)b;

	return strcmp(first->field[ESD_FIELD_ID], second->field[ESD_FIELD_ID]);
}

static int by_password(const void *a, const void *b)
{
	const struct esd_row *first = *(const struct esd_row *const *)a, *second = *(const struct esd_row *const *)b;

	return memcmp(&first->password, &second->password, sizeof(first->password));
}

/* The rows of one listing whose names the other lacks, sorted by order(). */
struct gone {
	const struct esd_row **row;	/* owned, as is this: */
	bool *taken;			/* the record has another name now */
	size_t count;
	int (*order)(const void *a, const void *b);
};

static int gone_find(struct gone *gone, enum esd_listing_kind kind, const struct esd_listing *old,
		     const struct esd_listing *now)
{
	*gone = (struct gone){
		.row = calloc(old->count ?: 1, sizeof(*gone->row)),
		.taken = calloc(old->count ?: 1, sizeof(*gone->taken)),
		.order = kind == ESD_LISTING_SHADOW ? by_password : by_id,
	};
	if (!gone->row || !gone->taken)
		return -ENOMEM;
	for (size_t i = 0; i < old->count; i++)
		if (!esd_listing_find(now, old->rows[i].field[ESD_FIELD_NAME]))
			gone->row[gone->count++] = &old->rows[i];
	qsort(gone->row, gone->count, sizeof(*gone->row), gone->order);
	return 0;
}

static void gone_deinit(struct gone *gone)
{
	free(gone->row);
	free(gone->taken);
}

/* The row of this record under its old name; NULL: the record is new. */
static const struct esd_row *renamed_find(const struct telling *t, struct gone *gone, const struct esd_row *row)
{
	const struct esd_row **found;
	size_t index;

	if (!gone->count || t->kind == ESD_LISTING_GSHADOW)
		return NULL;
	found = bsearch(&row, gone->row, gone->count, sizeof(*gone->row), gone->order);
	index = found ? (size_t)(found - gone->row) : 0;
	if (!found || gone->taken[index])
		return NULL;
	gone->taken[index] = true;
	return *found;
}

static void compare_new(const struct telling *t, struct gone *gone, const struct esd_row *row)
{
	const struct esd_row *before = renamed_find(t, gone, row);

	if (!before) {
		tell_new(t, row);
		return;
	}
	if (t->kind != ESD_LISTING_SHADOW)	/* passwd reports it for shadow */
		tell_attribute(t, before->field[ESD_FIELD_NAME], "RecordName", row->field[ESD_FIELD_NAME]);
	compare_rows(t, before, row);
}

void esd_difference_tell(const struct esd_difference *difference, enum esd_listing_kind kind, const struct esd_listing *old,
			 const struct esd_listing *now)
{
	const struct telling t = { .difference = difference, .kind = kind };
	struct gone gone;

	if (gone_find(&gone, kind, old, now) == 0) {
		for (size_t i = 0; i < now->count; i++) {
			const struct esd_row *row = esd_listing_find(old, now->rows[i].field[ESD_FIELD_NAME]);

			if (row)
				compare_rows(&t, row, &now->rows[i]);
			else
				compare_new(&t, &gone, &now->rows[i]);
		}
		for (size_t i = 0; i < gone.count; i++)
			if (!gone.taken[i])
				tell_gone(&t, gone.row[i]);
	}
	gone_deinit(&gone);
}
