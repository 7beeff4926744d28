/* SPDX-License-Identifier: MIT */

/*
 * Appends lines to a file. When it is large enough, it becomes PATH.1, and PATH.1 becomes PATH.2, up to the number to
 * keep. Lines are acknowledged when the disk has them, or without `sync' the kernel. At the start, it cuts off a
 * partial line that a death in the middle of a write has left.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/esship/sink.h"
#include "util/macro.h"

enum { TAIL_BYTES = 64 * 1024 };

struct file_sink {
	const struct sink_config *config;
	int fd;				/* -1: not open */
	struct stat st;			/* of fd, when it was opened */
	uint64_t bytes;
};

static const char *file_check(const struct sink_config *config)
{
	return config->path && *config->path == '/' ? NULL : "path: the file, from / on";
}

static int file_new(void **ret, const struct sink_config *config, const struct sink_stop *stop)
{
	struct file_sink *sink = calloc(1, sizeof(*sink));

	(void)stop;
	if (!sink)
		return -ENOMEM;
	sink->config = config;
	sink->fd = -1;
	*ret = sink;
	return 0;
}

static void file_close(struct file_sink *sink)
{
	if (sink->fd >= 0)
		close(sink->fd);
	sink->fd = -1;
}

static void file_free(void *context)
{
	file_close(context);
	free(context);
}

/* The end of the last whole line. */
static int cut_tail(int fd, uint64_t *bytes)
{
	char tail[TAIL_BYTES];
	uint64_t end = *bytes;

	while (end) {
		size_t length = end < sizeof(tail) ? end : sizeof(tail);
		const char *newline;

		if (pread(fd, tail, length, (off_t)(end - length)) != (ssize_t)length)
			return -EIO;
		newline = memrchr(tail, '\n', length);
		if (newline) {
			end -= length - (size_t)(newline + 1 - tail);
			break;
		}
		end -= length;
	}
	if (end == *bytes)
		return 0;
	if (ftruncate(fd, (off_t)end) < 0)
		return -errno;
	*bytes = end;
	return 0;
}

/* Cuts nothing off a file that has other content. */
static bool is_lines(const struct file_sink *sink)
{
	char first;

	return !sink->st.st_size || (pread(sink->fd, &first, 1, 0) == 1 && first == '{');
}

static int file_open(struct file_sink *sink)
{
	int r;

	sink->fd = open(sink->config->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	if (sink->fd < 0)
		return -errno;
	if (fstat(sink->fd, &sink->st) < 0 || !S_ISREG(sink->st.st_mode) || !is_lines(sink)) {
		file_close(sink);
		return -EINVAL;
	}
	sink->bytes = (uint64_t)sink->st.st_size;
	r = cut_tail(sink->fd, &sink->bytes);
	if (r < 0)
		file_close(sink);
	return r;
}

/* Another program, such as logrotate, may have moved the file away. */
static void look_whether_moved(struct file_sink *sink)
{
	struct stat st;

	if (sink->fd < 0 || (stat(sink->config->path, &st) == 0 && st.st_ino == sink->st.st_ino && st.st_dev == sink->st.st_dev))
		return;
	file_close(sink);
}

static int rotate(struct file_sink *sink)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (unsigned int i = sink->config->keep; i > 0; i--) {
		snprintf(to, sizeof(to), "%s.%u", sink->config->path, i);
		if (i > 1)
			snprintf(from, sizeof(from), "%s.%u", sink->config->path, i - 1);
		else
			snprintf(from, sizeof(from), "%s", sink->config->path);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	if (!sink->config->keep && unlink(sink->config->path) < 0)
		return -errno;
	file_close(sink);
	return 0;
}

/* Appends all of it; after a failure, the file is as before. */
static int append(struct file_sink *sink, const char *lines, size_t length)
{
	size_t done = 0;
	int r = 0;

	while (done < length && r == 0) {
		ssize_t n = write(sink->fd, lines + done, length - done);

		if (n < 0 && errno != EINTR)
			r = -errno;
		else if (n > 0)
			done += (size_t)n;
	}
	if (r == 0 && sink->config->sync && fdatasync(sink->fd) < 0)
		r = -errno;
	if (r == 0) {
		sink->bytes += length;
		return 0;
	}
	(void)!ftruncate(sink->fd, (off_t)sink->bytes);
	file_close(sink);
	return r;
}

static int file_send(void *context, const struct sink_batch *batch, char problem[SINK_PROBLEM_BYTES])
{
	struct file_sink *sink = context;
	const struct sink_config *config = sink->config;
	int r = 0;

	look_whether_moved(sink);
	if (sink->fd < 0)
		r = file_open(sink);
	if (r == 0 && config->rotate_bytes && sink->bytes && sink->bytes + batch->length > config->rotate_bytes) {
		r = rotate(sink);
		if (r == 0)
			r = file_open(sink);
	}
	if (r == 0)
		r = append(sink, batch->lines, batch->length);
	if (r < 0)
		snprintf(problem, SINK_PROBLEM_BYTES, "%s: %s", config->path,
			 r == -EINVAL ? "what is there is no file of lines" : strerror(-r));
	return r;
}

const struct sink_kind sink_file = {
	.name = "file", .check = file_check, .new = file_new, .free = file_free, .send = file_send,
};
