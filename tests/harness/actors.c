/* SPDX-License-Identifier: MIT */
#include "actor.h"

#include <sys/socket.h>

#include "es-test.h"

static int actor_child(void *context)
{
	const struct actor_command *start = context;
	char *argv[] = { (char *)start->path, NULL }, *envp[] = { NULL };

	if (dup2((int)start->number, STDIN_FILENO) < 0)
		return 1;
	execve(start->path, argv, envp);
	perror(start->path);
	return 1;
}

struct actor actor_start(const char *name)
{
	test_copy(test_built("tests/harness/actor"), test_at("%s", name), 0755);
	return actor_again(name);
}

struct actor actor_again(const char *name)
{
	struct actor_command start = {};
	struct actor actor;
	int ends[2];

	snprintf(start.path, sizeof(start.path), "%s", test_at("%s", name));
	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	start.number = (uint32_t)ends[1];
	actor.pid = test_fork(actor_child, &start);
	actor.fd = ends[0];
	close(ends[1]);
	REQUIRE(actor_do(&actor, ACT_NOTHING, 0, "") == 0);
	return actor;
}

void actor_stop(struct actor *actor)
{
	close(actor->fd);
	CHECK_EQUAL(test_wait(actor->pid), 0);
}

void actor_begin(const struct actor *actor, enum act act, uint32_t number, const char *path)
{
	struct actor_command command = { .act = act, .number = number };

	snprintf(command.path, sizeof(command.path), "%s", path);
	REQUIRE(send(actor->fd, &command, sizeof(command), MSG_NOSIGNAL) == sizeof(command));
}

int actor_end(const struct actor *actor)
{
	int32_t error = -1;

	REQUIRE(recv(actor->fd, &error, sizeof(error), 0) == sizeof(error));
	return error;
}

int actor_do(const struct actor *actor, enum act act, uint32_t number, const char *path)
{
	actor_begin(actor, act, number, path);
	return actor_end(actor);
}
