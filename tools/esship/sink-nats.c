/* SPDX-License-Identifier: MIT */

/*
 * NATS JetStream: a line is a message on one subject, which a stream of the server must take. A batch is acknowledged
 * when the stream has acknowledged each of its messages. A message has an id (Nats-Msg-Id), the same when sent again,
 * so that the server can discard duplicates within its window.
 */

#include <errno.h>
#include <fcntl.h>
#include <nats/nats.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/esship/line.h"
#include "util/clock.h"
#include "util/macro.h"

enum { SLICE_MS = 100, PENDING_MAX = 4096, SERVERS_MAX = 16, URLS_BYTES = 1024 };

struct nats_sink {
	const struct sink_config *config;
	const struct sink_stop *stop;
	natsConnection *connection;	/* NULL: there is none */
	jsCtx *stream;
	atomic_uint refused;		/* number of messages of this batch that the server refused */
	char why[128];			/* the reason of the last refusal */
};

static unsigned int count_of(const char *urls)
{
	unsigned int count = 1;

	for (; *urls; urls++)
		count += *urls == ',';
	return count;
}

static bool is_subject(const char *subject)
{
	size_t length = strlen(subject);

	return length && *subject != '.' && subject[length - 1] != '.' && !strstr(subject, "..") &&
	       !strpbrk(subject, " \t\r\n*>");
}

static const char *nats_check(const struct sink_config *config)
{
	const char *url = config->url ?: "";

	if (strncmp(url, "nats://", 7) && strncmp(url, "tls://", 6))
		return "url: with nats:// or tls://";
	if (count_of(url) > SERVERS_MAX || strlen(url) >= URLS_BYTES)
		return "url: 16 servers at most, and 1023 bytes";
	if (config->certificate && !config->key)
		return "key: that of the certificate";
	return is_subject(config->subject) ? NULL : "subject: on which messages are sent, words with dots between";
}

static int nats_new(void **ret, const struct sink_config *config, const struct sink_stop *stop)
{
	struct nats_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	sink->config = config;
	sink->stop = stop;
	*ret = sink;
	return 0;
}

static void disconnect(struct nats_sink *sink)
{
	jsCtx_Destroy(sink->stream);
	natsConnection_Destroy(sink->connection);
	sink->stream = NULL;
	sink->connection = NULL;
}

static void nats_free(void *context)
{
	disconnect(context);
	free(context);
}

/* Runs on a thread of the library. */
static void refused(jsCtx *stream, jsPubAckErr *error, void *context)
{
	struct nats_sink *sink = context;

	(void)stream;
	if (atomic_fetch_add(&sink->refused, 1) == 0)
		snprintf(sink->why, sizeof(sink->why), "%s", error->ErrText ?: natsStatus_GetText(error->Err));
}

/* One server, or several of a cluster with commas between. */
static natsStatus set_servers(natsOptions *options, const char *urls)
{
	char text[URLS_BYTES], *at = text, *url;
	const char *servers[SERVERS_MAX];
	int count = 0;

	if (strlen(urls) >= sizeof(text))
		return NATS_INVALID_ARG;
	strcpy(text, urls);
	while ((url = strsep(&at, ",")) && count < SERVERS_MAX)
		servers[count++] = url;
	return natsOptions_SetServers(options, servers, count);
}

static natsStatus set_tls(natsOptions *options, const struct sink_config *config)
{
	natsStatus status = NATS_OK;

	if (!strncmp(config->url, "tls://", 6) || config->ca)
		status = natsOptions_SetSecure(options, true);
	if (status == NATS_OK && config->ca)
		status = natsOptions_LoadCATrustedCertificates(options, config->ca);
	if (status == NATS_OK && config->certificate)
		status = natsOptions_LoadCertificatesChain(options, config->certificate, config->key);
	return status;
}

/* NULL: the file may be right. For a missing or wrong file the library would only say "Error". */
static const char *credentials_wrong(const char *path)
{
	static const char mark[] = "-----BEGIN ";
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char text[16384];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0)
		return strerror(errno);
	return memmem(text, (size_t)n, mark, strlen(mark)) ? NULL : "no credentials are in it";
}

/* The library doesn't reconnect: we do, and send the unacknowledged batch again. */
static natsStatus connect_to(struct nats_sink *sink)
{
	const struct sink_config *config = sink->config;
	natsOptions *options = NULL;
	jsOptions publish;
	natsStatus status = natsOptions_Create(&options);

	if (status == NATS_OK)
		status = set_servers(options, config->url);
	if (status == NATS_OK)
		status = natsOptions_SetAllowReconnect(options, false);
	if (status == NATS_OK)
		status = natsOptions_SetTimeout(options, config->timeout_ms);
	if (status == NATS_OK)
		status = natsOptions_SetName(options, "esship");
	if (status == NATS_OK && config->credentials)
		status = natsOptions_SetUserCredentialsFromFiles(options, config->credentials, NULL);
	if (status == NATS_OK)
		status = set_tls(options, config);
	if (status == NATS_OK)
		status = natsConnection_Connect(&sink->connection, options);
	natsOptions_Destroy(options);
	if (status == NATS_OK)
		status = jsOptions_Init(&publish);
	if (status == NATS_OK) {
		publish.PublishAsync.MaxPending = PENDING_MAX;
		publish.PublishAsync.StallWait = config->timeout_ms;
		publish.PublishAsync.ErrHandler = refused;
		publish.PublishAsync.ErrHandlerClosure = sink;
		status = natsConnection_JetStream(&sink->stream, sink->connection, &publish);
	}
	return status;
}

static natsStatus publish_all(struct nats_sink *sink, const struct sink_batch *batch)
{
	natsStatus status = NATS_OK;
	char id[LINE_ID_BYTES];
	jsPubOptions options;
	const char *line;
	size_t at = 0, length;

	for (uint32_t i = 0; status == NATS_OK && line_next(batch, &at, &line, &length); i++) {
		if (atomic_load(&sink->stop->now))
			return NATS_CONNECTION_CLOSED;
		line_id(id, batch, i);
		jsPubOptions_Init(&options);
		options.MsgId = id;
		status = js_PublishAsync(sink->stream, sink->config->subject, line, (int)length, &options);
	}
	return status;
}

/* Waits until each message is acknowledged or refused. */
static natsStatus wait_all(struct nats_sink *sink)
{
	uint64_t end = clock_ns() + sink->config->timeout_ms * NS_PER_MS;
	natsStatus status;
	jsPubOptions options;

	jsPubOptions_Init(&options);
	options.MaxWait = SLICE_MS;
	do
		status = js_PublishAsyncComplete(sink->stream, &options);
	while (status == NATS_TIMEOUT && clock_ns() < end && !atomic_load(&sink->stop->now) &&
	       !natsConnection_IsClosed(sink->connection));
	return status;
}

static int nats_send(void *context, const struct sink_batch *batch, char problem[SINK_PROBLEM_BYTES])
{
	struct nats_sink *sink = context;
	natsStatus status = NATS_OK;
	char url[SINK_URL_BYTES];
	const char *wrong;

	atomic_store(&sink->refused, 0);
	if (!sink->connection && sink->config->credentials && (wrong = credentials_wrong(sink->config->credentials))) {
		snprintf(problem, SINK_PROBLEM_BYTES, "%.150s: %s", sink->config->credentials, wrong);
		return -EINVAL;
	}
	if (!sink->connection)
		status = connect_to(sink);
	if (status == NATS_OK)
		status = publish_all(sink, batch);
	if (status == NATS_OK)
		status = wait_all(sink);
	if (status == NATS_OK && !atomic_load(&sink->refused))
		return 0;
	sink_url_shown(url, sink->config->url);
	snprintf(problem, SINK_PROBLEM_BYTES, "%s: %s", url,
		 status != NATS_OK ? natsStatus_GetText(status) : sink->why);
	disconnect(sink);
	return -EIO;
}

const struct sink_kind sink_nats = {
	.name = "nats", .check = nats_check, .new = nats_new, .free = nats_free, .send = nats_send,
};
