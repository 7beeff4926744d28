/* SPDX-License-Identifier: MIT */
/*
 * Written for macOS: the C half of a bridge to another language. It has plain functions with a handle and no blocks.
 * Events go through a pipe as lines. main() plays the other language, and reads them.
 */
#include <EndpointSecurity/EndpointSecurity.h>
#include <Block.h>
#include <bsm/libbsm.h>
#include <libproc.h>
#include <stdio.h>

typedef void (*bridge_callback)(uintptr_t handle, const char *line);
typedef struct {
	es_client_t *client;
	es_handler_block_t handler;
} bridge;

static int bridge_open(bridge *b, uintptr_t handle, bridge_callback callback)
{
	es_event_type_t events[] = { ES_EVENT_TYPE_NOTIFY_EXIT };

	b->handler = Block_copy(^(es_client_t *client, const es_message_t *message) {
		char line[PROC_PIDPATHINFO_MAXSIZE + 64], parent[64] = "?";

		(void)client;
		proc_name(message->process->ppid, parent, sizeof(parent));
		snprintf(line, sizeof(line), "exit %d %s child of %s\n", message->event.exit.stat,
			 message->process->executable->path.data, parent);
		callback(handle, line);
	});
	if (es_new_client(&b->client, b->handler) != ES_NEW_CLIENT_RESULT_SUCCESS)
		return -1;
	return es_subscribe(b->client, events, 1) == ES_RETURN_SUCCESS ? 0 : -2;
}

static void bridge_close(bridge *b)
{
	es_delete_client(b->client);
	Block_release(b->handler);
}

static void to_pipe(uintptr_t handle, const char *line)
{
	write((int)handle, line, strlen(line));
}

static void on_signal(int number)
{
	(void)number;
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	char buffer[4096];
	int ends[2];
	ssize_t n;
	bridge b;

	if (pipe(ends) != 0 || bridge_open(&b, (uintptr_t)ends[1], to_pipe) != 0) {
		fprintf(stderr, "the bridge can't be opened\n");
		return 1;
	}
	sigaction(SIGTERM, &action, NULL);
	puts("ready");
	fflush(stdout);
	while ((n = read(ends[0], buffer, sizeof(buffer))) > 0) {
		fwrite(buffer, 1, (size_t)n, stdout);
		fflush(stdout);
	}
	bridge_close(&b);
	puts("closed");
	return 0;
}
