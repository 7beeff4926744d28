/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <EndpointSecurity/ESLinux.h>

#include "test.h"

/* Results have the names of their constants, numbers that are none have none; versions agree. */

#define CHECK_NAME(function, constant) CHECK(!strcmp(function(constant), #constant))

static void results(void)
{
	CHECK_NAME(es_linux_return_name, ES_RETURN_SUCCESS);
	CHECK_NAME(es_linux_return_name, ES_RETURN_ERROR);
	CHECK(!es_linux_return_name((es_return_t)2) && !es_linux_return_name((es_return_t)-1));
	CHECK_NAME(es_linux_respond_result_name, ES_RESPOND_RESULT_SUCCESS);
	CHECK_NAME(es_linux_respond_result_name, ES_RESPOND_RESULT_NOT_FOUND);
	CHECK_NAME(es_linux_respond_result_name, ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);
	CHECK_NAME(es_linux_respond_result_name, ES_RESPOND_RESULT_ERR_EVENT_TYPE);
	CHECK(!es_linux_respond_result_name((es_respond_result_t)6));
	CHECK_NAME(es_linux_new_client_result_name, ES_NEW_CLIENT_RESULT_SUCCESS);
	CHECK_NAME(es_linux_new_client_result_name, ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED);
	CHECK_NAME(es_linux_new_client_result_name, ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS);
	CHECK(!es_linux_new_client_result_name((es_new_client_result_t)7));
	CHECK_NAME(es_linux_clear_cache_result_name, ES_CLEAR_CACHE_RESULT_ERR_THROTTLE);
	CHECK(!es_linux_clear_cache_result_name((es_clear_cache_result_t)3));
	CHECK_NAME(es_linux_mute_inverted_name, ES_MUTE_NOT_INVERTED);
	CHECK_NAME(es_linux_mute_inverted_name, ES_MUTE_INVERTED_ERROR);
	CHECK(!es_linux_mute_inverted_name((es_mute_inverted_return_t)3));
}

/* es_linux_result_name() finds the function by the type. */
static void by_type(void)
{
	es_return_t result = ES_RETURN_ERROR;
	es_respond_result_t response = ES_RESPOND_RESULT_ERR_INTERNAL;
	es_new_client_result_t client = ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
	es_clear_cache_result_t cache = ES_CLEAR_CACHE_RESULT_ERR_INTERNAL;
	es_mute_inverted_return_t inverted = ES_MUTE_INVERTED;

	CHECK(!strcmp(es_linux_result_name(result), "ES_RETURN_ERROR"));
	CHECK(!strcmp(es_linux_result_name(response), "ES_RESPOND_RESULT_ERR_INTERNAL"));
	CHECK(!strcmp(es_linux_result_name(client), "ES_NEW_CLIENT_RESULT_ERR_INTERNAL"));
	CHECK(!strcmp(es_linux_result_name(cache), "ES_CLEAR_CACHE_RESULT_ERR_INTERNAL"));
	CHECK(!strcmp(es_linux_result_name(inverted), "ES_MUTE_INVERTED"));
}

static void runtimes(void)
{
	for (unsigned int i = 0; i <= ES_LINUX_RUNTIME_NSPAWN; i++)
		CHECK(es_linux_runtime_name((es_linux_runtime_t)i));
	CHECK(!strcmp(es_linux_runtime_name(ES_LINUX_RUNTIME_CONTAINERD), "containerd"));
	CHECK(!es_linux_runtime_name((es_linux_runtime_t)(ES_LINUX_RUNTIME_NSPAWN + 1)));
}

static void version(void)
{
	unsigned int major, minor, patch;

	CHECK(es_linux_version() == ES_LINUX_VERSION);
	CHECK(!strcmp(ES_LINUX_VERSION_STRING, ES_VERSION));	/* that of meson.build */
	CHECK(sscanf(ES_LINUX_VERSION_STRING, "%u.%u.%u", &major, &minor, &patch) == 3);
	CHECK(ES_LINUX_VERSION_NUMBER(major, minor, patch) == ES_LINUX_VERSION);
	CHECK(ES_LINUX_VERSION_NUMBER(1, 0, 0) > ES_LINUX_VERSION_NUMBER(0, 255, 255));
}

static void token(void)
{
	audit_token_t words = { { 1, 2, 3, 4, 5, 6, 7, 8 } };

	CHECK(es_linux_token_auid(words) == 1 && es_linux_token_euid(words) == 2);
	CHECK(es_linux_token_pid(words) == 6 && es_linux_token_pidversion(words) == 8);
}

int main(void)
{
	results();
	by_type();
	runtimes();
	version();
	token();
	return 0;
}
