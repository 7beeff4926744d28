/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as a capture. Reading ends, with a record or an error; each record has a head that is in order, and decodes
 * or is refused; what is read after going back is the same as before.
 *
 * libFuzzer would hardly guess checksums: its input is a list of changes of a good capture, in which chunks' heads are made
 * right again afterwards. The first byte says whether it is taken as a file instead.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zstd.h>

#include "capture/reader.h"
#include "capture/writer.h"
#include "daemon/test.h"
#include "lib/message.h"
#include "lib/test-record.h"
#include "tests/fuzz/random.h"
#include "util/macro.h"

enum { FILE_BYTES = 1 << 20 };

static volatile uint64_t sink;

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* ---- what has to hold ---- */

static uint64_t read_all(struct esc_reader *reader)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;
	struct esl_clock clock = {};
	struct esc_item item;
	uint64_t sum = 0;

	while (esc_reader_next(reader, &item) > 0) {
		sum = sum * 31 + (item.record ? item.record->time_ns + item.record->size : item.answer->auth_id);
		if (item.answer)
			continue;
		REQUIRE(item.record->size >= sizeof(*item.record) && item.record->type < ES_EVENT_TYPES);
		for (uint32_t i = 0; i < item.record->size; i++)
			sink += ((const uint8_t *)item.record)[i];
		if (esl_message_copy(&message, item.record, item.record->size) == 0 &&
		    esl_message_decode(message, &clock) == 0)
			sink += message->message.process->executable->path.length;
	}
	return sum;
}

static void read_file(const unsigned char *bytes, size_t size)
{
	_cleanup_(esc_reader_freep) struct esc_reader *reader = NULL;
	char problem[ESC_PROBLEM_BYTES];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	uint64_t sum;

	REQUIRE(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	if (esc_reader_new(&reader, fd, problem) < 0) {
		REQUIRE(problem[0]);
		close(fd);
		return;
	}
	sum = read_all(reader);
	esc_reader_rewind(reader);
	REQUIRE(read_all(reader) == sum);
	esc_reader_seek(reader, 1003);
	read_all(reader);
	sink += (uint64_t)esc_facts_number(esc_reader_facts(reader), "a", 0);
}

/* ---- a good capture, and changes of it ---- */

static unsigned char good[FILE_BYTES];
static size_t good_size;

static void make_good(void)
{
	_cleanup_(esc_writer_freep) struct esc_writer *writer = NULL;
	_cleanup_(esc_facts_deinit) struct esc_facts facts = {};
	_cleanup_close_ int fd = memfd_create("good", MFD_CLOEXEC);
	static struct test_record record;
	ssize_t n;

	if (good_size)
		return;
	REQUIRE(esc_facts_set(&facts, "a", "1") == 0 && esc_writer_new(&writer, fd, &facts) == 0);
	for (uint16_t type = 0; type < ES_EVENT_TYPES; type += 9) {
		struct esc_answer answer = { .auth_id = 77, .verdict = 1 };

		test_record_full(&record, type);
		record.head.time_ns = 1000 + type;
		REQUIRE(esc_write_record(writer, &record.head) == 0 && esc_write_answer(writer, &answer) == 0);
		if (type % 4 == 0)
			REQUIRE(esc_writer_flush(writer) == 0);
	}
	REQUIRE(esc_writer_finish(writer, NULL) == 0);
	n = pread(fd, good, sizeof(good), 0);
	REQUIRE(n > 0 && n < FILE_BYTES);
	good_size = (size_t)n;
}

struct change {
	uint8_t chunk;			/* which */
	uint8_t what;			/* the chunk's head, or what is in it */
	uint16_t at;
	uint32_t value;
};

static size_t appended(unsigned char *file, size_t used, const void *bytes, size_t length)
{
	if (used + length > FILE_BYTES)
		return used;
	memcpy(file + used, bytes, length);
	return used + length;
}

/* Copies one chunk, changed; the frame is made anew. */
static size_t copy_chunk(unsigned char *file, size_t used, const unsigned char *from, unsigned int number,
			 const struct change *changes, size_t count)
{
	static unsigned char plain[FILE_BYTES], stored[2 * FILE_BYTES];
	struct esc_chunk chunk;
	size_t bytes;

	memcpy(&chunk, from, sizeof(chunk));
	bytes = ZSTD_decompress(plain, sizeof(plain), from + sizeof(chunk), chunk.stored);
	REQUIRE(!ZSTD_isError(bytes));
	for (size_t i = 0; i < count; i++)
		if (changes[i].chunk % 16 == number && changes[i].what % 2 && bytes >= 4)
			memcpy(plain + changes[i].at % (bytes - 3), &changes[i].value, 4);
	chunk.stored = (uint32_t)ZSTD_compress(stored, sizeof(stored), plain, bytes, 1);
	for (size_t i = 0; i < count; i++)
		if (changes[i].chunk % 16 == number && !(changes[i].what % 2))
			memcpy((char *)&chunk + changes[i].at % (sizeof(chunk) - 3), &changes[i].value, 4);
	chunk.check = esc_chunk_check(&chunk);
	used = appended(file, used, &chunk, sizeof(chunk));
	return appended(file, used, stored, chunk.stored < sizeof(stored) ? chunk.stored : 16);
}

static void read_changed(const unsigned char *data, size_t size)
{
	static unsigned char file[FILE_BYTES];
	struct change changes[8];
	size_t count = size / sizeof(changes[0]), used, at = sizeof(struct esc_head);
	unsigned int number = 0;

	count = count < ARRAY_SIZE(changes) ? count : ARRAY_SIZE(changes);
	memcpy(changes, data, count * sizeof(changes[0]));
	used = appended(file, 0, good, at);
	while (at + sizeof(struct esc_chunk) < good_size) {
		struct esc_chunk chunk;

		memcpy(&chunk, good + at, sizeof(chunk));
		if (chunk.magic != ESC_CHUNK_MAGIC)
			break;
		used = copy_chunk(file, used, good + at, number++, changes, count);
		at += sizeof(chunk) + chunk.stored;
	}
	used = appended(file, used, good + at, good_size - at);
	read_file(file, used);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	make_good();
	if (!size)
		return 0;
	if (data[0] == ESC_MAGIC[0])
		read_file(data, size);
	else
		read_changed(data + 1, size - 1);
	return 0;
}

#ifndef ES_LIBFUZZER
/* Without libFuzzer: changes that are the same in every run. argv[1]: how many. */

static void try_file(uint32_t *state)
{
	static unsigned char file[FILE_BYTES];
	size_t size = random_next(state) % 4 ? good_size : 1 + random_next(state) % good_size;

	memcpy(file, good, size);
	for (uint32_t i = random_next(state) % 6; i; i--)
		file[random_next(state) % size] ^= (unsigned char)(1 << random_next(state) % 8);
	file[0] = ESC_MAGIC[0];
	LLVMFuzzerTestOneInput(file, size);
}

static void try_changes(uint32_t *state)
{
	static const uint32_t values[] = { 0, 1, 7, 8, 176, 4096, INT32_MAX, UINT32_MAX - 7, UINT32_MAX };
	struct change changes[8] = {};
	unsigned char input[1 + sizeof(changes)] = {};
	uint32_t count = 1 + random_next(state) % 4;

	for (uint32_t i = 0; i < count; i++)
		changes[i] = (struct change){
			.chunk = (uint8_t)random_next(state), .what = (uint8_t)random_next(state),
			.at = (uint16_t)(random_next(state) % 2 ? random_next(state) % 256 : random_next(state)),
			.value = random_next(state) % 2 ? values[random_next(state) % ARRAY_SIZE(values)] : random_next(state),
		};
	memcpy(input + 1, changes, sizeof(changes));
	LLVMFuzzerTestOneInput(input, 1 + count * sizeof(changes[0]));
}

int main(int count, char *arguments[])
{
	int runs = count > 1 ? atoi(arguments[1]) : 4000;
	uint32_t state = 2463534242;

	alarm(300);
	make_good();
	LLVMFuzzerTestOneInput(good, good_size);
	for (int run = 0; run < runs; run++) {
		try_file(&state);
		try_changes(&state);
	}
	printf("%d inputs\n", 2 * runs);
	return 0;
}
#endif
