/* SPDX-License-Identifier: MIT */

/* Built without OpenSSL: the configuration's check refuses `tls', so these are never called. */

#include <errno.h>

#include "tools/esship/wire.h"

const char *const tls_absent = "libssl";

int tls_new(struct tls **ret, const struct sink_config *config, int fd, char problem[SINK_PROBLEM_BYTES])
{
	(void)ret, (void)config, (void)fd, (void)problem;
	return -EOPNOTSUPP;
}

void tls_free(struct tls *tls)
{
	(void)tls;
}

int tls_handshake(struct tls *tls, char problem[SINK_PROBLEM_BYTES])
{
	(void)tls, (void)problem;
	return -EOPNOTSUPP;
}

int tls_write(struct tls *tls, const char *data, size_t length, size_t *ret, char problem[SINK_PROBLEM_BYTES])
{
	(void)tls, (void)data, (void)length, (void)ret, (void)problem;
	return -EOPNOTSUPP;
}

bool tls_is_early(const struct tls *tls)
{
	(void)tls;
	return false;
}

int tls_hear(struct tls *tls, char problem[SINK_PROBLEM_BYTES])
{
	(void)tls, (void)problem;
	return -EOPNOTSUPP;
}
