/* SPDX-License-Identifier: MIT */

/*
 * The administrator's files: the daemon does what they say, in the documented order. It refuses an error and names its
 * line, and keeps the old list.
 */

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/options.h"
#include "daemon/sensor/event.h"
#include "daemon/serve/access.h"
#include "daemon/test.h"
#include "util/macro.h"

static char folder[] = "/tmp/es-test-access-XXXXXX", list[64], captured[64];

static void file_remove(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	REQUIRE(unlink(path) == 0);
}

/* What a function says on stderr. */
static int err_saved;

static void capture_begin(void)
{
	fflush(stderr);
	err_saved = dup(2);
	REQUIRE(err_saved >= 0 && freopen(captured, "we", stderr));
	dup2(fileno(stderr), 2);
}

static bool capture_end(const char *wanted)
{
	char text[4096];
	FILE *file;
	size_t n;

	fflush(stderr);
	dup2(err_saved, 2);
	close(err_saved);
	file = fopen(captured, "re");
	REQUIRE(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = 0;
	fclose(file);
	if (!strstr(text, wanted))
		fprintf(stderr, "it said: %s", text);
	return strstr(text, wanted);
}

static int decide(const struct esd_access *access, const char *executable, gid_t group)
{
	const gid_t groups[] = { 0, group };

	return esd_access_decide(access, executable, groups, ARRAY_SIZE(groups));
}

static void test_decisions(void)
{
	struct group *known = getgrnam("daemon");
	struct esd_access access = {};
	gid_t group;

	REQUIRE(known);
	group = known->gr_gid;
	REQUIRE(esd_access_read(&access, list, false) == 0 && decide(&access, "/bin/a", 0) == 0);
	REQUIRE(esd_access_read(&access, list, true) == 0 && decide(&access, "/bin/a", 0) == ENOKEY);
	REQUIRE(esd_access_read(&access, "/nonexistent", false) == 0 && access.count == 0);

	file_write(folder, "clients.d/10.conf", "# a comment\nclient \"/bin/a\" { permit = yes }\nclient /opt/x/ { permit = true }\n");
	file_write(folder, "clients.d/20.conf", "group daemon { permit = yes }\nclient /opt/x/bad {\n\tpermit = no\n}\n");
	file_write(folder, "clients.d/30.txt", "not read");
	REQUIRE(esd_access_read(&access, list, true) == 0 && access.count == 4);
	REQUIRE(decide(&access, "/bin/a", 0) == 0 && decide(&access, "/bin/ab", 0) == ENOKEY);
	REQUIRE(decide(&access, "/opt/x/y/z", 0) == 0 && decide(&access, "/opt/x", 0) == ENOKEY);
	REQUIRE(decide(&access, "/opt/x/bad", 0) == EACCES);		/* a no wins */
	REQUIRE(decide(&access, "/bin/b", group) == 0 && decide(&access, "/opt/x/bad", group) == EACCES);
	REQUIRE(decide(&access, "", 0) == ENOKEY);
	REQUIRE(esd_access_read(&access, list, false) == 0);
	REQUIRE(decide(&access, "/bin/b", 0) == 0 && decide(&access, "/opt/x/bad", 0) == EACCES);
	file_remove("clients.d/20.conf");
	file_remove("clients.d/30.txt");
	esd_access_deinit(&access);
}

static void test_bad_lists(void)
{
	static const struct {
		const char *text, *wanted;
	} bad[] = {
		{ "client \"/bin/a\" { permit = yes }\nclient bin/b { permit = yes }\n", "20.conf:2: client \"bin/b\"" },
		{ "\n\nclient /bin/a { permit = maybe }\n", "20.conf:3: " },
		{ "client /bin/a { }\n", "20.conf:1: client \"/bin/a\": say permit" },
		{ "client /bin/a { permit = yes\n", "20.conf:3: the file ends within a section" },
		{ "client /bin/a { permit = yes allow = no }\n", "20.conf:1: " },
		{ "\nclients /bin/a { permit = yes }\n", "20.conf:2: " },
		{ "group nosuchgroup { permit = no }\n", "20.conf:1: group \"nosuchgroup\": this system" },
		{ "\x01\x02\xff{{{}}}\"", "20.conf:" },
	};
	struct esd_access access = {};
	char path[256];

	REQUIRE(esd_access_read(&access, list, true) == 0 && access.count == 2);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		file_write(folder, "clients.d/20.conf", bad[i].text);
		capture_begin();
		REQUIRE(esd_access_read(&access, list, false) < 0);
		REQUIRE(capture_end(bad[i].wanted));
		REQUIRE(access.count == 2 && access.listed_only);	/* as it was */
	}
	file_write(folder, "clients.d/20.conf", "client /bin/c { permit = yes }\n");
	snprintf(path, sizeof(path), "%s/20.conf", list);
	REQUIRE(chmod(path, 0666) == 0);
	capture_begin();
	REQUIRE(esd_access_read(&access, list, false) == -EPERM && capture_end("20.conf: has to be a file that belongs"));
	REQUIRE(chmod(path, 0644) == 0 && chown(path, 1, 1) == 0);
	capture_begin();
	REQUIRE(esd_access_read(&access, list, false) == -EPERM && capture_end("chown root"));
	REQUIRE(chown(path, 0, 0) == 0 && esd_access_read(&access, list, false) == 0 && access.count == 3);
	esd_access_deinit(&access);
}

static int parse(struct esd_options *options, char *option, char *value)
{
	char path[128];
	char *arguments[] = { "endpointsecurityd", "--config", path, option, value, NULL };

	snprintf(path, sizeof(path), "%s/daemon.conf", folder);
	optind = 0;
	return esd_options_parse(options, option ? 5 : 3, arguments);
}

static void test_main_file(void)
{
	static const struct {
		const char *text, *wanted;
	} bad[] = {
		{ "ring-size = 1000000\n", "daemon.conf:1: ring-size: give a power of two" },
		{ "\nring-size = 5\n", "daemon.conf:2: ring-size: give a whole number from 65536" },
		{ "deadline-ms = 99\n", "daemon.conf:1: deadline-ms: give a whole number from 100 to 60000" },
		{ "deadline-ms = soon\n", "daemon.conf:1: " },
		{ "sensor = \"ebpf\"\n", "daemon.conf:1: sensor: there are" },
		{ "clients = all\n", "daemon.conf:1: clients: there are" },
		{ "deadline AUTH_EXEC { ms = 5 }\n", "daemon.conf:1: ms: give" },
		{ "deadline NOTIFY_EXEC { ms = 500 }\n", "daemon.conf:1: deadline: NOTIFY_EXEC is no AUTH event" },
		{ "# x\nnonsense = 5\n", "daemon.conf:2: " },
		{ "sensor = \"a#b\" # \"\n", "daemon.conf:1: sensor: there are" },
		{ "# it's\n# a \"quote\n\nsensor = lsm # here\nclients = 5", "daemon.conf:5: clients" },
	};
	struct esd_options options;

	capture_begin();
	REQUIRE(parse(&options, NULL, NULL) < 0 && capture_end("there is no such file"));
	file_write(folder, "daemon.conf", "");
	REQUIRE(parse(&options, NULL, NULL) == 0 && options.limits.deadline_ms == 15000 && !options.clients_listed);
	REQUIRE(options.ring_bytes == 16 << 20 && !strcmp(options.clients_folder, list));
	file_write(folder, "daemon.conf", "ring-size = 65536\ndeadline-ms = 2000\nclients = listed\nsensor = tracepoint\n"
		   "deadline AUTH_EXEC { ms = 500 }\ndeadline-longest-ms = 120000\n");
	REQUIRE(parse(&options, NULL, NULL) == 0 && options.limits.deadline_ms == 2000 && options.clients_listed);
	REQUIRE(options.ring_bytes == 65536 && options.sensor == ESD_CHOOSE_TRACEPOINT);
	REQUIRE(options.limits.type_ms[ESD_AUTH_EXEC] == 500 && options.limits.longest_ms == 120000);
	REQUIRE(parse(&options, "--deadline-ms", "3000") == 0 && options.limits.deadline_ms == 3000);
	REQUIRE(options.ring_bytes == 65536 && parse(&options, "--ring-size", "131072") == 0);
	REQUIRE(options.ring_bytes == 131072 && options.limits.deadline_ms == 2000);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		file_write(folder, "daemon.conf", bad[i].text);
		capture_begin();
		REQUIRE(parse(&options, NULL, NULL) < 0);
		REQUIRE(capture_end(bad[i].wanted));
	}
	file_remove("daemon.conf");
}

int main(void)
{
	if (geteuid() != 0)
		SKIP("files that belong to root");
	REQUIRE(mkdtemp(folder));
	snprintf(list, sizeof(list), "%s/clients.d", folder);
	snprintf(captured, sizeof(captured), "%s/stderr", folder);
	REQUIRE(mkdir(list, 0755) == 0);
	test_decisions();
	test_bad_lists();
	test_main_file();
	file_remove("clients.d/10.conf");
	file_remove("clients.d/20.conf");
	file_remove("stderr");
	REQUIRE(rmdir(list) == 0 && rmdir(folder) == 0);
	return 0;
}
