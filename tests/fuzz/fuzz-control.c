/* SPDX-License-Identifier: MIT */

/*
 * The control protocol, against a daemon with a sensor of the tests. The input is a script of what several peers do:
 *
 *	byte 0		which of four connections (low bits), and what it does (high bits): send the bytes that follow, send
 *			them as a well-formed request, close, send a descriptor along
 *	byte 1		how many bytes follow
 *
 * Whatever they do, the daemon serves a proper client afterwards, keeps no client or connection of theirs once they have
 * left, and no descriptor.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/sensor/fake.h"
#include "daemon/serve/connection.h"
#include "daemon/serve/daemon.h"
#include "daemon/test.h"
#include "tests/fuzz/random.h"
#include "util/clock.h"
#include "util/macro.h"

enum { PEERS = 4 };

enum action {
	ACTION_BYTES,
	ACTION_REQUEST,
	ACTION_CLOSE,
	ACTION_DESCRIPTOR,
	ACTIONS,
};

static struct esd_daemon daemon_;
static struct fake_sensor fake;
static int peers[PEERS];

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void settle(void)
{
	while (loop_step(&daemon_.loop, 0) > 0)
		;
}

static int join(void)
{
	int fds[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	REQUIRE(esd_connection_new(&daemon_, fds[1]) == 0);
	return fds[0];
}

/* Replies are read, else the daemon ends connections for that; their descriptors aren't taken. */
static void drain(int fd)
{
	static char buffer[128 * 1024];

	while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
		;
}

static void send_bytes(int fd, const unsigned char *bytes, size_t size)
{
	(void)!send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * The first byte is the request, the others are in the set of types; of a request about mutes, the second is what it is
 * about, and the others are the path or token, for these types and their like. Gets deeper than noise does.
 */
static void send_request(int fd, const unsigned char *bytes, size_t size)
{
	struct {
		struct es_request request;
		unsigned char data[256];
	} packet = { .request = { .abi = ES_ABI_VERSION, .op = size ? bytes[0] % (ES_REQUEST_MUTES_OF + 2) : 0 } };
	struct es_request *request = &packet.request;

	if (size > 1)
		memcpy(request->types, bytes + 1, size - 1 < sizeof(request->types) ? size - 1 : sizeof(request->types));
	if (size > 2 && request->op >= ES_REQUEST_MUTE) {
		request->kind = bytes[1] % (ES_MUTE_KINDS + 1);
		request->slot = bytes[1];
		request->cursor = bytes[1];
		if (request->op == ES_REQUEST_MUTE || request->op == ES_REQUEST_UNMUTE)
			request->data_bytes = size - 2;
		memcpy(packet.data, bytes + 2, size - 2);
	}
	send_bytes(fd, (unsigned char *)&packet, sizeof(*request) + request->data_bytes);
}

static void send_descriptor(int fd, const unsigned char *bytes, size_t size)
{
	struct iovec iov = { (void *)bytes, size };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	(void)!sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void act(unsigned char what, const unsigned char *bytes, size_t size)
{
	int *peer = &peers[what % PEERS];

	if (*peer < 0)
		*peer = join();
	switch (what / PEERS % ACTIONS) {
	case ACTION_BYTES:
		send_bytes(*peer, bytes, size);
		break;
	case ACTION_REQUEST:
		send_request(*peer, bytes, size);
		break;
	case ACTION_CLOSE:
		close(TAKE_FD(*peer));
		break;
	case ACTION_DESCRIPTOR:
		send_descriptor(*peer, bytes, size);
		break;
	}
	settle();
	if (*peer >= 0)
		drain(*peer);
}

static void serve_proper(void)
{
	struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_STATUS };
	struct es_reply reply;
	int fd = join();

	REQUIRE(send(fd, &request, sizeof(request), 0) == sizeof(request));
	settle();
	REQUIRE(recv(fd, &reply, sizeof(reply), MSG_DONTWAIT) == sizeof(reply));
	REQUIRE(reply.error == 0 && reply.data_bytes == sizeof(struct es_status_info));
	close(fd);
	settle();
}

/* Differs after something was left open. */
static int lowest_free_fd(void)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 3);

	close(fd);
	return fd;
}

static void prepare(void)
{
	if (daemon_.sensor)
		return;
	log_set_level((enum log_level)0);
	REQUIRE(esd_daemon_init(&daemon_) == 0);
	fake_sensor_init(&fake);
	daemon_.sensor = &fake.base;
	daemon_.ring_bytes = 65536;
	daemon_.limits.deadline_ms = 1000;
	for (int i = 0; i < PEERS; i++)
		peers[i] = -1;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	int lowest;

	prepare();
	lowest = lowest_free_fd();
	fake.load_steps = size % 7;
	while (size >= 2) {
		size_t length = data[1] < size - 2 ? data[1] : size - 2;

		act(data[0], data + 2, length);
		data += 2 + length;
		size -= 2 + length;
	}
	esd_deadline_check(&daemon_.deadline, clock_ns());
	serve_proper();
	for (int i = 0; i < PEERS; i++) {
		closep(&peers[i]);
		peers[i] = -1;
	}
	settle();
	REQUIRE(daemon_.client_count == 0 && TAILQ_EMPTY(&daemon_.anonymous) && TAILQ_EMPTY(&daemon_.again));
	REQUIRE(daemon_.anonymous_count[0] == 0 && daemon_.anonymous_count[1] == 0);
	REQUIRE(lowest_free_fd() == lowest);
	return 0;
}

#ifndef ES_LIBFUZZER
/* Without libFuzzer: seeds, and changes of them that are the same in every run. argv[1]: how many. */

static const unsigned char seeds[][40] = {
	{ ACTION_REQUEST * PEERS, 1, ES_REQUEST_CLIENT, ACTION_REQUEST * PEERS, 3, ES_REQUEST_SUBSCRIBE, 3, 6,
	  ACTION_REQUEST * PEERS, 3, ES_REQUEST_UNSUBSCRIBE, 1, 0, ACTION_CLOSE * PEERS, 0 },
	{ ACTION_REQUEST * PEERS + 1, 1, ES_REQUEST_CLIENT, ACTION_REQUEST * PEERS + 2, 1, ES_REQUEST_CLIENTS,
	  ACTION_REQUEST * PEERS + 2, 1, ES_REQUEST_CAPABILITIES, ACTION_REQUEST * PEERS + 2, 1, ES_REQUEST_STATUS },
	{ ACTION_REQUEST * PEERS, 1, ES_REQUEST_CLIENT, ACTION_REQUEST * PEERS, 6, ES_REQUEST_MUTE, 1, '/', 'a', 'b', 'c',
	  ACTION_REQUEST * PEERS, 5, ES_REQUEST_UNMUTE, 1, '/', 'a', 'b', ACTION_REQUEST * PEERS, 3, ES_REQUEST_MUTES, 0, 0,
	  ACTION_REQUEST * PEERS, 3, ES_REQUEST_INVERT, 2, 0 },
	{ ACTION_REQUEST * PEERS, 1, ES_REQUEST_CLIENT, ACTION_REQUEST * PEERS, 34, ES_REQUEST_MUTE, ES_MUTE_PROCESS, 1 },
	{ ACTION_REQUEST * PEERS, 1, ES_REQUEST_CLIENT, ACTION_REQUEST * PEERS + 1, 3, ES_REQUEST_MUTES_OF, 0, 0,
	  ACTION_REQUEST * PEERS, 3, ES_REQUEST_UNMUTE_ALL, ES_STAGE_PATH, 0 },
	{ ACTION_BYTES * PEERS, 32, ES_ABI_VERSION, 0, 0, 0, ES_REQUEST_CLIENT, 0, 0, 0 },
	{ ACTION_DESCRIPTOR * PEERS + 3, 4, 1, 2, 3, 4, ACTION_BYTES * PEERS + 3, 0 },
};

static size_t mutate(unsigned char *input, size_t size, uint32_t *state)
{
	for (uint32_t changes = random_next(state) % 8; changes; changes--) {
		uint32_t at = random_next(state) % size, value = random_next(state);

		switch (random_next(state) % 4) {
		case 0:
			input[at] ^= 1 << value % 8;
			break;
		case 1:
			input[at] = value;
			break;
		case 2:
			input[at] = value % 16;
			break;
		case 3:
			memmove(input, input + at, size - at);
			break;
		}
	}
	return 1 + random_next(state) % size;
}

int main(int count, char *arguments[])
{
	int runs = count > 1 ? atoi(arguments[1]) : 20000;
	unsigned char input[4 * sizeof(seeds[0])];
	uint32_t state = 2463534242;

	if (geteuid() != 0)
		SKIP("only root may be a client");
	alarm(300);
	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++)
		LLVMFuzzerTestOneInput(seeds[i], sizeof(seeds[i]));
	for (int run = 0; run < runs; run++) {
		for (int i = 0; i < 4; i++)
			memcpy(input + i * sizeof(seeds[0]), seeds[random_next(&state) % ARRAY_SIZE(seeds)], sizeof(seeds[0]));
		LLVMFuzzerTestOneInput(input, mutate(input, sizeof(input), &state));
	}
	printf("%d inputs\n", runs);
	esd_connections_end(&daemon_);
	esd_daemon_deinit(&daemon_);
	return 0;
}
#endif
