/* SPDX-License-Identifier: MIT */

/*
 * escap merge: joins several captures, in order of the time of day. Times are converted to the clocks of the first;
 * each file's AUTH records get new numbers; losses are added. Processes of different machines may have the same ids:
 * then only their start times differ.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/replay-select.h"
#include "tools/escap/escap.h"
#include "util/log.h"
#include "util/macro.h"

enum { FILES_MAX = 64 };

struct source {
	struct esc_reader *reader;
	const char *path;
	struct esc_item next;
	int r;				/* of reading it: 1: next is there */
	int64_t monotonic;		/* to be added to its times */
	int64_t boot;
	uint64_t lost_all;
	uint64_t lost[ES_EVENT_TYPES];
};

struct merge {
	struct source sources[FILES_MAX];
	unsigned int count;
	struct esc_writer *writer;
	struct es_record *copy;		/* ESC_RECORD_MAX */
	uint64_t lost_all;
	uint64_t lost[ES_EVENT_TYPES];
};

/* An answer stays behind the records that precede it in its file. */
static uint64_t time_of(const struct source *source)
{
	return source->next.record ? source->next.record->time_ns + (uint64_t)source->monotonic : 0;
}

static struct source *earliest(struct merge *merge)
{
	struct source *found = NULL;

	for (unsigned int i = 0; i < merge->count; i++)
		if (merge->sources[i].r > 0 && (!found || time_of(&merge->sources[i]) < time_of(found)))
			found = &merge->sources[i];
	return found;
}

static uint64_t id_of(const struct merge *merge, const struct source *source, uint64_t auth_id)
{
	uint64_t id = auth_id * merge->count + (uint64_t)(source - merge->sources);

	return id ? id : UINT64_MAX;		/* 0 comes only from an invalid file */
}

static void shift_process(struct es_record *record, uint32_t off, int64_t by)
{
	struct es_process_part *process = (struct es_process_part *)esd_replay_process(record, off);

	if (process && process->start_ns)
		process->start_ns += (uint64_t)by;
}

static void add_lost(struct merge *merge, struct source *source, const struct es_record *record)
{
	unsigned int type = record->type;

	if (record->lost_all > source->lost_all)
		merge->lost_all += record->lost_all - source->lost_all;
	if (record->lost_type > source->lost[type])
		merge->lost[type] += record->lost_type - source->lost[type];
	source->lost_all = record->lost_all;
	source->lost[type] = record->lost_type;
}

static int write_record(struct merge *merge, struct source *source)
{
	const struct es_record *record = source->next.record;
	struct es_record *copy = merge->copy;

	add_lost(merge, source, record);
	memcpy(copy, record, record->size);
	copy->time_ns += (uint64_t)source->monotonic;
	copy->lost_all = merge->lost_all;
	copy->lost_type = merge->lost[record->type];
	if (copy->flags & ES_RECORD_AUTH) {
		copy->deadline_ns += (uint64_t)source->monotonic;
		copy->auth_id = id_of(merge, source, copy->auth_id);
	}
	shift_process(copy, copy->process, source->boot);
	if (copy->other != copy->process)
		shift_process(copy, copy->other, source->boot);
	return esc_write_record(merge->writer, copy);
}

static int write_answer(struct merge *merge, struct source *source)
{
	struct esc_answer answer = *source->next.answer;

	answer.auth_id = id_of(merge, source, answer.auth_id);
	answer.time_ns += (uint64_t)source->monotonic;
	return esc_write_answer(merge->writer, &answer);
}

static int write_all(struct merge *merge)
{
	struct source *source;
	int r = 0;

	for (unsigned int i = 0; i < merge->count; i++)
		merge->sources[i].r = esc_reader_next(merge->sources[i].reader, &merge->sources[i].next);
	while (r == 0 && (source = earliest(merge))) {
		r = source->next.record ? write_record(merge, source) : write_answer(merge, source);
		source->r = esc_reader_next(source->reader, &source->next);
	}
	return r < 0 ? r : esc_writer_finish(merge->writer, NULL);
}

/* ---- the command ---- */

static int open_all(struct merge *merge, char **paths, unsigned int count)
{
	const struct esc_facts *first, *facts;

	for (merge->count = 0; merge->count < count; merge->count++) {
		struct source *source = &merge->sources[merge->count];

		source->path = paths[merge->count];
		source->reader = escap_open(source->path);
		if (!source->reader)
			return EX_DATAERR;
		first = esc_reader_facts(merge->sources[0].reader);
		facts = esc_reader_facts(source->reader);
		source->monotonic = esc_facts_number(facts, "from_monotonic_ns", 0) -
				    esc_facts_number(first, "from_monotonic_ns", 0);
		source->boot = esc_facts_number(facts, "from_boot_ns", 0) - esc_facts_number(first, "from_boot_ns", 0);
	}
	return EX_OK;
}

static int write_file(struct merge *merge, const char *path)
{
	_cleanup_(esc_facts_deinit) struct esc_facts facts = {};
	uint64_t types[ES_TYPE_WORDS] = {}, of[ES_TYPE_WORDS];
	int fd, r, status;

	for (unsigned int i = 0; i < merge->count; i++) {
		escap_types(esc_reader_facts(merge->sources[i].reader), of);
		for (int j = 0; j < ES_TYPE_WORDS; j++)
			types[j] |= of[j];
	}
	fd = escap_create(path);
	if (fd < 0)
		return EX_CANTCREAT;
	r = escap_derive(&facts, esc_reader_facts(merge->sources[0].reader), types, "made_by", "escap merge");
	if (r == 0)
		r = esc_writer_new(&merge->writer, fd, &facts);
	if (r == 0)
		r = write_all(merge);
	if (r == 0)
		log_notice("%" PRIu64 " records in %" PRIu64 " bytes", esc_writer_records(merge->writer),
			   esc_writer_bytes(merge->writer));
	status = escap_close(fd, path, r);
	for (unsigned int i = 0; i < merge->count && status == EX_OK; i++)
		status = escap_ended(merge->sources[i].reader, merge->sources[i].path, merge->sources[i].r);
	return status;
}

static int merge_files(struct merge *merge, const char *output, char **paths, unsigned int count)
{
	int status;

	merge->copy = malloc(ESC_RECORD_MAX);
	if (!merge->copy) {
		log_error("not enough memory");
		return EX_OSERR;
	}
	status = open_all(merge, paths, count);
	if (status == EX_OK)
		status = write_file(merge, output);
	for (unsigned int i = 0; i < count; i++)
		esc_reader_free(merge->sources[i].reader);
	esc_writer_free(merge->writer);
	free(merge->copy);
	return status;
}

int escap_merge(int argc, char **argv)
{
	static const struct option options[] = { { "output", required_argument, NULL, 'o' },
						 { "help", no_argument, NULL, 'h' }, {} };
	static const char usage[] = "usage: escap merge -o FILE FILE...\n";
	static struct merge merge;
	const char *output = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) >= 0) {
		if (option != 'o') {
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? EX_OK : EX_USAGE;
		}
		output = optarg;
	}
	if (!output || optind == argc || argc - optind > FILES_MAX) {
		fputs(usage, stderr);
		return EX_USAGE;
	}
	return merge_files(&merge, output, argv + optind, (unsigned int)(argc - optind));
}
