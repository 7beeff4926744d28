/* SPDX-License-Identifier: MIT */
#include "new-client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "deliver.h"
#include "gate-kinds.h"
#include "log.h"
#include "token.h"
#include "util/clock.h"
#include "util/macro.h"

enum { STACK_BYTES = 8 * 1024 * 1024 };

/*
 * The ring signals a record only if the ring was empty, or when the record at the reader's position is finished. So
 * we wait for edges: by level, the ring would be ready, and keep us spinning, while that record is being written.
 */
static int open_events(struct es_client_s *client, int ring_fd)
{
	struct epoll_event ring = { .events = EPOLLIN | EPOLLET }, wake = { .events = EPOLLIN };

	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	client->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	client->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (client->epoll_fd < 0 || client->wake_fd < 0 || client->stop_fd < 0 || client->ended_fd < 0)
		return -errno;
	if (epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, ring_fd, &ring) < 0 ||
	    epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, client->wake_fd, &wake) < 0)
		return -errno;
	return 0;
}

/* Takes the descriptors from the caller, also if it fails. */
static int take_fds(struct es_client_s *client, const struct es_reply *reply, const int fds[ES_CLIENT_FDS])
{
	_cleanup_close_ int gate = fds[ES_CLIENT_FD_GATE], ask = fds[ES_CLIENT_FD_ASK], held = fds[ES_CLIENT_FD_HELD];
	const struct esl_gate_source source = {
		.sensor = (enum es_sensor)reply->sensor,
		.slot = reply->slot,
		.fd = gate,
		.ask_fd = ask,
		.held_fd = held,
	};
	int r;

	client->slot = reply->slot;
	client->ring_fd = fds[ES_CLIENT_FD_RING];
	client->end_fd = fds[ES_CLIENT_FD_END];
	r = esl_ring_map(&client->ring, client->ring_fd, reply->ring_bytes);
	if (r < 0)
		return r;
	r = esl_gate_new(&source, &client->gate);
	if (r < 0)
		return r;
	(void)TAKE_FD(gate);
	(void)TAKE_FD(ask);
	return open_events(client, reply->sensor == ES_SENSOR_REPLAY ? client->gate->ask_fd : client->ring_fd);
}

/* The daemon has ended, in an orderly way or not. */
static void end_stream(struct es_client_s *client)
{
	atomic_store(&client->ended, true);
	eventfd_write(client->ended_fd, 1);
	esl_gate_close(client->gate);
	esl_log("the daemon has ended: no more events come, and what waited for an answer has been let through; "
		"delete the client and make a new one");
}

/* Closes the gate before stop_threads() waits for the handler thread, whose handler may be opening a file. */
static void leave(struct es_client_s *client)
{
	esl_gate_close(client->gate);
	shutdown(client->control.fd, SHUT_RDWR);
}

/* If the gate can't be read any more, ends the connection. That makes the daemon close its side of the gate as well. */
static void read_gate(struct es_client_s *client)
{
	if (esl_gate_read(client->gate) == -EPROTO)
		shutdown(client->control.fd, SHUT_RDWR);
}

/* Like poll(), but returns at the latest when the gate has something due. */
static int wait_for_gate(struct esl_gate *gate, struct pollfd *fds, nfds_t count)
{
	struct timespec wait = {};
	uint64_t next_ns, now_ns;

	if (!esl_gate_next_ns(gate, &next_ns))
		return poll(fds, count, -1);
	now_ns = clock_ns();
	if (next_ns > now_ns) {
		wait.tv_sec = (time_t)((next_ns - now_ns) / NS_PER_S);
		wait.tv_nsec = (long)((next_ns - now_ns) % NS_PER_S);
	}
	return ppoll(fds, count, &wait, NULL);
}

static void *gate_thread(void *argument)
{
	struct es_client_s *client = argument;
	struct pollfd fds[] = {
		{ .fd = client->stop_fd, .events = POLLIN },
		{ .fd = client->control.fd, .events = POLLRDHUP },
		{ .fd = client->gate->wake_fd, .events = POLLIN },
		{ .fd = client->gate->fd, .events = POLLIN },
		{ .fd = client->end_fd, .events = POLLIN },
	};
	const int gate_fd = client->gate->fd;
	eventfd_t ignored;
	char name[16];
	int n;

	snprintf(name, sizeof(name), "es-gate-%u", client->slot % 100);
	pthread_setname_np(pthread_self(), name);
	while (!atomic_load(&client->stopping)) {
		fds[3].fd = !atomic_load(&client->ended) && esl_gate_may_read(client->gate) ? gate_fd : -1;
		n = wait_for_gate(client->gate, fds, ARRAY_SIZE(fds));
		if (n < 0)
			continue;
		if (fds[2].revents)
			eventfd_read(client->gate->wake_fd, &ignored);
		if (fds[4].revents) {
			esl_gate_let_all_go(client->gate);
			fds[4].fd = -1;
		}
		if (fds[1].revents && !atomic_load(&client->stopping)) {
			end_stream(client);
			fds[1].fd = -1;
		} else if (fds[3].revents || n == 0) {
			read_gate(client);
		}
	}
	leave(client);
	return NULL;
}

static void stop_threads(struct es_client_s *client, bool handler_runs)
{
	atomic_store(&client->stopping, true);
	eventfd_write(client->stop_fd, 1);
	eventfd_write(client->wake_fd, 1);
	pthread_join(client->gate_thread, NULL);
	if (handler_runs)
		pthread_join(client->handler_thread, NULL);
}

/* Blocks signals in our threads: the program's handlers never run there. `ulimit -s` doesn't set their stacks. */
static int start_threads(struct es_client_s *client)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	int r;

	r = pthread_attr_init(&attributes);
	if (r != 0)
		return -r;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&client->gate_thread, &attributes, gate_thread, client);
	if (r == 0) {
		r = pthread_create(&client->handler_thread, &attributes, esl_deliver_thread, client);
		if (r != 0)
			stop_threads(client, false);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -r;
}

static es_new_client_result_t refusal(int error)
{
	switch (error) {
	case EPERM:
		return ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED;
	case ENOKEY:
		esl_log("the administrator's list of clients does not name this program "
			"(/etc/endpointsecurity/clients.d, see endpointsecurity.conf(5))");
		return ES_NEW_CLIENT_RESULT_ERR_NOT_ENTITLED;
	case EACCES:
		esl_log("the administrator's list of clients says that this program may not be one "
			"(/etc/endpointsecurity/clients.d, see endpointsecurity.conf(5))");
		return ES_NEW_CLIENT_RESULT_ERR_NOT_PERMITTED;
	case EUSERS:
		return ES_NEW_CLIENT_RESULT_ERR_TOO_MANY_CLIENTS;
	case EPROTO:
		esl_log("this library and the running daemon are of different versions: restart endpointsecurityd");
		return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
	default:
		esl_log("the daemon could not make a client (%s); its log says why", esl_errno(error));
		return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
	}
}

static es_new_client_result_t connect_client(struct es_client_s *client)
{
	struct es_reply reply;
	int fds[ES_CLIENT_FDS];
	int r;

	r = esl_control_connect(&client->control, &reply, fds);
	if (r < 0)
		return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
	if (r > 0)
		return refusal(r);

	esl_token_learnt(&reply);
	if (reply.sensor == ES_SENSOR_REPLAY)
		client->clock = (struct esl_clock){
			.given = true,
			.from_monotonic = reply.from_monotonic,
			.from_boot = reply.from_boot,
		};
	r = take_fds(client, &reply, fds);
	if (r == 0)
		r = esl_identity_open(&client->identity, &client->control);
	if (r == 0)
		r = start_threads(client);
	if (r < 0) {
		esl_log("a client could not be set up in this program: %s%s", esl_errno(r), r == -EMFILE ?
			"; raise its limit of open files (ulimit -n)" : "");
		return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
	}
	return ES_NEW_CLIENT_RESULT_SUCCESS;
}

es_new_client_result_t esl_client_new(es_client_t **ret_client, es_handler_function_t handler, void *context,
				      void (*release_context)(void *context))
{
	_cleanup_(esl_client_putp) struct es_client_s *client = NULL;
	es_new_client_result_t result;

	if (!ret_client || !handler)
		return ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT;
	if (geteuid() != 0 && !esl_control_is_named()) {
		esl_log("only root may be a client");
		return ES_NEW_CLIENT_RESULT_ERR_NOT_PRIVILEGED;
	}

	client = esl_client_alloc();
	if (!client)
		return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
	client->handler = handler;
	client->context = context;
	result = connect_client(client);
	if (result != ES_NEW_CLIENT_RESULT_SUCCESS)
		return result;

	client->release_context = release_context;
	esl_client_add(client);
	*ret_client = TAKE_POINTER(client);
	return result;
}

es_new_client_result_t es_new_client_f(es_client_t **client, es_handler_function_t handler, void *context)
{
	return esl_client_new(client, handler, context, NULL);
}

/* Clients that see their own descendants only are not built yet: docs/status.md. */
es_new_client_result_t es_new_descendants_client_f(es_client_t **client, es_handler_function_t handler, void *context)
{
	(void)context;
	if (!client || !handler)
		return ES_NEW_CLIENT_RESULT_ERR_INVALID_ARGUMENT;
	esl_log("es_new_descendants_client() is not available yet; es_new_client() sees all processes");
	return ES_NEW_CLIENT_RESULT_ERR_INTERNAL;
}

es_return_t es_delete_client(es_client_t *pointer)
{
	struct es_client_s *client;

	if (!pointer)
		return ES_RETURN_SUCCESS;
	client = esl_client_take(pointer);
	if (!client)
		return ES_RETURN_ERROR;

	stop_threads(client, true);
	esl_deliver_finish(client);
	if (client->release_context)
		client->release_context(client->context);
	esl_client_put(client);
	return ES_RETURN_SUCCESS;
}
