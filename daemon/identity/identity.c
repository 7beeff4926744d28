/* SPDX-License-Identifier: MIT */
#include "daemon/identity/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi/sensor.h"
#include "daemon/identity/examine.h"
#include "daemon/identity/place.h"
#include "daemon/identity/table.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

enum {
	WORKERS = 2,
	JOBS_MAX = 2048,
	MOUNTS_MAX = 1024,
	AGAIN_MS = 1000,		/* when to examine a changing file again */
	QUIET_MS = 500,			/* how long the database must be unchanged before it is read again */
	STACK_BYTES = 512 * 1024,
};

struct job {
	TAILQ_ENTRY(job) link;
	struct es_identity_want want;
	uint64_t not_before_ns;
	bool again;			/* there is a row already; it stays until there is a better one */
};

TAILQ_HEAD(jobs, job);

struct esd_identity {
	struct esd_table table;
	struct esd_sources *sources;
	int wants[2];			/* a socket pair: ours, theirs */
	int stop_fd;			/* eventfd */
	int watch_fd;			/* inotify; -1: none */
	int mounts_fd;			/* /proc/self/mountinfo, which tells when it changes; -1: none */
	char *root;
	bool started;
	pthread_t intake;
	pthread_t workers[WORKERS];
	unsigned int worker_count;

	pthread_mutex_t lock;		/* of what follows */
	pthread_cond_t more;
	struct jobs jobs;
	unsigned int job_count;
	bool stopping;
};

/* ---- jobs ---- */

static struct job *find_job(struct esd_identity *identity, const struct es_file_version *version)
{
	struct job *job;

	TAILQ_FOREACH(job, &identity->jobs, link)
		if (es_file_version_equal(&job->want.version, version))
			return job;
	return NULL;
}

/* Jobs that a held task waits for come before jobs for NOTIFY events. */
static void put_job(struct esd_identity *identity, struct job *job)
{
	if (job->want.flags & ES_WANT_AUTH)
		TAILQ_INSERT_HEAD(&identity->jobs, job, link);
	else
		TAILQ_INSERT_TAIL(&identity->jobs, job, link);
	identity->job_count++;
	pthread_cond_signal(&identity->more);
}

static void hurry(struct esd_identity *identity, const struct es_file_version *version)
{
	struct job *job = find_job(identity, version);

	if (!job)
		return;
	TAILQ_REMOVE(&identity->jobs, job, link);
	TAILQ_INSERT_HEAD(&identity->jobs, job, link);
}

static bool add_job(struct esd_identity *identity, const struct es_identity_want *want, bool again)
{
	struct job *job = identity->job_count < JOBS_MAX ? malloc(sizeof(*job)) : NULL;

	if (!job) {
		__atomic_fetch_add(&identity->table.shared->dropped, 1, __ATOMIC_RELAXED);
		return false;
	}
	*job = (struct job){ .want = *want, .again = again };
	put_job(identity, job);
	return true;
}

/* The first one whose time has come; NULL: none, and the next one's time is *ret_next_ns, or 0. */
static struct job *due_job(struct esd_identity *identity, uint64_t *ret_next_ns)
{
	uint64_t now = clock_ns();
	struct job *job;

	*ret_next_ns = 0;
	TAILQ_FOREACH(job, &identity->jobs, link) {
		if (job->not_before_ns <= now)
			return job;
		if (!*ret_next_ns || job->not_before_ns < *ret_next_ns)
			*ret_next_ns = job->not_before_ns;
	}
	return NULL;
}

/* NULL: the thread must end. */
static struct job *take_job(struct esd_identity *identity)
{
	struct job *job = NULL;
	uint64_t next_ns;

	pthread_mutex_lock(&identity->lock);
	while (!identity->stopping && !(job = due_job(identity, &next_ns))) {
		const struct timespec next = { .tv_sec = (time_t)(next_ns / NS_PER_S), .tv_nsec = (long)(next_ns % NS_PER_S) };

		if (next_ns)
			pthread_cond_timedwait(&identity->more, &identity->lock, &next);
		else
			pthread_cond_wait(&identity->more, &identity->lock);
	}
	if (identity->stopping)
		job = NULL;
	if (job) {
		TAILQ_REMOVE(&identity->jobs, job, link);
		identity->job_count--;
	}
	pthread_mutex_unlock(&identity->lock);
	return job;
}

static void put_off(struct esd_identity *identity, struct job *job)
{
	job->not_before_ns = clock_ns() + AGAIN_MS * NS_PER_MS;
	job->want.flags &= ~(uint32_t)ES_WANT_AUTH;
	pthread_mutex_lock(&identity->lock);
	put_job(identity, job);
	pthread_mutex_unlock(&identity->lock);
}

/* ---- workers ---- */

/* Gives the processor and the disk to others first, and makes this thread's operations cause no events. */
static void be_modest(const char *name)
{
	const struct sched_param none = {};
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	pthread_setname_np(pthread_self(), name);
	(void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
	(void)prctl(PR_SET_TIMERSLACK, ES_UNSEEN_SLACK_NS, 0, 0, 0);
}

static void say_counts(struct esd_identity *identity)
{
	uint64_t files, reads;

	esd_sources_counts(identity->sources, &files, &reads);
	__atomic_store_n(&identity->table.shared->database_files, files, __ATOMIC_RELAXED);
	__atomic_store_n(&identity->table.shared->database_reads, reads, __ATOMIC_RELAXED);
}

static void work(struct esd_identity *identity, struct job *job)
{
	struct es_identity found;
	uint64_t bytes = 0;

	esd_examine(identity->sources, &job->want, &found, &bytes);
	__atomic_fetch_add(&identity->table.shared->read_bytes, bytes, __ATOMIC_RELAXED);
	say_counts(identity);
	if (found.state != ES_IDENTITY_PENDING) {
		/* An earlier answer stays true even if that version can't be read any more. */
		if (!job->again || found.state == ES_IDENTITY_KNOWN)
			esd_table_set(&identity->table, &job->want.version, &found);
		free(job);
		return;
	}
	if (!job->again)
		esd_table_set(&identity->table, &job->want.version, &found);
	put_off(identity, job);
}

static void *worker(void *argument)
{
	struct esd_identity *identity = argument;
	struct job *job;

	be_modest("es-identity");
	esd_sources_update(identity->sources);
	say_counts(identity);
	while ((job = take_job(identity)))
		work(identity, job);
	return NULL;
}

/* ---- questions ---- */

static void take_want(struct esd_identity *identity, const struct es_identity_want *want)
{
	static const struct es_identity pending = { .state = ES_IDENTITY_PENDING };
	struct es_identity row;
	bool again;

	if (es_identity_find(identity->table.shared, &want->version, &row)) {
		again = esd_table_refresh(&identity->table, &want->version);
		pthread_mutex_lock(&identity->lock);
		if (again)
			(void)add_job(identity, want, true);
		else if (row.state == ES_IDENTITY_PENDING && want->flags & ES_WANT_AUTH)
			hurry(identity, &want->version);
		pthread_mutex_unlock(&identity->lock);
		return;
	}
	/* Before a worker can write what it has found. */
	esd_table_set(&identity->table, &want->version, &pending);
	pthread_mutex_lock(&identity->lock);
	again = !add_job(identity, want, false);
	pthread_mutex_unlock(&identity->lock);
	if (again)
		esd_table_set(&identity->table, &want->version, &(struct es_identity){});
}

/* False: a client has shut the socket down, so no questions can come any more. */
static bool read_wants(struct esd_identity *identity)
{
	struct es_identity_want want;
	ssize_t n;

	while ((n = recv(identity->wants[0], &want, sizeof(want), MSG_DONTWAIT | MSG_TRUNC)) > 0) {
		if (n <= (ssize_t)offsetof(struct es_identity_want, path) || n > (ssize_t)sizeof(want) ||
		    ((char *)&want)[n - 1])
			continue;
		take_want(identity, &want);
	}
	return n < 0;
}

static void watch(struct esd_identity *identity)
{
	static const char *const folders[] = { "/var/lib/dpkg", "/var/lib/apt/lists" };

	identity->mounts_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	identity->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	for (unsigned int i = 0; identity->watch_fd >= 0 && i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s%s", identity->root, folders[i]) >= 0)
			(void)inotify_add_watch(identity->watch_fd, path, IN_MOVED_TO | IN_ONLYDIR);
	}
}

/* Discards the events: only the fact of a change matters. */
static void drain(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

/* After an unmount, another file system can get the same number, for example another disk in the same drive. */
static void mounts_changed(struct esd_identity *identity)
{
	uint64_t devs[MOUNTS_MAX];
	unsigned int count = esd_place_list(devs, MOUNTS_MAX);

	esd_table_keep(&identity->table, devs, count);
}

static void *intake(void *argument)
{
	struct esd_identity *identity = argument;
	struct pollfd fds[] = {
		{ .fd = identity->stop_fd, .events = POLLIN },
		{ .fd = identity->wants[0], .events = POLLIN },
		{ .fd = identity->watch_fd, .events = POLLIN },
		{ .fd = identity->mounts_fd, .events = POLLPRI },
	};
	uint64_t quiet_ns = 0;		/* when QUIET_MS will be over; 0: nothing has changed */

	be_modest("es-identity-in");
	for (;;) {
		int n = poll(fds, ARRAY_SIZE(fds), quiet_ns ? QUIET_MS : -1);

		if (fds[0].revents)
			return NULL;
		if (n > 0 && fds[3].revents)
			mounts_changed(identity);
		if (n > 0 && fds[1].revents && !read_wants(identity))
			fds[1].fd = -1;
		if (n > 0 && fds[2].revents) {
			drain(identity->watch_fd);
			quiet_ns = clock_ns() + QUIET_MS * NS_PER_MS;
		} else if (quiet_ns && clock_ns() >= quiet_ns) {
			esd_table_age(&identity->table);
			quiet_ns = 0;
		}
	}
}

/* ---- together ---- */

void *esd_identity_free(struct esd_identity *identity)
{
	struct job *job;

	if (!identity)
		return NULL;
	if (identity->started) {
		pthread_mutex_lock(&identity->lock);
		identity->stopping = true;
		pthread_cond_broadcast(&identity->more);
		pthread_mutex_unlock(&identity->lock);
		esd_sources_stop(identity->sources);
		(void)eventfd_write(identity->stop_fd, 1);
		pthread_join(identity->intake, NULL);
		for (unsigned int i = 0; i < identity->worker_count; i++)
			pthread_join(identity->workers[i], NULL);
	}
	while ((job = TAILQ_FIRST(&identity->jobs))) {
		TAILQ_REMOVE(&identity->jobs, job, link);
		free(job);
	}
	closep(&identity->wants[0]);
	closep(&identity->wants[1]);
	closep(&identity->stop_fd);
	closep(&identity->watch_fd);
	closep(&identity->mounts_fd);
	esd_sources_free(identity->sources);
	esd_table_deinit(&identity->table);
	free(identity->root);
	free(identity);
	return NULL;
}

static int set_up(struct esd_identity *identity, const char *root)
{
	pthread_condattr_t attributes;
	int r;

	TAILQ_INIT(&identity->jobs);
	pthread_mutex_init(&identity->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&identity->more, &attributes);
	pthread_condattr_destroy(&attributes);
	identity->root = strdup(root);
	if (!identity->root)
		return -ENOMEM;
	r = esd_table_init(&identity->table);
	if (r == 0)
		r = esd_sources_new(&identity->sources, root);
	if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, identity->wants) < 0)
		r = -errno;
	identity->stop_fd = eventfd(0, EFD_CLOEXEC);
	return r < 0 || identity->stop_fd >= 0 ? r : -errno;
}

int esd_identity_new(struct esd_identity **ret, const char *root)
{
	struct esd_identity *identity = calloc(1, sizeof(*identity));
	int r;

	if (!identity)
		return -ENOMEM;
	identity->wants[0] = identity->wants[1] = identity->stop_fd = identity->watch_fd = identity->mounts_fd = -1;
	r = set_up(identity, root);
	if (r < 0)
		esd_identity_free(identity);
	else
		*ret = identity;
	return r;
}

int esd_identity_start(struct esd_identity *identity)
{
	pthread_attr_t attributes;
	int r;

	if (identity->started)
		return 0;
	watch(identity);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	r = -pthread_create(&identity->intake, &attributes, intake, identity);
	identity->started = r == 0;
	while (r == 0 && identity->worker_count < WORKERS) {
		r = -pthread_create(&identity->workers[identity->worker_count], &attributes, worker, identity);
		identity->worker_count += r == 0;
	}
	pthread_attr_destroy(&attributes);
	return identity->worker_count ? 0 : r;
}

void esd_identity_fds(const struct esd_identity *identity, int ret[ES_IDENTITY_FDS])
{
	ret[ES_IDENTITY_FD_TABLE] = identity->table.fd;
	ret[ES_IDENTITY_FD_WANTS] = identity->wants[1];
}

void esd_identity_stats(struct esd_identity *identity, struct esd_identity_stats *ret)
{
	const struct es_identity_table *shared = identity->table.shared;
	*ret = (struct esd_identity_stats){
		.started = identity->started,
		.known = __atomic_load_n(&shared->known, __ATOMIC_RELAXED),
		.pending = __atomic_load_n(&shared->pending, __ATOMIC_RELAXED),
		.not_known = __atomic_load_n(&shared->not_known, __ATOMIC_RELAXED),
		.dropped = __atomic_load_n(&shared->dropped, __ATOMIC_RELAXED),
		.read_bytes = __atomic_load_n(&shared->read_bytes, __ATOMIC_RELAXED),
		.database_files = __atomic_load_n(&shared->database_files, __ATOMIC_RELAXED),
	};
}
