/* SPDX-License-Identifier: MIT */

/*
 * The daemon reads the database of packages, starts programs for that, and reads executed programs. A client that is
 * subscribed to all opens and execs of the machine gets no message about that; it does get them if another process
 * opens the same files.
 */

#include "es-test.h"

static const char database[] = "/var/lib/dpkg/status";

/* Of the daemon, and of what it starts. */
static unsigned int of_daemon(struct test_client *client, pid_t daemon)
{
	unsigned int found = 0;

	pthread_mutex_lock(&client->lock);
	for (size_t i = 0; i < client->count; i++) {
		const es_process_t *process = client->message[i]->process;

		if (test_pid(process) != daemon && (pid_t)process->parent_audit_token.val[5] != daemon)
			continue;
		if (found++ < 10)
			printf("%s by %s\n", es_linux_event_name(client->message[i]->event_type), process->executable->path.data);
	}
	pthread_mutex_unlock(&client->lock);
	return found;
}

static int read_database(void *unused)
{
	int fd = open(database, O_RDONLY | O_CLOEXEC);

	(void)unused;
	return fd < 0 ? errno : 0;
}

/* Until the daemon has read what it reads. */
static void await_identity(struct test_client *client)
{
	static char *const quiet[] = {"program", NULL};
	uint64_t limit = test_now() + 20000000000ull * test_slow();
	es_linux_identity_t identity = {};
	pid_t pid;

	while (identity.state != ES_LINUX_IDENTITY_KNOWN && test_now() < limit) {
		const es_message_t *message;

		CHECK_EQUAL(test_exec("/usr/bin/true", quiet, &pid), 0);
		message = AWAIT(client, .type = ES_NOTIFY(EXEC), .pid = pid);
		test_wait(pid);
		REQUIRE(message && es_linux_identity(client->client, message, message->event.exec.target->executable, &identity));
		if (identity.state == ES_LINUX_IDENTITY_UNKNOWABLE)
			test_skip("a /usr/bin on a file system whose files' versions can be relied on");
		test_sleep_ms(50);
	}
	CHECK_EQUAL(identity.state, ES_LINUX_IDENTITY_KNOWN);
}

/* The ends of the programs that it starts don't interrupt the thread that loads kernel programs. */
static bool blocks_children(pid_t daemon)
{
	unsigned long long blocked = 0;
	char path[64], line[256];
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", daemon);
	status = fopen(path, "re");
	REQUIRE(status != NULL);
	while (fgets(line, sizeof(line), status) && sscanf(line, "SigBlk: %llx", &blocked) != 1)
		;
	fclose(status);
	return blocked & 1ull << (SIGCHLD - 1);
}

int main(void)
{
	struct test_client *client, *waiting;
	pid_t daemon, reader;

	test_begin(60);
	if (access(database, R_OK))
		test_skip("a database of dpkg's");
	test_no_scope = true;
	daemon = test_daemon("--identity", "yes", NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(OPEN), ES_NOTIFY(EXEC), ES_NOTIFY(FORK), -1);
	waiting = test_client(NULL, NULL);
	test_subscribe(waiting, ES_NOTIFY(EXEC), -1);

	await_identity(waiting);
	reader = test_fork(read_database, NULL);
	CHECK_EQUAL(test_wait(reader), 0);
	test_sync(client);
	CHECK_EQUAL(of_daemon(client, daemon), 0);
	CHECK(blocks_children(daemon));
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .pid = reader, .path = database), 1);
	return test_end();
}
