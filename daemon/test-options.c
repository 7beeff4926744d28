/* SPDX-License-Identifier: MIT */

/* The command line and the scope: valid options are accepted, and others refused. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/options.h"
#include "daemon/sensor/mounts.h"
#include "daemon/sensor/scope.h"
#include "daemon/test.h"

static int parse(struct esd_options *options, char *first, char *second)
{
	char *arguments[] = { "endpointsecurityd", first, second, NULL };

	optind = 0;
	return esd_options_parse(options, !first ? 1 : second ? 3 : 2, arguments);
}

static void test_taken(void)
{
	struct esd_options options;

	unsetenv("ENDPOINTSECURITY_SOCKET");
	REQUIRE(parse(&options, NULL, NULL) == 0);
	REQUIRE(!strcmp(options.socket, "/run/endpointsecurity/control"));
	REQUIRE(options.ring_bytes == 16 << 20 && options.limits.deadline_ms == 15000 && options.ready_fd == -1);
	setenv("ENDPOINTSECURITY_SOCKET", "/tmp/other", 1);
	REQUIRE(parse(&options, "--private", NULL) == 0);
	REQUIRE(!strcmp(options.socket, "/tmp/other") && options.is_private);
	REQUIRE(parse(&options, "--socket", "/tmp/third") == 0 && !strcmp(options.socket, "/tmp/third"));
	REQUIRE(options.sensor == ESD_CHOOSE_AUTO);
	REQUIRE(parse(&options, "--sensor", "lsm") == 0 && options.sensor == ESD_CHOOSE_LSM);
	REQUIRE(parse(&options, "--sensor", "tracepoint") == 0 && options.sensor == ESD_CHOOSE_TRACEPOINT);
	REQUIRE(parse(&options, "--sensor", "auto") == 0 && options.sensor == ESD_CHOOSE_AUTO);
	REQUIRE(parse(&options, "--ring-size", "65536") == 0 && options.ring_bytes == 65536);
	REQUIRE(parse(&options, "--deadline-ms", "100") == 0 && options.limits.deadline_ms == 100);
	REQUIRE(parse(&options, "--ready-fd", "1") == 0 && options.ready_fd == 1);
	REQUIRE(!strcmp(options.accounts, "/etc") && !strcmp(options.items, "/"));
	REQUIRE(parse(&options, "--accounts", "/srv/etc") == 0 && !strcmp(options.accounts, "/srv/etc"));
	REQUIRE(!options.keeper && options.take_over == -1 && options.identity);
	REQUIRE(parse(&options, "--keeper", "yes") == 0 && options.keeper);
	REQUIRE(parse(&options, "--take-over", "7") == 0 && options.take_over == 7);
	REQUIRE(parse(&options, "--identity", "no") == 0 && !options.identity);
	REQUIRE(parse(&options, "--stamp", NULL) == 0 && options.stamp);
	REQUIRE(parse(&options, "--keeper", "no") == 0 && !options.keeper);
	REQUIRE(parse(&options, "--launch-items", "/srv") == 0 && !strcmp(options.items, "/srv"));
	REQUIRE(parse(&options, "--version", NULL) > 0);
	REQUIRE(parse(&options, "--help", NULL) > 0);
}

static void test_refused(void)
{
	static char *const bad[][2] = {
		{ "--ring-size", "100000" }, { "--ring-size", "32768" }, { "--ring-size", "0" }, { "--ring-size", "-65536" },
		{ "--ring-size", "2147483648" }, { "--ring-size", "64K" }, { "--ring-size", "" },
		{ "--deadline-ms", "99" }, { "--deadline-ms", "60001" }, { "--deadline-ms", "99999999999999999999999" },
		{ "--ready-fd", "999" }, { "--ready-fd", "x" }, { "--socket", NULL }, { "--nonsense", NULL },
		{ "argument", NULL }, { "--sensor", "LSM" }, { "--sensor", "" }, { "--sensor", NULL },
		{ "--keeper", "on" }, { "--keeper", NULL }, { "--identity", "" }, { "--take-over", "-1" },
		{ "--accounts", "etc" }, { "--accounts", "/etc/" }, { "--accounts", "" }, { "--accounts", NULL },
		{ "--launch-items", "srv" }, { "--launch-items", "/srv/" },
	};
	struct esd_options options;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REQUIRE(parse(&options, bad[i][0], bad[i][1]) < 0);
}

static void test_scope_mount(void)
{
	struct esd_scope scope;
	struct statx st;

	esd_scope_init(&scope);
	REQUIRE(!strcmp(scope.text, "everything"));
	REQUIRE(esd_scope_add_mount(&scope, "/nonexistent/path") == -ENOENT);
	REQUIRE(esd_scope_add_mount(&scope, "/proc/self") == -EINVAL);
	REQUIRE(esd_scope_add_mount(&scope, "/proc/") == 0);
	REQUIRE(statx(AT_FDCWD, "/proc", 0, STATX_MNT_ID, &st) == 0);
	REQUIRE(scope.mounts == 1 && scope.mount_id[0] == st.stx_mnt_id);
	REQUIRE(!strcmp(scope.mount_path[0], "/proc") && !strcmp(scope.text, "mount /proc/"));
	for (int i = 1; i < ES_SCOPE_MOUNTS; i++)
		REQUIRE(esd_scope_add_mount(&scope, "/") == 0);
	REQUIRE(esd_scope_add_mount(&scope, "/") == -E2BIG);
	esd_scope_deinit(&scope);
}

/* Where cgroup v2 is mounted, or an empty string. */
static void cgroup_root(char *ret, size_t size)
{
	struct esd_mounts mounts;
	struct esd_mount mount;
	char *cursor = NULL;

	ret[0] = 0;
	REQUIRE(esd_mounts_open(&mounts) == 0 && esd_mounts_read(&mounts) == 0);
	while (esd_mounts_next(&mounts, &cursor, &mount))
		if (!strcmp(mount.type, "cgroup2") && !strcmp(mount.root, "/"))
			snprintf(ret, size, "%s", mount.point);
	esd_mounts_close(&mounts);
}

static void test_scope_cgroup(void)
{
	char root[256], inner[300];
	struct esd_scope scope;
	struct stat st;

	esd_scope_init(&scope);
	REQUIRE(esd_scope_set_cgroup(&scope, "/nonexistent") == -ENOENT);
	REQUIRE(esd_scope_set_cgroup(&scope, "/") == -EINVAL);
	cgroup_root(root, sizeof(root));
	if (!root[0])
		return;
	REQUIRE(esd_scope_set_cgroup(&scope, root) == 0 && scope.cgroup_level == 0 && scope.cgroup);
	snprintf(inner, sizeof(inner), "%s/es-test-%d", root, getpid());
	if (mkdir(inner, 0755) < 0)
		return;
	REQUIRE(esd_scope_set_cgroup(&scope, inner) == 0 && scope.cgroup_level == 1);
	REQUIRE(stat(inner, &st) == 0 && st.st_ino == scope.cgroup);
	rmdir(inner);
}

int main(void)
{
	test_taken();
	test_refused();
	test_scope_mount();
	test_scope_cgroup();
	return 0;
}
