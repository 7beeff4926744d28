/* SPDX-License-Identifier: MIT */
#include "tools/esship/source.h"

#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <EndpointSecurity/ESLinux.h>

#include "util/log.h"

enum { DRAIN_S = 3 };

static bool passes(const struct source *source, const es_message_t *message)
{
	es_string_token_t path = message->process->executable->path;
	cfg_t *cfg = source->config->cfg;
	unsigned int count = cfg_size(cfg, "select");
	bool selected = !count;

	if (source->config->only_denied && !event_is_denied(message))
		return false;
	for (unsigned int i = 0; i < count && !selected; i++) {
		const char *prefix = cfg_getnstr(cfg, "select", i);
		size_t length = strlen(prefix);

		selected = path.length >= length && !memcmp(path.data, prefix, length);
	}
	return selected;
}

static void handle(es_client_t *client, const es_message_t *message, void *context)
{
	struct source *source = context;

	(void)client;
	if (message->global_seq_num > source->next)
		intake_lost(source->intake, message->global_seq_num - source->next);
	source->next = message->global_seq_num + 1;
	if (passes(source, message))
		intake_message(source->intake, message);
}

/* Mutes esship itself: else writing the spool would cause more events. */
static void mute_ourselves(es_client_t *client)
{
	audit_token_t token;

	if (es_linux_own_token(&token) == ES_RETURN_SUCCESS)
		(void)es_mute_process(client, &token);
}

static bool mute_list(es_client_t *client, cfg_t *cfg, const char *name, es_mute_path_type_t type)
{
	for (unsigned int i = 0; i < cfg_size(cfg, name); i++) {
		if (es_mute_path(client, cfg_getnstr(cfg, name, i), type) == ES_RETURN_SUCCESS)
			continue;
		log_error("%s: %s can't be muted", name, cfg_getnstr(cfg, name, i));
		return false;
	}
	return true;
}

static bool mute(es_client_t *client, cfg_t *cfg)
{
	mute_ourselves(client);
	if (!mute_list(client, cfg, "mute", ES_MUTE_PATH_TYPE_PREFIX) ||
	    !mute_list(client, cfg, "mute-target", ES_MUTE_PATH_TYPE_TARGET_PREFIX) ||
	    !mute_list(client, cfg, "target", ES_MUTE_PATH_TYPE_TARGET_PREFIX))
		return false;
	return !cfg_size(cfg, "target") ||
	       es_invert_muting(client, ES_MUTE_INVERSION_TYPE_TARGET_PATH) == ES_RETURN_SUCCESS;
}

/* A subscription is all or nothing. If it fails, finds out which event isn't available. */
static int subscribe(struct source *source)
{
	const struct config *config = source->config;

	if (es_subscribe(source->client, config->events, config->event_count) == ES_RETURN_SUCCESS)
		return EX_OK;
	for (uint32_t i = 0; i < config->event_count; i++)
		if (es_subscribe(source->client, &config->events[i], 1) != ES_RETURN_SUCCESS)
			log_error("%s can't be delivered on this system; `esctl capabilities' says why",
				  event_name(config->events[i]));
	return EX_UNAVAILABLE;
}

int source_start(struct source *source, const struct config *config, struct intake *intake)
{
	es_new_client_result_t result;
	int status;

	*source = (struct source){ .config = config, .intake = intake };
	result = es_new_client_f(&source->client, handle, source);
	if (result != ES_NEW_CLIENT_RESULT_SUCCESS) {
		log_error("no client: %s", es_linux_new_client_result_name(result));
		return result == ES_NEW_CLIENT_RESULT_ERR_INTERNAL || result == ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS ?
		       EX_UNAVAILABLE : EX_NOPERM;
	}
	status = mute(source->client, config->cfg) ? subscribe(source) : EX_CONFIG;
	if (status != EX_OK) {
		es_delete_client(source->client);
		source->client = NULL;
	}
	return status;
}

static void drained(void *context)
{
	sem_post(context);
}

void source_stop(struct source *source)
{
	static sem_t done;		/* the client may still post it after the time-out */
	struct timespec until;

	if (!source->client)
		return;
	sem_init(&done, 0, 0);
	es_unsubscribe_all(source->client);
	if (es_sync_client_f(source->client, drained, &done) == ES_RETURN_SUCCESS) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += DRAIN_S;
		while (sem_clockwait(&done, CLOCK_MONOTONIC, &until) < 0 && errno == EINTR)
			;
	}
	es_delete_client(source->client);
	source->client = NULL;
}
