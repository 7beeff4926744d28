/* SPDX-License-Identifier: MIT */

/*
 * escap verify: checks that everything that esship sent has arrived. Reads the lines of a sink, from files or a pipe,
 * in any order, and checks their numbers. A missing number is either explained by a control line, or a gap.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "tools/escap/escap.h"
#include "tools/escap/numbers.h"
#include "util/log.h"
#include "util/macro.h"
#include "util/text.h"

enum { EXIT_GAPS = 3, CLIENT_BYTES = 64, WHY_BYTES = 16, TYPES_BYTES = 512 };

/* Numbers that a control line reports as dropped. */
struct dropped {
	uint64_t first, last, count;
	char why[WHY_BYTES];
	char types[TYPES_BYTES];
};

struct client {
	char id[CLIENT_BYTES];		/* first: compare_clients() */
	struct client *next;		/* in the order in which they came */
	char host[CLIENT_BYTES], boot[CLIENT_BYTES];
	struct numbers numbers;
	uint64_t doubles;
	uint64_t lost;			/* in the kernel, with no number */
	bool started, ended;
	char before[CLIENT_BYTES];	/* the client whose spool it took over, */
	uint64_t before_last;		/* and that one's last number in there */
	uint64_t known_last;		/* this client's last number, as a later one reports it */
	bool succeeded;
	struct dropped *dropped;
	size_t dropped_count;
};

struct verifier {
	void *tree;			/* of clients, by id: tsearch(3) */
	struct client *clients, **end;
	size_t count;
	uint64_t lines, other;		/* other: no line of esship's */
	bool quiet;
};

static void usage(FILE *out)
{
	fputs("usage: escap verify [--quiet] [FILE...]\n", out);
}

/* --- lines --- */

static void copy_text(char *ret, size_t size, json_object *object, const char *key)
{
	json_object *value;

	ret[0] = 0;
	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_string))
		return;
	snprintf(ret, size, "%s", json_object_get_string(value));
	text_clean(ret);
}

static uint64_t number_of(json_object *object, const char *key)
{
	json_object *value;

	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_int))
		return 0;
	/* No real number is so large. This keeps number + 1 from overflowing. */
	return json_object_get_uint64(value) > INT64_MAX ? 0 : json_object_get_uint64(value);
}

/* Both begin with their ids. */
static int compare_clients(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct client *client_find(const struct verifier *verifier, const char *id)
{
	struct client *const *found = tfind(id, &verifier->tree, compare_clients);

	return found ? *found : NULL;
}

static struct client *client_of(struct verifier *verifier, const char *id)
{
	struct client *client = client_find(verifier, id);

	if (client)
		return client;
	client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	snprintf(client->id, sizeof(client->id), "%s", id);
	if (!tsearch(client, &verifier->tree, compare_clients)) {
		free(client);
		return NULL;
	}
	*verifier->end = client;
	verifier->end = &client->next;
	verifier->count++;
	return client;
}

static void clients_free(struct verifier *verifier)
{
	while (verifier->clients) {
		struct client *client = verifier->clients;

		verifier->clients = client->next;
		tdelete(client, &verifier->tree, compare_clients);
		numbers_deinit(&client->numbers);
		free(client->dropped);
		free(client);
	}
}

static int take_dropped(struct verifier *verifier, json_object *said)
{
	char id[CLIENT_BYTES];
	struct dropped *dropped;
	struct client *client;
	json_object *types;

	copy_text(id, sizeof(id), said, "client");
	client = client_of(verifier, id);
	dropped = client ? reallocarray(client->dropped, client->dropped_count + 1, sizeof(*dropped)) : NULL;
	if (!dropped)
		return -ENOMEM;
	client->dropped = dropped;
	dropped += client->dropped_count++;
	*dropped = (struct dropped){ number_of(said, "first"), number_of(said, "last"), number_of(said, "count"), "", "" };
	copy_text(dropped->why, sizeof(dropped->why), said, "why");
	if (json_object_object_get_ex(said, "types", &types) && json_object_is_type(types, json_type_object)) {
		json_object_object_foreach(types, name, count) {
			size_t used = strlen(dropped->types);

			snprintf(dropped->types + used, sizeof(dropped->types) - used, "%s%" PRIu64 " %s", used ? ", " : "",
				 json_object_get_uint64(count), name);
		}
		text_clean(dropped->types);
	}
	return 0;
}

/* Handles a control line. */
static int take_control(struct verifier *verifier, struct client *client, json_object *own)
{
	json_object *said;

	if (json_object_object_get_ex(own, "started", &said)) {
		client->started = true;
		copy_text(client->before, sizeof(client->before), said, "before");
		client->before_last = number_of(said, "last");
	}
	if (json_object_object_get_ex(own, "lost", &said))
		client->lost += number_of(said, "count");
	if (json_object_object_get_ex(own, "ended", &said))
		client->ended = true;
	return json_object_object_get_ex(own, "dropped", &said) ? take_dropped(verifier, said) : 0;
}

/* Finds the "esship" object, whose place depends on the format. */
static json_object *own_of(json_object *line)
{
	json_object *within, *own;

	if (json_object_object_get_ex(line, "esship", &own))
		return own;
	if ((json_object_object_get_ex(line, "endpoint_security", &within) ||
	     json_object_object_get_ex(line, "unmapped", &within)) &&
	    json_object_object_get_ex(within, "esship", &own))
		return own;
	return NULL;
}

static int take_line(struct verifier *verifier, json_object *line)
{
	json_object *own = json_object_is_type(line, json_type_object) ? own_of(line) : NULL;
	char id[CLIENT_BYTES];
	struct client *client;
	int r;

	if (own)
		copy_text(id, sizeof(id), own, "client");
	if (!own || !*id || !number_of(own, "number")) {
		verifier->other++;
		return 0;
	}
	verifier->lines++;
	client = client_of(verifier, id);
	r = client ? numbers_add(&client->numbers, number_of(own, "number")) : -ENOMEM;
	if (r < 0)
		return r;
	if (r == 0) {
		client->doubles++;	/* its content was handled the first time */
		return 0;
	}
	if (!*client->host) {
		copy_text(client->host, sizeof(client->host), own, "host");
		copy_text(client->boot, sizeof(client->boot), own, "boot");
	}
	return take_control(verifier, client, own);
}

/* A line may have text before its object, as from syslog. */
static int read_line(struct verifier *verifier, struct json_tokener *tokener, const char *text, size_t length)
{
	const char *begin = memchr(text, '{', length);
	json_object *line;
	int r;

	if (!begin) {
		verifier->other += length > 1;
		return 0;
	}
	json_tokener_reset(tokener);
	line = json_tokener_parse_ex(tokener, begin, (int)(text + length - begin));
	if (!line) {
		verifier->other++;
		return 0;
	}
	r = take_line(verifier, line);
	json_object_put(line);
	return r;
}

static int read_file(struct verifier *verifier, const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	struct json_tokener *tokener = json_tokener_new();
	char *text = NULL;
	size_t size = 0;
	ssize_t length;
	int r = file && tokener ? 0 : -errno;

	while (r == 0 && (length = getline(&text, &size, file)) > 0)
		r = read_line(verifier, tokener, text, (size_t)length);
	if (r == 0 && ferror(file))
		r = -EIO;
	if (r < 0)
		log_error("%s: %s", path, strerror(-r));
	free(text);
	if (tokener)
		json_tokener_free(tokener);
	if (file && !is_stdin)
		fclose(file);
	return r;
}

/* --- what is missing --- */

static int compare_dropped(const void *a, const void *b)
{
	const struct dropped *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Overlapping reports count together: the numbers missing in their range must be as many as they say. */
static size_t explained(const struct client *client, size_t from, struct numbers_range *ret, bool *ret_good)
{
	uint64_t count = client->dropped[from].count;
	size_t next = from + 1;

	ret->first = client->dropped[from].first;
	ret->last = client->dropped[from].last;
	while (next < client->dropped_count && client->dropped[next].first <= ret->last) {
		if (client->dropped[next].last > ret->last)
			ret->last = client->dropped[next].last;
		count += client->dropped[next++].count;
	}
	*ret_good = ret->first && ret->last >= ret->first &&
		    ret->last - ret->first + 1 - numbers_within(&client->numbers, ret->first, ret->last) == count;
	return next;
}

static void print_gap(const struct numbers_range *gap, const char *what)
{
	printf("  %s: %" PRIu64 " to %" PRIu64 ", %" PRIu64 " lines\n", what, gap->first, gap->last, gap->last - gap->first + 1);
}

/* Prints the missing numbers from `from` to `last` that no control line explains. */
static uint64_t print_gaps(const struct client *client, uint64_t from, uint64_t last)
{
	struct numbers_range gap;
	uint64_t missing = 0;

	while (numbers_missing(&client->numbers, from, last, &gap)) {
		print_gap(&gap, "missing");
		missing += gap.last - gap.first + 1;
		from = gap.last + 1;
	}
	return missing;
}

static uint64_t print_missing(struct client *client, uint64_t last)
{
	uint64_t from = 1, missing = 0;

	if (client->dropped_count)
		qsort(client->dropped, client->dropped_count, sizeof(*client->dropped), compare_dropped);
	for (size_t i = 0; i < client->dropped_count;) {
		struct numbers_range window;
		bool good;

		i = explained(client, i, &window, &good);
		if (window.first > from)
			missing += print_gaps(client, from, window.first - 1);
		if (!good) {
			print_gap(&window, "not as many are missing as were dropped");
			missing++;
		}
		if (window.last >= from)
			from = window.last + 1;
	}
	return missing + print_gaps(client, from, last);
}

static uint64_t print_client(struct client *client, bool quiet)
{
	uint64_t last = numbers_last(&client->numbers), missing;

	if (client->known_last > last)
		last = client->known_last;
	if (!quiet)
		printf("client %s, host %s, boot %s: %" PRIu64 " lines, up to %" PRIu64 "; %" PRIu64 " came again; %s\n",
		       client->id, client->host, client->boot, numbers_within(&client->numbers, 1, UINT64_MAX), last,
		       client->doubles, client->ended ? "ended" : client->succeeded ? "killed" : "it goes on, or was killed");
	if (client->lost && !quiet)
		printf("  lost: %" PRIu64 " events, of which the kernel's ring had no room\n", client->lost);
	for (size_t i = 0; i < client->dropped_count && !quiet; i++)
		printf("  dropped, %s: %" PRIu64 " lines among %" PRIu64 " to %" PRIu64 ": %s\n", client->dropped[i].why,
		       client->dropped[i].count, client->dropped[i].first, client->dropped[i].last, client->dropped[i].types);
	missing = print_missing(client, last);
	return missing;
}

/* Takes over what a client reports of the previous one, if there are lines of that. */
static void connect_clients(struct verifier *verifier)
{
	for (struct client *client = verifier->clients; client; client = client->next) {
		struct client *before = *client->before ? client_find(verifier, client->before) : NULL;

		if (!before || before == client)
			continue;
		before->known_last = client->before_last;
		before->succeeded = true;
	}
}

static int report(struct verifier *verifier)
{
	uint64_t missing = 0, doubles = 0;

	connect_clients(verifier);
	for (struct client *client = verifier->clients; client; client = client->next) {
		doubles += client->doubles;
		missing += print_client(client, verifier->quiet);
	}
	printf("%" PRIu64 " lines of %zu clients, %" PRIu64 " came again, %" PRIu64 " missing", verifier->lines, verifier->count,
	       doubles, missing);
	printf(verifier->other ? "; %" PRIu64 " lines are not esship's\n" : "\n", verifier->other);
	if (fflush(stdout))
		return EX_IOERR;
	return missing ? EXIT_GAPS : verifier->lines ? EX_OK : EX_DATAERR;
}

int escap_verify(int argc, char **argv)
{
	static const struct option options[] = { { "quiet", no_argument, NULL, 'q' }, { "help", no_argument, NULL, 'h' }, {} };
	static struct verifier verifier = { .end = &verifier.clients };
	int option, r = 0;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (option != 'q') {
			usage(option == 'h' ? stdout : stderr);
			return option == 'h' ? EX_OK : EX_USAGE;
		}
		verifier.quiet = true;
	}
	if (optind == argc)
		r = read_file(&verifier, "-");
	for (int i = optind; i < argc && r == 0; i++)
		r = read_file(&verifier, argv[i]);
	if (r == 0)
		r = report(&verifier);
	clients_free(&verifier);
	return r < 0 ? EX_NOINPUT : r;
}
