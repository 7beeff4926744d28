/* SPDX-License-Identifier: MIT */
#include "test-daemon.h"

#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"
#include "util/macro.h"

static int listener = -1;
static pthread_t acceptor;
static atomic_int refusal;
static struct test_peer peers[256];
static _Atomic unsigned int peer_count;
uint32_t test_daemon_refuse_type = UINT32_MAX;
_Atomic uint32_t test_daemon_pidversion = 1000;
uint32_t test_daemon_sensor = ES_SENSOR_TRACEPOINT;

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int new_map(enum bpf_map_type type, uint32_t key, uint32_t value, uint32_t entries, uint32_t flags)
{
	union bpf_attr attr = {};

	attr.map_type = type;
	attr.key_size = key;
	attr.value_size = value;
	attr.max_entries = entries;
	attr.map_flags = flags;
	return bpf(BPF_MAP_CREATE, &attr);
}

static int load(const struct bpf_insn *instructions, uint32_t count)
{
	union bpf_attr attr = {};

	attr.prog_type = BPF_PROG_TYPE_SYSCALL;
	attr.insns = (uint64_t)(uintptr_t)instructions;
	attr.insn_cnt = count;
	attr.license = (uint64_t)(uintptr_t)"GPL";
	attr.prog_flags = BPF_F_SLEEPABLE;
	return bpf(BPF_PROG_LOAD, &attr);
}

#define INSN(code_, dst, src, off_, imm_) \
	{ .code = (code_), .dst_reg = (dst), .src_reg = (src), .off = (off_), .imm = (imm_) }

/* bpf_ringbuf_output(ring, the one value of the array, TEST_PUSH_BYTES, 0) */
static int load_push(int ring, int array)
{
	const struct bpf_insn instructions[] = {
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, ring),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_VALUE, 0, array),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 3, 0, 0, TEST_PUSH_BYTES),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ringbuf_output),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return load(instructions, ARRAY_SIZE(instructions));
}

/* Says ASKED; the test puts the record into the ring. */
static int load_ask(void)
{
	const struct bpf_insn instructions[] = {
		INSN(BPF_ST | BPF_MEM | BPF_W, 1, 0, offsetof(struct es_ask, verdict), ES_ASK_ASKED),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};

	return load(instructions, ARRAY_SIZE(instructions));
}

static void send_reply(int connection, const struct es_reply *reply, const int *fds)
{
	union {
		char bytes[CMSG_SPACE(ES_CLIENT_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct iovec iov = { .iov_base = (void *)reply, .iov_len = sizeof(*reply) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fds) {
		struct cmsghdr *header = &control.align;

		*header = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(ES_CLIENT_FDS * sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(header), fds, ES_CLIENT_FDS * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	sendmsg(connection, &message, MSG_NOSIGNAL);
}

static void make_client(struct test_peer *peer, struct es_reply *reply)
{
	struct ucred asker;
	int ends[2], fds[ES_CLIENT_FDS], array;

	CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
	fds[ES_CLIENT_FD_RING] = new_map(BPF_MAP_TYPE_RINGBUF, 0, 0, TEST_RING_BYTES, 0);
	fds[ES_CLIENT_FD_GATE] = ends[0];
	fds[ES_CLIENT_FD_ASK] = load_ask();
	fds[ES_CLIENT_FD_HELD] = new_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct es_held), ES_HELD_MAX, BPF_F_MMAPABLE);
	fds[ES_CLIENT_FD_END] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (int i = 0; i < ES_CLIENT_FDS; i++)
		CHECK(fds[i] >= 0);
	peer->end = dup(fds[ES_CLIENT_FD_END]);
	peer->held = mmap(NULL, ES_HELD_MAX * sizeof(struct es_held), PROT_READ | PROT_WRITE, MAP_SHARED,
			  fds[ES_CLIENT_FD_HELD], 0);
	CHECK(peer->held != MAP_FAILED);
	array = new_map(BPF_MAP_TYPE_ARRAY, 4, TEST_PUSH_BYTES, 1, BPF_F_MMAPABLE);
	CHECK(array >= 0);
	peer->push = mmap(NULL, TEST_PUSH_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, array, 0);
	CHECK(peer->push != MAP_FAILED);
	peer->push_fd = load_push(fds[ES_CLIENT_FD_RING], array);
	CHECK(peer->push_fd >= 0);
	close(array);
	peer->gate = ends[1];
	reply->ring_bytes = TEST_RING_BYTES;
	reply->pidversion = test_daemon_pidversion;
	CHECK(getsockopt(peer->connection, SOL_SOCKET, SO_PEERCRED, &asker, &(socklen_t){ sizeof(asker) }) == 0);
	reply->pid = (uint32_t)asker.pid;
	reply->group = (uint32_t)getpgid(asker.pid);
	send_reply(peer->connection, reply, fds);
	for (int i = 0; i < ES_CLIENT_FDS; i++)
		close(fds[i]);
}

/* False: hang up. */
static bool answer(struct test_peer *peer, const struct es_request *request)
{
	struct es_reply reply = {
		.op = request->op,
		.refused_type = test_daemon_refuse_type,
		.sensor = test_daemon_sensor,
	};
	int refused = atomic_load(&refusal);

	switch (request->op) {
	case ES_REQUEST_CLIENT:
		if (refused == -2)
			return false;
		if (refused == -1)
			reply.op = 99;
		reply.error = refused > 0 ? refused : 0;
		if (refused == 0)
			make_client(peer, &reply);
		else
			send_reply(peer->connection, &reply, NULL);
		return true;
	case ES_REQUEST_SUBSCRIBE:
		if (test_daemon_refuse_type < ES_EVENT_TYPES && esl_types_has(request->types, test_daemon_refuse_type))
			reply.error = EOPNOTSUPP;
		for (int i = 0; i < ES_TYPE_WORDS && !reply.error; i++)
			peer->types[i] |= request->types[i];
		break;
	case ES_REQUEST_UNSUBSCRIBE:
		for (int i = 0; i < ES_TYPE_WORDS; i++)
			peer->types[i] &= ~request->types[i];
		break;
	case ES_REQUEST_IDENTITY:
		reply.error = ENODATA;
		break;
	default:
		return false;
	}
	memcpy(reply.types, peer->types, sizeof(reply.types));
	send_reply(peer->connection, &reply, NULL);
	return true;
}

static void *serve(void *argument)
{
	struct test_peer *peer = argument;
	struct es_request request;

	while (recv(peer->connection, &request, sizeof(request), 0) == sizeof(request) && answer(peer, &request))
		;
	shutdown(peer->connection, SHUT_RDWR);
	return NULL;
}

static void *accept_peers(void *argument)
{
	pthread_t thread;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		struct test_peer *peer = &peers[peer_count];

		CHECK(peer_count + 1 < ARRAY_SIZE(peers));
		peer->connection = fd;
		peer_count++;
		CHECK(!pthread_create(&thread, NULL, serve, peer));
		pthread_detach(thread);
	}
	return argument;
}

bool test_daemon_start(const char *socket_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int probe = load_ask();

	if (probe < 0)
		return false;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CHECK(!bind(listener, (struct sockaddr *)&address, sizeof(address)) && !listen(listener, 16));
	setenv(ES_SOCKET_ENV, socket_path, 1);
	CHECK(!pthread_create(&acceptor, NULL, accept_peers, NULL));
	return true;
}

void test_daemon_stop(void)
{
	shutdown(listener, SHUT_RDWR);
	pthread_join(acceptor, NULL);
	close(listener);
}

void test_daemon_refuse(int error)
{
	refusal = error;
}

struct test_peer *test_daemon_peer(void)
{
	return &peers[peer_count - 1];
}

bool test_peer_push(struct test_peer *peer, const struct test_record *record)
{
	union bpf_attr attr = {};

	CHECK(record->head.size <= TEST_PUSH_BYTES);
	attr.test.prog_fd = (uint32_t)peer->push_fd;
	memcpy(peer->push, record->bytes, record->head.size);
	CHECK(bpf(BPF_PROG_RUN, &attr) == 0);
	return (int)attr.test.retval == 0;
}

void test_peer_end(struct test_peer *peer)
{
	CHECK(eventfd_write(peer->end, 1) == 0);
}

void test_peer_hang_up(struct test_peer *peer)
{
	shutdown(peer->connection, SHUT_RDWR);
}
