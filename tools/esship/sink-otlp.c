/* SPDX-License-Identifier: MIT */

/*
 * A collector that takes OTLP over HTTP: a batch is the JSON of an ExportLogsServiceRequest, with a record for each
 * line, which has the line as text in its body. An answer of 2xx acknowledges it. OTLP forbids to send again the
 * records that the answer reports as rejected: these are counted and logged.
 */

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>

#include "tools/esship/http-post.h"
#include "tools/esship/line.h"
#include "tools/json.h"
#include "util/log.h"
#include "util/text.h"

struct otlp_sink {
	struct http_post post;
	struct json body;
	char host[65];
	uint64_t refused;
	struct log_limit limit;
};

static int otlp_new(void **ret, const struct sink_config *config, const struct sink_stop *stop)
{
	struct otlp_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	if (http_post_init(&sink->post, config, stop) < 0) {
		free(sink);
		return -ENOMEM;
	}
	(void)gethostname(sink->host, sizeof(sink->host) - 1);
	*ret = sink;
	return 0;
}

static void otlp_free(void *context)
{
	struct otlp_sink *sink = context;

	http_post_deinit(&sink->post);
	json_deinit(&sink->body);
	free(sink);
}

/* --- the request --- */

/* An AnyValue. */
static void put_text(struct json *json, const char *text, size_t length)
{
	json_open(json, '{');
	json_key(json, "stringValue");
	json_string(json, text, length);
	json_close(json, '}');
}

static void put_attribute(struct json *json, const char *key, const char *value)
{
	json_open(json, '{');
	json_key(json, "key");
	json_string(json, key, strlen(key));
	json_key(json, "value");
	put_text(json, value, strlen(value));
	json_close(json, '}');
}

/* Nanoseconds since 1970, as text: OTLP's JSON has 64-bit numbers as strings. */
static void put_time(struct json *json, const char *line, size_t length)
{
	const char *at = line_time(line, length);
	struct tm tm = {};
	char text[40];
	int end = 0;

	if (!at || sscanf(at, "%4d-%2d-%2dT%2d:%2d:%2d.%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
			  &tm.tm_sec, &end) != 6 || !end)
		return;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	snprintf(text, sizeof(text), "\"%jd%.*s\",", (intmax_t)timegm(&tm), LINE_TIME_DIGITS, at + end);
	json_key(json, "timeUnixNano");
	json_raw(json, text, strlen(text));
}

static void put_record(struct json *json, const struct sink_batch *batch, uint32_t place, const char *line, size_t length)
{
	char id[LINE_ID_BYTES];

	line_id(id, batch, place);
	json_open(json, '{');
	put_time(json, line, length);
	json_literal(json, "\"severityNumber\":9,\"severityText\":\"INFO\",\"attributes\":[");
	put_attribute(json, "log.record.uid", id);
	json_close(json, ']');
	json_key(json, "body");
	put_text(json, line, length);
	json_close(json, '}');
}

static void put_batch(struct otlp_sink *sink, const struct sink_batch *batch)
{
	struct json *json = &sink->body;
	const char *line;
	size_t at = 0, length;

	json->length = 0;
	json_literal(json, "{\"resourceLogs\":[{\"resource\":{\"attributes\":[");
	put_attribute(json, "service.name", "esship");
	put_attribute(json, "service.version", ES_LINUX_VERSION_STRING);
	put_attribute(json, "service.instance.id", batch->client);
	put_attribute(json, "host.name", sink->host);
	json_close(json, ']');
	json_close(json, '}');
	json_literal(json, "\"scopeLogs\":[{\"scope\":{\"name\":\"EndpointSecurity\"},\"logRecords\":[");
	for (uint32_t i = 0; line_next(batch, &at, &line, &length); i++)
		put_record(json, batch, i, line, length);
	for (const char *close = "]}]}]}"; *close; close++)
		json_close(json, *close);
	if (!json->failed)
		json->length--;		/* the last comma */
}

/* --- the answer --- */

static void count_refused(struct otlp_sink *sink, const struct sink_batch *batch)
{
	json_object *answer = json_tokener_parse(sink->post.answer), *partial, *value;
	int64_t count = 0;
	char why[SINK_PROBLEM_BYTES] = "";

	if (json_object_object_get_ex(answer, "partialSuccess", &partial)) {
		if (json_object_object_get_ex(partial, "rejectedLogRecords", &value))
			count = json_object_get_int64(value);
		if (json_object_object_get_ex(partial, "errorMessage", &value))
			snprintf(why, sizeof(why), "%s", json_object_get_string(value) ?: "");
	}
	if (count > batch->count)
		count = batch->count;
	if (count > 0) {
		sink->refused += (uint64_t)count;
		text_clean(why);
		log_limited(&sink->limit, LOG_LEVEL_WARNING, "%s: %jd lines were rejected for good: %s",
			    sink->post.config->name, (intmax_t)count, why);
	}
	json_object_put(answer);
}

static int otlp_send(void *context, const struct sink_batch *batch, char problem[SINK_PROBLEM_BYTES])
{
	struct otlp_sink *sink = context;
	int r;

	put_batch(sink, batch);
	if (sink->body.failed) {
		json_deinit(&sink->body);
		sink->body = (struct json){};
		snprintf(problem, SINK_PROBLEM_BYTES, "no memory");
		return -ENOMEM;
	}
	r = http_post_send(&sink->post, batch, "application/json", sink->body.data, sink->body.length, problem);
	if (r == 0)
		count_refused(sink, batch);
	return r;
}

static uint64_t otlp_refused(void *context)
{
	return ((struct otlp_sink *)context)->refused;
}

const struct sink_kind sink_otlp = {
	.name = "otlp", .check = http_post_check, .new = otlp_new, .free = otlp_free, .send = otlp_send, .refused = otlp_refused,
};
