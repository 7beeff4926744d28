/* SPDX-License-Identifier: MIT */

/* TLS by OpenSSL: the server's certificate must be from this CA (or one that the system trusts), and for this name. */

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/esship/wire.h"

enum { HEAR_MOST = 16 };		/* reads at a time from a server that keeps sending */

const char *const tls_absent;

struct tls {
	SSL_CTX *context;
	SSL *ssl;
};

static int failed(char *problem, const struct tls *tls)
{
	long verify = tls->ssl ? SSL_get_verify_result(tls->ssl) : X509_V_OK;
	unsigned long error = ERR_peek_last_error();
	const char *reason = error ? ERR_reason_error_string(error) : NULL;

	if (verify != X509_V_OK)
		snprintf(problem, SINK_PROBLEM_BYTES, "%s", X509_verify_cert_error_string(verify));
	else
		snprintf(problem, SINK_PROBLEM_BYTES, "%s", reason ?: error ? "an error of OpenSSL" : "the connection ended");
	ERR_clear_error();
	return -EPROTO;
}

/* For a key with a passphrase: there is no user to ask. */
static int no_passphrase(char *buffer, int size, int writing, void *context)
{
	(void)buffer, (void)size, (void)writing, (void)context;
	return -1;
}

/* The certificate's file may also have the key. */
static int load(struct tls *tls, const struct sink_config *config)
{
	const char *key = config->key ?: config->certificate;
	int good = config->ca ? SSL_CTX_load_verify_file(tls->context, config->ca) :
		   SSL_CTX_set_default_verify_paths(tls->context);

	if (good == 1 && config->certificate)
		good = SSL_CTX_use_certificate_chain_file(tls->context, config->certificate);
	SSL_CTX_set_default_passwd_cb(tls->context, no_passphrase);
	if (good == 1 && key)
		good = SSL_CTX_use_PrivateKey_file(tls->context, key, SSL_FILETYPE_PEM);
	return good;
}

int tls_new(struct tls **ret, const struct sink_config *config, int fd, char problem[SINK_PROBLEM_BYTES])
{
	struct tls *tls = calloc(1, sizeof(*tls));
	int r;

	if (!tls)
		return -ENOMEM;
	tls->context = SSL_CTX_new(TLS_client_method());
	if (!tls->context || load(tls, config) != 1) {
		r = failed(problem, tls);
		tls_free(tls);
		return r;
	}
	SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
	SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	tls->ssl = SSL_new(tls->context);
	if (!tls->ssl || SSL_set_fd(tls->ssl, fd) != 1 || SSL_set_tlsext_host_name(tls->ssl, config->host) != 1 ||
	    (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), config->host) != 1 &&
	     SSL_set1_host(tls->ssl, config->host) != 1)) {
		r = failed(problem, tls);
		tls_free(tls);
		return r;
	}
	SSL_set_connect_state(tls->ssl);
	ERR_clear_error();
	*ret = tls;
	return 0;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	SSL_CTX_free(tls->context);
	free(tls);
}

static int wants(const struct tls *tls, int result, char *problem)
{
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return TLS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WRITE;
	default:
		return failed(problem, tls);
	}
}

int tls_handshake(struct tls *tls, char problem[SINK_PROBLEM_BYTES])
{
	int result = SSL_do_handshake(tls->ssl);

	return result == 1 ? 0 : wants(tls, result, problem);
}

int tls_write(struct tls *tls, const char *data, size_t length, size_t *ret, char problem[SINK_PROBLEM_BYTES])
{
	int result = SSL_write_ex(tls->ssl, data, length, ret);

	return result == 1 ? 0 : wants(tls, result, problem);
}

bool tls_is_early(const struct tls *tls)
{
	return SSL_version(tls->ssl) >= TLS1_3_VERSION;
}

int tls_hear(struct tls *tls, char problem[SINK_PROBLEM_BYTES])
{
	char useless[4096];
	int result = 1;

	for (int i = 0; i < HEAR_MOST && result > 0; i++)
		result = SSL_read(tls->ssl, useless, sizeof(useless));
	if (result > 0)
		return 0;
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -ECONNRESET;
	default:
		return failed(problem, tls);
	}
}
