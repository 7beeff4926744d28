/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>

#include "test-daemon.h"
#include "test.h"
#include "util/macro.h"

/* The whole library against the daemon of test-daemon.h. NULL is passed on purpose. */
#pragma GCC diagnostic ignored "-Wnonnull"

static char folder[] = "/tmp/test-client-XXXXXX";
static char socket_path[64];
static struct test_record record;

/* What the handler saw last, and how to make it do something. */
static struct seen {
	sem_t calls;
	_Atomic(const es_message_t *) message;
	_Atomic uint64_t seq, global_seq;
	_Atomic(es_client_t *) client;
	void (*_Atomic act)(es_client_t *client, const es_message_t *message);
} seen;

static void handler(es_client_t *client, const es_message_t *message, void *context)
{
	void (*act)(es_client_t *, const es_message_t *) = seen.act;

	CHECK(context == &seen);
	seen.message = message;
	seen.client = client;
	seen.seq = message->seq_num;
	seen.global_seq = message->global_seq_num;
	if (act)
		act(client, message);
	sem_post(&seen.calls);
}

/* Waits for one more call of the handler. */
static bool called(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	return sem_timedwait(&seen.calls, &until) == 0;
}

static bool not_called(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 50000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	return sem_timedwait(&seen.calls, &until) < 0 && errno == ETIMEDOUT;
}

static void wait_until(atomic_int *count, int expected)
{
	for (int i = 0; atomic_load(count) != expected; i++) {
		CHECK(i < 10000);
		usleep(1000);
	}
}

static es_client_t *new_client(void (*act)(es_client_t *, const es_message_t *))
{
	static const es_event_type_t asked[] = { ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_AUTH_EXEC,
						 ES_EVENT_TYPE_AUTH_UNLINK };
	es_client_t *client = NULL;

	seen.act = act;
	CHECK(es_new_client_f(&client, handler, &seen) == ES_NEW_CLIENT_RESULT_SUCCESS && client);
	if (act)			/* who isn't subscribed isn't asked either */
		CHECK(es_subscribe(client, asked, 3) == ES_RETURN_SUCCESS);
	return client;
}

static void push(struct test_peer *peer, uint16_t type)
{
	test_record_full(&record, type);
	CHECK(test_peer_push(peer, &record));
}

static void retain(es_client_t *client, const es_message_t *message)
{
	(void)client;
	es_retain_message(message);
}

/* Knocks at the gate, and gives the message that follows from it to the handler. Returns the event's descriptor. */
static int ask(struct test_peer *peer, uint64_t mask, int tid)
{
	const struct fanotify_event_metadata event = {
		.event_len = sizeof(event),
		.vers = FANOTIFY_METADATA_VERSION,
		.metadata_len = sizeof(event),
		.mask = mask,
		.fd = memfd_create("asked", MFD_CLOEXEC),
		.pid = tid,
	};
	uint64_t id = 0;

	CHECK(write(peer->gate, &event, sizeof(event)) == sizeof(event));
	for (int i = 0; !(id = __atomic_load_n(&peer->held[0].auth_id, __ATOMIC_ACQUIRE)); i++) {
		CHECK(i < 10000);
		usleep(1000);
	}
	test_record_full(&record, mask == FAN_OPEN_PERM ? ES_EVENT_TYPE_AUTH_OPEN : ES_EVENT_TYPE_AUTH_EXEC);
	record.head.auth_id = id;
	record.head.num[0] = FREAD | FWRITE;
	CHECK(test_peer_push(peer, &record) && called());
	return event.fd;
}

static bool answered(struct test_peer *peer, int fd, uint32_t response)
{
	struct pollfd wait = { .fd = peer->gate, .events = POLLIN };
	struct fanotify_response got;

	return poll(&wait, 1, 10000) == 1 && read(peer->gate, &got, sizeof(got)) == sizeof(got) && got.fd == fd &&
	       got.response == response;
}

static bool no_answer(struct test_peer *peer)
{
	struct pollfd wait = { .fd = peer->gate, .events = POLLIN };

	return poll(&wait, 1, 20) == 0;
}

static void test_new_client(void)
{
	static const struct {
		int refusal;
		es_new_client_result_t result;
	} cases[] = {
		{ EPERM, ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED },
		{ EUSERS, ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS },
		{ EPROTO, ES_NEW_CLIENT_RESULT_ERR_INTERNAL },
		{ ENOMEM, ES_NEW_CLIENT_RESULT_ERR_INTERNAL },
		{ -1, ES_NEW_CLIENT_RESULT_ERR_INTERNAL },
		{ -2, ES_NEW_CLIENT_RESULT_ERR_INTERNAL },
	};
	es_client_t *client = (es_client_t *)&seen;

	CHECK(es_new_client_f(NULL, handler, NULL) == ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT);
	CHECK(es_new_client_f(&client, NULL, NULL) == ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT);
	CHECK(es_new_descendants_client_f(&client, handler, NULL) == ES_NEW_CLIENT_RESULT_ERR_INTERNAL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		test_daemon_refuse(cases[i].refusal);
		CHECK(es_new_client_f(&client, handler, NULL) == cases[i].result);
	}
	test_daemon_refuse(0);
	CHECK(!seteuid(65534));
	CHECK(es_new_client_f(&client, handler, NULL) == ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED);
	CHECK(!seteuid(0));

	/* Nobody listens, and there is nothing to start. */
	setenv(ES_SOCKET_ENV, "/nonexistent/socket", 1);
	CHECK(es_new_client_f(&client, handler, NULL) == ES_NEW_CLIENT_RESULT_ERR_INTERNAL);
	setenv(ES_SOCKET_ENV, socket_path, 1);
	CHECK(client == (es_client_t *)&seen);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Somebody listens, and says nothing, as a socket of systemd's whose daemon doesn't come; or starts, and isn't ready. */
static void test_timeout(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	es_client_t *client;
	uint64_t begin;

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s-mute", socket_path);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0);
	setenv(ES_SOCKET_ENV, address.sun_path, 1);
	es_linux_set_connect_timeout_milliseconds(200);
	begin = now_ns();
	CHECK(es_new_client_f(&client, handler, NULL) == ES_NEW_CLIENT_RESULT_ERR_INTERNAL);
	CHECK(now_ns() - begin > 150 * 1000000ull && now_ns() - begin < 20000 * 1000000ull);
	es_linux_set_connect_timeout_milliseconds(0);
	setenv(ES_SOCKET_ENV, socket_path, 1);
	unlink(address.sun_path);
	close(fd);
}

static void test_no_client(void)
{
	es_event_type_t type = ES_EVENT_TYPE_NOTIFY_EXEC, *list;
	es_client_t *stranger = (es_client_t *)&seen;
	size_t count;

	CHECK(es_delete_client(NULL) == ES_RETURN_SUCCESS);
	for (int i = 0; i < 2; i++, stranger = NULL) {
		CHECK(es_subscribe(stranger, &type, 1) == ES_RETURN_ERROR);
		CHECK(es_unsubscribe(stranger, &type, 1) == ES_RETURN_ERROR);
		CHECK(es_unsubscribe_all(stranger) == ES_RETURN_ERROR);
		CHECK(es_subscriptions(stranger, &count, &list) == ES_RETURN_ERROR);
		CHECK(es_respond_auth_result(stranger, NULL, ES_AUTH_RESULT_ALLOW, false) ==
		      ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
		CHECK(es_linux_stream_ended(stranger));
	}
	CHECK(es_delete_client((es_client_t *)&seen) == ES_RETURN_ERROR);
	es_retain_message(NULL);
	es_release_message(NULL);
}

/* stderr goes to a file from here to log_has(), which puts it back. */
static int log_fd, old_stderr;

static void log_begin(void)
{
	log_fd = memfd_create("log", MFD_CLOEXEC);
	old_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	CHECK(log_fd >= 0 && old_stderr >= 0 && dup2(log_fd, STDERR_FILENO) == STDERR_FILENO);
}

static bool log_has(const char *text)
{
	char buffer[4096] = "";
	ssize_t length = pread(log_fd, buffer, sizeof(buffer) - 1, 0);

	CHECK(length >= 0 && dup2(old_stderr, STDERR_FILENO) == STDERR_FILENO);
	close(log_fd);
	close(old_stderr);
	return strstr(buffer, text);
}

/* The library logs why it refuses. */
static void test_refusals_are_explained(void)
{
	static const es_event_type_t closed[] = { ES_EVENT_TYPE_NOTIFY_OPEN, ES_EVENT_TYPE_RESERVED_2 };
	es_client_t *client = new_client(NULL);
	char path[PATH_MAX + 1];

	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	log_begin();
	CHECK(es_subscribe(client, closed, ARRAY_SIZE(closed)) == ES_RETURN_ERROR);
	CHECK(log_has("cannot subscribe to the types RESERVED_0 to RESERVED_2"));
	log_begin();
	CHECK(es_mute_path(client, path, ES_MUTE_PATH_TYPE_LITERAL) == ES_RETURN_ERROR);
	CHECK(log_has("is not muted: a path can have 4095 bytes"));
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
}

static void test_subscriptions(void)
{
	static const es_event_type_t some[] = { ES_EVENT_TYPE_NOTIFY_EXEC, (es_event_type_t)5000,
						ES_EVENT_TYPE_NOTIFY_EXIT, ES_EVENT_TYPE_NOTIFY_EXEC };
	static const es_event_type_t one[] = { ES_EVENT_TYPE_NOTIFY_OPEN, ES_EVENT_TYPE_NOTIFY_EXEC };
	static const es_event_type_t closed[] = { ES_EVENT_TYPE_NOTIFY_OPEN, ES_EVENT_TYPE_RESERVED_1 };
	static const es_event_type_t refused[] = { ES_EVENT_TYPE_NOTIFY_OPEN, ES_EVENT_TYPE_AUTH_MOUNT };
	es_client_t *client = new_client(NULL);
	es_event_type_t *list = NULL;
	size_t count = 99;

	CHECK(es_subscriptions(client, &count, &list) == ES_RETURN_SUCCESS && count == 0);
	free(list);
	CHECK(es_subscribe(client, some, 0) == ES_RETURN_SUCCESS && es_subscribe(client, NULL, 0) == ES_RETURN_SUCCESS);
	CHECK(es_subscribe(client, NULL, 1) == ES_RETURN_ERROR);
	CHECK(es_subscribe(client, some, ARRAY_SIZE(some)) == ES_RETURN_SUCCESS);
	CHECK(es_subscribe(client, closed, ARRAY_SIZE(closed)) == ES_RETURN_ERROR);
	test_daemon_refuse_type = ES_EVENT_TYPE_AUTH_MOUNT;
	CHECK(es_subscribe(client, refused, ARRAY_SIZE(refused)) == ES_RETURN_ERROR);
	test_daemon_refuse_type = UINT32_MAX;

	CHECK(es_subscriptions(client, &count, &list) == ES_RETURN_SUCCESS && count == 2);
	CHECK(list[0] == ES_EVENT_TYPE_NOTIFY_EXEC && list[1] == ES_EVENT_TYPE_NOTIFY_EXIT);
	free(list);
	CHECK(es_unsubscribe(client, one, ARRAY_SIZE(one)) == ES_RETURN_SUCCESS);
	CHECK(es_subscriptions(client, &count, &list) == ES_RETURN_SUCCESS && count == 1);
	free(list);
	CHECK(es_unsubscribe_all(client) == ES_RETURN_SUCCESS);
	CHECK(es_subscriptions(client, &count, &list) == ES_RETURN_SUCCESS && count == 0);
	free(list);
	CHECK(es_subscriptions(client, NULL, &list) == ES_RETURN_ERROR);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
}

static void look_at_thread(es_client_t *client, const es_message_t *message)
{
	char name[16];
	sigset_t blocked;

	(void)client;
	(void)message;
	prctl(PR_GET_NAME, name);
	CHECK(!strcmp(name, "es-handler-0"));
	CHECK(!pthread_sigmask(SIG_BLOCK, NULL, &blocked) && sigismember(&blocked, SIGTERM) &&
	      sigismember(&blocked, SIGCHLD));
}

static void test_delivery(void)
{
	es_client_t *client = new_client(look_at_thread);
	struct test_peer *peer = test_daemon_peer();

	for (uint64_t i = 0; i < 50; i++) {
		push(peer, i % 2 ? ES_EVENT_TYPE_NOTIFY_EXIT : ES_EVENT_TYPE_NOTIFY_EXEC);
		CHECK(called() && seen.client == client && seen.seq == i / 2 && seen.global_seq == i);
	}

	/* Three were lost, two of them of this type; what can't be decoded is lost as well. */
	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_EXIT);
	record.head.lost_type = 2;
	record.head.lost_all = 3;
	CHECK(test_peer_push(peer, &record) && called() && seen.seq == 27 && seen.global_seq == 53);
	record.head.process = 1;
	CHECK(test_peer_push(peer, &record) && not_called());
	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_EXIT);
	record.head.lost_type = 2;
	record.head.lost_all = 3;
	CHECK(test_peer_push(peer, &record) && called() && seen.seq == 29 && seen.global_seq == 55);
	/* A count of losses that is behind doesn't turn the numbers back. */
	record.head.lost_type = record.head.lost_all = 0;
	CHECK(test_peer_push(peer, &record) && called() && seen.seq == 30 && seen.global_seq == 56);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
}

static void test_respond(void)
{
	es_client_t *client = new_client(retain), *other = new_client(retain);
	struct test_peer *peer = test_daemon_peer() - 1;
	const es_message_t *exec, *open, *notify;
	int exec_fd, open_fd;

	push(peer, ES_EVENT_TYPE_NOTIFY_EXEC);
	CHECK(called());
	notify = seen.message;
	exec_fd = ask(peer, FAN_OPEN_EXEC_PERM, 1);
	exec = seen.message;

	CHECK(es_respond_auth_result(client, notify, ES_AUTH_RESULT_ALLOW, false) == ES_RESPOND_RESULT_ERR_EVENT_TYPE);
	CHECK(es_respond_flags_result(client, notify, 0, false) == ES_RESPOND_RESULT_ERR_EVENT_TYPE);
	CHECK(es_respond_flags_result(client, exec, UINT32_MAX, false) == ES_RESPOND_RESULT_ERR_EVENT_TYPE);
	CHECK(es_respond_auth_result(other, exec, ES_AUTH_RESULT_ALLOW, false) == ES_RESPOND_RESULT_NOT_FOUND);
	CHECK(es_respond_auth_result(client, NULL, ES_AUTH_RESULT_ALLOW, false) ==
	      ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
	CHECK(es_respond_auth_result(NULL, exec, ES_AUTH_RESULT_ALLOW, false) ==
	      ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
	CHECK(es_respond_auth_result(client, exec, (es_auth_result_t)7, false) ==
	      ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
	CHECK(no_answer(peer));
	CHECK(es_respond_auth_result(client, exec, ES_AUTH_RESULT_DENY, true) == ES_RESPOND_RESULT_SUCCESS);
	CHECK(answered(peer, exec_fd, FAN_DENY));
	CHECK(es_respond_auth_result(client, exec, ES_AUTH_RESULT_ALLOW, false) ==
	      ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);

	for (uint32_t mask = 0; mask < 4; mask++) {
		open_fd = ask(peer, FAN_OPEN_PERM, 2);
		open = seen.message;
		CHECK(es_respond_auth_result(client, open, ES_AUTH_RESULT_ALLOW, false) ==
		      ES_RESPOND_RESULT_ERR_EVENT_TYPE);
		CHECK(es_respond_flags_result(client, open, mask, false) == ES_RESPOND_RESULT_SUCCESS);
		CHECK(answered(peer, open_fd, mask == (FREAD | FWRITE) ? FAN_ALLOW : FAN_DENY));
		es_release_message(open);
	}
	CHECK(no_answer(peer));
	es_release_message(exec);
	es_release_message(notify);
	CHECK(es_delete_client(other) == ES_RETURN_SUCCESS && es_delete_client(client) == ES_RETURN_SUCCESS);
}

static void test_unsubscribed_while_held(void)
{
	static const es_event_type_t type = ES_EVENT_TYPE_AUTH_OPEN;
	es_client_t *client = new_client(retain);
	struct test_peer *peer = test_daemon_peer();
	int fd;

	CHECK(es_subscribe(client, &type, 1) == ES_RETURN_SUCCESS);
	fd = ask(peer, FAN_OPEN_PERM, 5);
	CHECK(es_unsubscribe(client, &type, 1) == ES_RETURN_SUCCESS);
	CHECK(answered(peer, fd, FAN_ALLOW));
	CHECK(es_respond_flags_result(client, seen.message, 0, false) == ES_RESPOND_RESULT_NOT_FOUND);
	es_release_message(seen.message);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
}

static void *delete_elsewhere(void *client)
{
	CHECK(es_delete_client(client) == ES_RETURN_ERROR);
	return NULL;
}

static void delete_here(es_client_t *client, const es_message_t *message)
{
	CHECK(es_delete_client(client) == ES_RETURN_ERROR);
	es_retain_message(message);
}

static void test_delete(void)
{
	es_client_t *client = new_client(delete_here);
	struct test_peer *peer = test_daemon_peer();
	const es_message_t *message;
	pthread_t thread;
	int fd;

	CHECK(!pthread_create(&thread, NULL, delete_elsewhere, client));
	pthread_join(thread, NULL);
	fd = ask(peer, FAN_OPEN_EXEC_PERM, 1);
	message = seen.message;
	push(peer, ES_EVENT_TYPE_NOTIFY_EXIT);
	CHECK(called());
	es_release_message(seen.message);

	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
	CHECK(answered(peer, fd, FAN_ALLOW));
	CHECK(!strcmp(message->process->executable->path.data, "/bin/actor"));
	CHECK(es_exec_arg_count(&message->event.exec) == 3);
	CHECK(es_respond_auth_result(client, message, ES_AUTH_RESULT_DENY, false) ==
	      ES_RESPOND_RESULT_ERR_INVALID_ARGUMENT);
	CHECK(es_delete_client(client) == ES_RETURN_ERROR);
	es_release_message(message);
	CHECK(not_called());
}

static void count_sync(void *context)
{
	atomic_fetch_add((atomic_int *)context, 1);
}

static sem_t go_on;

static void stop_here(es_client_t *client, const es_message_t *message)
{
	CHECK(es_sync_client_f(client, count_sync, NULL) == ES_RETURN_ERROR);
	if (message->event_type == ES_EVENT_TYPE_NOTIFY_EXIT)
		sem_wait(&go_on);
}

static void test_sync(void)
{
	es_client_t *client = new_client(stop_here);
	struct test_peer *peer = test_daemon_peer();
	atomic_int count = 0;

	CHECK(es_sync_client_f(NULL, count_sync, &count) == ES_RETURN_SUCCESS && count == 1);
	CHECK(es_sync_client_f(client, NULL, NULL) == ES_RETURN_ERROR);
	CHECK(es_sync_client_f(client, count_sync, &count) == ES_RETURN_SUCCESS);
	wait_until(&count, 2);

	/* Behind what was there before, and before what came after. */
	push(peer, ES_EVENT_TYPE_NOTIFY_EXIT);
	push(peer, ES_EVENT_TYPE_NOTIFY_EXEC);
	CHECK(es_sync_client_f(client, count_sync, &count) == ES_RETURN_SUCCESS);
	push(peer, ES_EVENT_TYPE_NOTIFY_EXIT);
	CHECK(not_called() && count == 2);
	sem_post(&go_on);
	CHECK(called() && called());
	wait_until(&count, 3);
	sem_post(&go_on);
	CHECK(called());

	/* What still waits when the client goes is called then. */
	push(peer, ES_EVENT_TYPE_NOTIFY_EXIT);
	sem_post(&go_on);
	CHECK(es_sync_client_f(client, count_sync, &count) == ES_RETURN_SUCCESS);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS && count == 4);
	while (sem_trywait(&seen.calls) == 0 || sem_trywait(&go_on) == 0)
		;
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	CHECK(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void test_fork(void)
{
	static const es_event_type_t type = ES_EVENT_TYPE_NOTIFY_EXEC;
	int before = open_descriptors(), fd, status;
	es_client_t *client = new_client(retain);
	struct test_peer *peer = test_daemon_peer();
	int of_daemon = 4;			/* its connection, push_fd, gate and end are this process's as well */
	pid_t child;

	fd = ask(peer, FAN_OPEN_EXEC_PERM, 1);
	child = fork();
	if (child == 0) {
		/* memfd of the knock remains: the library never knew of it but as the gate's. */
		if (open_descriptors() > before + of_daemon + 1)
			_exit(2);
		if (es_respond_auth_result(client, seen.message, ES_AUTH_RESULT_DENY, false) ==
		      ES_RESPOND_RESULT_SUCCESS)
			_exit(3);
		if (es_subscribe(client, &type, 1) != ES_RETURN_ERROR || es_delete_client(client) != ES_RETURN_ERROR)
			_exit(4);
		_exit(es_linux_stream_ended(client) ? 0 : 5);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	if (WEXITSTATUS(status))
		fprintf(stderr, "child: %d\n", WEXITSTATUS(status));
	CHECK(WEXITSTATUS(status) == 0);
	CHECK(no_answer(peer) && !es_linux_stream_ended(client));
	CHECK(es_respond_auth_result(client, seen.message, ES_AUTH_RESULT_DENY, false) == ES_RESPOND_RESULT_SUCCESS);
	CHECK(answered(peer, fd, FAN_DENY));
	es_release_message(seen.message);
	push(peer, ES_EVENT_TYPE_NOTIFY_EXIT);
	CHECK(called());
	es_release_message(seen.message);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
}

static void test_daemon_death(void)
{
	static const es_event_type_t type = ES_EVENT_TYPE_NOTIFY_EXEC;
	es_client_t *client = new_client(retain);
	struct test_peer *peer = test_daemon_peer();
	es_event_type_t *list;
	size_t count;
	int fd;

	fd = ask(peer, FAN_OPEN_EXEC_PERM, 1);
	CHECK(!es_linux_stream_ended(client));
	test_peer_hang_up(peer);
	CHECK(answered(peer, fd, FAN_ALLOW));
	CHECK(es_linux_stream_ended(client));
	CHECK(es_respond_auth_result(client, seen.message, ES_AUTH_RESULT_ALLOW, false) ==
	      ES_RESPOND_RESULT_ERR_INTERNAL);
	CHECK(es_subscribe(client, &type, 1) == ES_RETURN_ERROR && es_unsubscribe_all(client) == ES_RETURN_ERROR);
	CHECK(es_subscriptions(client, &count, &list) == ES_RETURN_ERROR);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
	es_release_message(seen.message);

	client = new_client(NULL);
	push(test_daemon_peer(), ES_EVENT_TYPE_NOTIFY_EXEC);
	CHECK(called());
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
}

static void await_end(es_client_t *client)
{
	for (int i = 0; !es_linux_stream_ended(client); i++) {
		CHECK(i < 10000);
		usleep(1000);
	}
}

/* It is seen to end before it closes its socket. */
static void test_daemon_ends(void)
{
	es_client_t *client = new_client(retain);
	struct test_peer *peer = test_daemon_peer();
	int fd = ask(peer, FAN_OPEN_EXEC_PERM, 1);

	test_peer_end(peer);
	CHECK(answered(peer, fd, FAN_ALLOW));
	CHECK(es_respond_auth_result(client, seen.message, ES_AUTH_RESULT_DENY, false) == ES_RESPOND_RESULT_NOT_FOUND);
	CHECK(!es_linux_stream_ended(client));
	test_peer_hang_up(peer);
	await_end(client);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
	es_release_message(seen.message);
}

/* What the lsm sensor's program does: claims an entry, and sends its record; then its task comes to the gate. */
static struct es_held *hold(struct test_peer *peer, uint32_t tid, uint16_t type, uint32_t flags)
{
	struct es_held *entry = &peer->held[tid % ES_HELD_MAX];
	static uint64_t generation;

	*entry = (struct es_held){ .deadline_ns = 1, .tid = tid, .type = type, .flags = flags,
				   .verdict = ES_VERDICT_MARK(1) };
	__atomic_store_n(&entry->auth_id, ++generation * ES_HELD_MAX + tid % ES_HELD_MAX, __ATOMIC_RELEASE);
	test_record_full(&record, type);
	record.head.auth_id = entry->auth_id;
	record.head.num[0] = FREAD | FWRITE;
	CHECK(test_peer_push(peer, &record) && called());
	return entry;
}

static void come(struct test_peer *peer, uint32_t tid)
{
	struct {
		struct fuse_in_header header;
		struct fuse_getxattr_in in;
		char name[8];
	} request = {
		.header = { .len = sizeof(request), .opcode = FUSE_GETXATTR, .unique = tid, .nodeid = 2, .pid = tid },
		.in.size = 8,
		.name = "user.es",
	};

	CHECK(write(peer->gate, &request, sizeof(request)) == sizeof(request));
}

static bool woken(struct test_peer *peer, uint32_t tid)
{
	struct pollfd wait = { .fd = peer->gate, .events = POLLIN };
	struct fuse_out_header got[2];

	return poll(&wait, 1, 10000) == 1 && read(peer->gate, got, sizeof(got)) == sizeof(got[0]) + 4 &&
	       got[0].unique == tid && !got[0].error;
}

static void test_lsm_respond(void)
{
	static const es_event_type_t types[] = { ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_AUTH_UNLINK };
	es_client_t *client = new_client(retain);
	struct test_peer *peer = test_daemon_peer();
	const es_message_t *message;
	struct es_held *entry;

	CHECK(es_subscribe(client, types, ARRAY_SIZE(types)) == ES_RETURN_SUCCESS);
	entry = hold(peer, 70, ES_EVENT_TYPE_AUTH_UNLINK, 0);
	message = seen.message;
	come(peer, 70);
	CHECK(no_answer(peer));
	CHECK(es_respond_auth_result(client, message, ES_AUTH_RESULT_DENY, false) == ES_RESPOND_RESULT_SUCCESS);
	CHECK(woken(peer, 70) && (entry->verdict & ES_VERDICT_MASK) == ES_VERDICT_DENY);
	CHECK(es_respond_auth_result(client, message, ES_AUTH_RESULT_ALLOW, false) ==
	      ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);
	es_release_message(message);

	for (uint32_t mask = 0; mask < 4; mask++) {
		entry = hold(peer, 71, ES_EVENT_TYPE_AUTH_OPEN, 0);
		message = seen.message;
		CHECK(es_respond_flags_result(client, message, mask, false) == ES_RESPOND_RESULT_SUCCESS);
		CHECK((entry->verdict & ES_VERDICT_MASK) == (mask == (FREAD | FWRITE) ? ES_VERDICT_ALLOW : ES_VERDICT_DENY));
		es_release_message(message);
		CHECK(no_answer(peer));
		come(peer, 71);
		CHECK(woken(peer, 71));
	}

	/* Not answered yet: it goes back when its time is over, with nobody telling the gate's thread. */
	entry = hold(peer, 72, ES_EVENT_TYPE_AUTH_UNLINK, ES_HELD_SLICED);
	message = seen.message;
	for (int i = 0; i < 3; i++) {
		come(peer, 72);
		CHECK(woken(peer, 72) && (entry->verdict & ES_VERDICT_MASK) == ES_VERDICT_NONE);
	}

	/* Answered by somebody else; gone; let go. */
	entry->verdict = ES_VERDICT_MARK(1) | ES_VERDICT_ALLOW;
	CHECK(es_respond_auth_result(client, message, ES_AUTH_RESULT_DENY, false) ==
	      ES_RESPOND_RESULT_ERR_DUPLICATE_RESPONSE);
	es_release_message(message);
	entry = hold(peer, 73, ES_EVENT_TYPE_AUTH_UNLINK, 0);
	entry->auth_id = 0;
	CHECK(es_respond_auth_result(client, seen.message, ES_AUTH_RESULT_DENY, false) == ES_RESPOND_RESULT_NOT_FOUND);
	es_release_message(seen.message);
	entry = hold(peer, 74, ES_EVENT_TYPE_AUTH_OPEN, 0);
	come(peer, 74);
	CHECK(no_answer(peer));
	CHECK(es_unsubscribe(client, types, 1) == ES_RETURN_SUCCESS);
	CHECK(woken(peer, 74) && (entry->verdict & ES_VERDICT_MASK) == ES_VERDICT_ALLOW);
	CHECK(es_respond_flags_result(client, seen.message, 0, false) == ES_RESPOND_RESULT_NOT_FOUND);
	es_release_message(seen.message);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
}

static void hang_up(es_client_t *client, struct test_peer *peer)
{
	(void)client;
	test_peer_hang_up(peer);
}

static void end_gate(es_client_t *client, struct test_peer *peer)
{
	(void)client;
	shutdown(peer->gate, SHUT_WR);
}

static void delete_it(es_client_t *client, struct test_peer *peer)
{
	(void)peer;
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
}

/* However it ends, what waits goes on; and while the client is still there it says that the stream has ended. */
static void test_lsm_end(void)
{
	void (*const ends[])(es_client_t *client, struct test_peer *peer) = { hang_up, end_gate, delete_it };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		es_client_t *client = new_client(retain);
		struct test_peer *peer = test_daemon_peer();
		const es_message_t *message;
		struct es_held *entry, *early;

		entry = hold(peer, 80, ES_EVENT_TYPE_AUTH_EXEC, 0);
		message = seen.message;
		early = hold(peer, 81, ES_EVENT_TYPE_AUTH_EXEC, 0);
		es_release_message(seen.message);
		es_release_message(message);
		come(peer, 80);
		CHECK(no_answer(peer));
		ends[i](client, peer);
		CHECK(woken(peer, 80) && (entry->verdict & ES_VERDICT_MASK) == ES_VERDICT_ALLOW);
		for (int n = 0; (__atomic_load_n(&early->verdict, __ATOMIC_ACQUIRE) & ES_VERDICT_MASK) != ES_VERDICT_ALLOW; n++) {
			CHECK(n < 10000);
			usleep(1000);
		}
		CHECK(es_linux_stream_ended(client));
		CHECK(es_delete_client(client) == (ends[i] == delete_it ? ES_RETURN_ERROR : ES_RETURN_SUCCESS));
	}
}

/* The daemon ends, and hasn't closed its socket yet: what waits goes on, and so does who comes only now. */
static void test_lsm_daemon_ends(void)
{
	es_client_t *client = new_client(retain);
	struct test_peer *peer = test_daemon_peer();
	const es_message_t *message;
	struct es_held *entry;

	entry = hold(peer, 82, ES_EVENT_TYPE_AUTH_EXEC, 0);
	message = seen.message;
	come(peer, 82);
	CHECK(no_answer(peer));
	test_peer_end(peer);
	CHECK(woken(peer, 82) && (entry->verdict & ES_VERDICT_MASK) == ES_VERDICT_ALLOW);
	CHECK(es_respond_auth_result(client, message, ES_AUTH_RESULT_DENY, false) == ES_RESPOND_RESULT_NOT_FOUND);
	es_release_message(message);

	entry = hold(peer, 83, ES_EVENT_TYPE_AUTH_EXEC, 0);
	come(peer, 83);
	CHECK(woken(peer, 83) && (entry->verdict & ES_VERDICT_MASK) == ES_VERDICT_ALLOW);
	es_release_message(seen.message);
	CHECK(!es_linux_stream_ended(client));
	test_peer_hang_up(peer);
	await_end(client);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
}

static void test_no_gate(void)
{
	es_client_t *client;

	CHECK(es_new_client_f(&client, handler, NULL) == ES_NEW_CLIENT_RESULT_ERR_INTERNAL);
}

static void test_lsm(void)
{
	int before = open_descriptors(), of_daemon;

	test_daemon_sensor = ES_SENSOR_LSM;
	test_lsm_respond();
	test_lsm_end();
	test_lsm_daemon_ends();
	test_daemon_sensor = ES_SENSOR_TRACEPOINT;
	of_daemon = 5 * 4;			/* five clients': connection, push_fd, gate and end are never closed here */
	for (int i = 0; open_descriptors() != before + of_daemon; i++) {
		CHECK(i < 10000);			/* the last reply's are closed after it was sent */
		usleep(1000);
	}

	test_daemon_sensor = ES_SENSOR_NONE;
	test_no_gate();
	test_daemon_sensor = ES_SENSOR_TRACEPOINT;
}

/* Blocks as the compiler makes them, by hand: es_new_client() is there for every compiler, hidden by the headers. */
struct block {
	void *isa;
	int flags, reserved;
	void (*invoke)(void);
	void *descriptor;
};

static void *no_class[32];
static atomic_int block_calls;

static void invoke_handler(void *block, es_client_t *client, const es_message_t *message)
{
	CHECK(block && client && message->version == 11);
	block_calls++;
	sem_post(&seen.calls);
}

static void invoke_plain(void *block)
{
	CHECK(block);
	block_calls++;
	sem_post(&seen.calls);
}

#ifndef __BLOCKS__
es_new_client_result_t es_new_client(es_client_t **client, void *block);
es_return_t es_sync_client(es_client_t *client, void *block);

static void test_blocks(void)
{
	static struct block on_message = {
		.isa = no_class, .flags = 1 << 28, .invoke = (void (*)(void))invoke_handler,
	};
	static struct block on_sync = { .isa = no_class, .flags = 1 << 28, .invoke = (void (*)(void))invoke_plain };
	es_client_t *client = NULL;

	CHECK(es_new_client(&client, NULL) == ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT);
	CHECK(es_new_client(&client, &on_message) == ES_NEW_CLIENT_RESULT_SUCCESS);
	push(test_daemon_peer(), ES_EVENT_TYPE_NOTIFY_EXEC);
	CHECK(called() && block_calls == 1);
	CHECK(es_sync_client(client, &on_sync) == ES_RETURN_SUCCESS && called() && block_calls == 2);
	CHECK(es_sync_client(client, NULL) == ES_RETURN_ERROR);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
}
#endif

/* Several threads at the one client, while records and answers come and go. */
static atomic_bool done;
static _Atomic(const es_message_t *) handed_over;
static atomic_int delivered;

static void hand_over(es_client_t *client, const es_message_t *message)
{
	const es_message_t *before;

	(void)client;
	es_retain_message(message);
	before = atomic_exchange(&handed_over, message);
	if (before)
		es_release_message(before);
	delivered++;
}

static void *change_subscriptions(void *client)
{
	static const es_event_type_t types[] = { ES_EVENT_TYPE_NOTIFY_EXEC, ES_EVENT_TYPE_AUTH_OPEN };
	es_event_type_t *list;
	size_t count;

	while (!done) {
		CHECK(es_subscribe(client, types, ARRAY_SIZE(types)) == ES_RETURN_SUCCESS);
		CHECK(es_subscriptions(client, &count, &list) == ES_RETURN_SUCCESS);
		free(list);
		CHECK(es_unsubscribe(client, types, 1) == ES_RETURN_SUCCESS);
	}
	return NULL;
}

static void *take_messages(void *client)
{
	while (!done) {
		const es_message_t *message = atomic_exchange(&handed_over, NULL);
		es_respond_result_t result;

		if (!message)
			continue;
		CHECK(es_exec_arg_count(&message->event.exec) == 3);
		result = es_respond_auth_result(client, message, ES_AUTH_RESULT_ALLOW, false);
		CHECK(result == ES_RESPOND_RESULT_ERR_EVENT_TYPE);
		es_release_message(message);
	}
	return NULL;
}

static void *sync_often(void *client)
{
	atomic_int count = 0;
	int asked = 0;

	while (!done) {
		CHECK(es_sync_client_f(client, count_sync, &count) == ES_RETURN_SUCCESS);
		asked++;
		while (count < asked)
			sched_yield();
	}
	return NULL;
}

static void test_threads(void)
{
	void *(*const bodies[])(void *) = { change_subscriptions, take_messages, take_messages, sync_often };
	es_client_t *client = new_client(hand_over);
	struct test_peer *peer = test_daemon_peer();
	pthread_t threads[ARRAY_SIZE(bodies)];
	int pushed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		CHECK(!pthread_create(&threads[i], NULL, bodies[i], client));
	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_EXEC);
	while (pushed < 5000)
		if (test_peer_push(peer, &record))
			pushed++;
		else
			sched_yield();
	wait_until(&delivered, pushed);
	done = true;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		pthread_join(threads[i], NULL);
	CHECK(seen.global_seq == (uint64_t)pushed - 1);
	CHECK(es_delete_client(client) == ES_RETURN_SUCCESS);
	es_release_message(handed_over);
	while (sem_trywait(&seen.calls) == 0)
		;
}

int main(void)
{
	sem_init(&seen.calls, 0, 0);
	sem_init(&go_on, 0, 0);
	CHECK(mkdtemp(folder));
	snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
	setenv(ES_DAEMON_ENV, "/nonexistent/endpointsecurityd", 1);
	if (!test_daemon_start(socket_path)) {
		rmdir(folder);
		printf("skip: BPF programs of type SYSCALL (%s): root, and Linux 5.14 or later\n",
		       strerrorname_np(errno));
		return TEST_SKIPPED;
	}
	test_new_client();
	test_timeout();
	test_no_client();
	test_subscriptions();
	test_refusals_are_explained();
	test_delivery();
	test_respond();
	test_unsubscribed_while_held();
	test_delete();
	test_sync();
	test_fork();
	test_daemon_death();
	test_daemon_ends();
	test_lsm();
#ifndef __BLOCKS__
	test_blocks();
#endif
	test_threads();
	test_daemon_stop();
	unlink(socket_path);
	rmdir(folder);
	return 0;
}
