/* SPDX-License-Identifier: MIT */
#include "daemon/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sensor/event.h"
#include "util/config-file.h"
#include "util/log.h"
#include "util/macro.h"

int esd_config_sensor(const char *name)
{
	static const char *const names[] = {
		[ESD_CHOOSE_AUTO] = "auto",
		[ESD_CHOOSE_LSM] = "lsm",
		[ESD_CHOOSE_TRACEPOINT] = "tracepoint",
	};

	for (unsigned int choice = 0; choice < ARRAY_SIZE(names); choice++) {
		if (!strcmp(name, names[choice]))
			return choice;
	}
	return -EINVAL;
}

static int check_number(cfg_t *cfg, cfg_opt_t *option, long minimum, long maximum)
{
	long value = cfg_opt_getnint(option, 0);

	if (value >= minimum && value <= maximum)
		return 0;
	cfg_error(cfg, "%s: give a whole number from %ld to %ld", cfg_opt_name(option), minimum, maximum);
	return -1;
}

static int check_ms(cfg_t *cfg, cfg_opt_t *option)
{
	return check_number(cfg, option, ESD_DEADLINE_MS_MIN, ESD_DEADLINE_MS_MAX);
}

static int check_longest(cfg_t *cfg, cfg_opt_t *option)
{
	return check_number(cfg, option, ESD_DEADLINE_MS_MIN, ESD_DEADLINE_LONGEST_MS_MAX);
}

static int check_ring_size(cfg_t *cfg, cfg_opt_t *option)
{
	long value = cfg_opt_getnint(option, 0);

	if (check_number(cfg, option, ESD_RING_BYTES_MIN, ESD_RING_BYTES_MAX) < 0)
		return -1;
	if (!(value & (value - 1)))
		return 0;
	cfg_error(cfg, "ring-size: give a power of two, such as %d", 16 * 1024 * 1024);
	return -1;
}

static int check_sensor(cfg_t *cfg, cfg_opt_t *option)
{
	if (esd_config_sensor(cfg_opt_getnstr(option, 0)) >= 0)
		return 0;
	cfg_error(cfg, "sensor: there are lsm, tracepoint and auto");
	return -1;
}

static int check_clients(cfg_t *cfg, cfg_opt_t *option)
{
	const char *text = cfg_opt_getnstr(option, 0);

	if (!strcmp(text, "root") || !strcmp(text, "listed"))
		return 0;
	cfg_error(cfg, "clients: there are root, for whatever runs as root, and listed, for what clients.d names");
	return -1;
}

/* ES_EVENT_TYPES: none. */
static unsigned int auth_type(const char *name)
{
	unsigned int type = 0;

	while (type < ES_EVENT_TYPES && (esd_events[type].answer == ESD_ANSWER_NONE || !esd_events[type].name ||
					 strcmp(esd_events[type].name, name)))
		type++;
	return type;
}

static int check_deadline(cfg_t *cfg, cfg_opt_t *option)
{
	cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);

	if (auth_type(cfg_title(section)) < ES_EVENT_TYPES)
		return 0;
	cfg_error(cfg, "deadline: %s is no AUTH event; names are as AUTH_EXEC, esctl capabilities lists them",
		  cfg_title(section));
	return -1;
}

static void checks_set(cfg_t *cfg)
{
	cfg_set_validate_func(cfg, "ring-size", check_ring_size);
	cfg_set_validate_func(cfg, "deadline-ms", check_ms);
	cfg_set_validate_func(cfg, "deadline-longest-ms", check_longest);
	cfg_set_validate_func(cfg, "sensor", check_sensor);
	cfg_set_validate_func(cfg, "clients", check_clients);
	cfg_set_validate_func(cfg, "deadline", check_deadline);
	cfg_set_validate_func(cfg, "deadline|ms", check_ms);
}

static void options_take(struct esd_options *options, cfg_t *cfg)
{
	options->ring_bytes = cfg_getint(cfg, "ring-size");
	options->limits.deadline_ms = cfg_getint(cfg, "deadline-ms");
	options->limits.longest_ms = cfg_getint(cfg, "deadline-longest-ms");
	options->sensor = esd_config_sensor(cfg_getstr(cfg, "sensor"));
	options->identity = cfg_getbool(cfg, "identity");
	options->keeper = cfg_getbool(cfg, "keeper");
	options->clients_listed = !strcmp(cfg_getstr(cfg, "clients"), "listed");
	for (unsigned int i = 0; i < cfg_size(cfg, "deadline"); i++) {
		cfg_t *section = cfg_getnsec(cfg, "deadline", i);

		options->limits.type_ms[auth_type(cfg_title(section))] = cfg_getint(section, "ms");
	}
}

int esd_config_read(struct esd_options *options, const char *path, bool may_be_missing)
{
	cfg_opt_t deadline[] = {
		CFG_INT("ms", options->limits.deadline_ms, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t names[] = {
		CFG_INT("ring-size", options->ring_bytes, CFGF_NONE),
		CFG_INT("deadline-ms", options->limits.deadline_ms, CFGF_NONE),
		CFG_INT("deadline-longest-ms", options->limits.longest_ms, CFGF_NONE),
		CFG_STR("sensor", "auto", CFGF_NONE),
		CFG_STR("clients", "root", CFGF_NONE),
		CFG_BOOL("identity", cfg_true, CFGF_NONE),
		CFG_BOOL("keeper", cfg_false, CFGF_NONE),
		CFG_SEC("deadline", deadline, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CONFIG_FILE_END(),
	};
	cfg_t *cfg;
	int r = config_file_parse(names, path, checks_set, &cfg);

	if (r == ENOENT && may_be_missing)
		return 0;
	if (r == ENOENT) {
		log_error("--config %s: there is no such file", path);
		return -ENOENT;
	}
	if (r < 0)
		return r;
	options_take(options, cfg);
	cfg_free(cfg);
	return 0;
}
