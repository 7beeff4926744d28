/* SPDX-License-Identifier: MIT */
#include "token.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "client.h"
#include "util/macro.h"

/* pid and pidversion in one word. After fork() the pid is another, and what was learnt doesn't count. */
static _Atomic uint64_t learnt;

static pthread_mutex_t ask_lock = PTHREAD_MUTEX_INITIALIZER;

void esl_token_learnt(uint32_t pidversion)
{
	if (pidversion)
		atomic_store(&learnt, (uint64_t)getpid() << 32 | pidversion);
}

/* 0: not known */
static uint32_t known_pidversion(void)
{
	uint64_t now = atomic_load(&learnt);

	return now >> 32 == (uint64_t)getpid() ? (uint32_t)now : 0;
}

static void ignore(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
}

/*
 * By making a client. It is never deleted: a daemon that was started for this process ends with its last client, and
 * what it has learnt would end with it.
 */
static uint32_t ask_pidversion(void)
{
	es_client_t *client;

	pthread_mutex_lock(&ask_lock);
	if (!known_pidversion())
		(void)esl_client_new(&client, ignore, NULL, NULL);
	pthread_mutex_unlock(&ask_lock);
	return known_pidversion();
}

/* What the kernel keeps for audit; all ones where it keeps nothing, as in messages. */
static unsigned int read_id(const char *path)
{
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
		read_id("/proc/self/loginuid"), geteuid(), getegid(), getuid(), getgid(), (unsigned int)getpid(),
		read_id("/proc/self/sessionid"), pidversion,
	} };
	return ES_RETURN_SUCCESS;
}
