/* SPDX-License-Identifier: MIT */

/* es_linux_identity(): the identity of any file of a message. */

#include <string.h>

#include <EndpointSecurity/ESLinux.h>

#include "client.h"
#include "file.h"
#include "identity.h"
#include "util/macro.h"

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), "the numbers are the same")

SAME(ES_LINUX_IDENTITY_PENDING, ES_IDENTITY_PENDING);
SAME(ES_LINUX_IDENTITY_KNOWN, ES_IDENTITY_KNOWN);
SAME(ES_LINUX_IDENTITY_UNKNOWABLE, ES_IDENTITY_NOT);
SAME(ES_LINUX_IDENTITY_REASON_BUSY, ES_IDENTITY_REASON_BUSY);
SAME(ES_LINUX_IDENTITY_REASON_BAD_SIGNATURE, ES_IDENTITY_REASON_MAX - 1);
SAME(ES_LINUX_DIGEST_SHA256, ES_DIGEST_SHA256);
SAME(ES_LINUX_DIGEST_VERITY_SHA512, ES_DIGEST_VERITY_SHA512);

#define COPY(to, from) \
	do { \
		_Static_assert(sizeof(to) == sizeof(from), "it fits"); \
		memcpy((to), (from), sizeof(to)); \
	} while (0)

static void tell(const struct es_identity *from, es_linux_identity_t *to)
{
	*to = (es_linux_identity_t){
		.state = (es_linux_identity_state_t)from->state,
		.reason = (es_linux_identity_reason_t)from->reason,
		.is_packaged = from->flags & ES_IDENTITY_PACKAGED,
		.is_vouched_for = from->flags & (ES_IDENTITY_VENDOR | ES_IDENTITY_SIGNED),
		.is_platform_binary = from->flags & ES_IDENTITY_PLATFORM,
		.digest_kind = (es_linux_digest_t)from->digest_kind,
		.digest_size = es_identity_digest_bytes(from),
	};
	COPY(to->digest, from->digest);
	COPY(to->signing_id, from->signing_id);
	COPY(to->team_id, from->team_id);
	COPY(to->package, from->package);
	COPY(to->vendor, from->vendor);
}

/* For an executable: a process that runs it, by which the daemon finds the file even if its name is gone. Else 0. */
static pid_t runner_of(const struct esl_message *message, const es_file_t *file)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(message->process); i++)
		if (file == &message->executable[i])
			return (pid_t)message->process[i].audit_token.val[5];
	return 0;
}

bool es_linux_identity(es_client_t *pointer, const es_message_t *message, const es_file_t *file,
		       es_linux_identity_t *identity)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = NULL;
	const struct esl_message *owner;
	const struct es_file_part *part;
	struct es_identity found;

	if (!message || !file || !identity)
		return false;
	client = esl_client_get(pointer);
	owner = container_of(message, struct esl_message, message);
	part = esl_file_part(owner, file);
	if (!client || !part ||
	    !esl_identity_of(&client->identity, part, runner_of(owner, file), file->path.data, &found))
		return false;
	tell(&found, identity);
	return true;
}
