/* SPDX-License-Identifier: MIT */
#include "daemon/options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/control.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"
#include "util/number.h"

enum {
	RING_BYTES = 16 * 1024 * 1024,
	DEADLINE_MS = 15000,
	DEADLINE_LONGEST_MS = 60000,
};

enum option_key {
	OPTION_CONFIG = 255,
	OPTION_SOCKET = 256,
	OPTION_SENSOR,
	OPTION_SCOPE_CGROUP,
	OPTION_SCOPE_MOUNT,
	OPTION_RING_SIZE,
	OPTION_DEADLINE_MS,
	OPTION_IDENTITY,
	OPTION_ACCOUNTS,
	OPTION_LAUNCH_ITEMS,
	OPTION_PRIVATE,
	OPTION_READY_FD,
	OPTION_KEEPER,
	OPTION_TAKE_OVER,
	OPTION_STAMP,
	OPTION_VERBOSE,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPTION_CONFIG },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "sensor", required_argument, NULL, OPTION_SENSOR },
	{ "scope-cgroup", required_argument, NULL, OPTION_SCOPE_CGROUP },
	{ "scope-mount", required_argument, NULL, OPTION_SCOPE_MOUNT },
	{ "ring-size", required_argument, NULL, OPTION_RING_SIZE },
	{ "deadline-ms", required_argument, NULL, OPTION_DEADLINE_MS },
	{ "identity", required_argument, NULL, OPTION_IDENTITY },
	{ "accounts", required_argument, NULL, OPTION_ACCOUNTS },
	{ "launch-items", required_argument, NULL, OPTION_LAUNCH_ITEMS },
	{ "private", no_argument, NULL, OPTION_PRIVATE },
	{ "ready-fd", required_argument, NULL, OPTION_READY_FD },
	{ "keeper", required_argument, NULL, OPTION_KEEPER },
	{ "take-over", required_argument, NULL, OPTION_TAKE_OVER },
	{ "stamp", no_argument, NULL, OPTION_STAMP },
	{ "verbose", no_argument, NULL, OPTION_VERBOSE },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, OPTION_HELP },
	{},
};

static const char help[] =
	"Usage: endpointsecurityd [OPTION]...\n"
	"Connects programs written to the EndpointSecurity API with the kernel. Runs in the foreground, as root.\n"
	"\n"
	"  --config PATH        the configuration file (default: " ESD_CONFIG_PATH ");\n"
	"                       options given here win, and who may be a client is in clients.d beside it\n"
	"  --socket PATH        where clients connect (default: " ES_SOCKET_PATH ",\n"
	"                       or $" ES_SOCKET_ENV ")\n"
	"  --sensor NAME        lsm, which can hold every operation that has a hook and needs a kernel with BPF LSM;\n"
	"                       tracepoint, which can hold open and exec; or auto (default): lsm where it works\n"
	"  --scope-cgroup PATH  look only at processes in this cgroup v2 directory and below\n"
	"  --scope-mount PATH   look at files, and hold opens, only on this mount (up to 16 times)\n"
	"  --ring-size BYTES    each client's ring, a power of two, 65536 to 1073741824 (default: 16777216)\n"
	"  --deadline-ms MS     time for an answer, 100 to 60000 (default: 15000); a client that needs longer is killed\n"
	"  --identity yes|no    find out who made the programs that events are about (default: yes)\n"
	"  --accounts FOLDER    where passwd, shadow, group and gshadow are, for od_* events (default: /etc)\n"
	"  --launch-items FOLDER  what has units, crontabs and homes below it, for btm_* events (default: /)\n"
	"  --private            end with the last client; for the library, which starts such a daemon if none listens\n"
	"  --ready-fd N         write one byte to this descriptor when clients can connect, or why they can't\n"
	"  --keeper yes|no      keep all that clients have in a second process, which begins another daemon when this one\n"
	"                       dies (default: no)\n"
	"  --stamp              print what a daemon must have in common with another one to go on where that ends\n"
	"  --verbose            log more\n"
	"  --version            print the version\n"
	"  --help               print this\n";

static int option_number(const char *name, const char *text, uint64_t minimum, uint64_t maximum, uint64_t *ret)
{
	int r = number_parse(text, minimum, maximum, ret);

	if (r < 0)
		log_error("--%s %s: give a whole number from %" PRIu64 " to %" PRIu64, name, text, minimum, maximum);
	return r;
}

static int option_ring_size(struct esd_options *options, const char *text)
{
	uint64_t bytes;
	int r;

	r = option_number("ring-size", text, ESD_RING_BYTES_MIN, ESD_RING_BYTES_MAX, &bytes);
	if (r < 0)
		return r;
	if (bytes & (bytes - 1)) {
		log_error("--ring-size %s: the kernel's ring buffers have the size of a power of two, such as %d", text,
			  RING_BYTES);
		return -EINVAL;
	}
	options->ring_bytes = bytes;
	return 0;
}

static int option_sensor(struct esd_options *options, const char *text)
{
	int sensor = esd_config_sensor(text);

	if (sensor < 0) {
		log_error("--sensor %s: there are lsm, tracepoint and auto", text);
		return sensor;
	}
	options->sensor = sensor;
	return 0;
}

static int option_yes(const char *name, bool *ret, const char *text)
{
	*ret = !strcmp(text, "yes");
	if (*ret || !strcmp(text, "no"))
		return 0;
	log_error("--%s %s: there are yes and no", name, text);
	return -EINVAL;
}

/* Messages have absolute paths, without a slash at the end. So this must be one too. */
static int option_folder(const char *name, const char *text, const char **ret)
{
	size_t length = strlen(text);

	if (text[0] != '/' || (length > 1 && text[length - 1] == '/')) {
		log_error("--%s %s: give an absolute path, without a slash at its end", name, text);
		return -EINVAL;
	}
	*ret = text;
	return 0;
}

static int option_ready_fd(struct esd_options *options, const char *text)
{
	uint64_t fd;
	int r;

	r = option_number("ready-fd", text, 0, 65535, &fd);
	if (r < 0)
		return r;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		log_error("--ready-fd %s: no such descriptor is open", text);
		return -EBADF;
	}
	options->ready_fd = fd;
	return 0;
}

static int option_set(struct esd_options *options, int key, const char *text)
{
	uint64_t number;
	int r;

	switch (key) {
	case OPTION_CONFIG:
		return 0;		/* config_read() has handled it */
	case OPTION_SOCKET:
		options->socket = text;
		return 0;
	case OPTION_SENSOR:
		return option_sensor(options, text);
	case OPTION_SCOPE_CGROUP:
		options->scope_cgroup = text;
		return 0;
	case OPTION_SCOPE_MOUNT:
		if (options->scope_mounts == ES_SCOPE_MOUNTS) {
			log_error("--scope-mount can be given %d times at most", ES_SCOPE_MOUNTS);
			return -E2BIG;
		}
		options->scope_mount[options->scope_mounts++] = text;
		return 0;
	case OPTION_RING_SIZE:
		return option_ring_size(options, text);
	case OPTION_DEADLINE_MS:
		r = option_number("deadline-ms", text, ESD_DEADLINE_MS_MIN, ESD_DEADLINE_MS_MAX, &number);
		options->limits.deadline_ms = r < 0 ? 0 : number;
		return r;
	case OPTION_IDENTITY:
		return option_yes("identity", &options->identity, text);
	case OPTION_ACCOUNTS:
		return option_folder("accounts", text, &options->accounts);
	case OPTION_LAUNCH_ITEMS:
		return option_folder("launch-items", text, &options->items);
	case OPTION_PRIVATE:
		options->is_private = true;
		return 0;
	case OPTION_READY_FD:
		return option_ready_fd(options, text);
	case OPTION_KEEPER:
		return option_yes("keeper", &options->keeper, text);
	case OPTION_TAKE_OVER:
		r = option_number("take-over", text, 0, INT32_MAX, &number);
		options->take_over = r < 0 ? -1 : (int)number;
		return r;
	case OPTION_STAMP:
		options->stamp = true;
		return 0;
	case OPTION_VERBOSE:
		options->verbose = true;
		return 0;
	case OPTION_VERSION:
		puts("endpointsecurityd " ESD_VERSION);
		return 1;
	case OPTION_HELP:
		fputs(help, stdout);
		return 1;
	}
	return -EINVAL;			/* getopt has printed why */
}

static void options_default(struct esd_options *options)
{
	const char *socket = secure_getenv(ES_SOCKET_ENV);

	*options = (struct esd_options){
		.config = ESD_CONFIG_PATH,
		.socket = socket && *socket ? socket : ES_SOCKET_PATH,
		.ring_bytes = RING_BYTES,
		.limits = { .deadline_ms = DEADLINE_MS, .longest_ms = DEADLINE_LONGEST_MS },
		.identity = true,
		.accounts = "/etc",
		.items = "/",
		.ready_fd = -1,
		.take_over = -1,
	};
}

/* Reads the file that the command line names, before all other options, since those override it. */
static int config_read(struct esd_options *options, int count, char *arguments[])
{
	const char *slash;
	bool given = false;
	int key;

	opterr = 0;
	while ((key = getopt_long(count, arguments, "", long_options, NULL)) != -1) {
		if (key == OPTION_HELP || key == OPTION_VERSION)
			return 0;
		if (key == OPTION_CONFIG) {
			options->config = optarg;
			given = true;
		}
	}
	slash = strrchr(options->config, '/');
	snprintf(options->clients_folder, sizeof(options->clients_folder), "%.*s/clients.d",
		 slash ? (int)(slash - options->config) : 1, slash ? options->config : ".");
	return esd_config_read(options, options->config, !given);
}

int esd_options_parse(struct esd_options *options, int count, char *arguments[])
{
	int key, r;

	options_default(options);
	r = config_read(options, count, arguments);
	if (r < 0)
		return r;
	opterr = 1;
	optind = 0;
	while ((key = getopt_long(count, arguments, "", long_options, NULL)) != -1) {
		r = option_set(options, key, optarg);
		if (r)
			return r;
	}
	if (optind < count) {
		log_error("%s: no such argument; --help lists the options", arguments[optind]);
		return -EINVAL;
	}
	return 0;
}
