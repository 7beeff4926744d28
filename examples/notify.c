/* SPDX-License-Identifier: MIT */
/*
 * Prints what starts, forks and ends on this machine. Run as root.
 *
 *	clang -fblocks notify.c -lEndpointSecurity -lBlocksRuntime -o notify
 */
#include <EndpointSecurity/EndpointSecurity.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static int pid_of(const es_process_t *process)
{
	return process->audit_token.val[5];
}

static void print_exec(const es_event_exec_t *exec)
{
	printf("exec  %6d %s:", pid_of(exec->target), exec->target->executable->path.data);
	for (uint32_t i = 0; i < es_exec_arg_count(exec); i++)
		printf(" %s", es_exec_arg(exec, i).data);
	putchar('\n');
}

static void print_exit(const es_process_t *process, int status)
{
	if (WIFSIGNALED(status))
		printf("exit  %6d %s: killed by signal %d\n", pid_of(process), process->executable->path.data,
		       WTERMSIG(status));
	else
		printf("exit  %6d %s: %d\n", pid_of(process), process->executable->path.data, WEXITSTATUS(status));
}

int main(void)
{
	const es_event_type_t events[] = {
		ES_EVENT_TYPE_NOTIFY_EXEC,
		ES_EVENT_TYPE_NOTIFY_FORK,
		ES_EVENT_TYPE_NOTIFY_EXIT,
	};
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

	result = es_new_client(&client, ^(es_client_t *c, const es_message_t *message) {
		(void)c;
		if (message->event_type == ES_EVENT_TYPE_NOTIFY_EXEC)
			print_exec(&message->event.exec);
		else if (message->event_type == ES_EVENT_TYPE_NOTIFY_FORK)
			printf("fork  %6d %s: child %d\n", pid_of(message->process),
			       message->process->executable->path.data, pid_of(message->event.fork.child));
		else if (message->event_type == ES_EVENT_TYPE_NOTIFY_EXIT)
			print_exit(message->process, message->event.exit.stat);
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
