/* SPDX-License-Identifier: MIT */
#include "daemon/identity/dpkg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/identity/text-file.h"
#include "util/macro.h"
#include "util/number.h"

/*
 * Formats. status and the journal (updates/NNNN, which override it in the order of their names): stanzas of "Field:
 * value" with an empty line behind each; Conffiles has a line " PATH MD5 [obsolete]" for each. info/PACKAGE[:ARCH].md5sums:
 * a line each of 32 hex digits, two spaces, and a path without its first slash. diversions: three lines each, the path,
 * where it was diverted to, and the package whose files stay where they are (":" for none).
 */

enum { ATTEMPTS = 3 };			/* to read it without a change by dpkg meanwhile */

struct entry {
	uint64_t path;			/* a hash */
	uint32_t package;
	uint8_t md5[ESD_MD5];
};

struct diversion {
	uint64_t from;
	uint64_t to;
	char *package;			/* the package whose own file stays at `from` */
};

struct stamp {
	uint64_t ino;
	int64_t size, s, ns;
};

enum { STAMPS = 4 };

struct esd_dpkg {
	struct esd_dpkg_package *packages;
	size_t package_count, package_room;
	struct entry *entries;
	size_t entry_count, entry_room;
	struct diversion *diversions;
	size_t diversion_count;
	struct stamp stamps[STAMPS];
	char *root;
};

static const char *const watched[STAMPS] = { "status", "updates", "info", "diversions" };

static uint64_t hash_bytes(uint64_t hash, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* The merge of /usr has moved these directories: names with and without /usr are the same. */
static bool is_merged(const char *path, size_t length)
{
	static const char *const folders[] = { "bin/", "sbin/", "lib/", "lib64/", "lib32/", "libx32/" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		size_t n = strlen(folders[i]);

		if (length > n && !memcmp(path, folders[i], n))
			return true;
	}
	return false;
}

/* The hash of a path without its first slash. */
static uint64_t hash_path(const char *path, size_t length)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	if (length > 4 && !memcmp(path, "usr/", 4) && is_merged(path + 4, length - 4)) {
		path += 4;
		length -= 4;
	}
	return hash_bytes(hash, path, length);
}

static bool take_md5(const char *text, uint8_t md5[ESD_MD5])
{
	for (unsigned int i = 0; i < ESD_MD5; i++) {
		int high = number_hex_digit(text[2 * i]), low = high < 0 ? -1 : number_hex_digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		md5[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Room for one more of `bytes`; false: no memory. */
static bool make_room(void *array, size_t count, size_t *room, size_t bytes)
{
	size_t more = *room ? *room * 2 : 256;
	void *grown;

	if (count < *room)
		return true;
	grown = reallocarray(*(void **)array, more, bytes);
	if (!grown)
		return false;
	*(void **)array = grown;
	*room = more;
	return true;
}

struct esd_dpkg *esd_dpkg_new(void)
{
	return calloc(1, sizeof(struct esd_dpkg));
}

void *esd_dpkg_free(struct esd_dpkg *dpkg)
{
	if (!dpkg)
		return NULL;
	for (size_t i = 0; i < dpkg->package_count; i++) {
		free(dpkg->packages[i].name);
		free(dpkg->packages[i].architecture);
		free(dpkg->packages[i].version);
	}
	for (size_t i = 0; i < dpkg->diversion_count; i++)
		free(dpkg->diversions[i].package);
	free(dpkg->packages);
	free(dpkg->entries);
	free(dpkg->diversions);
	free(dpkg->root);
	free(dpkg);
	return NULL;
}

/* ---- status ---- */

struct line {
	const char *text;
	size_t length;
};

/* The next line of what is left; false: there is none. */
static bool next_line(const char **at, const char *end, struct line *ret)
{
	const char *newline;

	if (*at >= end)
		return false;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	ret->text = *at;
	ret->length = (size_t)((newline ?: end) - *at);
	*at = newline ? newline + 1 : end;
	return true;
}

static bool field(const struct line *line, const char *name, struct line *ret)
{
	size_t n = strlen(name);

	if (line->length < n || memcmp(line->text, name, n))
		return false;
	*ret = (struct line){ line->text + n, line->length - n };
	while (ret->length && ret->text[0] == ' ') {
		ret->text++;
		ret->length--;
	}
	return true;
}

/* `text` may have an architecture behind a colon. */
static struct esd_dpkg_package *find_package(const struct esd_dpkg *dpkg, const char *text, size_t length)
{
	const char *colon = memchr(text, ':', length);
	size_t name = colon ? (size_t)(colon - text) : length;

	for (size_t i = 0; i < dpkg->package_count; i++) {
		struct esd_dpkg_package *package = &dpkg->packages[i];

		if (strlen(package->name) != name || memcmp(package->name, text, name))
			continue;
		if (!colon || (strlen(package->architecture) == length - name - 1 &&
			       !memcmp(package->architecture, colon + 1, length - name - 1)))
			return package;
	}
	return NULL;
}

struct stanza {
	struct line package, architecture, version, status;
	struct line conffiles;			/* the lines behind the field's own */
};

static bool ends_with(const struct line *line, const char *text)
{
	size_t n = strlen(text);

	return line->length >= n && !memcmp(line->text + line->length - n, text, n);
}

/* The files of a package that dpkg is unpacking or removing can be old, new or missing. */
static bool is_settled(const struct line *status)
{
	return ends_with(status, " installed") || ends_with(status, " unpacked") ||
	       ends_with(status, " half-configured") || ends_with(status, " triggers-awaited") ||
	       ends_with(status, " triggers-pending");
}

static int replace(char **text, const struct line *line)
{
	char *copy = strndup(line->text, line->length);

	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static void forget_entries(struct esd_dpkg *dpkg, uint32_t package)
{
	size_t kept = 0;

	for (size_t i = 0; i < dpkg->entry_count; i++)
		if (dpkg->entries[i].package != package)
			dpkg->entries[kept++] = dpkg->entries[i];
	dpkg->entry_count = kept;
}

static struct esd_dpkg_package *add_package(struct esd_dpkg *dpkg, const struct stanza *stanza)
{
	char key[512];
	int n = snprintf(key, sizeof(key), "%.*s:%.*s", (int)stanza->package.length, stanza->package.text,
			 (int)stanza->architecture.length, stanza->architecture.text);
	struct esd_dpkg_package *package;

	/* Each package is in the status once. The journal can name it again. */
	package = find_package(dpkg, key, n < (int)sizeof(key) ? (size_t)n : sizeof(key) - 1);
	if (package) {
		forget_entries(dpkg, (uint32_t)(package - dpkg->packages));
		return package;
	}
	if (!make_room(&dpkg->packages, dpkg->package_count, &dpkg->package_room, sizeof(*package)))
		return NULL;
	package = &dpkg->packages[dpkg->package_count++];
	*package = (struct esd_dpkg_package){};
	return package;
}

static int add_entry(struct esd_dpkg *dpkg, uint64_t path, uint32_t package, const uint8_t md5[ESD_MD5])
{
	struct entry *entry;

	if (!make_room(&dpkg->entries, dpkg->entry_count, &dpkg->entry_room, sizeof(*entry)))
		return -ENOMEM;
	entry = &dpkg->entries[dpkg->entry_count++];
	*entry = (struct entry){ .path = path, .package = package };
	memcpy(entry->md5, md5, ESD_MD5);
	return 0;
}

/* " /PATH MD5[ obsolete]" */
static int add_conffile(struct esd_dpkg *dpkg, uint32_t package, const struct line *line)
{
	size_t length = line->length;
	uint8_t md5[ESD_MD5];

	if (ends_with(line, " obsolete"))
		length -= strlen(" obsolete");
	if (length < 4 + 2 * ESD_MD5 || line->text[0] != ' ' || line->text[1] != '/' ||
	    line->text[length - 2 * ESD_MD5 - 1] != ' ' || !take_md5(line->text + length - 2 * ESD_MD5, md5))
		return 0;
	return add_entry(dpkg, hash_path(line->text + 2, length - 2 * ESD_MD5 - 3), package, md5);
}

static int add_stanza(struct esd_dpkg *dpkg, const struct stanza *stanza)
{
	const char *at = stanza->conffiles.text, *end = at ? at + stanza->conffiles.length : NULL;
	struct esd_dpkg_package *package;
	struct line line;
	int r;

	if (!stanza->package.length || ends_with(&stanza->status, " not-installed") ||
	    ends_with(&stanza->status, " config-files"))
		return 0;
	package = add_package(dpkg, stanza);
	if (!package)
		return -ENOMEM;
	r = replace(&package->name, &stanza->package);
	r = r ?: replace(&package->architecture, &stanza->architecture);
	r = r ?: replace(&package->version, &stanza->version);
	if (r < 0)
		return r;
	package->settled = is_settled(&stanza->status);
	while (at && r == 0 && next_line(&at, end, &line))
		r = add_conffile(dpkg, (uint32_t)(package - dpkg->packages), &line);
	return r;
}

static void take_field(struct stanza *stanza, const struct line *line, bool *conffiles)
{
	struct line value;

	*conffiles = field(line, "Conffiles:", &value);
	if (*conffiles)
		stanza->conffiles = (struct line){ line->text + line->length, 0 };
	else if (!field(line, "Package:", &stanza->package) && !field(line, "Status:", &stanza->status) &&
		 !field(line, "Version:", &stanza->version))
		(void)field(line, "Architecture:", &stanza->architecture);
}

int esd_dpkg_add_status(struct esd_dpkg *dpkg, const char *text, size_t length)
{
	const char *at = text, *end = text + length;
	const struct stanza none = { { "", 0 }, { "", 0 }, { "", 0 }, { "", 0 }, { NULL, 0 } };
	struct stanza stanza = none;
	bool conffiles = false;
	struct line line;
	int r = 0;

	while (r == 0 && next_line(&at, end, &line)) {
		if (!line.length) {
			r = add_stanza(dpkg, &stanza);
			stanza = none;
		} else if (line.text[0] != ' ' && line.text[0] != '\t') {
			take_field(&stanza, &line, &conffiles);
		} else if (conffiles) {
			stanza.conffiles.length = (size_t)(line.text + line.length - stanza.conffiles.text);
		}
	}
	return r ?: add_stanza(dpkg, &stanza);
}

/* ---- diversions ---- */

int esd_dpkg_add_diversions(struct esd_dpkg *dpkg, const char *text, size_t length)
{
	const char *at = text, *end = text + length;
	size_t room = dpkg->diversion_count;
	struct line from, to, package;

	while (next_line(&at, end, &from) && next_line(&at, end, &to) && next_line(&at, end, &package)) {
		struct diversion *diversion;

		if (from.length < 2 || from.text[0] != '/' || to.length < 2 || to.text[0] != '/')
			continue;
		if (!make_room(&dpkg->diversions, dpkg->diversion_count, &room, sizeof(*diversion)))
			return -ENOMEM;
		diversion = &dpkg->diversions[dpkg->diversion_count++];
		*diversion = (struct diversion){
			.from = hash_path(from.text + 1, from.length - 1),
			.to = hash_path(to.text + 1, to.length - 1),
		};
		if (replace(&diversion->package, &package) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The path, after diversions, of the package's file of that name. */
static uint64_t divert(const struct esd_dpkg *dpkg, const struct esd_dpkg_package *package, uint64_t path)
{
	for (size_t i = 0; i < dpkg->diversion_count; i++) {
		const struct diversion *diversion = &dpkg->diversions[i];

		if (diversion->from == path && strcmp(diversion->package, package->name))
			return diversion->to;
	}
	return path;
}

/* ---- sums ---- */

static int add_sum(struct esd_dpkg *dpkg, struct esd_dpkg_package *package, const struct line *line)
{
	const char *path = line->text + 2 * ESD_MD5 + 2;
	size_t length;
	uint8_t md5[ESD_MD5];

	if (line->length < 2 * ESD_MD5 + 3 || memcmp(path - 2, "  ", 2) || !take_md5(line->text, md5))
		return 0;
	length = line->length - 2 * ESD_MD5 - 2;
	return add_entry(dpkg, divert(dpkg, package, hash_path(path, length)),
			 (uint32_t)(package - dpkg->packages), md5);
}

int esd_dpkg_add_sums(struct esd_dpkg *dpkg, const char *name, const char *text, size_t length)
{
	struct esd_dpkg_package *package = find_package(dpkg, name, strlen(name));
	const char *at = text, *end = text + length;
	struct line line;
	int r = 0;

	/* A package that is being removed may still have sums. */
	if (!package)
		return 0;
	while (r == 0 && next_line(&at, end, &line))
		r = add_sum(dpkg, package, &line);
	return r;
}

static int compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	return a->path < b->path ? -1 : a->path > b->path;
}

int esd_dpkg_finish(struct esd_dpkg *dpkg)
{
	if (dpkg->entry_count)
		qsort(dpkg->entries, dpkg->entry_count, sizeof(*dpkg->entries), compare);
	return 0;
}

/* ---- from files ---- */

static char *place(const char *root, const char *name)
{
	char *path;

	return asprintf(&path, "%s/var/lib/dpkg/%s", root, name) < 0 ? NULL : path;
}

static void stamps_take(const char *root, struct stamp stamps[STAMPS])
{
	for (unsigned int i = 0; i < STAMPS; i++) {
		_cleanup_free_ char *path = place(root, watched[i]);
		struct stat st;

		stamps[i] = (struct stamp){};
		if (path && stat(path, &st) == 0)
			stamps[i] = (struct stamp){ st.st_ino, st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec };
	}
}

bool esd_dpkg_changed(const struct esd_dpkg *dpkg)
{
	struct stamp stamps[STAMPS];

	stamps_take(dpkg->root, stamps);
	return memcmp(stamps, dpkg->stamps, sizeof(stamps)) != 0;
}

bool esd_dpkg_busy(const char *root)
{
	_cleanup_free_ char *path = place(root, "lock");
	_cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static int read_named(struct esd_dpkg *dpkg, const char *name,
		      int (*add)(struct esd_dpkg *dpkg, const char *text, size_t length))
{
	_cleanup_free_ char *path = place(dpkg->root, name), *text = NULL;
	size_t length;
	int r = path ? esd_text_read(path, &text, &length) : -ENOMEM;

	return r < 0 ? r : add(dpkg, text, length);
}

static int is_journal(const struct dirent *entry)
{
	return entry->d_name[0] && strspn(entry->d_name, "0123456789") == strlen(entry->d_name);
}

static int read_journal(struct esd_dpkg *dpkg)
{
	_cleanup_free_ char *folder = place(dpkg->root, "updates");
	struct dirent **names;
	int count = folder ? scandir(folder, &names, is_journal, alphasort) : -1, r = 0;

	for (int i = 0; i < count; i++) {
		char name[300];

		snprintf(name, sizeof(name), "updates/%s", names[i]->d_name);
		if (r == 0)
			r = read_named(dpkg, name, esd_dpkg_add_status);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return r;
}

static int read_sums(struct esd_dpkg *dpkg, const char *folder, char *name)
{
	static const char suffix[] = ".md5sums";
	size_t n = strlen(name);
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t length;
	int r;

	if (n <= strlen(suffix) || strcmp(name + n - strlen(suffix), suffix))
		return 0;
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	r = esd_text_read(path, &text, &length);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	name[n - strlen(suffix)] = '\0';
	return esd_dpkg_add_sums(dpkg, name, text, length);
}

static void closedirp(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

static int read_info(struct esd_dpkg *dpkg)
{
	_cleanup_free_ char *path = place(dpkg->root, "info");
	_cleanup_(closedirp) DIR *folder = path ? opendir(path) : NULL;
	struct dirent *entry;
	int r = 0;

	if (!folder)
		return -errno;
	while (r == 0 && (entry = readdir(folder)))
		r = read_sums(dpkg, path, entry->d_name);
	return r;
}

static int read_once(struct esd_dpkg **ret, const char *root)
{
	_cleanup_(esd_dpkg_freep) struct esd_dpkg *dpkg = esd_dpkg_new();
	int r;

	if (!dpkg || !(dpkg->root = strdup(root)))
		return -ENOMEM;
	stamps_take(root, dpkg->stamps);
	r = read_named(dpkg, "status", esd_dpkg_add_status);
	if (r == 0)
		r = read_journal(dpkg);
	if (r == 0)
		r = read_named(dpkg, "diversions", esd_dpkg_add_diversions);
	if (r == -ENOENT && dpkg->package_count)
		r = 0;
	if (r == 0)
		r = read_info(dpkg);
	if (r == 0)
		r = esd_dpkg_finish(dpkg);
	if (r < 0)
		return r;
	*ret = TAKE_POINTER(dpkg);
	return 0;
}

int esd_dpkg_read(struct esd_dpkg **ret, const char *root)
{
	struct esd_dpkg *dpkg = NULL;
	int r = -EAGAIN;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		esd_dpkg_free(dpkg);
		dpkg = NULL;
		r = read_once(&dpkg, root);
		if (r < 0 || !esd_dpkg_changed(dpkg))
			break;
	}
	if (r == 0)
		*ret = dpkg;
	return r;
}

/* ---- looking ---- */

bool esd_dpkg_find(const struct esd_dpkg *dpkg, const char *path, size_t *cursor, struct esd_dpkg_file *ret)
{
	uint64_t hash;
	size_t low = 0, high = dpkg->entry_count;

	if (path[0] != '/')
		return false;
	hash = hash_path(path + 1, strlen(path + 1));
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dpkg->entries[middle].path < hash)
			low = middle + 1;
		else
			high = middle;
	}
	low += *cursor;
	if (low >= dpkg->entry_count || dpkg->entries[low].path != hash)
		return false;
	++*cursor;
	ret->package = &dpkg->packages[dpkg->entries[low].package];
	memcpy(ret->md5, dpkg->entries[low].md5, ESD_MD5);
	return true;
}

size_t esd_dpkg_files(const struct esd_dpkg *dpkg)
{
	return dpkg->entry_count;
}

size_t esd_dpkg_packages(const struct esd_dpkg *dpkg)
{
	return dpkg->package_count;
}

const struct esd_dpkg_package *esd_dpkg_package(const struct esd_dpkg *dpkg, size_t index)
{
	return &dpkg->packages[index];
}
