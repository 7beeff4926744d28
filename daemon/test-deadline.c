/* SPDX-License-Identifier: MIT */

/*
 * Who lets a deadline pass, or leaves its gate alone, is killed; who answers is not. The clients are children that
 * connect to a real socket, so listen.c is in it, too.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <errno.h>
#include <unistd.h>

#include "daemon/client.h"
#include "daemon/daemon.h"
#include "daemon/event.h"
#include "daemon/fake-sensor.h"
#include "daemon/listen.h"
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
	esd_deadline_check(&daemon_, now);
	REQUIRE(daemon_.clients[0] && daemon_.clients[1]);
	esd_deadline_check(&daemon_, now + NS_PER_S + 1);
	REQUIRE(!daemon_.clients[0] && daemon_.clients[1]);
	REQUIRE(killed(pid));
	kill(other, SIGKILL);
	while (daemon_.clients[1])
		REQUIRE(loop_step(&daemon_.loop, 2000) == 1);
	REQUIRE(killed(other) && daemon_.client_count == 0 && daemon_.deadline.fd < 0);
}

/* Who wants to live does, and its operation is answered for it, once. */
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
		esd_deadline_check(&daemon_, now + 30 * NS_PER_MS);
		esd_deadline_check(&daemon_, now + 60 * NS_PER_MS);
		REQUIRE(daemon_.clients[0] && daemon_.clients[0]->missed == i + 1);
		REQUIRE(entry->verdict == (claim | cases[i].verdict | ES_VERDICT_MISSED) && !entry->outside);
		REQUIRE(daemon_.notes.count == count + 1 && note->kind == ES_NOTE_MISSED && note->pid == pid);
		REQUIRE(note->outcome == cases[i].mode && note->type == ESD_AUTH_OPEN && note->op_pid == 4);
		REQUIRE(note->late_ns == 30 * NS_PER_MS && !strcmp(note->path, "/a?/b"));

		/* An answer of the client's, just before. */
		entry->verdict = claim | ES_VERDICT_ALLOW;
		esd_deadline_check(&daemon_, now + 90 * NS_PER_MS);
		REQUIRE(entry->verdict == (claim | ES_VERDICT_ALLOW) && daemon_.clients[0]->missed == i + 1);
		entry->auth_id = 0;
	}
	REQUIRE(esd_client_set_miss_mode(daemon_.clients[0], ES_MISS_MODES) == EINVAL);
	kill(pid, SIGKILL);
	while (daemon_.clients[0])
		REQUIRE(loop_step(&daemon_.loop, 2000) == 1);
	REQUIRE(killed(pid));
}

/* The deadline here is one second; time is told by us. */
static void test_stalled(void)
{
	uint64_t now = clock_ns();
	pid_t pid = client_start(0);
	char drain[8];

	esd_deadline_check(&daemon_, now += 2 * NS_PER_S);	/* nothing waits */
	REQUIRE(write(fake.slots[0].gate_writer, "1234", 4) == 4);
	esd_deadline_check(&daemon_, now += NS_PER_S / 2);
	fake.clients[0].asked++;				/* it is at work */
	esd_deadline_check(&daemon_, now += NS_PER_S);
	esd_deadline_check(&daemon_, now += NS_PER_S / 2);
	REQUIRE(read(fake.slots[0].given.fds[ES_CLIENT_FD_GATE], drain, 1) == 1);
	esd_deadline_check(&daemon_, now += NS_PER_S);		/* still readable, but shorter */
	REQUIRE(daemon_.clients[0]);
	esd_deadline_check(&daemon_, now += NS_PER_S / 2);
	REQUIRE(read(fake.slots[0].given.fds[ES_CLIENT_FD_GATE], drain, 8) == 3);
	esd_deadline_check(&daemon_, now += 10 * NS_PER_S);	/* empty */
	REQUIRE(write(fake.slots[0].gate_writer, "1234", 4) == 4);
	esd_deadline_check(&daemon_, now += NS_PER_S);
	REQUIRE(daemon_.clients[0]);
	esd_deadline_check(&daemon_, now += NS_PER_S + 1);
	REQUIRE(!daemon_.clients[0]);
	REQUIRE(killed(pid));
}

/* A gate that keeps no queue: that it is readable says nothing. */
static void test_no_queue(void)
{
	uint64_t now = clock_ns();
	pid_t pid = client_start(0);

	daemon_.clients[0]->watch.queues = false;
	REQUIRE(write(fake.slots[0].gate_writer, "1234", 4) == 4);
	for (int i = 0; i < 5; i++)
		esd_deadline_check(&daemon_, now += NS_PER_S);
	REQUIRE(daemon_.clients[0]);
	daemon_.clients[0]->watch.queues = true;
	esd_deadline_check(&daemon_, now += NS_PER_S);
	esd_deadline_check(&daemon_, now += NS_PER_S + 1);
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

/* What a killed daemon leaves: a socket that nobody listens at, and a lock file that nobody holds. */
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
		SKIP("only root may be a client");
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
	test_no_queue();
	test_timer();

	esd_listen_deinit(&listen_);
	esd_daemon_deinit(&daemon_);
	REQUIRE(rmdir(directory) == 0);			/* nothing was left in it */
	return 0;
}
