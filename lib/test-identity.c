/* SPDX-License-Identifier: MIT */

/*
 * What a table of the daemon's becomes in a message: each kind of row as the public header says, nothing where there is
 * none; what is asked; and how long AUTH_EXEC waits.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "identity.h"
#include "test-record.h"
#include "test.h"
#include "util/macro.h"

enum { ACTOR = 1000, OTHER = 2000 };	/* pids, and inodes of their programs */

static struct es_identity_table *table;
static struct esl_identity identity;
static int daemon_fd;			/* where questions arrive */
static const atomic_bool running;

/* What test_record_process() says of a program. */
static struct es_file_version version(uint64_t ino)
{
	return (struct es_file_version){
		.dev = 8 << 20 | 1, .ino = ino, .size = 4096, .mtime_ns = 2500000002, .ctime_ns = -1,
	};
}

static void put(uint64_t ino, struct es_identity row)
{
	struct es_file_version key = version(ino);
	struct es_identity_row *at = &table->rows[es_identity_set(&key) * ES_IDENTITY_WAYS + ino % ES_IDENTITY_WAYS];

	__atomic_store_n(&at->sequence, at->sequence + 1, __ATOMIC_SEQ_CST);
	es_words_store(&at->version, &key, sizeof(key));
	es_words_store(&at->identity, &row, sizeof(row));
	__atomic_store_n(&at->sequence, at->sequence + 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&table->finished, 1, __ATOMIC_SEQ_CST);
}

static struct es_identity known(uint32_t flags, const char *signing_id, const char *team_id)
{
	struct es_identity row = { .state = ES_IDENTITY_KNOWN, .flags = flags, .digest_kind = ES_DIGEST_SHA256 };

	for (unsigned int i = 0; i < 32; i++)
		row.digest[i] = (uint8_t)(i + 1);
	snprintf(row.signing_id, sizeof(row.signing_id), "%s", signing_id);
	snprintf(row.team_id, sizeof(row.team_id), "%s", team_id);
	return row;
}

static struct esl_message *decode(uint16_t type, uint64_t deadline_ns)
{
	static struct test_record record;
	struct esl_clock clock = { .given = true };
	struct esl_message *message = NULL;

	test_record_full(&record, type);
	record.head.deadline_ns = deadline_ns;
	CHECK(esl_message_copy(&message, record.bytes, record.head.size) == 0);
	CHECK(esl_message_decode(message, &clock) == 0);
	return message;
}

/* How many questions have arrived; the last one. */
static unsigned int asked(struct es_identity_want *ret)
{
	unsigned int count = 0;

	memset(ret, 0, sizeof(*ret));
	while (recv(daemon_fd, ret, sizeof(*ret), MSG_DONTWAIT) > 0)
		count++;
	return count;
}

static void check_empty(const es_process_t *process)
{
	CHECK(process->signing_id.length == 0 && process->signing_id.data && !process->signing_id.data[0]);
	CHECK(process->team_id.length == 0 && process->team_id.data && !process->team_id.data[0]);
	CHECK(process->codesigning_flags == 0 && !process->is_platform_binary && process->cdhash_full.size == 0);
	CHECK(process->cs_validation_category == ES_CS_VALIDATION_CATEGORY_NONE && !process->cdhash[0]);
}

static void check_row(struct es_identity row, uint32_t flags, bool platform, es_cs_validation_category_t category)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;
	const es_process_t *process;

	put(ACTOR, row);
	message = decode(ES_EVENT_TYPE_NOTIFY_EXIT, 0);
	CHECK(esl_identity_fill(&identity, message));
	process = message->message.process;
	CHECK(process->codesigning_flags == flags && process->is_platform_binary == platform);
	CHECK(process->cs_validation_category == category);
	CHECK(process->cdhash[0] == 1 && process->cdhash[19] == 20 && process->cdhash_full.size == 32);
	CHECK(process->cdhash_full.data[31] == 32);
	CHECK(!strcmp(process->signing_id.data, row.signing_id) && process->signing_id.length == strlen(row.signing_id));
	CHECK(!strcmp(process->team_id.data, row.team_id) && process->team_id.length == strlen(row.team_id));
}

static void test_rows(void)
{
	struct es_identity row = known(0, "", "");

	check_row(row, 0x2, false, ES_CS_VALIDATION_CATEGORY_NONE);
	check_row(known(ES_IDENTITY_PACKAGED, "pack/name", ""), 0x20000003, false, ES_CS_VALIDATION_CATEGORY_NONE);
	check_row(known(ES_IDENTITY_PACKAGED | ES_IDENTITY_VENDOR, "pack/name", "Some Vendor"), 0x20000001, false,
		  ES_CS_VALIDATION_CATEGORY_DEVELOPER_ID);
	check_row(known(ES_IDENTITY_PACKAGED | ES_IDENTITY_VENDOR | ES_IDENTITY_PLATFORM, "coreutils/ls", ""), 0x24000001,
		  true, ES_CS_VALIDATION_CATEGORY_PLATFORM);
	row.digest_kind = ES_DIGEST_VERITY_SHA256;
	check_row(row, 0x302, false, ES_CS_VALIDATION_CATEGORY_NONE);
}

/* Nobody has looked: nothing is said, and both are asked for, once a message. */
static void test_unknown(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = decode(ES_EVENT_TYPE_NOTIFY_EXEC, 0);
	struct es_file_version other = version(OTHER);
	struct es_identity_want want;

	memset(table->rows, 0, sizeof(table->rows));
	CHECK(esl_identity_fill(&identity, message));
	check_empty(message->message.process);
	check_empty(message->message.event.exec.target);
	CHECK(asked(&want) == 2 && want.pid == OTHER && !strcmp(want.path, "/bin/other") && !want.flags);
	CHECK(es_file_version_equal(&want.version, &other));

	put(ACTOR, (struct es_identity){ .state = ES_IDENTITY_PENDING });
	put(OTHER, (struct es_identity){ .state = ES_IDENTITY_NOT });
	CHECK(esl_identity_fill(&identity, message));
	check_empty(message->message.process);
	check_empty(message->message.event.exec.target);
	CHECK(asked(&want) == 0);

	put(OTHER, known(ES_IDENTITY_PACKAGED | ES_IDENTITY_STALE, "pack/name", ""));
	CHECK(esl_identity_fill(&identity, message));
	CHECK(!strcmp(message->message.event.exec.target->signing_id.data, "pack/name") && asked(&want) == 1);
}

/* No table: as it was before there were any. */
static void test_off(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = decode(ES_EVENT_TYPE_AUTH_EXEC, 1);
	struct esl_identity none = { .wants_fd = -1 };

	CHECK(esl_identity_fill(&none, message));
	check_empty(message->message.process);
	check_empty(message->message.event.exec.target);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* In ms, of an AUTH_EXEC with so much time. */
static uint64_t waits(uint64_t deadline_ms)
{
	uint64_t begin = now_ns();
	_cleanup_(esl_message_putp) struct esl_message *message =
		decode(ES_EVENT_TYPE_AUTH_EXEC, begin + deadline_ms * 1000000);

	CHECK(!esl_identity_fill(&identity, message));
	esl_identity_wait(&identity, message, &running);
	check_empty(message->message.event.exec.target);
	return (now_ns() - begin) / 1000000;
}

static void test_share(void)
{
	const atomic_bool stopping = true;
	_cleanup_(esl_message_putp) struct esl_message *message = decode(ES_EVENT_TYPE_AUTH_EXEC, now_ns() + 8000000000u);
	struct es_identity_want want;
	uint64_t ms;

	memset(table->rows, 0, sizeof(table->rows));
	ms = waits(1600);
	CHECK(ms >= 190 && ms < 1600);
	CHECK(asked(&want) >= 1 && want.flags == 0);
	ms = waits(60000);
	CHECK(ms >= 990 && ms < 6000);
	(void)asked(&want);
	CHECK(!esl_identity_fill(&identity, message) && asked(&want) == 2 && want.flags == ES_WANT_AUTH);
	ms = now_ns() / 1000000;
	esl_identity_wait(&identity, message, &stopping);
	CHECK(now_ns() / 1000000 - ms < 500);
}

static void *find_out(void *argument)
{
	const struct timespec while_waiting = { .tv_nsec = 100000000 };

	nanosleep(&while_waiting, NULL);
	put(OTHER, known(ES_IDENTITY_PACKAGED, "pack/late", ""));
	return argument;
}

/* As soon as it is known the message goes on, with it. */
static void test_known_while_waiting(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = decode(ES_EVENT_TYPE_AUTH_EXEC, now_ns() + 8000000000u);
	uint64_t begin = now_ns();
	pthread_t thread;

	memset(table->rows, 0, sizeof(table->rows));
	CHECK(!esl_identity_fill(&identity, message));
	CHECK(!pthread_create(&thread, NULL, find_out, NULL));
	esl_identity_wait(&identity, message, &running);
	pthread_join(thread, NULL);
	CHECK(now_ns() - begin < 900000000u);
	CHECK(!strcmp(message->message.event.exec.target->signing_id.data, "pack/late"));
}

int main(void)
{
	int ends[2];

	table = calloc(1, sizeof(*table));
	CHECK(table && !socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends));
	identity = (struct esl_identity){ .table = table, .wants_fd = ends[0] };
	daemon_fd = ends[1];
	test_rows();
	test_unknown();
	test_off();
	test_share();
	test_known_while_waiting();
	free(table);
	return 0;
}
