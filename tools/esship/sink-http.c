/* SPDX-License-Identifier: MIT */

/* An HTTP server: lines are the body of a POST (NDJSON). An answer of 2xx acknowledges them. */

#include <errno.h>
#include <stdlib.h>

#include "tools/esship/http-post.h"

static int http_new(void **ret, const struct sink_config *config, const struct sink_stop *stop)
{
	struct http_post *post = malloc(sizeof(*post));

	if (!post)
		return -ENOMEM;
	if (http_post_init(post, config, stop) < 0) {
		free(post);
		return -ENOMEM;
	}
	*ret = post;
	return 0;
}

static void http_free(void *context)
{
	http_post_deinit(context);
	free(context);
}

static int http_send(void *context, const struct sink_batch *batch, char problem[SINK_PROBLEM_BYTES])
{
	return http_post_send(context, batch, "application/x-ndjson", batch->lines, batch->length, problem);
}

const struct sink_kind sink_http = {
	.name = "http", .check = http_post_check, .new = http_new, .free = http_free, .send = http_send,
};
