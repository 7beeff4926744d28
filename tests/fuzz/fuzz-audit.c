/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/audit.h"
#include "tests/fuzz/texts.h"
#include "util/macro.h"

/*
 * Any bytes as the text of an audit message: whatever is found lies inside of it, and its copy is no longer.
 *
 * With clang's fuzzer this is its entry; without, main() changes good texts at random.
 */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void use_value(struct esl_audit audit, struct esl_audit_value value)
{
	_cleanup_free_ char *copy = NULL;
	size_t length;

	if (!value.at)
		return;
	if (value.at < audit.text || value.length > (size_t)(audit.text + audit.length - value.at))
		abort();
	copy = malloc(value.length + 1);
	length = esl_audit_copy(copy, value);
	if (length > value.length || copy[length])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const char *const keys[] = { "op", "acct", "exe", "hostname", "addr", "terminal", "cmd", "cwd",
		"a", "" };
	struct esl_audit audit = { (const char *)bytes, length };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		use_value(audit, esl_audit_find(audit, keys[i]));
		use_value(audit, esl_audit_find_one(audit, keys[i]));
	}
	(void)esl_audit_granted(audit, "pam_unix");
	(void)esl_audit_result(audit);
	return 0;
}

#ifdef ES_FUZZ_PLAIN
int main(void)
{
	static const char *const good[] = {
		"op=PAM:session_open grantors=pam_env,pam_unix acct=\"t1\" exe=\"/usr/bin/su\" hostname=? addr=? "
			"terminal=? res=success",
		"op=login acct=28696E76616C6964207573657229 exe=\"/usr/sbin/sshd\" hostname=? addr=::1 "
			"terminal=sshd res=failed",
		"cwd=\"/root/x\" cmd=2F62696E2F6C73202D6C exe=\"/usr/bin/sudo\" terminal=pts/1 res=success",
	};
	static const char chars[] = "=\"? A0,\n\0acct";

	change_texts(good, ARRAY_SIZE(good), chars, sizeof(chars), 6, LLVMFuzzerTestOneInput);
	return 0;
}
#endif
