/* SPDX-License-Identifier: MIT */

/*
 * The kernel asks about a deadly signal, and the client denies it, whichever way the signal takes: with any si_code that a
 * program may make up, to a process group, to all, through a pidfd, or from a descriptor (F_SETOWN, F_SETSIG). For a group
 * it asks about each process once, and an allowed signal arrives once.
 */

#include "attack.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef F_SETSIG
enum { F_SETSIG = 10 };
#endif

enum { VICTIMS = 3, PIDFD_SIGNAL_PROCESS_GROUP_ = 1 << 2 };

struct shared {
	pid_t victim[VICTIMS], group;
	unsigned int received[VICTIMS];
	unsigned int ready;
};

static struct shared *shared;
static unsigned int number;
static bool deny_one;			/* deny only signals to the second victim; else to all */
static bool allow_all;
static unsigned int asked[VICTIMS];

static void count(int signal)
{
	(void)signal;
	shared->received[number]++;
}

static _Noreturn int victim(void *context)
{
	number = (unsigned int)(uintptr_t)context;
	setpgid(0, number ? shared->group : 0);
	signal(SIGTERM, count);
	signal(SIGIO, count);
	__atomic_add_fetch(&shared->ready, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static int queue(int code)
{
	siginfo_t info = { .si_code = code };

	return attack_result(syscall(SYS_rt_sigqueueinfo, shared->victim[0], SIGTERM, &info));
}

static int by_kill(void) { return attack_result(kill(shared->victim[0], SIGTERM)); }
static int by_timer_code(void) { return queue(-2); }
static int by_message_code(void) { return queue(-3); }
static int by_io_code(void) { return queue(-5); }
static int by_low_code(void) { return queue(-1000); }

static int by_thread(void)
{
	siginfo_t info = { .si_code = -60 };

	return attack_result(syscall(SYS_rt_tgsigqueueinfo, shared->victim[0], shared->victim[0], SIGTERM, &info));
}

static int by_pidfd(void)
{
	siginfo_t info = { .si_code = -5, .si_signo = SIGTERM };
	int fd = (int)syscall(SYS_pidfd_open, shared->victim[0], 0);

	return attack_result(syscall(SYS_pidfd_send_signal, fd, SIGTERM, &info, 0));
}

/* The descriptor sends the signal when there is something to read. */
static int by_descriptor(bool signal_first)
{
	int pipes[2], error;

	if (pipe(pipes) < 0)
		return 201;
	if (signal_first)
		error = attack_result(fcntl(pipes[0], F_SETSIG, SIGTERM)) ?:
			attack_result(fcntl(pipes[0], F_SETOWN, shared->victim[0]));
	else
		error = attack_result(fcntl(pipes[0], F_SETOWN, shared->victim[0])) ?:
			attack_result(fcntl(pipes[0], F_SETSIG, SIGTERM));
	if (error)
		return error;
	if (fcntl(pipes[0], F_SETFL, O_ASYNC) < 0 || write(pipes[1], "", 1) != 1)
		return errno;
	return 0;
}

static int by_owner_last(void) { return by_descriptor(true); }
static int by_signal_last(void) { return by_descriptor(false); }

static int by_group(void) { return attack_result(kill(-shared->group, SIGTERM)); }

static int by_own_group(void)
{
	signal(SIGTERM, SIG_IGN);
	return setpgid(0, shared->group) < 0 ? 201 : attack_result(kill(0, SIGTERM));
}

static int by_group_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, shared->group, 0);
	long r = syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, PIDFD_SIGNAL_PROCESS_GROUP_);

	return r < 0 && errno == EINVAL ? 77 : attack_result(r);	/* since 6.9 */
}

struct row {
	const char *name;
	int (*act)(void);
	bool group;
};

static const struct row rows[] = {
	{ "kill", by_kill, false },
	{ "si_code SI_TIMER", by_timer_code, false },
	{ "si_code SI_MESGQ", by_message_code, false },
	{ "si_code SI_SIGIO", by_io_code, false },
	{ "si_code -1000", by_low_code, false },
	{ "rt_tgsigqueueinfo", by_thread, false },
	{ "pidfd_send_signal", by_pidfd, false },
	{ "F_SETSIG, F_SETOWN", by_owner_last, false },
	{ "F_SETOWN, F_SETSIG", by_signal_last, false },
	{ "kill of a group", by_group, true }, { "kill of the own group", by_own_group, true },
	{ "pidfd_send_signal of a group", by_group_pidfd, true },
};

static enum judged judge(const es_message_t *message)
{
	pid_t target = test_pid(message->event.signal.target);

	for (unsigned int i = 0; i < VICTIMS; i++) {
		if (target != shared->victim[i])
			continue;
		asked[i]++;
		test_sleep_ms(5);	/* so that a call that waits by starting over does start over */
		return allow_all || (deny_one && i != 1) ? JUDGED_ALLOW : JUDGED_DENY;
	}
	return JUDGED_ALLOW;
}

static int act(void *context)
{
	const struct row *row = context;

	return row->act();
}

static int try(const struct row *row)
{
	int status;

	memset(shared->received, 0, sizeof(shared->received));
	memset(asked, 0, sizeof(asked));
	status = attack_status(act, (void *)row);
	test_sleep_ms(30);
	return status;
}

/* Before 6.2 a kernel program can't find a process by its pid: there the kernel counts such a signal and doesn't ask. */
static bool by_number(const struct row *row)
{
	return row->act == by_owner_last || row->act == by_signal_last;
}

static void try_one(const struct row *row)
{
	if (by_number(row) && !test_has_gate()) {
		printf("... can't be held on this kernel\n");
		return;
	}
	allow_all = deny_one = false;
	CHECK_EQUAL(try(row), EPERM);
	CHECK_EQUAL(shared->received[0], 0);
	CHECK_EQUAL(asked[0], 1);
}

static void try_group(const struct row *row)
{
	int status;

	allow_all = deny_one = false;
	status = try(row);
	if (status == 77) {
		printf("... not on this kernel\n");
		return;
	}
	CHECK(status == EPERM || row->act == by_own_group);
	for (unsigned int i = 0; i < VICTIMS; i++) {
		CHECK_EQUAL(shared->received[i], 0);
		CHECK_EQUAL(asked[i], 1);
	}
	deny_one = true;
	CHECK_EQUAL(try(row), 0);
	for (unsigned int i = 0; i < VICTIMS; i++) {
		CHECK_EQUAL(shared->received[i], i != 1);
		CHECK_EQUAL(asked[i], 1);
	}
	allow_all = true;
	CHECK_EQUAL(try(row), 0);
	for (unsigned int i = 0; i < VICTIMS; i++) {
		CHECK_EQUAL(shared->received[i], 1);
		CHECK_EQUAL(asked[i], 1);
	}
}

int main(void)
{
	struct attack *attack = attack_begin(100, judge);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	for (unsigned int i = 0; i < VICTIMS; i++) {
		shared->victim[i] = test_fork(victim, (void *)(uintptr_t)i);
		shared->group = shared->victim[0];
		while (__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE) <= i)
			test_sleep_ms(1);
	}
	test_hold(attack->client, ES_AUTH(SIGNAL), -1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		printf("%s\n", rows[i].name);
		if (rows[i].group)
			try_group(&rows[i]);
		else
			try_one(&rows[i]);
	}
	REQUIRE(es_unsubscribe_all(attack->client->client) == ES_RETURN_SUCCESS);
	return test_end();
}
