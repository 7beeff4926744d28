/* SPDX-License-Identifier: MIT */

/*
 * Brokers of Kafka for tests, on loopback: librdkafka's own mock, over the real protocol, and a consumer that adds all messages of
 * a topic to a file.
 *
 *	kafka-mock BROKERS TOPIC FILE	says where the brokers are, then takes from its input
 *		down N, up N		the broker goes, comes back
 *		leader N		it leads the topic's only partition
 */

#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POLL_MS = 100, WHY_BYTES = 256 };

static int out;
static char topic[64];

static void require(int condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "kafka-mock: %s\n", what);
	exit(1);
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[WHY_BYTES] = "";
	rd_kafka_t *made;

	if (brokers) {
		rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof(why));
		rd_kafka_conf_set(conf, "group.id", "reader", why, sizeof(why));
		rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", why, sizeof(why));
		rd_kafka_conf_set(conf, "fetch.wait.max.ms", "50", why, sizeof(why));
		rd_kafka_conf_set(conf, "reconnect.backoff.max.ms", "200", why, sizeof(why));
	}
	made = rd_kafka_new(type, conf, why, sizeof(why));
	require(made != NULL, why);
	return made;
}

static void take(const rd_kafka_message_t *message)
{
	static const char newline[] = "\n";

	if (message->err)
		return;			/* a broker is away */
	require(write(out, message->payload, message->len) == (ssize_t)message->len && write(out, newline, 1) == 1, "no room");
}

static void *consume(void *context)
{
	rd_kafka_topic_partition_list_t *partitions = rd_kafka_topic_partition_list_new(1);
	rd_kafka_t *consumer = context;

	rd_kafka_topic_partition_list_add(partitions, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
	require(!rd_kafka_assign(consumer, partitions), "the topic can't be read");
	for (;;) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, POLL_MS);

		if (!message)
			continue;
		take(message);
		rd_kafka_message_destroy(message);
	}
	return NULL;
}

static void obey(rd_kafka_mock_cluster_t *cluster, const char *line)
{
	rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__INVALID_ARG;
	int broker;

	if (sscanf(line, "down %d", &broker) == 1)
		error = rd_kafka_mock_broker_set_down(cluster, broker);
	else if (sscanf(line, "up %d", &broker) == 1)
		error = rd_kafka_mock_broker_set_up(cluster, broker);
	else if (sscanf(line, "leader %d", &broker) == 1)
		error = rd_kafka_mock_partition_set_leader(cluster, topic, 0, broker);
	puts(rd_kafka_err2name(error));
}

int main(int argc, char **argv)
{
	rd_kafka_mock_cluster_t *cluster;
	rd_kafka_t *consumer;
	pthread_t thread;
	char line[64];

	require(argc == 4, "kafka-mock BROKERS TOPIC FILE");
	setlinebuf(stdout);
	snprintf(topic, sizeof(topic), "%s", argv[2]);
	out = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	require(out >= 0, "the file can't be written");
	cluster = rd_kafka_mock_cluster_new(client(RD_KAFKA_PRODUCER, NULL), atoi(argv[1]));
	require(cluster != NULL, "no cluster");
	require(!rd_kafka_mock_topic_create(cluster, topic, 1, atoi(argv[1])), "no topic");
	consumer = client(RD_KAFKA_CONSUMER, rd_kafka_mock_cluster_bootstraps(cluster));
	require(!pthread_create(&thread, NULL, consume, consumer), "no thread");
	puts(rd_kafka_mock_cluster_bootstraps(cluster));
	while (fgets(line, sizeof(line), stdin))
		obey(cluster, line);
	return 0;
}
