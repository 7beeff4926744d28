/* SPDX-License-Identifier: MIT */
/*
 * The queues: order, side by side, barriers, waiting, timers, signals, fork. Times are generous where they say that
 * something must happen, and what must not happen is made certain by order rather than by waiting.
 */
#include <dispatch/dispatch.h>

#include <mach/mach_time.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "lib/test.h"

enum { ITEMS = 5000, PRODUCERS = 3 };

static dispatch_time_t in_seconds(int64_t seconds)
{
	return dispatch_time(DISPATCH_TIME_NOW, seconds * (int64_t)NSEC_PER_SEC);
}

static void post(void *semaphore)
{
	dispatch_semaphore_signal(semaphore);
}

static void wait_for(dispatch_semaphore_t semaphore)
{
	CHECK(dispatch_semaphore_wait(semaphore, in_seconds(30)) == 0);
}

/* ---- serial: in order, never two at once. Plain memory: the queue is what orders it, also for the thread sanitizer ---- */

static struct {
	uintptr_t next[PRODUCERS];
	uintptr_t done;
	bool inside, disorder;
} serial;

static void number(void *context)
{
	uintptr_t producer = (uintptr_t)context >> 32, i = (uintptr_t)context & 0xffffffff;

	serial.disorder |= serial.inside || serial.next[producer] != i;
	serial.inside = true;
	serial.next[producer] = i + 1;
	serial.done++;
	serial.inside = false;
}

struct producer {
	dispatch_queue_t queue;
	uintptr_t number;
	pthread_t thread;
};

static void *produce(void *context)
{
	struct producer *self = context;

	for (uintptr_t i = 0; i < ITEMS; i++)
		if (i % 100 == 99)
			dispatch_sync_f(self->queue, (void *)(self->number << 32 | i), number);
		else
			dispatch_async_f(self->queue, (void *)(self->number << 32 | i), number);
	return NULL;
}

static void test_serial(void)
{
	dispatch_queue_t queue = dispatch_queue_create("org.example.serial", DISPATCH_QUEUE_SERIAL);
	dispatch_semaphore_t done = dispatch_semaphore_create(0);
	struct producer producers[PRODUCERS];

	CHECK(strcmp(dispatch_queue_get_label(queue), "org.example.serial") == 0);
	for (uintptr_t i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct producer){ .queue = queue, .number = i };
		CHECK(pthread_create(&producers[i].thread, NULL, produce, &producers[i]) == 0);
	}
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(producers[i].thread, NULL);
	dispatch_async_f(queue, done, post);
	dispatch_release(queue);		/* its work holds it */
	wait_for(done);
	CHECK(serial.done == PRODUCERS * ITEMS && !serial.disorder);
	dispatch_release(done);
}

/* ---- concurrent: side by side, as many as it takes, though all of them are stuck; barriers are alone ---- */

enum { STUCK = 24 };

struct meeting {
	dispatch_semaphore_t arrived, leave;
};

static void meet(void *context)
{
	struct meeting *meeting = context;

	dispatch_semaphore_signal(meeting->arrived);
	dispatch_semaphore_wait(meeting->leave, DISPATCH_TIME_FOREVER);
	dispatch_semaphore_signal(meeting->arrived);
}

static void check_all_meet(dispatch_queue_t queue)
{
	struct meeting meeting = { dispatch_semaphore_create(0), dispatch_semaphore_create(0) };

	for (int i = 0; i < STUCK; i++)
		dispatch_async_f(queue, &meeting, meet);
	for (int i = 0; i < STUCK; i++)
		wait_for(meeting.arrived);
	for (int i = 0; i < STUCK; i++)
		dispatch_semaphore_signal(meeting.leave);
	for (int i = 0; i < STUCK; i++)
		wait_for(meeting.arrived);
	dispatch_barrier_sync_f(queue, NULL, free);
	dispatch_release(meeting.arrived);
	dispatch_release(meeting.leave);
}

static int inside, barriers;
static bool barrier_broken;

static void share(void *unused)
{
	(void)unused;
	__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
	sched_yield();
	__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
}

static void be_alone(void *unused)
{
	(void)unused;
	for (int i = 0; i < 20; i++) {
		barrier_broken |= __atomic_load_n(&inside, __ATOMIC_SEQ_CST) != 0;
		sched_yield();
	}
	barriers++;
}

static void test_concurrent(void)
{
	dispatch_queue_t queue = dispatch_queue_create("org.example.concurrent", DISPATCH_QUEUE_CONCURRENT);

	check_all_meet(queue);
	for (int i = 0; i < 300; i++) {
		dispatch_async_f(queue, NULL, share);
		if (i % 10 == 5)
			dispatch_barrier_async_f(queue, NULL, be_alone);
		if (i % 50 == 25)
			dispatch_barrier_sync_f(queue, NULL, be_alone);
	}
	dispatch_barrier_sync_f(queue, NULL, be_alone);
	CHECK(barriers == 30 + 6 + 1 && !barrier_broken);
	dispatch_release(queue);
}

static void test_global(void)
{
	CHECK(dispatch_get_global_queue(DISPATCH_QUEUE_PRIORITY_HIGH, 0) ==
	      dispatch_get_global_queue(QOS_CLASS_USER_INITIATED, 0));
	CHECK(dispatch_get_global_queue(DISPATCH_QUEUE_PRIORITY_DEFAULT, 0));
	CHECK(dispatch_get_global_queue(DISPATCH_QUEUE_PRIORITY_LOW, 0) == dispatch_get_global_queue(QOS_CLASS_UTILITY, 0));
	CHECK(dispatch_get_global_queue(DISPATCH_QUEUE_PRIORITY_BACKGROUND, 0) ==
	      dispatch_get_global_queue(QOS_CLASS_BACKGROUND, 0));
	CHECK(!dispatch_get_global_queue(77, 0) && !dispatch_get_global_queue(0, 1));
	check_all_meet(dispatch_get_global_queue(QOS_CLASS_DEFAULT, 0));
	dispatch_release(dispatch_get_global_queue(0, 0));	/* does nothing */
}

static void test_attributes(void)
{
	dispatch_queue_attr_t attr = dispatch_queue_attr_make_with_qos_class(DISPATCH_QUEUE_SERIAL, QOS_CLASS_UTILITY, -1);
	dispatch_queue_t queue = dispatch_queue_create(NULL, attr);

	CHECK(attr && queue && strcmp(dispatch_queue_get_label(queue), "") == 0);
	CHECK(!dispatch_queue_attr_make_with_qos_class(DISPATCH_QUEUE_SERIAL, (qos_class_t)5, 0));
	CHECK(!dispatch_queue_attr_make_with_qos_class(DISPATCH_QUEUE_SERIAL, QOS_CLASS_UTILITY, 1));
	dispatch_release(queue);
	attr = dispatch_queue_attr_make_with_qos_class(DISPATCH_QUEUE_CONCURRENT, QOS_CLASS_DEFAULT, 0);
	queue = dispatch_queue_create("wide", attr);
	check_all_meet(queue);
	dispatch_release(queue);
	queue = dispatch_queue_create("pools", DISPATCH_QUEUE_CONCURRENT_WITH_AUTORELEASE_POOL);
	check_all_meet(queue);
	dispatch_release(queue);
}

/* ---- sync ---- */

static void note_thread(void *thread)
{
	*(pthread_t *)thread = pthread_self();
}

static void test_sync(void)
{
	dispatch_queue_t a = dispatch_queue_create("a", NULL);
	pthread_t thread;

	dispatch_sync_f(a, &thread, note_thread);
	CHECK(pthread_equal(thread, pthread_self()));
	dispatch_release(a);
}

/* ---- suspend, context, finalizer ---- */

static void add(void *counter)
{
	__atomic_add_fetch((int *)counter, 1, __ATOMIC_SEQ_CST);
}

static void test_suspend(void)
{
	dispatch_queue_t queue = dispatch_queue_create("suspended", NULL), other = dispatch_queue_create("other", NULL);
	int count = 0, finalized = 0;

	dispatch_suspend(queue);
	dispatch_suspend(queue);
	dispatch_async_f(queue, &count, add);
	dispatch_sync_f(other, &count, add);
	dispatch_resume(queue);
	dispatch_sync_f(other, &count, add);
	CHECK(__atomic_load_n(&count, __ATOMIC_SEQ_CST) == 2);
	dispatch_resume(queue);
	dispatch_sync_f(queue, &count, add);
	CHECK(__atomic_load_n(&count, __ATOMIC_SEQ_CST) == 4);
	dispatch_set_context(queue, &finalized);
	dispatch_set_finalizer_f(queue, add);
	CHECK(dispatch_get_context(queue) == &finalized);
	dispatch_retain(queue);
	dispatch_release(queue);
	dispatch_release(queue);
	for (int i = 0; i < 3000 && !__atomic_load_n(&finalized, __ATOMIC_SEQ_CST); i++)	/* a worker may still hold it */
		usleep(10000);
	CHECK(finalized == 1);
	dispatch_release(other);
}

/* ---- semaphores, groups, once ---- */

static void test_semaphore(void)
{
	dispatch_semaphore_t semaphore = dispatch_semaphore_create(1);
	uint64_t before;

	CHECK(!dispatch_semaphore_create(-1));
	CHECK(dispatch_semaphore_wait(semaphore, DISPATCH_TIME_NOW) == 0);
	CHECK(dispatch_semaphore_wait(semaphore, DISPATCH_TIME_NOW) != 0);
	before = mach_absolute_time();
	CHECK(dispatch_semaphore_wait(semaphore, dispatch_time(DISPATCH_TIME_NOW, 30 * NSEC_PER_MSEC)) != 0);
	CHECK(mach_absolute_time() - before >= 30 * NSEC_PER_MSEC);
	CHECK(dispatch_semaphore_wait(semaphore, dispatch_walltime(NULL, 10 * NSEC_PER_MSEC)) != 0);
	CHECK(dispatch_semaphore_signal(semaphore) == 0);
	CHECK(dispatch_semaphore_wait(semaphore, DISPATCH_TIME_FOREVER) == 0);
	dispatch_semaphore_signal(semaphore);
	dispatch_release(semaphore);
}

static void linger(void *counter)
{
	usleep(1000);
	add(counter);
}

static void test_group(void)
{
	dispatch_queue_t queue = dispatch_queue_create("notices", NULL);
	dispatch_semaphore_t told = dispatch_semaphore_create(0);
	dispatch_group_t group = dispatch_group_create();
	int count = 0;

	CHECK(dispatch_group_wait(group, DISPATCH_TIME_NOW) == 0);
	dispatch_group_enter(group);
	dispatch_group_notify_f(group, queue, told, post);
	for (int i = 0; i < 20; i++)
		dispatch_group_async_f(group, dispatch_get_global_queue(0, 0), &count, linger);
	CHECK(dispatch_group_wait(group, dispatch_time(DISPATCH_TIME_NOW, 20 * NSEC_PER_MSEC)) != 0);
	CHECK(dispatch_semaphore_wait(told, DISPATCH_TIME_NOW) != 0);
	dispatch_group_leave(group);
	CHECK(dispatch_group_wait(group, in_seconds(30)) == 0 && count == 20);
	wait_for(told);
	dispatch_group_notify_f(group, queue, told, post);	/* nobody is in it: at once */
	wait_for(told);
	dispatch_release(group);
	dispatch_release(queue);
	dispatch_release(told);
}

static dispatch_once_t once;
static int times;

static void slowly(void *unused)
{
	(void)unused;
	usleep(20000);
	times++;
}

static void *do_once(void *unused)
{
	dispatch_once_f(&once, unused, slowly);
	CHECK(times == 1);
	return NULL;
}

static void test_once(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, do_once, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	do_once(NULL);
}

/* ---- time ---- */

static void test_time(void)
{
	const struct timespec then = { .tv_sec = 1000, .tv_nsec = 5 };
	dispatch_time_t now = dispatch_time(DISPATCH_TIME_NOW, 0);

	CHECK(now > 0 && now < DISPATCH_TIME_FOREVER / 2);
	CHECK(dispatch_time(now, 5) == now + 5 && dispatch_time(now, -5) == now - 5);
	CHECK(dispatch_time(DISPATCH_TIME_FOREVER, -5) == DISPATCH_TIME_FOREVER);
	CHECK(dispatch_time(now, INT64_MAX) == DISPATCH_TIME_FOREVER && dispatch_time(now, INT64_MIN + 1) == 1);
	CHECK(dispatch_walltime(&then, 5) == (dispatch_time_t)-1000000000010ll);
	CHECK(dispatch_time(dispatch_walltime(&then, 0), 5) == dispatch_walltime(&then, 5));
}

static struct {
	int order[3], n;
	dispatch_semaphore_t done;
} afters;

static void note_after(void *which)
{
	afters.order[afters.n++] = (int)(intptr_t)which;
	dispatch_semaphore_signal(afters.done);
}

static void test_after(void)
{
	dispatch_queue_t queue = dispatch_queue_create("after", NULL);
	uint64_t before = mach_absolute_time();

	afters.done = dispatch_semaphore_create(0);
	dispatch_after_f(dispatch_time(DISPATCH_TIME_NOW, 60 * NSEC_PER_MSEC), queue, (void *)2, note_after);
	dispatch_after_f(dispatch_walltime(NULL, 120 * NSEC_PER_MSEC), queue, (void *)3, note_after);
	dispatch_after_f(DISPATCH_TIME_NOW, queue, (void *)1, note_after);
	dispatch_after_f(DISPATCH_TIME_FOREVER, queue, (void *)4, note_after);
	dispatch_release(queue);
	for (int i = 0; i < 3; i++)
		wait_for(afters.done);
	CHECK(mach_absolute_time() - before >= 100 * NSEC_PER_MSEC);
	CHECK(afters.order[0] == 1 && afters.order[1] == 2 && afters.order[2] == 3);
	dispatch_release(afters.done);
}

/* ---- sources ---- */

struct heard {
	dispatch_source_t source;
	dispatch_semaphore_t event, cancelled;
	uintptr_t data;
};

static void on_event(void *context)
{
	struct heard *heard = context;

	heard->data += dispatch_source_get_data(heard->source);
	dispatch_semaphore_signal(heard->event);
}

static void on_cancel(void *context)
{
	dispatch_semaphore_signal(((struct heard *)context)->cancelled);
}

static struct heard listen_to(dispatch_source_type_t type, uintptr_t handle, dispatch_queue_t queue)
{
	struct heard heard = {
		.source = dispatch_source_create(type, handle, 0, queue),
		.event = dispatch_semaphore_create(0),
		.cancelled = dispatch_semaphore_create(0),
	};

	CHECK(heard.source);
	dispatch_source_set_event_handler_f(heard.source, on_event);
	dispatch_source_set_cancel_handler_f(heard.source, on_cancel);
	return heard;
}

static void stop_listening(struct heard *heard)
{
	dispatch_source_cancel(heard->source);
	dispatch_source_cancel(heard->source);
	CHECK(dispatch_source_testcancel(heard->source) != 0);
	wait_for(heard->cancelled);
	dispatch_release(heard->source);
	dispatch_release(heard->event);
	dispatch_release(heard->cancelled);
}

static void test_timer(void)
{
	dispatch_queue_t queue = dispatch_queue_create("timer", NULL);
	struct heard heard = listen_to(DISPATCH_SOURCE_TYPE_TIMER, 0, queue);
	uint64_t before = mach_absolute_time();

	CHECK(!dispatch_source_create(DISPATCH_SOURCE_TYPE_TIMER, 5, 0, queue));
	dispatch_set_context(heard.source, &heard);
	dispatch_source_set_timer(heard.source, dispatch_time(DISPATCH_TIME_NOW, 20 * NSEC_PER_MSEC), 10 * NSEC_PER_MSEC, 0);
	dispatch_resume(heard.source);
	for (int i = 0; i < 3; i++)
		wait_for(heard.event);
	CHECK(mach_absolute_time() - before >= 40 * NSEC_PER_MSEC && heard.data >= 3);
	dispatch_suspend(heard.source);
	dispatch_source_set_timer(heard.source, DISPATCH_TIME_NOW, DISPATCH_TIME_FOREVER, 0);	/* once */
	dispatch_resume(heard.source);
	wait_for(heard.event);
	stop_listening(&heard);
	dispatch_release(queue);
}

static int own_handler_ran;

static void own_handler(int number)
{
	own_handler_ran = number;
}

static void test_signal_source(void)
{
	dispatch_queue_t queue = dispatch_queue_create("signal", NULL);
	struct heard heard;
	struct sigaction after;

	CHECK(!dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL, SIGKILL, 0, queue));
	CHECK(!dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL, 1000, 0, queue));
	signal(SIGUSR1, SIG_IGN);
	heard = listen_to(DISPATCH_SOURCE_TYPE_SIGNAL, SIGUSR1, queue);
	dispatch_set_context(heard.source, &heard);
	CHECK(dispatch_source_get_handle(heard.source) == SIGUSR1);
	kill(getpid(), SIGUSR1);		/* not resumed yet: still ignored */
	dispatch_activate(heard.source);
	dispatch_activate(heard.source);
	for (uintptr_t i = 1; i <= 5; i++) {
		kill(getpid(), SIGUSR1);
		wait_for(heard.event);
		dispatch_sync_f(queue, &times, add);
		CHECK(heard.data == i);
	}
	stop_listening(&heard);
	CHECK(sigaction(SIGUSR1, NULL, &after) == 0 && after.sa_handler == SIG_IGN);

	signal(SIGUSR2, own_handler);
	heard = listen_to(DISPATCH_SOURCE_TYPE_SIGNAL, SIGUSR2, NULL);
	dispatch_set_context(heard.source, &heard);
	dispatch_resume(heard.source);
	kill(getpid(), SIGUSR2);
	wait_for(heard.event);
	CHECK(own_handler_ran == SIGUSR2);
	stop_listening(&heard);
	CHECK(sigaction(SIGUSR2, NULL, &after) == 0 && after.sa_handler == own_handler);
	dispatch_release(queue);
}

/* ---- a handler that interrupts everything else, also what it calls itself ---- */

static dispatch_queue_t handled;
static int from_handler, posted;

static void in_handler(int number)
{
	(void)number;
	dispatch_async_f(handled, &from_handler, add);
	posted++;
}

static void test_handler(void)
{
	const struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = { { 0, 0 }, { 0, 0 } };
	dispatch_queue_t other = dispatch_queue_create("other", NULL);
	int count = 0;

	handled = dispatch_queue_create("handled", NULL);
	signal(SIGALRM, in_handler);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 20000; i++) {
		dispatch_async_f(i % 2 ? handled : other, &count, add);
		if (i % 500 == 0)
			dispatch_sync_f(other, &count, add);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_IGN);
	dispatch_sync_f(handled, &count, add);
	dispatch_sync_f(other, &count, add);
	CHECK(count == 20000 + 40 + 2 && posted > 0 && __atomic_load_n(&from_handler, __ATOMIC_SEQ_CST) == posted);
	dispatch_release(handled);
	dispatch_release(other);
}

/* ---- fork: what was queued is the parent's; the child's queues work ---- */

static void use_in_child(dispatch_queue_t busy, dispatch_semaphore_t leave)
{
	int count = 0;

	alarm(20);
	dispatch_async_f(busy, &count, add);		/* the parent's item is stuck in this queue, with more behind it */
	dispatch_sync_f(busy, &count, add);
	dispatch_sync_f(dispatch_get_global_queue(0, 0), &count, add);
	dispatch_after_f(dispatch_time(DISPATCH_TIME_NOW, NSEC_PER_MSEC), busy, leave, post);
	if (dispatch_semaphore_wait(leave, in_seconds(10)))
		_exit(2);
	_exit(count == 3 && __atomic_load_n(&from_handler, __ATOMIC_SEQ_CST) == 0 ? 0 : 1);
}

static void test_fork(void)
{
	dispatch_queue_t busy = dispatch_queue_create("busy", NULL);
	struct meeting meeting = { dispatch_semaphore_create(0), dispatch_semaphore_create(0) };
	int status;
	pid_t pid;

	from_handler = 0;
	dispatch_async_f(busy, &meeting, meet);
	wait_for(meeting.arrived);
	dispatch_async_f(busy, &from_handler, add);
	for (int i = 0; i < 3; i++) {
		pid = fork();
		if (pid == 0)
			use_in_child(busy, dispatch_semaphore_create(0));
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(status == 0);
	}
	dispatch_semaphore_signal(meeting.leave);
	dispatch_sync_f(busy, &from_handler, add);
	CHECK(__atomic_load_n(&from_handler, __ATOMIC_SEQ_CST) == 2);	/* once, here */
	dispatch_release(busy);
}

static void fork_here(void *ret)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(7);
	*(pid_t *)ret = pid;
}

/* By a work item, too, on a thread that isn't the main one. */
static void test_fork_in_item(void)
{
	dispatch_queue_t queue = dispatch_queue_create("forks", NULL);
	dispatch_semaphore_t done = dispatch_semaphore_create(0);
	pid_t pid = 0;
	int status;

	dispatch_async_f(queue, &pid, fork_here);
	dispatch_async_f(queue, done, post);
	wait_for(done);
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7);
	dispatch_release(queue);
	dispatch_release(done);
}

/* ---- misuse ends the program, and says why ---- */

static dispatch_queue_t mine;

static void sync_again(void *unused)
{
	dispatch_sync_f(mine, unused, sync_again);
}

static void sync_twice(void)
{
	mine = dispatch_queue_create("mine", NULL);
	dispatch_sync_f(mine, NULL, sync_again);
}

static void sync_main_on_main(void)
{
	dispatch_sync_f(dispatch_get_main_queue(), NULL, sync_again);
}

static void leave_too_often(void)
{
	dispatch_group_leave(dispatch_group_create());
}

static void once_in_once(void *predicate)
{
	dispatch_once_f(predicate, predicate, once_in_once);
}

static void once_again(void)
{
	static dispatch_once_t predicate;

	dispatch_once_f(&predicate, &predicate, once_in_once);
}

static void release_in_use(void)
{
	dispatch_semaphore_t semaphore = dispatch_semaphore_create(1);

	dispatch_semaphore_wait(semaphore, DISPATCH_TIME_FOREVER);
	dispatch_release(semaphore);
}

static void resume_too_often(void)
{
	dispatch_resume(dispatch_queue_create("running", NULL));
}

static void expect_bug(void (*what)(void), const char *expected)
{
	const struct rlimit none = { 0, 0 };
	char text[512];
	int ends[2], status;
	ssize_t length;
	pid_t pid;

	CHECK(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		alarm(20);
		dup2(ends[1], STDERR_FILENO);
		what();
		_exit(0);
	}
	close(ends[1]);
	length = read(ends[0], text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = '\0';
	close(ends[0]);
	CHECK(waitpid(pid, &status, 0) == pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || !strstr(text, expected)) {
		printf("expected SIGABRT and \"%s\", but: status %#x, \"%s\"\n", expected, status, text);
		exit(1);
	}
}

static void test_misuse(void)
{
	expect_bug(sync_twice, "working for");
	expect_bug(sync_main_on_main, "main thread");
	expect_bug(leave_too_often, "dispatch_group_leave()");
	expect_bug(once_again, "dispatch_once()");
	expect_bug(release_in_use, "semaphore");
	expect_bug(resume_too_often, "dispatch_resume()");
}

/* ---- the main queue, last: dispatch_main() never returns. A signal handler ends it, as in so many programs ---- */

static struct {
	int n;
	bool wrong_thread, disorder;
} on_main;

static void main_item(void *i)
{
	on_main.wrong_thread |= gettid() != getpid();
	on_main.disorder |= on_main.n++ != (int)(intptr_t)i;
}

static void end(void *number)
{
	CHECK((intptr_t)number == SIGTERM && on_main.n == 1000 + 1 && !on_main.wrong_thread && !on_main.disorder);
	puts("ok");
	exit(0);
}

static void on_term(int number)
{
	dispatch_async_f(dispatch_get_main_queue(), (void *)(intptr_t)number, end);
}

static void kill_main(void *unused)
{
	(void)unused;
	dispatch_sync_f(dispatch_get_main_queue(), (void *)1000, main_item);
	CHECK(on_main.n == 1001);
	usleep(50000);			/* by now the main thread sleeps */
	kill(getpid(), SIGTERM);
}

static void run_main(void)
{
	for (intptr_t i = 0; i < 1000; i++)
		dispatch_async_f(dispatch_get_main_queue(), (void *)i, main_item);
	signal(SIGTERM, on_term);
	dispatch_async_f(dispatch_get_global_queue(0, 0), NULL, kill_main);
	dispatch_main();
}

int main(void)
{
	alarm(240);
	signal(SIGALRM, SIG_DFL);
	test_time();
	test_serial();
	test_concurrent();
	test_global();
	test_attributes();
	test_sync();
	test_suspend();
	test_semaphore();
	test_group();
	test_once();
	test_after();
	test_timer();
	test_signal_source();
	test_handler();
	test_fork();
	test_fork_in_item();
	test_misuse();
	alarm(60);
	signal(SIGALRM, SIG_DFL);
	run_main();
}
