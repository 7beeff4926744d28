/* SPDX-License-Identifier: MIT */

/*
 * The kernel asks about a connection to a socket, or a datagram, with the socket that it has found, however the
 * program named it. So links, /proc, datagrams, or a link that is turned while the client thinks are no way around its
 * denial.
 */

#include "es-test.h"

#include <sys/socket.h>
#include <sys/un.h>

struct way {
	const char *name;
	const char *path;			/* from test_mnt, where the child is; NULL: of a descriptor of the folder */
};

static const struct way ways[] = {
	{"its path", "guarded/s"},
	{"dots", "guarded/../guarded/./s"},
	{"a link", "link"},
	{"a long link", "long"},
	{"a link in a parent", "parent/s"},
	{"/proc/self/cwd", "/proc/self/cwd/guarded/s"},
	{"/proc/self/fd", NULL},
};

static int kind;				/* SOCK_STREAM, SOCK_DGRAM */

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	REQUIRE(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	return address;
}

static int listen_on(const char *path, int type)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	REQUIRE(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	if (type == SOCK_STREAM)
		REQUIRE(listen(fd, 100) == 0);
	return fd;
}

static struct sockaddr_un way_address(const struct way *way)
{
	char path[108];

	if (way->path)
		return address_of(way->path);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/s", open("guarded", O_PATH));
	return address_of(path);
}

static int connect_by(void *context)
{
	struct sockaddr_un address;

	if (chdir(test_mnt) < 0)
		return 200;
	address = way_address(context);
	return connect(socket(AF_UNIX, kind, 0), (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

static int send_by(void *context)
{
	struct sockaddr_un address;

	if (chdir(test_mnt) < 0)
		return 200;
	address = way_address(context);
	return sendto(socket(AF_UNIX, SOCK_DGRAM, 0), "x", 1, 0, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

static const char *denied;			/* the path that is */

static void deny_one(struct test_client *client, const es_message_t *message)
{
	if (!strcmp(message->event.uipc_connect.file->path.data, denied))
		test_deny(client, message);
	else
		test_allow(client, message);
}

static void run(struct test_client *client, const char *what, test_child_f *act, const struct way *way, int error)
{
	pid_t pid;

	test_clear(client);
	pid = test_fork(act, (void *)way);
	if (WEXITSTATUS(test_wait_ms(pid, 10000 * test_slow())) != error) {
		fprintf(stderr, "%s, by %s: not %s\n", what, way->name, error ? "denied" : "allowed");
		CHECK(!"the right outcome");
	}
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(UIPC_CONNECT), .pid = pid, .path = test_at("guarded/s")), 1);
}

static void all_ways(struct test_client *client, int type)
{
	int listener;

	kind = type;
	listener = listen_on(test_at("guarded/s"), type);
	for (int deny = 0; deny < 2; deny++) {
		denied = deny ? test_at("guarded/s") : "";
		for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
			run(client, "connect", connect_by, &ways[i], deny ? EPERM : 0);
			if (type == SOCK_DGRAM)
				run(client, "sendto", send_by, &ways[i], deny ? EPERM : 0);
		}
	}
	close(listener);
	REQUIRE(unlink(test_at("guarded/s")) == 0);
}

/*
 * While the client thinks about the socket that anybody may use, the link is turned to the one that it denies. Where the call
 * starts over while it waits, that one isn't asked about any more by then.
 */
static void turn_and_allow(struct test_client *client, const es_message_t *message)
{
	es_respond_result_t answered;

	if (strcmp(message->event.uipc_connect.file->path.data, test_at("free"))) {
		deny_one(client, message);
		return;
	}
	REQUIRE(symlink("guarded/s", test_at("turned")) == 0);
	REQUIRE(rename(test_at("turned"), test_at("turning")) == 0);
	answered = es_respond_auth_result(client->client, message, ES_AUTH_RESULT_ALLOW, false);
	CHECK(answered == ES_RESPOND_RESULT_SUCCESS || answered == ES_RESPOND_RESULT_NOT_FOUND);
}

static void turned(struct test_client *client)
{
	static const struct way way = {"a link that is turned", "turning"};
	int free_one = listen_on(test_at("free"), SOCK_STREAM), guarded = listen_on(test_at("guarded/s"), SOCK_STREAM);

	kind = SOCK_STREAM;
	denied = test_at("guarded/s");
	REQUIRE(symlink("free", test_at("turning")) == 0);
	client->answer = turn_and_allow;
	run(client, "connect", connect_by, &way, EPERM);
	close(free_one);
	close(guarded);
}

int main(void)
{
	struct test_client *client;
	char text[201] = "";

	test_begin(120);
	REQUIRE(mkdir(test_at("guarded"), 0755) == 0);
	for (int i = 0; i < 60; i++)
		strcat(text, "./");
	REQUIRE(symlink("guarded/s", test_at("link")) == 0 && symlink("guarded", test_at("parent")) == 0);
	strcat(text, "guarded/s");
	REQUIRE(symlink(text, test_at("long")) == 0);
	test_daemon(NULL);
	client = test_client(deny_one, NULL);
	test_hold(client, ES_AUTH(UIPC_CONNECT), -1);
	all_ways(client, SOCK_STREAM);
	all_ways(client, SOCK_DGRAM);
	turned(client);
	return test_end();
}
