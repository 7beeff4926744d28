/* SPDX-License-Identifier: MIT */
#include "util/number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

int number_parse(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno || value < minimum || value > maximum)
		return -ERANGE;
	*ret = value;
	return 0;
}
