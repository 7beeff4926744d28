/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "client.h"
#include "log.h"
#include "util/macro.h"

/* The kernel keeps the cache of answers, and the daemon empties it. */
es_clear_cache_result_t es_clear_cache(es_client_t *pointer)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);
	struct es_reply reply;
	int r;

	if (!client || atomic_load(&client->ended))
		return ES_CLEAR_CACHE_RESULT_ERR_INTERNAL;
	r = esl_control_request(&client->control, ES_REQUEST_CLEAR_CACHE, NULL, &reply);
	if (r == EBUSY)
		return ES_CLEAR_CACHE_RESULT_ERR_THROTTLE;
	if (r > 0)
		esl_log("the daemon could not empty the cache (%s); its log says why", esl_errno(r));
	return r == 0 ? ES_CLEAR_CACHE_RESULT_SUCCESS : ES_CLEAR_CACHE_RESULT_ERR_INTERNAL;
}
