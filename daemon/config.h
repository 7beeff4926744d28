/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The administrator's files, in the format of libconfuse: daemon.conf, which has what the command line's options have,
 * and which that overrides; and beside it clients.d/ *.conf, see access.h. endpointsecurity.conf(5) describes both.
 *
 * A file counts only if nobody but root can write it. What is wrong is logged with file and line.
 */

#include <confuse.h>
#include <stdbool.h>

struct esd_options;

#define ESD_CONFIG_PATH "/etc/endpointsecurity/daemon.conf"

/* The default file may be missing. Negative errno: it was logged what is wrong, and where. */
int esd_config_read(struct esd_options *options, const char *path, bool may_be_missing);

/*
 * Ends the names of a file's top level. libconfuse takes the end of a file for the end of a section, so that half a file
 * could pass for a whole one; so this name is put behind it, and found inside a section if that isn't closed.
 */
#define ESD_CONFIG_MARK "end-of-file"
#define ESD_CONFIG_END() CFG_BOOL(ESD_CONFIG_MARK, cfg_false, CFGF_NONE), CFG_END()

/* For files of either kind: what `names` describes is read from `path` into *ret, for cfg_free(). As above. */
int esd_config_parse(cfg_opt_t *names, const char *path, void (*prepare)(cfg_t *cfg), cfg_t **ret);
