/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A segment of the spool: a file of a head and frames, each a header and a zstd frame of lines. Frames are only
 * appended. Data behind the last whole frame was left by a death in the middle of a write.
 *
 * The reader trusts nothing: the header and the content of the zstd frame have checksums. After a damaged frame, it
 * goes on with the next good one. Numbers have the byte order of the machine, since a spool never leaves it.
 */

#include <stddef.h>
#include <stdint.h>

#define SEGMENT_MAGIC "ESSPOOL\n"
#define SEGMENT_FRAME_MAGIC 0x454d5246u

enum {
	SEGMENT_VERSION = 1,
	SEGMENT_CLIENT_BYTES = 16,
	SEGMENT_PLAIN_MAX = 64 * 1024 * 1024,	/* the largest frame, decompressed, that a reader takes */
};

struct segment_head {
	char magic[8];
	uint32_t version;
	uint32_t check;			/* CRC-32C of this struct, with 0 here */
	uint64_t last;			/* the client's last number when the segment was begun */
	uint8_t client[SEGMENT_CLIENT_BYTES];	/* that client */
};

struct segment_frame {
	uint32_t magic;
	uint32_t stored;		/* bytes of the zstd frame behind this */
	uint32_t plain;			/* bytes in it: whole lines */
	uint32_t lines;
	uint64_t first;			/* number of the first line, */
	uint64_t last;			/* and of the last; dropped ones in between are missing */
	uint8_t client[SEGMENT_CLIENT_BYTES];	/* the client that numbered them */
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
	char *stored;			/* the compressed data */
	size_t stored_size;
};

void segment_lines_deinit(struct segment_lines *lines);

/* -EBADMSG: it is no segment, or of another version. */
int segment_read_head(int fd, struct segment_head *ret);

/*
 * Reads the frame at *offset of a file with `end` bytes, and moves *offset behind it. 1; 0: the file ends here;
 * -EBADMSG: there is no whole frame here. `lines` NULL: reads only the header.
 */
int segment_read_frame(int fd, uint64_t *offset, uint64_t end, struct segment_frame *ret, struct segment_lines *lines);

/* The offset of the next frame header behind `offset`, or `end`; or a negative errno. */
int64_t segment_find_frame(int fd, uint64_t offset, uint64_t end);
