/* SPDX-License-Identifier: MIT */
/* Audit tokens: each accessor takes its word, and the words are in the order that lib/ puts them in. */
#include <string.h>

#include <bsm/libbsm.h>

#include "lib/test.h"

int main(void)
{
	const audit_token_t token = { { 101, 102, 103, 104, 105, 106, 107, 108 } };
	const audit_token_t nobody = { { (unsigned int)-1 } };
	uid_t auid, euid, ruid;
	gid_t egid, rgid;
	pid_t pid;
	au_asid_t asid;
	au_tid_t tid;

	CHECK(audit_token_to_auid(token) == 101);
	CHECK(audit_token_to_euid(token) == 102);
	CHECK(audit_token_to_egid(token) == 103);
	CHECK(audit_token_to_ruid(token) == 104);
	CHECK(audit_token_to_rgid(token) == 105);
	CHECK(audit_token_to_pid(token) == 106);
	CHECK(audit_token_to_asid(token) == 107);
	CHECK(audit_token_to_pidversion(token) == 108);
	CHECK(audit_token_to_auid(nobody) == AU_DEFAUDITID);

	memset(&tid, 0xff, sizeof(tid));
	audit_token_to_au32(token, &auid, &euid, &egid, &ruid, &rgid, &pid, &asid, &tid);
	CHECK(auid == 101 && euid == 102 && egid == 103 && ruid == 104 && rgid == 105 && pid == 106 && asid == 107);
	CHECK(tid.port == 0 && tid.machine == 0);
	audit_token_to_au32(token, NULL, NULL, NULL, NULL, NULL, &pid, NULL, NULL);
	CHECK(pid == 106);
	return 0;
}
