/* SPDX-License-Identifier: MIT */

/* escap print: prints the messages of a capture, as for a client that subscribes to all recorded types. */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "lib/message.h"
#include "tools/escap/escap.h"
#include "tools/event-formats.h"
#include "util/log.h"
#include "util/macro.h"

enum { FLUSH_BYTES = 65536 };

/* As lib/deliver.c numbers what it delivers. */
struct numbers {
	uint64_t received;
	uint64_t next;
};

struct printer {
	const struct event_formatter *formatter;
	struct event_host host;
	struct esl_clock clock;
	struct esl_message *message;
	struct numbers all;
	struct numbers of[ES_EVENT_TYPES];
	uint64_t malformed;
	struct json json;
};

static void usage(FILE *out)
{
	fputs("usage: escap print [--format json|ecs|ocsf] FILE\n", out);
}

/* The host of the recording; a capture doesn't have its machine-id. */
static void host_of(struct event_host *host, const struct esc_facts *facts)
{
	(void)esc_facts_get(facts, "host", host->name, sizeof(host->name));
	(void)esc_facts_get(facts, "boot_id", host->boot_id, sizeof(host->boot_id));
	(void)esc_facts_get(facts, "kernel", host->kernel, sizeof(host->kernel));
	(void)esc_facts_get(facts, "machine", host->machine, sizeof(host->machine));
}

static uint64_t number_next(struct numbers *numbers, uint64_t lost)
{
	uint64_t number = numbers->received++ + lost;

	if (number < numbers->next)
		number = numbers->next;
	numbers->next = number + 1;
	return number;
}

static int flush(struct printer *printer)
{
	if (printer->json.failed)
		return -ENOMEM;
	if (printer->json.length && fwrite(printer->json.data, printer->json.length, 1, stdout) != 1)
		return -EIO;
	printer->json.length = 0;
	return 0;
}

static int print_record(struct printer *printer, const struct es_record *record)
{
	es_message_t *message;
	int r;

	r = esl_message_copy(&printer->message, record, record->size);
	if (r == 0)
		r = esl_message_decode(printer->message, &printer->clock);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		printer->malformed++;
	message = r < 0 ? NULL : &printer->message->message;
	r = (int)record->type;
	if (message) {
		message->seq_num = number_next(&printer->of[r], record->lost_type);
		message->global_seq_num = number_next(&printer->all, record->lost_all);
		printer->formatter->put(&printer->json, message, &printer->host);
	} else {
		number_next(&printer->of[r], record->lost_type);
		number_next(&printer->all, record->lost_all);
	}
	return printer->json.length >= FLUSH_BYTES ? flush(printer) : 0;
}

static int print_all(struct printer *printer, struct esc_reader *reader, const char *path)
{
	struct esc_item item;
	int r, written = 0;

	while (written == 0 && (r = esc_reader_next(reader, &item)) > 0)
		if (item.record)
			written = print_record(printer, item.record);
	if (written == 0)
		written = flush(printer);
	if (written < 0 || fflush(stdout)) {
		log_error("can't write: %s", strerror(written == -EIO || !written ? errno : -written));
		return EX_IOERR;
	}
	if (printer->malformed)
		log_warning("%s: %" PRIu64 " records make no message, as they wouldn't in a client", path,
			    printer->malformed);
	return escap_ended(reader, path, r);
}

int escap_print(int argc, char **argv)
{
	static const struct option options[] = { { "format", required_argument, NULL, 'f' },
						 { "help", no_argument, NULL, 'h' }, {} };
	_cleanup_(esc_reader_freep) struct esc_reader *reader = NULL;
	static struct printer printer;
	int option, status;

	printer.formatter = event_formatter_find("json");
	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (option == 'f' && (printer.formatter = event_formatter_find(optarg)))
			continue;
		if (option == 'f')
			log_error("--format %s: there are %s", optarg, event_formatter_names);
		usage(option == 'h' ? stdout : stderr);
		return option == 'h' ? EX_OK : EX_USAGE;
	}
	if (argc != optind + 1) {
		usage(stderr);
		return EX_USAGE;
	}
	reader = escap_open(argv[optind]);
	if (!reader)
		return EX_DATAERR;
	host_of(&printer.host, esc_reader_facts(reader));
	printer.clock = (struct esl_clock){
		.given = true,
		.from_monotonic = esc_facts_number(esc_reader_facts(reader), "from_monotonic_ns", 0),
		.from_boot = esc_facts_number(esc_reader_facts(reader), "from_boot_ns", 0),
	};
	status = print_all(&printer, reader, argv[optind]);
	if (printer.message)
		esl_message_put(printer.message);
	json_deinit(&printer.json);
	return status;
}
