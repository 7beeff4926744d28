/* SPDX-License-Identifier: MIT */

/*
 * The daemon finds out what the kernel refuses when it first needs it: es_subscribe() fails for the types that need it
 * and no others, `esctl capabilities` says so, asked before or after, and the log names the program and the reason. If
 * the kernel refuses a hook's sleeping program, the daemon uses one that doesn't sleep, if there is one; without the
 * cache's programs it keeps no answers. If it refuses the two hooks by which the lsm sensor is chosen, the daemon
 * doesn't choose it. Without the programs that follow processes the daemon doesn't start.
 */

#include "es-test.h"
#include "loaded.h"

/* The line of an event; or with NULL the one that tells the sensor. */
static void capability(const char *event, char *ret, size_t size)
{
	char command[4200], line[1024];
	FILE *output;

	snprintf(command, sizeof(command), "%s capabilities %s", test_built("tools/esctl"), event ?: "open");
	ret[0] = 0;
	output = popen(command, "re");
	REQUIRE(output != NULL);
	while (fgets(line, sizeof(line), output))
		if (!strncmp(line, event ?: "sensor", strlen(event ?: "sensor")))
			snprintf(ret, size, "%s", line);
	REQUIRE(pclose(output) == 0 && ret[0]);
	printf("%s", ret);
}

static bool capability_says(const char *event, const char *text)
{
	char line[1024];

	capability(event, line, sizeof(line));
	return strstr(line, text);
}

static bool log_says(const char *text)
{
	char path[4200], line[4096];
	bool found = false;
	FILE *log;

	snprintf(path, sizeof(path), "%.4000s/daemon.log", test_dir);
	log = fopen(path, "re");
	REQUIRE(log != NULL);
	while (fgets(line, sizeof(line), log))
		found |= strstr(line, text) != NULL;
	fclose(log);
	return found;
}

static bool can(struct test_client *client, es_event_type_t type)
{
	return es_subscribe(client->client, &type, 1) == ES_RETURN_SUCCESS;
}

static int do_link(void *context)
{
	(void)context;
	return link(test_at("a"), test_at("b")) < 0;
}

static void notify_refused(void)
{
	struct test_client *client;

	loaded_refuse("exit_rename,on_signal,done_vfs_rename,done_security_t");	/* objects, then calls */
	test_daemon_own();
	client = test_client(NULL, NULL);
	CHECK(!can(client, ES_NOTIFY(RENAME)));		/* before any request for capabilities */
	CHECK(!can(client, ES_NOTIFY(RENAME)));
	CHECK(log_says("the kernel refuses the program exit_rename: Invalid argument"));
	CHECK(capability_says("rename", "the kernel refuses the program exit_rename"));
	CHECK(capability_says("exchangedata", "no"));
	CHECK(capability_says("signal", "the kernel refuses the program on_signal"));
	CHECK(!can(client, ES_NOTIFY(SIGNAL)) && !can(client, ES_NOTIFY(EXCHANGEDATA)));

	CHECK(can(client, ES_NOTIFY(LINK)) && can(client, ES_NOTIFY(UNLINK)));
	CHECK(capability_says("link", "delivers"));
	test_write_file(test_at("a"), "", 0644);
	CHECK_EQUAL(test_run(do_link, NULL), 0);
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(LINK), .path = test_at("a")), 1);
	test_client_delete(client);
	CHECK_EQUAL(test_daemon_stop(SIGTERM), 0);
}

/* With the lsm sensor; true: this is one. */
static bool hooks_refused(void)
{
	struct test_client *client;
	struct loaded loaded;
	pid_t daemon;

	loaded_refuse("hook_inode_setattr,plain_path_chroot,cache_inode_unlink");
	daemon = test_daemon_own();
	client = test_client(NULL, NULL);
	if (!capability_says(NULL, "lsm")) {
		test_client_delete(client);
		CHECK_EQUAL(test_daemon_stop(SIGTERM), 0);
		return false;
	}
	CHECK(!can(client, ES_AUTH(CHROOT)) && capability_says("chroot", "the kernel refuses the program at the LSM hook"));
	(void)can(client, ES_AUTH(UTIMES));
	loaded = loaded_read(daemon);
	loaded_print(&loaded);
	if (loaded_has(&loaded, "plain_inode_setattr"))
		CHECK(can(client, ES_AUTH(UTIMES)) &&
		      capability_says("utimes", test_has_task_work() ? "in task work" : "starting over"));
	else
		CHECK(!can(client, ES_AUTH(UTIMES)) && log_says("refuses the program plain_inode_setattr"));
	CHECK(can(client, ES_AUTH(OPEN)) && can(client, ES_AUTH(SETMODE)));
	CHECK(log_says("without the program cache_inode_unlink"));
	CHECK(system(test_built("tools/esctl cache | grep -q 'none: this kernel refuses'")) == 0);
	test_client_delete(client);
	CHECK_EQUAL(test_daemon_stop(SIGTERM), 0);
	return true;
}

static void other_sensor(void)
{
	loaded_refuse("hook_file_open,plain_file_open");
	test_daemon_own();
	CHECK(capability_says(NULL, "tracepoint (AUTH_OPEN: the kernel refuses"));
	CHECK_EQUAL(test_daemon_stop(SIGTERM), 0);
}

/* Its warden may outlive it by a moment: so the log is on no mount of the test's. */
static int start_daemon(void *log)
{
	int fd = open(log, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

	dup2(fd, STDERR_FILENO);
	execl(test_built("daemon/endpointsecurityd"), "endpointsecurityd", "--socket", test_at("socket"), NULL);
	return 99;
}

static void no_daemon(void)
{
	char path[4200], line[4096];
	bool found = false;
	FILE *log;

	snprintf(path, sizeof(path), "%.4000s/refused.log", test_dir);
	loaded_refuse("on_exec");
	CHECK_EQUAL(WEXITSTATUS(test_run(start_daemon, path)), 1);
	log = fopen(path, "re");
	REQUIRE(log != NULL);
	while (fgets(line, sizeof(line), log))
		found |= strstr(line, "the kernel refuses the program on_exec: Invalid argument") != NULL;
	fclose(log);
	CHECK(found);
}

int main(void)
{
	test_begin(120);
	notify_refused();
	if (hooks_refused())
		other_sensor();
	no_daemon();
	return test_end();
}
