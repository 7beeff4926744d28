/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The text of an audit message as libaudit writes it, for PAM, sshd, login and sudo:
 *
 *	op=PAM:session_open grantors=pam_unix acct="alice" exe="/usr/bin/su" hostname=? addr=? terminal=? res=success
 *
 * A value is a word; or in quotes, where it may have spaces; or, if it has spaces, quotes or anything else but printable
 * ASCII, in upper-case hexadecimal. What is not known is a question mark. The text of op= has spaces and no quotes: words
 * without "=" are passed over.
 *
 * acct= can be whatever somebody typed at a prompt, so it is always quoted or hexadecimal. hostname= and terminal= are
 * written as they are, and stand behind it: of several values with one name the first is meant, but an address that is
 * there twice is none. Nothing here trusts the text to be whole, or to be text.
 */

#include <stdbool.h>
#include <stddef.h>

struct esl_audit {
	const char *text;
	size_t length;
};

/* `at` is in the text, and not NUL-terminated; NULL: it isn't there, or isn't known. */
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

/* Likewise, but none if the key is there twice. */
struct esl_audit_value esl_audit_find_one(struct esl_audit audit, const char *key);

/* What the text ends with. */
enum esl_audit_result esl_audit_result(struct esl_audit audit);

/* Is the word in the list of grantors= ? */
bool esl_audit_granted(struct esl_audit audit, const char *module);

/* The value without its encoding, and a NUL: takes at most length + 1 bytes of `to`. Returns its length. */
size_t esl_audit_copy(char *to, struct esl_audit_value value);
