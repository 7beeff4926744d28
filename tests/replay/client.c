/* SPDX-License-Identifier: MIT */

/*
 * A client for replays: what its arguments say, then it waits for SIGTERM, and prints what came.
 *
 *	client count			counts NOTIFY_OPEN; order and numbers have to be without a gap
 *	client mute PATH		the same, with this target muted
 *	client late			AUTH_OPEN: answers each from another thread, 30 ms later
 *	client hang			AUTH_OPEN: never answers
 *	client twice			two clients, AUTH_OPEN: the second denies what the first allows
 *	client exit			AUTH_OPEN: ends in the handler, at the second message, with 5
 *	client stop			AUTH_OPEN: stops itself there
 *	client delete			AUTH_OPEN: deletes itself after the second message, which it has not answered
 *	client again			the same, and then makes another one, which answers
 *	client quiet			AUTH_OPEN: unsubscribes after the second message, which it has not answered
 */

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>

static const char *mode;
static atomic_ulong messages, asked, disorder;
static uint64_t next_number;

static void count(es_client_t *client, const es_message_t *message, void *context)
{
	(void)context;
	if (message->global_seq_num != next_number)
		disorder++;
	next_number = message->global_seq_num + 1;
	(void)client;
	messages++;
}

static void answer(es_client_t *client, const es_message_t *message, bool allow)
{
	if (message->event_type == ES_EVENT_TYPE_AUTH_OPEN)
		es_respond_flags_result(client, message, allow ? UINT32_MAX : 0, false);
	else
		es_respond_auth_result(client, message, allow ? ES_AUTH_RESULT_ALLOW : ES_AUTH_RESULT_DENY, false);
}

struct late {
	es_client_t *client;
	es_message_t *message;
};

static void *answer_late(void *context)
{
	struct late late = *(struct late *)context;
	const struct timespec pause = { .tv_nsec = 30000000 };

	free(context);
	nanosleep(&pause, NULL);
	answer(late.client, late.message, true);
	es_free_message(late.message);
	return NULL;
}

static void keep(es_client_t *client, const es_message_t *message)
{
	struct late *late = malloc(sizeof(*late));
	pthread_t thread;

	if (!late)
		abort();
	*late = (struct late){ client, es_copy_message(message) };
	if (pthread_create(&thread, NULL, answer_late, late) == 0)
		pthread_detach(thread);
}

/* At the second message. Whether it is left without an answer. */
static bool leave(void)
{
	if (asked != 2)
		return false;
	if (!strcmp(mode, "exit"))
		_exit(5);
	if (!strcmp(mode, "stop"))
		raise(SIGSTOP);
	return !strcmp(mode, "delete") || !strcmp(mode, "again") || !strcmp(mode, "quiet");
}

static void ask(es_client_t *client, const es_message_t *message, void *context)
{
	messages++;
	if (message->action_type != ES_ACTION_TYPE_AUTH)
		return;
	asked++;
	if (!strcmp(mode, "hang") || leave())
		return;
	if (!strcmp(mode, "late"))
		keep(client, message);
	else
		answer(client, message, !context);
}

static es_client_t *make(es_handler_function_t handler, void *context, es_event_type_t event)
{
	es_client_t *client;
	es_new_client_result_t result = es_new_client_f(&client, handler, context);

	if (result != ES_NEW_CLIENT_RESULT_SUCCESS) {
		printf("no client: %d\n", (int)result);
		exit(1);
	}
	if (es_subscribe(client, &event, 1) != ES_RETURN_SUCCESS) {
		printf("no subscription\n");
		exit(1);
	}
	return client;
}

static void after_second(es_client_t **client)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	while (asked < 2)
		nanosleep(&pause, NULL);
	if (!strcmp(mode, "quiet")) {
		es_unsubscribe_all(*client);
		return;
	}
	es_delete_client(*client);
	*client = !strcmp(mode, "again") ? make(ask, NULL, ES_EVENT_TYPE_AUTH_OPEN) : NULL;
}

int main(int argc, char **argv)
{
	es_client_t *first, *second = NULL;
	sigset_t signals;
	int number;

	if (argc < 2)
		return 2;
	mode = argv[1];
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (!strcmp(mode, "count") || !strcmp(mode, "mute"))
		first = make(count, NULL, ES_EVENT_TYPE_NOTIFY_OPEN);
	else
		first = make(ask, NULL, ES_EVENT_TYPE_AUTH_OPEN);
	if (!strcmp(mode, "twice"))
		second = make(ask, &second, ES_EVENT_TYPE_AUTH_OPEN);
	if (argc > 2 && es_mute_path(first, argv[2], ES_MUTE_PATH_TYPE_TARGET_LITERAL) != ES_RETURN_SUCCESS)
		return 1;
	if (!strcmp(mode, "delete") || !strcmp(mode, "again") || !strcmp(mode, "quiet"))
		after_second(&first);
	sigwait(&signals, &number);
	if (first)
		es_delete_client(first);
	if (second)
		es_delete_client(second);
	printf("messages %lu asked %lu disorder %lu\n", messages, asked, disorder);
	return 0;
}
