/* SPDX-License-Identifier: MIT */
#include <EndpointSecurity/ESLinux.h>

#include "util/macro.h"

/* The names of constants, for logs: results as they stand in the headers. */

#define NAME(constant) [constant] = #constant

static const char *name_of(const char *const *names, size_t count, unsigned int value)
{
	return value < count ? names[value] : NULL;
}

const char *es_linux_return_name(es_return_t result)
{
	static const char *const names[] = { NAME(ES_RETURN_SUCCESS), NAME(ES_RETURN_ERROR) };

	return name_of(names, ARRAY_SIZE(names), (unsigned int)result);
}

const char *es_linux_respond_result_name(es_respond_result_t result)
{
	static const char *const names[] = {
		NAME(ES_RESPOND_RESULT_SUCCESS), NAME(ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT),
		NAME(ES_RESPOND_RESULT_ERR_INTERNAL), NAME(ES_RESPOND_RESULT_NOT_FOUND),
		NAME(ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE), NAME(ES_RESPOND_RESULT_ERR_EVENT_TYPE),
	};

	return name_of(names, ARRAY_SIZE(names), (unsigned int)result);
}

const char *es_linux_new_client_result_name(es_new_client_result_t result)
{
	static const char *const names[] = {
		NAME(ES_NEW_CLIENT_RESULT_SUCCESS), NAME(ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT),
		NAME(ES_NEW_CLIENT_RESULT_ERR_INTERNAL), NAME(ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED),
		NAME(ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED), NAME(ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED),
		NAME(ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS),
	};

	return name_of(names, ARRAY_SIZE(names), (unsigned int)result);
}

const char *es_linux_clear_cache_result_name(es_clear_cache_result_t result)
{
	static const char *const names[] = {
		NAME(ES_CLEAR_CACHE_RESULT_SUCCESS), NAME(ES_CLEAR_CACHE_RESULT_ERR_INTERNAL),
		NAME(ES_CLEAR_CACHE_RESULT_ERR_THROTTLE),
	};

	return name_of(names, ARRAY_SIZE(names), (unsigned int)result);
}

const char *es_linux_mute_inverted_name(es_mute_inverted_return_t result)
{
	static const char *const names[] = {
		NAME(ES_MUTE_INVERTED), NAME(ES_MUTE_NOT_INVERTED), NAME(ES_MUTE_INVERTED_ERROR),
	};

	return name_of(names, ARRAY_SIZE(names), (unsigned int)result);
}

const char *es_linux_runtime_name(es_linux_runtime_t runtime)
{
	static const char *const names[] = {
		[ES_LINUX_RUNTIME_OTHER] = "other", [ES_LINUX_RUNTIME_DOCKER] = "docker",
		[ES_LINUX_RUNTIME_CONTAINERD] = "containerd", [ES_LINUX_RUNTIME_CRIO] = "cri-o",
		[ES_LINUX_RUNTIME_PODMAN] = "podman", [ES_LINUX_RUNTIME_LXC] = "lxc",
		[ES_LINUX_RUNTIME_NSPAWN] = "systemd-nspawn",
	};

	return name_of(names, ARRAY_SIZE(names), (unsigned int)runtime);
}

uint32_t es_linux_version(void)
{
	return ES_LINUX_VERSION;
}
