/* SPDX-License-Identifier: MIT */

/* The control protocol against a daemon with a fake sensor. The peers are sockets of this process itself. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/fake.h"
#include "daemon/serve/connection.h"
#include "daemon/serve/daemon.h"
#include "daemon/test.h"
#include "util/clock.h"
#include "util/macro.h"

static struct esd_daemon daemon_;
static struct fake_sensor fake;

struct answer {
	struct es_reply reply;
	char data[65536];
	int fds[ES_CLIENT_FDS];
	unsigned int fd_count;
};

static void settle(void)
{
	while (loop_step(&daemon_.loop, 0) > 0)
		;
}

/* The peer's uid is the euid at the time of socketpair(). */
static int join_as(uid_t uid)
{
	int fds[2];

	REQUIRE(seteuid(uid) == 0);
	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	REQUIRE(seteuid(0) == 0);
	REQUIRE(esd_connection_new(&daemon_, fds[1]) == 0);
	return fds[0];
}

static int join(void)
{
	return join_as(0);
}

static void leave(int fd)
{
	close(fd);
	settle();
}

static bool ended(int fd)
{
	char byte;

	settle();
	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

/* False: the connection ended instead. */
static bool receive(int fd, struct answer *ret)
{
	struct iovec iov[] = { { &ret->reply, sizeof(ret->reply) }, { ret->data, sizeof(ret->data) } };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(ret->fds))];
	} control = {};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n;

	settle();
	memset(&ret->reply, 0, sizeof(ret->reply));
	ret->fd_count = 0;
	n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return false;
	REQUIRE(n == (ssize_t)(sizeof(ret->reply) + ret->reply.data_bytes));
	REQUIRE(!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)));
	if (CMSG_FIRSTHDR(&message)) {
		ret->fd_count = (CMSG_FIRSTHDR(&message)->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(ret->fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), ret->fd_count * sizeof(int));
	}
	return true;
}

static struct es_request request(uint32_t op, int type)
{
	struct es_request made = { .abi = ES_ABI_VERSION, .op = op };

	if (type >= 0)
		esd_types_add(made.types, type);
	return made;
}

static int ask(int fd, const struct es_request *what, struct answer *ret)
{
	REQUIRE(send(fd, what, sizeof(*what), 0) == sizeof(*what));
	REQUIRE(receive(fd, ret));
	REQUIRE(ret->reply.op == what->op);
	return ret->reply.error;
}

static int ask_op(int fd, uint32_t op, int type, struct answer *ret)
{
	struct es_request what = request(op, type);

	return ask(fd, &what, ret);
}

/* Returns the connection. */
static int become_client(struct answer *ret)
{
	int fd = join();

	REQUIRE(ask_op(fd, ES_REQUEST_CLIENT, -1, ret) == 0);
	REQUIRE(ret->fd_count == ES_CLIENT_FDS);
	for (int i = 0; i < ES_CLIENT_FDS; i++)
		close(ret->fds[i]);
	return fd;
}

static void test_client_life(void)
{
	struct answer answer;
	int fd = become_client(&answer);
	unsigned int slot = answer.reply.slot;

	REQUIRE(answer.reply.ring_bytes == daemon_.ring_bytes && answer.reply.pidversion == FAKE_PIDVERSION);
	REQUIRE(fake.slots[slot].used && fake.slots[slot].pid == getpid());
	REQUIRE(ask_op(fd, ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_EXIT, &answer) == 0);
	REQUIRE(esd_types_has(answer.reply.types, ESD_NOTIFY_EXIT));
	REQUIRE(ask_op(fd, ES_REQUEST_SUBSCRIBE, ESD_AUTH_EXEC, &answer) == 0);
	REQUIRE(esd_types_has(fake.slots[slot].types, ESD_NOTIFY_EXIT));
	REQUIRE(esd_types_has(fake.slots[slot].types, ESD_AUTH_EXEC));
	REQUIRE(daemon_.deadline.fd >= 0);
	REQUIRE(ask_op(fd, ES_REQUEST_UNSUBSCRIBE, ESD_AUTH_EXEC, &answer) == 0);
	REQUIRE(!esd_types_has(fake.slots[slot].types, ESD_AUTH_EXEC));
	REQUIRE(esd_types_has(fake.slots[slot].types, ESD_NOTIFY_EXIT));
	fake.slots[slot].held[7].auth_id = 7;	/* asked before */
	daemon_.deadline.awaited_ns = 1;	/* long ago */
	REQUIRE(loop_step(&daemon_.loop, 2000) == 1 && daemon_.deadline.fd >= 0);
	fake.slots[slot].held[7].auth_id = 0;
	REQUIRE(loop_step(&daemon_.loop, 2000) == 1 && daemon_.deadline.fd >= 0);
	daemon_.deadline.awaited_ns = 1;
	REQUIRE(loop_step(&daemon_.loop, 2000) == 1);
	REQUIRE(daemon_.deadline.fd < 0);	/* nobody can wait: nothing ticks */
	leave(fd);
	REQUIRE(!fake.slots[slot].used && daemon_.client_count == 0);
}

static void test_refused_types(void)
{
	struct es_request what = request(ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_EXIT);
	struct answer answer;
	int fd = become_client(&answer);

	esd_types_add(what.types, ESD_AUTH_UNLINK);
	REQUIRE(ask(fd, &what, &answer) == EOPNOTSUPP);
	REQUIRE(answer.reply.refused_type == ESD_AUTH_UNLINK);
	REQUIRE(!esd_types_has(answer.reply.types, ESD_NOTIFY_EXIT));	/* all or nothing */
	REQUIRE(ask_op(fd, ES_REQUEST_SUBSCRIBE, ES_EVENT_TYPES, &answer) == EOPNOTSUPP);
	REQUIRE(ask_op(fd, ES_REQUEST_SUBSCRIBE, ES_TYPE_WORDS * 64 - 1, &answer) == EOPNOTSUPP);
	REQUIRE(ask_op(fd, ES_REQUEST_UNSUBSCRIBE, ES_TYPE_WORDS * 64 - 1, &answer) == 0);
	REQUIRE(ask_op(fd, ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_IOKIT_OPEN, &answer) == 0);

	fake.subscribe_fails = ENOMEM;
	REQUIRE(ask_op(fd, ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_EXIT, &answer) == ENOMEM);
	REQUIRE(!esd_types_has(answer.reply.types, ESD_NOTIFY_EXIT));
	leave(fd);
}

/* Getting ready takes several turns of the loop: others have theirs meanwhile. */
static void test_takes_steps(void)
{
	struct es_request what = request(ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_EXIT), next = request(ES_REQUEST_UNSUBSCRIBE, -1);
	struct answer answer;
	int fd = become_client(&answer), other = join();
	unsigned int slot = answer.reply.slot;

	fake.load_steps = 10;
	REQUIRE(send(fd, &what, sizeof(what), 0) == sizeof(what));
	REQUIRE(send(fd, &next, sizeof(next), 0) == sizeof(next));	/* has to wait until that is answered */
	for (unsigned int left = 9; left >= 7; left--) {
		REQUIRE(loop_step(&daemon_.loop, 0) == 1 && fake.load_steps == left);
		REQUIRE(!esd_types_has(fake.slots[slot].types, ESD_NOTIFY_EXIT));
	}
	what = request(ES_REQUEST_STATUS, -1);
	REQUIRE(send(other, &what, sizeof(what), 0) == sizeof(what));
	for (int i = 0; i < 2; i++)
		REQUIRE(loop_step(&daemon_.loop, 0) == 1);
	REQUIRE(recv(other, &answer.reply, sizeof(answer.reply), MSG_DONTWAIT) > 0 && fake.load_steps >= 5);
	REQUIRE(receive(fd, &answer) && answer.reply.op == ES_REQUEST_SUBSCRIBE && answer.reply.error == 0);
	REQUIRE(esd_types_has(fake.slots[slot].types, ESD_NOTIFY_EXIT) && fake.load_steps == 0);
	REQUIRE(receive(fd, &answer) && answer.reply.op == ES_REQUEST_UNSUBSCRIBE);
	REQUIRE(TAILQ_EMPTY(&daemon_.again) && loop_step(&daemon_.loop, 0) == 0);
	leave(other);
	leave(fd);
}

/* Two at once take turns; and who goes away in between is no burden. */
static void test_steps_of_several(void)
{
	struct es_request what = request(ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_EXIT);
	struct es_request capabilities = request(ES_REQUEST_CAPABILITIES, -1);
	struct answer answer;
	int goes = become_client(&answer), stays = become_client(&answer), tool = join_as(65534);

	fake.load_steps = 20;
	REQUIRE(send(goes, &what, sizeof(what), 0) == sizeof(what));
	REQUIRE(send(stays, &what, sizeof(what), 0) == sizeof(what));
	REQUIRE(send(tool, &capabilities, sizeof(capabilities), 0) == sizeof(capabilities));
	for (int i = 0; i < 6; i++)
		REQUIRE(loop_step(&daemon_.loop, 0) == 1);
	REQUIRE(fake.load_steps > 0 && fake.load_steps < 20);
	close(goes);
	REQUIRE(receive(stays, &answer) && answer.reply.error == 0);
	REQUIRE(receive(tool, &answer) && answer.reply.count == ES_EVENT_TYPES);
	REQUIRE(daemon_.client_count == 1);

	fake.load_steps = 3;
	REQUIRE(send(stays, &what, sizeof(what), 0) == sizeof(what));
	REQUIRE(loop_step(&daemon_.loop, 0) == 1);
	close(stays);
	leave(tool);
	REQUIRE(daemon_.client_count == 0 && TAILQ_EMPTY(&daemon_.again) && fake.load_steps > 0);
	fake.load_steps = 0;
}

/* What the kernel refuses is known when it was tried: then it is as any other type that can't be had. */
static void test_steps_refused(void)
{
	struct es_capability_info infos[ES_EVENT_TYPES];
	struct answer answer;
	int fd = become_client(&answer);

	fake.load_steps = 2;
	esd_types_add(fake.load_refuses, ESD_NOTIFY_STAT);
	REQUIRE(ask_op(fd, ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_STAT, &answer) == EOPNOTSUPP);
	REQUIRE(answer.reply.refused_type == ESD_NOTIFY_STAT);
	REQUIRE(ask_op(fd, ES_REQUEST_CAPABILITIES, -1, &answer) == 0);
	memcpy(infos, answer.data, sizeof(infos));
	REQUIRE(infos[ESD_NOTIFY_STAT].capability == ES_CAN_NOT && infos[ESD_NOTIFY_EXIT].capability == ES_CAN_DELIVER);
	fake.base.capabilities[ESD_NOTIFY_STAT].capability = ES_CAN_DELIVER;
	memset(fake.load_refuses, 0, sizeof(fake.load_refuses));

	fake.load_fails = ENOMEM;
	REQUIRE(ask_op(fd, ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_STAT, &answer) == ENOMEM);
	REQUIRE(!esd_types_has(answer.reply.types, ESD_NOTIFY_STAT));
	fake.load_fails = ENOMEM;
	REQUIRE(ask_op(fd, ES_REQUEST_CAPABILITIES, -1, &answer) == ENOMEM && answer.reply.count == 0);
	REQUIRE(ask_op(fd, ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_STAT, &answer) == 0);
	leave(fd);
}

static void test_clear_cache(void)
{
	struct answer answer;
	int fd = become_client(&answer), busy = 0;

	REQUIRE(ask_op(fd, ES_REQUEST_CLEAR_CACHE, -1, &answer) == 0);
	for (int i = 0; i < 100; i++)
		busy += ask_op(fd, ES_REQUEST_CLEAR_CACHE, -1, &answer) == EBUSY;
	REQUIRE(busy > 0 && fake.cache_cleared == 101u - busy);
	leave(fd);
}

/* Any connection may ask about the cache, not only a client's. */
static void test_cache(void)
{
	struct es_cache_info info;
	struct answer answer;
	int fd = join();

	REQUIRE(ask_op(fd, ES_REQUEST_CACHE, -1, &answer) == 0);
	REQUIRE(answer.reply.count == 1 && answer.reply.data_bytes == sizeof(info));
	memcpy(&info, answer.data, sizeof(info));
	REQUIRE(info.entries == 5 && info.room == 8 && info.cleared == fake.cache_cleared);
	leave(fd);
}

static void test_who_may(void)
{
	struct answer answer;
	int fd = join_as(65534);

	REQUIRE(ask_op(fd, ES_REQUEST_CLIENT, -1, &answer) == EPERM && answer.fd_count == 0);
	REQUIRE(ask_op(fd, ES_REQUEST_CLIENTS, -1, &answer) == EPERM && answer.reply.data_bytes == 0);
	REQUIRE(ask_op(fd, ES_REQUEST_CAPABILITIES, -1, &answer) == 0);
	REQUIRE(answer.reply.count == ES_EVENT_TYPES);
	REQUIRE(daemon_.client_count == 0);
	leave(fd);
}

static void test_questions(void)
{
	int fd = join(), client;
	struct answer answer;
	struct es_status_info status;
	struct es_client_info info;

	client = become_client(&answer);
	fake.slots[answer.reply.slot].held[7] = (struct es_held){ .auth_id = 7, .deadline_ns = UINT64_MAX };
	fake.slots[answer.reply.slot].held[8] = (struct es_held){ .auth_id = 8 };	/* claimed only */
	REQUIRE(ask_op(fd, ES_REQUEST_CLIENTS, -1, &answer) == 0);
	REQUIRE(answer.reply.count == 1 && answer.reply.data_bytes == sizeof(info));
	memcpy(&info, answer.data, sizeof(info));
	REQUIRE(info.pid == getpid() && info.waiting == 1 && strstr(info.executable, "test-control"));
	REQUIRE(ask_op(fd, ES_REQUEST_STATUS, -1, &answer) == 0);
	memcpy(&status, answer.data, sizeof(status));
	REQUIRE(status.clients == 1 && status.processes == 3 && !strcmp(status.scope, "everything"));
	leave(client);
	REQUIRE(ask_op(fd, ES_REQUEST_CLIENTS, -1, &answer) == 0 && answer.reply.count == 0);
	leave(fd);
}

static void test_all_slots(void)
{
	int fds[ES_CLIENTS_MAX], fd;
	struct answer answer;

	for (int i = 0; i < ES_CLIENTS_MAX; i++) {
		fds[i] = become_client(&answer);
		REQUIRE(answer.reply.slot == (unsigned int)i);
	}
	fd = join();
	REQUIRE(ask_op(fd, ES_REQUEST_CLIENT, -1, &answer) == EUSERS);
	leave(fds[17]);
	REQUIRE(ask_op(fd, ES_REQUEST_CLIENT, -1, &answer) == 0 && answer.reply.slot == 17);
	for (unsigned int i = 0; i < answer.fd_count; i++)
		close(answer.fds[i]);
	leave(fd);
	for (int i = 0; i < ES_CLIENTS_MAX; i++)
		if (i != 17)
			leave(fds[i]);
	REQUIRE(daemon_.client_count == 0);
}

/* Each ends its own connection, and the client beside it notices nothing. */
static void test_malformed(void)
{
	struct es_request good = request(ES_REQUEST_STATUS, -1), long_one[2] = {};
	struct answer answer;
	int client = become_client(&answer), fd;

	for (size_t size = 1; size < sizeof(good); size++) {
		fd = join();
		REQUIRE(send(fd, &good, size, 0) == (ssize_t)size);
		REQUIRE(ended(fd));
		close(fd);
	}
	long_one[0] = good;
	fd = join();
	REQUIRE(send(fd, long_one, sizeof(good) + 1, 0) > 0 && ended(fd));
	close(fd);
	for (uint32_t op = 0; op < 300; op = op ? op * 2 + 5 : 100) {
		good = request(op, -1);
		fd = join();
		REQUIRE(send(fd, &good, sizeof(good), 0) > 0 && ended(fd));
		close(fd);
	}
	good = request(UINT32_MAX, -1);
	fd = join();
	REQUIRE(send(fd, &good, sizeof(good), 0) > 0 && ended(fd));
	close(fd);
	REQUIRE(ask_op(client, ES_REQUEST_STATUS, -1, &answer) == 0);
	leave(client);
}

static void test_wrong_state(void)
{
	struct es_request what = request(ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_EXIT);
	struct answer answer;
	int fd = join();

	REQUIRE(send(fd, &what, sizeof(what), 0) > 0 && ended(fd));
	close(fd);
	fd = become_client(&answer);
	what = request(ES_REQUEST_CLIENT, -1);
	REQUIRE(send(fd, &what, sizeof(what), 0) > 0 && ended(fd));
	close(fd);
	REQUIRE(daemon_.client_count == 0);
}

static void test_other_version(void)
{
	struct es_request what = request(ES_REQUEST_CLIENT, -1);
	struct answer answer;
	int fd = join();

	what.abi++;
	REQUIRE(send(fd, &what, sizeof(what) - 8, 0) > 0);
	REQUIRE(receive(fd, &answer) && answer.reply.error == EPROTO);
	REQUIRE(ended(fd));
	close(fd);
}

static int open_files(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_descriptors_sent(void)
{
	struct es_request what = request(ES_REQUEST_STATUS, -1);
	struct iovec iov = { &what, sizeof(what) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = { .header = { CMSG_LEN(3 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd = join(), before = open_files();

	memcpy(CMSG_DATA(&control.header), (int[]){ 0, 1, 2 }, 3 * sizeof(int));
	REQUIRE(sendmsg(fd, &message, 0) > 0);
	REQUIRE(ended(fd));
	REQUIRE(open_files() == before - 1);	/* the connection's own */
	close(fd);
}

static void test_unread_replies(void)
{
	struct es_request what = request(ES_REQUEST_CAPABILITIES, -1);
	int fd = join(), sent = 0;

	while (sent < 10000 && send(fd, &what, sizeof(what), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
		sent++;
		settle();
	}
	REQUIRE(sent < 10000);
	REQUIRE(TAILQ_EMPTY(&daemon_.anonymous));
	close(fd);
}

/* A thousand connections of one class: the oldest go, root's stay. */
static void test_flood(void)
{
	static int fds[1000];
	struct answer answer;
	int tool = join(), client = become_client(&answer);

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = join_as(65534);
	REQUIRE(daemon_.anonymous_count[0] == ESD_ANONYMOUS_MAX_OTHERS);
	REQUIRE(ended(fds[0]) && !ended(fds[ARRAY_SIZE(fds) - 1]));
	REQUIRE(ask_op(tool, ES_REQUEST_STATUS, -1, &answer) == 0);
	REQUIRE(ask_op(client, ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_EXIT, &answer) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	settle();
	REQUIRE(daemon_.anonymous_count[0] == 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = join();
	REQUIRE(daemon_.anonymous_count[1] == ESD_ANONYMOUS_MAX);
	REQUIRE(ask_op(client, ES_REQUEST_SUBSCRIBE, ESD_NOTIFY_EXIT, &answer) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	leave(tool);
	leave(client);
}

static void test_idle(void)
{
	struct answer answer;
	int fd = join(), client = become_client(&answer);

	esd_connections_expire(&daemon_, clock_ns() + 20 * NS_PER_S);
	REQUIRE(!ended(fd));
	esd_connections_expire(&daemon_, clock_ns() + 40 * NS_PER_S);
	REQUIRE(ended(fd) && !ended(client));
	close(fd);
	leave(client);
}

static void test_private_ends(void)
{
	struct answer answer;
	int tool = join(), one, two;

	daemon_.is_private = true;
	one = become_client(&answer);
	two = become_client(&answer);
	leave(tool);
	leave(one);
	REQUIRE(!daemon_.loop.stop);
	leave(two);
	REQUIRE(daemon_.loop.stop && daemon_.loop.result == 0);
}

static int ask_mute(int fd, uint32_t op, uint32_t kind, const void *data, size_t size, struct answer *ret)
{
	struct {
		struct es_request request;
		char data[ES_REQUEST_DATA];
	} packet = { .request = { .abi = ES_ABI_VERSION, .op = op, .kind = kind, .data_bytes = size } };

	memset(packet.request.types, 0xff, sizeof(packet.request.types));
	memcpy(packet.data, data, size);
	REQUIRE(send(fd, &packet, sizeof(packet.request) + size, 0) == (ssize_t)(sizeof(packet.request) + size));
	REQUIRE(receive(fd, ret));
	return ret->reply.error;
}

/* Entries of literals that begin with "/test/", over all pages; each once. */
static unsigned int count_mutes(int fd, struct es_request what, unsigned int *ret_pages)
{
	static struct answer answer;
	unsigned int count = 0;

	*ret_pages = 0;
	do {
		size_t at = 0;

		REQUIRE(ask(fd, &what, &answer) == 0);
		for (uint32_t i = 0; i < answer.reply.count; i++) {
			const struct es_mute_info *info = (const void *)(answer.data + at);

			at += sizeof(*info) + ((info->bytes + 7) & ~7u);
			count += info->kind == ES_MUTE_EXE_LITERAL && info->bytes > 6 && !memcmp(info + 1, "/test/", 6);
		}
		REQUIRE(at == answer.reply.data_bytes);
		what.cursor = answer.reply.cursor;
		++*ret_pages;
	} while (what.cursor);
	return count;
}

static void test_mutes(void)
{
	struct answer answer;
	int fd = become_client(&answer), tool = join(), other = join_as(1);
	struct es_request what = request(ES_REQUEST_MUTES_OF, -1);
	struct es_token token = { .pid = 1, .pidversion = 1 };
	unsigned int pages;

	what.slot = answer.reply.slot;
	for (int i = 0; i < 1000; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/test/%d", i);
		REQUIRE(ask_mute(fd, ES_REQUEST_MUTE, ES_MUTE_EXE_LITERAL, path, strlen(path), &answer) == 0);
	}
	REQUIRE(ask_mute(fd, ES_REQUEST_MUTE, ES_MUTE_PROCESS, &token, sizeof(token), &answer) == 0);
	REQUIRE(ask_mute(fd, ES_REQUEST_MUTE, ES_MUTE_PROCESS, &token, sizeof(token) - 1, &answer) == EINVAL);
	fake.ended = 2;
	token.pid = 2;
	REQUIRE(ask_mute(fd, ES_REQUEST_MUTE, ES_MUTE_PROCESS, &token, sizeof(token), &answer) == ESRCH);
	REQUIRE(ask_mute(fd, ES_REQUEST_INVERT, ES_STAGE_TARGET, "", 0, &answer) == 0);
	REQUIRE(answer.reply.inverted == 1u << ES_STAGE_TARGET);
	REQUIRE(ask_mute(fd, ES_REQUEST_INVERT, ES_STAGES, "", 0, &answer) == EINVAL);
	REQUIRE(count_mutes(fd, request(ES_REQUEST_MUTES, -1), &pages) == 1000 && pages > 1);
	REQUIRE(count_mutes(tool, what, &pages) == 1000 && pages > 1);

	REQUIRE(ask(other, &what, &answer) == EPERM);
	what.slot++;
	REQUIRE(ask(tool, &what, &answer) == ESRCH);
	what.slot = UINT32_MAX;
	REQUIRE(ask(tool, &what, &answer) == ESRCH);
	REQUIRE(ask_mute(fd, ES_REQUEST_UNMUTE, ES_MUTE_EXE_LITERAL, "/test/7", 7, &answer) == 0);
	REQUIRE(count_mutes(fd, request(ES_REQUEST_MUTES, -1), &pages) == 999);
	REQUIRE(ask_mute(fd, ES_REQUEST_UNMUTE_ALL, ES_STAGE_PATH, "", 0, &answer) == 0);
	REQUIRE(count_mutes(fd, request(ES_REQUEST_MUTES, -1), &pages) == 0 && pages == 1);

	/* Data where none belongs, or not as much as was said; who is no client has none. */
	what = request(ES_REQUEST_STATUS, -1);
	what.data_bytes = 8;
	REQUIRE(send(tool, &what, sizeof(what), 0) == sizeof(what) && ended(tool));
	what = request(ES_REQUEST_MUTES, -1);
	REQUIRE(send(other, &what, sizeof(what), 0) == sizeof(what) && ended(other));
	close(tool);
	close(other);
	leave(fd);
}

int main(void)
{
	struct rlimit files = { 2048, 4096 };
	int before = open_files();

	if (geteuid() != 0)
		SKIP("root");
	(void)setrlimit(RLIMIT_NOFILE, &files);
	log_set_level(LOG_LEVEL_ERROR);
	REQUIRE(esd_daemon_init(&daemon_) == 0);
	fake_sensor_init(&fake);
	daemon_.sensor = &fake.base;
	daemon_.ring_bytes = 65536;
	daemon_.limits.deadline_ms = 1000;

	test_client_life();
	test_mutes();
	test_refused_types();
	test_takes_steps();
	test_steps_of_several();
	test_steps_refused();
	test_clear_cache();
	test_cache();
	test_who_may();
	test_questions();
	test_all_slots();
	test_malformed();
	test_wrong_state();
	test_other_version();
	test_descriptors_sent();
	test_unread_replies();
	test_flood();
	test_idle();
	test_private_ends();

	esd_connections_end(&daemon_);
	esd_daemon_deinit(&daemon_);
	REQUIRE(fake.freed);
	REQUIRE(open_files() == before);
	return 0;
}
