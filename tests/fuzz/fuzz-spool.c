/* SPDX-License-Identifier: MIT */

/*
 * Reading a segment of the spool that is damaged, or was never one: nothing is read outside of it, it comes to an end, and what
 * is said to be lines are lines. With -DES_LIBFUZZER for a fuzzer; else a good segment that is changed at random, and one that
 * isn't, of which each frame has to come back.
 */

#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/esship/spool.h"

enum { FRAMES = 20, ROUNDS = 3000 };

static unsigned int read_all(int fd, uint64_t end, struct segment_lines *lines, bool *ret_damaged)
{
	uint64_t offset = sizeof(struct segment_head), before;
	unsigned int frames = 0;

	*ret_damaged = false;
	for (;;) {
		struct segment_frame frame;
		int r;

		before = offset;
		r = segment_read_frame(fd, &offset, end, &frame, lines);
		if (r == 0)
			return frames;
		if (r > 0) {
			assert(offset > before && offset <= end);
			assert(lines->length == frame.plain && lines->data[lines->length - 1] == '\n');
			frames++;
			continue;
		}
		*ret_damaged = true;
		offset = (uint64_t)segment_find_frame(fd, offset, end);
		assert(offset > before && offset <= end);
	}
}

static int file_of(const void *data, size_t size)
{
	int fd = memfd_create("segment", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	return fd;
}

#ifdef ES_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A header's checksum is beyond a fuzzer's patience: where there is a magic, it is made right. */
static void mend(uint8_t *data, size_t size)
{
	struct segment_frame frame;

	for (size_t at = sizeof(struct segment_head); at + sizeof(frame) <= size; at++) {
		memcpy(&frame, data + at, sizeof(frame));
		if (frame.magic != SEGMENT_FRAME_MAGIC)
			continue;
		frame.plain %= 1 << 20;
		frame.check = segment_frame_check(&frame);
		memcpy(data + at, &frame, sizeof(frame));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct segment_lines lines;
	struct segment_head head;
	uint8_t *copy = malloc(size + 1);
	bool damaged;
	int fd;

	assert(copy);
	memcpy(copy, data, size);
	mend(copy, size);
	fd = file_of(copy, size);
	(void)segment_read_head(fd, &head);
	read_all(fd, size, &lines, &damaged);
	close(fd);
	free(copy);
	return 0;
}

#else

/* By the writer itself. */
static size_t make_segment(uint8_t **ret)
{
	static const uint8_t client[SEGMENT_CLIENT_BYTES] = "a client";
	char folder[] = "/tmp/fuzz-spool-XXXXXX", path[64], problem[SPOOL_PROBLEM_BYTES];
	struct spool_options options = { .folder = folder, .size = 64 << 20 };
	struct spool *spool;
	off_t size;
	int fd;

	assert(mkdtemp(folder) && spool_open(&spool, &options, client, problem) == 0);
	for (unsigned int i = 0; i < FRAMES; i++) {
		char line[600];
		int length = snprintf(line, sizeof(line), "{\"number\":%u,\"text\":\"%0*u\"}\n{}\n", i, 10 + (int)i * 20, i * i);

		assert(spool_append(spool, line, (size_t)length, 2, i * 2 + 1, i * 2 + 2) == 0);
	}
	assert(spool_last_of(spool, client) == FRAMES * 2);
	spool_close(spool);
	snprintf(path, sizeof(path), "%s/0000000000000001.seg", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = lseek(fd, 0, SEEK_END);
	*ret = malloc((size_t)size);
	assert(*ret && pread(fd, *ret, (size_t)size, 0) == size);
	close(fd);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock", folder);
	unlink(path);
	rmdir(folder);
	return (size_t)size;
}

/* Up to three places: bytes that are others, and an end that comes before. */
static size_t disturb(uint8_t *data, size_t size)
{
	for (int i = rand() % 3; i >= 0; i--)
		data[(size_t)rand() % size] ^= (uint8_t)(1 + rand() % 255);
	return rand() % 4 ? size : (size_t)rand() % size;
}

int main(void)
{
	struct segment_lines lines = {};
	struct segment_head head;
	unsigned int damages = 0;
	uint8_t *good, *bad;
	bool damaged;
	size_t size;
	int fd;

	srand(1);
	size = make_segment(&good);
	bad = malloc(size);
	assert(bad);
	fd = file_of(good, size);
	assert(segment_read_head(fd, &head) == 0);
	assert(read_all(fd, size, &lines, &damaged) == FRAMES && !damaged);
	close(fd);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		size_t length;
		unsigned int frames;

		memcpy(bad, good, size);
		length = disturb(bad, size);
		fd = file_of(bad, length);
		(void)segment_read_head(fd, &head);
		frames = read_all(fd, length, &lines, &damaged);
		assert(length < size || frames >= FRAMES - 3);	/* others than those that were hit come back */
		damages += damaged;
		close(fd);
	}
	assert(damages > ROUNDS / 2);
	segment_lines_deinit(&lines);
	free(good);
	free(bad);
	return 0;
}

#endif
