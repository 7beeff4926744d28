/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client.h"
#include "events.h"
#include "log.h"
#include "util/macro.h"

/* The daemon keeps the subscriptions; the library has a copy from the daemon's last reply. */

/* Numbers that are no event are skipped. False: there is a count, but no list. */
static bool collect(const es_event_type_t *events, uint32_t count, uint64_t types[ES_TYPE_WORDS])
{
	if (!events && count)
		return false;
	memset(types, 0, ES_TYPE_WORDS * sizeof(types[0]));
	for (uint32_t i = 0; i < count; i++)
		if ((unsigned int)events[i] < ES_EVENT_TYPES)
			esl_types_add(types, events[i]);
	return true;
}

/* On macOS these three are for Apple's own programs. */
static bool is_closed(const uint64_t types[ES_TYPE_WORDS])
{
	return esl_types_has(types, ES_EVENT_TYPE_RESERVED_0) || esl_types_has(types, ES_EVENT_TYPE_RESERVED_1) ||
	       esl_types_has(types, ES_EVENT_TYPE_RESERVED_2);
}

static void explain(const struct es_reply *reply, int error)
{
	const char *name = es_linux_event_name((es_event_type_t)reply->refused_type);

	if (error == EOPNOTSUPP && name)
		esl_log("cannot subscribe to %s on this system: `esctl capabilities` says why, and what can be had",
			name);
	else
		esl_log("the daemon refused a change of subscriptions (%s); its log says why", esl_errno(error));
}

void esl_client_say_silent(struct es_client_s *client, const struct es_reply *reply)
{
	const char *name = reply->value ? es_linux_event_name((es_event_type_t)(reply->value - 1)) : NULL;

	if (name && !atomic_exchange(&client->silence_said, true))
		esl_log("muting of targets is inverted, and no target is listed for %s: none of these events will come "
			"until one is, see es_invert_muting(3)", name);
}

static es_return_t change(struct es_client_s *client, enum es_request_op op, const uint64_t types[ES_TYPE_WORDS])
{
	struct es_reply reply;
	int r;

	if (atomic_load(&client->ended))
		return ES_RETURN_ERROR;
	atomic_fetch_add_explicit(&client->changes, 1, memory_order_release);
	pthread_mutex_lock(&client->subscribe_lock);
	for (int i = 0; op == ES_REQUEST_SUBSCRIBE && i < ES_TYPE_WORDS; i++)
		atomic_fetch_or(&client->wanted[i], types[i]);		/* the first may come before the reply */
	r = esl_control_request(&client->control, op, types, &reply);
	if (r == 0)
		memcpy(client->types, reply.types, sizeof(client->types));
	for (int i = 0; i < ES_TYPE_WORDS; i++)
		atomic_store(&client->wanted[i], client->types[i]);
	pthread_mutex_unlock(&client->subscribe_lock);
	if (r > 0)
		explain(&reply, r);
	if (r == 0)
		esl_client_say_silent(client, &reply);
	return r == 0 ? ES_RETURN_SUCCESS : ES_RETURN_ERROR;
}

es_return_t es_subscribe(es_client_t *pointer, const es_event_type_t *events, uint32_t event_count)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);
	uint64_t types[ES_TYPE_WORDS];

	if (!client || !collect(events, event_count, types))
		return ES_RETURN_ERROR;
	if (is_closed(types)) {
		esl_log("cannot subscribe to the types RESERVED_0 to RESERVED_2: leave them out of the list");
		return ES_RETURN_ERROR;
	}
	if (!event_count)
		return ES_RETURN_SUCCESS;
	return change(client, ES_REQUEST_SUBSCRIBE, types);
}

/*
 * Tasks that wait for an answer to a type that was given up are let go. When membarrier(2) returns, any kernel
 * program that was just making a message of such a type has finished. So all messages that still come are in the
 * ring, before the position that es_sync_client() marks.
 */
static es_return_t unsubscribe(struct es_client_s *client, const uint64_t types[ES_TYPE_WORDS])
{
	es_return_t result = change(client, ES_REQUEST_UNSUBSCRIBE, types);

	if (result != ES_RETURN_SUCCESS)
		return result;
	(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	esl_gate_let_go(client->gate, types);
	return result;
}

es_return_t es_unsubscribe(es_client_t *pointer, const es_event_type_t *events, uint32_t event_count)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);
	uint64_t types[ES_TYPE_WORDS];

	if (!client || !collect(events, event_count, types))
		return ES_RETURN_ERROR;
	if (!event_count)
		return ES_RETURN_SUCCESS;
	return unsubscribe(client, types);
}

es_return_t es_unsubscribe_all(es_client_t *pointer)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);
	uint64_t types[ES_TYPE_WORDS] = {};

	if (!client)
		return ES_RETURN_ERROR;
	for (uint32_t type = 0; type < ES_EVENT_TYPES; type++)
		esl_types_add(types, type);
	return unsubscribe(client, types);
}

es_return_t es_subscriptions(es_client_t *pointer, size_t *ret_count, es_event_type_t **ret_subscriptions)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);
	es_event_type_t *list;
	size_t count = 0;

	if (!client || !ret_count || !ret_subscriptions || atomic_load(&client->ended))
		return ES_RETURN_ERROR;
	list = calloc(ES_EVENT_TYPES, sizeof(*list));
	if (!list)
		return ES_RETURN_ERROR;

	pthread_mutex_lock(&client->subscribe_lock);
	for (uint32_t type = 0; type < ES_EVENT_TYPES; type++)
		if (esl_types_has(client->types, type))
			list[count++] = (es_event_type_t)type;
	pthread_mutex_unlock(&client->subscribe_lock);

	*ret_count = count;
	*ret_subscriptions = list;
	return ES_RETURN_SUCCESS;
}
