/* SPDX-License-Identifier: MIT */
/*
 * libbsm.h - what an audit token says
 *
 * Link with -lbsm, or by pkg-config EndpointSecurity-compat.
 */
#ifndef __ES_COMPAT_LIBBSM_H
#define __ES_COMPAT_LIBBSM_H

#include <inttypes.h>
#include <stdio.h>

#include <EndpointSecurity/ESPlatform.h>
#include <mach/mach.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uid_t au_id_t;
typedef pid_t au_asid_t;

typedef struct au_tid {
	uint32_t port;
	uint32_t machine;
} au_tid_t;

#define AU_DEFAUDITID	((uid_t)-1)	/* auid of a process without a login; Linux: "not set" */

OS_EXPORT pid_t audit_token_to_pid(audit_token_t token);
OS_EXPORT int audit_token_to_pidversion(audit_token_t token);	/* changes at each fork and exec */
OS_EXPORT uid_t audit_token_to_auid(audit_token_t token);	/* login uid */
OS_EXPORT uid_t audit_token_to_euid(audit_token_t token);
OS_EXPORT gid_t audit_token_to_egid(audit_token_t token);
OS_EXPORT uid_t audit_token_to_ruid(audit_token_t token);
OS_EXPORT gid_t audit_token_to_rgid(audit_token_t token);
OS_EXPORT au_asid_t audit_token_to_asid(audit_token_t token);	/* audit session */

/* All words at once. Each pointer may be NULL. tid, Darwin's terminal, is zeros: a token has no room for it. */
OS_EXPORT void audit_token_to_au32(audit_token_t token, uid_t *auid, uid_t *euid, gid_t *egid, uid_t *ruid, gid_t *rgid,
				   pid_t *pid, au_asid_t *asid, au_tid_t *tid);

#ifdef __cplusplus
}
#endif

#endif /* __ES_COMPAT_LIBBSM_H */
