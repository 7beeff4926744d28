/* SPDX-License-Identifier: MIT */

/*
 * A client is led through its life: connect, subscribe, hold, answer, deliver, delete. At each of the points in
 * points.h it, or the daemon, is killed; or stopped, and continued later. Each time:
 *
 *	- who waits goes on: within 100 ms, or by the deadline if it is the client that is stopped;
 *	- nobody is denied without an answer that denies;
 *	- another client sees every event meanwhile, in order and without a gap, unless it is the daemon that is gone;
 *	- who was continued either gets through its life, or was killed for the deadline that it missed;
 *	- a new client works;
 *	- the daemon has given back what it had for the client, and of a killed daemon no process is left.
 *
 *	faults [PATTERN]	those whose name fits, as client-hold-*; without one, on a slow machine, a choice
 *
 * A point that took too long, or was not reached, is tried again: the machine may have been busy.
 */

#include <dirent.h>
#include <fnmatch.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "es-test.h"
#include "points.h"
#include "things.h"

enum {
	OPENERS = 4,
	PROMPT_MS = 100,
	SPARE_MS = 300,			/* the daemon looks every 50 ms; and the machine isn't idle */
	STEP_MS = 10000,
	DEADLINE_MS = 1000,
	CHILDREN = 80,
	TRIES = 4,
};

/* Written by children. */
static struct {
	int go;				/* steps that the client may begin */
	int done;			/* that it has ended */
	int held;			/* messages that its handler keeps */
	int notified;
	struct {
		uint64_t done_ns;
		int error;
	} opener[OPENERS];
} *shared;

static pid_t daemon_pid, subject;
static pid_t opener_pid[OPENERS];
static int openers;
static struct test_client *observer;
static bool lsm;
static struct things daemons;		/* what the daemon has with the observer only */

/* ---- the client that is led ---- */

static es_client_t *own;
static const es_message_t *held;

static void await_value(const int *value, int wanted)
{
	while (__atomic_load_n(value, __ATOMIC_ACQUIRE) < wanted)
		usleep(500);
}

static void subject_handle(es_client_t *client, const es_message_t *message, void *context)
{
	const char *name = strrchr(message->event.open.file->path.data, '/');

	(void)context;
	if (message->action_type == ES_ACTION_TYPE_NOTIFY) {
		if (!strcmp(name, "/told")) {
			syscall(SYS_getpgid, STEP_DELIVER);
			__atomic_add_fetch(&shared->notified, 1, __ATOMIC_RELEASE);
		}
		return;
	}
	if (strcmp(name, "/held")) {
		es_respond_flags_result(client, message, UINT32_MAX, false);
		return;
	}
	es_retain_message(message);
	__atomic_store_n(&held, message, __ATOMIC_RELEASE);
	syscall(SYS_getpgid, STEP_HOLD);
	__atomic_add_fetch(&shared->held, 1, __ATOMIC_RELEASE);
}

static void step_connect(void)
{
	if (es_new_client_f(&own, subject_handle, NULL) != ES_NEW_CLIENT_RESULT_SUCCESS)
		own = NULL;
}

static void step_subscribe(void)
{
	static const es_event_type_t types[] = { ES_AUTH(OPEN), ES_NOTIFY(OPEN) };

	es_subscribe(own, types, ARRAY_SIZE(types));
}

/* What it waits for may never come: the daemon may be dead. Then it gives up, as a program would. */
static void step_wait(const int *value, int wanted)
{
	int ms = 0;

	while (__atomic_load_n(value, __ATOMIC_ACQUIRE) < wanted && !es_linux_stream_ended(own) && ms++ < STEP_MS)
		test_sleep_ms(1);
}

static void step_hold(void)
{
	step_wait(&shared->held, 1);
}

static void step_answer(void)
{
	const es_message_t *message = __atomic_exchange_n(&held, NULL, __ATOMIC_ACQ_REL);

	syscall(SYS_getpgid, STEP_ANSWER);
	if (!message)
		return;
	es_respond_flags_result(own, message, 0, false);
	es_release_message(message);
}

static void step_deliver(void)
{
	step_wait(&shared->notified, 1);
}

static void step_delete(void)
{
	const es_message_t *message;

	step_wait(&shared->held, 2);
	syscall(SYS_getpgid, STEP_DELETE);
	es_delete_client(own);
	message = __atomic_exchange_n(&held, NULL, __ATOMIC_ACQ_REL);
	es_release_message(message);
}

static int subject_main(void *context)
{
	static void (*const steps[STEPS])(void) = {
		[STEP_CONNECT] = step_connect, [STEP_SUBSCRIBE] = step_subscribe, [STEP_HOLD] = step_hold,
		[STEP_ANSWER] = step_answer, [STEP_DELIVER] = step_deliver, [STEP_DELETE] = step_delete,
	};

	(void)context;
	for (int step = 0; step < STEPS; step++) {
		await_value(&shared->go, step + 1);
		if (own || step == STEP_CONNECT)
			steps[step]();
		__atomic_store_n(&shared->done, step + 1, __ATOMIC_RELEASE);
	}
	return own ? 0 : 1;
}

/* ---- tasks that wait for it ---- */

static int opener_main(void *context)
{
	int index = openers, fd = open(context, O_RDONLY | O_CLOEXEC);

	shared->opener[index].error = fd < 0 ? errno : 0;
	__atomic_store_n(&shared->opener[index].done_ns, test_now(), __ATOMIC_RELEASE);
	return 0;
}

static int opener_start(const char *name)
{
	memset(&shared->opener[openers], 0, sizeof(shared->opener[openers]));
	opener_pid[openers] = test_fork(opener_main, (void *)test_at("%s", name));
	return openers++;
}

/* How long after `since` it went on, in ms; -1: it didn't. */
static int opener_await(int index, uint64_t since, unsigned int ms)
{
	uint64_t done, limit = since + ms * 1000000ull;

	do {
		done = __atomic_load_n(&shared->opener[index].done_ns, __ATOMIC_ACQUIRE);
		if (done)
			return done > since ? (int)((done - since) / 1000000) : 0;
		test_sleep_ms(1);
	} while (test_now() < limit);
	return -1;
}

/* ---- leading it ---- */

/* What has to happen outside for a step to be done. */
static void step_assist(int step)
{
	if (step == STEP_HOLD || step == STEP_DELETE)
		opener_start("held");
	else if (step == STEP_DELIVER)
		opener_start("told");
}

static bool step_await(int step, unsigned int ms)
{
	uint64_t limit = test_now() + (uint64_t)ms * test_slow() * 1000000;

	while (__atomic_load_n(&shared->done, __ATOMIC_ACQUIRE) <= step) {
		if (test_now() > limit)
			return false;
		test_sleep_ms(1);
	}
	return true;
}

static void step_begin(int step)
{
	step_assist(step);
	__atomic_store_n(&shared->go, step + 1, __ATOMIC_RELEASE);
}

static pid_t tracer_start(const struct point *point, const char *action, pid_t pid)
{
	char text[5][24], line[8] = "";
	int fds[2];
	pid_t tracer;

	REQUIRE(pipe2(fds, O_CLOEXEC) == 0);
	snprintf(text[0], sizeof(text[0]), "%d", pid);
	snprintf(text[1], sizeof(text[1]), "%ld", point->call);
	snprintf(text[2], sizeof(text[2]), "%d", point->argument);
	snprintf(text[3], sizeof(text[3]), "%lu", point->value);
	snprintf(text[4], sizeof(text[4]), "%d", point->nth);
	tracer = fork();
	if (tracer == 0) {
		dup2(fds[1], STDOUT_FILENO);
		execl(test_built("tests/faults/tracer"), "tracer", text[0], action, text[1], text[2], text[3], text[4],
		      NULL);
		_exit(127);
	}
	close(fds[1]);
	REQUIRE(read(fds[0], line, sizeof(line)) > 0);
	close(fds[0]);
	return tracer;
}

/* Was the point reached? */
static bool tracer_await(pid_t tracer)
{
	int status = -1;

	for (int ms = 0; ms < STEP_MS * (int)test_slow(); ms++) {
		if (waitpid(tracer, &status, WNOHANG) == tracer)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		test_sleep_ms(1);
	}
	kill(tracer, SIGKILL);
	waitpid(tracer, &status, 0);
	return false;
}

/* ---- the daemon, and who sees everything ---- */

/* Its answers are taken as long as there is a daemon. */
static void observer_allow(struct test_client *client, const es_message_t *message)
{
	es_respond_result_t result = es_respond_flags_result(client->client, message, UINT32_MAX, false);

	for (int ms = 0; result != ES_RESPOND_RESULT_SUCCESS && !es_linux_stream_ended(client->client) && ms < 1000; ms++)
		test_sleep_ms(1);
	CHECK(result == ES_RESPOND_RESULT_SUCCESS || es_linux_stream_ended(client->client));
}

static void world_end(void)
{
	test_client_delete(observer);
	CHECK_EQUAL(test_daemon_stop(SIGTERM), 0);
}

/* Processes whose parent is the daemon. */
static int children_of(pid_t pid, pid_t children[CHILDREN])
{
	char path[64];
	int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "re");
	while (file && count < CHILDREN && fscanf(file, "%d", &children[count]) == 1)
		count++;
	if (file)
		fclose(file);
	return count;
}

static void expect_gone(const pid_t *pids, int count)
{
	for (int i = 0; i < count; i++) {
		int ms = 0;

		while (test_runs(pids[i]) && ms++ < 3000)
			test_sleep_ms(1);
		CHECK(!test_runs(pids[i]));
	}
}

/* ---- a case ---- */

struct fault {
	const struct point *point;
	bool stop;
	unsigned int limit_ms;
	uint64_t at_ns;
	int slowest_ms;			/* -1: somebody did not go on at all */
	pid_t children[CHILDREN];	/* of the daemon, before */
	int child_count;
};

static void case_reset(void)
{
	memset(shared, 0, sizeof(*shared));
	openers = 0;
}

/* Up to the point, and over it. */
static bool case_lead(struct fault *fault)
{
	const struct point *point = fault->point;
	pid_t tracer;

	subject = test_fork(subject_main, NULL);
	for (int step = 0; step < (int)point->step; step++) {
		step_begin(step);
		REQUIRE(step_await(step, STEP_MS));
	}
	fault->child_count = children_of(daemon_pid, fault->children);
	tracer = tracer_start(point, fault->stop ? "stop" : "kill", point->who == CLIENT ? subject : daemon_pid);
	step_begin(point->step);
	if (!tracer_await(tracer))
		return false;
	fault->at_ns = test_now();
	return true;
}

static void case_opener_goes_on(struct fault *fault, int index, uint64_t since)
{
	int ms = opener_await(index, since, STEP_MS);

	if (ms < 0 || fault->slowest_ms < 0)
		fault->slowest_ms = -1;
	else if (ms > fault->slowest_ms)
		fault->slowest_ms = ms;
	CHECK(shared->opener[index].error == 0 || shared->opener[index].error == EPERM);
	/* Who had not begun to answer has not denied. */
	if (fault->point->step != STEP_ANSWER && !fault->stop && fault->point->who == CLIENT && index == openers - 1)
		CHECK_EQUAL(shared->opener[index].error, 0);
}

/* The client answers by itself if it isn't the one that was stopped or killed. */
static void case_go_on(struct fault *fault)
{
	int index;

	if (fault->point->who == DAEMON)
		for (int step = fault->point->step; step < STEPS; step++) {
			if (step > (int)fault->point->step)
				step_begin(step);
			if (fault->stop)
				break;
			step_await(step, STEP_MS);
		}
	/* A daemon that is stopped lets the client alone, which may take its time: it is not what anybody waits for. */
	if (fault->point->who == CLIENT || !fault->stop)
		for (int i = 0; i < openers; i++)
			case_opener_goes_on(fault, i, fault->at_ns);
	index = opener_start("probe");
	case_opener_goes_on(fault, index, test_now());
}

static void case_observer(struct fault *fault)
{
	if (fault->point->who == DAEMON && !fault->stop) {
		for (int ms = 0; !es_linux_stream_ended(observer->client) && ms < STEP_MS; ms++)
			test_sleep_ms(1);
		CHECK(es_linux_stream_ended(observer->client));
		return;
	}
	CHECK(!es_linux_stream_ended(observer->client));
	CHECK(AWAIT(observer, .type = ES_NOTIFY(OPEN), .pid = opener_pid[openers - 1]) != NULL);
	CHECK(!observer->disorder);
	CHECK_EQUAL(observer->next_global, observer->received_all);
}

/* To the end of its life, if it has one. */
static void case_end_subject(struct fault *fault)
{
	int status;

	if (fault->stop) {
		kill(fault->point->who == CLIENT ? subject : daemon_pid, SIGCONT);
		for (int step = fault->point->step; step < STEPS && test_runs(subject); step++) {
			if (__atomic_load_n(&shared->go, __ATOMIC_ACQUIRE) <= step)
				step_begin(step);
			while (!step_await(step, 10) && test_runs(subject))
				;
		}
	}
	status = test_wait(subject);
	if (fault->point->who == CLIENT && !fault->stop)
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	else if (fault->point->who == CLIENT)
		CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	else if (fault->stop)
		CHECK_EQUAL(status, 0);
	else
		CHECK(WIFEXITED(status));
	for (int i = 0; i < openers; i++)
		CHECK_EQUAL(test_wait(opener_pid[i]), 0);
}

static void case_new_client(void)
{
	struct test_client *client = test_client(test_deny, NULL);
	int index;

	openers = 0;
	test_subscribe(client, ES_AUTH(OPEN), -1);
	index = opener_start("probe");
	CHECK_EQUAL(test_wait(opener_pid[index]), 0);
	CHECK_EQUAL(shared->opener[index].error, EPERM);
	test_client_delete(client);
}

/* What the daemon has when it has done what there was to do. */
static void world_measure(void)
{
	struct things before;

	do {
		before = things_of(daemon_pid);
		test_sleep_ms(test_slow() > 3 ? 100 * test_slow() : 300);
		daemons = things_of(daemon_pid);
	} while (memcmp(&before, &daemons, sizeof(before)));
}

static void world_start(void)
{
	char deadline[16];

	snprintf(deadline, sizeof(deadline), "%u", DEADLINE_MS * (test_slow() > 4 ? 4 : 1));
	unlink(getenv("ENDPOINTSECURITY_SOCKET"));	/* of one that was killed */
	daemon_pid = test_daemon("--deadline-ms", deadline, NULL);
	observer = test_client(observer_allow, NULL);
	test_subscribe(observer, ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);
	case_new_client();		/* so that what comes once has come */
	world_measure();
}

static void case_left(struct fault *fault)
{
	if (fault->point->who == DAEMON && !fault->stop)
		expect_gone(fault->children, fault->child_count);
	else
		things_check("the daemon", daemon_pid, &daemons);
}

/* The daemon was killed: its observer is deleted, and all begins anew. */
static void case_new_world(void)
{
	int status = test_daemon_stop(SIGKILL);

	CHECK(WIFSIGNALED(status));
	test_client_delete(observer);
}

/* False: it took too long, or the point wasn't reached, as when a thread finds something to do before it waits. */
static bool case_once(const struct point *point, bool stop)
{
	struct fault fault = { .point = point, .stop = stop, .limit_ms = PROMPT_MS * test_slow() };

	if (stop && point->who == CLIENT)
		fault.limit_ms = DEADLINE_MS * (test_slow() > 4 ? 4 : 1) + SPARE_MS * test_slow();
	case_reset();
	if (!case_lead(&fault)) {
		fprintf(stderr, "%s: the point was not reached\n", point->name);
		kill(subject, SIGKILL);
		test_wait(subject);
		for (int i = 0; i < openers; i++)
			test_wait(opener_pid[i]);
		return false;
	}
	case_go_on(&fault);
	case_observer(&fault);
	case_end_subject(&fault);
	case_left(&fault);
	if (point->who == DAEMON && !stop) {
		case_new_world();
		world_start();
	}
	case_new_client();
	test_clear(observer);
	printf("%s %s: %d ms\n", point->name, stop ? "stopped" : "killed", fault.slowest_ms);
	return fault.slowest_ms >= 0 && fault.slowest_ms <= (int)fault.limit_ms;
}

static void case_run(const struct point *point, bool stop)
{
	bool in_time = false;

	for (int i = 0; i < TRIES && !in_time; i++)
		in_time = case_once(point, stop);
	if (!in_time) {
		fprintf(stderr, "%s %s: not reached, or who waited didn't go on in time\n", point->name,
			stop ? "stopped" : "killed");
		CHECK(!"each point is on the way, and who waits goes on in time");
	}
}

/* On an emulated machine a daemon takes half a minute to start, and all is slow: there what is about holding is run. */
static bool is_worth_it(const struct point *point, bool stop)
{
	if (test_slow() <= 4)
		return true;
	if (point->step < STEP_HOLD)
		return false;
	if (point->who == DAEMON)
		return stop && (!strcmp(point->name, "daemon-hold-timer") || !strcmp(point->name, "daemon-delete-closed"));
	return !stop || !strcmp(point->name, "client-hold-woken") || !strcmp(point->name, "client-answer-written") ||
	       !strcmp(point->name, "client-delete-told");
}

static bool is_there(const struct point *point)
{
	return point->sensor == BOTH || (point->sensor == LSM) == lsm;
}

/* Only the lsm sensor can hold these. */
static bool has_lsm(void)
{
	const es_event_type_t type = ES_AUTH(UNLINK);

	if (es_subscribe(observer->client, &type, 1) != ES_RETURN_SUCCESS)
		return false;
	CHECK_EQUAL(es_unsubscribe(observer->client, &type, 1), ES_RETURN_SUCCESS);
	return true;
}

int main(int count, char **arguments)
{
	const char *pattern = count > 1 ? arguments[1] : "*";
	int cases = 0;

	test_begin(300);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	test_write_file(test_at("held"), "", 0644);
	test_write_file(test_at("told"), "", 0644);
	test_write_file(test_at("probe"), "", 0644);
	world_start();
	lsm = has_lsm();
	for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
		for (int stop = 0; stop < 2; stop++) {
			if (!is_there(&points[i]) || (count < 2 && !is_worth_it(&points[i], stop)) ||
			    fnmatch(pattern, points[i].name, 0))
				continue;
			case_run(&points[i], stop);
			cases++;
		}
	}
	printf("%d cases\n", cases);
	CHECK(cases > 0);
	world_end();
	return test_end();
}
