/* SPDX-License-Identifier: MIT */
/*
 * Programs that name many types start: es_subscribe() accepts all NOTIFY types of the header in one call, and all AUTH
 * types whose operation Linux doesn't have. It refuses an AUTH type that Linux has and this sensor can't hold, with
 * all types of the same call. Events that happen are delivered.
 */
#include "es-test.h"

enum wait { ABSENT, REPORT, TOLD, NOTIFY, HELD };

static const struct {
	const char *name;
	enum wait wait;
} types[] = {
#define ES_EVENT(name_, number, payload, answer, hook, wait_, ...) [number] = { #name_, wait_ },
#include "abi/events.def"
};

enum { TYPES = sizeof(types) / sizeof(types[0]) };

static uint32_t collect(es_event_type_t *list, const char *kind, bool absent)
{
	uint32_t count = 0;

	for (int type = 0; type < TYPES; type++)
		if (types[type].name && !strncmp(types[type].name, kind, strlen(kind)) &&
		    (types[type].wait == ABSENT || !absent))
			list[count++] = (es_event_type_t)type;
	return count;
}

static bool is_subscribed(struct test_client *client, uint32_t expected)
{
	es_event_type_t *list;
	size_t count;

	REQUIRE(es_subscriptions(client->client, &count, &list) == ES_RETURN_SUCCESS);
	free(list);
	return count == expected;
}

static bool can_hold_unlink(void)
{
	return system(test_built("tools/esctl capabilities unlink | grep -q holds")) == 0;
}

int main(void)
{
	es_event_type_t notify[TYPES], absent[TYPES + 1];
	uint32_t notify_count = collect(notify, "NOTIFY_", false), absent_count = collect(absent, "AUTH_", true);
	struct test_client *client;
	const char *path;

	test_begin(120);
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	path = test_at("file");
	printf("%u NOTIFY types, %u AUTH types of what Linux doesn't have\n", notify_count, absent_count);
	CHECK(notify_count > 100 && absent_count > 5);
	CHECK_EQUAL(es_subscribe(client->client, notify, notify_count), ES_RETURN_SUCCESS);
	CHECK_EQUAL(es_subscribe(client->client, absent, absent_count), ES_RETURN_SUCCESS);
	CHECK(is_subscribed(client, notify_count + absent_count));
	test_write_file(path, "", 0644);
	test_sync(client);
	CHECK(COUNT(client, .type = ES_NOTIFY(CREATE)) == 1 && COUNT(client, .type = ES_NOTIFY(CLOSE), .path = path) == 1);

	CHECK_EQUAL(es_unsubscribe_all(client->client), ES_RETURN_SUCCESS);
	if (!can_hold_unlink()) {
		absent[absent_count] = ES_AUTH(UNLINK);
		CHECK_EQUAL(es_subscribe(client->client, absent, absent_count + 1), ES_RETURN_ERROR);
		CHECK(is_subscribed(client, 0));
	}
	return test_end();
}
