/* SPDX-License-Identifier: MIT */
#include <EndpointSecurity/EndpointSecurity.h>

/*
 * Muting and the cache of answers are not built yet (docs/status.md). Each function returns
 * the error that its page documents, so that no program believes it has muted what still comes.
 */
#define UNUSED __attribute__((unused))

es_clear_cache_result_t es_clear_cache(UNUSED es_client_t *client)
{
	return ES_CLEAR_CACHE_RESULT_ERR_INTERNAL;
}

es_return_t es_mute_process(UNUSED es_client_t *client, UNUSED const audit_token_t *audit_token)
{
	return ES_RETURN_ERROR;
}

es_return_t es_mute_process_events(UNUSED es_client_t *client, UNUSED const audit_token_t *audit_token,
				   UNUSED const es_event_type_t *events, UNUSED size_t event_count)
{
	return ES_RETURN_ERROR;
}

es_return_t es_unmute_process(UNUSED es_client_t *client, UNUSED const audit_token_t *audit_token)
{
	return ES_RETURN_ERROR;
}

es_return_t es_unmute_process_events(UNUSED es_client_t *client, UNUSED const audit_token_t *audit_token,
				     UNUSED const es_event_type_t *events, UNUSED size_t event_count)
{
	return ES_RETURN_ERROR;
}

es_return_t es_muted_processes(UNUSED es_client_t *client, UNUSED size_t *count, UNUSED audit_token_t **audit_tokens)
{
	return ES_RETURN_ERROR;
}

es_return_t es_muted_processes_events(UNUSED es_client_t *client, UNUSED es_muted_processes_t **muted_processes)
{
	return ES_RETURN_ERROR;
}

/* No list was ever given out. */
void es_release_muted_processes(UNUSED es_muted_processes_t *muted_processes)
{
}

es_return_t es_mute_path(UNUSED es_client_t *client, UNUSED const char *path, UNUSED es_mute_path_type_t type)
{
	return ES_RETURN_ERROR;
}

es_return_t es_mute_path_events(UNUSED es_client_t *client, UNUSED const char *path, UNUSED es_mute_path_type_t type,
				UNUSED const es_event_type_t *events, UNUSED size_t event_count)
{
	return ES_RETURN_ERROR;
}

es_return_t es_mute_path_prefix(es_client_t *client, const char *path_prefix)
{
	return es_mute_path(client, path_prefix, ES_MUTE_PATH_TYPE_PREFIX);
}

es_return_t es_mute_path_literal(es_client_t *client, const char *path_literal)
{
	return es_mute_path(client, path_literal, ES_MUTE_PATH_TYPE_LITERAL);
}

es_return_t es_unmute_path(UNUSED es_client_t *client, UNUSED const char *path, UNUSED es_mute_path_type_t type)
{
	return ES_RETURN_ERROR;
}

es_return_t es_unmute_path_events(UNUSED es_client_t *client, UNUSED const char *path, UNUSED es_mute_path_type_t type,
				  UNUSED const es_event_type_t *events, UNUSED size_t event_count)
{
	return ES_RETURN_ERROR;
}

es_return_t es_unmute_all_paths(UNUSED es_client_t *client)
{
	return ES_RETURN_ERROR;
}

es_return_t es_unmute_all_target_paths(UNUSED es_client_t *client)
{
	return ES_RETURN_ERROR;
}

es_return_t es_muted_paths_events(UNUSED es_client_t *client, UNUSED es_muted_paths_t **muted_paths)
{
	return ES_RETURN_ERROR;
}

void es_release_muted_paths(UNUSED es_muted_paths_t *muted_paths)
{
}

es_return_t es_invert_muting(UNUSED es_client_t *client, UNUSED es_mute_inversion_type_t mute_type)
{
	return ES_RETURN_ERROR;
}

es_mute_inverted_return_t es_muting_inverted(UNUSED es_client_t *client, UNUSED es_mute_inversion_type_t mute_type)
{
	return ES_MUTE_INVERTED_ERROR;
}
