/* SPDX-License-Identifier: MIT */
#pragma once

/* POSTs to an HTTP server, for the sinks that do so: http and otlp. */

#include <curl/curl.h>

#include "tools/esship/sink.h"

enum { HTTP_ANSWER_BYTES = 4096 };

/* For one POST after the other, over kept connections. Belongs to a sink's thread. */
struct http_post {
	const struct sink_config *config;
	const struct sink_stop *stop;
	CURL *curl;
	uint64_t sent, moved_ns;	/* bytes of the body sent, and when the last of them was */
	bool late;			/* that is too long ago */
	char error[CURL_ERROR_SIZE];
	char answer[HTTP_ANSWER_BYTES];	/* the beginning of the response's body, with a NUL */
	size_t answer_length;
};

/* NULL, or what is missing in the configuration. */
const char *http_post_check(const struct sink_config *config);
int http_post_init(struct http_post *post, const struct sink_config *config, const struct sink_stop *stop);
void http_post_deinit(struct http_post *post);

/* The result is as a sink's send(): 0 for an answer of 2xx. `type` is that of the body. */
int http_post_send(struct http_post *post, const struct sink_batch *batch, const char *type, const char *body, size_t length,
		   char problem[SINK_PROBLEM_BYTES]);
