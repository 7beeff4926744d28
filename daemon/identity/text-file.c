/* SPDX-License-Identifier: MIT */
#include "daemon/identity/text-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/macro.h"

enum { BYTES_MAX = 256 * 1024 * 1024 };

int esd_text_read(const char *path, char **ret, size_t *ret_length)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t used = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_size > BYTES_MAX)
		return -EFBIG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (used < (size_t)st.st_size && (n = read(fd, text + used, (size_t)st.st_size - used)) != 0) {
		if (n < 0)
			return -errno;
		used += (size_t)n;
	}
	text[used] = '\0';
	*ret = TAKE_POINTER(text);
	*ret_length = used;
	return 0;
}
