/* SPDX-License-Identifier: MIT */

/*
 * Launch items: reading each kind of file, and refusing others; attacks by files in homes on the daemon that reads
 * them; and reports of changes, for records that the test makes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/report/entries.h"
#include "daemon/report/items.h"
#include "daemon/report/reporter.h"
#include "daemon/test.h"
#include "util/macro.h"

enum { CLOSE = 12, CREATE = 13, RENAME = 25, SETMODE = 29, UNLINK = 32, ADD = 124, REMOVE = 125 };

static char root[] = "/tmp/es-items-XXXXXX";

/* ---- files ---- */

static const char *at(const char *path)
{
	static char paths[4][512];
	static unsigned int next;
	char *ret = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(ret, sizeof(paths[0]), "%s%s", root, path);
	return ret;
}

static void make_folders(const char *path)
{
	char all[512];

	snprintf(all, sizeof(all), "%s", at(path));
	for (char *slash = strchr(all + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(all, 0755);
		*slash = '/';
	}
}

static void put_bytes(const char *path, const char *text, size_t length, mode_t mode)
{
	int fd;

	make_folders(path);
	fd = open(at(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	REQUIRE(fd >= 0 && write(fd, text, length) == (ssize_t)length && fchmod(fd, mode) == 0 && close(fd) == 0);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text), 0644);
}

/* ---- what files say ---- */

static void check_text(char *found, const char *wanted)
{
	if (wanted ? !found || strcmp(found, wanted) : !!found) {
		fprintf(stderr, "found \"%s\", not \"%s\"\n", found ?: "(null)", wanted ?: "(null)");
		exit(1);
	}
	free(found);
}

static void test_units(void)
{
	static const struct {
		const char *text, *program;
	} cases[] = {
		{ "[Service]\nExecStart=/bin/a b c\n", "/bin/a" },
		{ "[Service]\n ExecStart = -+/bin/a\t-x", "/bin/a" },
		{ "ExecStart=@/bin/a argv0\nExecStart=/bin/b\n", "/bin/a" },
		{ "ExecStart=/bin/a\nExecStart=\nExecStart=/bin/b\n", "/bin/b" },
		{ "ExecStart=\\\n   /bin/a \\\nExecStart=/bin/no\n", "/bin/a" },
		{ "ExecStart=\"/opt/my app/run\" x\n", "/opt/my app/run" },
		{ "ExecStart=/opt/my\\ app/run x\n", "/opt/my app/run" },
		{ "#ExecStart=/bin/a\n;ExecStart=/bin/a\nXExecStart=/bin/a\nExecStartPre=/bin/p\n", "/bin/p" },
		{ "ExecStart=\n", NULL }, { "ExecStart", NULL }, { "", NULL }, { "ExecStart=\"\"", NULL },
		{ "ExecStart=\\", "\\" }, { "ExecStart='/bin/a", "/bin/a" },
	};
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		strcpy(text, cases[i].text);
		check_text(esd_entry_unit(text, true), cases[i].program);
	}
	strcpy(text, "ExecStop=/bin/a\n");
	check_text(esd_entry_unit(text, false), NULL);
	strcpy(text, "[Timer]\nUnit=a.service\n Unit = b.service \n");
	check_text(esd_entry_setting(text, "Unit"), "b.service");
}

static void test_desktops(void)
{
	static const struct {
		const char *text, *program;
	} cases[] = {
		{ "[Desktop Entry]\nName=x\nExec=/bin/a %U\n", "/bin/a" },
		{ "Exec=/bin/a\n", NULL },
		{ "[Desktop Action x]\nExec=/bin/b\n[Desktop Entry]\nExec=\"a b\" c\n", "a b" },
		{ "[Desktop Entry]\nExec=/bin/a\nHidden=true\n", NULL },
		{ "[Desktop Entry]\nExec=/bin/a\nHidden=false\nX-GNOME-Autostart-enabled=FALSE\n", NULL },
	};
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		strcpy(text, cases[i].text);
		check_text(esd_entry_desktop(text), cases[i].program);
	}
}

static void say_line(void *owner, const struct esd_entry_line *line)
{
	char *said = owner;

	snprintf(said + strlen(said), 1024 - strlen(said), "%s,%s;", line->user ?: "-", line->program);
}

static void test_crontabs(void)
{
	char said[1024] = "", text[512];

	strcpy(text, "# m h\nSHELL=/bin/sh\nPATH = /x\n\n17 *\t* * *\troot\tcd / && run\n@reboot ann \"/o p\" 1\n"
		     "1 2 3 4 root\n@daily\n* * * * * bob /bin/env A=b\n  0 0 * * 0 root test -x /b");
	esd_entry_crontab(text, true, say_line, said);
	REQUIRE(!strcmp(said, "root,cd;ann,/o p;bob,/bin/env;root,test;"));
	said[0] = '\0';
	strcpy(text, "MAILTO=\"\"\n*/5 * * * * /bin/a b\n@reboot /bin/c\n1 2 3 4 5\n1 2\n");
	esd_entry_crontab(text, false, say_line, said);
	REQUIRE(!strcmp(said, "-,/bin/a;-,/bin/c;"));
}

/* ---- what is told ---- */

struct telling {
	struct esd_reporter reporter;
	char said[4096];
};

static struct telling t;

static void say_told(void *owner, uint64_t slots)
{
	const struct es_record *told = t.reporter.told;
	const char *url = (const char *)told + told->str[0].off, *prefix = "file://";

	(void)owner;
	REQUIRE(slots == UINT64_MAX && !strncmp(url, prefix, strlen(prefix)));
	REQUIRE(!strncmp(url + strlen(prefix), root, strlen(root)));
	snprintf(t.said + strlen(t.said), sizeof(t.said) - strlen(t.said), "%s%s %s %s %d%s %d", t.said[0] ? "; " : "",
		 told->type == ADD ? "+" : "-", url + strlen(prefix) + strlen(root), told->str[1].off ? (const char *)told + told->str[1].off : "",
		 (int)told->num[ES_ITEM_TYPE], told->num[ES_ITEM_LEGACY] ? "l" : "", (int)told->num[ES_ITEM_UID]);
}

struct seen {
	struct es_record head;
	struct es_process_part process;
	struct es_file_part file[2];
	struct es_reported reported;
	char path[2][512];
};

/* `to`: the second file; NULL: there is none. */
static void seen(uint32_t type, const char *path, const char *to)
{
	static struct seen seen;

	seen = (struct seen){
		.head = { .size = sizeof(seen), .type = (uint16_t)type, .process = offsetof(struct seen, process),
			  .file = { offsetof(struct seen, file[0]), to ? offsetof(struct seen, file[1]) : 0 },
			  .num = { 1 }, .fds = { offsetof(struct seen, reported), sizeof(seen.reported) } },
		.process = { .token = { .pid = 77 } },
	};
	memset(&seen.reported, 0xff, sizeof(seen.reported));
	for (int i = 0; i < (to ? 2 : 1); i++) {
		strcpy(seen.path[i], at(i ? to : path));
		seen.file[i].path = (struct es_span){ offsetof(struct seen, path) + (size_t)i * sizeof(seen.path[0]),
						      (uint32_t)strlen(seen.path[i]) };
	}
	t.said[0] = '\0';
	esd_reporter_seen(&t.reporter, &seen.head, sizeof(seen));
}

static void check_said(int line, const char *wanted)
{
	if (strcmp(t.said, wanted)) {
		fprintf(stderr, "line %d: said \"%s\", not \"%s\"\n", line, t.said, wanted);
		exit(1);
	}
}

#define SAID(wanted) check_said(__LINE__, wanted)

static void write_seen(const char *path, const char *text)
{
	put(path, text);
	seen(CLOSE, path, NULL);
}

static void remove_seen(const char *path)
{
	REQUIRE(unlink(at(path)) == 0);
	seen(UNLINK, path, NULL);
}

static void link_seen(const char *target, const char *path)
{
	make_folders(path);
	REQUIRE(symlink(target, at(path)) == 0);
	seen(CREATE, path, NULL);
}

#define SYSTEM "/etc/systemd/system/"

static void test_unit_files(void)
{
	write_seen(SYSTEM "a.service", "[Service]\nExecStart=/bin/a\n");
	SAID("+ " SYSTEM "a.service /bin/a 4 0");
	write_seen(SYSTEM "a.service", "[Service]\nExecStart=/bin/a\n");
	SAID("");
	write_seen(SYSTEM "a.service", "[Service]\nExecStart=/bin/a -x\n");
	SAID("+ " SYSTEM "a.service /bin/a 4 0");
	write_seen(SYSTEM "a.timer", "[Timer]\nOnCalendar=daily\n");
	SAID("+ " SYSTEM "a.timer /bin/a 4 0");
	write_seen(SYSTEM "b.socket", "[Socket]\nService=a.service\n");
	SAID("+ " SYSTEM "b.socket /bin/a 4 0");
	write_seen(SYSTEM "c.timer", "[Timer]\nUnit=../../../x.service\n");
	SAID("+ " SYSTEM "c.timer  4 0");
	link_seen("../a.service", SYSTEM "multi-user.target.wants/a.service");
	SAID("+ " SYSTEM "multi-user.target.wants/a.service /bin/a 4 0");
	link_seen("/etc/systemd/system/a.service", SYSTEM "alias.service");
	SAID("+ " SYSTEM "alias.service /bin/a 4 0");
	link_seen("/dev/null", SYSTEM "masked.service");
	SAID("");
	write_seen(SYSTEM "ssh.service.d/x.conf", "[Service]\nExecStartPre=/bin/evil\n");
	SAID("+ " SYSTEM "ssh.service.d/x.conf /bin/evil 4 0");
	write_seen(SYSTEM "ssh.service.d/y.conf", "[Service]\nNice=1\n");
	SAID("");
	write_seen(SYSTEM "a.slice", "[Slice]\n");
	SAID("");
	write_seen(SYSTEM "other/a.service", "[Service]\nExecStart=/bin/a\n");
	SAID("");
	write_seen(SYSTEM "a\001 b.service", "[Service]\nExecStart=/bin/a\n");
	SAID("+ " SYSTEM "a%01%20b.service /bin/a 4 0");
	put(SYSTEM "new.service", "[Service]\n");
	seen(CREATE, SYSTEM "new.service", NULL);		/* it is being written */
	SAID("");
	seen(SETMODE, SYSTEM "new.service", NULL);
	SAID("");
	write_seen(SYSTEM "new.service", "");
	SAID("");
	remove_seen(SYSTEM "a.service");
	SAID("- " SYSTEM "a.service  4 0");
	REQUIRE(rename(at(SYSTEM "multi-user.target.wants"), at(SYSTEM "gone")) == 0);
	seen(RENAME, SYSTEM "multi-user.target.wants", SYSTEM "gone");
	SAID("- " SYSTEM "multi-user.target.wants/a.service  4 0");
	put("/usr/lib/systemd/user/u.service", "ExecStart=/bin/u\n");
	seen(RENAME, "/usr/lib/systemd/user/u.service.dpkg-new", "/usr/lib/systemd/user/u.service");
	SAID("+ /usr/lib/systemd/user/u.service /bin/u 3 0");
}

static void test_cron(void)
{
	write_seen("/etc/crontab", "1 * * * * root /bin/a\n2 * * * * nosuch /bin/b\n");
	SAID("+ /etc/crontab /bin/a 4l 0; + /etc/crontab /bin/b 4l -2");
	write_seen("/etc/crontab", "# changed\n3 * * * * root /bin/a\n2 * * * * nosuch /bin/b\n");
	SAID("- /etc/crontab  4l 0; + /etc/crontab /bin/a 4l 0");
	write_seen("/etc/cron.d/x", "@reboot ann /bin/c\n@reboot ann /bin/c\n");
	SAID("+ /etc/cron.d/x /bin/c 4l 1000; + /etc/cron.d/x /bin/c 4l 1000");
	write_seen("/etc/cron.d/x", "@reboot ann /bin/c\n");
	SAID("- /etc/cron.d/x  4l 1000");
	write_seen("/etc/cron.d/x.dpkg-new", "@reboot ann /bin/c\n");
	SAID("");
	write_seen("/var/spool/cron/crontabs/tmp.Ab1", "@reboot /bin/d\n");
	SAID("");
	REQUIRE(rename(at("/var/spool/cron/crontabs/tmp.Ab1"), at("/var/spool/cron/crontabs/ann")) == 0);
	seen(RENAME, "/var/spool/cron/crontabs/tmp.Ab1", "/var/spool/cron/crontabs/ann");
	SAID("+ /var/spool/cron/crontabs/ann /bin/d 4l 1000");
	put("/etc/cron.daily/job", "#!/bin/sh\n");
	seen(CLOSE, "/etc/cron.daily/job", NULL);
	SAID("");
	REQUIRE(chmod(at("/etc/cron.daily/job"), 0755) == 0);
	seen(SETMODE, "/etc/cron.daily/job", NULL);
	REQUIRE(strstr(t.said, "+ /etc/cron.daily/job ") && strstr(t.said, "/etc/cron.daily/job 4l 0"));
	REQUIRE(chmod(at("/etc/cron.daily/job"), 0644) == 0);
	seen(SETMODE, "/etc/cron.daily/job", NULL);
	REQUIRE(strstr(t.said, "- /etc/cron.daily/job  4l 0"));
}

#define AUTOSTART "/home/ann/.config/autostart/"

static void test_homes(void)
{
	static char zeros[4096];

	write_seen(AUTOSTART "a.desktop", "[Desktop Entry]\nExec=/bin/a\n");
	SAID("+ " AUTOSTART "a.desktop /bin/a 2 1000");
	write_seen("/home/ann/.config/systemd/user/u.service", "[Service]\nExecStart=%h/bin/u\n");
	SAID("+ /home/ann/.config/systemd/user/u.service %h/bin/u 3 1000");
	write_seen("/home/none/.config/autostart/a.desktop", "[Desktop Entry]\nExec=/bin/a\n");
	REQUIRE(!strstr(t.said, "none"));

	/* What a user may put there. */
	REQUIRE(mkfifo(at(AUTOSTART "fifo.desktop"), 0600) == 0);
	seen(CREATE, AUTOSTART "fifo.desktop", NULL);
	SAID("");
	link_seen("fifo.desktop", AUTOSTART "link.desktop");
	link_seen("/dev/zero", AUTOSTART "zero.desktop");
	link_seen("loop.desktop", AUTOSTART "loop.desktop");
	SAID("");
	REQUIRE(mkdir(at(AUTOSTART "folder.desktop"), 0755) == 0);
	seen(CREATE, AUTOSTART "folder.desktop", NULL);
	SAID("");
	put_bytes(AUTOSTART "zeros.desktop", zeros, sizeof(zeros), 0644);
	seen(CLOSE, AUTOSTART "zeros.desktop", NULL);
	SAID("");
	REQUIRE(truncate(at(AUTOSTART "zeros.desktop"), 1 << 30) == 0);
	seen(CLOSE, AUTOSTART "zeros.desktop", NULL);
	SAID("");

	/* The folders above it. */
	REQUIRE(rename(at("/home/ann/.config"), at("/home/ann/.other")) == 0);
	seen(RENAME, "/home/ann/.config", "/home/ann/.other");
	SAID("- /home/ann/.config/systemd/user/u.service  3 1000; - " AUTOSTART "a.desktop  2 1000");
	REQUIRE(rename(at("/home/ann/.other"), at("/home/ann/.config")) == 0);
	seen(RENAME, "/home/ann/.other", "/home/ann/.config");
	SAID("+ /home/ann/.config/systemd/user/u.service %h/bin/u 3 1000; + " AUTOSTART "a.desktop /bin/a 2 1000");
}

/* After a loss all that changed is found. */
static void test_lost(void)
{
	put(SYSTEM "late.service", "ExecStart=/bin/late\n");
	t.said[0] = '\0';
	esd_reporter_lost(&t.reporter, 0);
	SAID("");
	esd_reporter_lost(&t.reporter, 3);
	SAID("+ " SYSTEM "late.service /bin/late 4 0");
}

static size_t paths, prefixes;

static int count_path(void *owner, uint32_t kind, const char *path)
{
	(void)owner;
	REQUIRE(!strncmp(path, root, strlen(root)) && strlen(path) > strlen(root));
	REQUIRE((kind == ES_MUTE_TARGET_PREFIX) == (path[strlen(path) - 1] == '/'));
	REQUIRE(strcmp(path, at("/home")));
	paths++;
	prefixes += kind == ES_MUTE_TARGET_PREFIX;
	return 0;
}

int main(void)
{
	_Alignas(8) static char told[ES_REPORT_BYTES];
	char command[128];

	REQUIRE(mkdtemp(root));
	test_units();
	test_desktops();
	test_crontabs();
	put("/etc/passwd", "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\nnone:x:1001:1::/home/none:/usr/sbin/nologin\n"
			   "odd:x:1002:1::/:/bin/sh\nodd2:x:1003:1::relative:/bin/sh\nodd3:x:1004:1::/home/../etc:/bin/sh\n");
	put(SYSTEM "before.service", "ExecStart=/bin/before\n");
	REQUIRE(esd_reporter_init(&t.reporter, &esd_subject_items, root) == 0);
	t.reporter.told = (struct es_record *)told;
	t.reporter.send = say_told;
	esd_reporter_begin(&t.reporter);
	SAID("");
	REQUIRE(t.reporter.subject->paths(&t.reporter, count_path, NULL) == 0 && paths > 40 && prefixes == 22);
	test_unit_files();
	test_cron();
	test_homes();
	test_lost();
	esd_reporter_deinit(&t.reporter);
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command) != 0;
}
