/* SPDX-License-Identifier: MIT */
/* Written for macOS: waits in dispatch_main() until a signal handler queues the end. Mutes itself. */
#include <EndpointSecurity/EndpointSecurity.h>
#include <dispatch/dispatch.h>
#include <mach/mach.h>
#include <stdio.h>

static es_client_t *client;

static void shut_down(void *context)
{
	(void)context;
	es_unsubscribe_all(client);
	es_delete_client(client);
	printf("bye\n");
	exit(EXIT_SUCCESS);
}

static void on_signal(int number)
{
	(void)number;
	dispatch_async_f(dispatch_get_main_queue(), NULL, shut_down);
}

static bool mute_self(void)
{
	audit_token_t token;
	mach_msg_type_number_t count = TASK_AUDIT_TOKEN_COUNT;
	kern_return_t kr = task_info(mach_task_self(), TASK_AUDIT_TOKEN, (task_info_t)&token, &count);

	if (kr != KERN_SUCCESS) {
		fprintf(stderr, "task_info: %s\n", mach_error_string(kr));
		return false;
	}
	printf("I am %d\n", audit_token_to_pid(token));
	if (es_mute_process(client, &token) != ES_RETURN_SUCCESS)
		fprintf(stderr, "es_mute_process failed\n");
	return true;
}

int main(void)
{
	es_event_type_t events[] = { ES_EVENT_TYPE_NOTIFY_OPEN, ES_EVENT_TYPE_NOTIFY_CLOSE };

	setlinebuf(stdout);
	if (es_new_client(&client, ^(es_client_t *c, const es_message_t *message) {
		switch (message->event_type) {
		case ES_EVENT_TYPE_NOTIFY_OPEN:
			printf("open %s%s\n", message->event.open.file->path.data,
			       message->event.open.fflag & FWRITE ? " for writing" : "");
			break;
		case ES_EVENT_TYPE_NOTIFY_CLOSE:
			if (message->event.close.modified)
				printf("modified %s\n", message->event.close.target->path.data);
			break;
		default:
			break;
		}
	}) != ES_NEW_CLIENT_RESULT_SUCCESS)
		return EXIT_FAILURE;
	if (!mute_self())
		return EXIT_FAILURE;
	if (es_subscribe(client, events, 2) != ES_RETURN_SUCCESS)
		return EXIT_FAILURE;
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	printf("ready\n");
	dispatch_main();
}
