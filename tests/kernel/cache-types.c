/* SPDX-License-Identifier: MIT */

/*
 * For each type whose answers can be kept: an answer, allow or deny, decides the next equal operation if the client
 * sets `cache`; and which members are in the key. The numbers are those of the facts about macOS.
 */

#include "keeper.h"

#include <linux/fs.h>

static struct keeper keeper;
static struct actor actor;

/* 69, 71 to 73: each type that is kept, and some that never are. */
static const struct row {
	const char *name;
	es_event_type_t type;
	enum act act;
	uint32_t number;
	enum subject subject;
	const char *below;		/* of a process: the file in /proc */
	bool never;
	bool changes;			/* allowed, it changes the file, so the client is asked anew */
} rows[] = {
#define ROW(text, type_, act_, ...) { .name = text, .type = ES_AUTH(type_), .act = act_, __VA_ARGS__ }
	ROW("open", OPEN, ACT_OPEN, .number = O_RDONLY),
	ROW("exec", EXEC, ACT_EXEC, .subject = SUBJECT_PROGRAM),
	ROW("mmap", MMAP, ACT_MAP),
	ROW("mount", MOUNT, ACT_MOUNT, .subject = SUBJECT_DIRECTORY),
	ROW("chdir", CHDIR, ACT_CHDIR, .subject = SUBJECT_DIRECTORY),
	ROW("fchdir", CHDIR, ACT_CHDIR, .number = 1, .subject = SUBJECT_DIRECTORY),
	ROW("chroot", CHROOT, ACT_CHROOT, .subject = SUBJECT_DIRECTORY),
	ROW("readdir", READDIR, ACT_LIST, .subject = SUBJECT_DIRECTORY),
	ROW("setmode", SETMODE, ACT_CHMOD, .number = 0640, .changes = true),
	ROW("setmode, a socket", SETMODE, ACT_CHMOD, .number = 0640, .subject = SUBJECT_SOCKET, .changes = true),
	ROW("setowner", SETOWNER, ACT_CHOWN, .number = 12, .changes = true),
	ROW("setflags", SETFLAGS, ACT_FLAGS, .number = FS_NODUMP_FL, .changes = true),
	ROW("utimes", UTIMES, ACT_TIMES, .changes = true),
	ROW("getextattr", GETEXTATTR, ACT_GET_XATTR),
	ROW("listextattr", LISTEXTATTR, ACT_LIST_XATTRS),
	ROW("fsgetpath", FSGETPATH, ACT_HANDLE),
	ROW("uipc_connect", UIPC_CONNECT, ACT_CONNECT, .subject = SUBJECT_SOCKET),
	ROW("get_task", GET_TASK, ACT_OPEN, .number = O_RDWR, .subject = SUBJECT_PROCESS, .below = "mem"),
	ROW("get_task, ptrace", GET_TASK, ACT_TRACE, .subject = SUBJECT_PROCESS, .below = ""),
	ROW("get_task_read", GET_TASK_READ, ACT_OPEN, .number = O_RDONLY, .subject = SUBJECT_PROCESS, .below = "mem"),
	ROW("proc_check", PROC_CHECK, ACT_OPEN, .number = O_RDONLY, .subject = SUBJECT_PROCESS, .below = "maps"),
	ROW("truncate", TRUNCATE, ACT_TRUNCATE, .never = true),
#undef ROW
};

/*
 * It stays subscribed to: with the last of these types what sees changes would be taken off, some twenty programs, and
 * that takes longer than all else here.
 */
static const es_event_type_t always = ES_AUTH(CHROOT);

/* Three times, of which so many were asked about. */
static unsigned int asked_of_three(const struct row *row, uint32_t allowed, bool cache)
{
	struct subject_made made;
	uint32_t number;

	subject_make(&made, row->subject, row->below);
	number = row->act == ACT_TRACE ? (uint32_t)made.target.pid : row->number;
	keeper.allowed = allowed;
	keeper.cache = cache;
	(void)keeper_asked(&keeper);
	for (int n = 0; n < 3; n++)
		CHECK_EQUAL(actor_do(&actor, row->act, number, made.path), allowed ? 0 : EPERM);
	subject_end(&made);
	return keeper_asked(&keeper);
}

static void types(void)
{
	unsigned int allow, deny, unwanted;

	for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		test_subscribe(keeper.client, row->type, -1);
		allow = asked_of_three(row, KEEP_ALL, true);
		deny = asked_of_three(row, 0, true);
		unwanted = asked_of_three(row, KEEP_ALL, false);
		if (!CHECK(allow == (row->never || row->changes ? 3 : 1) && deny == (row->never ? 3 : 1) && unwanted == 3))
			printf("%s: asked %u times if allowed, %u denied, %u not to be kept\n", row->name, allow, deny,
			       unwanted);
		REQUIRE(row->type == always || es_unsubscribe(keeper.client->client, &row->type, 1) == ES_RETURN_SUCCESS);
	}
}

/* What Apple has in no key counts here neither: which attribute, what is mounted; and of a process only the program. */
static void not_in_the_key(void)
{
	struct subject_made made;
	struct actor again;
	char path[64];

	test_subscribe(keeper.client, ES_AUTH(GETEXTATTR), ES_AUTH(GET_TASK), ES_AUTH(PROC_CHECK), -1);
	keeper.allowed = KEEP_ALL;
	keeper.cache = true;
	(void)keeper_asked(&keeper);
	subject_make(&made, SUBJECT_FILE, NULL);
	CHECK_EQUAL(actor_do(&actor, ACT_GET_XATTR, 0, made.path), 0);
	CHECK_EQUAL(actor_do(&actor, ACT_GET_XATTR, 1, made.path), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);

	subject_make(&made, SUBJECT_PROCESS, "mem");
	again = actor_again(strrchr(made.file, '/') + 1);
	snprintf(path, sizeof(path), "/proc/%d/mem", again.pid);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDWR, made.path), 0);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDWR, path), 0);
	CHECK_EQUAL(actor_do(&actor, ACT_TRACE, (uint32_t)again.pid, ""), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);

	/* Of proc_check its type does count. */
	snprintf(path, sizeof(path), "/proc/%d/maps", again.pid);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDONLY, path), 0);
	snprintf(path, sizeof(path), "/proc/%d/status", made.target.pid);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDONLY, path), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	snprintf(path, sizeof(path), "/proc/%d/fd", again.pid);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDONLY | O_DIRECTORY, path), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	snprintf(path, sizeof(path), "/proc/%d/comm", again.pid);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_WRONLY, path), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 1);
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", made.target.pid);
	CHECK_EQUAL(actor_do(&actor, ACT_OPEN, O_RDONLY | O_DIRECTORY, path), 0);
	CHECK_EQUAL(keeper_asked(&keeper), 0);
	actor_stop(&again);
	subject_end(&made);
	REQUIRE(es_unsubscribe_all(keeper.client->client) == ES_RETURN_SUCCESS);
}

int main(void)
{
	test_begin(120);
	keeper_daemon();
	keeper_start(&keeper, KEEP_ALL);
	cache_require(&keeper);
	actor = actor_start("actor");
	test_subscribe(keeper.client, always, -1);
	types();
	not_in_the_key();
	actor_stop(&actor);
	return test_end();
}
