/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "events.h"
#include "log.h"
#include "util/macro.h"

/*
 * How long this client has for an answer, and what happens when it takes longer. The daemon keeps both where the
 * kernel programs read them, so a change applies to the questions that are asked after it.
 */

_Static_assert((int)ES_DEADLINE_MISS_MODE_KILL == (int)ES_MISS_KILL &&
	       (int)ES_DEADLINE_MISS_MODE_FAIL_CLOSED == (int)ES_MISS_DENY &&
	       (int)ES_DEADLINE_MISS_MODE_FAIL_OPEN == (int)ES_MISS_ALLOW, "modes are passed on as they are");

static void explain(const struct es_request *request, int error)
{
	if (error == EINVAL && request->op == ES_REQUEST_SET_DEADLINE_MAX)
		esl_log("es_set_deadline_max_milliseconds(): %u ms is not possible for these events; the list may have "
			"AUTH events only, and the system's own deadline (esctl status) is the most", request->value);
	else if (error == EPERM)
		esl_log("a minimum for deadlines is for clients that see their own descendants only");
	else
		esl_log("the daemon refused a change of deadlines: %s", esl_errno(error));
}

static bool ask(struct es_client_s *client, struct es_request *request, struct es_reply *ret_reply)
{
	int r;

	if (atomic_load(&client->ended))
		return false;
	request->abi = ES_ABI_VERSION;
	r = esl_control_ask(&client->control, request, NULL, ret_reply, NULL, 0);
	if (r > 0)
		explain(request, r);
	return r == 0;
}

es_return_t es_set_deadline_miss_mode(es_client_t *pointer, es_deadline_miss_mode_t mode)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);
	struct es_request request = { .op = ES_REQUEST_SET_MISS_MODE, .value = (uint32_t)mode };
	struct es_reply reply;

	if (!client || !ask(client, &request, &reply))
		return ES_RETURN_ERROR;
	esl_gate_set_miss_mode(client->gate, (uint32_t)mode);
	return ES_RETURN_SUCCESS;
}

static es_return_t get(es_client_t *pointer, enum es_request_op op, uint32_t type, uint32_t *ret_value)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);
	struct es_request request = { .op = op, .value = type };
	struct es_reply reply;

	if (!client || !ask(client, &request, &reply))
		return ES_RETURN_ERROR;
	*ret_value = reply.value;
	return ES_RETURN_SUCCESS;
}

es_return_t es_get_deadline_miss_mode(es_client_t *pointer, es_deadline_miss_mode_t *ret_mode)
{
	uint32_t mode;

	if (!ret_mode || get(pointer, ES_REQUEST_GET_MISS_MODE, 0, &mode) != ES_RETURN_SUCCESS)
		return ES_RETURN_ERROR;
	*ret_mode = (es_deadline_miss_mode_t)mode;
	return ES_RETURN_SUCCESS;
}

/* Numbers that are no event are skipped, as in all lists. */
static es_return_t set(es_client_t *pointer, enum es_request_op op, const es_event_type_t *events, uint32_t count,
		       uint32_t milliseconds)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);
	struct es_request request = { .op = op, .value = milliseconds };
	struct es_reply reply;

	if (!client || (!events && count))
		return ES_RETURN_ERROR;
	for (uint32_t i = 0; i < count; i++)
		if ((unsigned int)events[i] < ES_EVENT_TYPES)
			esl_types_add(request.types, events[i]);
	return ask(client, &request, &reply) ? ES_RETURN_SUCCESS : ES_RETURN_ERROR;
}

es_return_t es_set_deadline_max_milliseconds(es_client_t *client, const es_event_type_t *events, uint32_t event_count,
					     uint32_t milliseconds)
{
	return set(client, ES_REQUEST_SET_DEADLINE_MAX, events, event_count, milliseconds);
}

es_return_t es_get_deadline_max_milliseconds(es_client_t *client, es_event_type_t event, uint32_t *ret_milliseconds)
{
	return ret_milliseconds ? get(client, ES_REQUEST_GET_DEADLINE_MAX, event, ret_milliseconds) : ES_RETURN_ERROR;
}

es_return_t es_set_deadline_min_milliseconds(es_client_t *client, const es_event_type_t *events, uint32_t event_count,
					     uint32_t milliseconds)
{
	return set(client, ES_REQUEST_SET_DEADLINE_MIN, events, event_count, milliseconds);
}

es_return_t es_get_deadline_min_milliseconds(es_client_t *client, es_event_type_t event, uint32_t *ret_milliseconds)
{
	return ret_milliseconds ? get(client, ES_REQUEST_GET_DEADLINE_MIN, event, ret_milliseconds) : ES_RETURN_ERROR;
}
