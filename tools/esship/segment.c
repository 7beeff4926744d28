/* SPDX-License-Identifier: MIT */
#include "tools/esship/segment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "util/crc32c.h"

enum { SEARCH_BYTES = 64 * 1024 };

uint32_t segment_head_check(const struct segment_head *head)
{
	struct segment_head copy = *head;

	copy.check = 0;
	return crc32c(&copy, sizeof(copy));
}

uint32_t segment_frame_check(const struct segment_frame *frame)
{
	struct segment_frame copy = *frame;

	copy.check = 0;
	return crc32c(&copy, sizeof(copy));
}

void segment_lines_deinit(struct segment_lines *lines)
{
	free(lines->data);
	free(lines->stored);
	*lines = (struct segment_lines){};
}

/* All of it; 0: the file ends before. */
static int read_at(int fd, void *to, size_t length, uint64_t offset)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = pread(fd, (char *)to + done, length - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		done += (size_t)n;
	}
	return 1;
}

int segment_read_head(int fd, struct segment_head *ret)
{
	int r = read_at(fd, ret, sizeof(*ret), 0);

	if (r < 0)
		return r;
	if (r == 0 || memcmp(ret->magic, SEGMENT_MAGIC, sizeof(ret->magic)) || ret->version != SEGMENT_VERSION ||
	    ret->check != segment_head_check(ret))
		return -EBADMSG;
	return 0;
}

static bool is_header(const struct segment_frame *frame)
{
	return frame->magic == SEGMENT_FRAME_MAGIC && frame->check == segment_frame_check(frame) &&
	       frame->plain && frame->plain <= SEGMENT_PLAIN_MAX && frame->stored && frame->first <= frame->last &&
	       frame->lines && frame->lines - 1 <= frame->last - frame->first;
}

static int make_room(char **data, size_t *size, size_t length)
{
	char *larger;

	if (*size >= length)
		return 0;
	larger = realloc(*data, length);
	if (!larger)
		return -ENOMEM;
	*data = larger;
	*size = length;
	return 0;
}

/* Are there as many lines as the header says, and nothing behind the last? */
static bool are_lines(const struct segment_lines *lines, uint32_t count)
{
	const char *at = lines->data, *end = at + lines->length;
	uint32_t found = 0;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline)
			return false;
		found++;
		at = newline + 1;
	}
	return found == count;
}

static int read_lines(int fd, uint64_t offset, const struct segment_frame *frame, struct segment_lines *lines)
{
	size_t length;
	int r;

	r = make_room(&lines->stored, &lines->stored_size, frame->stored);
	if (r == 0)
		r = make_room(&lines->data, &lines->size, frame->plain);
	if (r == 0)
		r = read_at(fd, lines->stored, frame->stored, offset);
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	length = ZSTD_decompress(lines->data, frame->plain, lines->stored, frame->stored);
	if (ZSTD_isError(length) || length != frame->plain)
		return -EBADMSG;
	lines->length = length;
	return are_lines(lines, frame->lines) ? 0 : -EBADMSG;
}

int segment_read_frame(int fd, uint64_t *offset, uint64_t end, struct segment_frame *ret, struct segment_lines *lines)
{
	uint64_t behind = *offset + sizeof(*ret);
	int r;

	if (*offset >= end)
		return 0;
	if (behind > end)
		return -EBADMSG;
	r = read_at(fd, ret, sizeof(*ret), *offset);
	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	if (!is_header(ret) || ret->stored > end - behind)
		return -EBADMSG;
	r = lines ? read_lines(fd, behind, ret, lines) : 0;
	if (r < 0)
		return r;
	*offset = behind + ret->stored;
	return 1;
}

/* The offset in `bytes` of a whole header; or `length`. */
static size_t find_header(const char *bytes, size_t length)
{
	static const uint32_t magic = SEGMENT_FRAME_MAGIC;
	struct segment_frame frame;

	for (size_t at = 0; at + sizeof(frame) <= length; at++) {
		const char *found = memmem(bytes + at, length - at, &magic, sizeof(magic));

		if (!found || (size_t)(bytes + length - found) < sizeof(frame))
			return length;
		memcpy(&frame, found, sizeof(frame));
		if (is_header(&frame))
			return (size_t)(found - bytes);
		at = (size_t)(found - bytes);
	}
	return length;
}

int64_t segment_find_frame(int fd, uint64_t offset, uint64_t end)
{
	static const size_t overlap = sizeof(struct segment_frame) - 1;
	char bytes[SEARCH_BYTES];

	for (offset++; offset < end;) {
		size_t length = end - offset < sizeof(bytes) ? end - offset : sizeof(bytes), found;
		int r = read_at(fd, bytes, length, offset);

		if (r < 0)
			return r;
		if (r == 0)
			break;
		found = find_header(bytes, length);
		if (found < length)
			return (int64_t)(offset + found);
		if (length < sizeof(bytes))
			break;
		offset += length - overlap;
	}
	return (int64_t)end;
}
