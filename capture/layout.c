/* SPDX-License-Identifier: MIT */
#include "capture/layout.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "abi/record.h"
#include "util/macro.h"

struct member {
	const char *in;			/* struct */
	const char *name;		/* NULL: the struct itself */
	size_t offset;
	size_t bytes;
};

#define WHOLE(type) { #type, NULL, 0, sizeof(struct type) }
#define MEMBER(type, name) { #type, #name, offsetof(struct type, name), sizeof(((struct type *)NULL)->name) }

static const struct member members[] = {
	WHOLE(es_span), MEMBER(es_span, off), MEMBER(es_span, len),
	WHOLE(es_stat), MEMBER(es_stat, dev), MEMBER(es_stat, ino), MEMBER(es_stat, rdev), MEMBER(es_stat, size),
	MEMBER(es_stat, blocks), MEMBER(es_stat, atime_ns), MEMBER(es_stat, mtime_ns), MEMBER(es_stat, ctime_ns),
	MEMBER(es_stat, mode), MEMBER(es_stat, nlink), MEMBER(es_stat, uid), MEMBER(es_stat, gid),
	MEMBER(es_stat, blksize), MEMBER(es_stat, gen),
	WHOLE(es_file_part), MEMBER(es_file_part, stat), MEMBER(es_file_part, path), MEMBER(es_file_part, flags),
	WHOLE(es_token), MEMBER(es_token, auid), MEMBER(es_token, euid), MEMBER(es_token, egid), MEMBER(es_token, ruid),
	MEMBER(es_token, rgid), MEMBER(es_token, pid), MEMBER(es_token, asid), MEMBER(es_token, pidversion),
	WHOLE(es_process_part), MEMBER(es_process_part, token), MEMBER(es_process_part, parent),
	MEMBER(es_process_part, responsible), MEMBER(es_process_part, ppid), MEMBER(es_process_part, original_ppid),
	MEMBER(es_process_part, group_id), MEMBER(es_process_part, session_id), MEMBER(es_process_part, start_ns),
	MEMBER(es_process_part, cgroup_id), MEMBER(es_process_part, mnt_ns), MEMBER(es_process_part, pid_ns),
	MEMBER(es_process_part, flags), MEMBER(es_process_part, tty), MEMBER(es_process_part, executable),
	WHOLE(es_fd_part), MEMBER(es_fd_part, fd), MEMBER(es_fd_part, type), MEMBER(es_fd_part, pipe_id),
	WHOLE(es_record), MEMBER(es_record, size), MEMBER(es_record, type), MEMBER(es_record, flags),
	MEMBER(es_record, lost_type), MEMBER(es_record, lost_all), MEMBER(es_record, time_ns),
	MEMBER(es_record, deadline_ns), MEMBER(es_record, auth_id), MEMBER(es_record, thread_id),
	MEMBER(es_record, result), MEMBER(es_record, process), MEMBER(es_record, other), MEMBER(es_record, file),
	MEMBER(es_record, fd_count), MEMBER(es_record, str), MEMBER(es_record, args), MEMBER(es_record, env),
	MEMBER(es_record, fds), MEMBER(es_record, num),
};

static char layout[64 * (ARRAY_SIZE(members) + 1)];

static void layout_write(void)
{
	size_t used = (size_t)snprintf(layout, sizeof(layout), "version %u\n", (unsigned int)ES_RECORD_VERSION);

	for (size_t i = 0; i < ARRAY_SIZE(members) && used < sizeof(layout); i++) {
		const struct member *m = &members[i];

		used += (size_t)(m->name ? snprintf(layout + used, sizeof(layout) - used, "%s.%s at %zu bytes %zu\n", m->in,
						    m->name, m->offset, m->bytes)
					 : snprintf(layout + used, sizeof(layout) - used, "%s bytes %zu\n", m->in,
						    m->bytes));
	}
}

const char *esc_layout(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, layout_write);
	return layout;
}

static size_t line_length(const char *text, size_t length)
{
	const char *end = memchr(text, '\n', length);

	return end ? (size_t)(end - text) : length;
}

const char *esc_layout_differs(const char *text, size_t length, char *ret, size_t size)
{
	const char *own = esc_layout();
	size_t left = strlen(own);

	while (length && left) {
		size_t theirs = line_length(text, length), ours = line_length(own, left);

		if (theirs != ours || memcmp(text, own, ours)) {
			snprintf(ret, size, "it says \"%.*s\" where this program has \"%.*s\"", (int)(theirs < 80 ? theirs : 80),
				 text, (int)ours, own);
			return ret;
		}
		text += theirs < length ? theirs + 1 : theirs;
		length -= theirs < length ? theirs + 1 : theirs;
		own += ours < left ? ours + 1 : ours;
		left -= ours < left ? ours + 1 : ours;
	}
	if (length == left)
		return NULL;
	snprintf(ret, size, "its list of members is %s", length ? "longer" : "shorter");
	return ret;
}
