/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A segment of the spool: a file of a head and frames, each a header and a zstd frame of lines. Frames are only ever added
 * at the end; what is behind the last whole one is what a death in the middle of a write has left.
 *
 * Nothing that is read is trusted: a header has a checksum, and so has what is in the zstd frame. Where a frame is damaged,
 * reading goes on with the next one that isn't. Numbers have the byte order of the machine: a spool doesn't leave it.
 */

#include <stddef.h>
#include <stdint.h>

#define SEGMENT_MAGIC "ESSPOOL\n"
#define SEGMENT_FRAME_MAGIC 0x454d5246u

enum {
	SEGMENT_VERSION = 1,
	SEGMENT_CLIENT_BYTES = 16,
	SEGMENT_PLAIN_MAX = 64 * 1024 * 1024,	/* what a reader takes of one frame, decompressed */
};

struct segment_head {
	char magic[8];
	uint32_t version;
	uint32_t check;			/* CRC-32C of this struct, with 0 here */
	uint64_t last;			/* number that the client had given last when the segment was begun, */
	uint8_t client[SEGMENT_CLIENT_BYTES];	/* this one */
};

struct segment_frame {
	uint32_t magic;
	uint32_t stored;		/* bytes of the zstd frame behind this */
	uint32_t plain;			/* bytes in it: whole lines */
	uint32_t lines;
	uint64_t first;			/* number of the first line, */
	uint64_t last;			/* and of the last; what was dropped in between is missing */
	uint8_t client[SEGMENT_CLIENT_BYTES];	/* who numbered them */
	uint32_t check;			/* CRC-32C of this struct, with 0 here */
	uint32_t pad;
};

uint32_t segment_head_check(const struct segment_head *head);
uint32_t segment_frame_check(const struct segment_frame *frame);

/* Owned by the caller, and used again. */
struct segment_lines {
	char *data;
	size_t length;
	size_t size;
	char *stored;			/* what it was decompressed from */
	size_t stored_size;
};

void segment_lines_deinit(struct segment_lines *lines);

/* -EBADMSG: it is no segment, or of another version. */
int segment_read_head(int fd, struct segment_head *ret);

/*
 * The frame at *offset, of a file that has `end` bytes; *offset is then behind it. 1; 0: the file ends here; -EBADMSG: what
 * is there is no whole frame. `lines` NULL: only the header is looked at.
 */
int segment_read_frame(int fd, uint64_t *offset, uint64_t end, struct segment_frame *ret, struct segment_lines *lines);

/* The next place behind `offset` where a frame's header is, or `end`; a negative errno. */
int64_t segment_find_frame(int fd, uint64_t offset, uint64_t end);
