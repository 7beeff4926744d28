/* SPDX-License-Identifier: MIT */

/*
 * Makes a capture of invented events on an invented machine, for a first look at `escap replay` and for tests. It has no
 * data of the machine that it was built on.
 *
 *	sample-capture FILE		a shell looks for a secret, and changes a file; 21 records
 *	sample-capture FILE N [D]	N opens, of 1000 files by 10 processes; each Dth was denied
 *	sample-capture FILE large N	an exec with N bytes of arguments, and an open before and after
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/record.h"
#include "abi/sensor.h"
#include "capture/format.h"
#include "capture/writer.h"

enum {
#define ES_EVENT(name, number, ...) EV_##name = number,
#include "abi/events.def"
	FREAD_ = 1,			/* Darwin's, as in messages */
	FWRITE_ = 2,
};

#define SECOND UINT64_C(1000000000)
#define START (100 * SECOND)		/* since that machine's boot */
#define BOOT (INT64_C(1767225600) * 1000000000)	/* the beginning of 2026 */

static struct {
	union {
		struct es_record head;
		uint8_t bytes[ESC_RECORD_MAX];
	};
} record;

static struct esc_writer *writer;
static uint64_t now = START;
static uint64_t last_auth;

static void require(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-r));
	exit(1);
}

/* ---- a record ---- */

static uint32_t room(uint32_t bytes)
{
	uint32_t at = (record.head.size + 7) & ~7u;

	record.head.size = at + bytes;
	memset(record.bytes + at, 0, bytes);
	return at;
}

static struct es_span text(const char *string)
{
	struct es_span span = { .len = (uint32_t)strlen(string) };

	span.off = room(span.len + 1);
	memcpy(record.bytes + span.off, string, span.len + 1);
	return span;
}

/* Turns lines into strings: a NUL replaces each newline. */
static struct es_span strings(const char *lines)
{
	struct es_span span = text(lines);

	for (uint32_t i = 0; i < span.len; i++)
		if (record.bytes[span.off + i] == '\n')
			record.bytes[span.off + i] = 0;
	return span;
}

static void file_at(uint32_t at, const char *path, uint32_t mode)
{
	struct es_file_part part = {
		.stat = { .dev = 8 << 20 | 1, .size = 1024, .blocks = 8, .mode = mode, .nlink = 1, .blksize = 4096,
			  .mtime_ns = BOOT, .ctime_ns = BOOT, .atime_ns = BOOT },
		.path = text(path),
	};

	for (const char *c = path; *c; c++)
		part.stat.ino = part.stat.ino * 31 + (unsigned char)*c;
	part.stat.ino %= 1000003;
	memcpy(record.bytes + at, &part, sizeof(part));
}

static uint32_t file(const char *path, uint32_t mode)
{
	uint32_t at = room(sizeof(struct es_file_part));

	file_at(at, path, mode);
	return at;
}

struct actor {
	uint32_t pid, ppid, version;
	const char *path;
};

static uint32_t process(const struct actor *actor)
{
	uint32_t at = room(sizeof(struct es_process_part));
	struct es_process_part *part = (struct es_process_part *)(record.bytes + at);

	*part = (struct es_process_part){
		.token = { 1000, 1000, 1000, 1000, 1000, actor->pid, 1, actor->version },
		.parent = { 1000, 1000, 1000, 1000, 1000, actor->ppid, 1, actor->ppid * 10 },
		.responsible = { 1000, 1000, 1000, 1000, 1000, actor->pid, 1, actor->version },
		.ppid = (int32_t)actor->ppid, .original_ppid = (int32_t)actor->ppid,
		.group_id = 100000000, .session_id = 100000000,		/* larger than any pid, so no client is in them */
		.start_ns = 50 * SECOND, .cgroup_id = 1, .mnt_ns = 4026531840u, .pid_ns = 4026531836u,
	};
	file_at(at + (uint32_t)__builtin_offsetof(struct es_process_part, executable), actor->path, 0100755);
	return at;
}

static void begin(unsigned int type, const struct actor *actor)
{
	record.head = (struct es_record){ .size = sizeof(record.head), .type = (uint16_t)type, .time_ns = now,
					  .thread_id = actor->pid };
	record.head.process = process(actor);
	now += SECOND / 100;
}

static void end(void)
{
	require(esc_write_record(writer, &record.head), "a record");
}

static void end_auth(uint32_t verdict)
{
	struct esc_answer answer = { .auth_id = ++last_auth, .time_ns = record.head.time_ns + 20000, .verdict = verdict };

	record.head.flags |= ES_RECORD_AUTH;
	record.head.auth_id = last_auth;
	record.head.deadline_ns = record.head.time_ns + 15 * SECOND;
	end();
	require(esc_write_answer(writer, &answer), "an answer");
}

/* ---- events ---- */

static void fork_(const struct actor *parent, const struct actor *child)
{
	begin(EV_NOTIFY_FORK, parent);
	record.head.other = process(child);
	end();
}

static void exit_(const struct actor *actor, int status)
{
	begin(EV_NOTIFY_EXIT, actor);
	record.head.num[0] = status << 8;
	end();
}

static void put_exec(const struct actor *after, const char *arguments)
{
	record.head.other = process(after);
	record.head.file[0] = file("/home/user", 040755);
	record.head.args = strings(arguments);
	record.head.env = strings("HOME=/home/user\nPATH=/usr/bin\n");
	record.head.num[0] = 2;
}

/* The question, and then the report. */
static void exec(const struct actor *before, const struct actor *after, const char *arguments)
{
	begin(EV_AUTH_EXEC, before);
	put_exec(after, arguments);
	end_auth(ES_VERDICT_ALLOW);
	begin(EV_NOTIFY_EXEC, before);
	put_exec(after, arguments);
	end();
}

static void open_(const struct actor *actor, const char *path, int flags, uint32_t verdict)
{
	begin(EV_AUTH_OPEN, actor);
	record.head.file[0] = file(path, 0100644);
	record.head.num[0] = flags;
	end_auth(verdict);
	begin(EV_NOTIFY_OPEN, actor);
	record.head.file[0] = file(path, 0100644);
	record.head.num[0] = flags;
	record.head.flags |= ES_RECORD_FLAGS_RESULT;
	record.head.result = verdict == ES_VERDICT_ALLOW ? UINT32_MAX : 0;
	end();
}

static void rename_(const struct actor *actor, const char *from, const char *folder, const char *name)
{
	begin(EV_NOTIFY_RENAME, actor);
	record.head.file[0] = file(from, 0100644);
	record.head.file[1] = file(folder, 040755);
	record.head.str[0] = text(name);
	record.head.num[0] = 1;		/* ES_DESTINATION_TYPE_NEW_PATH */
	end();
}

static void story(void)
{
	static const struct actor shell = { 1200, 1000, 12000, "/usr/bin/bash" };
	static const struct actor forked = { 1201, 1200, 12010, "/usr/bin/bash" };
	static const struct actor grep = { 1201, 1200, 12011, "/usr/bin/grep" };
	static const struct actor second = { 1202, 1200, 12020, "/usr/bin/bash" };
	static const struct actor editor = { 1202, 1200, 12021, "/usr/bin/ed" };

	fork_(&shell, &forked);
	exec(&forked, &grep, "grep\n-r\npassword\n/etc\n");
	open_(&grep, "/etc/hosts", FREAD_, ES_VERDICT_ALLOW);
	open_(&grep, "/etc/shadow", FREAD_, ES_VERDICT_DENY);
	open_(&grep, "/etc/passwd", FREAD_, ES_VERDICT_ALLOW);
	exit_(&grep, 2);
	fork_(&shell, &second);
	exec(&second, &editor, "ed\nnotes.txt\n");
	open_(&editor, "/home/user/notes.txt", FREAD_ | FWRITE_, ES_VERDICT_ALLOW);
	open_(&editor, "/home/user/notes.txt~", FWRITE_, ES_VERDICT_ALLOW);
	open_(&editor, "/etc/passwd", FREAD_ | FWRITE_, ES_VERDICT_ALLOW);
	rename_(&editor, "/home/user/notes.txt~", "/home/user", "notes.old");
	exit_(&editor, 0);
}

static void many(unsigned long count, unsigned long denied)
{
	struct actor actor = { .ppid = 1000, .path = "/usr/bin/program" };
	char path[64];

	for (unsigned long i = 0; i < count; i++) {
		actor.pid = 2000 + (uint32_t)(i % 10);
		actor.version = actor.pid * 10;
		snprintf(path, sizeof(path), "/home/user/folder/with/files/%lu", i % 1000);
		begin(EV_NOTIFY_OPEN, &actor);
		now -= SECOND / 100 - 10000;
		record.head.file[0] = file(path, 0100644);
		record.head.num[0] = FREAD_;
		record.head.flags |= ES_RECORD_FLAGS_RESULT;
		record.head.result = denied && i % denied == 0 ? 0 : UINT32_MAX;
		end();
	}
}

/* Of 100,000 bytes each, which compress badly. */
static char *large_arguments(unsigned long bytes)
{
	char *lines = malloc(bytes + 1);
	uint32_t random = 1;

	require(lines ? 0 : -ENOMEM, "arguments");
	for (unsigned long i = 0; i < bytes; i++) {
		random = random * 1664525 + 1013904223;
		lines[i] = i % 100000 == 99999 || i == bytes - 1 ? '\n' : (char)('!' + (random >> 16) % 94);
	}
	lines[bytes] = 0;
	return lines;
}

static void large(unsigned long bytes)
{
	static const struct actor shell = { 1200, 1000, 12000, "/usr/bin/bash" };
	static const struct actor program = { 1200, 1000, 12001, "/usr/bin/program" };
	char *arguments = large_arguments(bytes);

	open_(&shell, "/etc/hosts", FREAD_, ES_VERDICT_ALLOW);
	exec(&shell, &program, arguments);
	open_(&program, "/etc/passwd", FREAD_, ES_VERDICT_ALLOW);
	free(arguments);
}

static int facts_make(struct esc_facts *facts, bool all)
{
	int r;

	r = esc_facts_set(facts, "types", all ? "AUTH_EXEC,AUTH_OPEN,NOTIFY_EXEC,NOTIFY_FORK,NOTIFY_EXIT,NOTIFY_OPEN,"
			  "NOTIFY_RENAME" : "NOTIFY_OPEN");
	if (r == 0)
		r = esc_facts_set(facts, "program", "sample-capture");
	if (r == 0)
		r = esc_facts_set(facts, "host", "nowhere");
	if (r == 0)
		r = esc_facts_set_number(facts, "from_monotonic_ns", BOOT);
	if (r == 0)
		r = esc_facts_set_number(facts, "from_boot_ns", BOOT);
	if (r == 0)
		r = esc_facts_set_number(facts, "deadline_ms", 15000);
	return r;
}

int main(int argc, char **argv)
{
	struct esc_facts facts = {};
	bool is_large;
	int fd;

	if (argc < 2 || argc > 4) {
		fprintf(stderr, "usage: sample-capture FILE [NUMBER [DENIED] | large BYTES]\n");
		return 2;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	is_large = argc == 4 && !strcmp(argv[2], "large");
	require(facts_make(&facts, argc == 2 || is_large), "facts");
	require(esc_writer_new(&writer, fd, &facts), argv[1]);
	if (argc == 2)
		story();
	else if (is_large)
		large(strtoul(argv[3], NULL, 10));
	else
		many(strtoul(argv[2], NULL, 10), argc == 4 ? strtoul(argv[3], NULL, 10) : 0);
	require(esc_writer_finish(writer, NULL), argv[1]);
	esc_writer_free(writer);
	esc_facts_deinit(&facts);
	return close(fd) < 0;
}
