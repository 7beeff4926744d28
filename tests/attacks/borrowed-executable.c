/* SPDX-License-Identifier: MIT */

/*
 * The kernel keeps an answer for the program that was executed. If a process takes on another program's file by
 * PR_SET_MM_EXE_FILE, the kernel asks about that process, and the client denies it.
 */

#include "attack.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "actor.h"

static pid_t trusted;
static unsigned int asked;

static void answer(struct test_client *client, const es_message_t *message)
{
	bool ours = strstr(message->event.open.file->path.data, "/secret");
	bool allow = !ours || test_pid(message->process) == trusted;

	if (ours)
		asked++;
	CHECK_EQUAL(es_respond_flags_result(client->client, message, allow ? UINT32_MAX : 0, ours && allow),
		    ES_RESPOND_RESULT_SUCCESS);
}

/* PR_SET_MM_EXE_FILE needs the old executable unmapped. So replaces all its mappings, with copies of what this needs. */
static int borrow(void *path)
{
	char line[256];
	int fd = open(path, O_RDONLY), secret;
	unsigned long from[64], to[64];
	unsigned int count = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	char self[4096] = "";

	(void)!readlink("/proc/self/exe", self, sizeof(self) - 1);
	while (maps && fgets(line, sizeof(line), maps) && count < ARRAY_SIZE(from)) {
		if (strstr(line, self) && sscanf(line, "%lx-%lx", &from[count], &to[count]) == 2)
			count++;
	}
	if (!count)
		return 201;
	fclose(maps);
	/* Put copies in their place: the same addresses without a file. */
	for (unsigned int i = 0; i < count; i++) {
		size_t size = to[i] - from[i];
		char *copy = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (copy == MAP_FAILED)
			return 202;
		memcpy(copy, (void *)from[i], size);
		if (mprotect(copy, size, PROT_READ | PROT_WRITE | PROT_EXEC) < 0 ||
		    mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)from[i]) == MAP_FAILED)
			return 203;
	}
	if (prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0) < 0)
		return 204;
	secret = open(test_at("secret"), O_RDONLY);
	return secret < 0 ? errno : 0;
}

int main(void)
{
	struct test_client *client;
	struct actor actor;

	test_begin(60);
	test_daemon(NULL);
	client = test_client(answer, NULL);
	test_write_file(test_at("secret"), "", 0644);
	actor = actor_start("trusted");
	trusted = actor.pid;
	test_hold(client, ES_AUTH(OPEN), ES_AUTH(UNLINK), -1);
	for (int i = 0; i < 3; i++)
		CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDONLY, test_at("secret")), 0);
	CHECK_EQUAL(asked, 1);		/* the kernel keeps it */
	CHECK_EQUAL(attack_status(borrow, (void *)test_at("trusted")), EPERM);
	CHECK_EQUAL(asked, 2);
	actor_stop(&actor);
	return test_end();
}
