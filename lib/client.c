/* SPDX-License-Identifier: MIT */
#include "client.h"

#include <stdlib.h>
#include <unistd.h>

#include "util/macro.h"

/*
 * The living clients of this process. A child of fork() doesn't own its parent's clients, so its list is empty. Their
 * rings aren't inherited, and the child closes their descriptors at once, so that they end with the parent. Only the
 * clients' memory is left in the child: `inherited` keeps it, and nothing touches it.
 */
static pthread_mutex_t clients_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t clients_once = PTHREAD_ONCE_INIT;
static struct es_client_s *clients;
static struct es_client_s *inherited;
static _Atomic uint64_t last_id;

static void before_fork(void)
{
	pthread_mutex_lock(&clients_lock);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&clients_lock);
}

static void disown(struct es_client_s *client)
{
	int *const fds[] = {
		&client->control.fd, &client->ring_fd, &client->epoll_fd, &client->wake_fd, &client->stop_fd,
		&client->end_fd, &client->ended_fd,
	};

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		closep(fds[i]);
	esl_gate_disown(client->gate);
	client->next = inherited;
	inherited = client;
}

static void after_fork_in_child(void)
{
	while (clients) {
		struct es_client_s *client = clients;

		clients = client->next;
		disown(client);
	}
	pthread_mutex_unlock(&clients_lock);
}

static void prepare_for_forks(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void esl_client_add(struct es_client_s *client)
{
	pthread_mutex_lock(&clients_lock);
	client->next = clients;
	clients = client;
	pthread_mutex_unlock(&clients_lock);
}

/* Where the list points to the client, or to NULL at its end. With the lock held. */
static struct es_client_s **find_client(const es_client_t *client)
{
	struct es_client_s **link = &clients;

	while (*link && *link != client)
		link = &(*link)->next;
	return link;
}

struct es_client_s *esl_client_get(const es_client_t *pointer)
{
	struct es_client_s *client;

	pthread_mutex_lock(&clients_lock);
	client = *find_client(pointer);
	if (client)
		atomic_fetch_add_explicit(&client->references, 1, memory_order_relaxed);
	pthread_mutex_unlock(&clients_lock);
	return client;
}

static void free_client(struct es_client_s *client)
{
	esl_ring_unmap(&client->ring);
	esl_gate_free(client->gate);
	esl_identity_close(&client->identity);
	closep(&client->ring_fd);
	closep(&client->epoll_fd);
	closep(&client->wake_fd);
	closep(&client->stop_fd);
	closep(&client->end_fd);
	closep(&client->ended_fd);
	esl_control_close(&client->control);
	pthread_mutex_destroy(&client->subscribe_lock);
	pthread_mutex_destroy(&client->sync_lock);
	free(client);
}

void esl_client_put(struct es_client_s *client)
{
	if (atomic_fetch_sub_explicit(&client->references, 1, memory_order_acq_rel) == 1)
		free_client(client);
}

struct es_client_s *esl_client_alloc(void)
{
	struct es_client_s *client;

	pthread_once(&clients_once, prepare_for_forks);
	client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	atomic_init(&client->references, 1);
	client->id = ++last_id;
	client->creator = gettid();
	client->ring_fd = client->epoll_fd = client->wake_fd = client->stop_fd = client->end_fd = -1;
	client->ended_fd = -1;
	client->syncs_end = &client->syncs;
	pthread_mutex_init(&client->subscribe_lock, NULL);
	pthread_mutex_init(&client->sync_lock, NULL);
	esl_control_init(&client->control);
	return client;
}

struct es_client_s *esl_client_take(const es_client_t *pointer)
{
	struct es_client_s **link, *client;

	pthread_mutex_lock(&clients_lock);
	link = find_client(pointer);
	client = *link;
	if (client && client->creator == gettid())
		*link = client->next;
	else
		client = NULL;
	pthread_mutex_unlock(&clients_lock);
	return client;
}

bool es_linux_stream_ended(const es_client_t *pointer)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);

	return !client || atomic_load(&client->ended);
}

int es_linux_stream_end_fd(const es_client_t *pointer)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);

	return client ? client->ended_fd : -1;
}
