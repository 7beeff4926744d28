/* SPDX-License-Identifier: MIT */
#include "attack.h"

#include <setjmp.h>
#include <time.h>

static struct attack attack_only = { .judge = attack_by_name };

enum { HELD_MAX = 8192 };

static const es_message_t *held[HELD_MAX];
static unsigned int held_count;
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;

static bool name_begins(const es_file_t *file, const char *text)
{
	const char *name = file ? strrchr(file->path.data, '/') : NULL;

	return name && !strncmp(name + 1, text, strlen(text));
}

enum judged attack_by_name(const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	if (name_begins(file, "denied"))
		return JUDGED_DENY;
	return name_begins(file, "held") ? JUDGED_HOLD : JUDGED_ALLOW;
}

static void respond(const es_message_t *message, enum judged judged)
{
	es_respond_result_t r;

	if (message->event_type == ES_AUTH(OPEN))
		r = es_respond_flags_result(attack_only.client->client, message, judged == JUDGED_ALLOW ? UINT32_MAX : 0,
					    false);
	else
		r = es_respond_auth_result(attack_only.client->client, message,
					   judged == JUDGED_ALLOW ? ES_AUTH_RESULT_ALLOW : ES_AUTH_RESULT_DENY, false);
	if (r != ES_RESPOND_RESULT_SUCCESS)
		__atomic_add_fetch(&attack_only.late, 1, __ATOMIC_RELAXED);
}

static void answer(struct test_client *client, const es_message_t *message)
{
	enum judged judged = attack_only.judge(message);
	unsigned int *count = judged == JUDGED_ALLOW ? attack_only.allowed : attack_only.asked;

	(void)client;
	__atomic_add_fetch(&count[message->event_type], 1, __ATOMIC_RELEASE);
	if (judged != JUDGED_HOLD) {
		respond(message, judged);
		return;
	}
	pthread_mutex_lock(&held_lock);
	if (held_count < HELD_MAX) {
		es_retain_message(message);
		held[held_count++] = message;
	}
	pthread_mutex_unlock(&held_lock);
}

struct attack *attack_client(attack_judge_f *judge)
{
	if (judge)
		attack_only.judge = judge;
	attack_only.client = test_client(answer, NULL);
	attack_only.client->counting = true;
	return &attack_only;
}

void attack_needs_lsm(struct attack *attack)
{
	test_hold(attack->client, ES_AUTH(UNLINK), -1);
	REQUIRE(es_unsubscribe_all(attack->client->client) == ES_RETURN_SUCCESS);
}

struct attack *attack_begin(unsigned int seconds, attack_judge_f *judge)
{
	struct attack *attack;

	test_begin(seconds);
	test_daemon(NULL);
	attack = attack_client(judge);
	attack_needs_lsm(attack);
	return attack;
}

void attack_await_held(struct attack *attack, unsigned int count)
{
	uint64_t limit = test_now() + 20000000000ull * test_slow();

	(void)attack;
	while (__atomic_load_n(&held_count, __ATOMIC_ACQUIRE) < count) {
		REQUIRE(test_now() < limit);
		test_sleep_ms(1);
	}
}

void attack_release(struct attack *attack, enum judged judged)
{
	(void)attack;
	pthread_mutex_lock(&held_lock);
	for (unsigned int i = 0; i < held_count; i++) {
		respond(held[i], judged);
		es_release_message(held[i]);
	}
	held_count = 0;
	pthread_mutex_unlock(&held_lock);
}

int attack_result(long value)
{
	return value < 0 ? errno : 0;
}

int attack_status(test_child_f *attacker, void *context)
{
	int status = test_run(attacker, context);

	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

bool attack_has_content(const char *path, const char *text)
{
	char content[4096] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, content, sizeof(content) - 1);

	close(fd);
	return n >= 0 && !strcmp(content, text);
}

/* ---- jumping out of a call ---- */

static __thread sigjmp_buf way_out;

static void jump(int signal)
{
	(void)signal;
	siglongjmp(way_out, 1);
}

int attack_jump_out(void (*call)(void *context), void *context, unsigned int ms)
{
	const struct sigaction action = { .sa_handler = jump, .sa_flags = SA_NODEFER };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	const struct itimerspec when = { .it_value = { ms / 1000, (ms % 1000) * 1000000l } };
	timer_t timer;
	int left;

	sigaction(SIGUSR1, &action, NULL);
	event._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
		return 0;
	left = sigsetjmp(way_out, 1);
	if (!left) {
		timer_settime(timer, 0, &when, NULL);
		call(context);
	}
	timer_delete(timer);
	return left;
}
