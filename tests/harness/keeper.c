/* SPDX-License-Identifier: MIT */
#include "keeper.h"

static void answer(struct test_client *client, const es_message_t *message)
{
	struct keeper *keeper = client->context;

	keeper->asked++;
	if (keeper->before)
		keeper->before(keeper->context);
	if (message->event_type == ES_AUTH(OPEN))
		es_respond_flags_result(client->client, message, keeper->allowed, keeper->cache);
	else
		es_respond_auth_result(client->client, message,
				       keeper->allowed ? ES_AUTH_RESULT_ALLOW : ES_AUTH_RESULT_DENY, keeper->cache);
}

void keeper_start(struct keeper *keeper, uint32_t allowed)
{
	keeper->allowed = allowed;
	keeper->cache = true;
	keeper->client = test_client(answer, keeper);
}

unsigned int keeper_asked(struct keeper *keeper)
{
	unsigned int asked = keeper->asked, seen = keeper->seen;

	keeper->seen = asked;
	return asked - seen;
}

unsigned long cache_number(const char *name)
{
	FILE *pipe = popen(test_built("tools/esctl cache"), "r");
	char line[256], word[64];
	unsigned long number = 0, found = 0;

	REQUIRE(pipe != NULL);
	while (fgets(line, sizeof(line), pipe)) {
		unsigned long value;

		if (sscanf(line, "%63s %lu", word, &value) == 2 && !strcmp(word, name)) {
			number = value;
			found++;
		}
	}
	REQUIRE(pclose(pipe) == 0);
	REQUIRE(found == 1);
	return number;
}

void cache_require(struct keeper *keeper)
{
	const es_event_type_t type = ES_AUTH(CHROOT);

	if (es_subscribe(keeper->client->client, &type, 1) != ES_RETURN_SUCCESS)
		test_skip("keeping answers: BPF LSM programs");
	REQUIRE(es_unsubscribe(keeper->client->client, &type, 1) == ES_RETURN_SUCCESS);
}
