/* SPDX-License-Identifier: MIT */

/*
 * The library prints a line on stderr for mutes that can't be meant, and accepts them: a path that no event has
 * (relative, empty, through a link); and, once for a client, inverted muting of targets with nothing listed for a
 * subscribed type. It prints nothing for right ones.
 */

#include "es-test.h"

static int log_fd;

/* From now on stderr is a file of the test's. */
static int begin_log(void)
{
	int before = dup(STDERR_FILENO);

	log_fd = open(test_at("log"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	REQUIRE(before >= 0 && log_fd >= 0 && dup2(log_fd, STDERR_FILENO) >= 0);
	return before;
}

static void end_log(int before)
{
	dup2(before, STDERR_FILENO);
	close(before);
	close(log_fd);
}

/* How often the text was written since the last call. */
static unsigned int said(const char *text)
{
	static off_t from;
	char buffer[8192];
	ssize_t length = pread(log_fd, buffer, sizeof(buffer) - 1, from);
	unsigned int count = 0;

	buffer[length > 0 ? length : 0] = '\0';
	for (const char *at = buffer; (at = strstr(at, text)); at++)
		count++;
	from = lseek(log_fd, 0, SEEK_END);
	return count;
}

static unsigned int lines(void)
{
	return said("\n");
}

static void check_paths(es_client_t *client)
{
	CHECK_EQUAL(es_mute_path(client, test_at("file"), ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_mute_path(client, test_at("dir/"), ES_MUTE_PATH_TYPE_TARGET_PREFIX), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_mute_path(client, test_at("di"), ES_MUTE_PATH_TYPE_TARGET_PREFIX), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_mute_path(client, "/not/there", ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_mute_path(client, "", ES_MUTE_PATH_TYPE_PREFIX), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_mute_path(client, "@abstract", ES_MUTE_PATH_TYPE_TARGET_LITERAL), ES_RETURN_SUCCESS);
	CHECK_EQUAL(lines(), 0);

	CHECK_EQUAL(es_mute_path(client, "bin/ls", ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);
	CHECK_EQUAL(said("\"bin/ls\" is muted, and no event has such a path"), 1);
	CHECK_EQUAL(es_mute_path(client, "", ES_MUTE_PATH_TYPE_TARGET_LITERAL), ES_RETURN_SUCCESS);
	CHECK_EQUAL(said("no event has such a path"), 1);
	CHECK_EQUAL(es_mute_path(client, test_at("link/file"), ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);
	CHECK_EQUAL(said(test_at("dir/file")), 1);
	CHECK_EQUAL(es_mute_path(client, test_at("link/"), ES_MUTE_PATH_TYPE_TARGET_PREFIX), ES_RETURN_SUCCESS);
	CHECK_EQUAL(said("events have the path without links"), 1);
	CHECK_EQUAL(es_unmute_path(client, "bin/ls", ES_MUTE_PATH_TYPE_LITERAL), ES_RETURN_SUCCESS);
	CHECK_EQUAL(lines(), 0);
}

static void check_silence(es_client_t *client)
{
	const es_event_type_t open = ES_NOTIFY(OPEN), both[] = { ES_NOTIFY(OPEN), ES_NOTIFY(CHDIR) };

	CHECK_EQUAL(es_unmute_all_target_paths(client), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_subscribe(client, both, 2), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_invert_muting(client, ES_MUTE_INVERSION_TYPE_TARGET_PATH), ES_RETURN_SUCCESS);
	CHECK_EQUAL(lines(), 0);		/* nothing is listed at all: more is to come */
	CHECK_EQUAL(es_mute_path_events(client, "/etc/", ES_MUTE_PATH_TYPE_TARGET_PREFIX, &open, 1), ES_RETURN_SUCCESS);
	CHECK_EQUAL(said("no target is listed for NOTIFY_CHDIR"), 1);
	CHECK_EQUAL(es_mute_path_events(client, "/usr/", ES_MUTE_PATH_TYPE_TARGET_PREFIX, &open, 1), ES_RETURN_SUCCESS);
	CHECK_EQUAL(lines(), 0);		/* once */
}

/* The same in another order; and where each type has something listed. */
static void check_order(es_client_t *wrong, es_client_t *right)
{
	const es_event_type_t types[] = { ES_NOTIFY(OPEN), ES_NOTIFY(EXEC), ES_NOTIFY(EXIT) };

	CHECK_EQUAL(es_invert_muting(wrong, ES_MUTE_INVERSION_TYPE_TARGET_PATH), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_mute_path_events(wrong, "/etc/", ES_MUTE_PATH_TYPE_TARGET_PREFIX, types, 1), ES_RETURN_SUCCESS);
	CHECK_EQUAL(lines(), 0);
	CHECK_EQUAL(es_subscribe(wrong, types, 3), ES_RETURN_SUCCESS);
	CHECK_EQUAL(said("no target is listed for NOTIFY_EXEC"), 1);

	CHECK_EQUAL(es_invert_muting(right, ES_MUTE_INVERSION_TYPE_TARGET_PATH), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_mute_path(right, "/etc/", ES_MUTE_PATH_TYPE_TARGET_PREFIX), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_subscribe(right, types, 3), ES_RETURN_SUCCESS);
	CHECK_EQUAL(lines(), 0);
}

int main(void)
{
	int before;

	test_begin(30);
	REQUIRE(!mkdir(test_at("dir"), 0755) && !symlink("dir", test_at("link")));
	test_write_file(test_at("dir/file"), "x", 0644);
	test_daemon(NULL);
	before = begin_log();
	check_paths(test_client(NULL, NULL)->client);
	check_silence(test_client(NULL, NULL)->client);
	check_order(test_client(NULL, NULL)->client, test_client(NULL, NULL)->client);
	end_log(before);
	return test_end();
}
