/* SPDX-License-Identifier: MIT */
/*
 * Written for macOS: answers questions on a concurrent queue. The handler retains each message; a worker answers and
 * releases it. It denies opens of "secret" for writing.
 */
#include <EndpointSecurity/EndpointSecurity.h>
#include <bsm/libbsm.h>
#include <dispatch/dispatch.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_int waiting;

static bool is_secret(const es_file_t *file)
{
	const char *name = strrchr(file->path.data, '/');

	return name != NULL && strcmp(name + 1, "secret") == 0;
}

static void decide(es_client_t *client, const es_message_t *message)
{
	uint32_t flags = UINT32_MAX;
	es_respond_result_t result;

	if (is_secret(message->event.open.file) && (message->event.open.fflag & FWRITE)) {
		printf("denied to %d: %s\n", audit_token_to_pid(message->process->audit_token),
		       message->event.open.file->path.data);
		flags = 0;
	}
	result = es_respond_flags_result(client, message, flags, false);
	if (result != ES_RESPOND_RESULT_SUCCESS)
		fprintf(stderr, "es_respond_flags_result: %d\n", result);
}

int main(void)
{
	dispatch_queue_attr_t attr = dispatch_queue_attr_make_with_qos_class(DISPATCH_QUEUE_CONCURRENT,
									     QOS_CLASS_USER_INITIATED, 0);
	dispatch_queue_t queue = dispatch_queue_create("org.example.decisions", attr);
	es_event_type_t events[] = { ES_EVENT_TYPE_AUTH_OPEN };
	static dispatch_source_t term;
	es_client_t *client = NULL;

	setlinebuf(stdout);
	if (es_new_client(&client, ^(es_client_t *c, const es_message_t *message) {
		es_retain_message(message);
		atomic_fetch_add(&waiting, 1);
		dispatch_async(queue, ^{
			decide(c, message);
			es_release_message(message);
			atomic_fetch_sub(&waiting, 1);
		});
	}) != ES_NEW_CLIENT_RESULT_SUCCESS)
		return 1;
	if (es_subscribe(client, events, 1) != ES_RETURN_SUCCESS) {
		es_delete_client(client);
		return 2;
	}

	signal(SIGTERM, SIG_IGN);
	term = dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL, SIGTERM, 0, dispatch_get_main_queue());
	dispatch_source_set_event_handler(term, ^{
		es_unsubscribe_all(client);
		dispatch_barrier_sync(queue, ^{
			printf("%d waiting\n", atomic_load(&waiting));
		});
		es_delete_client(client);
		dispatch_release(queue);
		exit(0);
	});
	dispatch_resume(term);
	printf("ready\n");
	dispatch_main();
}
