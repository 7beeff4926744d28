/* SPDX-License-Identifier: MIT */

/*
 * Kafka: a line is a message of one topic. Its key is the machine, so that a machine's lines are in one partition, in
 * order. A batch is acknowledged when all in-sync replicas have each of its messages. The producer is idempotent: its
 * own retries make no duplicates. A message that we send again after an error has the same id, in the header
 * esship-id.
 */

#include <ctype.h>
#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/event-format.h"
#include "tools/esship/line.h"
#include "util/clock.h"
#include "util/macro.h"
#include "util/text.h"

enum {
	SLICE_MS = 100,
	GRACE_MS = 1000,		/* lets the library's own time-out, which has the reason, come first */
	MESSAGE_MAX = 128 * 1024 * 1024,	/* longer than any line: the broker sets the limit */
	WHY_BYTES = 200,
};

struct kafka_sink {
	const struct sink_config *config;
	const struct sink_stop *stop;
	struct event_host host;
	rd_kafka_t *producer;		/* NULL: there is none */
	uint32_t waiting;		/* messages of this batch that are neither acknowledged nor refused, */
	uint32_t refused;		/* and those that are refused */
	bool rejected;			/* authentication failed on one side; retries by the library can't help */
	char why[WHY_BYTES];
	char doubt[WHY_BYTES];		/* the library's message about its connections */
};

static bool is_topic(const char *topic)
{
	enum { TOPIC_BYTES = 249 };
	size_t length = strlen(topic);

	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)topic[i]) && !strchr("._-", topic[i]))
			return false;
	return length && length <= TOPIC_BYTES && strcmp(topic, ".") && strcmp(topic, "..");
}

static const char *kafka_check(const struct sink_config *config)
{
	if (!config->brokers || !*config->brokers)
		return "brokers: host:port, several with commas between";
	if (!is_topic(config->topic))
		return "topic: of messages, of letters, digits, dots, - and _";
	if (!config->user != !config->password)
		return "user and password: give both, or none";
	if (config->certificate && !config->key)
		return "key: that of the certificate";
	if (strcmp(config->mechanism, "PLAIN") && strcmp(config->mechanism, "SCRAM-SHA-256") &&
	    strcmp(config->mechanism, "SCRAM-SHA-512"))
		return "mechanism: there are PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512";
	return NULL;
}

static int kafka_new(void **ret, const struct sink_config *config, const struct sink_stop *stop)
{
	struct kafka_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	sink->config = config;
	sink->stop = stop;
	event_host_here(&sink->host);
	*ret = sink;
	return 0;
}

/* After this, the library sends nothing more and makes no more callbacks. */
static void disconnect(struct kafka_sink *sink)
{
	if (!sink->producer)
		return;
	rd_kafka_purge(sink->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_poll(sink->producer, 0);
	rd_kafka_destroy(sink->producer);
	sink->producer = NULL;
}

static void kafka_free(void *context)
{
	disconnect(context);
	free(context);
}

/* --- what the library calls, from rd_kafka_poll() --- */

static void delivered(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
	struct kafka_sink *sink = context;

	(void)producer;
	sink->waiting--;
	if (!message->err)
		return;
	sink->refused++;
	if (message->err != RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)	/* else the connections' error says more */
		snprintf(sink->why, sizeof(sink->why), "%s", rd_kafka_err2str(message->err));
}

/* Keeps the more useful message: that all brokers are down says less than why one is. */
static void complained(rd_kafka_t *producer, int error, const char *reason, void *context)
{
	struct kafka_sink *sink = context;

	(void)producer;
	if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && *sink->doubt)
		return;
	snprintf(sink->doubt, sizeof(sink->doubt), "%s", reason);
	text_clean(sink->doubt);
	if (error == RD_KAFKA_RESP_ERR__AUTHENTICATION || error == RD_KAFKA_RESP_ERR__SSL)
		sink->rejected = true;
}

/* Errors also come to complained(). */
static void ignore_log(const rd_kafka_t *producer, int level, const char *facility, const char *text)
{
	(void)producer, (void)level, (void)facility, (void)text;
}

/* --- a producer --- */

static bool set(rd_kafka_conf_t *conf, const char *name, const char *value, char *why)
{
	return !value || rd_kafka_conf_set(conf, name, value, why, WHY_BYTES) == RD_KAFKA_CONF_OK;
}

static bool set_number(rd_kafka_conf_t *conf, const char *name, unsigned int value, char *why)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	return set(conf, name, text, why);
}

static bool set_security(rd_kafka_conf_t *conf, const struct sink_config *config, char *why)
{
	bool tls = config->tls || config->ca;
	const char *protocol = config->user ? (tls ? "sasl_ssl" : "sasl_plaintext") : (tls ? "ssl" : "plaintext");

	return set(conf, "security.protocol", protocol, why) &&
	       set(conf, "ssl.ca.location", config->ca, why) &&
	       set(conf, "ssl.certificate.location", config->certificate, why) &&
	       set(conf, "ssl.key.location", config->key, why) &&
	       set(conf, "ssl.endpoint.identification.algorithm", tls ? "https" : NULL, why) &&
	       set(conf, "sasl.mechanism", config->user ? config->mechanism : NULL, why) &&
	       set(conf, "sasl.username", config->user, why) &&
	       set(conf, "sasl.password", config->password, why);
}

static bool set_all(rd_kafka_conf_t *conf, struct kafka_sink *sink)
{
	const struct sink_config *config = sink->config;
	unsigned int backoff = config->retry_ms < 1000 ? config->retry_ms : 1000;

	rd_kafka_conf_set_opaque(conf, sink);
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	rd_kafka_conf_set_error_cb(conf, complained);
	rd_kafka_conf_set_log_cb(conf, ignore_log);
	return set(conf, "bootstrap.servers", config->brokers, sink->why) &&
	       set(conf, "client.id", "esship", sink->why) &&
	       set(conf, "enable.idempotence", "true", sink->why) &&
	       set(conf, "acks", "all", sink->why) &&
	       set(conf, "compression.codec", "zstd", sink->why) &&
	       set(conf, "partitioner", "murmur2_random", sink->why) &&	/* Kafka's own */
	       set(conf, "linger.ms", "5", sink->why) &&
	       set_number(conf, "message.max.bytes", MESSAGE_MAX, sink->why) &&
	       set_number(conf, "message.timeout.ms", config->timeout_ms, sink->why) &&
	       set_number(conf, "reconnect.backoff.max.ms", backoff, sink->why) &&
	       set_number(conf, "reconnect.backoff.ms", backoff < 100 ? backoff : 100, sink->why) &&
	       set_security(conf, config, sink->why);
}

static int connect_to(struct kafka_sink *sink)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	if (set_all(conf, sink))
		sink->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, sink->why, sizeof(sink->why));
	if (!sink->producer) {
		rd_kafka_conf_destroy(conf);
		return -EINVAL;
	}
	sink->why[0] = 0;		/* the library may have written there although it succeeded */
	return 0;
}

/* --- a batch --- */

static rd_kafka_resp_err_t produce(struct kafka_sink *sink, const char *id, const char *line, size_t length)
{
	const char *key = sink->host.id;

	/* The library copies the line, since it may need that for longer than we have the batch. */
	return rd_kafka_producev(sink->producer, RD_KAFKA_V_TOPIC(sink->config->topic), RD_KAFKA_V_KEY(key, strlen(key)),
				 RD_KAFKA_V_VALUE((void *)line, length), RD_KAFKA_V_HEADER("esship-id", id, -1),
				 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
}

static bool may_go_on(const struct kafka_sink *sink, uint64_t end)
{
	return clock_ns() < end && !sink->rejected && !atomic_load(&sink->stop->now);
}

/* False: the library takes no more. */
static bool produce_all(struct kafka_sink *sink, const struct sink_batch *batch, uint64_t end)
{
	char id[LINE_ID_BYTES];
	const char *line;
	size_t at = 0, length;

	for (uint32_t i = 0; line_next(batch, &at, &line, &length); i++) {
		rd_kafka_resp_err_t error;

		line_id(id, batch, i);
		while ((error = produce(sink, id, line, length)) == RD_KAFKA_RESP_ERR__QUEUE_FULL && may_go_on(sink, end))
			rd_kafka_poll(sink->producer, SLICE_MS);
		if (error) {
			snprintf(sink->why, sizeof(sink->why), "%s", rd_kafka_err2str(error));
			return false;
		}
		sink->waiting++;
	}
	return true;
}

/* Waits until each message is acknowledged or refused. */
static bool wait_all(struct kafka_sink *sink, uint64_t end)
{
	while (sink->waiting && may_go_on(sink, end))
		rd_kafka_poll(sink->producer, SLICE_MS);
	return !sink->waiting && !sink->refused;
}

static int kafka_send(void *context, const struct sink_batch *batch, char problem[SINK_PROBLEM_BYTES])
{
	struct kafka_sink *sink = context;
	uint64_t end = clock_ns() + (sink->config->timeout_ms + GRACE_MS) * NS_PER_MS;
	int r = 0;

	sink->waiting = sink->refused = 0;
	sink->rejected = false;
	sink->why[0] = sink->doubt[0] = 0;
	if (!sink->producer)
		r = connect_to(sink);
	if (r == 0 && produce_all(sink, batch, end) && wait_all(sink, end))
		return 0;
	snprintf(problem, SINK_PROBLEM_BYTES, "%.50s: %s", sink->config->brokers,
		 *sink->why ? sink->why : *sink->doubt ? sink->doubt : "no answer in time");
	disconnect(sink);
	return -EIO;
}

const struct sink_kind sink_kafka = {
	.name = "kafka", .check = kafka_check, .new = kafka_new, .free = kafka_free, .send = kafka_send,
};
