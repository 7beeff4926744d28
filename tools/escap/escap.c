/* SPDX-License-Identifier: MIT */
#include "tools/escap/escap.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

/* ---- events ---- */

void escap_event_name(unsigned int type, char *ret, size_t size)
{
	snprintf(ret, size, "%s", type < ES_EVENT_TYPES ? esd_events[type].name : "?");
	for (; *ret; ret++)
		*ret = (char)tolower((unsigned char)*ret);
}

bool escap_event(const char *name, unsigned int *ret_type)
{
	char own[64], plain[80];

	snprintf(plain, sizeof(plain), "notify_%s", name);
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++) {
		escap_event_name(type, own, sizeof(own));
		if (strcasecmp(own, name) && strcasecmp(own, plain))
			continue;
		*ret_type = type;
		return true;
	}
	log_error("no such event: %s (NOTIFY events as `eslogger --list-events' has them, AUTH events as auth_open)", name);
	return false;
}

bool escap_events(char *names, uint64_t types[ES_TYPE_WORDS])
{
	unsigned int type;
	char *name;

	while ((name = strsep(&names, ","))) {
		if (!escap_event(name, &type))
			return false;
		esd_types_add(types, type);
	}
	return true;
}

void escap_types(const struct esc_facts *facts, uint64_t ret[ES_TYPE_WORDS])
{
	char text[ES_EVENT_TYPES * 32] = "", *at = text, *name;

	memset(ret, 0, ES_TYPE_WORDS * sizeof(ret[0]));
	(void)esc_facts_get(facts, "types", text, sizeof(text));
	while ((name = strsep(&at, ",")))
		for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
			if (!strcmp(name, esd_events[type].name))
				esd_types_add(ret, type);
}

/* ---- facts ---- */

static int set_types(struct esc_facts *facts, const uint64_t types[ES_TYPE_WORDS])
{
	char text[ES_EVENT_TYPES * 32];
	size_t used = 0;
	unsigned int type;

	text[0] = 0;
	for (type = esd_types_next(types, 0); type < ES_EVENT_TYPES; type = esd_types_next(types, type + 1))
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? "," : "", esd_events[type].name);
	return esc_facts_set(facts, "types", text);
}

/* If several lines have the same key, the first one counts. */
int escap_derive(struct esc_facts *ret, const struct esc_facts *from, const uint64_t types[ES_TYPE_WORDS], const char *key,
		 const char *value)
{
	char *text;
	int r;

	r = set_types(ret, types);
	if (r == 0 && key)
		r = esc_facts_set(ret, key, value);
	if (r < 0 || !from || !from->text)
		return r;
	text = realloc(ret->text, ret->length + from->length + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text + ret->length, from->text, from->length + 1);
	ret->text = text;
	ret->length += from->length;
	return 0;
}

/* ---- files ---- */

struct esc_reader *escap_open(const char *path)
{
	char problem[ESC_PROBLEM_BYTES];
	struct esc_reader *reader;

	if (esc_reader_open(&reader, path, problem) == 0)
		return reader;
	log_error("%s: %s", path, problem);
	return NULL;
}

int escap_ended(const struct esc_reader *reader, const char *path, int error)
{
	if (error < 0) {
		log_error("%s: %s", path, esc_reader_problem(reader));
		return EX_DATAERR;
	}
	if (esc_reader_is_cut(reader))
		log_warning("%s: it was cut off; what comes before is whole", path);
	return EX_OK;
}

int escap_create(const char *path)
{
	int fd;

	if (!strcmp(path, "-")) {
		if (!isatty(STDOUT_FILENO))
			return STDOUT_FILENO;
		log_error("a capture is nothing for a terminal: give a file with -o");
		return -EINVAL;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		fd = -errno;
		log_error("%s: it can't be made: %s", path, strerror(errno));
	}
	return fd;
}

int escap_close(int fd, const char *path, int error)
{
	if (fd != STDOUT_FILENO && close(fd) < 0 && error == 0)
		error = -errno;
	if (error == 0)
		return EX_OK;
	log_error("%s: it can't be written: %s", path, strerror(-error));
	return EX_IOERR;
}

bool escap_seconds(const char *option, const char *text, uint64_t *ret_ns)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0 && seconds < 1e9)) {
		log_error("--%s %s: give a number of seconds", option, text);
		return false;
	}
	*ret_ns = (uint64_t)(seconds * (double)NS_PER_S);
	return true;
}

/* ---- commands ---- */

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *text;
} commands[] = {
	{ "record", escap_record, "-o FILE EVENT...        what this machine's kernel tells, until a signal (root)" },
	{ "info", escap_info, "FILE                    what a capture is, and what is in it" },
	{ "print", escap_print, "FILE                    its messages, as eslogger would print them" },
	{ "cut", escap_cut, "-o FILE FILE            a part of it: --from, --to, --pid, --events" },
	{ "merge", escap_merge, "-o FILE FILE...         several as one, in order of time" },
	{ "replay", escap_replay, "FILE -- CLIENT...       runs an unmodified client against it" },
	{ "verify", escap_verify, "[FILE...]               of lines that esship sent: is one missing?" },
};

static void usage(FILE *out)
{
	fputs("usage: escap COMMAND ...; escap COMMAND --help says more\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-7s %s\n", commands[i].name, commands[i].text);
}

int main(int argc, char **argv)
{
	log_init("escap");
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage(stdout);
		return EX_OK;
	}
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		puts("escap " ESCAP_VERSION);
		return EX_OK;
	}
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (argc > 1)
		log_error("no such command: %s", argv[1]);
	usage(stderr);
	return EX_USAGE;
}
