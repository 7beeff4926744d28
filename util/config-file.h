/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A file of the administrator's, in the format of libconfuse: the daemon's, its clients.d/ *.conf, and those of tools.
 *
 * A file counts only if nobody can write it but root and, where that is another, whom the program runs as. What is wrong
 * is logged with file and line.
 */

#include <confuse.h>

/*
 * Ends the names of a file's top level. libconfuse takes the end of a file for the end of a section, so that half a file
 * could pass for a whole one; so this name is put behind it, and found inside a section if that isn't closed.
 */
#define CONFIG_FILE_MARK "end-of-file"
#define CONFIG_FILE_END() CFG_BOOL(CONFIG_FILE_MARK, cfg_false, CFGF_NONE), CFG_END()

/*
 * What `names` describes is read from `path` into *ret, for cfg_free(). ENOENT: there is no such file. A negative errno:
 * it was logged what is wrong, and where.
 */
int config_file_parse(cfg_opt_t *names, const char *path, void (*prepare)(cfg_t *cfg), cfg_t **ret);
