/* SPDX-License-Identifier: MIT */

/*
 * A client holds tasks, in each way of waiting, and never answers: the test kills it, or it exits, also while the
 * daemon is stopped; or the test kills the daemon and its warden. All tasks go on within 100 ms, and finish their
 * operations. If the client is stopped, they go on when its deadline has passed and the daemon has killed it.
 */

#include "es-test.h"

#include <sys/mman.h>

enum { GONE_MS = 100, DEADLINE_MS = 1500, SPARE_MS = 300, EACH = 3, KINDS = 3, TASKS = EACH * KINDS };

struct task {
	uint64_t done_ns;
	int error;
};

struct shared {
	struct task task[TASKS];
	unsigned int subscribed;
	unsigned int held;
};

static struct shared *shared;
static pid_t tasks[TASKS];

/* ---- a client that answers nothing ---- */

static void hold(struct test_client *client, const es_message_t *message)
{
	(void)client;
	(void)message;
	__atomic_add_fetch(&shared->held, 1, __ATOMIC_RELEASE);
}

static void leave(int signal)
{
	(void)signal;
	_exit(0);
}

static _Noreturn int holder_main(void *context)
{
	struct test_client *client = test_client(hold, NULL);

	(void)context;
	signal(SIGUSR1, leave);
	test_subscribe(client, ES_AUTH(OPEN), ES_AUTH(UNLINK), ES_AUTH(CREATE), -1);
	__atomic_store_n(&shared->subscribed, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static void await(const unsigned int *value, unsigned int wanted)
{
	uint64_t limit = test_now() + 10000000000ull * test_slow();

	while (__atomic_load_n(value, __ATOMIC_ACQUIRE) < wanted) {
		REQUIRE(test_now() < limit);
		test_sleep_ms(1);
	}
}

static pid_t holder_start(void)
{
	pid_t pid;

	shared->subscribed = shared->held = 0;
	pid = test_fork(holder_main, NULL);
	await(&shared->subscribed, 1);
	return pid;
}

/* ---- what it holds ---- */

static int open_or_remove_or_make(void *context)
{
	unsigned int number = (unsigned int)(uintptr_t)context;
	const char *path = test_at("%u", number);
	long r;

	if (number % KINDS == 0)
		r = open(path, O_RDONLY);
	else if (number % KINDS == 1)
		r = unlink(path);
	else
		r = open(path, O_WRONLY | O_CREAT, 0600);
	shared->task[number].error = r < 0 ? errno : 0;
	__atomic_store_n(&shared->task[number].done_ns, test_now(), __ATOMIC_RELEASE);
	return 0;
}

static void prepare(void)
{
	for (unsigned int i = 0; i < TASKS; i++) {
		if (i % KINDS == 2)
			(void)unlink(test_at("%u", i));
		else
			test_write_file(test_at("%u", i), "", 0644);
	}
	memset(shared->task, 0, sizeof(shared->task));
}

static void start(void)
{
	for (unsigned int i = 0; i < TASKS; i++)
		tasks[i] = test_fork(open_or_remove_or_make, (void *)(uintptr_t)i);
	await(&shared->held, TASKS);
	for (unsigned int i = 0; i < TASKS; i++)
		CHECK(!__atomic_load_n(&shared->task[i].done_ns, __ATOMIC_ACQUIRE));
}

static void expect(const char *what, uint64_t since, unsigned int ms)
{
	uint64_t longest = 0;

	for (unsigned int i = 0; i < TASKS; i++) {
		struct task *task = &shared->task[i];

		CHECK_EQUAL(test_wait(tasks[i]), 0);
		CHECK_EQUAL(task->error, 0);
		if (task->done_ns > since && task->done_ns - since > longest)
			longest = task->done_ns - since;
		CHECK_EQUAL(access(test_at("%u", i), F_OK) == 0, i % KINDS != 1);
	}
	printf("%s: the last went on after %llu ms\n", what, (unsigned long long)longest / 1000000);
	CHECK(longest <= ms * 1000000ull);
}

static void end_holder(const char *what, int signal)
{
	pid_t holder;
	uint64_t since;

	prepare();
	holder = holder_start();
	start();
	since = test_now();
	kill(holder, signal);
	expect(what, since, GONE_MS * test_slow());
	(void)test_wait(holder);
}

static void stop_holder(void)
{
	uint64_t begin;
	pid_t holder;
	int status;

	prepare();
	holder = holder_start();
	begin = test_now();
	start();
	REQUIRE(kill(holder, SIGSTOP) == 0 && waitpid(holder, &status, WUNTRACED) == holder);
	expect("client stopped", begin, DEADLINE_MS * test_slow() + SPARE_MS * test_slow());
	CHECK_EQUAL(WTERMSIG(test_wait(holder)), SIGKILL);
}

/* A stopped daemon can't do anything; nor has it to. */
static void kill_holder_of_stopped_daemon(pid_t daemon)
{
	uint64_t since;
	pid_t holder;

	prepare();
	holder = holder_start();
	kill(daemon, SIGSTOP);
	start();
	since = test_now();
	kill(holder, SIGKILL);
	expect("client killed, daemon stopped", since, GONE_MS * test_slow());
	kill(daemon, SIGCONT);
	(void)test_wait(holder);
}

/* As systemd does with all that is left of a service. */
static void kill_daemon_and_warden(pid_t daemon)
{
	pid_t holder, warden = test_child_of(daemon, "es-warden");
	uint64_t since;

	prepare();
	holder = holder_start();
	start();
	REQUIRE(warden > 0);
	kill(daemon, SIGSTOP);
	kill(warden, SIGKILL);
	since = test_now();
	CHECK_EQUAL(WTERMSIG(test_daemon_stop(SIGKILL)), SIGKILL);
	expect("daemon and warden killed", since, GONE_MS * test_slow());
	kill(holder, SIGKILL);
	(void)test_wait(holder);
	unlink(getenv("ENDPOINTSECURITY_SOCKET"));	/* a daemon killed so can't take it away, and no other follows */
}

int main(void)
{
	char deadline[16];
	struct test_client *client;
	pid_t daemon;

	test_begin(150);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	snprintf(deadline, sizeof(deadline), "%u", DEADLINE_MS * test_slow());
	daemon = test_daemon("--deadline-ms", deadline, NULL);
	client = test_client(NULL, NULL);
	test_hold(client, ES_AUTH(UNLINK), -1);		/* skips */
	test_client_delete(client);

	end_holder("client killed", SIGKILL);
	end_holder("client exits", SIGUSR1);
	kill_holder_of_stopped_daemon(daemon);
	stop_holder();
	kill_daemon_and_warden(daemon);
	return test_end();
}
