/* SPDX-License-Identifier: MIT */

/*
 * escap cut: copies part of a capture, with the answers to the copied records. Records that were lost before the first
 * copied one don't count as lost in the part. Nor do records that were left out.
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
#include "tools/escap/pairs.h"
#include "util/log.h"
#include "util/macro.h"
#include "util/number.h"

enum { PIDS_MAX = 64 };

struct cut {
	const char *output;
	uint64_t from_ns, to_ns;	/* since the first record */
	uint32_t pids[PIDS_MAX];
	unsigned int pid_count;
	uint64_t types[ES_TYPE_WORDS];
	bool some_types;

	struct esc_writer *writer;
	struct pairs asked;		/* copied AUTH records without an answer so far */
	uint64_t lost_all;		/* before the first copied record */
	uint64_t lost[ES_EVENT_TYPES];
	bool begun;
	bool begun_type[ES_EVENT_TYPES];
	struct es_record *copy;		/* ESC_RECORD_MAX */
};

static void usage(FILE *out)
{
	fputs("usage: escap cut [--from SECONDS] [--to SECONDS] [--pid PID]... [--events EVENT,...] -o FILE FILE\n"
	      "Seconds count from the first record. A pid is that of who acts, or is acted upon.\n", out);
}

/* ---- which records are copied ---- */

static bool pid_wanted(const struct cut *cut, const struct es_record *record)
{
	const uint32_t parts[] = { record->process, record->other };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct es_process_part *process = esd_replay_process(record, parts[i]);

		for (unsigned int j = 0; process && j < cut->pid_count; j++)
			if (cut->pids[j] == process->token.pid)
				return true;
	}
	return !cut->pid_count;
}

static bool wanted(const struct cut *cut, const struct es_record *record, uint64_t first_ns)
{
	uint64_t since = record->time_ns > first_ns ? record->time_ns - first_ns : 0;

	return since >= cut->from_ns && since <= cut->to_ns && esd_types_has(cut->types, record->type) &&
	       pid_wanted(cut, record);
}

static int keep(struct cut *cut, const struct es_record *record)
{
	struct es_record *copy = cut->copy;
	unsigned int type = record->type;

	if (!cut->begun)
		cut->lost_all = record->lost_all;
	if (!cut->begun_type[type])
		cut->lost[type] = record->lost_type;
	cut->begun = cut->begun_type[type] = true;
	memcpy(copy, record, record->size);
	copy->lost_all -= cut->lost_all < copy->lost_all ? cut->lost_all : copy->lost_all;
	copy->lost_type -= cut->lost[type] < copy->lost_type ? cut->lost[type] : copy->lost_type;
	if (record->flags & ES_RECORD_AUTH)
		pairs_add(&cut->asked, record->auth_id, 1);
	return esc_write_record(cut->writer, copy);
}

static int keep_answer(struct cut *cut, const struct esc_answer *answer)
{
	uint64_t one;

	return pairs_take(&cut->asked, answer->auth_id, &one) ? esc_write_answer(cut->writer, answer) : 0;
}

/* ---- the command ---- */

/* *ret_read is the reader's result. */
static int cut_all(struct cut *cut, struct esc_reader *reader, int *ret_read)
{
	uint64_t first_ns = UINT64_MAX;
	struct esc_item item;
	int r = 0;

	while (r == 0 && (*ret_read = esc_reader_next(reader, &item)) > 0) {
		if (item.answer) {
			r = keep_answer(cut, item.answer);
			continue;
		}
		if (first_ns == UINT64_MAX) {
			first_ns = item.record->time_ns;
			if (cut->from_ns) {
				esc_reader_seek(reader, first_ns + cut->from_ns);
				continue;
			}
		}
		if (wanted(cut, item.record, first_ns))
			r = keep(cut, item.record);
	}
	return r < 0 ? r : esc_writer_finish(cut->writer, NULL);
}

static int write_part(struct cut *cut, struct esc_reader *reader, const char *path)
{
	_cleanup_(esc_facts_deinit) struct esc_facts facts = {};
	uint64_t recorded[ES_TYPE_WORDS];
	int fd, r, status, read = 0;

	escap_types(esc_reader_facts(reader), recorded);
	for (int i = 0; i < ES_TYPE_WORDS; i++)
		cut->types[i] = cut->some_types ? cut->types[i] & recorded[i] : recorded[i];
	fd = escap_create(cut->output);
	if (fd < 0)
		return EX_CANTCREAT;
	r = escap_derive(&facts, esc_reader_facts(reader), cut->types, "made_by", "escap cut");
	if (r == 0)
		r = esc_writer_new(&cut->writer, fd, &facts);
	if (r == 0)
		r = cut_all(cut, reader, &read);
	if (r == 0)
		log_notice("%" PRIu64 " records in %" PRIu64 " bytes", esc_writer_records(cut->writer),
			   esc_writer_bytes(cut->writer));
	status = escap_close(fd, cut->output, r);
	return status != EX_OK ? status : escap_ended(reader, path, read);
}

static bool add_pid(struct cut *cut, const char *text)
{
	uint64_t pid;

	if (cut->pid_count == PIDS_MAX || number_parse(text, 0, UINT32_MAX, &pid) < 0) {
		log_error("--pid %s: give a process id, %d times at most", text, PIDS_MAX);
		return false;
	}
	cut->pids[cut->pid_count++] = (uint32_t)pid;
	return true;
}

static bool set_option(struct cut *cut, int option)
{
	switch (option) {
	case 'o':
		cut->output = optarg;
		return true;
	case 'f':
		return escap_seconds("from", optarg, &cut->from_ns);
	case 't':
		return escap_seconds("to", optarg, &cut->to_ns);
	case 'p':
		return add_pid(cut, optarg);
	case 'e':
		cut->some_types = true;
		return escap_events(optarg, cut->types);
	}
	usage(stderr);
	return false;
}

static int parse(struct cut *cut, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' }, { "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' }, { "pid", required_argument, NULL, 'p' },
		{ "events", required_argument, NULL, 'e' }, { "help", no_argument, NULL, 'h' }, {},
	};
	int option;

	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) >= 0) {
		if (option == 'h') {
			usage(stdout);
			return EX_OK;
		}
		if (!set_option(cut, option))
			return EX_USAGE;
	}
	if (cut->output && argc == optind + 1)
		return -1;
	usage(stderr);
	return EX_USAGE;
}

int escap_cut(int argc, char **argv)
{
	_cleanup_(esc_reader_freep) struct esc_reader *reader = NULL;
	static struct cut cut = { .to_ns = UINT64_MAX };
	int status;

	status = parse(&cut, argc, argv);
	if (status >= 0)
		return status;
	reader = escap_open(argv[optind]);
	if (!reader)
		return EX_DATAERR;
	cut.copy = malloc(ESC_RECORD_MAX);
	if (!cut.copy) {
		log_error("not enough memory");
		return EX_OSERR;
	}
	status = write_part(&cut, reader, argv[optind]);
	pairs_deinit(&cut.asked);
	esc_writer_free(cut.writer);
	free(cut.copy);
	return status;
}
