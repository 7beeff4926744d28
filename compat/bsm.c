/* SPDX-License-Identifier: MIT */
#include <bsm/libbsm.h>

#include "compat/sleep.h"

/* The indices of a token's words. */
enum { AUID, EUID, EGID, RUID, RGID, PID, ASID, PIDVERSION };

EXPORT pid_t audit_token_to_pid(audit_token_t token)
{
	return (pid_t)token.val[PID];
}

EXPORT int audit_token_to_pidversion(audit_token_t token)
{
	return (int)token.val[PIDVERSION];
}

EXPORT uid_t audit_token_to_auid(audit_token_t token)
{
	return token.val[AUID];
}

EXPORT uid_t audit_token_to_euid(audit_token_t token)
{
	return token.val[EUID];
}

EXPORT gid_t audit_token_to_egid(audit_token_t token)
{
	return token.val[EGID];
}

EXPORT uid_t audit_token_to_ruid(audit_token_t token)
{
	return token.val[RUID];
}

EXPORT gid_t audit_token_to_rgid(audit_token_t token)
{
	return token.val[RGID];
}

EXPORT au_asid_t audit_token_to_asid(audit_token_t token)
{
	return (au_asid_t)token.val[ASID];
}

static void put(unsigned int *to, unsigned int value)
{
	if (to)
		*to = value;
}

EXPORT void audit_token_to_au32(audit_token_t token, uid_t *auid, uid_t *euid, gid_t *egid, uid_t *ruid, gid_t *rgid,
				pid_t *pid, au_asid_t *asid, au_tid_t *tid)
{
	put(auid, token.val[AUID]);
	put(euid, token.val[EUID]);
	put(egid, token.val[EGID]);
	put(ruid, token.val[RUID]);
	put(rgid, token.val[RGID]);
	if (pid)
		*pid = audit_token_to_pid(token);
	if (asid)
		*asid = audit_token_to_asid(token);
	if (tid)
		*tid = (au_tid_t){ 0 };
}
