/* SPDX-License-Identifier: MIT */
#include "util/config-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"
#include "util/macro.h"

enum { FILE_BYTES = 256 * 1024 };	/* more is no configuration */

static void say(cfg_t *cfg, const char *format, va_list arguments)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, arguments);
	if (strstr(text, CONFIG_FILE_MARK))
		strcpy(text, "the file ends within a section: a } is missing");
	log_error("%s:%d: %s", cfg && cfg->filename ? cfg->filename : "configuration", cfg ? cfg->line : 0, text);
}

/* Blanks comments out: libconfuse 3.3 counts their lines several times, so its errors would name wrong lines. */
static void comments_blank(char *text, size_t used)
{
	char quote = 0;
	bool comment = false;

	for (size_t i = 0; i < used; i++) {
		if (text[i] == '\n') {
			comment = false;
		} else if (comment) {
			text[i] = ' ';
		} else if (quote) {
			if (text[i] == '\\' && i + 1 < used)
				i++;
			else if (text[i] == quote)
				quote = 0;
		} else if (text[i] == '"' || text[i] == '\'') {
			quote = text[i];
		} else if (text[i] == '#') {
			comment = true;
			text[i] = ' ';
		}
	}
}

static int text_read(int fd, char text[FILE_BYTES])
{
	static const char mark[] = "\n" CONFIG_FILE_MARK " = yes\n";
	size_t used = 0;
	ssize_t n;

	while ((n = read(fd, text + used, FILE_BYTES - sizeof(mark) - used)) > 0)
		used += n;
	if (n < 0)
		return -errno;
	if (used + sizeof(mark) == FILE_BYTES)
		return -EFBIG;
	if (memchr(text, 0, used))
		return -EILSEQ;
	comments_blank(text, used);
	memcpy(text + used, mark, sizeof(mark));
	return 0;
}

/* Positive: it isn't there. */
static int file_read(const char *path, char text[FILE_BYTES])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT)
		return ENOENT;
	if (fd < 0 || fstat(fd, &st) < 0) {
		log_error("%s: can't read it: %s", path, strerror(errno));
		return -errno;
	}
	if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & 022) {
		log_error("%s: has to be a file that belongs to root and that nobody else can write "
			  "(chown root, chmod go-w)", path);
		return -EPERM;
	}
	r = text_read(fd, text);
	if (r < 0)
		log_error("%s: can't read it: %s", path, strerror(-r));
	return r;
}

static void closefilep(FILE **file)
{
	if (*file)
		fclose(*file);
}

int config_file_parse(cfg_opt_t *names, const char *path, void (*prepare)(cfg_t *cfg), cfg_t **ret)
{
	_cleanup_free_ char *text = malloc(FILE_BYTES);
	_cleanup_(closefilep) FILE *file = NULL;
	cfg_t *cfg;
	int r;

	if (!text)
		return -ENOMEM;
	r = file_read(path, text);
	if (r)
		return r;
	file = fmemopen(text, strlen(text), "r");
	if (!file)
		return -errno;
	cfg = cfg_init(names, CFGF_NONE);
	if (cfg) {
		cfg->filename = strdup(path);
		cfg_set_error_function(cfg, say);
		prepare(cfg);
		r = cfg_parse_fp(cfg, file) == CFG_SUCCESS ? 0 : -EINVAL;
	} else {
		r = -ENOMEM;
	}
	if (r < 0 && cfg)
		cfg_free(cfg);
	if (r == 0)
		*ret = cfg;
	return r;
}
