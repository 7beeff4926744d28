/* SPDX-License-Identifier: MIT */

/* The texts that Debian's programs sent (test-audit.txt, the argument),
	and what an attacker would make of such a text. */

#include <stdbool.h>
#include <string.h>

#include "audit.h"
#include "test.h"
#include "util/macro.h"

enum { LONG = 8192 };

static struct esl_audit text_of(const char *text)
{
	return (struct esl_audit){ text, strlen(text) };
}

static bool is(struct esl_audit_value value, const char *expected)
{
	char copy[LONG + 1];

	if (!value.at)
		return !expected;
	return expected && esl_audit_copy(copy, value) == strlen(expected) && !strcmp(copy, expected);
}

/* One line of the file, and what is in it. */
static const struct known {
	const char *text;		/* how it begins, or what is in it */
	const char *acct, *exe, *addr, *terminal;
} known[] = {
	{ "op=adding group acct=\"t1\"", "t1", "/usr/sbin/useradd", NULL, NULL },
	{ "op=adding user id=1001", NULL, "/usr/sbin/useradd", NULL, NULL },
	{ "op= id=1002 exe=\"/usr/sbin/groupadd\"", NULL, "/usr/sbin/groupadd", NULL, NULL },
	{ "op=members of group g1 set by root to t1,nobody", "g1", "/usr/bin/gpasswd", NULL, NULL },
	{ "op=changing /etc/group; group g1/1002, new name: g2", "g1", "/usr/sbin/groupmod", NULL, NULL },
	{ "op=PAM:bad_ident grantors=? acct=\"?\" exe=\"/usr/sbin/sshd\"", "?", "/usr/sbin/sshd", "127.0.0.1", "ssh" },
	{ "op=login acct=28696E76616C6964207573657229", "(invalid user)", "/usr/sbin/sshd", "127.0.0.1", "sshd" },
	{ "op=login id=1001", NULL, "/usr/sbin/sshd", "127.0.0.1", "/dev/pts/0" },
};

static bool matches(const struct known *line, struct esl_audit audit)
{
	return is(esl_audit_find(audit, "acct"), line->acct) && is(esl_audit_find(audit, "exe"), line->exe) &&
	       is(esl_audit_find_one(audit, "addr"), line->addr) &&
	       is(esl_audit_find(audit, "terminal"), line->terminal);
}

static void test_line(const char *line, bool found[ARRAY_SIZE(known)])
{
	struct esl_audit audit = text_of(line);

	CHECK(esl_audit_result(audit) != ESL_AUDIT_UNKNOWN);
	CHECK((esl_audit_result(audit) == ESL_AUDIT_FAILED) == !!strstr(line, "failed"));
	CHECK(esl_audit_find(audit, "exe").at != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strncmp(line, known[i].text, strlen(known[i].text)))
			continue;
		CHECK(matches(&known[i], audit));
		found[i] = true;
	}
	/* Cut off anywhere: nothing is taken for success. */
	for (size_t length = 0; length < audit.length; length++)
		CHECK(esl_audit_result((struct esl_audit){ line, length }) == ESL_AUDIT_UNKNOWN);
}

static void test_file(const char *path)
{
	bool found[ARRAY_SIZE(known)] = {};
	FILE *file = fopen(path, "re");
	char line[1024];
	int lines = 0;

	CHECK(file != NULL);
	while (fgets(line, sizeof(line), file)) {
		char *text = strchr(line, ' ');

		if (line[0] == '#')
			continue;
		line[strcspn(line, "\n")] = '\0';
		CHECK(text && strtol(line, NULL, 10) >= 1100);
		test_line(text + 1, found);
		lines++;
	}
	fclose(file);
	CHECK(lines > 80);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		CHECK(found[i]);
}

static void test_sudo(void)
{
	struct esl_audit quoted = text_of("cwd=\"/root/x\" cmd=\"/bin/ls\" exe=\"/usr/bin/sudo\" terminal=? "
		"res=failed");
	struct esl_audit coded = text_of("cwd=2F746D702F6120 cmd=2F62696E2F6C73202D6C exe=\"/usr/bin/sudo\" "
		"terminal=pts/1 res=success");

	CHECK(is(esl_audit_find(quoted, "cmd"), "/bin/ls") && is(esl_audit_find(quoted, "cwd"), "/root/x"));
	CHECK(is(esl_audit_find(quoted, "terminal"), NULL));
	CHECK(is(esl_audit_find(coded, "cmd"), "/bin/ls -l") && is(esl_audit_find(coded, "cwd"), "/tmp/a "));
	CHECK(is(esl_audit_find(coded, "terminal"), "pts/1"));
}

static void test_grantors(void)
{
	struct esl_audit audit = text_of("op=PAM:authentication grantors=pam_env,pam_fprintd acct=\"a\" res=success");

	CHECK(esl_audit_granted(audit, "pam_fprintd") && esl_audit_granted(audit, "pam_env"));
	CHECK(!esl_audit_granted(audit, "pam_fprint") && !esl_audit_granted(audit, "fprintd"));
	CHECK(!esl_audit_granted(text_of("grantors=? res=failed"), "pam_unix"));
	CHECK(!esl_audit_granted(text_of(""), "pam_unix"));
}

/* What somebody types as a name comes in hexadecimal as soon as it isn't a plain word. */
static void test_names(void)
{
	CHECK(is(esl_audit_find(text_of("acct=1B5B324A0A res=failed"), "acct"), "\033[2J\n"));
	CHECK(is(esl_audit_find(text_of("acct=C3BC res=failed"), "acct"), "\303\274"));
	CHECK(is(esl_audit_find(text_of("acct=612065786 res=failed"), "acct"), "a ex"));
	CHECK(is(esl_audit_find(text_of("acct=\"DEAD\" res=failed"), "acct"), "DEAD"));
	CHECK(is(esl_audit_find(text_of("acct=\"?\" res=failed"), "acct"), "?"));
	CHECK(is(esl_audit_find(text_of("acct=? res=failed"), "acct"), NULL));
	CHECK(is(esl_audit_find(text_of("acct=(null) res=failed"), "acct"), "(null)"));
}

static void test_long_name(void)
{
	_cleanup_free_ char *text = malloc(2 * LONG + 64), *copy = malloc(LONG + 1);
	char *at = text + sprintf(text, "op=login acct=");
	struct esl_audit_value value;

	for (int i = 0; i < LONG; i++)
		at += sprintf(at, "%02X", 'a' + i % 26);
	strcpy(at, " res=failed");
	value = esl_audit_find(text_of(text), "acct");
	CHECK(esl_audit_copy(copy, value) == LONG && copy[LONG - 1] == 'a' + (LONG - 1) % 26);
	/* Cut off in the middle, as the kernel does. */
	value = esl_audit_find((struct esl_audit){ text, LONG }, "acct");
	CHECK(esl_audit_copy(copy, value) == (LONG - strlen("op=login acct=")) / 2);
}

/* hostname= is as the peer's name server says: it can't give an account, a result or an address. */
static void test_forged(void)
{
	struct esl_audit audit = text_of("op=login acct=\"real\" exe=\"/usr/sbin/sshd\" "
					 "hostname=x acct=\"root\" exe=\"/bin/y\" addr=1.2.3.4 res=success "
					 "addr=10.0.0.1 terminal=ssh res=failed");

	CHECK(is(esl_audit_find(audit, "acct"), "real") && is(esl_audit_find(audit, "exe"), "/usr/sbin/sshd"));
	CHECK(is(esl_audit_find_one(audit, "addr"), NULL));
	CHECK(esl_audit_result(audit) == ESL_AUDIT_FAILED);
	CHECK(is(esl_audit_find(text_of("op=x acct=\"a exe=/bin/y\" exe=\"/bin/z\" res=failed"), "exe"), "/bin/z"));
}

static void test_no_text(void)
{
	static const char *const texts[] = { "", " ", "=", "acct", "acct=", "=acct", "\"", "acct=\"",
		"acct=\"\"", "  acct= ",
					     "\001\377=\377", "acct==", "a=\"b\"acct=c" };
	char copy[64];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct esl_audit_value value = esl_audit_find(text_of(texts[i]), "acct");

		CHECK(!value.at || esl_audit_copy(copy, value) <= 3);
		CHECK(esl_audit_result(text_of(texts[i])) == ESL_AUDIT_UNKNOWN);
	}
	CHECK(esl_audit_find(text_of("acct=\"half"), "acct").length == 4);
}

int main(int argc, char **argv)
{
	CHECK(argc == 2);
	test_file(argv[1]);
	test_sudo();
	test_grantors();
	test_names();
	test_long_name();
	test_forged();
	test_no_text();
	return 0;
}
