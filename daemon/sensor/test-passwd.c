/* SPDX-License-Identifier: MIT */

/* /etc/passwd as the daemon reads it: whole, half written, with lines of NIS, huge, not there. */

#include "daemon/sensor/passwd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/test.h"
#include "util/macro.h"

static char path[] = "/tmp/test-passwd-XXXXXX";

static struct esd_passwd read_text(const char *text, size_t length)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	struct esd_passwd passwd;

	REQUIRE(write(fd, text, length) == (ssize_t)length);
	REQUIRE(esd_passwd_read(&passwd, path) == 0);
	return passwd;
}

static const struct es_account *find(const struct esd_passwd *passwd, const char *name)
{
	const struct esd_passwd_entry *entry;
	struct es_account_name key = {};

	memcpy(key.name, name, strlen(name));
	entry = esd_passwd_find(passwd, &key);
	return entry ? &entry->account : NULL;
}

static void test_whole(void)
{
	static const char text[] = "root:x:0:0:root:/root:/bin/bash\nalice:$6$secret:1000:1000:,,,:/home/alice:\n"
				   "bob:x:1001:1001::/home/bob:/bin/sh";
	struct esd_passwd passwd = read_text(text, strlen(text));

	REQUIRE(passwd.count == 3);
	REQUIRE(find(&passwd, "root")->uid == 0 && !strcmp(find(&passwd, "root")->shell, "/bin/bash"));
	REQUIRE(find(&passwd, "alice")->uid == 1000 && !find(&passwd, "alice")->shell[0]);
	REQUIRE(find(&passwd, "bob")->uid == 1001 && !find(&passwd, "bo") && !find(&passwd, "bobby"));
	REQUIRE(!memmem(passwd.entries, passwd.count * sizeof(*passwd.entries), "secret", strlen("secret")));
	esd_passwd_deinit(&passwd);
}

/* However far the file has been written: what is there is right, or isn't there. */
static void test_cut(void)
{
	static const char text[] = "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000:A:/home/alice:/bin/zsh\n";

	for (size_t length = 0; length < strlen(text); length++) {
		struct esd_passwd passwd = read_text(text, length);
		const struct es_account *alice = find(&passwd, "alice");

		REQUIRE(!alice || (alice->uid == 1000 && !strncmp(alice->shell, "/bin/zsh", strlen(alice->shell))));
		REQUIRE(!find(&passwd, "root") || find(&passwd, "root")->uid == 0);
		esd_passwd_deinit(&passwd);
	}
}

static void test_no_accounts(void)
{
	static const char text[] = "\n#a:x:1:1::/:/\n+::::::\n+nis:x:1:1::/:/\n-no:x:1:1::/:/\n:x:1:1::/:/\nb:x:-1:1::/:/\n"
				   "c:x:4294967295:1::/:/\nd:x:1a:1::/:/\ne:x: 1:1::/:/\nf:x::1::/:/\ng:x:1:1::/:/:more\nh:x:1\n"
				   "i:x:99999999999999999999999:1::/:/\nreal:x:5:5::/:/bin/sh\n";
	struct esd_passwd passwd = read_text(text, strlen(text));

	REQUIRE(passwd.count == 1 && find(&passwd, "real")->uid == 5);
	esd_passwd_deinit(&passwd);
}

static void test_doubles(void)
{
	static const char text[] = "z:x:1:1::/:/first\na:x:2:2::/:/bin/a\nz:x:3:3::/:/second\n";
	struct esd_passwd passwd = read_text(text, strlen(text));

	REQUIRE(passwd.count == 2 && find(&passwd, "z")->uid == 1 && !strcmp(find(&passwd, "z")->shell, "/first"));
	esd_passwd_deinit(&passwd);
}

static void test_long(void)
{
	static char text[300000];
	struct esd_passwd passwd;

	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 40, "\nroot:x:0:0:root:/root:/bin/bash\n", 33);
	memcpy(text + 1000, "\nlong:x:7:7::/:", 15);
	memcpy(text + 200000, ":x:8:8::/:/\n", 12);
	passwd = read_text(text, sizeof(text));
	REQUIRE(passwd.count == 1 && find(&passwd, "root"));
	esd_passwd_deinit(&passwd);
}

static void test_many(void)
{
	struct esd_passwd passwd;
	FILE *file = fopen(path, "we");

	REQUIRE(file != NULL);
	for (int i = 0; i < 60000; i++)
		fprintf(file, "user%d:x:%d:%d::/home/%d:/bin/sh\n", i, i, i, i);
	fclose(file);
	REQUIRE(esd_passwd_read(&passwd, path) == 0 && passwd.count == 60000 && find(&passwd, "user59999")->uid == 59999);
	esd_passwd_deinit(&passwd);
	file = fopen(path, "ae");
	REQUIRE(file != NULL);
	for (int i = 60000; i < ES_ACCOUNTS_MAX + 1; i++)
		fprintf(file, "user%d:x:%d:%d::/home/%d:/bin/sh\n", i, i, i, i);
	fclose(file);
	REQUIRE(esd_passwd_read(&passwd, path) == -EFBIG);
}

int main(void)
{
	struct esd_passwd passwd;
	int fd = mkstemp(path);

	REQUIRE(fd >= 0);
	close(fd);
	test_whole();
	test_cut();
	test_no_accounts();
	test_doubles();
	test_long();
	test_many();
	unlink(path);
	REQUIRE(esd_passwd_read(&passwd, path) == -ENOENT);
	REQUIRE(esd_passwd_read(&passwd, "/tmp") == -EIO);
	return 0;
}
