/* SPDX-License-Identifier: MIT */

/*
 * Changes between two states of a file, as lines of text; files that are cut off anywhere, of other kinds, huge, or
 * full of text that is no record; unsorted records. And that the daemon keeps no password.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/report/difference.h"
#include "daemon/report/reporter.h"
#include "daemon/report/told.h"
#include "daemon/test.h"
#include "util/macro.h"

enum { TODAY = 20000, SAID_BYTES = 65536, LINES = 100000 };

static char folder[] = "/tmp/test-accounts-XXXXXX";
static const uint64_t key[ES_MUTE_KEYS] = { 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73 };

static const char *const names[ES_REPORT_COUNT] = {
#define NAME(name) [ES_REPORT_##name] = #name,
	ES_REPORTS(NAME)
#undef NAME
};

/* ---- what is told ---- */

struct said {
	char text[SAID_BYTES];
	size_t length;
	size_t count;
};

static void say(struct said *said, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct said *said, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	said->length += (size_t)vsnprintf(said->text + said->length, sizeof(said->text) - said->length, format, arguments);
	va_end(arguments);
	if (said->length >= sizeof(said->text))
		said->length = sizeof(said->text) - 1;
}

static void take(void *owner, const struct esd_change *change)
{
	struct said *said = owner;

	said->count++;
	say(said, "%s%s %s", said->length ? "; " : "", names[change->number] + strlen("OD_"), change->name);
	if (change->detail)
		say(said, " %s", change->detail);
	for (size_t at = 0; at < change->values_bytes; at += strlen(change->values + at) + 1)
		say(said, "=%s", change->values + at);
	REQUIRE(!change->values_bytes || !change->values[change->values_bytes - 1]);
}

static int read_text(struct esd_listing *ret, enum esd_listing_kind kind, const char *text)
{
	char path[512];

	file_write(folder, "file", text);
	snprintf(path, sizeof(path), "%s/file", folder);
	return esd_listing_read(ret, kind, path, NULL, key);
}

static void compare(struct said *said, enum esd_listing_kind kind, const char *before, const char *after)
{
	struct esd_listing old, now, passwd;
	const struct esd_difference difference = { .passwd = &passwd, .today = TODAY, .changed = take, .owner = said };

	memset(said, 0, sizeof(*said));
	REQUIRE(read_text(&passwd, ESD_LISTING_PASSWD, "a:x:0:0:::\n") == 0);
	REQUIRE(read_text(&old, kind, before) == 0 && read_text(&now, kind, after) == 0);
	esd_difference_tell(&difference, kind, &old, &now);
	esd_listing_deinit(&old);
	esd_listing_deinit(&now);
	esd_listing_deinit(&passwd);
}

static void test_differences(void)
{
	static const struct {
		enum esd_listing_kind kind;
		const char *before, *after, *said;
	} cases[] = {
#define PASSWD(...) { ESD_LISTING_PASSWD, __VA_ARGS__ }
#define SHADOW(...) { ESD_LISTING_SHADOW, __VA_ARGS__ }
#define GROUP(...) { ESD_LISTING_GROUP, __VA_ARGS__ }
#define GSHADOW(...) { ESD_LISTING_GSHADOW, __VA_ARGS__ }
		PASSWD("a:x:0:0:g:h:s\n", "a:x:0:0:g:h:s\n", ""),
		PASSWD("a:x:0:0:g:h:s\nb:x:1:1:::\n", "b:x:1:1:::\na:x:0:0:g:h:s\n", ""),
		PASSWD("a:x:0:0:g:h:s\n", "a:x:5:6:G:H:", "ATTRIBUTE_SET a UniqueID=5; ATTRIBUTE_SET a PrimaryGroupID=6; "
			"ATTRIBUTE_SET a RealName=G; ATTRIBUTE_SET a NFSHomeDirectory=H; ATTRIBUTE_SET a UserShell"),
		PASSWD("a:x:0:0:::\n", "a:x:0:0:::\nb:x:1:1:::\nc:x:1:1:::", "CREATE_USER b; CREATE_USER c"),
		PASSWD("a:x:0:0:::\nb:x:1:1:::\n", "a:x:0:0:::\n", "DELETE_USER b"),
		PASSWD("a:x:0:0:::\n", "a::0:0:::\n", "MODIFY_PASSWORD a"),
		PASSWD("a:x:0:0:::\nb:x:1:1:::\n", "a:x:0:0:::\nz:x:1:1::/z:\n",
		       "ATTRIBUTE_SET b RecordName=z; ATTRIBUTE_SET z NFSHomeDirectory=/z"),
		PASSWD("a:x:0:0:::\nb:x:1:1:::\n", "a:x:0:0:::\nz:x:2:1:::\n", "CREATE_USER z; DELETE_USER b"),
		PASSWD("a:x:0:0:::\n", "a:x:0:0:::\na:x:9:9:::\n", ""),
		PASSWD("a:x:0:0:::\n", "a:x:0:0:::\nb:x:1:1::\nc:x:1:1::::\n#d:x:0:0:::\n+::::::\n-e::::::\n:x:0:0:::\n", ""),
		SHADOW("a:!:1:2:3:4:5::7\n", "a:!:1:2:3:4:5::7\n", ""),
		SHADOW("a:!:1::::::\n", "a:X:2::::::\n",
		       "MODIFY_PASSWORD a; ENABLE_USER a; ATTRIBUTE_SET a ShadowLastChange=2"),
		SHADOW("a:X:1::::::\n", "a:!X:1::::::\n", "DISABLE_USER a"),
		SHADOW("a:!!X:1::::::\n", "a:!X:1::::::\n", ""),
		SHADOW("a:!X:1::::::\n", "a:X:1::::::\n", "ENABLE_USER a"),
		SHADOW("a:X:1::::::\n", "a:Y:1::::::\n", "MODIFY_PASSWORD a"),
		SHADOW("a:X:1::::::\n", "a::1::::::\n", "MODIFY_PASSWORD a"),
		SHADOW("a:X:1::::::\n", "a:X:1:::::20000:\n", "ATTRIBUTE_SET a ShadowExpire=20000; DISABLE_USER a"),
		SHADOW("a:X:1:::::1:\n", "a:X:1:::::20001:\n", "ATTRIBUTE_SET a ShadowExpire=20001; ENABLE_USER a"),
		SHADOW("a:X:1:::::20001:\n", "a:X:1:::::20002:\n", "ATTRIBUTE_SET a ShadowExpire=20002"),
		SHADOW("a:X:1::::::\n", "a:X:1::::::\nb:!:1::::::\nc:*:1::::::\nd:Z:1::::::\n", "MODIFY_PASSWORD d"),
		SHADOW("b:Z:1::::::\nc:!Y:1::::::\n", "z:Z:1::::::\nc:!Y:1::::::\n", ""),
		SHADOW("a:X:1::::::\nb:X:1::::::\nc:Y:1::::::\n", "c:Y:1::::::\n", "MODIFY_PASSWORD a"),
		GROUP("g:x:1:\n", "g:x:2:\n", "ATTRIBUTE_SET g PrimaryGroupID=2"),
		GROUP("g:x:1:\n", "g:x:1:b,a,,b\n", "GROUP_ADD g a; GROUP_ADD g b"),
		GROUP("g:x:1:b,a\n", "g:x:1:a\n", "GROUP_REMOVE g b"),
		GROUP("g:x:1:b,a\n", "g:x:1:a,b\n", ""),
		GROUP("g:x:1:b,a\n", "g:x:1:c,a\n", "GROUP_SET g=a=c"),
		GROUP("g:x:1:\n", "g:x:1:\nh:x:2:a\n", "CREATE_GROUP h; GROUP_ADD h a"),
		GROUP("g:x:1:\nh:x:2:a\n", "g:x:1:\n", "DELETE_GROUP h"),
		GROUP("g:x:1:\nh:x:2:a\n", "i:x:2:a,b\ng:x:1:\n", "ATTRIBUTE_SET h RecordName=i; GROUP_ADD i b"),
		GROUP("g:x:1:\nh:x:2:\n", "g:x:1:\ni:x:2:\nj:x:2:\n", "ATTRIBUTE_SET h RecordName=i; CREATE_GROUP j"),
		GROUP("g:x:1:\n", "g:P:1:\n", "ATTRIBUTE_SET g Password"),
		GSHADOW("g:!::\n", "g:!:a:b\n", "ATTRIBUTE_VALUE_ADD g GroupAdministrators=a"),
		GSHADOW("g:!:a,b:\n", "g:!:b:\n", "ATTRIBUTE_VALUE_REMOVE g GroupAdministrators=a"),
		GSHADOW("g:!::\n", "g:P::\nh:!::\n", "ATTRIBUTE_SET g Password"),
#undef PASSWD
#undef SHADOW
#undef GROUP
#undef GSHADOW
	};
	static struct said said;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		compare(&said, cases[i].kind, cases[i].before, cases[i].after);
		if (strcmp(said.text, cases[i].said)) {
			fprintf(stderr, "case %zu: said \"%s\", not \"%s\"\n", i, said.text, cases[i].said);
			exit(1);
		}
	}
}

/* A list that has no room in one event comes as its parts. */
static void test_long_lists(void)
{
	static char before[ESD_CHANGE_BYTES + 64], after[3 * ESD_CHANGE_BYTES];
	static struct said said;
	char *at = stpcpy(after, "g:x:1:");

	stpcpy(before, "g:x:1:old\n");
	for (int i = 0; i < 6000; i++)
		at += sprintf(at, "m%d,", i);
	strcpy(at, "\n");
	compare(&said, ESD_LISTING_GROUP, before, after);
	REQUIRE(said.count == 6001 && strstr(said.text, "GROUP_REMOVE g old; GROUP_ADD g m0;"));

	at = stpcpy(after, "a:x:0:0:");
	memset(at, 'x', ESD_CHANGE_BYTES + 100);
	strcpy(at + ESD_CHANGE_BYTES + 100, "::\n");
	compare(&said, ESD_LISTING_PASSWD, "a:x:0:0:::\n", after);
	REQUIRE(said.count == 1);
}

/* ---- files ---- */

/* Nothing of a password, not even of a line that is none; and none of it is a name. */
static void test_no_password(void)
{
	static const char text[] = "a:SECRET:1::::::\nb:!SECRET:1::::::\n+c:SECRET:1::::::\nd:SECRET\ne:SECRET:1::::::::\n"
				   "f:SECRET:";
	struct esd_listing listing;

	REQUIRE(read_text(&listing, ESD_LISTING_SHADOW, text) == 0 && listing.count == 2);
	REQUIRE(!memmem(listing.text, listing.bytes, "SEC", 3));
	REQUIRE(!esd_listing_find(&listing, "a")->locked && esd_listing_find(&listing, "b")->locked);
	REQUIRE(!memcmp(&listing.rows[0].password, &listing.rows[1].password, sizeof(listing.rows[0].password)));
	REQUIRE(!esd_listing_find(&listing, "c") && !esd_listing_find(&listing, ""));
	esd_listing_deinit(&listing);
}

static void test_cut(void)
{
	static const char text[] = "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000:A:/home/alice:/bin/zsh\n";
	char cut[sizeof(text)];
	struct esd_listing listing;

	for (size_t length = 0; length < sizeof(text); length++) {
		int r;

		memcpy(cut, text, length);
		cut[length] = '\0';
		r = read_text(&listing, ESD_LISTING_PASSWD, cut);
		REQUIRE(r == 0 || r == -ENODATA);
		if (r == 0)
			REQUIRE(listing.count <= 2 && !strcmp(listing.rows[listing.count - 1].field[0], "root"));
		if (r == 0)
			esd_listing_deinit(&listing);
	}
}

static void test_no_files(void)
{
	struct esd_listing listing;
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/none", folder);
	REQUIRE(esd_listing_read(&listing, ESD_LISTING_GROUP, path, NULL, key) == -ENOENT);
	REQUIRE(esd_listing_read(&listing, ESD_LISTING_GROUP, folder, NULL, key) == -EINVAL);
	REQUIRE(mkfifo(path, 0600) == 0);
	REQUIRE(esd_listing_read(&listing, ESD_LISTING_GROUP, path, NULL, key) == -EINVAL);
	REQUIRE(unlink(path) == 0 && symlink("none", path) == 0);
	REQUIRE(esd_listing_read(&listing, ESD_LISTING_GROUP, path, NULL, key) == -ELOOP);
	REQUIRE(unlink(path) == 0);
	file = fopen(path, "we");
	REQUIRE(file && ftruncate(fileno(file), 1 << 30) == 0 && fclose(file) == 0);
	REQUIRE(esd_listing_read(&listing, ESD_LISTING_GROUP, path, NULL, key) == -EFBIG);
	REQUIRE(truncate(path, 1 << 20) == 0);		/* nothing but NULs */
	REQUIRE(esd_listing_read(&listing, ESD_LISTING_GROUP, path, NULL, key) == -ENODATA);
	REQUIRE(unlink(path) == 0);
}

/* What was read long after it had changed needn't be read again; what was read at once has to. */
static void test_known(void)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	struct esd_listing first, second;
	char path[512];

	snprintf(path, sizeof(path), "%s/file", folder);
	REQUIRE(read_text(&first, ESD_LISTING_GROUP, "a:x:1:\n") == 0);
	REQUIRE(esd_listing_read(&second, ESD_LISTING_GROUP, path, &first, key) == 0);
	esd_listing_deinit(&first);
	esd_listing_deinit(&second);
	nanosleep(&pause, NULL);
	REQUIRE(esd_listing_read(&first, ESD_LISTING_GROUP, path, NULL, key) == 0);
	REQUIRE(esd_listing_read(&second, ESD_LISTING_GROUP, path, &first, key) == -EALREADY);
	file_write(folder, "file", "b:x:1:\n");
	REQUIRE(esd_listing_read(&second, ESD_LISTING_GROUP, path, &first, key) == 0);
	REQUIRE(!strcmp(second.rows[0].field[0], "b"));
	esd_listing_deinit(&first);
	esd_listing_deinit(&second);
}

static char *many_lines(const char *shell)
{
	char *text = malloc((size_t)LINES * 64), *at = text;

	REQUIRE(text);
	for (int i = 0; i < LINES; i++)
		at += sprintf(at, "user%d:x:%d:%d:::%s\n", i, i, i, i == LINES / 2 ? shell : "/bin/sh");
	return text;
}

static void test_huge(void)
{
	_cleanup_free_ char *before = many_lines("/bin/sh"), *after = many_lines("/bin/other");
	static struct said said;
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	compare(&said, ESD_LISTING_PASSWD, before, after);
	clock_gettime(CLOCK_MONOTONIC, &end);
	REQUIRE(!strcmp(said.text, "ATTRIBUTE_SET user50000 UserShell=/bin/other"));
	printf("two files of %d accounts: %ld ms\n", LINES,
	       (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000);
	compare(&said, ESD_LISTING_PASSWD, before, "zed:x:0:0:::\n");
	REQUIRE(said.count == LINES + 1);
}

/* ---- records ---- */

struct seen {
	struct es_record head;
	struct es_process_part process;
	struct es_file_part file;
	struct es_reported reported;
	char path[64];
};

static struct seen seen_of(uint32_t type, const char *path)
{
	struct seen seen = {
		.head = { .size = sizeof(seen), .type = (uint16_t)type, .process = offsetof(struct seen, process),
			  .file = { offsetof(struct seen, file) }, .num = { 1 },
			  .fds = { offsetof(struct seen, reported), sizeof(seen.reported) } },
		.process = { .token = { .pid = 77 }, .executable.path = { offsetof(struct seen, path), 4 } },
		.file.path = { offsetof(struct seen, path), (uint32_t)strlen(path) },
	};

	memset(&seen.reported, 0xff, sizeof(seen.reported));
	strcpy(seen.path, path);
	seen.process.executable.path.len = (uint32_t)strlen(path);
	return seen;
}

static void count_told(void *owner, uint64_t slots)
{
	REQUIRE(slots == UINT64_MAX);
	++*(size_t *)owner;
}

static void check_told(const struct es_record *told)
{
	const struct es_process_part *process = (const void *)((const char *)told + told->process);

	REQUIRE(told->type == 141 && told->thread_id == 0 && process->token.pid == 77);
	REQUIRE(!strcmp((const char *)told + told->str[0].off, "new") && told->str[0].len == 3);
	REQUIRE(!strncmp((const char *)told + process->executable.path.off, folder, strlen(folder)));
	REQUIRE(!told->file[0] && !told->fds.off && !told->args.off);
}

static void test_reporter(void)
{
	_Alignas(8) static char told[ES_REPORT_BYTES];
	struct esd_reporter reporter;
	struct seen seen;
	size_t count = 0;
	char path[64];

	snprintf(path, sizeof(path), "%s/passwd", folder);
	file_write(folder, "passwd", "a:x:0:0:::\n");
	REQUIRE(esd_reporter_init(&reporter, &esd_subject_accounts, folder) == 0);
	reporter.told = (struct es_record *)told;
	reporter.send = count_told;
	reporter.owner = &count;
	esd_reporter_begin(&reporter);

	file_write(folder, "passwd", "a:x:0:0:::\nnew:x:1:1:::\n");
	seen = seen_of(12, "/elsewhere/passwd");	/* about another file: who did that isn't who did this */
	seen.head.num[0] = 0;			/* and only read it */
	esd_reporter_seen(&reporter, &seen.head, sizeof(seen));
	REQUIRE(count == 0);
	seen = seen_of(12, path);
	esd_reporter_seen(&reporter, &seen.head, sizeof(seen) - 1);	/* not whole */
	seen.head.fds.len--;
	esd_reporter_seen(&reporter, &seen.head, sizeof(seen));
	seen.head.fds = (struct es_span){ sizeof(seen) - 8, sizeof(seen.reported) };
	esd_reporter_seen(&reporter, &seen.head, sizeof(seen));
	REQUIRE(count == 0);
	seen = seen_of(12, path);
	esd_reporter_seen(&reporter, &seen.head, sizeof(seen));
	REQUIRE(count == 1);
	check_told(reporter.told);
	esd_reporter_seen(&reporter, &seen.head, sizeof(seen));
	REQUIRE(count == 1);

	file_write(folder, "passwd", "a:x:0:0:::\nnew:x:1:1:::\nnew2:x:2:1:::\n");
	esd_reporter_lost(&reporter, 0);
	REQUIRE(count == 1);
	esd_reporter_lost(&reporter, 3);
	REQUIRE(count == 2);
	esd_reporter_lost(&reporter, 3);
	REQUIRE(count == 2);
	esd_reporter_deinit(&reporter);
}

int main(void)
{
	char command[128];

	REQUIRE(mkdtemp(folder));
	test_differences();
	test_long_lists();
	test_no_password();
	test_cut();
	test_no_files();
	test_known();
	test_huge();
	test_reporter();
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) != 0;
}
