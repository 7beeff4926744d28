/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The text of an audit message as libaudit writes it, for PAM, sshd, login and sudo:
 *
 *	op=PAM:session_open grantors=pam_unix acct="alice" exe="/usr/bin/su" hostname=? addr=? terminal=? res=success
 *
 * A value is a word; or it is in quotes, where it may have spaces; or, if it has spaces, quotes or bytes that aren't
 * printable ASCII, it is in upper-case hexadecimal. A question mark means "unknown". The text of op= has spaces and
 * no quotes, so words without "=" are skipped.
 *
 * acct= can be whatever a person typed at a prompt, so libaudit always quotes it or writes it in hexadecimal.
 * hostname= and terminal= stand behind it and are written as they are. If a key occurs twice its first value counts,
 * but an address that occurs twice counts as none. The parser doesn't trust the text to be whole, or to be text.
 */

#include <stdbool.h>
#include <stddef.h>

struct esl_audit {
	const char *text;
	size_t length;
};

/* `at` points into the text and isn't NUL-terminated. NULL: the key is absent, or its value unknown. */
struct esl_audit_value {
	const char *at;
	size_t length;
	bool hex;
};

enum esl_audit_result {
	ESL_AUDIT_UNKNOWN,		/* the text was cut off */
	ESL_AUDIT_FAILED,
	ESL_AUDIT_SUCCESS,
};

struct esl_audit_value esl_audit_find(struct esl_audit audit, const char *key);

/* The same, but none if the key occurs twice. */
struct esl_audit_value esl_audit_find_one(struct esl_audit audit, const char *key);

/* What the text ends with. */
enum esl_audit_result esl_audit_result(struct esl_audit audit);

/* Is the word in the list of grantors= ? */
bool esl_audit_granted(struct esl_audit audit, const char *module);

/* Decodes the value and appends a NUL, at most value.length + 1 bytes. Returns the decoded length. */
size_t esl_audit_copy(char *to, struct esl_audit_value value);
