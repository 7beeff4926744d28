/* SPDX-License-Identifier: MIT */

/*
 * The administrator's list decides which of root's programs may be clients (fact 187): a program that it doesn't name
 * gets NOT_ENTITLED, one that it refuses NOT_PERMITTED, and a wrong file changes nothing. It names programs by their
 * paths in the daemon's namespace: it doesn't mean a program that somebody mounts at such a path where the daemon
 * doesn't see it.
 */

#include "es-test.h"

#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>

static char folder[PATH_MAX], config[PATH_MAX], self[PATH_MAX];

static void ignore(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
}

static int new_client(void *context)
{
	es_client_t *client = NULL;
	es_new_client_result_t result = es_new_client_f(&client, ignore, NULL);

	(void)context;
	if (result == ES_NEW_CLIENT_RESULT_SUCCESS)
		es_delete_client(client);
	return (int)result;
}

static int new_client_in_group(void *context)
{
	gid_t group = 1;		/* daemon */

	if (setgroups(1, &group) < 0)
		return 100;
	return new_client(context);
}

static int not_root(void *context)
{
	if (chmod(test_dir, 0755) < 0 || setresuid(65534, 65534, 65534) < 0)
		return 100;
	return new_client(context);
}

/* As the program at `path`, in a mount namespace of its own: with us mounted there, if `mounts`. */
static int new_client_at(const char *path, bool mounts)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 100;
	if (mounts && mount(self, path, NULL, MS_BIND, NULL) < 0)
		return 101;
	setenv("LD_LIBRARY_PATH", test_built("lib"), 1);
	execl(path, path, "client", NULL);
	return 102;
}

static int new_client_mounted(void *context)
{
	(void)context;
	return new_client_at(test_at("permitted"), true);
}

static int new_client_elsewhere(void *context)
{
	(void)context;
	return new_client_at(self, false);
}

static int result(test_child_f *function)
{
	return WEXITSTATUS(test_run(function, NULL));
}

static void list(const char *format, const char *argument)
{
	char path[PATH_MAX + 16], text[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%.4000s/a.conf", folder);
	snprintf(text, sizeof(text), format, argument);
	test_write_file(path, text, 0644);
}

/* Until the daemon has read the list: how often it did stands in its log. */
static void read_anew(pid_t daemon, const char *says)
{
	static unsigned int times;
	char command[PATH_MAX + 64], line[1024];

	REQUIRE(kill(daemon, SIGHUP) == 0);
	times++;
	snprintf(command, sizeof(command), "cat %.4000s/daemon.log", test_dir);
	for (int i = 0; i < 500; i++) {
		FILE *log = popen(command, "re");
		unsigned int seen = 0;
		bool said = !says;

		REQUIRE(log != NULL);
		while (fgets(line, sizeof(line), log)) {
			seen += strstr(line, "the list of clients ") != NULL;
			said |= says && strstr(line, says);
		}
		pclose(log);
		if (seen >= times) {
			CHECK(said);
			return;
		}
		test_sleep_ms(10);
	}
	CHECK(!"the daemon read its list anew");
}

int main(int argc, char **argv)
{
	pid_t daemon;

	(void)argv;
	if (argc > 1)
		return new_client(NULL);
	test_begin(40);
	snprintf(config, sizeof(config), "%.4000s/daemon.conf", test_dir);
	snprintf(folder, sizeof(folder), "%.4000s/clients.d", test_dir);
	REQUIRE(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0 && mkdir(folder, 0755) == 0);
	test_write_file(config, "clients = listed\n", 0644);
	list("group daemon { permit = yes }\n", "");
	daemon = test_daemon("--config", config, NULL);

	CHECK_EQUAL(result(not_root), ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED);	/* comes first */
	CHECK_EQUAL(result(new_client), ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED);
	CHECK_EQUAL(result(new_client_in_group), ES_NEW_CLIENT_RESULT_SUCCESS);

	list("client \"%s\" { permit = yes }\n", self);
	read_anew(daemon, NULL);
	CHECK_EQUAL(result(new_client), ES_NEW_CLIENT_RESULT_SUCCESS);

	CHECK_EQUAL(result(new_client_elsewhere), ES_NEW_CLIENT_RESULT_SUCCESS);	/* it is the very file */

	test_write_file(test_at("permitted"), "", 0755);
	list("client \"%s\" { permit = yes }\n", test_at("permitted"));
	read_anew(daemon, NULL);
	CHECK_EQUAL(result(new_client_mounted), ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED);

	list("client \"%s\" { permit = no }\ngroup daemon { permit = yes }\n", self);
	read_anew(daemon, NULL);
	CHECK_EQUAL(result(new_client), ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED);
	CHECK_EQUAL(result(new_client_in_group), ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED);

	list("client \"%s\" { permit = yes }\nclient nonsense { }\n", self);
	read_anew(daemon, "a.conf:2: client \"nonsense\"");
	CHECK_EQUAL(result(new_client), ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED);

	test_write_file(config, "clients = root\n", 0644);
	list("client /usr/bin/other { permit = no }\n", "");
	read_anew(daemon, NULL);
	CHECK_EQUAL(result(new_client), ES_NEW_CLIENT_RESULT_SUCCESS);
	CHECK_EQUAL(result(not_root), ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED);
	return test_end();
}
