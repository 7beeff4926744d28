/* SPDX-License-Identifier: MIT */
/*
 * A client as somebody builds it who has installed the packages: with a block where the compiler has blocks, with a
 * function where not.
 *
 *	client see /PROGRAM	runs the program, and succeeds when told of its exec
 *	client guard /FILE	lets nobody remove the file, even if it is late, and prints what starts below /usr/local, and
 *				how many files of the name "allowed" it was asked about whenever one of the name "how-many"
 *				is removed; until it is killed
 */
#include <EndpointSecurity/ESLinux.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In a chroot, paths are those that the machine has for them. */
static bool ends_in(const char *path, const char *end)
{
	return strlen(path) >= strlen(end) && !strcmp(path + strlen(path) - strlen(end), end);
}

static void say_exec(const es_message_t *message, const char *wanted)
{
	const char *path = message->event.exec.target->executable->path.data;

	if (wanted && ends_in(path, wanted)) {
		printf("saw %s\n", wanted);
		exit(EXIT_SUCCESS);
	}
	if (!wanted && !strncmp(path, "/usr/local/", 11))
		printf("started: %s\n", path);
}

static void answer_unlink(es_client_t *client, const es_message_t *message, const char *guarded)
{
	static unsigned long long denied, allowed;
	const char *path = message->event.unlink.target->path.data;
	bool deny = !strcmp(path, guarded);

	if (deny && !denied++)
		printf("denied: removing %s\n", path);
	allowed += ends_in(path, "/allowed");
	if (ends_in(path, "/how-many")) {
		printf("asked: %llu denied, %llu allowed\n", denied, allowed);
		denied = allowed = 0;
	}
	es_respond_auth_result(client, message, deny ? ES_AUTH_RESULT_DENY : ES_AUTH_RESULT_ALLOW, false);
}

static es_new_client_result_t new_client(es_client_t **client, const char *wanted, const char *guarded);

#ifdef __BLOCKS__
static es_new_client_result_t new_client(es_client_t **client, const char *wanted, const char *guarded)
{
	return es_new_client(client, ^(es_client_t *c, const es_message_t *message) {
		if (message->event_type == ES_EVENT_TYPE_NOTIFY_EXEC)
			say_exec(message, wanted);
		else
			answer_unlink(c, message, guarded);
	});
}
#else
static const char *the_wanted, *the_guarded;

static void handle(es_client_t *client, const es_message_t *message, void *context)
{
	(void)context;
	if (message->event_type == ES_EVENT_TYPE_NOTIFY_EXEC)
		say_exec(message, the_wanted);
	else
		answer_unlink(client, message, the_guarded);
}

static es_new_client_result_t new_client(es_client_t **client, const char *wanted, const char *guarded)
{
	the_wanted = wanted;
	the_guarded = guarded;
	return es_new_client_f(client, handle, NULL);
}
#endif

int main(int argc, char **argv)
{
	const es_event_type_t events[] = { ES_EVENT_TYPE_NOTIFY_EXEC, ES_EVENT_TYPE_AUTH_UNLINK };
	bool see = argc == 3 && !strcmp(argv[1], "see");
	es_client_t *client;
	es_new_client_result_t result;

	if (argc != 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	result = new_client(&client, see ? argv[2] : NULL, see ? NULL : argv[2]);
	if (result == ES_NEW_CLIENT_RESULT_SUCCESS)
		(void)es_set_deadline_miss_mode(client, ES_DEADLINE_MISS_MODE_FAIL_CLOSED);
	if (result != ES_NEW_CLIENT_RESULT_SUCCESS || es_subscribe(client, events, see ? 1 : 2) != ES_RETURN_SUCCESS) {
		printf("can't become a client (%d), or subscribe\n", result);
		return EXIT_FAILURE;
	}
	if (see) {
		alarm(30);
		return system(argv[2]) ? EXIT_FAILURE : pause();
	}
	printf("guarding %s\n", argv[2]);
	if (getenv("NOTIFY_SOCKET") && system("systemd-notify --ready"))
		return EXIT_FAILURE;
	pause();
}
