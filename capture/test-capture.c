/* SPDX-License-Identifier: MIT */

/*
 * A capture gives back what was written, byte for byte and in order. One that was cut off gives what came before; one
 * that was damaged gives nothing else than was written, and says where it ends; one of another version, byte order or
 * layout is refused, and the reason is told.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/sensor.h"
#include "capture/layout.h"
#include "capture/reader.h"
#include "capture/writer.h"
#include "daemon/test.h"
#include "lib/test-record.h"
#include "util/macro.h"

enum { RECORDS = 1000 };

static struct test_record record;

static void make_record(unsigned int number)
{
	test_record_full(&record, (uint16_t)(number * 7 % ES_EVENT_TYPES));
	record.head.time_ns = 1000 + number;
	record.head.thread_id = number;
	if (record.head.flags & ES_RECORD_AUTH)
		record.head.auth_id = number + 1;
}

static struct esc_answer make_answer(unsigned int number)
{
	return (struct esc_answer){ .auth_id = number + 1, .time_ns = 2000 + number, .verdict = ES_VERDICT_DENY };
}

static int make_file(void)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	REQUIRE(fd >= 0);
	return fd;
}

static void write_capture(int fd, unsigned int records, bool finish)
{
	_cleanup_(esc_writer_freep) struct esc_writer *writer = NULL;
	_cleanup_(esc_facts_deinit) struct esc_facts facts = {}, totals = {};

	REQUIRE(esc_facts_set(&facts, "host", "a\nb") == 0);
	REQUIRE(esc_facts_set_number(&facts, "from_monotonic_ns", -5) == 0);
	REQUIRE(esc_facts_set(&totals, "ended", "by the test") == 0);
	REQUIRE(esc_writer_new(&writer, fd, &facts) == 0);
	for (unsigned int i = 0; i < records; i++) {
		struct esc_answer answer = make_answer(i);

		make_record(i);
		REQUIRE(esc_write_record(writer, &record.head) == 0);
		if (record.head.flags & ES_RECORD_AUTH)
			REQUIRE(esc_write_answer(writer, &answer) == 0);
		if (i % 100 == 99)
			REQUIRE(esc_writer_flush(writer) == 0);
	}
	if (finish)
		REQUIRE(esc_writer_finish(writer, &totals) == 0);
	REQUIRE(esc_writer_records(writer) == records);
}

static struct esc_reader *open_copy(const char *bytes, size_t size, char problem[ESC_PROBLEM_BYTES], int *ret)
{
	struct esc_reader *reader = NULL;
	int fd = make_file();

	REQUIRE(write(fd, bytes, size) == (ssize_t)size);
	*ret = esc_reader_new(&reader, fd, problem);
	if (*ret < 0)
		close(fd);
	return reader;
}

/* How many records there are, each what was written; the rest as esc_reader_next(). */
static int read_all(struct esc_reader *reader, unsigned int *ret_records)
{
	struct esc_item item;
	unsigned int records = 0;
	int r;

	while ((r = esc_reader_next(reader, &item)) > 0) {
		struct esc_answer answer = make_answer(records - 1);

		if (item.answer) {
			REQUIRE(!memcmp(item.answer, &answer, sizeof(answer)));
			continue;
		}
		make_record(records);
		REQUIRE(item.number == records);
		REQUIRE(item.record->size == record.head.size && !memcmp(item.record, record.bytes, record.head.size));
		records++;
	}
	*ret_records = records;
	return r;
}

static char *load(int fd, size_t *ret_size)
{
	struct stat st;
	char *bytes;

	REQUIRE(fstat(fd, &st) == 0);
	bytes = malloc((size_t)st.st_size);
	REQUIRE(bytes && pread(fd, bytes, (size_t)st.st_size, 0) == st.st_size);
	*ret_size = (size_t)st.st_size;
	return bytes;
}

static void test_whole(void)
{
	_cleanup_(esc_reader_freep) struct esc_reader *reader = NULL;
	char problem[ESC_PROBLEM_BYTES], text[64];
	int fd = make_file();
	unsigned int records;
	struct esc_item item;

	write_capture(fd, RECORDS, true);
	REQUIRE(esc_reader_new(&reader, fd, problem) == 0);
	REQUIRE(esc_facts_get(esc_reader_facts(reader), "host", text, sizeof(text)) && !strcmp(text, "a?b"));
	REQUIRE(!esc_facts_get(esc_reader_facts(reader), "hos", text, sizeof(text)));
	REQUIRE(esc_facts_number(esc_reader_facts(reader), "from_monotonic_ns", 0) == -5);
	REQUIRE(esc_facts_number(esc_reader_facts(reader), "host", 7) == 7);
	REQUIRE(esc_reader_is_indexed(reader));
	for (int round = 0; round < 2; round++) {
		REQUIRE(read_all(reader, &records) == 0 && records == RECORDS);
		REQUIRE(!esc_reader_is_cut(reader));
		REQUIRE(esc_facts_number(esc_reader_totals(reader), "records", 0) == RECORDS);
		REQUIRE(esc_facts_get(esc_reader_totals(reader), "ended", text, sizeof(text)));
		esc_reader_rewind(reader);
	}
	esc_reader_seek(reader, 1000 + 555);
	REQUIRE(esc_reader_next(reader, &item) == 1 && item.number == 500);
	esc_reader_seek(reader, UINT64_MAX);
	REQUIRE(esc_reader_next(reader, &item) == 1 && item.number == 0);
}

/* Nothing is missing but what the recorder had not written yet. */
static void test_not_finished(void)
{
	_cleanup_(esc_reader_freep) struct esc_reader *reader = NULL;
	char problem[ESC_PROBLEM_BYTES];
	unsigned int records;
	int fd = make_file();

	write_capture(fd, 250, false);
	REQUIRE(esc_reader_new(&reader, fd, problem) == 0);
	REQUIRE(!esc_reader_is_indexed(reader));
	REQUIRE(read_all(reader, &records) == 0 && records == 200);
	REQUIRE(esc_reader_is_cut(reader));
}

static void test_cut(const char *bytes, size_t size)
{
	unsigned int before = 0;

	for (size_t length = 0; length < size; length += length < 4000 || length > size - 200 ? 1 : 97) {
		_cleanup_(esc_reader_freep) struct esc_reader *reader = NULL;
		char problem[ESC_PROBLEM_BYTES];
		unsigned int records;
		int r;

		reader = open_copy(bytes, length, problem, &r);
		if (r < 0) {
			REQUIRE(before == 0 && problem[0]);
			continue;
		}
		REQUIRE(read_all(reader, &records) == 0 && records >= before);
		REQUIRE(esc_reader_is_cut(reader) || records == RECORDS);
		before = records;
	}
	REQUIRE(before == RECORDS);
}

static void test_damaged(const char *bytes, size_t size)
{
	_cleanup_free_ char *copy = malloc(size);
	unsigned int damaged = 0;

	REQUIRE(copy);
	for (size_t at = 0; at < size; at += at < 1000 || at > size - 300 ? 1 : 131) {
		_cleanup_(esc_reader_freep) struct esc_reader *reader = NULL;
		char problem[ESC_PROBLEM_BYTES];
		unsigned int records = 0;
		int r;

		memcpy(copy, bytes, size);
		copy[at] = (char)(copy[at] ^ 1 << at % 8);
		reader = open_copy(copy, size, problem, &r);
		if (r == 0)
			r = read_all(reader, &records);
		damaged += r < 0;
		/* Bits that mean nothing may be damaged unseen; read_all() has looked at what was read. */
		REQUIRE(r < 0 || records == RECORDS || esc_reader_is_cut(reader));
		REQUIRE(r == 0 || problem[0] || esc_reader_problem(reader)[0]);
	}
	REQUIRE(damaged > 1000);
}

static void refused(const char *bytes, size_t size, int error, const char *why)
{
	char problem[ESC_PROBLEM_BYTES];
	int r;

	REQUIRE(!open_copy(bytes, size, problem, &r));
	REQUIRE(r == error && strstr(problem, why));
}

static void test_other(const char *bytes, size_t size)
{
	_cleanup_free_ char *copy = malloc(size);
	struct esc_head *head = (struct esc_head *)copy;

	REQUIRE(copy);
	memcpy(copy, bytes, size);
	head->order = __builtin_bswap32(head->order);
	refused(copy, size, -EPROTO, "other byte order");
	memcpy(copy, bytes, size);
	head->version = 2;
	refused(copy, size, -EPROTO, "version 2");
	memcpy(copy, bytes, size);
	copy[0] = 'X';
	refused(copy, size, -EINVAL, "no capture");
	refused("", 0, -EINVAL, "no capture");
}

static void test_layout(void)
{
	_cleanup_free_ char *other = strdup(esc_layout());
	char text[200];

	REQUIRE(other && !esc_layout_differs(other, strlen(other), text, sizeof(text)));
	REQUIRE(esc_layout_differs(other, strlen(other) - 5, text, sizeof(text)));
	REQUIRE(esc_layout_differs("", 0, text, sizeof(text)) && strstr(text, "shorter"));
	strstr(other, "es_stat.ino at 8")[15]++;
	REQUIRE(esc_layout_differs(other, strlen(other), text, sizeof(text)) && strstr(text, "es_stat.ino at 9"));
	strstr(other, "version ")[8]++;
	REQUIRE(esc_layout_differs(other, strlen(other), text, sizeof(text)) && strstr(text, "version 2"));
}

/* A disk that is full, a reader that has gone. */
static void test_no_room(void)
{
	_cleanup_(esc_writer_freep) struct esc_writer *writer = NULL;
	_cleanup_close_ int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	_cleanup_(esc_facts_deinit) struct esc_facts facts = {};

	REQUIRE(esc_facts_set(&facts, "host", "x") == 0);
	REQUIRE(fd >= 0 && esc_writer_new(&writer, fd, &facts) == -ENOSPC);
}

int main(void)
{
	_cleanup_free_ char *bytes = NULL;
	int fd = make_file();
	size_t size;

	write_capture(fd, RECORDS, true);
	bytes = load(fd, &size);
	test_whole();
	test_not_finished();
	test_cut(bytes, size);
	test_damaged(bytes, size);
	test_other(bytes, size);
	test_layout();
	test_no_room();
	printf("%d records in %zu bytes\n", RECORDS, size);
	close(fd);
	return 0;
}
