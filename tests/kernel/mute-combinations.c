/* SPDX-License-Identifier: MIT */

/*
 * Muting does what the facts say in every combination: a process, an executable and targets, each by path and by
 * prefix, for all events and for some, inverted and not, matching and not, on events with one target, with two, and
 * with none that muting supports; alone, and all stages together.
 */

#include "es-test.h"
#include "mute-model.h"

static struct test_client *client;
static audit_token_t child_token, other_token;
static char exe[4096];
static int command[2], done[2];
static pid_t child;

/* ---- the child ---- */

static const char *files[MODEL_FILES], *directories[MODEL_FILES], *longer, *shorter;

static void name_files(void)
{
	for (int i = 0; i < MODEL_FILES; i++) {
		files[i] = test_at("%c/file", "sde"[i]);
		directories[i] = test_at("%c/", "sde"[i]);
		REQUIRE(mkdir(directories[i], 0755) == 0);
	}
	longer = test_at("s/file/");
	shorter = test_at("s/fil");
	test_write_file(files[0], "", 0644);
}

static int act(void)
{
	int fd = open(files[0], O_RDONLY);

	if (fd < 0 || close(fd) || truncate(files[0], 1) || link(files[0], files[1]) || rename(files[1], files[2]) ||
	    setuid(0) || unlink(files[2]))
		return 1;
	return 0;
}

static int child_loop(void *context)
{
	char byte;

	(void)context;
	while (read(command[0], &byte, 1) == 1) {
		byte = (char)act();
		if (write(done[1], &byte, 1) != 1)
			return 1;
	}
	return 0;
}

static int sleeper(void *context)
{
	(void)context;
	pause();
	return 0;
}

static void let_act(void)
{
	char byte = 0;

	test_clear(client);
	REQUIRE(write(command[1], &byte, 1) == 1);
	REQUIRE(read(done[0], &byte, 1) == 1);
	REQUIRE(byte == 0);
	test_sync(client);
}

/* ---- the client ---- */

static void set_inverted(int stage, bool wanted)
{
	es_mute_inversion_type_t type = (es_mute_inversion_type_t)stage;
	bool is = es_muting_inverted(client->client, type) == ES_MUTE_INVERTED;

	if (is != wanted)
		REQUIRE(es_invert_muting(client->client, type) == ES_RETURN_SUCCESS);
}

static size_t list_some(es_event_type_t some[MODEL_ACTIONS])
{
	size_t count = 0;

	for (size_t i = 0; i < MODEL_ACTIONS; i++)
		if (model_actions[i].some)
			some[count++] = model_actions[i].type;
	return count;
}

static void change_path(const struct model_combination *c, bool add, const char *path, es_mute_path_type_t type)
{
	es_event_type_t some[MODEL_ACTIONS];
	size_t count = list_some(some);
	es_return_t result;

	if (c->some)
		result = (add ? es_mute_path_events : es_unmute_path_events)(client->client, path, type, some, count);
	else
		result = (add ? es_mute_path : es_unmute_path)(client->client, path, type);
	CHECK_EQUAL(result, ES_RETURN_SUCCESS);
}

static void change_process(const struct model_combination *c, bool add)
{
	const audit_token_t *token = c->process ? &child_token : &other_token;
	es_event_type_t some[MODEL_ACTIONS];
	size_t count = list_some(some);
	es_return_t result;

	if (c->some)
		result = (add ? es_mute_process_events : es_unmute_process_events)(client->client, token, some, count);
	else
		result = (add ? es_mute_process : es_unmute_process)(client->client, token);
	CHECK_EQUAL(result, ES_RETURN_SUCCESS);
}

static void change_exe(const struct model_combination *c, bool add)
{
	char text[sizeof(exe) + 8];

	snprintf(text, sizeof(text), "%s%s", exe, c->exe == MODEL_NONE ? "x" : "");
	if (c->exe == MODEL_PREFIX)
		text[strlen(text) - 3] = 0;
	change_path(c, add, text, c->exe == MODEL_PREFIX ? ES_MUTE_PATH_TYPE_PREFIX : ES_MUTE_PATH_TYPE_LITERAL);
}

static void change_target(const struct model_combination *c, bool add, int i)
{
	if (c->target == MODEL_LITERAL)
		change_path(c, add, files[i], ES_MUTE_PATH_TYPE_TARGET_LITERAL);
	else
		change_path(c, add, directories[i], ES_MUTE_PATH_TYPE_TARGET_PREFIX);
}

/* What doesn't match: longer, shorter, of the other kind. */
static void mute_others(const struct model_combination *c)
{
	change_path(c, true, longer, ES_MUTE_PATH_TYPE_TARGET_PREFIX);
	change_path(c, true, shorter, ES_MUTE_PATH_TYPE_TARGET_LITERAL);
	change_path(c, true, exe, ES_MUTE_PATH_TYPE_TARGET_PREFIX);
}

static void unmute_all(void)
{
	CHECK_EQUAL(es_unmute_process(client->client, &child_token), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_unmute_process(client->client, &other_token), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_unmute_all_paths(client->client), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_unmute_all_target_paths(client->client), ES_RETURN_SUCCESS);
}

/*
 * From one combination to the next only what differs is changed: that is quicker by far than to begin anew each time, and
 * what was taken back (fact 91) has to be gone as well. NULL: nothing is muted so far.
 */
static void change(const struct model_combination *from, const struct model_combination *to)
{
	if (!from || from->some != to->some) {
		unmute_all();
		mute_others(to);
		from = NULL;
	}
	if (!from || from->process != to->process) {
		if (from)
			change_process(from, false);
		change_process(to, true);
	}
	if (!from || from->exe != to->exe) {
		if (from)
			change_exe(from, false);
		change_exe(to, true);
	}
	for (int i = 0; i < MODEL_FILES; i++) {
		bool was = from && from->targets >> i & 1, is = to->targets >> i & 1;
		bool kept = was && is && from->target == to->target;

		if (was && !kept)
			change_target(from, false, i);
		if (is && !kept)
			change_target(to, true, i);
	}
}

static void print(const struct model_combination *c)
{
	printf("process %d exe %d target %d targets %x some %d inverted %d%d%d\n", c->process, c->exe, c->target,
	       c->targets, c->some, c->inverted[0], c->inverted[1], c->inverted[2]);
}

static unsigned int tried, wrong;

static void try(const struct model_combination *c)
{
	tried++;
	let_act();
	for (size_t i = 0; i < MODEL_ACTIONS; i++) {
		size_t expected = model_delivered(c, &model_actions[i]);
		size_t seen = COUNT(client, .type = (int)model_actions[i].type, .pid = child);

		if (CHECK_EQUAL(seen, expected))
			continue;
		printf("%s of ", es_linux_event_name(model_actions[i].type));
		print(c);
		wrong++;
	}
	if (wrong > 10)
		test_fail();
}

/* Each set of targets, by one change after the other: a Gray code. */
static void try_targets(struct model_combination *now, struct model_combination *c)
{
	for (unsigned int n = 0; n < 2 << MODEL_FILES; n++) {
		unsigned int set = n % (1 << MODEL_FILES);

		c->target = n < 1 << MODEL_FILES ? MODEL_LITERAL : MODEL_PREFIX;
		c->targets = set ^ set >> 1;
		change(now, c);
		*now = *c;
		try(c);
	}
}

static void try_all(void)
{
	struct model_combination now, c = {};

	change(NULL, &c);
	now = c;
	for (unsigned int n = 0; n < MODEL_COMBINATIONS; n++) {
		c = model_combination(n);
		for (int stage = 0; stage < 3; stage++)
			set_inverted(stage, c.inverted[stage]);
		try_targets(&now, &c);
	}
}

static const audit_token_t *token_of(pid_t pid)
{
	const es_message_t *message = FIND(client, .type = -1, .pid = pid);

	REQUIRE(message != NULL);
	return &message->process->audit_token;
}

int main(void)
{
	const es_message_t *message;
	pid_t other;

	test_begin(100);
	REQUIRE(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 3);
	name_files();
	REQUIRE(!pipe2(command, O_CLOEXEC) && !pipe2(done, O_CLOEXEC));
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	REQUIRE(es_unmute_all_paths(client->client) == ES_RETURN_SUCCESS);	/* fact 121: before AUTH */
	test_subscribe(client, ES_NOTIFY(FORK), -1);
	other = test_fork(sleeper, NULL);
	test_sync(client);
	message = FIND(client, .type = ES_NOTIFY(FORK));
	REQUIRE(message && test_pid(message->event.fork.child) == other);
	other_token = message->event.fork.child->audit_token;
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	for (size_t i = 0; i < MODEL_ACTIONS; i++)
		test_subscribe(client, (int)model_actions[i].type, -1);
	child = test_fork(child_loop, NULL);
	let_act();
	child_token = *token_of(child);

	try_all();
	CHECK_EQUAL(client->disorder, false);
	printf("%u combinations, %u differences\n", tried, wrong);
	for (int i = 0; i < 2; i++) {
		close(command[i]);
		close(done[i]);
	}
	return test_end();
}
