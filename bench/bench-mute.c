/* SPDX-License-Identifier: MIT */

/*
 * What an open costs while it is muted: subscribed to AUTH_OPEN or NOTIFY_OPEN, and kept away by the process, its
 * executable, or what it opens; with one path or 10,000; inverted. Beside it an open that nobody subscribed to, and one
 * that is told, or asked about. A child opens a file over and over, and takes the time; rounds of all rows take turns,
 * so that a machine that gets slower or faster meanwhile changes all of them. Printed are lower quartiles, of the time
 * and of the CPU time that the child used, which others on the machine disturb less, and the ratios to an open that
 * nobody subscribed to.
 */

#include "es-test.h"

enum { ROUNDS = 15, OPENS = 1000, ASKED_OPENS = 100, PATHS = 10000 };

enum mute { NOTHING, PROCESS, EXECUTABLE, TARGET, INVERTED };

static struct row {
	const char *what;
	int type;			/* -1: nobody subscribed */
	enum mute mute;
	bool many;
	double ns[2][ROUNDS];		/* time, CPU time */
} rows[] = {
	{ .what = "nobody subscribed", .type = -1 },
	{ .what = "AUTH_OPEN, process muted", .type = ES_AUTH(OPEN), .mute = PROCESS },
	{ .what = "AUTH_OPEN, executable muted", .type = ES_AUTH(OPEN), .mute = EXECUTABLE },
	{ .what = "AUTH_OPEN, target prefix muted", .type = ES_AUTH(OPEN), .mute = TARGET },
	{ .what = "AUTH_OPEN, processes inverted", .type = ES_AUTH(OPEN), .mute = INVERTED },
	{ .what = "AUTH_OPEN, asked", .type = ES_AUTH(OPEN) },
	{ .what = "NOTIFY_OPEN, process muted", .type = ES_NOTIFY(OPEN), .mute = PROCESS },
	{ .what = "NOTIFY_OPEN, executable muted", .type = ES_NOTIFY(OPEN), .mute = EXECUTABLE },
	{ .what = "NOTIFY_OPEN, target prefix muted", .type = ES_NOTIFY(OPEN), .mute = TARGET },
	{ .what = "NOTIFY_OPEN, told", .type = ES_NOTIFY(OPEN) },
	{ .what = "with 10,000 other paths: nobody", .type = -1, .many = true },
	{ .what = "AUTH_OPEN, executable muted", .type = ES_AUTH(OPEN), .mute = EXECUTABLE, .many = true },
	{ .what = "NOTIFY_OPEN, executable muted", .type = ES_NOTIFY(OPEN), .mute = EXECUTABLE, .many = true },
	{ .what = "NOTIFY_OPEN, target prefix muted", .type = ES_NOTIFY(OPEN), .mute = TARGET, .many = true },
};

static struct test_client *client;
static const char *opened, *prefix;
static char exe[4096];
static int command[2], done[2];
static audit_token_t token;

static double clock_of(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int child_loop(void *context)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME_ID };
	unsigned int opens;
	double begin[2], ns[2];

	(void)context;
	while (read(command[0], &opens, sizeof(opens)) == sizeof(opens)) {
		for (int i = 0; i < 2; i++)
			begin[i] = clock_of(clocks[i]);
		for (unsigned int i = 0; i < opens; i++) {
			int fd = open(opened, O_RDONLY);

			if (fd < 0)
				return 1;
			close(fd);
		}
		for (int i = 0; i < 2; i++)
			ns[i] = (clock_of(clocks[i]) - begin[i]) / opens;
		if (write(done[1], ns, sizeof(ns)) != sizeof(ns))
			return 1;
	}
	return 0;
}

static void run(unsigned int opens, double ret_ns[2])
{
	REQUIRE(write(command[1], &opens, sizeof(opens)) == sizeof(opens));
	REQUIRE(read(done[0], ret_ns, 2 * sizeof(*ret_ns)) == 2 * sizeof(*ret_ns));
}

/* Paths in the way, of executables and of targets. */
static void change_many(bool add)
{
	for (int i = 0; i < PATHS; i++) {
		es_mute_path_type_t type = i % 2 ? ES_MUTE_PATH_TYPE_LITERAL : ES_MUTE_PATH_TYPE_TARGET_PREFIX;
		char path[64];

		snprintf(path, sizeof(path), "/some/other/path/%d/", i);
		REQUIRE((add ? es_mute_path : es_unmute_path)(client->client, path, type) == ES_RETURN_SUCCESS);
	}
}

static void change(enum mute mute, bool add)
{
	es_client_t *c = client->client;
	es_return_t result = ES_RETURN_SUCCESS;

	if (mute == PROCESS)
		result = (add ? es_mute_process : es_unmute_process)(c, &token);
	else if (mute == EXECUTABLE)
		result = (add ? es_mute_path : es_unmute_path)(c, exe, ES_MUTE_PATH_TYPE_LITERAL);
	else if (mute == TARGET)
		result = (add ? es_mute_path : es_unmute_path)(c, prefix, ES_MUTE_PATH_TYPE_TARGET_PREFIX);
	else if (mute == INVERTED)
		result = es_invert_muting(c, ES_MUTE_INVERSION_TYPE_PROCESS);
	REQUIRE(result == ES_RETURN_SUCCESS);
}

static void measure(struct row *row, int round)
{
	es_event_type_t type = (es_event_type_t)row->type;
	bool asked = row->type == (int)ES_AUTH(OPEN) && row->mute == NOTHING;
	double ns[2];

	if (row->type >= 0) {
		change(row->mute, true);
		REQUIRE(es_subscribe(client->client, &type, 1) == ES_RETURN_SUCCESS);
	}
	run(10, ns);
	run(asked ? ASKED_OPENS : OPENS, ns);
	row->ns[0][round] = ns[0];
	row->ns[1][round] = ns[1];
	if (row->type >= 0) {
		REQUIRE(es_unsubscribe(client->client, &type, 1) == ES_RETURN_SUCCESS);
		change(row->mute, false);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void find_token(void)
{
	const es_message_t *message;
	double ns[2];

	test_subscribe(client, ES_NOTIFY(OPEN), -1);
	run(1, ns);
	message = AWAIT(client, .type = ES_NOTIFY(OPEN), .path = opened);
	REQUIRE(message != NULL);
	token = message->process->audit_token;
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	test_sync(client);
	test_clear(client);
	client->counting = true;
}

static double quartile(const struct row *row, int clock)
{
	return row->ns[clock][ROUNDS / 4];
}

static void print(const struct row *row)
{
	printf("%-34s %9.0f ns %6.2fx  CPU %9.0f ns %6.2fx\n", row->what, quartile(row, 0),
	       quartile(row, 0) / quartile(&rows[0], 0), quartile(row, 1), quartile(row, 1) / quartile(&rows[0], 1));
}

int main(void)
{
	double bare[2];

	test_begin(280);
	REQUIRE(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 3);
	opened = test_at("directory/file");
	prefix = test_at("directory/");
	REQUIRE(mkdir(prefix, 0755) == 0);
	test_write_file(opened, "", 0644);
	REQUIRE(!pipe2(command, O_CLOEXEC) && !pipe2(done, O_CLOEXEC));
	test_fork(child_loop, NULL);
	run(OPENS, bare);
	run(OPENS, bare);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	find_token();
	for (int many = 0; many < 2; many++) {
		if (many)
			change_many(true);
		for (int round = 0; round < ROUNDS; round++)
			for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
				if (rows[i].many == many)
					measure(&rows[i], round);
	}
	change_many(false);
	printf("an open and close without a daemon: %.0f ns, CPU %.0f ns\n", bare[0], bare[1]);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int clock = 0; clock < 2; clock++)
			qsort(rows[i].ns[clock], ROUNDS, sizeof(rows[i].ns[clock][0]), compare);
		print(&rows[i]);
	}
	for (int i = 0; i < 2; i++) {
		close(command[i]);
		close(done[i]);
	}
	return test_end();
}
