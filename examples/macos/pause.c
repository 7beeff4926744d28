/* SPDX-License-Identifier: MIT */
/* Written for macOS: without a queue. The library calls the handler on its own thread while main() waits in pause(). */
#include <EndpointSecurity/EndpointSecurity.h>
#include <stdio.h>

static volatile sig_atomic_t done;

static void stop(int number)
{
	done = number;
}

int main(int argc, const char *argv[])
{
	char name[PATH_MAX];
	es_client_t *client;
	es_event_type_t events[] = { ES_EVENT_TYPE_NOTIFY_UNLINK, ES_EVENT_TYPE_NOTIFY_RENAME };
	struct sigaction action = { .sa_handler = stop };

	(void)argc;
	setlinebuf(stdout);
	strlcpy(name, argv[0], sizeof(name));
	es_new_client_result_t result = es_new_client(&client, ^(es_client_t *c, const es_message_t *msg) {
		pid_t pid = audit_token_to_pid(msg->process->audit_token);
		struct stat st;

		if (msg->event_type == ES_EVENT_TYPE_NOTIFY_UNLINK) {
			st = msg->event.unlink.target->stat;
			printf("%d: unlink %s (%lld bytes, thread %llu)\n", pid, msg->event.unlink.target->path.data,
			       (long long)st.st_size, (unsigned long long)msg->thread->thread_id);
		} else if (msg->event.rename.destination_type == ES_DESTINATION_TYPE_EXISTING_FILE) {
			printf("%d: rename %s over %s\n", pid, msg->event.rename.source->path.data,
			       msg->event.rename.destination.existing_file->path.data);
		} else {
			printf("%d: rename %s to %s/%s\n", pid, msg->event.rename.source->path.data,
			       msg->event.rename.destination.new_path.dir->path.data,
			       msg->event.rename.destination.new_path.filename.data);
		}
	});

	if (result != ES_NEW_CLIENT_RESULT_SUCCESS) {
		fprintf(stderr, "%s: es_new_client failed: %d\n", name, result);
		exit(1);
	}
	if (es_subscribe(client, events, 2) != ES_RETURN_SUCCESS)
		exit(1);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	printf("ready\n");
	while (!done)
		pause();
	es_delete_client(client);
	printf("signal %d\n", (int)done);
	return 0;
}
