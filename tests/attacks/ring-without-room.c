/* SPDX-License-Identifier: MIT */

/*
 * A client's ring is full of NOTIFY messages while its handler is busy with one. Meanwhile operations that it would deny
 * wait, in any miss mode: the kernel asks about them as soon as there is room.
 */

#include "attack.h"

static bool open_file(const char *path)
{
	int fd = open(path, O_RDONLY);

	close(fd);
	return fd >= 0;
}

static int open_it(void *path)
{
	return attack_result(open(path, O_RDONLY));
}

static int remove_it(void *path)
{
	return attack_result(unlink(path));
}

static void try(struct attack *attack, es_deadline_miss_mode_t mode)
{
	const char *other = test_at("other");
	pid_t pid[2];

	CHECK_EQUAL(es_set_deadline_miss_mode(attack->client->client, mode), ES_RETURN_SUCCESS);
	pthread_mutex_lock(&attack->client->lock);	/* the handler takes it too, so it stops */
	for (int i = 0; i < 3000; i++)
		open_file(other);
	pid[0] = test_fork(open_it, (void *)test_at("denied"));
	pid[1] = test_fork(remove_it, (void *)test_at("denied"));
	test_sleep_ms(300 * test_slow());
	CHECK_EQUAL(test_wait_ms(pid[0], 0), -1);
	CHECK_EQUAL(test_wait_ms(pid[1], 0), -1);
	pthread_mutex_unlock(&attack->client->lock);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid[0])), EPERM);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid[1])), EPERM);
	CHECK(access(test_at("denied"), F_OK) == 0);
	test_write_file(test_at("denied"), "", 0644);
	test_sync(attack->client);
}

int main(void)
{
	struct attack *attack;

	test_begin(100);
	test_write_file(test_at("other"), "", 0644);
	test_write_file(test_at("denied"), "", 0644);
	test_daemon("--ring-size", "65536", NULL);
	attack = attack_client(NULL);
	attack_needs_lsm(attack);
	test_hold(attack->client, ES_AUTH(UNLINK), ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);
	try(attack, ES_DEADLINE_MISS_MODE_KILL);
	try(attack, ES_DEADLINE_MISS_MODE_FAIL_OPEN);
	try(attack, ES_DEADLINE_MISS_MODE_FAIL_CLOSED);
	CHECK(attack->asked[ES_AUTH(OPEN)] >= 3);
	CHECK(attack->asked[ES_AUTH(UNLINK)] >= 3);
	return test_end();
}
