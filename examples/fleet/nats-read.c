/* SPDX-License-Identifier: MIT */

/*
 * A stream of a NATS server, for tests and examples:
 *
 *	nats-read URL create SUBJECT [REPLICAS]		makes the stream "es" for SUBJECT, stored in files
 *	nats-read URL count				prints how many messages the stream has
 *	nats-read URL read				prints all its messages, one a line
 *
 * NATS_CREDENTIALS in the environment names a file of credentials.
 */

#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FETCH = 256, WAIT_MS = 2000 };

static int fail(const char *what, natsStatus status)
{
	fprintf(stderr, "%s: %s\n", what, natsStatus_GetText(status));
	return 1;
}

static int create(jsCtx *stream, const char *subject, int64_t replicas)
{
	const char *subjects[] = { subject };
	jsStreamConfig config;
	natsStatus status;

	jsStreamConfig_Init(&config);
	config.Name = "es";
	config.Subjects = subjects;
	config.SubjectsLen = 1;
	config.Storage = js_FileStorage;
	config.Replicas = replicas;
	status = js_AddStream(NULL, stream, &config, NULL, NULL);
	return status == NATS_OK ? 0 : fail("create", status);
}

static natsStatus count(jsCtx *stream, uint64_t *ret)
{
	jsStreamInfo *info = NULL;
	natsStatus status = js_GetStreamInfo(&info, stream, "es", NULL, NULL);

	if (status == NATS_OK)
		*ret = info->State.Msgs;
	jsStreamInfo_Destroy(info);
	return status;
}

static int read_all(jsCtx *stream)
{
	natsSubscription *subscription = NULL;
	uint64_t left;
	natsStatus status = count(stream, &left);

	if (status == NATS_OK)
		status = js_PullSubscribe(&subscription, stream, ">", NULL, NULL,
					  &(jsSubOptions){ .Stream = "es" }, NULL);
	while (status == NATS_OK && left) {
		natsMsgList list;

		status = natsSubscription_Fetch(&list, subscription, left < FETCH ? (int)left : FETCH, WAIT_MS, NULL);
		for (int i = 0; status == NATS_OK && i < list.Count; i++, left--) {
			printf("%.*s\n", natsMsg_GetDataLength(list.Msgs[i]), natsMsg_GetData(list.Msgs[i]));
			natsMsg_Ack(list.Msgs[i], NULL);
		}
		if (status == NATS_OK)
			natsMsgList_Destroy(&list);
	}
	natsSubscription_Destroy(subscription);
	return status == NATS_OK && fflush(stdout) == 0 ? 0 : fail("read", status);
}

static natsStatus connect_to(natsConnection **ret, const char *url)
{
	const char *credentials = getenv("NATS_CREDENTIALS");
	natsOptions *options = NULL;
	natsStatus status = natsOptions_Create(&options);

	if (status == NATS_OK)
		status = natsOptions_SetURL(options, url);
	if (status == NATS_OK && credentials)
		status = natsOptions_SetUserCredentialsFromFiles(options, credentials, NULL);
	if (status == NATS_OK)
		status = natsConnection_Connect(ret, options);
	natsOptions_Destroy(options);
	return status;
}

int main(int argc, char **argv)
{
	natsConnection *connection = NULL;
	jsCtx *stream = NULL;
	natsStatus status;
	uint64_t messages;
	int result = 2;

	if (argc < 3)
		return result;
	status = connect_to(&connection, argv[1]);
	if (status == NATS_OK)
		status = natsConnection_JetStream(&stream, connection, NULL);
	if (status != NATS_OK)
		return fail(argv[1], status);
	if (!strcmp(argv[2], "create") && argc > 3) {
		result = create(stream, argv[3], argc > 4 ? atoi(argv[4]) : 1);
	} else if (!strcmp(argv[2], "read")) {
		result = read_all(stream);
	} else if (!strcmp(argv[2], "count")) {
		status = count(stream, &messages);
		result = status == NATS_OK ? printf("%ju\n", (uintmax_t)messages) < 0 : fail("count", status);
	}
	jsCtx_Destroy(stream);
	natsConnection_Destroy(connection);
	nats_Close();
	return result;
}
