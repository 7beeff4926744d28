/* SPDX-License-Identifier: MIT */

/*
 * The kernel asks about operations that io_uring does with a registered personality, and about IORING_OP_FTRUNCATE, and
 * the client denies them. Without a gate they can't be held, but they are denied if the client fails closed.
 */

#include "attack.h"
#include "es-ring.h"

#include <grp.h>
#include <sys/xattr.h>

enum { OP_FTRUNCATE = 55 };

/* Submits the entry with a personality of its own: credentials that are a copy of the task's. */
static int personal_do(unsigned int setup, struct io_uring_sqe entry)
{
	struct ring ring;
	int r = ring_open(&ring, setup);

	if (r)
		return r;
	r = (int)syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PERSONALITY, NULL, 0);
	if (r < 0 || setgroups(0, NULL) < 0)	/* from here on the task has other credentials */
		return errno;
	entry.personality = (uint16_t)r;
	return ring_submit(&ring, setup, entry);
}

static int set_attribute(unsigned int setup)
{
	return personal_do(setup, (struct io_uring_sqe){
		.opcode = IORING_OP_SETXATTR, .addr = (uint64_t)"trusted.es", .addr2 = (uint64_t)"v",
		.addr3 = (uint64_t)"denied", .len = 1 });
}

static int get_attribute(unsigned int setup)
{
	static char value[8];

	return personal_do(setup, (struct io_uring_sqe){
		.opcode = IORING_OP_GETXATTR, .addr = (uint64_t)"trusted.there", .addr2 = (uint64_t)value,
		.addr3 = (uint64_t)"denied", .len = sizeof(value) });
}

static int cut(unsigned int setup)
{
	int r = personal_do(setup, (struct io_uring_sqe){ .opcode = OP_FTRUNCATE, .fd = open("denied", O_RDWR), .off = 1 });

	return r == EINVAL ? 77 : r;		/* since 6.9 */
}

static int make(unsigned int setup)
{
	return personal_do(setup, (struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uint64_t)"denied-new", .len = 0600,
		.open_flags = O_WRONLY | O_CREAT });
}

struct row {
	const char *name;
	int (*act)(unsigned int setup);
	es_event_type_t type;
};

static const struct row rows[] = {
	{ "SETXATTR", set_attribute, ES_AUTH(SETEXTATTR) },
	{ "GETXATTR", get_attribute, ES_AUTH(GETEXTATTR) },
	{ "FTRUNCATE", cut, ES_AUTH(TRUNCATE) },
	{ "OPENAT with O_CREAT", make, ES_AUTH(CREATE) },
};

static unsigned int setup;

static int act(void *context)
{
	const struct row *row = context;

	return chdir(test_mnt) < 0 ? 202 : row->act(setup);
}

static enum judged judge(const es_message_t *message)
{
	if (message->event_type == ES_AUTH(CREATE))
		return !strcmp(message->event.create.destination.new_path.filename.data, "denied-new") ? JUDGED_DENY
												      : JUDGED_ALLOW;
	return attack_by_name(message);
}

static void try(struct attack *attack, const struct row *row)
{
	unsigned int before = attack->asked[row->type];
	int status;

	test_write_file(test_at("denied"), "text", 0644);
	(void)setxattr(test_at("denied"), "trusted.there", "v", 1, 0);
	status = attack_status(act, (void *)row);
	if (status == 77) {
		printf("... not on this kernel\n");
		return;
	}
	CHECK_EQUAL(status, EPERM);
	test_sync(attack->client);
	CHECK(attack->asked[row->type] > before);
	CHECK(getxattr(test_at("denied"), "trusted.es", NULL, 0) < 0);
	CHECK(attack_has_content(test_at("denied"), "text"));
	CHECK(access(test_at("denied-new"), F_OK) < 0);
}

int main(void)
{
	struct attack *attack = attack_begin(60, judge);

	test_hold(attack->client, ES_AUTH(SETEXTATTR), ES_AUTH(GETEXTATTR), ES_AUTH(TRUNCATE), ES_AUTH(CREATE), -1);
	CHECK_EQUAL(es_set_deadline_miss_mode(attack->client->client, ES_DEADLINE_MISS_MODE_FAIL_CLOSED),
		    ES_RETURN_SUCCESS);
	for (int polled = 0; polled < 2; polled++) {
		setup = polled ? IORING_SETUP_SQPOLL : 0;
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			printf("%s%s\n", rows[i].name, polled ? ", in a polling kernel thread" : "");
			try(attack, &rows[i]);
		}
	}
	return test_end();
}
