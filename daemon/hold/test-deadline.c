/* SPDX-License-Identifier: MIT */

/*
 * The daemon kills a client that misses a deadline, or doesn't read its gate; it doesn't kill one that answers. The clients
 * are children that connect to a real socket, so this tests listen.c, too.
 */

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <errno.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/fake.h"
#include "daemon/serve/client.h"
#include "daemon/serve/connection.h"
#include "daemon/serve/daemon.h"
#include "daemon/serve/listen.h"
#include "daemon/test.h"
#include "util/clock.h"
#include "util/macro.h"

enum { SECONDS = 20 };

static struct esd_daemon daemon_;
static struct fake_sensor fake;
static struct esd_listen listen_;
static char directory[] = "/tmp/es-test-deadline-XXXXXX", path[64];

static _Noreturn void client_process(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_CLIENT };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	alarm(SECONDS);
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(fd, &request, sizeof(request), 0) != sizeof(request))
		_exit(9);
	request.op = ES_REQUEST_SUBSCRIBE;
	esd_types_add(request.types, ESD_AUTH_EXEC);
	if (send(fd, &request, sizeof(request), 0) != sizeof(request))
		_exit(9);
	for (;;)
		pause();
}

/* Until the child is a client with its subscription. */
static pid_t client_start(unsigned int slot)
{
	pid_t pid = fork();

	REQUIRE(pid >= 0);
	if (pid == 0)
		client_process();
	while (!daemon_.clients[slot] || !esd_types_has(daemon_.clients[slot]->types, ESD_AUTH_EXEC))
		REQUIRE(loop_step(&daemon_.loop, 2000) == 1);
	REQUIRE(daemon_.clients[slot]->pid == pid);
	return pid;
}

/* One round, and what the loop does after it. */
static void check(uint64_t now_ns)
{
	esd_deadline_check(&daemon_.deadline, now_ns);
	esd_connections_reap(&daemon_);
}

static bool killed(pid_t pid)
{
	int status;

	REQUIRE(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void test_missed(void)
{
	uint64_t now = clock_ns();
	pid_t pid = client_start(0), other = client_start(1);

	fake.slots[0].held[1000] = (struct es_held){ .auth_id = 1000, .deadline_ns = now + NS_PER_S, .tid = 5,
						     .type = ESD_AUTH_EXEC };
	fake.slots[1].held[0] = (struct es_held){ .auth_id = 1024 };			/* claimed, not asked */
	fake.slots[1].held[1] = (struct es_held){ .deadline_ns = now - NS_PER_S };	/* answered */
	check(now);
	REQUIRE(daemon_.clients[0] && daemon_.clients[1]);
	check(now + NS_PER_S + 1);
	REQUIRE(!daemon_.clients[0] && daemon_.clients[1]);
	REQUIRE(killed(pid));
	kill(other, SIGKILL);
	while (daemon_.clients[1])
		REQUIRE(loop_step(&daemon_.loop, 2000) == 1);
	REQUIRE(killed(other) && daemon_.client_count == 0 && daemon_.deadline.fd < 0);
}

/* A client that chose to live does, and the daemon answers its operation, once. */
static void test_answered(void)
{
	static const struct {
		uint32_t mode, verdict;
	} cases[] = { { ES_MISS_DENY, ES_VERDICT_DENY }, { ES_MISS_ALLOW, ES_VERDICT_ALLOW } };
	const uint32_t claim = 5 << ES_VERDICT_SHIFT;
	uint64_t now = clock_ns();
	pid_t pid = client_start(0);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct es_held *entry = &fake.slots[0].held[40];
		unsigned int count = daemon_.notes.count;
		struct es_note_info *note = &daemon_.notes.note[daemon_.notes.next];

		REQUIRE(esd_client_set_miss_mode(daemon_.clients[0], cases[i].mode) == 0);
		*entry = (struct es_held){ .auth_id = 40, .deadline_ns = now, .tid = 5, .tgid = 4, .verdict = claim,
					   .type = ESD_AUTH_OPEN, .path = "/a\n/b" };
		check(now + 30 * NS_PER_MS);
		check(now + 60 * NS_PER_MS);
		REQUIRE(daemon_.clients[0] && daemon_.clients[0]->missed == i + 1);
		REQUIRE(entry->verdict == (claim | cases[i].verdict | ES_VERDICT_MISSED) && !entry->outside);
		REQUIRE(daemon_.notes.count == count + 1 && note->kind == ES_NOTE_MISSED && note->pid == pid);
		REQUIRE(note->outcome == cases[i].mode && note->type == ESD_AUTH_OPEN && note->op_pid == 4);
		REQUIRE(note->late_ns == 30 * NS_PER_MS && !strcmp(note->path, "/a?/b"));

		/* An answer of the client's, just before. */
		entry->verdict = claim | ES_VERDICT_ALLOW;
		check(now + 90 * NS_PER_MS);
		REQUIRE(entry->verdict == (claim | ES_VERDICT_ALLOW) && daemon_.clients[0]->missed == i + 1);
		entry->auth_id = 0;
	}
	REQUIRE(esd_client_set_miss_mode(daemon_.clients[0], ES_MISS_MODES) == EINVAL);
	kill(pid, SIGKILL);
	while (daemon_.clients[0])
		REQUIRE(loop_step(&daemon_.loop, 2000) == 1);
	REQUIRE(killed(pid));
}

/* The deadline here is one second; the test sets the time. */
static void test_stalled(void)
{
	uint64_t now = clock_ns();
	pid_t pid = client_start(0);
	char drain[8];

	check(now += 2 * NS_PER_S);	/* nothing waits */
	REQUIRE(write(fake.slots[0].gate_writer, "1234", 4) == 4);
	check(now += NS_PER_S / 2);
	fake.clients[0].asked++;				/* it is at work */
	check(now += NS_PER_S);
	check(now += NS_PER_S / 2);
	REQUIRE(read(fake.slots[0].given.fds[ES_CLIENT_FD_GATE], drain, 1) == 1);
	check(now += NS_PER_S);		/* still readable, but shorter */
	REQUIRE(daemon_.clients[0]);
	check(now += NS_PER_S / 2);
	REQUIRE(read(fake.slots[0].given.fds[ES_CLIENT_FD_GATE], drain, 8) == 3);
	check(now += 10 * NS_PER_S);	/* empty */
	REQUIRE(write(fake.slots[0].gate_writer, "1234", 4) == 4);
	check(now += NS_PER_S);
	REQUIRE(daemon_.clients[0]);
	check(now += NS_PER_S + 1);
	REQUIRE(!daemon_.clients[0]);
	REQUIRE(killed(pid));
}

static void claim_event(struct es_held *entry, uint64_t auth_id, int fd)
{
	const struct fanotify_event_metadata event = { .event_len = sizeof(event), .vers = FANOTIFY_METADATA_VERSION,
						       .mask = FAN_OPEN_EXEC_PERM, .fd = fd, .pid = 77 };

	*entry = (struct es_held){ .auth_id = auth_id, .verdict = ES_VERDICT_MARK(1) };
	memcpy(entry->event, &event, sizeof(event));
}

/* The client is stopped after it has read the request, before the handler: the entry has an event and no deadline. */
static void test_unasked(void)
{
	uint64_t now = clock_ns();
	pid_t pid = client_start(0);
	struct es_held *held = fake.slots[0].held;

	daemon_.clients[0]->watch.sensor = ES_SENSOR_TRACEPOINT;
	held[5] = (struct es_held){ .auth_id = 5, .verdict = ES_VERDICT_MARK(1) };	/* there was nothing to read */
	claim_event(&held[7], 7, 3);
	check(now += NS_PER_S);
	claim_event(&held[7], 7 + ES_HELD_MAX, 3);		/* that one was asked about, this is another */
	check(now += NS_PER_S);
	held[7].auth_id = 0;
	claim_event(&held[3], 3, 3);
	check(now += NS_PER_S);
	check(now += NS_PER_S);
	REQUIRE(daemon_.clients[0]);
	check(now += 1);
	REQUIRE(!daemon_.clients[0] && killed(pid));
}

/* The same for a client that chose to live: the daemon answers the event once, by the number in it. */
static void test_unasked_answered(void)
{
	uint64_t now = clock_ns();
	pid_t pid = client_start(0);
	struct es_held *entry = &fake.slots[0].held[3];
	unsigned int count = daemon_.notes.count;
	struct es_note_info *note = &daemon_.notes.note[daemon_.notes.next];
	struct fanotify_response response;
	int group[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, group) == 0);
	daemon_.clients[0]->watch.sensor = ES_SENSOR_TRACEPOINT;
	daemon_.clients[0]->watch.gate_fd = group[0];
	REQUIRE(esd_client_set_miss_mode(daemon_.clients[0], ES_MISS_DENY) == 0);
	claim_event(entry, 3, 12);
	check(now);
	check(now + NS_PER_S);
	REQUIRE(read(group[1], &response, sizeof(response)) < 0);
	check(now + NS_PER_S + 1);
	check(now + 2 * NS_PER_S);
	REQUIRE(daemon_.clients[0] && daemon_.clients[0]->missed == 1 && daemon_.notes.count == count + 1);
	REQUIRE(read(group[1], &response, sizeof(response)) == sizeof(response));
	REQUIRE(response.fd == 12 && response.response == FAN_DENY);
	REQUIRE(read(group[1], &response, sizeof(response)) < 0);
	REQUIRE(entry->verdict == (ES_VERDICT_MARK(1) | ES_VERDICT_DENY | ES_VERDICT_MISSED) && !entry->outside);
	REQUIRE(note->kind == ES_NOTE_MISSED && note->op_tid == 77 && note->type == ESD_AUTH_EXEC);
	close(group[0]);
	close(group[1]);
	kill(pid, SIGKILL);
	while (daemon_.clients[0])
		REQUIRE(loop_step(&daemon_.loop, 2000) == 1);
	REQUIRE(killed(pid));
}

/*
 * With the lsm sensor an answered entry stays until its task reads it, however late. If nothing has woken the task, the
 * daemon does, and kills no client: the task may run late. A task that isn't at the gate, and hasn't read for long, has
 * left its call, and no client is late.
 */
static void test_not_looked(void)
{
	uint64_t now = clock_ns();
	pid_t pid = client_start(0);
	struct es_held *entry = &fake.slots[0].held[7];
	struct fuse_out_header reply;
	int gate[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, gate) == 0);
	daemon_.clients[0]->watch.sensor = ES_SENSOR_LSM;
	daemon_.clients[0]->watch.gate_fd = gate[0];
	*entry = (struct es_held){ .auth_id = 7, .deadline_ns = now, .tid = getpid(),
				   .verdict = ES_VERDICT_MARK(1) | ES_VERDICT_DENY };
	check(now += 10 * NS_PER_S);
	check(now += NS_PER_S);
	REQUIRE(daemon_.clients[0] && read(gate[1], &reply, sizeof(reply)) < 0);
	entry->flags = ES_HELD_AT_GATE;
	entry->request = 98;
	check(now += 1);
	REQUIRE(read(gate[1], &reply, sizeof(reply)) == sizeof(reply) && reply.unique == 98 && !entry->request);
	REQUIRE(!entry->flags);
	check(now += NS_PER_S);
	REQUIRE(daemon_.clients[0] && daemon_.clients[0]->missed == 0);
	entry->verdict = ES_VERDICT_MARK(1);
	check(now);
	REQUIRE(daemon_.clients[0] && daemon_.clients[0]->missed == 0);
	entry->flags = ES_HELD_AT_GATE;
	check(now);
	REQUIRE(!daemon_.clients[0] && killed(pid));
	close(gate[0]);
	close(gate[1]);
}

/* A gate that keeps no queue: that it is readable says nothing. */
static void test_no_queue(void)
{
	uint64_t now = clock_ns();
	pid_t pid = client_start(0);

	daemon_.clients[0]->watch.queues = false;
	REQUIRE(write(fake.slots[0].gate_writer, "1234", 4) == 4);
	for (int i = 0; i < 5; i++)
		check(now += NS_PER_S);
	REQUIRE(daemon_.clients[0]);
	daemon_.clients[0]->watch.queues = true;
	check(now += NS_PER_S);
	check(now += NS_PER_S + 1);
	REQUIRE(!daemon_.clients[0] && killed(pid));
}

/* By the timer, without our help. */
static void test_timer(void)
{
	pid_t pid = client_start(0);
	uint64_t begin = clock_ns();

	fake.slots[0].held[3] = (struct es_held){ .auth_id = 3, .deadline_ns = begin + 100 * NS_PER_MS,
						  .type = ESD_AUTH_EXEC };
	while (daemon_.clients[0])
		REQUIRE(loop_step(&daemon_.loop, 2000) == 1);
	REQUIRE(clock_ns() - begin >= 100 * NS_PER_MS);
	REQUIRE(killed(pid));
}

static void test_lock(void)
{
	struct esd_listen second;
	struct stat st;

	REQUIRE(stat(path, &st) == 0 && (st.st_mode & 0777) == 0666);
	REQUIRE(esd_listen_answered(path));
	esd_listen_init(&second, &daemon_, path);
	REQUIRE(esd_listen_lock(&second) == EWOULDBLOCK);
	esd_listen_deinit(&second);
	REQUIRE(stat(path, &st) == 0);
	esd_listen_init(&second, &daemon_, "relative");
	REQUIRE(esd_listen_lock(&second) < 0);
	esd_listen_deinit(&second);
}

/* A killed daemon leaves a socket without a listener, and a lock file without a holder. */
static void leave_behind(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char lock[80];

	strcpy(address.sun_path, path);
	REQUIRE(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	close(fd);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	close(open(lock, O_CREAT | O_WRONLY, 0600));
	REQUIRE(!esd_listen_answered(path));
}

int main(void)
{
	if (geteuid() != 0)
		SKIP("root");
	alarm(2 * SECONDS);
	REQUIRE(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/control", directory);
	REQUIRE(esd_daemon_init(&daemon_) == 0);
	fake_sensor_init(&fake);
	daemon_.sensor = &fake.base;
	daemon_.limits.deadline_ms = 1000;
	leave_behind();
	esd_listen_init(&listen_, &daemon_, path);
	REQUIRE(esd_listen_lock(&listen_) == 0 && esd_listen_start(&listen_) == 0);

	test_lock();
	test_missed();
	test_answered();
	test_stalled();
	test_unasked();
	test_unasked_answered();
	test_not_looked();
	test_no_queue();
	test_timer();

	esd_listen_deinit(&listen_);
	esd_connections_end(&daemon_);
	esd_daemon_deinit(&daemon_);
	REQUIRE(rmdir(directory) == 0);			/* nothing was left in it */
	return 0;
}
