/* SPDX-License-Identifier: MIT */
#include "tools/esship/config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/event.h"
#include "util/config-file.h"
#include "util/log.h"

enum { MEGABYTE = 1024 * 1024 };

/* --- checks: by libconfuse, which knows the line --- */

static int check_range(cfg_t *cfg, cfg_opt_t *option, long minimum, long maximum)
{
	long value = cfg_opt_getnint(option, 0);

	if (value >= minimum && value <= maximum)
		return 0;
	cfg_error(cfg, "%s: give a whole number from %ld to %ld", cfg_opt_name(option), minimum, maximum);
	return -1;
}

static int check_size(cfg_t *cfg, cfg_opt_t *option)
{
	return check_range(cfg, option, 1, 1024 * 1024);
}

static int check_ms(cfg_t *cfg, cfg_opt_t *option)
{
	return check_range(cfg, option, 1, 600000);
}

static int check_arguments(cfg_t *cfg, cfg_opt_t *option)
{
	return check_range(cfg, option, 1, 8192);
}

static int check_keep(cfg_t *cfg, cfg_opt_t *option)
{
	return check_range(cfg, option, 0, 1000);
}

static int check_format(cfg_t *cfg, cfg_opt_t *option)
{
	if (event_formatter_find(cfg_opt_getnstr(option, 0)))
		return 0;
	cfg_error(cfg, "format: there are %s", event_formatter_names);
	return -1;
}

static int check_event(cfg_t *cfg, cfg_opt_t *option)
{
	const char *name = cfg_opt_getnstr(option, cfg_opt_size(option) - 1);
	es_event_type_t type;

	if (event_find(name, &type))
		return 0;
	cfg_error(cfg, "events: there is no %s; `eslogger --list-events' prints all names", name);
	return -1;
}

/* An empty prefix would match every path, a relative one none. */
static int check_prefix(cfg_t *cfg, cfg_opt_t *option)
{
	if (*cfg_opt_getnstr(option, cfg_opt_size(option) - 1) == '/')
		return 0;
	cfg_error(cfg, "%s: a path, from / on", cfg_opt_name(option));
	return -1;
}

static int check_metrics(cfg_t *cfg, cfg_opt_t *option)
{
	const char *path = cfg_opt_getnstr(option, 0);

	if (*path == '/' && strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return 0;
	cfg_error(cfg, "metrics: the path of a socket, from / on, of %zu bytes at most",
		  sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	return -1;
}

/* Must be a single header line. */
static int check_header(cfg_t *cfg, cfg_opt_t *option)
{
	const char *header = cfg_opt_getnstr(option, cfg_opt_size(option) - 1);

	if (strchr(header, ':') > header && !strpbrk(header, "\r\n"))
		return 0;
	cfg_error(cfg, "headers: each is a name, a colon, and a value");
	return -1;
}

/* A sink's name is used as a file name in the spool, and as a label. */
static bool is_name(const char *name)
{
	return *name && strlen(name) <= 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(name);
}

static void sink_of(struct sink_config *ret, cfg_t *section);

static int check_sink(cfg_t *cfg, cfg_opt_t *option)
{
	cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
	const struct sink_kind *kind;
	struct sink_config sink;
	const char *missing;

	sink_of(&sink, section);
	kind = sink.type ? sink_find(sink.type) : NULL;
	if (!is_name(sink.name)) {
		cfg_error(cfg, "sink \"%s\": a name has lower-case letters, digits, - and _, 32 at most", sink.name);
		return -1;
	}
	if (!kind || kind->absent) {
		cfg_error(cfg, "sink \"%s\": type: there are %s%s%s", sink.name, sink_names,
			  kind ? "; this esship was built without " : "", kind ? kind->absent : "");
		return -1;
	}
	missing = kind->check(&sink);
	if (!missing && sink.key && !sink.certificate)
		missing = "certificate: that of the key";
	if (!missing && cfg_size(section, "headers") > SINK_HEADERS_MAX)
		missing = "headers: 16 at most";
	if (missing) {
		cfg_error(cfg, "sink \"%s\": %s", sink.name, missing);
		return -1;
	}
	return 0;
}

static void checks_set(cfg_t *cfg)
{
	cfg_set_validate_func(cfg, "spool-mb", check_size);
	cfg_set_validate_func(cfg, "flush-ms", check_ms);
	cfg_set_validate_func(cfg, "linger-ms", check_ms);
	cfg_set_validate_func(cfg, "arguments-kb", check_arguments);
	cfg_set_validate_func(cfg, "format", check_format);
	cfg_set_validate_func(cfg, "events", check_event);
	cfg_set_validate_func(cfg, "mute", check_prefix);
	cfg_set_validate_func(cfg, "mute-target", check_prefix);
	cfg_set_validate_func(cfg, "target", check_prefix);
	cfg_set_validate_func(cfg, "select", check_prefix);
	cfg_set_validate_func(cfg, "metrics", check_metrics);
	cfg_set_validate_func(cfg, "sink", check_sink);
	cfg_set_validate_func(cfg, "sink|headers", check_header);
	cfg_set_validate_func(cfg, "sink|rotate-mb", check_size);
	cfg_set_validate_func(cfg, "sink|keep", check_keep);
	cfg_set_validate_func(cfg, "sink|timeout-ms", check_ms);
	cfg_set_validate_func(cfg, "sink|retry-ms", check_ms);
}

/* --- taking --- */

static void sink_of(struct sink_config *ret, cfg_t *section)
{
	*ret = (struct sink_config){
		.name = cfg_title(section),
		.type = cfg_getstr(section, "type"),
		.path = cfg_getstr(section, "path"),
		.url = cfg_getstr(section, "url"),
		.host = cfg_getstr(section, "host"),
		.port = cfg_getstr(section, "port"),
		.ca = cfg_getstr(section, "ca"),
		.certificate = cfg_getstr(section, "certificate"),
		.key = cfg_getstr(section, "key"),
		.facility = cfg_getstr(section, "facility"),
		.subject = cfg_getstr(section, "subject"),
		.credentials = cfg_getstr(section, "credentials"),
		.brokers = cfg_getstr(section, "brokers"),
		.topic = cfg_getstr(section, "topic"),
		.user = cfg_getstr(section, "user"),
		.password = cfg_getstr(section, "password"),
		.mechanism = cfg_getstr(section, "mechanism"),
		.tls = cfg_getbool(section, "tls"),
		.rotate_bytes = (uint64_t)cfg_getint(section, "rotate-mb") * MEGABYTE,
		.keep = (unsigned int)cfg_getint(section, "keep"),
		.timeout_ms = (unsigned int)cfg_getint(section, "timeout-ms"),
		.retry_ms = (unsigned int)cfg_getint(section, "retry-ms"),
	};
	for (unsigned int i = 0; i < cfg_size(section, "headers") && i < SINK_HEADERS_MAX; i++)
		ret->headers[ret->header_count++] = cfg_getnstr(section, "headers", i);
}

static void add_event(struct config *config, const char *name)
{
	es_event_type_t type;

	if (!event_find(name, &type))
		return;
	for (uint32_t i = 0; i < config->event_count; i++)
		if (config->events[i] == type)
			return;
	config->events[config->event_count++] = type;
}

static bool is_in_spool(const struct config *config, const struct sink_config *sink)
{
	size_t length = strlen(config->spool);

	return !strcmp(sink->type, "file") && !strncmp(sink->path, config->spool, length) && sink->path[length] == '/';
}

/* Two sinks can't share a file: each would cut off lines of the other. */
static bool are_apart(const struct config *config, const char *path)
{
	for (size_t i = 0; i < config->sink_count; i++) {
		if (!is_in_spool(config, &config->sinks[i]))
			continue;
		log_error("%s: sink \"%s\": the spool is no place for its file", path, config->sinks[i].name);
		return false;
	}
	for (size_t i = 0; i < config->sink_count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct sink_config *a = &config->sinks[i], *b = &config->sinks[j];

			if (strcmp(a->type, "file") || strcmp(b->type, "file") || strcmp(a->path, b->path))
				continue;
			log_error("%s: sinks \"%s\" and \"%s\" have the same path", path, b->name, a->name);
			return false;
		}
	return true;
}

static bool take(struct config *config, const char *path)
{
	cfg_t *cfg = config->cfg;

	config->spool = cfg_getstr(cfg, "spool");
	config->metrics = cfg_getstr(cfg, "metrics");
	config->spool_bytes = (uint64_t)cfg_getint(cfg, "spool-mb") * MEGABYTE;
	config->sync = cfg_getbool(cfg, "sync");
	config->flush_ms = (unsigned int)cfg_getint(cfg, "flush-ms");
	config->linger_ms = (unsigned int)cfg_getint(cfg, "linger-ms");
	config->arguments_bytes = (uint64_t)cfg_getint(cfg, "arguments-kb") * 1024;
	config->formatter = event_formatter_find(cfg_getstr(cfg, "format"));
	config->only_denied = cfg_getbool(cfg, "only-denied");
	for (unsigned int i = 0; i < cfg_size(cfg, "events"); i++)
		add_event(config, cfg_getnstr(cfg, "events", i));
	if (!config->spool || *config->spool != '/')
		log_error("%s: spool: give a folder, from / on", path);
	else if (!config->event_count)
		log_error("%s: events: name at least one", path);
	else if (cfg_size(cfg, "target") && cfg_size(cfg, "mute-target"))
		log_error("%s: target and mute-target: give one of them", path);
	else if (!cfg_size(cfg, "sink") || cfg_size(cfg, "sink") > SPOOL_READERS_MAX)
		log_error("%s: sink: there have to be 1 to %d", path, SPOOL_READERS_MAX);
	else
		config->sink_count = cfg_size(cfg, "sink");
	for (unsigned int i = 0; i < config->sink_count; i++) {
		sink_of(&config->sinks[i], cfg_getnsec(cfg, "sink", i));
		config->sinks[i].sync = config->sync;
	}
	return config->sink_count && are_apart(config, path);
}

/* Does it have credentials, by which others could log in as us? */
static bool has_secrets(const struct config *config)
{
	for (size_t i = 0; i < config->sink_count; i++) {
		const struct sink_config *sink = &config->sinks[i];

		if (sink->password || sink->header_count || (sink->url && strpbrk(sink->url, "@?")))
			return true;
	}
	return false;
}

static void warn_if_readable(const struct config *config, const char *path)
{
	struct stat st;

	if (has_secrets(config) && stat(path, &st) == 0 && st.st_mode & (S_IRGRP | S_IROTH))
		log_warning("%s: it has what a sink logs in with, and others can read it (chmod go-r)", path);
}

static bool is_readable(const struct sink_config *sink, const char *name, const char *path)
{
	if (!path || access(path, R_OK) == 0)
		return true;
	log_error("sink \"%s\": %s: %s: %s", sink->name, name, path, strerror(errno));
	return false;
}

bool config_files_there(const struct config *config)
{
	bool all = true;

	for (size_t i = 0; i < config->sink_count; i++) {
		const struct sink_config *sink = &config->sinks[i];

		all &= is_readable(sink, "ca", sink->ca);
		all &= is_readable(sink, "certificate", sink->certificate);
		all &= is_readable(sink, "key", sink->key);
		all &= is_readable(sink, "credentials", sink->credentials);
	}
	return all;
}

bool config_read(struct config *ret, const char *path)
{
	cfg_opt_t sink[] = {
		CFG_STR("type", NULL, CFGF_NONE),
		CFG_STR("path", NULL, CFGF_NONE),
		CFG_STR("url", NULL, CFGF_NONE),
		CFG_STR("host", NULL, CFGF_NONE),
		CFG_STR("port", NULL, CFGF_NONE),
		CFG_STR("ca", NULL, CFGF_NONE),
		CFG_STR("certificate", NULL, CFGF_NONE),
		CFG_STR("key", NULL, CFGF_NONE),
		CFG_STR("facility", "local0", CFGF_NONE),
		CFG_STR("subject", "es.events", CFGF_NONE),
		CFG_STR("credentials", NULL, CFGF_NONE),
		CFG_STR("brokers", NULL, CFGF_NONE),
		CFG_STR("topic", "es.events", CFGF_NONE),
		CFG_STR("user", NULL, CFGF_NONE),
		CFG_STR("password", NULL, CFGF_NONE),
		CFG_STR("mechanism", "SCRAM-SHA-512", CFGF_NONE),
		CFG_STR_LIST("headers", "{}", CFGF_NONE),
		CFG_BOOL("tls", cfg_false, CFGF_NONE),
		CFG_INT("rotate-mb", 100, CFGF_NONE),
		CFG_INT("keep", 10, CFGF_NONE),
		CFG_INT("timeout-ms", 10000, CFGF_NONE),
		CFG_INT("retry-ms", 30000, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t names[] = {
		CFG_STR("spool", NULL, CFGF_NONE),
		CFG_STR("metrics", NULL, CFGF_NONE),
		CFG_INT("spool-mb", 1024, CFGF_NONE),
		CFG_BOOL("sync", cfg_true, CFGF_NONE),
		CFG_INT("flush-ms", 200, CFGF_NONE),
		CFG_INT("linger-ms", 3000, CFGF_NONE),
		CFG_INT("arguments-kb", 32, CFGF_NONE),
		CFG_STR("format", "json", CFGF_NONE),
		CFG_STR_LIST("events", "{}", CFGF_NONE),
		CFG_STR_LIST("mute", "{}", CFGF_NONE),
		CFG_STR_LIST("mute-target", "{}", CFGF_NONE),
		CFG_STR_LIST("target", "{}", CFGF_NONE),
		CFG_STR_LIST("select", "{}", CFGF_NONE),
		CFG_BOOL("only-denied", cfg_false, CFGF_NONE),
		CFG_SEC("sink", sink, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CONFIG_FILE_END(),
	};
	int r;

	*ret = (struct config){};
	r = config_file_parse(names, path, checks_set, &ret->cfg);
	if (r == ENOENT)
		log_error("%s: there is no such file", path);
	if (r)
		return false;
	if (take(ret, path)) {
		warn_if_readable(ret, path);
		return true;
	}
	config_deinit(ret);
	return false;
}

void config_deinit(struct config *config)
{
	if (config->cfg)
		cfg_free(config->cfg);
	config->cfg = NULL;
}
