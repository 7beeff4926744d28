/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/choose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/sensor/lsm.h"
#include "daemon/sensor/tracepoint.h"
#include "util/log.h"
#include "util/macro.h"

/* The daemon itself logs each failure and its remedy in one line. libbpf's messages are for debugging. */
static int libbpf_say(enum libbpf_print_level level, const char *format, va_list arguments)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL, *line;

	(void)level;
	if (vasprintf(&text, format, arguments) < 0)
		return 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		log_message(LOG_LEVEL_DEBUG, "%s", line);
	return 0;
}

static struct btf *kernel_btf(void)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		log_error("the kernel's type information can't be read from /sys/kernel/btf/vmlinux (%s): the sensor "
			  "needs a kernel built with CONFIG_DEBUG_INFO_BTF, and /sys mounted", strerror(errno));
	return btf;
}

static int sensor_choose(struct esd_sensor **ret, const struct esd_sensor_config *config, const struct btf *btf)
{
	char why[sizeof((*ret)->reason)] = "--sensor tracepoint says so";
	int r;

	if (config->kept)
		return esd_sensor_lsm_go_on(ret, config, btf);
	if (config->choice == ESD_CHOOSE_TRACEPOINT)
		return esd_sensor_tracepoint_new(ret, config, btf, why);
	r = esd_sensor_lsm_new(ret, config, btf, why, sizeof(why));
	if (r <= 0)
		return r;
	if (config->choice == ESD_CHOOSE_LSM) {
		log_error("--sensor lsm: %s; without this option, the tracepoint sensor is used here", why);
		return -r;
	}
	return esd_sensor_tracepoint_new(ret, config, btf, why);
}

int esd_sensor_new(struct esd_sensor **ret, const struct esd_sensor_config *config)
{
	struct btf *btf;
	int r;

	libbpf_set_print(libbpf_say);
	btf = kernel_btf();
	if (!btf)
		return -errno;
	r = sensor_choose(ret, config, btf);
	btf__free(btf);
	return r;
}
