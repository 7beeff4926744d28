/* SPDX-License-Identifier: MIT */

/*
 * open(O_RDONLY|O_TRUNC) empties a file. So the kernel asks about it as an open for writing (FWRITE), and an answer that
 * allows reading only denies it, also one that is kept.
 */

#include "attack.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <linux/openat2.h>

enum { FREAD_ = 1, FWRITE_ = 2 };

static atomic_bool keep;
static atomic_uint asked_to_write;

static void answer(struct test_client *client, const es_message_t *message)
{
	uint32_t flags = UINT32_MAX;

	if (strstr(message->event.open.file->path.data, "/readable")) {
		flags = FREAD_;
		if (message->event.open.fflag & FWRITE_)
			asked_to_write++;
	}
	CHECK_EQUAL(es_respond_flags_result(client->client, message, flags, keep), ES_RESPOND_RESULT_SUCCESS);
}

static int truncates(void *path) { return attack_result(open(path, O_RDONLY | O_TRUNC)); }
static int creates(void *path) { return attack_result(open(path, O_RDONLY | O_CREAT | O_TRUNC, 0600)); }

static int truncates_by_openat2(void *path)
{
	struct open_how how = { .flags = O_RDONLY | O_TRUNC };

	return attack_result(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

static int reads(void *path)
{
	for (int i = 0; i < 3; i++)
		if (open(path, O_RDONLY) < 0)
			return errno;
	return 0;
}

static int reads_then_truncates(void *path)
{
	return reads(path) ?: truncates(path);
}

static int (*const ways[])(void *) = { truncates, creates, truncates_by_openat2, reads_then_truncates };

int main(void)
{
	struct test_client *client;
	const char *path;

	test_begin(60);
	test_daemon(NULL);
	client = test_client(answer, NULL);
	test_subscribe(client, ES_AUTH(OPEN), -1);
	path = test_at("readable");
	test_write_file(path, "text", 0644);
	for (int i = 0; i < 2; i++, keep = true) {
		for (size_t way = 0; way < ARRAY_SIZE(ways); way++) {
			CHECK_EQUAL(attack_status(ways[way], (void *)path), EPERM);
			CHECK(attack_has_content(path, "text"));
			CHECK_EQUAL(attack_status(reads, (void *)path), 0);
		}
	}
	CHECK(atomic_load(&asked_to_write) > ARRAY_SIZE(ways));
	return test_end();
}
