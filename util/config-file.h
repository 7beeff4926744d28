/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A file of the administrator's, in the format of libconfuse: the daemon's, its clients.d/ *.conf, and those of tools.
 *
 * A file counts only if it belongs to root or to the program's own user, and nobody else can write it. Errors are logged
 * with file and line.
 */

#include <confuse.h>

/*
 * CONFIG_FILE_END() ends the names of a file's top level. libconfuse takes the end of a file for the end of a section, so
 * half a file could pass for a whole one. So the mark is appended to the text: in a section that isn't closed it is an
 * unknown name.
 */
#define CONFIG_FILE_MARK "end-of-file"
#define CONFIG_FILE_END() CFG_BOOL(CONFIG_FILE_MARK, cfg_false, CFGF_NONE), CFG_END()

/*
 * Reads what `names` describes from `path` into *ret, for cfg_free(). ENOENT: there is no such file. A negative errno: the
 * file is bad, which was logged, or memory has run out.
 */
int config_file_parse(cfg_opt_t *names, const char *path, void (*prepare)(cfg_t *cfg), cfg_t **ret);
