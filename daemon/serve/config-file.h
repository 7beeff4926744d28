/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A file of the administrator's, in the format of libconfuse: daemon.conf, and beside it clients.d/ *.conf.
 *
 * A file counts only if nobody but root can write it. What is wrong is logged with file and line.
 */

#include <confuse.h>

/*
 * Ends the names of a file's top level. libconfuse takes the end of a file for the end of a section, so that half a file
 * could pass for a whole one; so this name is put behind it, and found inside a section if that isn't closed.
 */
#define ESD_CONFIG_MARK "end-of-file"
#define ESD_CONFIG_END() CFG_BOOL(ESD_CONFIG_MARK, cfg_false, CFGF_NONE), CFG_END()

/*
 * What `names` describes is read from `path` into *ret, for cfg_free(). ENOENT: there is no such file. A negative errno:
 * it was logged what is wrong, and where.
 */
int esd_config_parse(cfg_opt_t *names, const char *path, void (*prepare)(cfg_t *cfg), cfg_t **ret);
