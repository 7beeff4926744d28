/* SPDX-License-Identifier: MIT */

/*
 * Everything at once, at random, with exact accounts. Workers open and execute files that the daemon looks at.
 * Meanwhile threads here make clients, change their subscriptions and mutes, answer at once, late, twice and wrongly,
 * retain messages, synchronise, fork, and delete clients; and others' clients are stopped and killed. Then:
 *
 *	- each event came once to each client that had to get it, or is one of its counted losses (subject.h);
 *	- each operation was let go, once, and failed if and only if an answer to it was a denial that the library took;
 *	- nothing is left: descriptors, threads, processes, mounts, of this program and of the daemon.
 *
 *	stress [--seconds N] [--seed N]
 *
 * The seed decides each thread's choices. How threads come in each other's way no seed decides.
 */

#include <getopt.h>
#include <limits.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "es-test.h"
#include "subject.h"
#include "things.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define INSTRUMENTED true
#endif
#endif
#ifndef INSTRUMENTED
#define INSTRUMENTED false
#endif

enum {
	OPERATORS = 3,
	OWN_MAX = 2,			/* clients of one operator */
	TABLE = OPERATORS * OWN_MAX,
	RESPONDERS = 2,
	PENDING_MAX = 256,
	STALLED_S = 20,			/* an operation that takes longer is stuck */
	PARTY_US = 1000,		/* the longest pause of the workers */
};

static struct {
	unsigned int seconds, seed;
} options = { .seconds = 20 };

static struct ledger *ledger;
static atomic_bool stopping;		/* for operators and the killer */
static atomic_bool answered;		/* for responders: nothing more will be put off */
static atomic_uint subjects_made;

static struct {
	atomic_uint answers, denials, late, duplicates, wrong, let_go, syncs, changes, mutes, forks, killed, deletions;
} did;

/* ---- the clients that there are ---- */

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct subject *table[TABLE];
static struct balance total;

/*
 * A client's address may be another client's when it was deleted. So who makes one holds this for writing, and who
 * changes or deletes one holds it for reading, and sees first that it isn't deleted: it may be while he is at it.
 */
static pthread_rwlock_t addresses = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

static struct subject *subject_get(struct subject *subject)
{
	pthread_mutex_lock(&table_lock);
	subject->references++;
	pthread_mutex_unlock(&table_lock);
	return subject;
}

static struct subject *subject_any(unsigned int *seed)
{
	unsigned int start = (unsigned int)rand_r(seed) % TABLE;
	struct subject *subject = NULL;

	pthread_mutex_lock(&table_lock);
	for (unsigned int i = 0; i < TABLE && !subject; i++)
		subject = table[(start + i) % TABLE];
	if (subject)
		subject->references++;
	pthread_mutex_unlock(&table_lock);
	return subject;
}

/* Whoever is last balances its account. */
static void subject_put(struct subject *subject)
{
	struct balance balance = {};
	bool last;

	pthread_mutex_lock(&table_lock);
	last = --subject->references == 0;
	pthread_mutex_unlock(&table_lock);
	if (!last)
		return;
	subject_balance(subject, ledger, &balance);
	subject_free(subject);
	pthread_mutex_lock(&table_lock);
	total.delivered += balance.delivered;
	total.lost += balance.lost;
	total.must += balance.must;
	pthread_mutex_unlock(&table_lock);
}

static void subject_putp(struct subject **subject)
{
	if (*subject)
		subject_put(*subject);
}

#define _cleanup_subject_ _cleanup_(subject_putp)

static void table_set(unsigned int index, struct subject *subject)
{
	pthread_mutex_lock(&table_lock);
	table[index] = subject;
	pthread_mutex_unlock(&table_lock);
}

/* ---- changes of subscriptions and mutes, from any thread ---- */

/* `wait` is for threads that no other waits for: a handler isn't one. */
static bool addresses_hold(struct subject *subject, bool wait)
{
	if (wait)
		pthread_rwlock_rdlock(&addresses);
	else if (pthread_rwlock_tryrdlock(&addresses))
		return false;
	if (!atomic_load(&subject->deleted))
		return true;
	pthread_rwlock_unlock(&addresses);
	return false;
}

/* Returns whether the call did as it was asked; it may fail only because the client goes. */
static bool call_subscription(struct subject *subject, int type, bool on)
{
	es_return_t r = (on ? es_subscribe : es_unsubscribe)(subject->client, &subject_events[type], 1);

	did.changes++;
	CHECK(r == ES_RETURN_SUCCESS || atomic_load(&subject->deleting));
	return r == ES_RETURN_SUCCESS;
}

static void change_subscription(struct subject *subject, int type, bool on, bool wait)
{
	struct history *history = &subject->subscribed[type];

	if (!addresses_hold(subject, wait))
		return;
	if (history_begin(history, on, wait))
		history_end(history, on, call_subscription(subject, type, on));
	pthread_rwlock_unlock(&addresses);
}

/* By the client's owner only. */
static void unsubscribe_all(struct subject *subject)
{
	bool done;

	if (!addresses_hold(subject, true))
		return;
	subject_off_begin(subject);
	done = es_unsubscribe_all(subject->client) == ES_RETURN_SUCCESS;
	CHECK(done);
	subject_off_end(subject, done);
	pthread_rwlock_unlock(&addresses);
}

static void change_mute(struct subject *subject, unsigned int worker, bool on)
{
	struct history *history = &subject->muted[worker];
	char path[PATH_MAX + 16];
	es_return_t r;

	snprintf(path, sizeof(path), "%s/w%u/", test_mnt, worker);
	if (!addresses_hold(subject, true))
		return;
	if (history_begin(history, on, true)) {
		r = (on ? es_mute_path : es_unmute_path)(subject->client, path, ES_MUTE_PATH_TYPE_TARGET_PREFIX);
		did.mutes += r == ES_RETURN_SUCCESS;
		history_end(history, on, r == ES_RETURN_SUCCESS);
	}
	pthread_rwlock_unlock(&addresses);
}

/* ---- synchronisation ---- */

struct sync {
	struct subject *subject;
	uint64_t begin_ns;
	atomic_bool done;
	bool awaited;
};

/* What deletion calls says nothing: messages may have been in the ring still. */
static void sync_done(void *context)
{
	struct sync *sync = context;
	uint64_t before = atomic_load(&sync->subject->synced_ns);

	did.syncs++;
	while (!atomic_load(&sync->subject->deleting) && before < sync->begin_ns &&
	       !atomic_compare_exchange_weak(&sync->subject->synced_ns, &before, sync->begin_ns))
		;
	if (sync->awaited) {
		atomic_store(&sync->done, true);
		return;
	}
	subject_put(sync->subject);
	free(sync);
}

static void sync_any(struct subject *subject)
{
	struct sync *sync = calloc(1, sizeof(*sync));

	REQUIRE(sync != NULL);
	sync->subject = subject_get(subject);
	sync->begin_ns = test_now();
	if (es_sync_client_f(subject->client, sync_done, sync) == ES_RETURN_SUCCESS)
		return;
	CHECK(atomic_load(&subject->deleting));
	subject_put(subject);
	free(sync);
}

static void sync_wait(struct subject *subject)
{
	struct sync sync = { .subject = subject, .begin_ns = test_now(), .awaited = true };

	REQUIRE(es_sync_client_f(subject->client, sync_done, &sync) == ES_RETURN_SUCCESS);
	for (int ms = 0; !atomic_load(&sync.done); ms++) {
		test_sleep_ms(1);
		REQUIRE(ms < STALLED_S * 1000);
	}
}

/* ---- answers ---- */

struct pending {
	const es_message_t *message;
	struct subject *subject;
	struct op *op;
	char *path;			/* as it was when it came */
	uint64_t due_ns;
};

static pthread_mutex_t pending_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pending pending[PENDING_MAX];
static unsigned int pending_count;

static bool is_open(const es_message_t *message)
{
	return message->event_type == ES_AUTH(OPEN);
}

static const char *message_path(const es_message_t *message)
{
	return is_open(message) ? message->event.open.file->path.data :
				  message->event.exec.target->executable->path.data;
}

static es_respond_result_t respond(es_client_t *client, const es_message_t *message, bool deny)
{
	if (is_open(message))
		return es_respond_flags_result(client, message, deny ? 0 : UINT32_MAX, false);
	return es_respond_auth_result(client, message, deny ? ES_AUTH_RESULT_DENY : ES_AUTH_RESULT_ALLOW, false);
}

/* Has this been one subscription since the question was made? Then nothing but the answer may let it go. */
static bool still_asked(struct subject *subject, const es_message_t *message)
{
	uint64_t sure = atomic_load(&subject->subscribed[subject_type_of(message->event_type)].sure_ns);

	return sure && sure < message->mach_time;
}

/* Before the answer, so that whoever sees the operation's end sees this. */
static void note_unsure(struct subject *subject, const es_message_t *message, struct op *op)
{
	uint64_t sure = atomic_load(&subject->subscribed[subject_type_of(message->event_type)].sure_ns);

	if (!sure || sure >= op->begin_ns)
		__atomic_store_n(&op->unsure, 1, __ATOMIC_SEQ_CST);
}

static void note_answer(struct op *op, bool deny)
{
	did.answers++;
	did.denials += deny;
	if (op && deny)
		__atomic_add_fetch(&op->denies, 1, __ATOMIC_RELAXED);
	else if (op)
		__atomic_add_fetch(&op->allows, 1, __ATOMIC_RELAXED);
}

static void answer(struct subject *subject, es_client_t *client, const es_message_t *message, struct op *op, bool deny)
{
	es_respond_result_t result;
	bool asked;

	if (op && deny)
		note_unsure(subject, message, op);
	result = respond(client, message, deny);
	asked = still_asked(subject, message);
	if (result == ES_RESPOND_RESULT_SUCCESS) {
		note_answer(op, deny);
		return;
	}
	did.let_go++;
	if (asked)
		fprintf(stderr, "client %u: an answer to %s got %d\n", subject->number, message_path(message), result);
	CHECK(!asked);
}

/* Neither has any effect: else the operation's outcome would not be what was answered. */
static void answer_again(struct subject *subject, es_client_t *client, const es_message_t *message)
{
	es_respond_result_t result = respond(client, message, true);

	did.duplicates++;
	CHECK(result != ES_RESPOND_RESULT_SUCCESS);
	CHECK(result == ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE || !still_asked(subject, message));
}

static void answer_wrongly(es_client_t *client, const es_message_t *message, unsigned int *seed)
{
	es_message_t forged = *message;
	es_respond_result_t result;

	did.wrong++;
	if (rand_r(seed) % 2)
		result = is_open(message) ? es_respond_auth_result(client, message, ES_AUTH_RESULT_DENY, false) :
					    es_respond_flags_result(client, message, 0, false);
	else
		result = respond((es_client_t *)&forged, message, true);
	CHECK(result == ES_RESPOND_RESULT_ERR_EVENT_TYPE || result == ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
}

static void answer_as_another(struct subject *subject, const es_message_t *message, unsigned int *seed)
{
	_cleanup_subject_ struct subject *other = subject_any(seed);

	if (other && other != subject)
		CHECK(respond(other->client, message, true) != ES_RESPOND_RESULT_SUCCESS);
}

static bool put_off(struct subject *subject, const es_message_t *message, struct op *op)
{
	uint64_t longest = rand_r(&subject->seed) % 16 ? 5000000 : 300000000;
	struct pending one = { .message = message, .op = op };

	pthread_mutex_lock(&pending_lock);
	if (pending_count == PENDING_MAX || atomic_load(&stopping)) {
		pthread_mutex_unlock(&pending_lock);
		return false;
	}
	one.subject = subject_get(subject);
	one.path = strdup(message_path(message));
	one.due_ns = test_now() + (uint64_t)rand_r(&subject->seed) * longest / RAND_MAX;
	es_retain_message(message);
	pending[pending_count++] = one;
	pthread_mutex_unlock(&pending_lock);
	return true;
}

/* Any that is due, not the oldest. */
static bool take_due(unsigned int *seed, struct pending *ret)
{
	bool found = false;

	pthread_mutex_lock(&pending_lock);
	for (unsigned int tries = 0; pending_count && !found && tries < 8; tries++) {
		unsigned int i = (unsigned int)rand_r(seed) % pending_count;

		if (pending[i].due_ns > test_now() && !atomic_load(&stopping))
			continue;
		*ret = pending[i];
		pending[i] = pending[--pending_count];
		found = true;
	}
	pthread_mutex_unlock(&pending_lock);
	return found;
}

static void *responder(void *context)
{
	unsigned int seed = options.seed * 100 + 50 + (unsigned int)(uintptr_t)context;
	struct pending one;

	while (!atomic_load(&answered)) {
		if (!take_due(&seed, &one)) {
			usleep(500);
			continue;
		}
		did.late++;
		if (rand_r(&seed) % 8 == 0)
			answer_wrongly(one.subject->client, one.message, &seed);
		if (rand_r(&seed) % 8 == 0)
			answer_as_another(one.subject, one.message, &seed);
		answer(one.subject, one.subject->client, one.message, one.op, rand_r(&seed) % 8 == 0);
		if (rand_r(&seed) % 4 == 0)
			answer_again(one.subject, one.subject->client, one.message);
		CHECK_STRING(message_path(one.message), one.path);
		es_release_message(one.message);
		free(one.path);
		subject_put(one.subject);
	}
	return NULL;
}

/* ---- the handler ---- */

static void decide(struct subject *subject, es_client_t *client, const es_message_t *message, struct op *op)
{
	unsigned int *seed = &subject->seed;

	if (rand_r(seed) % 16 == 0)
		answer_wrongly(client, message, seed);
	if (rand_r(seed) % 4 == 0 && put_off(subject, message, op))
		return;
	answer(subject, client, message, op, op && rand_r(seed) % 8 == 0);
	if (rand_r(seed) % 16 == 0)
		answer_again(subject, client, message);
}

/* What was denied says so, and nothing else does. */
static void look_at_result(const es_message_t *message, const struct op *op)
{
	uint64_t end = __atomic_load_n(&op->end_ns, __ATOMIC_SEQ_CST);
	bool denied;

	if (message->event_type == ES_NOTIFY(RENAME) || !end)
		return;
	if (message->event_type == ES_NOTIFY(OPEN))
		denied = message->action.notify.result.flags == 0;
	else
		denied = message->action.notify.result.auth == ES_AUTH_RESULT_DENY;
	CHECK_EQUAL(denied, op->error == EPERM);
}

static void handle(es_client_t *client, const es_message_t *message, void *context)
{
	struct subject *subject = context;
	unsigned int *seed = &subject->seed;
	struct op *op;

	CHECK(!atomic_exchange(&subject->handling, true));
	CHECK(!atomic_load(&subject->deleted));
	op = subject_receive(subject, message, ledger);
	if (message->action_type == ES_ACTION_TYPE_AUTH)
		decide(subject, client, message, op);
	else if (op)
		look_at_result(message, op);
	if (rand_r(seed) % 512 == 0)
		usleep((useconds_t)rand_r(seed) % 50000);
	if (rand_r(seed) % 128 == 0)
		change_subscription(subject, rand_r(seed) % SUBJECT_TYPES, rand_r(seed) % 2, false);
	if (rand_r(seed) % 256 == 0)
		CHECK_EQUAL(es_delete_client(client), ES_RETURN_ERROR);
	atomic_store(&subject->handling, false);
}

/* ---- operators ---- */

struct operator {
	pthread_t thread;
	unsigned int number, seed;
	unsigned int own;		/* clients */
};

static void act_create(struct operator *o)
{
	unsigned int index = o->number * OWN_MAX + o->own;
	struct subject *subject;

	if (o->own == OWN_MAX)
		return;
	subject = subject_new(++subjects_made, (unsigned int)rand_r(&o->seed), ledger);
	pthread_rwlock_wrlock(&addresses);
	CHECK_EQUAL(es_new_client_f(&subject->client, handle, subject), ES_NEW_CLIENT_RESULT_SUCCESS);
	pthread_rwlock_unlock(&addresses);
	table_set(index, subject);
	o->own++;
}

static void act_delete(struct operator *o)
{
	struct subject *subject;
	unsigned int index;

	if (!o->own)
		return;
	index = o->number * OWN_MAX + --o->own;
	subject = table[index];
	if (rand_r(&o->seed) % 4)
		sync_wait(subject);
	table_set(index, NULL);
	subject_delete_begin(subject);
	pthread_rwlock_rdlock(&addresses);
	CHECK_EQUAL(es_delete_client(subject->client), ES_RETURN_SUCCESS);
	pthread_rwlock_unlock(&addresses);
	CHECK(!atomic_load(&subject->handling));
	subject_delete_end(subject);
	subject_put(subject);
	did.deletions++;
}

static void act_subscribe(struct operator *o, struct subject *subject)
{
	change_subscription(subject, rand_r(&o->seed) % SUBJECT_TYPES, rand_r(&o->seed) % 3, true);
}

static void act_unsubscribe_all(struct operator *o, struct subject *subject)
{
	(void)subject;
	if (o->own && rand_r(&o->seed) % 4 == 0)
		unsubscribe_all(table[o->number * OWN_MAX]);
}

static void act_mute(struct operator *o, struct subject *subject)
{
	change_mute(subject, (unsigned int)rand_r(&o->seed) % WORKERS, rand_r(&o->seed) % 2);
}

static void act_sync(struct operator *o, struct subject *subject)
{
	(void)o;
	sync_any(subject);
}

static void act_list(struct operator *o, struct subject *subject)
{
	es_event_type_t *list = NULL;
	size_t count = 0;

	(void)o;
	if (es_subscriptions(subject->client, &count, &list) != ES_RETURN_SUCCESS) {
		CHECK(atomic_load(&subject->deleting));
		return;
	}
	CHECK(count <= SUBJECT_TYPES);
	free(list);
}

static void act_delete_another(struct operator *o, struct subject *subject)
{
	bool own = false;

	for (unsigned int i = 0; i < OWN_MAX; i++)
		own |= table[o->number * OWN_MAX + i] == subject;
	if (own || !addresses_hold(subject, true))
		return;
	CHECK_EQUAL(es_delete_client(subject->client), ES_RETURN_ERROR);
	pthread_rwlock_unlock(&addresses);
}

static void ignore(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
}

/* Instrumented programs can neither allocate nor start threads safely in the child of a fork. */
static int child_own_client(void)
{
	es_client_t *client;

	if (INSTRUMENTED)
		return 0;
	if (es_new_client_f(&client, ignore, NULL) != ES_NEW_CLIENT_RESULT_SUCCESS)
		return 5;
	if (es_subscribe(client, &subject_events[TYPE_NOTIFY_OPEN], 1) != ES_RETURN_SUCCESS)
		return 6;
	return es_delete_client(client) == ES_RETURN_SUCCESS ? 0 : 7;
}

static int child(struct subject *subject)
{
	es_event_type_t *list;
	size_t count;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (es_subscribe(subject->client, subject_events, 1) != ES_RETURN_ERROR)
		return 2;
	if (es_subscriptions(subject->client, &count, &list) != ES_RETURN_ERROR)
		return 3;
	if (es_delete_client(subject->client) != ES_RETURN_ERROR)
		return 4;
	return child_own_client();
}

static void act_fork(struct operator *o, struct subject *subject)
{
	int status = 0;
	pid_t pid;

	if (rand_r(&o->seed) % 4)
		return;
	pid = fork();
	if (pid == 0)
		_exit(child(subject));
	REQUIRE(pid > 0);
	for (int ms = 0; waitpid(pid, &status, WNOHANG) == 0; ms++) {
		test_sleep_ms(1);
		if (ms == STALLED_S * 1000)
			kill(pid, SIGKILL);
	}
	CHECK_EQUAL(status, 0);
	did.forks++;
}

static void act_on_any(struct operator *o)
{
	static void (*const acts[])(struct operator *o, struct subject *subject) = {
		act_subscribe, act_subscribe, act_subscribe, act_subscribe, act_subscribe, act_unsubscribe_all,
		act_mute, act_sync, act_list, act_delete_another, act_fork,
	};
	_cleanup_subject_ struct subject *subject = subject_any(&o->seed);

	if (subject)
		acts[(size_t)rand_r(&o->seed) % ARRAY_SIZE(acts)](o, subject);
}

static void *operator(void *context)
{
	struct operator *o = context;

	while (!atomic_load(&stopping)) {
		if (rand_r(&o->seed) % 30 == 0)
			act_create(o);
		else if (rand_r(&o->seed) % 50 == 0)
			act_delete(o);
		else
			act_on_any(o);
		usleep((useconds_t)rand_r(&o->seed) % 10000);
	}
	while (o->own)
		act_delete(o);
	return NULL;
}

/* ---- others' clients ---- */

static pid_t spawn(const char *program, const char *first, unsigned int second, int ledger_fd)
{
	char number[16], *arguments[] = { (char *)program, (char *)first, number, NULL };
	posix_spawn_file_actions_t actions;
	extern char **environ;
	pid_t pid;

	snprintf(number, sizeof(number), "%u", second);
	posix_spawn_file_actions_init(&actions);
	if (ledger_fd >= 0) {
		posix_spawn_file_actions_adddup2(&actions, ledger_fd, 3);
		posix_spawn_file_actions_addchdir_np(&actions, test_mnt);
	}
	REQUIRE(posix_spawn(&pid, program, &actions, NULL, arguments, environ) == 0);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static void *killer(void *context)
{
	const char *program = test_built("tests/stress/victim");
	unsigned int seed = options.seed * 100 + 90;
	int status;

	(void)context;
	while (!atomic_load(&stopping)) {
		char text[16];
		pid_t pid;

		snprintf(text, sizeof(text), "%d", rand_r(&seed));
		pid = spawn(program, text, 0, -1);
		usleep((useconds_t)rand_r(&seed) % (rand_r(&seed) % 2 ? 600000 : 30000));
		if (rand_r(&seed) % 2) {
			kill(pid, SIGSTOP);
			usleep((useconds_t)rand_r(&seed) % 200000);
			if (rand_r(&seed) % 2)
				kill(pid, SIGCONT);
		}
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, &status, 0) == pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		did.killed++;
	}
	return NULL;
}

/* ---- workers ---- */

static pid_t workers[WORKERS];

static void worker_start(unsigned int number, int ledger_fd)
{
	char text[16], tiny[16];

	snprintf(text, sizeof(text), "%u", number);
	REQUIRE(mkdir(test_at("w%u", number), 0755) == 0 && mkdir(test_at("x%u", number), 0755) == 0);
	test_write_file(test_at("w%u/0", number), "something", 0644);
	snprintf(tiny, sizeof(tiny), "x%u/1", number);
	test_tiny(tiny);
	workers[number] = spawn(test_built("tests/stress/worker"), text, options.seed + number, ledger_fd);
}

static bool worker_stalled(unsigned int number)
{
	uint32_t count = __atomic_load_n(&ledger->count[number], __ATOMIC_SEQ_CST);
	const struct op *op = &ledger->ops[number][count ? count - 1 : 0];
	uint64_t begin = count ? __atomic_load_n(&op->begin_ns, __ATOMIC_SEQ_CST) : 0;

	return begin && !__atomic_load_n(&op->end_ns, __ATOMIC_SEQ_CST) &&
	       test_now() - begin > STALLED_S * 1000000000ull;
}

static bool any_stalled(void)
{
	for (unsigned int number = 0; number < WORKERS; number++) {
		if (!worker_stalled(number))
			continue;
		fprintf(stderr, "operation %u.%u has not been let go\n", number, ledger->count[number] - 1);
		CHECK(!"each operation is let go");
		return true;
	}
	return false;
}

static void workers_stop(void)
{
	__atomic_store_n(&ledger->stop, 1, __ATOMIC_SEQ_CST);
	for (unsigned int number = 0; number < WORKERS; number++) {
		int status = 0;

		for (int ms = 0; waitpid(workers[number], &status, WNOHANG) == 0; ms++) {
			test_sleep_ms(1);
			if (ms == STALLED_S * 1000)
				kill(workers[number], SIGKILL);
		}
		CHECK_EQUAL(status, 0);
	}
}

/* Each failed if, and only if, somebody's denial was taken. */
static uint64_t verdicts_check(void)
{
	uint64_t count = 0;
	bool right = true;

	for (unsigned int number = 0; number < WORKERS; number++) {
		for (uint32_t i = 2; i < ledger->count[number]; i++, count++) {
			const struct op *op = &ledger->ops[number][i];

			if (op->end_ns && (op->error == (op->denies ? EPERM : 0)))
				continue;
			fprintf(stderr, "operation %u.%u (%s): error %u, with %u denials and %u permissions\n", number,
				i, op->kind == OP_OPEN ? "open" : "exec", op->error, op->denies, op->allows);
			right = false;
		}
	}
	CHECK(right);
	return count;
}

/* ---- together ---- */

static void watch(void)
{
	uint64_t end = test_now() + options.seconds * 1000000000ull;

	while (test_now() < end && !any_stalled())
		test_sleep_ms(200);
}

static void run_threads(void)
{
	struct operator operators[OPERATORS] = {};
	pthread_t responders[RESPONDERS], kills;

	for (unsigned int i = 0; i < RESPONDERS; i++)
		REQUIRE(pthread_create(&responders[i], NULL, responder, (void *)(uintptr_t)i) == 0);
	for (unsigned int i = 0; i < OPERATORS; i++) {
		operators[i].number = i;
		operators[i].seed = options.seed * 100 + i;
		REQUIRE(pthread_create(&operators[i].thread, NULL, operator, &operators[i]) == 0);
	}
	REQUIRE(pthread_create(&kills, NULL, killer, NULL) == 0);
	watch();
	atomic_store(&stopping, true);
	pthread_join(kills, NULL);
	for (unsigned int i = 0; i < OPERATORS; i++)
		pthread_join(operators[i].thread, NULL);
	for (int ms = 0; __atomic_load_n(&pending_count, __ATOMIC_RELAXED) && ms < STALLED_S * 1000; ms++)
		test_sleep_ms(1);
	atomic_store(&answered, true);
	for (unsigned int i = 0; i < RESPONDERS; i++)
		pthread_join(responders[i], NULL);
	CHECK_EQUAL(pending_count, 0);
}

static int ledger_new(void)
{
	int fd = memfd_create("ledger", MFD_CLOEXEC);

	REQUIRE(fd >= 0 && ftruncate(fd, sizeof(*ledger)) == 0);
	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(ledger != MAP_FAILED);
	ledger->pause_us = PARTY_US;
	return fd;
}

static void report(uint64_t ops, size_t daemon_kib)
{
	printf("%llu operations; %u clients; %llu messages delivered of %llu that had to come, %llu lost and counted\n",
	       (unsigned long long)ops, subjects_made, (unsigned long long)total.delivered,
	       (unsigned long long)total.must, (unsigned long long)total.lost);
	printf("%u answers, %u of them denials, %u late, %u twice, %u wrong, %u too late for what was let go; "
	       "%u subscriptions changed, %u mutes, %u syncs, %u forks, %u clients killed\n", did.answers, did.denials,
	       did.late, did.duplicates, did.wrong, did.let_go, did.changes, did.mutes, did.syncs, did.forks,
	       did.killed);
	printf("the daemon's data: %zu KiB more\n", daemon_kib);
}

/* One client, once: what is allocated or started with the first is no leak. */
static void warm_up(void)
{
	es_client_t *client;

	REQUIRE(system(test_built("tools/esctl capabilities >/dev/null")) == 0);	/* loads all kernel programs */
	REQUIRE(es_new_client_f(&client, ignore, NULL) == ES_NEW_CLIENT_RESULT_SUCCESS);
	CHECK_EQUAL(es_subscribe(client, subject_events, SUBJECT_TYPES), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_delete_client(client), ES_RETURN_SUCCESS);
}

static void stress(void)
{
	pid_t daemon = test_daemon("--deadline-ms", "60000", "--ring-size", "65536", NULL);
	int fd = ledger_new();
	struct things own, daemons;
	size_t kib;
	uint64_t ops;

	warm_up();
	own = things_settled(getpid());
	daemons = things_settled(daemon);
	kib = things_memory_kib(daemon);
	for (unsigned int number = 0; number < WORKERS; number++)
		worker_start(number, fd);
	run_threads();
	workers_stop();
	ops = verdicts_check();
	things_check("this program", getpid(), &own);
	things_check("the daemon", daemon, &daemons);
	kib = things_memory_kib(daemon) - kib;
	CHECK(INSTRUMENTED || kib < 8192);
	report(ops, kib);
	/* It was no test if next to nothing happened. */
	CHECK(ops > 100 * options.seconds && total.must > 0 && did.denials > 0 && did.late > 0 && did.forks > 0);
	munmap(ledger, sizeof(*ledger));
	close(fd);
}

int main(int count, char **arguments)
{
	static const struct option names[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'r' },
		{},
	};
	int name;

	options.seed = (unsigned int)(test_now() / 1000 % 1000000);
	while ((name = getopt_long(count, arguments, "", names, NULL)) != -1) {
		if (name == '?')
			return 2;
		*(name == 's' ? &options.seconds : &options.seed) = (unsigned int)strtoul(optarg, NULL, 10);
	}
	printf("--seconds %u --seed %u\n", options.seconds, options.seed);
	test_begin(options.seconds + 120);
	stress();
	return test_end();
}
