/* SPDX-License-Identifier: MIT */
#include "token.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>

#include "control.h"
#include "log.h"
#include "unseen.h"
#include "util/macro.h"

/* pid and pidversion in one word. A child of fork() has another pid, so its parent's word doesn't count there. */
static _Atomic uint64_t learnt;

/* This process's pid and group as the daemon sees them; in a pid namespace it has other numbers for itself. */
static _Atomic uint64_t numbers;

static pthread_mutex_t ask_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static int connection = -1;		/* to the daemon that was asked */

void esl_token_learnt(const struct es_reply *reply)
{
	if (!reply->pidversion)
		return;
	atomic_store(&numbers, (uint64_t)reply->pid << 32 | reply->group);
	atomic_store(&learnt, (uint64_t)getpid() << 32 | reply->pidversion);
}

/* 0: not known */
static uint32_t known_pidversion(void)
{
	uint64_t now = atomic_load(&learnt);

	return now >> 32 == (uint64_t)getpid() ? (uint32_t)now : 0;
}

/* In a child of fork(): neither the parent's connection nor its lock is ours. */
static void disown(void)
{
	closep(&connection);
	connection = -1;
	pthread_mutex_init(&ask_lock, NULL);
}

static void prepare_for_forks(void)
{
	pthread_atfork(NULL, NULL, disown);
}

/* Becomes a client and closes the descriptors that it gets: only a client with threads has a use for them. */
static void become_client(struct esl_control *control)
{
	struct es_reply reply;
	int fds[ES_CLIENT_FDS];
	int r = esl_control_connect(control, &reply, fds);

	if (r > 0)
		esl_log("the daemon tells this process nothing about itself, as it may not be a client: %s", esl_errno(r));
	if (r != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		closep(&fds[i]);
	esl_token_learnt(&reply);
}

/*
 * Asks as a client that has no threads. The connection is kept: a daemon that was started for this process ends with
 * its last client, and what the daemon knows would end with it.
 */
static uint32_t ask_pidversion(void)
{
	struct esl_control control;

	if (geteuid() != 0)
		return 0;
	pthread_once(&fork_once, prepare_for_forks);
	pthread_mutex_lock(&ask_lock);
	if (!known_pidversion()) {
		esl_control_init(&control);
		become_client(&control);
		if (known_pidversion()) {
			closep(&connection);
			connection = TAKE_FD(control.fd);
		}
		esl_control_close(&control);
	}
	pthread_mutex_unlock(&ask_lock);
	return known_pidversion();
}

/* An id that the kernel keeps for audit. All ones if it keeps none, as in messages. */
static unsigned int read_id(const char *path)
{
	UNSEEN();
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned int id = (unsigned int)-1;
	char text[16];
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (length > 0) {
		text[length] = '\0';
		(void)sscanf(text, "%u", &id);
	}
	return id;
}

es_return_t es_linux_own_token(audit_token_t *token)
{
	uint32_t pidversion;

	if (!token)
		return ES_RETURN_ERROR;
	pidversion = known_pidversion();
	if (!pidversion)
		pidversion = ask_pidversion();
	if (!pidversion)
		return ES_RETURN_ERROR;
	*token = (audit_token_t){ {
		read_id("/proc/self/loginuid"), geteuid(), getegid(), getuid(), getgid(),
		(unsigned int)(atomic_load(&numbers) >> 32), read_id("/proc/self/sessionid"), pidversion,
	} };
	return ES_RETURN_SUCCESS;
}

pid_t es_linux_own_group(void)
{
	return known_pidversion() || ask_pidversion() ? (pid_t)atomic_load(&numbers) : 0;
}
