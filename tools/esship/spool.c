/* SPDX-License-Identifier: MIT */
#include "tools/esship/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "util/log.h"
#include "util/macro.h"

enum {
	SEGMENTS_OF_SIZE = 16,		/* a segment is at most this part of the spool */
	SEGMENT_BYTES_MAX = 64 * 1024 * 1024,
	SEGMENT_BYTES_MIN = 64 * 1024,
	NAME_BYTES = 80,
	NAMES_TAKEN_MAX = 1000,
	LEVEL = 1,			/* of compression: faster than events come */
};

struct segment {
	uint64_t number;
	uint64_t bytes;			/* up to the end of the last whole frame */
};

struct spool_reader {
	struct spool *spool;
	char name[NAME_BYTES];
	int fd;				/* of the segment; -1: none is open */
	uint64_t segment, offset;	/* position of the next frame */
	uint64_t acked_segment, acked_offset;	/* under the lock */
	struct segment_lines lines;
};

struct spool {
	struct spool_options options;
	char *folder;
	int folder_fd, lock_fd;
	uint8_t client[SEGMENT_CLIENT_BYTES];
	uint64_t segment_bytes;

	int fd;				/* of the last segment; -1: the next append begins one */
	uint64_t last;			/* number of the last line */
	ZSTD_CCtx *zstd;
	char *stored;
	size_t stored_size;

	pthread_mutex_t lock;
	pthread_cond_t more;
	struct segment *segments;	/* those that are there, in order */
	size_t count, room;
	uint64_t next_number;
	uint64_t bytes;			/* of all */
	uint64_t damaged;
	bool renew;			/* the last segment was removed: the next append begins one */
	uint64_t wakes;
	struct spool_reader *readers[SPOOL_READERS_MAX];
	size_t reader_count;
};

static void segment_name(char ret[NAME_BYTES], uint64_t number)
{
	snprintf(ret, NAME_BYTES, "%016" PRIx64 ".seg", number);
}

/* --- the list of segments; under the lock --- */

static int add_segment(struct spool *spool, uint64_t number, uint64_t bytes)
{
	if (spool->count == spool->room) {
		size_t room = spool->room * 2 ?: 64;
		struct segment *segments = reallocarray(spool->segments, room, sizeof(*segments));

		if (!segments)
			return -ENOMEM;
		spool->segments = segments;
		spool->room = room;
	}
	spool->segments[spool->count++] = (struct segment){ number, bytes };
	spool->bytes += bytes;
	return 0;
}

/* The first that isn't before `number`; NULL: there is none. */
static struct segment *segment_from(struct spool *spool, uint64_t number)
{
	for (size_t i = 0; i < spool->count; i++)
		if (spool->segments[i].number >= number)
			return &spool->segments[i];
	return NULL;
}

/* Removes segments that every sink has acknowledged, but not the last segment, which has the last number. */
static void remove_acknowledged(struct spool *spool)
{
	uint64_t least = UINT64_MAX;
	char name[NAME_BYTES];
	size_t gone = 0;

	for (size_t i = 0; i < spool->reader_count; i++)
		if (spool->readers[i]->acked_segment < least)
			least = spool->readers[i]->acked_segment;
	while (spool->reader_count && gone + 1 < spool->count && spool->segments[gone].number < least) {
		segment_name(name, spool->segments[gone].number);
		if (unlinkat(spool->folder_fd, name, 0) < 0 && errno != ENOENT)
			break;
		spool->bytes -= spool->segments[gone].bytes;
		gone++;
	}
	spool->count -= gone;
	memmove(spool->segments, spool->segments + gone, spool->count * sizeof(*spool->segments));
}

/* --- what is there at the start --- */

static int compare_segments(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static int list_segments(struct spool *spool)
{
	int fd = openat(spool->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t number;
	struct stat st;
	int r = 0, end;

	if (!folder)
		return -errno;
	while (r == 0 && (entry = readdir(folder))) {
		if (sscanf(entry->d_name, "%16" SCNx64 ".seg%n", &number, (end = 0, &end)) != 1 || end != 20 ||
		    entry->d_name[end])
			continue;
		if (number == 0 || number > INT64_MAX)
			continue;
		if (fstatat(spool->folder_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		r = add_segment(spool, number, (uint64_t)st.st_size);
	}
	closedir(folder);
	if (spool->count)
		qsort(spool->segments, spool->count, sizeof(*spool->segments), compare_segments);
	spool->next_number = spool->count ? spool->segments[spool->count - 1].number + 1 : 1;
	return r;
}

static int open_segment(struct spool *spool, uint64_t number)
{
	char name[NAME_BYTES];
	int fd;

	segment_name(name, number);
	fd = openat(spool->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/* The client's last number up to the end of this segment; the head has the last one before it. */
static uint64_t last_in(int fd, uint64_t end, const uint8_t *client)
{
	uint64_t offset = sizeof(struct segment_head), last = 0;
	struct segment_frame frame;
	struct segment_head head;

	if (segment_read_head(fd, &head) < 0)
		return 0;
	if (!memcmp(head.client, client, sizeof(head.client)))
		last = head.last;
	while (offset < end) {
		int r = segment_read_frame(fd, &offset, end, &frame, NULL);
		int64_t next;

		if (r > 0 && !memcmp(frame.client, client, sizeof(frame.client)) && frame.last > last)
			last = frame.last;
		if (r > 0)
			continue;
		next = segment_find_frame(fd, offset, end);
		if (next < 0)
			break;
		offset = (uint64_t)next;
	}
	return last;
}

uint64_t spool_last_of(struct spool *spool, const uint8_t client[SEGMENT_CLIENT_BYTES])
{
	for (size_t i = spool->count; i--;) {
		_cleanup_close_ int fd = open_segment(spool, spool->segments[i].number);
		uint64_t last = fd < 0 ? 0 : last_in(fd, spool->segments[i].bytes, client);

		if (last)
			return last;
	}
	return 0;
}

/* A user who can write in the folder could change what is sent, and where we write. */
static bool is_ours(int folder_fd)
{
	struct stat st;

	return fstat(folder_fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static int take_folder(struct spool *spool, char *problem)
{
	const char *folder = spool->folder;

	if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
		snprintf(problem, SPOOL_PROBLEM_BYTES, "the spool %s can't be made: %s", folder, strerror(errno));
		return -errno;
	}
	spool->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->folder_fd >= 0 && !is_ours(spool->folder_fd)) {
		snprintf(problem, SPOOL_PROBLEM_BYTES, "the spool %s has to belong to whom esship runs as, and nobody else may "
			 "write there (chown, chmod go-w)", folder);
		return -EPERM;
	}
	if (spool->folder_fd >= 0)
		spool->lock_fd = openat(spool->folder_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (spool->folder_fd < 0 || spool->lock_fd < 0) {
		snprintf(problem, SPOOL_PROBLEM_BYTES, "the spool %s can't be written: %s", folder, strerror(errno));
		return -errno;
	}
	if (flock(spool->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		snprintf(problem, SPOOL_PROBLEM_BYTES, "another process uses the spool %s", folder);
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	}
	return 0;
}

int spool_open(struct spool **ret, const struct spool_options *options, const uint8_t client[SEGMENT_CLIENT_BYTES],
	       char problem[SPOOL_PROBLEM_BYTES])
{
	struct spool *spool = calloc(1, sizeof(*spool));
	pthread_condattr_t monotonic;
	int r = -ENOMEM;

	snprintf(problem, SPOOL_PROBLEM_BYTES, "no memory");
	if (!spool)
		return r;
	spool->options = *options;
	spool->folder_fd = spool->lock_fd = spool->fd = -1;
	memcpy(spool->client, client, sizeof(spool->client));
	spool->segment_bytes = options->size / SEGMENTS_OF_SIZE;
	if (spool->segment_bytes > SEGMENT_BYTES_MAX)
		spool->segment_bytes = SEGMENT_BYTES_MAX;
	if (spool->segment_bytes < SEGMENT_BYTES_MIN)
		spool->segment_bytes = SEGMENT_BYTES_MIN;
	pthread_mutex_init(&spool->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&spool->more, &monotonic);
	spool->folder = strdup(options->folder);
	spool->zstd = ZSTD_createCCtx();
	if (spool->folder && spool->zstd) {
		ZSTD_CCtx_setParameter(spool->zstd, ZSTD_c_compressionLevel, LEVEL);
		ZSTD_CCtx_setParameter(spool->zstd, ZSTD_c_checksumFlag, 1);
		r = take_folder(spool, problem);
	}
	if (r == 0) {
		r = list_segments(spool);
		if (r < 0)
			snprintf(problem, SPOOL_PROBLEM_BYTES, "the spool %s can't be read: %s", spool->folder, strerror(-r));
	}
	if (r < 0)
		spool_close(spool);
	else
		*ret = spool;
	return r;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void spool_close(struct spool *spool)
{
	for (size_t i = 0; i < spool->reader_count; i++) {
		close_fd(spool->readers[i]->fd);
		segment_lines_deinit(&spool->readers[i]->lines);
		free(spool->readers[i]);
	}
	close_fd(spool->fd);
	close_fd(spool->lock_fd);
	close_fd(spool->folder_fd);
	ZSTD_freeCCtx(spool->zstd);
	pthread_cond_destroy(&spool->more);
	pthread_mutex_destroy(&spool->lock);
	free(spool->segments);
	free(spool->stored);
	free(spool->folder);
	free(spool);
}

bool spool_has_gone(const struct spool *spool)
{
	struct stat st;

	return fstat(spool->folder_fd, &st) == 0 && st.st_nlink == 0;
}

int spool_folder(const struct spool *spool)
{
	return spool->folder_fd;
}

/* --- writing --- */

static int write_at(int fd, const struct iovec *parts, int count, uint64_t offset)
{
	struct iovec left[2];
	ssize_t n;

	memcpy(left, parts, (size_t)count * sizeof(*parts));
	for (int i = 0; i < count;) {
		n = pwritev(fd, left + i, count - i, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		offset += (uint64_t)n;
		for (; i < count && (size_t)n >= left[i].iov_len; i++)
			n -= (ssize_t)left[i].iov_len;
		if (i < count) {
			left[i].iov_base = (char *)left[i].iov_base + n;
			left[i].iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* An existing file of that name isn't ours, so it stays. */
static int make_segment(struct spool *spool, char name[NAME_BYTES])
{
	for (int i = 0; i < NAMES_TAKEN_MAX; i++) {
		int fd;

		segment_name(name, spool->next_number);
		fd = openat(spool->folder_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd < 0 ? -errno : fd;
		spool->next_number++;
	}
	return -EEXIST;
}

static int begin_segment(struct spool *spool)
{
	struct segment_head head = { .magic = SEGMENT_MAGIC, .version = SEGMENT_VERSION, .last = spool->last };
	struct iovec part = { &head, sizeof(head) };
	char name[NAME_BYTES];
	int r, fd;

	memcpy(head.client, spool->client, sizeof(head.client));
	head.check = segment_head_check(&head);
	fd = make_segment(spool, name);
	if (fd < 0)
		return fd;
	r = write_at(fd, &part, 1, 0);
	if (r == 0 && spool->options.sync && fsync(spool->folder_fd) < 0)
		r = -errno;
	pthread_mutex_lock(&spool->lock);
	if (r == 0)
		r = add_segment(spool, spool->next_number, sizeof(head));
	if (r == 0)
		spool->next_number++;
	pthread_mutex_unlock(&spool->lock);
	if (r < 0) {
		close(fd);
		unlinkat(spool->folder_fd, name, 0);
		return r;
	}
	spool->fd = fd;
	return 0;
}

static int compress(struct spool *spool, const char *lines, size_t length, size_t *ret)
{
	size_t bound = ZSTD_compressBound(length), stored;

	if (spool->stored_size < bound) {
		free(spool->stored);
		spool->stored_size = 0;
		spool->stored = malloc(bound);
		if (!spool->stored)
			return -ENOMEM;
		spool->stored_size = bound;
	}
	stored = ZSTD_compress2(spool->zstd, spool->stored, spool->stored_size, lines, length);
	if (ZSTD_isError(stored))
		return -EINVAL;
	*ret = stored;
	return 0;
}

/* Appends to the last segment, whose recorded end moves only after the whole frame is written. */
static int write_frame(struct spool *spool, struct segment_frame *frame)
{
	struct iovec parts[2] = { { frame, sizeof(*frame) }, { spool->stored, frame->stored } };
	uint64_t offset;
	int r;

	pthread_mutex_lock(&spool->lock);
	offset = spool->segments[spool->count - 1].bytes;
	pthread_mutex_unlock(&spool->lock);
	r = write_at(spool->fd, parts, 2, offset);
	if (r == 0 && spool->options.sync && fdatasync(spool->fd) < 0)
		r = -errno;
	if (r < 0) {
		(void)!ftruncate(spool->fd, (off_t)offset);
		return r;
	}
	pthread_mutex_lock(&spool->lock);
	spool->segments[spool->count - 1].bytes += sizeof(*frame) + frame->stored;
	spool->bytes += sizeof(*frame) + frame->stored;
	spool->last = frame->last;
	spool->wakes++;
	pthread_cond_broadcast(&spool->more);
	pthread_mutex_unlock(&spool->lock);
	return 0;
}

static bool is_segment_full(struct spool *spool)
{
	bool full;

	pthread_mutex_lock(&spool->lock);
	full = spool->renew || spool->segments[spool->count - 1].bytes >= spool->segment_bytes;
	spool->renew = false;
	pthread_mutex_unlock(&spool->lock);
	return full;
}

int spool_append(struct spool *spool, const char *lines, size_t length, uint32_t count, uint64_t first, uint64_t last)
{
	struct segment_frame frame = { .magic = SEGMENT_FRAME_MAGIC, .plain = (uint32_t)length, .lines = count,
				       .first = first, .last = last };
	size_t stored;
	int r;

	if (length > SEGMENT_PLAIN_MAX)
		return -EFBIG;
	r = compress(spool, lines, length, &stored);
	if (r < 0)
		return r;
	if (stored + sizeof(frame) + sizeof(struct segment_head) > spool->options.size)
		return -EFBIG;
	if (spool_bytes(spool) + stored + sizeof(frame) + sizeof(struct segment_head) > spool->options.size)
		return -ENOSPC;
	if (spool->fd >= 0 && is_segment_full(spool)) {
		close(spool->fd);
		spool->fd = -1;
	}
	if (spool->fd < 0) {
		r = begin_segment(spool);
		if (r < 0)
			return r;
	}
	frame.stored = (uint32_t)stored;
	memcpy(frame.client, spool->client, sizeof(frame.client));
	frame.check = segment_frame_check(&frame);
	return write_frame(spool, &frame);
}

uint64_t spool_bytes(const struct spool *spool)
{
	struct spool *own = (struct spool *)spool;	/* const, but for the lock */
	uint64_t bytes;

	pthread_mutex_lock(&own->lock);
	bytes = spool->bytes;
	pthread_mutex_unlock(&own->lock);
	return bytes;
}

uint64_t spool_damaged(const struct spool *spool)
{
	struct spool *own = (struct spool *)spool;
	uint64_t damaged;

	pthread_mutex_lock(&own->lock);
	damaged = spool->damaged;
	pthread_mutex_unlock(&own->lock);
	return damaged;
}

/* --- reading --- */

/* The segment of an acknowledgement is never removed: if it is missing or shorter, that was made in another spool. */
static bool is_ack_here(const struct spool_reader *reader)
{
	const struct segment *segment = segment_from(reader->spool, reader->segment);

	return segment && segment->number == reader->segment && reader->offset <= segment->bytes;
}

/* Loads the acknowledgement of the last run; without one, begins at the first segment. */
static void load_ack(struct spool_reader *reader)
{
	char name[NAME_BYTES + 8], text[128] = "";
	int whole;

	snprintf(name, sizeof(name), "%s.ack", reader->name);
	_cleanup_close_ int fd = openat(reader->spool->folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return;
	if (sscanf(text, "%" SCNu64 " %" SCNu64 " %d", &reader->segment, &reader->offset, &whole) == 3 && is_ack_here(reader))
		return;
	log_warning("%s: no acknowledgement of what is there is in it; all that is in the spool is sent again", name);
	reader->segment = reader->offset = 0;
}

static int store_ack(struct spool_reader *reader)
{
	char name[NAME_BYTES + 8], fresh[NAME_BYTES + 8], text[128];
	int length, r = 0;

	snprintf(name, sizeof(name), "%s.ack", reader->name);
	snprintf(fresh, sizeof(fresh), "%s.ack~", reader->name);
	length = snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 " 1\n", reader->segment, reader->offset);

	_cleanup_close_ int fd = openat(reader->spool->folder_fd, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)length) != length)
		r = -ENOSPC;
	else if (renameat(reader->spool->folder_fd, fresh, reader->spool->folder_fd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(reader->spool->folder_fd, fresh, 0);
	return r;
}

int spool_reader_new(struct spool_reader **ret, struct spool *spool, const char *name)
{
	struct spool_reader *reader;

	if (spool->reader_count == SPOOL_READERS_MAX)
		return -E2BIG;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->spool = spool;
	reader->fd = -1;
	snprintf(reader->name, sizeof(reader->name), "%s", name);
	load_ack(reader);
	reader->acked_segment = reader->segment;
	reader->acked_offset = reader->offset;
	spool->readers[spool->reader_count++] = reader;
	*ret = reader;
	return 0;
}

/* Forgets a file that was removed: its lines are lost, and reading goes on behind it. 1: there may be another one. */
static int forget_segment(struct spool_reader *reader)
{
	struct spool *spool = reader->spool;
	struct segment *segment;

	log_error("spool: segment %" PRIx64 " has gone, and what was in it", reader->segment);
	pthread_mutex_lock(&spool->lock);
	spool->damaged++;
	segment = segment_from(spool, reader->segment);
	if (segment && segment->number == reader->segment) {
		spool->bytes -= segment->bytes;
		segment->bytes = 0;
		spool->renew |= segment == &spool->segments[spool->count - 1];
	}
	pthread_mutex_unlock(&spool->lock);
	reader->segment++;
	reader->offset = 0;
	return 1;
}

/* Opens the first segment from `number` on. 0: there is none. */
static int enter_segment(struct spool_reader *reader, uint64_t number)
{
	struct spool *spool = reader->spool;
	struct segment_head head;
	struct segment *segment;
	uint64_t wanted = 0;

	pthread_mutex_lock(&spool->lock);
	segment = segment_from(spool, number);
	if (segment)
		wanted = segment->number;
	pthread_mutex_unlock(&spool->lock);
	if (!wanted)
		return 0;
	reader->fd = open_segment(spool, wanted);
	if (reader->segment != wanted || reader->offset < sizeof(head))
		reader->offset = sizeof(head);
	reader->segment = wanted;
	if (reader->fd == -ENOENT)
		return forget_segment(reader);
	if (reader->fd < 0)
		return reader->fd;
	if (segment_read_head(reader->fd, &head) < 0) {
		log_error("spool: segment %" PRIx64 " is no segment of this version: it is left out", wanted);
		reader->offset = UINT64_MAX;
	}
	return 1;
}

/* The offset up to which the segment may be read; *ret_last: it is the last segment. */
static uint64_t end_of(struct spool_reader *reader, bool *ret_last)
{
	struct spool *spool = reader->spool;
	struct segment *segment;
	uint64_t end = 0;

	pthread_mutex_lock(&spool->lock);
	segment = segment_from(spool, reader->segment);
	if (segment && segment->number == reader->segment)
		end = segment->bytes;
	*ret_last = segment && segment == &spool->segments[spool->count - 1] && spool->fd >= 0;
	pthread_mutex_unlock(&spool->lock);
	return end;
}

/* Skips to the next good frame. Damage at the end of an earlier run's segment is a frame that was never complete. */
static int leave_damage(struct spool_reader *reader, uint64_t end)
{
	int64_t next = segment_find_frame(reader->fd, reader->offset, end);

	if (next < 0)
		return (int)next;
	if ((uint64_t)next < end) {
		log_error("spool: segment %" PRIx64 " is damaged at %" PRIu64 ": %" PRIu64 " bytes are left out",
			  reader->segment, reader->offset, (uint64_t)next - reader->offset);
		pthread_mutex_lock(&reader->spool->lock);
		reader->spool->damaged++;
		pthread_mutex_unlock(&reader->spool->lock);
	}
	reader->offset = (uint64_t)next;
	return 0;
}

int spool_reader_next(struct spool_reader *reader, struct segment_frame *ret, const struct segment_lines **ret_lines)
{
	bool last;
	int r;

	for (;;) {
		uint64_t end;

		if (reader->fd < 0) {
			r = enter_segment(reader, reader->segment);
			if (r <= 0)
				return r;
			if (reader->fd < 0)
				continue;
		}
		end = end_of(reader, &last);
		r = segment_read_frame(reader->fd, &reader->offset, end, ret, &reader->lines);
		if (r > 0) {
			*ret_lines = &reader->lines;
			return 1;
		}
		if (r == -EBADMSG) {
			r = leave_damage(reader, end);
			if (r < 0)
				return r;
			continue;
		}
		if (r < 0 || last)
			return r;
		pthread_mutex_lock(&reader->spool->lock);
		last = !segment_from(reader->spool, reader->segment + 1);
		pthread_mutex_unlock(&reader->spool->lock);
		if (last)
			return 0;
		close(reader->fd);
		reader->fd = -1;
		reader->segment++;
		reader->offset = 0;
	}
}

int spool_reader_ack(struct spool_reader *reader)
{
	int r = store_ack(reader);

	pthread_mutex_lock(&reader->spool->lock);
	reader->acked_segment = reader->segment;
	reader->acked_offset = reader->offset;
	remove_acknowledged(reader->spool);
	pthread_mutex_unlock(&reader->spool->lock);
	return r;
}

/* The bytes of a segment from `offset` on. A segment that a death has left may not even have its head. */
static uint64_t bytes_from(const struct segment *segment, uint64_t offset)
{
	if (offset < sizeof(struct segment_head))
		offset = sizeof(struct segment_head);
	return segment->bytes > offset ? segment->bytes - offset : 0;
}

uint64_t spool_reader_behind(struct spool_reader *reader)
{
	struct spool *spool = reader->spool;
	uint64_t behind = 0;

	pthread_mutex_lock(&spool->lock);
	for (size_t i = 0; i < spool->count; i++) {
		const struct segment *segment = &spool->segments[i];

		if (segment->number > reader->acked_segment)
			behind += bytes_from(segment, 0);
		else if (segment->number == reader->acked_segment)
			behind += bytes_from(segment, reader->acked_offset);
	}
	pthread_mutex_unlock(&spool->lock);
	return behind;
}

uint64_t spool_wakes(struct spool *spool)
{
	uint64_t wakes;

	pthread_mutex_lock(&spool->lock);
	wakes = spool->wakes;
	pthread_mutex_unlock(&spool->lock);
	return wakes;
}

void spool_wait(struct spool *spool, uint64_t since, unsigned int ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&spool->lock);
	while (spool->wakes == since)
		if (pthread_cond_timedwait(&spool->more, &spool->lock, &until) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&spool->lock);
}

void spool_wake(struct spool *spool)
{
	pthread_mutex_lock(&spool->lock);
	spool->wakes++;
	pthread_cond_broadcast(&spool->more);
	pthread_mutex_unlock(&spool->lock);
}
