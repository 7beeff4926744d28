/* SPDX-License-Identifier: MIT */

/* Each request has the client and the numbers of its lines in Idempotency-Key. It is the same if sent again. */

#include "tools/esship/http-post.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "util/clock.h"

enum { REST_MAX_S = 600, UNSENT_MOST = 128 * 1024 };

const char *http_post_check(const struct sink_config *config)
{
	const char *url = config->url ?: "";
	size_t scheme = !strncmp(url, "http://", 7) ? 7 : !strncmp(url, "https://", 8) ? 8 : 0;

	return scheme && !strchr("/?#", url[scheme]) ? NULL : "url: with http:// or https://, and a host";
}

/* Keeps the beginning of the response, which may say what is wrong. */
static size_t take_answer(char *data, size_t size, size_t count, void *context)
{
	struct http_post *post = context;
	size_t room = sizeof(post->answer) - 1 - post->answer_length, taken = size * count < room ? size * count : room;

	memcpy(post->answer + post->answer_length, data, taken);
	post->answer_length += taken;
	post->answer[post->answer_length] = 0;
	return size * count;
}

/*
 * The server has timeout_ms to take the next bytes of a body, and timeout_ms after the last ones for its whole answer.
 * So a slow server still gets all, and one that drips its answer can't block us. Returns not 0 to end the request.
 */
static int progress(void *context, curl_off_t answer_size, curl_off_t answered, curl_off_t size, curl_off_t sent)
{
	struct http_post *post = context;
	uint64_t now = clock_ns();

	(void)answer_size, (void)answered, (void)size;
	if ((uint64_t)sent != post->sent) {
		post->sent = (uint64_t)sent;
		post->moved_ns = now;
	}
	if (now - post->moved_ns > post->config->timeout_ms * NS_PER_MS)
		post->late = true;
	return post->late || atomic_load(&post->stop->now);
}

/* Keeps the kernel's send queue short, so that progress() sees how fast the server takes data. */
static int set_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
	int most = UNSENT_MOST;

	(void)context, (void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof(most));
	return CURL_SOCKOPT_OK;
}

int http_post_init(struct http_post *post, const struct sink_config *config, const struct sink_stop *stop)
{
	*post = (struct http_post){ .config = config, .stop = stop, .curl = curl_easy_init() };
	return post->curl ? 0 : -ENOMEM;
}

void http_post_deinit(struct http_post *post)
{
	curl_easy_cleanup(post->curl);
}

static struct curl_slist *make_headers(const struct http_post *post, const struct sink_batch *batch, const char *type)
{
	struct curl_slist *headers;
	char key[160];

	snprintf(key, sizeof(key), "Content-Type: %s", type);
	headers = curl_slist_append(NULL, key);
	snprintf(key, sizeof(key), "Idempotency-Key: %s-%ju-%ju", batch->client, (uintmax_t)batch->first,
		 (uintmax_t)batch->last);
	headers = curl_slist_append(headers, key);
	headers = curl_slist_append(headers, "Expect:");
	for (unsigned int i = 0; i < post->config->header_count; i++)
		headers = curl_slist_append(headers, post->config->headers[i]);
	return headers;
}

static void set_options(struct http_post *post, const char *body, size_t length, struct curl_slist *headers)
{
	const struct sink_config *config = post->config;
	CURL *curl = post->curl;

	curl_easy_reset(curl);		/* connections stay */
	curl_easy_setopt(curl, CURLOPT_URL, config->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "esship");
	curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, set_socket);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)config->timeout_ms);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, post->error);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, post);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, post);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	if (config->ca)
		curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca);
	if (config->certificate)
		curl_easy_setopt(curl, CURLOPT_SSLCERT, config->certificate);
	if (config->key)
		curl_easy_setopt(curl, CURLOPT_SSLKEY, config->key);
}

/* Any answer but 2xx means: try again later. If the server says when, wait until then. */
static int judge(struct http_post *post, char *problem)
{
	char url[SINK_URL_BYTES];
	curl_off_t rest = 0;
	long status = 0;

	curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return 0;
	sink_url_shown(url, post->config->url);
	snprintf(problem, SINK_PROBLEM_BYTES, "%s answers %ld", url, status);
	curl_easy_getinfo(post->curl, CURLINFO_RETRY_AFTER, &rest);
	if (rest > REST_MAX_S)
		rest = REST_MAX_S;
	return rest > 0 ? (int)rest * 1000 : -EPROTO;
}

int http_post_send(struct http_post *post, const struct sink_batch *batch, const char *type, const char *body, size_t length,
		   char problem[SINK_PROBLEM_BYTES])
{
	struct curl_slist *headers = make_headers(post, batch, type);
	char url[SINK_URL_BYTES];
	CURLcode result;
	int r;

	set_options(post, body, length, headers);
	post->error[0] = 0;
	post->sent = 0;
	post->moved_ns = clock_ns();
	post->late = false;
	post->answer_length = 0;
	post->answer[0] = 0;
	result = curl_easy_perform(post->curl);
	if (result == CURLE_OK) {
		r = judge(post, problem);
	} else {
		sink_url_shown(url, post->config->url);
		snprintf(problem, SINK_PROBLEM_BYTES, "%s: %.130s", url,
			 post->late ? "no answer in time" : *post->error ? post->error : curl_easy_strerror(result));
		r = -EIO;
	}
	curl_slist_free_all(headers);
	return r;
}
