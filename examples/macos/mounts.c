/* SPDX-License-Identifier: MIT */
/* Written for macOS: prints mounts and unmounts on a serial queue, from the members of Darwin's statfs. */
#include <EndpointSecurity/EndpointSecurity.h>
#include <Kernel/kern/cs_blobs.h>
#include <TargetConditionals.h>
#include <dispatch/dispatch.h>
#include <stdio.h>
#include <sys/mount.h>

static dispatch_queue_t printer;

static void report(const char *what, const struct statfs *fs, bool signedProcess)
{
	char *line = NULL;

	asprintf(&line, "%s %s from %s on %s%s%s", what, fs->f_fstypename, fs->f_mntfromname, fs->f_mntonname,
		 fs->f_flags & MNT_RDONLY ? " read-only" : "", signedProcess ? " by a signed program" : "");
	dispatch_async(printer, ^{
		puts(line);
		free(line);
	});
}

static void handle(const es_message_t *message)
{
	bool isSigned = (message->process->codesigning_flags & CS_SIGNED) != 0;

	switch (message->event_type) {
	case ES_EVENT_TYPE_NOTIFY_MOUNT: {
		const struct statfs *fs = message->event.mount.statfs;

		report("mount", fs, isSigned);
		break;
	}
	case ES_EVENT_TYPE_NOTIFY_UNMOUNT:
		report("unmount", message->event.unmount.statfs, isSigned);
		break;
	default:
		fprintf(stderr, "unexpected event %d\n", message->event_type);
	}
}

int main(void)
{
	static dispatch_once_t once;
	es_event_type_t events[] = { ES_EVENT_TYPE_NOTIFY_MOUNT, ES_EVENT_TYPE_NOTIFY_UNMOUNT };
	dispatch_semaphore_t stop = dispatch_semaphore_create(0);
	__block es_client_t *client = NULL;
	dispatch_source_t source;

	setlinebuf(stdout);
	dispatch_once(&once, ^{
		printer = dispatch_queue_create("org.example.printer", DISPATCH_QUEUE_SERIAL);
	});
	if (es_new_client(&client, ^(es_client_t *c, const es_message_t *message) {
		handle(message);
	}) != ES_NEW_CLIENT_RESULT_SUCCESS || es_subscribe(client, events, 2) != ES_RETURN_SUCCESS)
		return 1;
	signal(SIGTERM, SIG_IGN);
	source = dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL, SIGTERM, 0,
					dispatch_get_global_queue(QOS_CLASS_USER_INITIATED, 0));
	dispatch_source_set_event_handler(source, ^{
		dispatch_semaphore_signal(stop);
	});
	dispatch_resume(source);
	puts("ready");
	dispatch_semaphore_wait(stop, DISPATCH_TIME_FOREVER);
	es_delete_client(client);
	dispatch_sync(printer, ^{
		puts("stopped");
	});
	return 0;
}
