/* SPDX-License-Identifier: MIT */
#include "tools/esship/sink.h"

#include <stdio.h>
#include <string.h>

#include "util/macro.h"

const char sink_names[] = "file, http, journal, kafka, nats, otlp and syslog";

const struct sink_kind *sink_find(const char *type)
{
	static const struct sink_kind *const kinds[] = {
		&sink_file, &sink_http, &sink_journal, &sink_kafka, &sink_nats, &sink_otlp, &sink_syslog,
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i]->name, type))
			return kinds[i];
	return NULL;
}

/* "host:port/path@x", or "user:pass/word@host"? */
static bool is_doubtful(const char *host, const char *authority_end, const char *end)
{
	size_t length = (size_t)(authority_end - host);

	return *host != '[' && memchr(host, ':', length) && !memchr(host, '@', length) &&
	       memchr(authority_end, '@', (size_t)(end - authority_end));
}

void sink_url_shown(char ret[SINK_URL_BYTES], const char *urls)
{
	size_t used = 0;

	while (*urls && used < SINK_URL_BYTES - 1) {
		const char *host = strstr(urls, "://"), *end = urls + strcspn(urls, ","), *authority_end, *at;

		host = host && host < end ? host + strlen("://") : urls;
		authority_end = host + strcspn(host, "/?#,");
		at = memrchr(host, '@', (size_t)(authority_end - host));
		if (is_doubtful(host, authority_end, end))
			at = host + strcspn(host, "?#,") - 1;	/* nothing of it */
		used += (size_t)snprintf(ret + used, SINK_URL_BYTES - used, "%.*s%.*s%s", (int)(host - urls), urls,
					 (int)(host + strcspn(host, "?#,") - (at ? at + 1 : host)), at ? at + 1 : host,
					 *end ? "," : "");
		urls = end + !!*end;
	}
	ret[used < SINK_URL_BYTES ? used : SINK_URL_BYTES - 1] = 0;
}
