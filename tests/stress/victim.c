/* SPDX-License-Identifier: MIT */

/*
 * Clients that the stress program stops, continues and kills at any moment. They subscribe to what it subscribes to,
 * allow what they are asked, some of it late, some of it never: then they are killed, which lets it go.
 */

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>
#include <EndpointSecurity/EndpointSecurity.h>

#include "util/macro.h"

static unsigned int seed;

static void handle(es_client_t *client, const es_message_t *message, void *context)
{
	(void)context;
	if (rand_r(&seed) % 16 == 0)
		usleep((useconds_t)rand_r(&seed) % 20000);
	if (message->action_type != ES_ACTION_TYPE_AUTH || rand_r(&seed) % 64 == 0)
		return;
	if (message->event_type == ES_EVENT_TYPE_AUTH_OPEN)
		es_respond_flags_result(client, message, UINT32_MAX, false);
	else
		es_respond_auth_result(client, message, ES_AUTH_RESULT_ALLOW, false);
}

int main(int count, char **arguments)
{
	static const es_event_type_t types[] = {
		ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_AUTH_EXEC, ES_EVENT_TYPE_NOTIFY_OPEN, ES_EVENT_TYPE_NOTIFY_FORK,
		ES_EVENT_TYPE_NOTIFY_EXIT, ES_EVENT_TYPE_NOTIFY_CLOSE,
	};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	seed = count > 1 ? (unsigned int)atoi(arguments[1]) : 0;
	for (;;) {
		es_client_t *client;
		int changes;

		if (es_new_client_f(&client, handle, NULL) != ES_NEW_CLIENT_RESULT_SUCCESS)
			return 1;
		for (changes = rand_r(&seed) % 8; changes > 0; changes--) {
			if (rand_r(&seed) % 3)
				es_subscribe(client, &types[(size_t)rand_r(&seed) % ARRAY_SIZE(types)], 1);
			else
				es_unsubscribe(client, &types[(size_t)rand_r(&seed) % ARRAY_SIZE(types)], 1);
			usleep((useconds_t)rand_r(&seed) % 50000);
		}
		es_delete_client(client);
	}
}
