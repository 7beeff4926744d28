/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "util/clock.h"
#include "util/macro.h"

#define RENEW_NS (5000 * NS_PER_MS)
#define WAIT_STEP_NS (int64_t)(WAIT_STEP_MS * NS_PER_MS)
#define WAIT_MAX_NS (int64_t)(WAIT_MAX_MS * NS_PER_MS)

enum {
	WAIT_SHARE = 8,			/* waits for one part in eight of the time left */
	WAIT_MAX_MS = 1000,
	WAIT_STEP_MS = 50,		/* between checks whether the client is being deleted */
};

int esl_identity_open(struct esl_identity *identity, struct esl_control *control)
{
	int fds[ES_IDENTITY_FDS] = { -1, -1 };
	void *table;
	int r;

	r = esl_control_descriptors(control, ES_REQUEST_IDENTITY, fds, ES_IDENTITY_FDS);
	if (r)
		return r == ENODATA || r == EPERM ? 0 : r < 0 ? r : -r;
	table = mmap(NULL, sizeof(*identity->table), PROT_READ, MAP_SHARED, fds[ES_IDENTITY_FD_TABLE], 0);
	r = table == MAP_FAILED ? -errno : 0;
	closep(&fds[ES_IDENTITY_FD_TABLE]);
	if (r < 0) {
		closep(&fds[ES_IDENTITY_FD_WANTS]);
		return r;
	}
	identity->table = table;
	identity->wants_fd = fds[ES_IDENTITY_FD_WANTS];
	return 0;
}

void esl_identity_close(struct esl_identity *identity)
{
	if (!identity->table)
		return;
	munmap((void *)identity->table, sizeof(*identity->table));
	closep(&identity->wants_fd);
	identity->table = NULL;
	identity->wants_fd = -1;
}

/*
 * Other threads may be looking at the table, and asking: so what is new takes the place of what is old, by address and by
 * number. A request while the next daemon is still beginning would wait for that.
 */
void esl_identity_renew(struct esl_identity *identity, struct esl_control *control)
{
	struct esl_identity next = { .wants_fd = -1 };

	if (!identity->gone || clock_ns() - identity->gone_ns < RENEW_NS)
		return;
	identity->gone_ns = clock_ns();
	if (esl_identity_open(&next, control) < 0 || !next.table)
		return;
	if (mremap((void *)next.table, sizeof(*next.table), sizeof(*next.table), MREMAP_MAYMOVE | MREMAP_FIXED,
		   (void *)identity->table) != MAP_FAILED)
		next.table = NULL;
	if (!next.table && dup3(next.wants_fd, identity->wants_fd, O_CLOEXEC) >= 0)
		identity->gone = false;
	closep(&next.wants_fd);
	if (next.table)
		munmap((void *)next.table, sizeof(*next.table));
}

/* ---- asking ---- */

/* Never waits. If the socket is full, the next message asks again. */
static void ask(struct esl_identity *identity, const struct es_file_version *version, pid_t pid, const char *path,
		uint32_t flags)
{
	struct es_identity_want want = { .version = *version, .pid = pid, .flags = flags };
	size_t length = strlen(path);

	if (length >= sizeof(want.path))
		length = 0;
	memcpy(want.path, path, length);
	if (send(identity->wants_fd, &want, offsetof(struct es_identity_want, path) + length + 1,
		 MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || identity->gone)
		return;
	if (errno == EPIPE || errno == ECONNRESET || errno == ECONNREFUSED || errno == ENOTCONN) {
		identity->gone = true;
		identity->gone_ns = clock_ns();
	}
}

static bool version_of(const struct es_file_part *part, struct es_file_version *ret)
{
	*ret = (struct es_file_version){
		.dev = part->stat.dev,
		.ino = part->stat.ino,
		.size = part->stat.size,
		.mtime_ns = part->stat.mtime_ns,
		.ctime_ns = part->stat.ctime_ns,
	};
	return !(part->flags & ES_FILE_NO_STAT) && S_ISREG(part->stat.mode);
}

static bool look_up(struct esl_identity *identity, const struct es_file_part *part, pid_t pid, const char *path,
		    uint32_t flags, struct es_identity *ret)
{
	struct es_file_version version;
	bool found;

	if (!version_of(part, &version))
		return false;
	found = es_identity_find(identity->table, &version, ret);
	if (!found)
		*ret = (struct es_identity){ .state = ES_IDENTITY_PENDING };
	if (!found || ret->flags & ES_IDENTITY_STALE || (ret->state == ES_IDENTITY_PENDING && flags))
		ask(identity, &version, pid, path, flags);
	return true;
}

bool esl_identity_of(struct esl_identity *identity, const struct es_file_part *part, pid_t pid, const char *path,
		     struct es_identity *ret)
{
	return identity->table && look_up(identity, part, pid, path, 0, ret);
}

/* ---- into messages ---- */

static es_cs_validation_category_t category_of(const struct es_identity *identity)
{
	if (identity->flags & ES_IDENTITY_PLATFORM)
		return ES_CS_VALIDATION_CATEGORY_PLATFORM;
	if (identity->flags & ES_IDENTITY_SIGNED)
		return ES_CS_VALIDATION_CATEGORY_LOCAL_SIGNING;
	if (identity->flags & ES_IDENTITY_VENDOR)
		return ES_CS_VALIDATION_CATEGORY_DEVELOPER_ID;
	return ES_CS_VALIDATION_CATEGORY_NONE;
}

static es_string_token_t keep(char *room, const char *text)
{
	size_t length = strlen(text);

	memcpy(room, text, length + 1);
	return (es_string_token_t){ .length = length, .data = room };
}

static void fill(struct esl_code *code, es_process_t *process, const struct es_identity *identity)
{
	size_t bytes = es_identity_digest_bytes(identity);

	memcpy(code->digest, identity->digest, bytes);
	process->codesigning_flags = es_identity_cs_flags(identity);
	process->is_platform_binary = identity->flags & ES_IDENTITY_PLATFORM;
	process->cs_validation_category = category_of(identity);
	memcpy(process->cdhash, code->digest, sizeof(process->cdhash));
	process->cdhash_full = (es_token_t){ .size = bytes, .data = code->digest };
	process->signing_id = keep(code->signing_id, identity->signing_id);
	process->team_id = keep(code->team_id, identity->team_id);
}

/* False: the daemon is still looking for it. */
static bool fill_process(struct esl_identity *identity, struct esl_message *message, unsigned int number,
			 uint32_t flags)
{
	const struct es_process_part *part = esl_process_part(message, &message->process[number]);
	struct es_identity found;

	if (!part || !message->process[number].executable ||
	    !look_up(identity, &part->executable, (pid_t)part->token.pid, message->executable[number].path.data, flags, &found))
		return true;
	if (found.state == ES_IDENTITY_KNOWN)
		fill(&message->code[number], &message->process[number], &found);
	return found.state != ES_IDENTITY_PENDING;
}

static bool is_auth_exec(const struct esl_message *message)
{
	return message->message.event_type == ES_EVENT_TYPE_AUTH_EXEC;
}

bool esl_identity_fill(struct esl_identity *identity, struct esl_message *message)
{
	bool known;

	if (!identity->table)
		return true;
	(void)fill_process(identity, message, 0, 0);
	known = fill_process(identity, message, 1, is_auth_exec(message) ? ES_WANT_AUTH : 0);
	return known || !is_auth_exec(message) || identity->gone;
}

/* ---- waiting ---- */

/* Waits until a row is written after `finished` was read, or a step is over. Waking early does no harm. */
static void wait_step(const struct es_identity_table *table, uint32_t finished, int64_t left_ns)
{
	int64_t ns = left_ns < WAIT_STEP_NS ? left_ns : WAIT_STEP_NS;
	const struct timespec time = { .tv_nsec = (long)ns };

	(void)syscall(SYS_futex, &table->finished, FUTEX_WAIT, finished, &time, NULL, 0);
}

void esl_identity_wait(struct esl_identity *identity, struct esl_message *message, const atomic_bool *stopping)
{
	int64_t begin = (int64_t)clock_ns(), share = ((int64_t)message->message.deadline - begin) / WAIT_SHARE, left;
	uint32_t finished;

	if (share > WAIT_MAX_NS)
		share = WAIT_MAX_NS;
	while ((left = begin + share - (int64_t)clock_ns()) > 0 && !atomic_load(stopping)) {
		finished = __atomic_load_n(&identity->table->finished, __ATOMIC_ACQUIRE);
		if (fill_process(identity, message, 1, 0))
			return;
		wait_step(identity->table, finished, left);
	}
}
