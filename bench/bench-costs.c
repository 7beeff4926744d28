/* SPDX-License-Identifier: MIT */

/*
 * The cost of operations for the process that does them, in each state of the machine: prints a line for each state and
 * operation, "state TAB operation TAB nanoseconds". In a guest that counts instructions (tests/vm/run --icount) a
 * nanosecond is an instruction. Set ES_BENCH_GUEST there: then the daemon looks at the whole system.
 *
 *	bench-costs			all states
 *	bench-costs STATE...		some of them
 *	bench-costs --beside NAME	one state, which the caller has made and names so, without a daemon or client of ours
 *
 * A child does the operations. States take turns. It prints the smallest time of each, since other work on the machine only
 * adds to it.
 */

#include "es-test.h"

#include <spawn.h>
#include <sys/fanotify.h>
#include <sys/mman.h>

enum { ROUNDS = 4, CLIENTS = 8, TYPES = 4 };

enum how { ASKED, KEPT, PROCESS_MUTED, EXECUTABLE_MUTED, TARGET_MUTED, PREFIX_MUTED };

static const char *name, *other_name, *directory, *tiny;

/* ---- operations ---- */

static int do_open(int i)
{
	int fd = open(name, O_RDONLY);

	(void)i;
	return fd < 0 ? -1 : close(fd);
}

static int do_exec(int i)
{
	char *argv[] = {(char *)tiny, NULL}, *envp[] = {NULL};
	pid_t pid;
	int status;

	(void)i;
	if (posix_spawn(&pid, tiny, NULL, NULL, argv, envp))
		return -1;
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static int do_create(int i)
{
	int fd = open(other_name, O_CREAT | O_EXCL | O_WRONLY, 0600);

	(void)i;
	return fd < 0 || close(fd) < 0 ? -1 : unlink(other_name);
}

static int do_rename(int i)
{
	return i % 2 ? rename(other_name, name) : rename(name, other_name);
}

static int do_kill(int i)
{
	(void)i;
	return kill(getppid(), 0);
}

static const struct operation {
	const char *name;
	int (*run)(int i);
	int count;
} operations[] = {
	{"open+close", do_open, 200},
	{"exec+wait", do_exec, 16},
	{"create+unlink", do_create, 100},
	{"rename", do_rename, 100},
	{"kill(0)", do_kill, 200},
};

/* ---- states ---- */

#define ES(name) (ES_EVENT_TYPE_##name + 1)	/* 0 is none */

static struct state {
	const char *name;
	int types[TYPES];
	enum how how;
	int clients;			/* 0: one */
	bool skipped;
	double ns[ARRAY_SIZE(operations)];
} states[] = {
	{.name = "nothing subscribed"},
	{.name = "NOTIFY_EXEC told", .types = {ES(NOTIFY_EXEC)}},
	{.name = "NOTIFY_FORK, EXEC, EXIT told", .types = {ES(NOTIFY_FORK), ES(NOTIFY_EXEC), ES(NOTIFY_EXIT)}},
	{.name = "NOTIFY_OPEN told", .types = {ES(NOTIFY_OPEN)}},
	{.name = "NOTIFY_CLOSE told", .types = {ES(NOTIFY_CLOSE)}},
	{.name = "NOTIFY_CREATE, RENAME, UNLINK told", .types = {ES(NOTIFY_CREATE), ES(NOTIFY_RENAME), ES(NOTIFY_UNLINK)}},
	{.name = "NOTIFY_SIGNAL told", .types = {ES(NOTIFY_SIGNAL)}},
	{.name = "AUTH_EXEC asked", .types = {ES(AUTH_EXEC)}},
	{.name = "AUTH_EXEC kept", .types = {ES(AUTH_EXEC)}, .how = KEPT},
	{.name = "AUTH_OPEN asked", .types = {ES(AUTH_OPEN)}},
	{.name = "AUTH_OPEN asked, 2 clients", .types = {ES(AUTH_OPEN)}, .clients = 2},
	{.name = "AUTH_OPEN asked, 8 clients", .types = {ES(AUTH_OPEN)}, .clients = 8},
	{.name = "AUTH_OPEN kept", .types = {ES(AUTH_OPEN)}, .how = KEPT},
	{.name = "AUTH_OPEN, process muted", .types = {ES(AUTH_OPEN)}, .how = PROCESS_MUTED},
	{.name = "AUTH_OPEN, executable muted", .types = {ES(AUTH_OPEN)}, .how = EXECUTABLE_MUTED},
	{.name = "AUTH_OPEN, target muted", .types = {ES(AUTH_OPEN)}, .how = TARGET_MUTED},
	{.name = "AUTH_OPEN, target prefix muted", .types = {ES(AUTH_OPEN)}, .how = PREFIX_MUTED},
	{.name = "AUTH_CREATE, RENAME, UNLINK asked", .types = {ES(AUTH_CREATE), ES(AUTH_RENAME), ES(AUTH_UNLINK)}},
	{.name = "AUTH_SIGNAL asked", .types = {ES(AUTH_SIGNAL)}},
};

static struct state bare = {.name = "bare"}, loop = {.name = "fanotify loop"}, beside;

/* ---- the child that does them ---- */

static int request_pipe[2], reply_pipe[2];

static double time_operation(const struct operation *operation)
{
	uint64_t begin;

	for (int i = 0; i < 4; i++)
		if (operation->run(i) < 0)
			return -1;
	begin = test_now();
	for (int i = 0; i < operation->count; i++)
		if (operation->run(i) < 0)
			return -1;
	return (double)(test_now() - begin) / operation->count;
}

static int act(void *context)
{
	unsigned char which;

	(void)context;
	while (read(request_pipe[0], &which, 1) == 1) {
		double ns = time_operation(&operations[which]);

		if (write(reply_pipe[1], &ns, sizeof(ns)) != sizeof(ns))
			return 1;
	}
	return 0;
}

static void measure(struct state *state)
{
	for (unsigned char i = 0; i < ARRAY_SIZE(operations); i++) {
		double ns;

		REQUIRE(write(request_pipe[1], &i, 1) == 1 && read(reply_pipe[0], &ns, sizeof(ns)) == sizeof(ns));
		REQUIRE(ns >= 0);
		if (!state->ns[i] || ns < state->ns[i])
			state->ns[i] = ns;
	}
}

/* ---- a loop that allows all that fanotify asks: the smallest possible cost of a question ---- */

static int allow_opens(void *context)
{
	int fd = *(int *)context;
	struct fanotify_event_metadata event;

	while (read(fd, &event, sizeof(event)) == sizeof(event)) {
		const struct fanotify_response response = {.fd = event.fd, .response = FAN_ALLOW};

		if (write(fd, &response, sizeof(response)) != sizeof(response))
			return 1;
		close(event.fd);
	}
	return 1;
}

static void measure_loop(void)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC | O_LARGEFILE);
	pid_t pid;

	if (fd < 0)
		return;
	pid = test_fork(allow_opens, &fd);
	REQUIRE(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_PERM, AT_FDCWD, directory) == 0);
	for (int round = 0; round < ROUNDS; round++)
		measure(&loop);
	close(fd);
	kill(pid, SIGKILL);
	(void)test_wait(pid);
}

/* ---- clients ---- */

static struct test_client *clients[CLIENTS];
static bool keep;
static char *executable;

static void answer(struct test_client *client, const es_message_t *message)
{
	if (message->event_type == ES_AUTH(OPEN))
		es_respond_flags_result(client->client, message, UINT32_MAX, keep);
	else
		es_respond_auth_result(client->client, message, ES_AUTH_RESULT_ALLOW, keep);
}

static struct test_client *client_at(int i)
{
	if (!clients[i]) {
		clients[i] = test_client(answer, NULL);
		clients[i]->counting = true;
	}
	return clients[i];
}

static pid_t actor;
static audit_token_t actor_token;

/* The actor's token, as messages have it. Valid as long as there is a client. */
static void find_token(void)
{
	struct test_client *client = test_client(answer, NULL);
	const es_message_t *message;
	struct state ignored = {};

	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	measure(&ignored);
	message = AWAIT(client, .type = ES_NOTIFY(OPEN), .pid = actor, .path = name);
	REQUIRE(message != NULL);
	actor_token = message->process->audit_token;
	executable = strdup(message->process->executable->path.data);
	REQUIRE(executable != NULL && es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	test_sync(client);
	test_clear(client);
	client->counting = true;
	clients[0] = client;
}

static void mute(const char *path, es_mute_path_type_t type, bool add)
{
	REQUIRE((add ? es_mute_path : es_unmute_path)(client_at(0)->client, path, type) == ES_RETURN_SUCCESS);
}

static void change(enum how how, bool add)
{
	es_client_t *client = client_at(0)->client;

	switch (how) {
	case ASKED:
		break;
	case KEPT:
		keep = add;
		break;
	case PROCESS_MUTED:
		REQUIRE((add ? es_mute_process : es_unmute_process)(client, &actor_token) == ES_RETURN_SUCCESS);
		break;
	case EXECUTABLE_MUTED:
		mute(executable, ES_MUTE_PATH_TYPE_LITERAL, add);
		break;
	case TARGET_MUTED:
		mute(name, ES_MUTE_PATH_TYPE_TARGET_LITERAL, add);
		break;
	case PREFIX_MUTED:
		mute(directory, ES_MUTE_PATH_TYPE_TARGET_PREFIX, add);
		break;
	}
}

static void measure_state(struct state *state)
{
	es_event_type_t types[TYPES];
	uint32_t count = 0;

	while (count < TYPES && state->types[count]) {
		types[count] = (es_event_type_t)(state->types[count] - 1);
		count++;
	}
	(void)client_at(0);
	change(state->how, true);
	for (int i = 0; count && i < (state->clients ? state->clients : 1); i++)
		if (es_subscribe(client_at(i)->client, types, count) != ES_RETURN_SUCCESS)
			state->skipped = true;
	if (count && state->how == ASKED)
		es_clear_cache(client_at(0)->client);
	if (!state->skipped)
		measure(state);
	for (int i = 0; i < CLIENTS; i++)
		if (clients[i])
			REQUIRE(es_unsubscribe_all(clients[i]->client) == ES_RETURN_SUCCESS);
	change(state->how, false);
}

/* ---- */

static int end(void)
{
	for (int i = 0; i < 2; i++) {
		close(request_pipe[i]);
		close(reply_pipe[i]);
	}
	free(executable);
	return test_end();
}

static void print(const struct state *state)
{
	for (size_t i = 0; !state->skipped && state->ns[0] && i < ARRAY_SIZE(operations); i++)
		printf("%s\t%s\t%.0f\n", state->name, operations[i].name, state->ns[i]);
	fflush(stdout);
}

static void begin(void)
{
	test_begin(900);
	directory = test_at("directory/");
	name = test_at("directory/file");
	other_name = test_at("directory/other");
	tiny = test_tiny("tiny");
	REQUIRE(mkdir(directory, 0755) == 0);
	test_write_file(name, "text", 0644);
	REQUIRE(pipe2(request_pipe, O_CLOEXEC) == 0 && pipe2(reply_pipe, O_CLOEXEC) == 0);
	actor = test_fork(act, NULL);
}

static bool chosen(const struct state *state, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (!strcmp(names[i], state->name))
			return true;
	return !count;
}

int main(int argc, char **argv)
{
	begin();
	if (argc == 3 && !strcmp(argv[1], "--beside")) {
		beside.name = argv[2];
		for (int round = 0; round < ROUNDS; round++)
			measure(&beside);
		print(&beside);
		return end();
	}
	for (int round = 0; round < ROUNDS; round++)
		measure(&bare);
	measure_loop();
	test_no_scope = getenv("ES_BENCH_GUEST") != NULL;
	test_daemon(NULL);
	find_token();
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < ARRAY_SIZE(states); i++)
			if (chosen(&states[i], argc - 1, argv + 1))
				measure_state(&states[i]);
	print(&bare);
	print(&loop);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		print(&states[i]);
	return end();
}
