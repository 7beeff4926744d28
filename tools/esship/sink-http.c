/* SPDX-License-Identifier: MIT */

/*
 * An HTTP server: lines as the body of a POST (NDJSON). Acknowledged is what was answered with 2xx. Each request has the
 * client and the numbers of its lines in Idempotency-Key, the same when it is sent again.
 */

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/esship/sink.h"

enum { REST_MAX_S = 600 };

struct http_sink {
	const struct sink_config *config;
	const struct sink_stop *stop;
	CURL *curl;
	char error[CURL_ERROR_SIZE];
};

static const char *http_check(const struct sink_config *config)
{
	const char *url = config->url ?: "";

	return !strncmp(url, "http://", 7) || !strncmp(url, "https://", 8) ? NULL : "url: with http:// or https://";
}

/* What the server says is of no use but for its status. */
static size_t ignore(char *data, size_t size, size_t count, void *context)
{
	(void)data;
	(void)context;
	return size * count;
}

static int progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct http_sink *sink = context;

	(void)a, (void)b, (void)c, (void)d;
	return atomic_load(&sink->stop->now);
}

static int http_new(void **ret, const struct sink_config *config, const struct sink_stop *stop)
{
	struct http_sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return -ENOMEM;
	sink->config = config;
	sink->stop = stop;
	sink->curl = curl_easy_init();
	if (!sink->curl) {
		free(sink);
		return -ENOMEM;
	}
	*ret = sink;
	return 0;
}

static void http_free(void *context)
{
	struct http_sink *sink = context;

	curl_easy_cleanup(sink->curl);
	free(sink);
}

static struct curl_slist *make_headers(const struct http_sink *sink, const struct sink_batch *batch)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/x-ndjson");
	char key[160];

	snprintf(key, sizeof(key), "Idempotency-Key: %s-%ju-%ju", batch->client, (uintmax_t)batch->first,
		 (uintmax_t)batch->last);
	headers = curl_slist_append(headers, key);
	headers = curl_slist_append(headers, "Expect:");
	for (unsigned int i = 0; i < sink->config->header_count; i++)
		headers = curl_slist_append(headers, sink->config->headers[i]);
	return headers;
}

static void set_options(struct http_sink *sink, const struct sink_batch *batch, struct curl_slist *headers)
{
	const struct sink_config *config = sink->config;
	CURL *curl = sink->curl;

	curl_easy_reset(curl);		/* connections stay */
	curl_easy_setopt(curl, CURLOPT_URL, config->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)batch->length);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, batch->lines);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "esship");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)config->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, sink->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, sink);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	if (config->ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca);
	if (config->certificate)
		curl_easy_setopt(curl, CURLOPT_SSLCERT, config->certificate);
	if (config->key)
		curl_easy_setopt(curl, CURLOPT_SSLKEY, config->key);
}

/* Other answers than 2xx mean: again, later. A server that says when is listened to. */
static int judge(struct http_sink *sink, char *problem)
{
	curl_off_t rest = 0;
	long status = 0;

	curl_easy_getinfo(sink->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return 0;
	snprintf(problem, SINK_PROBLEM_BYTES, "%s answers %ld", sink->config->url, status);
	curl_easy_getinfo(sink->curl, CURLINFO_RETRY_AFTER, &rest);
	if (rest > REST_MAX_S)
		rest = REST_MAX_S;
	return rest > 0 ? (int)rest * 1000 : -EPROTO;
}

static int http_send(void *context, const struct sink_batch *batch, char problem[SINK_PROBLEM_BYTES])
{
	struct http_sink *sink = context;
	struct curl_slist *headers = make_headers(sink, batch);
	CURLcode result;
	int r;

	set_options(sink, batch, headers);
	sink->error[0] = 0;
	result = curl_easy_perform(sink->curl);
	if (result == CURLE_OK) {
		r = judge(sink, problem);
	} else {
		snprintf(problem, SINK_PROBLEM_BYTES, "%s: %.200s", sink->config->url,
			 *sink->error ? sink->error : curl_easy_strerror(result));
		r = -EIO;
	}
	curl_slist_free_all(headers);
	return r;
}

const struct sink_kind sink_http = {
	.name = "http", .check = http_check, .new = http_new, .free = http_free, .send = http_send,
};
