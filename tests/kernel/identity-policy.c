/* SPDX-License-Identifier: MIT */

/*
 * A policy as in programs for macOS: allow the system's own programs, deny a team, allow the rest. Each program is new
 * to the daemon when the client is asked, and that first message has all that can be known. For this test's daemon a
 * database of packages, and archives with keys of their own, stand for the system's.
 */

#include "es-test.h"

#include <linux/fsverity.h>
#include <sys/ioctl.h>

#define TEAM "Third Party"

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int shell(const char *format, ...)
{
	char line[2048], command[4096];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	snprintf(command, sizeof(command), "cd '%s' && export GNUPGHOME='%s/gnupg' && { %s; } >>log 2>&1", test_mnt,
		 test_mnt, line);
	return system(command);
}

#define INSTALLED(name) "Package: " name "\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 1\\n\\n"

/* Programs on a file system of their own at /mnt, where only root can write. */
static void make_programs(void)
{
	static const char *const names[] = { "base", "open", "third", "own", "changed", "sealed", "signed", "warm" };
	const char *tiny = test_built("tests/harness/tiny");

	if (shell("truncate -s 16M disk && mkfs.ext4 -q -b 4096 -O verity disk && mount -o loop disk /mnt"))
		test_skip("loop devices, and ext4 on them");
	REQUIRE(shell("mkdir /mnt/bin && chmod 755 /mnt /mnt/bin") == 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		REQUIRE(shell("cp %s /mnt/bin/%s && echo %s >>/mnt/bin/%s && chmod 755 /mnt/bin/%s", tiny, names[i], names[i],
			      names[i], names[i]) == 0);
	REQUIRE(shell("chmod g+w /mnt/bin/open") == 0);
}

static void make_packages(void)
{
	REQUIRE(shell("mkdir -p dpkg/info lists keys && : >dpkg/lock") == 0);
	REQUIRE(shell("printf '" INSTALLED("testos-keyring") INSTALLED("base") INSTALLED("third") "' >dpkg/status") == 0);
	REQUIRE(shell("md5sum /mnt/bin/base /mnt/bin/open /mnt/bin/changed | sed 's, /, ,' >dpkg/info/base.md5sums") == 0);
	REQUIRE(shell("md5sum /mnt/bin/third | sed 's, /, ,' >dpkg/info/third.md5sums && echo more >>/mnt/bin/changed") == 0);
}

static void make_archive(const char *name, const char *origin)
{
	REQUIRE(shell("gpg --batch --pinentry-mode loopback --passphrase '' --quick-gen-key %s@example ed25519 sign never && "
		      "gpg --export %s@example >keys/%s.gpg", name, name, name) == 0);
	REQUIRE(shell("printf 'Origin: %s\\n' | gpg --batch --pinentry-mode loopback --passphrase '' -u %s@example --clearsign "
		      "-o lists/%s_InRelease", origin, name, name) == 0);
	REQUIRE(shell("printf '" "Package: %s\\nArchitecture: amd64\\nVersion: 1\\n\\n" "' >lists/%s_Packages", name, name) == 0);
}

static void put_in_place(void)
{
	REQUIRE(shell("md5sum keys/base.gpg | sed 's,keys/,usr/share/keyrings/,' >dpkg/info/testos-keyring.md5sums") == 0);
	REQUIRE(shell("echo ID=testos >os-release") == 0);
	REQUIRE(shell("mount --bind dpkg /var/lib/dpkg && mount --bind lists /var/lib/apt/lists && "
		      "mount --bind keys /usr/share/keyrings && mount --bind os-release \"$(realpath /etc/os-release)\"") == 0);
}

/* fs-verity, where the kernel has it: the digest is another one, and the kernel's. */
static bool seal(const char *path)
{
	struct fsverity_enable_arg enable = {
		.version = 1, .hash_algorithm = FS_VERITY_HASH_ALG_SHA256, .block_size = 4096,
	};
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = ioctl(fd, FS_IOC_ENABLE_VERITY, &enable);

	if (r < 0)
		printf("no fs-verity here (%s): left out\n", strerror(errno));
	close(fd);
	return r == 0;
}

/* With a key of the administrator's, whose folder is made, and put in the place of the system's, if there is one. */
static void sign(const char *path)
{
	REQUIRE(shell("mkdir keys.d && openssl genpkey -algorithm ed25519 -out private.pem && "
		      "openssl pkey -in private.pem -pubout -out keys.d/ours.pem && "
		      "%s sign --key private.pem --id our/tool %s", test_built("tools/esctl"), path) == 0);
	REQUIRE(shell("mkdir -p etc/keys.d && cp -r keys.d etc && mkdir -p /etc/endpointsecurity && "
		      "mount --bind etc /etc/endpointsecurity") == 0);
}

static void answer(struct test_client *client, const es_message_t *message)
{
	const es_process_t *target = message->event.exec.target;

	if (!target->is_platform_binary && !strcmp(target->team_id.data, TEAM))
		test_deny(client, message);
	else
		test_allow(client, message);
}

static const es_process_t *target_of(struct test_client *client, const char *path)
{
	const es_message_t *message = FIND(client, .type = ES_AUTH(EXEC), .path = path);

	REQUIRE(message != NULL);
	return message->event.exec.target;
}

static void check_target(struct test_client *client, const char *path, bool platform, const char *signing_id,
			 const char *team_id, uint32_t flags)
{
	const es_process_t *target = target_of(client, path);

	CHECK_EQUAL(target->is_platform_binary, platform);
	CHECK_TOKEN(target->signing_id, signing_id);
	CHECK_TOKEN(target->team_id, team_id);
	CHECK_EQUAL(target->codesigning_flags, flags);
	CHECK_EQUAL(target->cdhash_full.size, 32);
}

/*
 * The daemon reads the database when the first client comes, which may take longer than a question waits. False: it can't
 * get at a file by its path here, since the root file system has names looked up anew each time, as 9p does.
 */
static bool warm_up(struct test_client *client)
{
	char *argv[] = {"program", NULL};
	es_linux_identity_t identity;
	const es_message_t *message;

	for (unsigned int i = 0; i < 100; i++) {
		test_clear(client);
		CHECK_EQUAL(test_exec("/mnt/bin/warm", argv, NULL), 0);
		test_sync(client);
		message = FIND(client, .type = ES_AUTH(EXEC), .path = "/mnt/bin/warm");
		REQUIRE(message && es_linux_identity(client->client, message, message->event.exec.target->executable, &identity));
		if (identity.state == ES_LINUX_IDENTITY_UNKNOWABLE && identity.reason == ES_LINUX_IDENTITY_REASON_GONE)
			return false;
		if (target_of(client, "/mnt/bin/warm")->codesigning_flags)
			break;
		test_sleep_ms(100);
	}
	CHECK_EQUAL(target_of(client, "/mnt/bin/warm")->codesigning_flags, 0x2);
	test_clear(client);
	return true;
}

/* A package is upgraded: the new version of its file isn't the vendor's before the database says so, by then it is. */
static void upgrade(struct test_client *client)
{
	char *argv[] = {"program", NULL};

	REQUIRE(shell("cp /mnt/bin/third /mnt/bin/third.dpkg-new && echo new >>/mnt/bin/third.dpkg-new && "
		      "mv /mnt/bin/third.dpkg-new /mnt/bin/third") == 0);
	CHECK_EQUAL(test_exec("/mnt/bin/third", argv, NULL), 0);
	REQUIRE(shell("md5sum /mnt/bin/third | sed 's, /, ,' >third.md5sums && mv third.md5sums dpkg/info/ && "
		      "cp dpkg/status status-new && mv status-new dpkg/status") == 0);
	for (unsigned int i = 0; i < 100 && test_exec("/mnt/bin/third", argv, NULL) == 0; i++)
		test_sleep_ms(50);
	CHECK_EQUAL(test_exec("/mnt/bin/third", argv, NULL), EPERM);
	test_sync(client);
}

static void judge(struct test_client *client, bool sealed)
{
	char *argv[] = {"program", NULL};

	CHECK_EQUAL(test_exec("/mnt/bin/base", argv, NULL), 0);
	CHECK_EQUAL(test_exec("/mnt/bin/third", argv, NULL), EPERM);
	CHECK_EQUAL(test_exec("/mnt/bin/own", argv, NULL), 0);
	CHECK_EQUAL(test_exec("/mnt/bin/open", argv, NULL), 0);
	CHECK_EQUAL(test_exec("/mnt/bin/changed", argv, NULL), 0);
	CHECK_EQUAL(test_exec("/mnt/bin/sealed", argv, NULL), 0);
	test_sync(client);
	check_target(client, "/mnt/bin/base", true, "base/base", "", 0x24000001);
	check_target(client, "/mnt/bin/third", false, "third/third", TEAM, 0x20000001);
	check_target(client, "/mnt/bin/own", false, "", "", 0x2);
	check_target(client, "/mnt/bin/open", false, "base/open", "Test System", 0x20000001);
	check_target(client, "/mnt/bin/changed", false, "", "", 0x2);
	check_target(client, "/mnt/bin/sealed", false, "", "", sealed ? 0x302 : 0x2);
	if (sealed) {
		const es_process_t *target;

		CHECK_EQUAL(test_exec("/mnt/bin/signed", argv, NULL), 0);
		test_sync(client);
		target = target_of(client, "/mnt/bin/signed");
		CHECK_TOKEN(target->signing_id, "our/tool");
		CHECK_EQUAL(target->team_id.length, 10);
		CHECK_EQUAL(target->codesigning_flags, 0x60000301);
		CHECK_EQUAL(target->cs_validation_category, ES_CS_VALIDATION_CATEGORY_LOCAL_SIGNING);
	}
	test_clear(client);
	upgrade(client);
}

int main(void)
{
	struct test_client *client;
	bool sealed;

	test_begin(90);
	if (access("/usr/bin/gpg", X_OK) || access("/usr/bin/gpgv", X_OK) || access("/var/lib/apt/lists", F_OK) ||
	    access("/var/lib/dpkg", F_OK))
		test_skip("gpg, gpgv, dpkg and apt");
	REQUIRE(shell("mkdir -m 700 gnupg") == 0);
	make_programs();
	make_packages();
	make_archive("base", "Test System");
	make_archive("third", TEAM);
	(void)shell("gpgconf --kill all");
	put_in_place();
	sealed = seal("/mnt/bin/sealed");
	if (sealed)
		sign("/mnt/bin/signed");
	test_daemon("--scope-mount", "/mnt", "--identity", "yes", NULL);
	client = test_client(answer, NULL);
	test_subscribe(client, ES_AUTH(EXEC), -1);

	if (warm_up(client))
		judge(client, sealed);
	else
		printf("no root file system whose names the kernel keeps: left out\n");
	test_client_delete(client);
	CHECK(WIFEXITED(test_daemon_stop(SIGTERM)));
	CHECK(!sealed || shell("umount /etc/endpointsecurity") == 0);
	CHECK(shell("umount /var/lib/dpkg /var/lib/apt/lists /usr/share/keyrings \"$(realpath /etc/os-release)\" /mnt") == 0);
	return test_end();
}
