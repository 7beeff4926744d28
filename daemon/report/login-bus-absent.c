/* SPDX-License-Identifier: MIT */
#include "daemon/report/login-bus.h"

#include <errno.h>

int esd_login_new(struct esd_login **ret, const char *socket, esd_login_tell_f *tell, void *owner)
{
	(void)ret;
	(void)socket;
	(void)tell;
	(void)owner;
	return -EOPNOTSUPP;
}

void esd_login_free(struct esd_login *login)
{
	(void)login;
}

void esd_login_run(struct esd_login *login, int wake_fd)
{
	(void)login;
	(void)wake_fd;
}

bool esd_login_begun(const struct esd_login *login)
{
	(void)login;
	return true;
}

enum esd_login_state esd_login_state(const struct esd_login *login)
{
	(void)login;
	return ESD_LOGIN_NOT_BUILT;
}
