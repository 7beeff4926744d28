/* SPDX-License-Identifier: MIT */

/* escap info: describes a capture and its content. Reads all of it, to find damage. */

#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "abi/sensor.h"
#include "capture/layout.h"
#include "tools/escap/escap.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

struct counts {
	uint64_t records;
	uint64_t by_type[ES_EVENT_TYPES];
	uint64_t answers[ES_VERDICT_MASK + 1];
	uint64_t missed;
	uint64_t lost;
	uint64_t bytes;
	uint64_t from_ns;
	uint64_t to_ns;
};

static void count_record(struct counts *counts, const struct es_record *record)
{
	if (!counts->records++)
		counts->from_ns = record->time_ns;
	if (record->time_ns < counts->from_ns)
		counts->from_ns = record->time_ns;
	if (record->time_ns > counts->to_ns)
		counts->to_ns = record->time_ns;
	if (record->lost_all > counts->lost)
		counts->lost = record->lost_all;
	counts->by_type[record->type]++;
	counts->bytes += record->size;
}

static void count_answer(struct counts *counts, const struct esc_answer *answer)
{
	counts->answers[answer->verdict & ES_VERDICT_MASK]++;
	counts->missed += !!(answer->verdict & ES_VERDICT_MISSED);
}

/* Prints the file's text as it is, except for control characters. */
static void print_facts(const struct esc_facts *facts)
{
	for (const char *at = facts->text; at && *at; at++)
		putchar(*at == '\n' || ((unsigned char)*at >= ' ' && *at != 127) ? *at : '?');
}

static void print_counts(const struct counts *counts)
{
	char name[64];

	printf("records=%" PRIu64 "\nbytes=%" PRIu64 "\nseconds=%.3f\nlost=%" PRIu64 "\n", counts->records, counts->bytes,
	       (double)(counts->to_ns - counts->from_ns) / (double)NS_PER_S, counts->lost);
	printf("answers=%" PRIu64 " allow, %" PRIu64 " deny, %" PRIu64 " none; of them %" PRIu64 " by a missed deadline\n",
	       counts->answers[ES_VERDICT_ALLOW], counts->answers[ES_VERDICT_DENY], counts->answers[ES_VERDICT_NONE],
	       counts->missed);
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++) {
		if (!counts->by_type[type])
			continue;
		escap_event_name(type, name, sizeof(name));
		printf("%12" PRIu64 " %s\n", counts->by_type[type], name);
	}
}

int escap_info(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, {} };
	_cleanup_(esc_reader_freep) struct esc_reader *reader = NULL;
	static struct counts counts;
	struct esc_item item;
	int option, status, r;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		fputs("usage: escap info FILE\n", option == 'h' ? stdout : stderr);
		return option == 'h' ? EX_OK : EX_USAGE;
	}
	if (argc != optind + 1) {
		fputs("usage: escap info FILE\n", stderr);
		return EX_USAGE;
	}
	reader = escap_open(argv[optind]);
	if (!reader)
		return EX_DATAERR;
	print_facts(esc_reader_facts(reader));
	while ((r = esc_reader_next(reader, &item)) > 0) {
		if (item.record)
			count_record(&counts, item.record);
		else
			count_answer(&counts, item.answer);
	}
	printf("indexed=%s\nwhole=%s\n", esc_reader_is_indexed(reader) ? "yes" : "no",
	       r < 0 ? "no, damaged" : esc_reader_is_cut(reader) ? "no, cut off" : "yes");
	print_counts(&counts);
	status = escap_ended(reader, argv[optind], r);
	return fflush(stdout) ? EX_IOERR : status;
}
