/* SPDX-License-Identifier: MIT */
/* Written for macOS: prints each program that starts. dispatch_main() is its main loop. */
#include <EndpointSecurity/EndpointSecurity.h>
#include <bsm/libbsm.h>
#include <dispatch/dispatch.h>
#include <stdio.h>

int main(void)
{
	es_event_type_t events[] = { ES_EVENT_TYPE_NOTIFY_EXEC };
	es_client_t *client = NULL;
	es_new_client_result_t result;

	setlinebuf(stdout);
	result = es_new_client(&client, ^(es_client_t *c, const es_message_t *message) {
		es_process_t *target = message->event.exec.target;
		pid_t pid = audit_token_to_pid(target->audit_token);

		dispatch_async(dispatch_get_main_queue(), ^{
			printf("exec %d\n", pid);
		});
		printf("%d runs %s\n", audit_token_to_pid(target->audit_token), target->executable->path.data);
	});
	if (result != ES_NEW_CLIENT_RESULT_SUCCESS) {
		fprintf(stderr, "es_new_client: %d\n", result);
		return 1;
	}
	if (es_subscribe(client, events, sizeof(events) / sizeof(events[0])) != ES_RETURN_SUCCESS) {
		fprintf(stderr, "es_subscribe failed\n");
		return 1;
	}
	printf("ready\n");
	dispatch_main();
}
