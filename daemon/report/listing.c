/* SPDX-License-Identifier: MIT */
#include "daemon/report/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/macro.h"

enum {
	FILE_MAX_BYTES = 64 * 1024 * 1024,
	FIELD_MAX_BYTES = 4096,		/* a record with a longer name or password is ignored */
	READ_TRIES = 3,			/* if the file is written meanwhile */
	SETTLE_MS = 20,			/* more than a tick of the file systems' clock */
};

const char *const esd_listing_names[ESD_LISTINGS] = {
	[ESD_LISTING_PASSWD] = "passwd",
	[ESD_LISTING_SHADOW] = "shadow",
	[ESD_LISTING_GROUP] = "group",
	[ESD_LISTING_GSHADOW] = "gshadow",
};

static const size_t field_counts[ESD_LISTINGS] = {
	[ESD_LISTING_PASSWD] = 7,
	[ESD_LISTING_SHADOW] = 9,
	[ESD_LISTING_GROUP] = 4,
	[ESD_LISTING_GSHADOW] = 4,
};

/* ---- reading ---- */

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_state(const struct esd_listing_state *a, const struct esd_listing_state *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && same_time(&a->mtime, &b->mtime) &&
	       same_time(&a->ctime, &b->ctime);
}

static bool is_settled(const struct timespec *changed)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - changed->tv_sec) * 1000 + (now.tv_nsec - changed->tv_nsec) / 1000000 > SETTLE_MS;
}

static int state_look(int fd, struct esd_listing_state *ret)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode))
		return -EINVAL;
	*ret = (struct esd_listing_state){ stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtim, stat.st_ctim,
					   is_settled(&stat.st_ctim) };
	return stat.st_size > FILE_MAX_BYTES ? -EFBIG : 0;
}

/* Up to `room` bytes, and how many. */
static ssize_t read_bytes(int fd, char *text, size_t room)
{
	size_t length = 0;

	while (length < room) {
		ssize_t n = pread(fd, text + length, room - length, (off_t)length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	return (ssize_t)length;
}

static void text_free(struct esd_listing *listing)
{
	if (listing->text)
		explicit_bzero(listing->text, listing->bytes);
	free(TAKE_POINTER(listing->text));
}

static int text_read(struct esd_listing *listing, int fd, size_t bytes)
{
	ssize_t n;

	text_free(listing);
	listing->bytes = bytes;
	listing->text = calloc(1, listing->bytes + 1);
	if (!listing->text)
		return -ENOMEM;
	n = read_bytes(fd, listing->text, listing->bytes);
	return n < 0 ? (int)n : 0;
}

/* Reads the content of a single moment, unless the file is written all the time. */
static int text_take(struct esd_listing *listing, int fd, const struct esd_listing *known)
{
	struct esd_listing_state after;
	int r = state_look(fd, &listing->state);

	if (r == 0 && known && known->state.settled && same_state(&listing->state, &known->state))
		return -EALREADY;
	for (int i = 0; r == 0 && i < READ_TRIES; i++) {
		r = text_read(listing, fd, (size_t)listing->state.size);
		if (r == 0)
			r = state_look(fd, &after);
		if (r < 0 || same_state(&listing->state, &after))
			return r;
		listing->state = after;
	}
	listing->state.settled = false;		/* the content may mix several moments */
	return r;
}

/* ---- taking it apart ---- */

static void take_password(struct esd_row *row, char *password, esd_listing_key key)
{
	size_t length = strlen(password), marks = strspn(password, "!");

	row->locked = marks > 0;
	row->usable = !strchr("!*", password[0]) || !password[0];
	row->password = es_mute_hash_path(key, password + marks, length - marks);
	row->password.sum[0] += length - marks;		/* else trailing zeros wouldn't change the hash */
	explicit_bzero(password, length);
	row->field[ESD_FIELD_PASSWORD] = "";
}

static bool parse_line(char *line, size_t count, struct esd_row *row, esd_listing_key key)
{
	size_t found = 0;

	*row = (struct esd_row){};
	while (line && found < count)
		row->field[found++] = strsep(&line, ":");
	if (found < count || line)
		return false;
	if (!row->field[0][0] || strchr("+-#", row->field[0][0]) || strlen(row->field[0]) >= FIELD_MAX_BYTES ||
	    strlen(row->field[1]) >= FIELD_MAX_BYTES)
		return false;
	take_password(row, (char *)row->field[ESD_FIELD_PASSWORD], key);
	return true;
}

static size_t lines_in(const struct esd_listing *listing)
{
	size_t lines = 1;

	for (size_t i = 0; i < listing->bytes; i++)
		lines += listing->text[i] == '\n';
	return lines;
}

static int by_name(const void *a, const void *b)
{
	const struct esd_row *first = a, *second = b;
	int order = strcmp(first->field[0], second->field[0]);

	return order ?: (first->line > second->line) - (first->line < second->line);
}

static void drop_doubles(struct esd_listing *listing)
{
	size_t kept = 0;

	for (size_t i = 0; i < listing->count; i++)
		if (!kept || strcmp(listing->rows[kept - 1].field[0], listing->rows[i].field[0]))
			listing->rows[kept++] = listing->rows[i];
	listing->count = kept;
}

/* A NUL ends a line's last field. The rest of the line is ignored and wiped, since it may be a password. */
static void line_end(char *line, char *end)
{
	size_t length;

	*end = '\0';
	length = strlen(line);
	explicit_bzero(line + length, (size_t)(end - line) - length);
}

static int parse(struct esd_listing *listing, enum esd_listing_kind kind, esd_listing_key key)
{
	char *at = listing->text, *end = at + listing->bytes;

	listing->rows = calloc(lines_in(listing), sizeof(*listing->rows));
	if (!listing->rows)
		return -ENOMEM;
	for (size_t line = 0; at < end; line++) {
		char *next = memchr(at, '\n', (size_t)(end - at)) ?: end;
		struct esd_row *row = &listing->rows[listing->count];

		line_end(at, next);
		if (parse_line(at, field_counts[kind], row, key)) {
			row->line = line;
			listing->count++;
		} else {
			explicit_bzero(at, (size_t)(next - at));
		}
		at = next + 1;
	}
	if (!listing->count)
		return -ENODATA;
	qsort(listing->rows, listing->count, sizeof(*listing->rows), by_name);
	drop_doubles(listing);
	return 0;
}

int esd_listing_read(struct esd_listing *ret, enum esd_listing_kind kind, const char *path,
		     const struct esd_listing *known, esd_listing_key key)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct esd_listing listing = {};
	int r;

	if (fd < 0)
		return -errno;
	r = text_take(&listing, fd, known);
	if (r == 0)
		r = parse(&listing, kind, key);
	if (r < 0) {
		esd_listing_deinit(&listing);
		return r;
	}
	*ret = listing;
	return 0;
}

void esd_listing_deinit(struct esd_listing *listing)
{
	text_free(listing);
	free(listing->rows);
	*listing = (struct esd_listing){};
}

static int same_name(const void *name, const void *row)
{
	return strcmp(name, ((const struct esd_row *)row)->field[0]);
}

const struct esd_row *esd_listing_find(const struct esd_listing *listing, const char *name)
{
	return listing->count ? bsearch(name, listing->rows, listing->count, sizeof(*listing->rows), same_name) : NULL;
}
