/* SPDX-License-Identifier: MIT */
/*
 * Prints what starts on this machine, in a language without blocks. Run as root.
 *
 *	gcc notify-gcc.c -lEndpointSecurity -o notify-gcc
 */
#include <EndpointSecurity/ESLinux.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void handle_message(es_client_t *client, const es_message_t *message, void *context)
{
	const es_process_t *target = message->event.exec.target;
	FILE *out = context;

	(void)client;
	fprintf(out, "%u %s:", target->audit_token.val[5], target->executable->path.data);
	for (uint32_t i = 0; i < es_exec_arg_count(&message->event.exec); i++)
		fprintf(out, " %s", es_exec_arg(&message->event.exec, i).data);
	fputc('\n', out);
}

int main(void)
{
	const es_event_type_t events[] = { ES_EVENT_TYPE_NOTIFY_EXEC };
	es_client_t *client;
	es_new_client_result_t result;
	sigset_t signals;
	int signal;

	/* Block the signals before the client's thread starts, so that they wait for sigwait() below. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);

	result = es_new_client_f(&client, handle_message, stdout);
	if (result != ES_NEW_CLIENT_RESULT_SUCCESS) {
		fprintf(stderr, "es_new_client_f failed: %s\n", es_linux_new_client_result_name(result));
		return EXIT_FAILURE;
	}
	if (es_subscribe(client, events, 1) != ES_RETURN_SUCCESS) {
		fprintf(stderr, "es_subscribe failed\n");
		return EXIT_FAILURE;
	}

	sigwait(&signals, &signal);
	es_delete_client(client);
	return EXIT_SUCCESS;
}
