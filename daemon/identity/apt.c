/* SPDX-License-Identifier: MIT */
#include "daemon/identity/apt.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/identity/keyring.h"
#include "daemon/identity/run.h"
#include "daemon/identity/text-file.h"
#include "util/log.h"
#include "util/macro.h"

/*
 * apt's lists. For each archive: ARCHIVE_InRelease, signed, with "Origin: NAME" in it; and ARCHIVE_..._Packages,
 * stanzas of which we read Package, Version and Architecture. The latter may be compressed; apt's own helper unpacks
 * them.
 */

enum { ARCHIVES_MAX = 256 };

struct archive {
	char *prefix;			/* of the names of its files */
	char *origin;
	bool system;
};

struct installed {
	uint64_t key;			/* of name, architecture and version */
	uint32_t archive;		/* one more than its index; 0: none */
};

struct esd_vendors {
	char *root;
	int64_t stamp_s, stamp_ns;	/* of the folder of lists */
	struct archive archives[ARCHIVES_MAX];
	unsigned int archive_count;
	struct installed *installed;	/* by key */
	size_t installed_count;
};

static uint64_t hash_text(uint64_t hash, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t key_of(const struct esd_dpkg_package *package)
{
	uint64_t hash = hash_text(UINT64_C(0xcbf29ce484222325), package->name, strlen(package->name));

	hash = hash_text(hash, package->architecture, strlen(package->architecture));
	return hash_text(hash, package->version, strlen(package->version));
}

static int compare(const void *left, const void *right)
{
	const struct installed *a = left, *b = right;

	return a->key < b->key ? -1 : a->key > b->key;
}

static struct installed *find(const struct esd_vendors *vendors, uint64_t key)
{
	const struct installed wanted = { .key = key };

	return bsearch(&wanted, vendors->installed, vendors->installed_count, sizeof(wanted), compare);
}

void *esd_vendors_free(struct esd_vendors *vendors)
{
	if (!vendors)
		return NULL;
	for (unsigned int i = 0; i < vendors->archive_count; i++) {
		free(vendors->archives[i].prefix);
		free(vendors->archives[i].origin);
	}
	free(vendors->installed);
	free(vendors->root);
	free(vendors);
	return NULL;
}

/* ---- archives ---- */

/* The text behind `name` on the first line that begins with it, for free(). */
static char *take_field(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (strncmp(line, name, n))
			continue;
		line += n + strspn(line + n, " \"");
		return strndup(line, strcspn(line, "\"\r\n"));
	}
	return NULL;
}

/* "debian", "ubuntu"; empty: not known. */
static void system_id(const char *root, char *id, size_t size)
{
	static const char *const places[] = { "/etc/os-release", "/usr/lib/os-release" };

	id[0] = '\0';
	for (unsigned int i = 0; i < ARRAY_SIZE(places) && !id[0]; i++) {
		_cleanup_free_ char *path = NULL, *text = NULL, *value = NULL;
		size_t length;

		if (asprintf(&path, "%s%s", root, places[i]) < 0 || esd_text_read(path, &text, &length) < 0)
			continue;
		value = take_field(text, "ID=");
		snprintf(id, size, "%s", value ?: "");
	}
}

static int add_archive(struct esd_vendors *vendors, const char *path, const struct esd_keyrings *keyrings)
{
	_cleanup_free_ char *text = NULL, *origin = NULL, *prefix = NULL;
	enum esd_signer signer;
	size_t length;
	int r;

	if (vendors->archive_count == ARCHIVES_MAX)
		return 0;
	r = esd_keyrings_check(keyrings, path, &text, &length, &signer);
	if (r < 0 || signer == ESD_SIGNER_NONE)
		return r == -ENOMEM ? r : 0;
	origin = take_field(text, "Origin:");
	prefix = strndup(path, strlen(path) - strlen("InRelease"));
	if (!prefix)
		return -ENOMEM;
	if (origin && origin[0])
		vendors->archives[vendors->archive_count++] = (struct archive){
			.prefix = TAKE_POINTER(prefix),
			.origin = TAKE_POINTER(origin),
			.system = signer == ESD_SIGNER_SYSTEM,
		};
	return 0;
}

/* Empties the Origin of archives that claim the system's own name without its signature. */
static void drop_pretenders(struct esd_vendors *vendors, const char *id)
{
	for (unsigned int i = 0; i < vendors->archive_count; i++) {
		struct archive *archive = &vendors->archives[i];
		bool pretends = !strcasecmp(archive->origin, id);

		for (unsigned int j = 0; j < vendors->archive_count; j++)
			pretends |= vendors->archives[j].system && !strcasecmp(vendors->archives[j].origin, archive->origin);
		if (!pretends || archive->system)
			continue;
		log_warning("%sInRelease calls itself %s, and is not signed by that: it vouches for nothing",
			    archive->prefix, archive->origin);
		archive->origin[0] = '\0';
	}
}

/* ---- lists ---- */

static void match_stanza(struct esd_vendors *vendors, unsigned int archive, const struct esd_dpkg_package *package)
{
	struct installed *installed;

	if (!package->name || !package->architecture || !package->version)
		return;
	installed = find(vendors, key_of(package));
	if (!installed)
		return;
	/* The system's own archive comes first. */
	if (!installed->archive || (vendors->archives[archive].system && !vendors->archives[installed->archive - 1].system))
		installed->archive = archive + 1;
}

static char *value_of(char *line, const char *name)
{
	size_t n = strlen(name);

	return strncmp(line, name, n) ? NULL : line + n + strspn(line + n, " ");
}

struct scan {
	struct esd_vendors *vendors;
	unsigned int archive;
	char name[256], architecture[64], version[256];
};

static int scan_line(void *context, char *line)
{
	struct scan *scan = context;
	char *value;

	if (!*line) {
		const struct esd_dpkg_package package = { scan->name, scan->architecture, scan->version, true };

		match_stanza(scan->vendors, scan->archive, &package);
		scan->name[0] = scan->architecture[0] = scan->version[0] = '\0';
	} else if ((value = value_of(line, "Package:"))) {
		snprintf(scan->name, sizeof(scan->name), "%s", value);
	} else if ((value = value_of(line, "Architecture:"))) {
		snprintf(scan->architecture, sizeof(scan->architecture), "%s", value);
	} else if ((value = value_of(line, "Version:"))) {
		snprintf(scan->version, sizeof(scan->version), "%s", value);
	}
	return 0;
}

static int read_list(struct esd_vendors *vendors, unsigned int archive, const char *path)
{
	const char *helper[] = { "/usr/lib/apt/apt-helper", "cat-file", path, NULL };
	const char *plain[] = { "/bin/cat", path, NULL };
	struct scan scan = { .vendors = vendors, .archive = archive };
	char empty[] = "";
	int r = esd_run_lines(access(helper[0], X_OK) ? plain : helper, scan_line, &scan);

	scan_line(&scan, empty);
	return r;
}

static int for_each(const char *root, const char *pattern, int (*call)(void *context, const char *path), void *context)
{
	_cleanup_free_ char *full = NULL;
	glob_t found = {};
	int r = 0;

	if (asprintf(&full, "%s%s", root, pattern) < 0)
		return -ENOMEM;
	if (glob(full, 0, NULL, &found) == 0)
		for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
			r = call(context, found.gl_pathv[i]);
	globfree(&found);
	return r;
}

struct archives_context {
	struct esd_vendors *vendors;
	const struct esd_keyrings *keyrings;
};

static int on_release(void *context, const char *path)
{
	struct archives_context *archives = context;

	return add_archive(archives->vendors, path, archives->keyrings);
}

/* The list belongs to the archive with the longest name that it begins with. Ignores a list that can't be read. */
static int on_list(void *context, const char *path)
{
	struct esd_vendors *vendors = context;
	size_t longest = 0;
	unsigned int archive = 0;

	for (unsigned int i = 0; i < vendors->archive_count; i++) {
		size_t length = strlen(vendors->archives[i].prefix);

		if (length > longest && !strncmp(path, vendors->archives[i].prefix, length)) {
			longest = length;
			archive = i;
		}
	}
	if (!longest || !vendors->archives[archive].origin[0])
		return 0;
	if (read_list(vendors, archive, path) < 0)
		log_warning("%s: can't read it; its packages have no vendor", path);
	return 0;
}

/* ---- together ---- */

static void stamp_take(const char *root, int64_t *s, int64_t *ns)
{
	_cleanup_free_ char *path = NULL;
	struct stat st = {};

	if (asprintf(&path, "%s/var/lib/apt/lists", root) < 0 || stat(path, &st) < 0)
		st = (struct stat){};
	*s = st.st_mtim.tv_sec;
	*ns = st.st_mtim.tv_nsec;
}

bool esd_vendors_changed(const struct esd_vendors *vendors)
{
	int64_t s, ns;

	stamp_take(vendors->root, &s, &ns);
	return s != vendors->stamp_s || ns != vendors->stamp_ns;
}

static int list_installed(struct esd_vendors *vendors, const struct esd_dpkg *dpkg)
{
	size_t count = esd_dpkg_packages(dpkg);

	vendors->installed = calloc(count + 1, sizeof(*vendors->installed));
	if (!vendors->installed)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		vendors->installed[i].key = key_of(esd_dpkg_package(dpkg, i));
	vendors->installed_count = count;
	qsort(vendors->installed, count, sizeof(*vendors->installed), compare);
	return 0;
}

/* The archive of that name, which may have gone from the lists since. 0: no room. */
static unsigned int archive_as(struct esd_vendors *vendors, const struct archive *like)
{
	struct archive *archive;

	for (unsigned int i = 0; i < vendors->archive_count; i++)
		if (!strcmp(vendors->archives[i].origin, like->origin) && vendors->archives[i].system == like->system)
			return i + 1;
	if (vendors->archive_count == ARCHIVES_MAX)
		return 0;
	archive = &vendors->archives[vendors->archive_count];
	*archive = (struct archive){ strdup(like->prefix), strdup(like->origin), like->system };
	if (archive->prefix && archive->origin)
		return ++vendors->archive_count;
	free(archive->prefix);
	free(archive->origin);
	return 0;
}

static void take_over(struct esd_vendors *vendors, const struct esd_vendors *before)
{
	for (size_t i = 0; i < vendors->installed_count; i++) {
		struct installed *installed = &vendors->installed[i], *old = find(before, installed->key);

		if (!installed->archive && old && old->archive)
			installed->archive = archive_as(vendors, &before->archives[old->archive - 1]);
	}
}

/* ---- kept ---- */

/* Each line: a package's key in hexadecimal, "system" or "other", the archive's Origin. */
static const char kept_folder[] = "/var/lib/endpointsecurity", kept_name[] = "/var/lib/endpointsecurity/vendors";

static bool is_roots(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022);
}

static void take_kept(struct esd_vendors *vendors, char *line)
{
	char whose[8], origin[64];
	struct installed *installed;
	struct archive archive = { .prefix = line, .origin = origin };
	uint64_t key;

	if (sscanf(line, "%" SCNx64 " %7s %63[^\n]", &key, whose, origin) != 3)
		return;
	archive.system = !strcmp(whose, "system");
	installed = find(vendors, key);
	if (installed && !installed->archive)
		installed->archive = archive_as(vendors, &archive);
}

static void read_kept(struct esd_vendors *vendors)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	char *line, *rest;
	size_t length;

	if (asprintf(&path, "%s%s", vendors->root, kept_name) < 0 || !is_roots(path) ||
	    esd_text_read(path, &text, &length) < 0)
		return;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		take_kept(vendors, line);
}

/* Replaces the old file. If this fails, the next start finds only the vendors that are still in the lists. */
static void write_kept(const struct esd_vendors *vendors)
{
	_cleanup_free_ char *folder = NULL, *path = NULL, *new = NULL;
	FILE *file;
	int fd;

	if (asprintf(&folder, "%s%s", vendors->root, kept_folder) < 0 ||
	    asprintf(&path, "%s%s", vendors->root, kept_name) < 0 || asprintf(&new, "%s.new", path) < 0)
		return;
	(void)mkdir(folder, 0755);
	(void)unlink(new);
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file) {
		closep(&fd);
		return;
	}
	for (size_t i = 0; i < vendors->installed_count; i++) {
		const struct installed *installed = &vendors->installed[i];
		const struct archive *archive = installed->archive ? &vendors->archives[installed->archive - 1] : NULL;

		if (archive && archive->origin[0])
			fprintf(file, "%016" PRIx64 " %s %s\n", installed->key, archive->system ? "system" : "other",
				archive->origin);
	}
	if (fclose(file) || rename(new, path) < 0)
		(void)unlink(new);
}

int esd_vendors_read(struct esd_vendors **ret, const char *root, const struct esd_dpkg *dpkg,
		     const struct esd_vendors *before)
{
	_cleanup_(esd_vendors_freep) struct esd_vendors *vendors = calloc(1, sizeof(*vendors));
	_cleanup_(esd_keyrings_freep) struct esd_keyrings *keyrings = NULL;
	struct archives_context archives = { .vendors = vendors };
	char id[64];
	int r;

	if (!vendors || !(vendors->root = strdup(root)))
		return -ENOMEM;
	stamp_take(root, &vendors->stamp_s, &vendors->stamp_ns);
	system_id(root, id, sizeof(id));
	r = list_installed(vendors, dpkg);
	if (r == 0)
		r = esd_keyrings_find(&keyrings, root, id, dpkg);
	archives.keyrings = keyrings;
	if (r == 0)
		r = for_each(root, "/var/lib/apt/lists/*_InRelease", on_release, &archives);
	if (r == 0) {
		drop_pretenders(vendors, id);
		r = for_each(root, "/var/lib/apt/lists/*_Packages*", on_list, vendors);
	}
	if (r < 0)
		return r;
	if (before)
		take_over(vendors, before);
	else
		read_kept(vendors);
	write_kept(vendors);
	*ret = TAKE_POINTER(vendors);
	return 0;
}

bool esd_vendors_find(const struct esd_vendors *vendors, const struct esd_dpkg_package *package, struct esd_vendor *ret)
{
	const struct installed *installed = find(vendors, key_of(package));

	if (!installed || !installed->archive)
		return false;
	ret->origin = vendors->archives[installed->archive - 1].origin;
	ret->system = vendors->archives[installed->archive - 1].system;
	return true;
}
