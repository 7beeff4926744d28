/* SPDX-License-Identifier: MIT */

/*
 * A thread jumps out of a held call, and then sleeps for ever in a FUSE file system of its own, which isn't the client's
 * gate. Neither daemon nor warden kills the client after the deadline for that, in any miss mode.
 */

#include "attack.h"

#include <linux/fuse.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>

enum { DEADLINE_MS = 500, LEFT_MS = 1000 };	/* LEFT_MS is ES_LEFT_NS */

struct shared {
	unsigned int mounted, left;
};

static struct shared *shared;

static void open_held(void *path)
{
	close(open(path, O_RDONLY));
}

/* Answers FUSE_INIT, and no other request. */
static int serve(int fd)
{
	static char request[65536];
	struct {
		struct fuse_out_header head;
		struct fuse_init_out init;
	} reply = { .init = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096 } };

	if (read(fd, request, sizeof(request)) < 0)
		return 1;
	reply.head = (struct fuse_out_header){ .len = sizeof(reply), .unique = ((struct fuse_in_header *)request)->unique };
	if (write(fd, &reply, sizeof(reply)) < 0)
		return 2;
	__atomic_store_n(&shared->mounted, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static int attacker(void *path)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];
	pid_t server;

	if (fd < 0 || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 201;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd);
	if (mount("own", test_at("fuse"), "fuse", 0, options) < 0)
		return 202;
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(serve(fd));
	}
	while (!__atomic_load_n(&shared->mounted, __ATOMIC_ACQUIRE))
		usleep(1000);
	if (!attack_jump_out(open_held, path, 50 * test_slow()))
		return 203;
	__atomic_store_n(&shared->left, 1, __ATOMIC_RELEASE);
	(void)access(test_at("fuse/any"), F_OK);
	return 0;
}

static int open_it(void *path)
{
	return attack_result(open(path, O_RDONLY));
}

static int client_main(void *context)
{
	es_deadline_miss_mode_t mode = (es_deadline_miss_mode_t)(uintptr_t)context;
	struct attack *attack = attack_client(NULL);
	pid_t pid;

	attack_needs_lsm(attack);
	test_subscribe(attack->client, ES_AUTH(OPEN), -1);
	CHECK_EQUAL(es_set_deadline_miss_mode(attack->client->client, mode), ES_RETURN_SUCCESS);
	memset(shared, 0, sizeof(*shared));
	pid = test_fork(attacker, (void *)test_at("held"));
	CHECK_EQUAL(test_wait_ms(pid, 100), -1);
	attack_await_held(attack, 1);
	while (!__atomic_load_n(&shared->left, __ATOMIC_ACQUIRE) && test_wait_ms(pid, 1) == -1)
		;
	attack_release(attack, JUDGED_ALLOW);	/* in time, but no task waits for it */
	test_sleep_ms(DEADLINE_MS * test_slow() + LEFT_MS);
	CHECK_EQUAL(test_wait_ms(pid, 0), -1);
	CHECK_EQUAL(attack_status(open_it, (void *)test_at("denied")), EPERM);
	kill(pid, SIGKILL);
	return test_end_child();
}

int main(void)
{
	static const es_deadline_miss_mode_t modes[] = { ES_DEADLINE_MISS_MODE_KILL, ES_DEADLINE_MISS_MODE_FAIL_OPEN,
							 ES_DEADLINE_MISS_MODE_FAIL_CLOSED };
	char deadline[16];

	test_begin(110);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	snprintf(deadline, sizeof(deadline), "%u", DEADLINE_MS * test_slow());
	test_all_mounts = true;			/* the attacker has a mount namespace of its own */
	test_daemon("--deadline-ms", deadline, NULL);
	REQUIRE(mkdir(test_at("fuse"), 0755) == 0);
	test_write_file(test_at("held"), "", 0644);
	test_write_file(test_at("denied"), "", 0644);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		int status;
		pid_t pid = test_fork(client_main, (void *)(uintptr_t)modes[i]);

		printf("miss mode %d\n", (int)modes[i]);
		status = test_wait_ms(pid, 12000 * test_slow());
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			test_skip("BPF LSM programs");
		CHECK_EQUAL(status, 0);
	}
	return test_end();
}
