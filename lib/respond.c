/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "client.h"
#include "events.h"
#include "util/clock.h"
#include "util/macro.h"

/*
 * (A7, F4) Answers. Any thread may answer a message, once. The first caller sets `answered` and gives the answer.
 * Every later caller gets ERR_DUPLICATE_RESPONSE. So does the first caller if the deadline expired before it
 * answered. It gets NOT_FOUND if the task was let go (its type was unsubscribed) or killed meanwhile.
 *
 * With `cache`, `keep` tells the kernel what is allowed and is to be cached: docs/caching.md.
 */
static es_respond_result_t answer(struct es_client_s *client, struct esl_message *message, bool allow, uint32_t keep)
{
	int r;

	if (message->client != client->id)
		return ES_RESPOND_RESULT_NOT_FOUND;
	if (atomic_load(&client->ended))
		return ES_RESPOND_RESULT_ERR_INTERNAL;
	if (atomic_exchange(&message->answered, true))
		return ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE;

	r = esl_gate_answer(client->gate, message->auth_id, allow, keep);
	if (r == -ENOENT && clock_ns() <= message->message.deadline)
		return ES_RESPOND_RESULT_NOT_FOUND;
	if (r == -EALREADY || r == -ENOENT)
		return ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE;
	return r < 0 ? ES_RESPOND_RESULT_ERR_INTERNAL : ES_RESPOND_RESULT_SUCCESS;
}

static es_respond_result_t respond(es_client_t *pointer, const es_message_t *message, enum esl_answer kind, bool allow,
				   uint32_t keep)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);

	if (!client)
		return ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT;
	if (message->action_type != ES_ACTION_TYPE_AUTH || esl_events[message->event_type].answer != kind)
		return ES_RESPOND_RESULT_ERR_EVENT_TYPE;
	return answer(client, container_of(message, struct esl_message, message), allow, keep);
}

static uint32_t keep(bool cache, uint32_t allowed)
{
	return cache ? ES_VERDICT_KEEP | (allowed & ES_VERDICT_FLAGS_MASK) << ES_VERDICT_FLAGS_SHIFT : 0;
}

es_respond_result_t es_respond_auth_result(es_client_t *client, const es_message_t *message, es_auth_result_t result,
					   bool cache)
{
	if (!client || !message || (result != ES_AUTH_RESULT_ALLOW && result != ES_AUTH_RESULT_DENY))
		return ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT;
	return respond(client, message, ESL_ANSWER_RESULT, result == ES_AUTH_RESULT_ALLOW,
		       keep(cache, result == ES_AUTH_RESULT_ALLOW));
}

es_respond_result_t es_respond_flags_result(es_client_t *client, const es_message_t *message, uint32_t authorized_flags,
					    bool cache)
{
	if (!client || !message)
		return ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT;
	return respond(client, message, ESL_ANSWER_FLAGS, !((uint32_t)message->event.open.fflag & ~authorized_flags),
		       keep(cache, authorized_flags));
}
