/* SPDX-License-Identifier: MIT */
/*
 * Shows how to answer questions: denies each exec of one program, and each open of one file for writing. Run as root.
 *
 * It protects nothing. Others can copy the program, and remove, replace or truncate the file by name without opening it.
 * protect.c shows how to protect a folder.
 *
 *	clang -fblocks deny.c -lEndpointSecurity -lBlocksRuntime -o deny
 *	./deny /usr/bin/program /etc/file
 */
#include <EndpointSecurity/EndpointSecurity.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer_exec(es_client_t *client, const es_message_t *message, const char *program)
{
	const char *path = message->event.exec.target->executable->path.data;
	bool deny = !strcmp(path, program);

	if (deny)
		printf("denied: pid %u may not execute %s\n", message->process->audit_token.val[5], path);
	es_respond_auth_result(client, message, deny ? ES_AUTH_RESULT_DENY : ES_AUTH_RESULT_ALLOW, false);
}

/* The answer to an open is a set of flags. The open goes on if all its flags are in the set. */
static void answer_open(es_client_t *client, const es_message_t *message, const char *file)
{
	const char *path = message->event.open.file->path.data;
	bool protect = !strcmp(path, file);

	if (protect && message->event.open.fflag & FWRITE)
		printf("denied: pid %u may not write to %s\n", message->process->audit_token.val[5], path);
	es_respond_flags_result(client, message, protect ? ~(uint32_t)FWRITE : UINT32_MAX, false);
}

int main(int argc, char **argv)
{
	const es_event_type_t events[] = { ES_EVENT_TYPE_AUTH_EXEC, ES_EVENT_TYPE_AUTH_OPEN };
	es_client_t *client;
	es_new_client_result_t result;
	sigset_t signals;
	int signal;

	if (argc != 3 || argv[1][0] != '/' || argv[2][0] != '/') {
		fprintf(stderr, "usage: deny /PROGRAM/NOT/TO/EXECUTE /FILE/NOT/TO/WRITE\n");
		return EXIT_FAILURE;
	}

	/* Block the signals before the client's thread starts, so that they wait for sigwait() below. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);

	result = es_new_client(&client, ^(es_client_t *c, const es_message_t *message) {
		if (message->event_type == ES_EVENT_TYPE_AUTH_EXEC)
			answer_exec(c, message, argv[1]);
		else if (message->event_type == ES_EVENT_TYPE_AUTH_OPEN)
			answer_open(c, message, argv[2]);
	});
	if (result != ES_NEW_CLIENT_RESULT_SUCCESS) {
		fprintf(stderr, "es_new_client failed: %d\n", result);
		return EXIT_FAILURE;
	}
	if (es_subscribe(client, events, sizeof(events) / sizeof(events[0])) != ES_RETURN_SUCCESS) {
		fprintf(stderr, "es_subscribe failed\n");
		return EXIT_FAILURE;
	}

	sigwait(&signals, &signal);
	es_delete_client(client);
	return EXIT_SUCCESS;
}
