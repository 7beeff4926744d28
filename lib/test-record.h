/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Records as the kernel side makes them, for tests. test_record_full() has every part of the record filled in, each
 * with a value of its own, so that a decoder that takes the wrong one is noticed:
 *
 *	num[i] 1, 102, 103, ...   file[i] /file/0, ...   str[i] string0, ...   process pid 1000   other pid 2000
 */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "abi/record.h"
#include "events.h"

struct test_record {
	union {
		struct es_record head;
		uint8_t bytes[1 << 16];
	};
};

static inline uint32_t test_record_room(struct test_record *record, uint32_t bytes)
{
	uint32_t offset = (record->head.size + 7) & ~7u;

	record->head.size = offset + bytes;
	memset(record->bytes + offset, 0, bytes);
	return offset;
}

static inline struct es_span test_record_bytes(struct test_record *record, const void *bytes, uint32_t length)
{
	struct es_span span = { .off = test_record_room(record, length + 1), .len = length };

	memcpy(record->bytes + span.off, bytes, length);
	return span;
}

static inline struct es_span test_record_string(struct test_record *record, const char *string)
{
	return test_record_bytes(record, string, (uint32_t)strlen(string));
}

static inline void test_file(struct test_record *record, struct es_file_part *ret_file, const char *path,
			     uint64_t ino)
{
	*ret_file = (struct es_file_part){
		.stat = {
			.dev = 8 << 20 | 1, .ino = ino, .rdev = 5 << 20 | 300, .size = 4096, .blocks = 8,
			.atime_ns = 1500000001, .mtime_ns = 2500000002, .ctime_ns = -1, .mode = 0100644, .nlink = 1,
			.uid = 10, .gid = 20, .blksize = 512,
		},
		.path = test_record_string(record, path),
	};
}

static inline uint32_t test_record_file(struct test_record *record, const char *path, uint64_t ino)
{
	struct es_file_part file;
	uint32_t offset;

	test_file(record, &file, path, ino);
	offset = test_record_room(record, sizeof(file));
	memcpy(record->bytes + offset, &file, sizeof(file));
	return offset;
}

static inline uint32_t test_record_process(struct test_record *record, uint32_t pid, const char *path)
{
	struct es_process_part part = {
		.token = {
			.auid = 1, .euid = 2, .egid = 3, .ruid = 4, .rgid = 5, .pid = pid, .asid = 7, .pidversion = 8,
		},
		.parent = { .pid = pid - 1, .pidversion = 9 },
		.responsible = { .pid = pid, .pidversion = 8 },
		.ppid = (int32_t)pid - 1,
		.original_ppid = (int32_t)pid - 2,
		.group_id = (int32_t)pid - 3,
		.session_id = (int32_t)pid - 4,
		.start_ns = 5000000000,
		.flags = pid == 1000 ? ES_PROCESS_ES_CLIENT : 0,
	};
	uint32_t offset;

	test_file(record, &part.executable, path, pid);
	part.tty = test_record_file(record, "/dev/pts/1", 3);
	offset = test_record_room(record, sizeof(part));
	memcpy(record->bytes + offset, &part, sizeof(part));
	return offset;
}

/* Only what each record has. */
static inline void test_record_begin(struct test_record *record, uint16_t type)
{
	memset(&record->head, 0, sizeof(record->head));
	record->head.size = sizeof(record->head);
	record->head.type = type;
	record->head.time_ns = 1000000000;
	record->head.thread_id = 1001;
	record->head.process = test_record_process(record, 1000, "/bin/actor");
	if (type < ES_EVENT_TYPES && esl_events[type].answer != ESL_ANSWER_NONE) {
		record->head.flags = ES_RECORD_AUTH;
		record->head.auth_id = 77;
		record->head.deadline_ns = UINT64_C(1) << 62;	/* far from now */
	}
}

static inline void test_record_exec(struct test_record *record)
{
	static const char args[] = "prog\0\0last arg";	/* the second is empty */
	static const char env[] = "A=1\0B=two";
	static const struct es_fd_part fds[] = { { .fd = 0, .type = 1 }, { .fd = 5, .type = 6, .pipe_id = 1234 } };

	record->head.args = test_record_bytes(record, args, sizeof(args));
	record->head.env = test_record_bytes(record, env, sizeof(env));
	record->head.fd_count = 2;
	record->head.fds = (struct es_span){ .off = test_record_room(record, sizeof(fds)), .len = sizeof(fds) };
	memcpy(record->bytes + record->head.fds.off, fds, sizeof(fds));
}

static inline void test_record_full(struct test_record *record, uint16_t type)
{
	char name[32];

	test_record_begin(record, type);
	record->head.other = test_record_process(record, 2000, "/bin/other");
	for (uint32_t i = 0; i < ES_RECORD_FILES; i++) {
		snprintf(name, sizeof(name), "/file/%u", i);
		record->head.file[i] = test_record_file(record, name, 100 + i);
	}
	for (uint32_t i = 0; i < ES_RECORD_STRINGS; i++) {
		snprintf(name, sizeof(name), "string%u", i);
		record->head.str[i] = test_record_string(record, name);
	}
	for (int i = 0; i < ES_RECORD_NUMBERS; i++)
		record->head.num[i] = i ? 101 + i : 1;
	test_record_exec(record);
}
