/* SPDX-License-Identifier: MIT */
#include "daemon/hold/warden.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/record.h"
#include "daemon/sensor/life.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

#define GRACE_NS (ESD_WARDEN_GRACE_MS * NS_PER_MS)

enum {
	DAEMON_LOOK_MS = 2,
	DAEMON_DEATH_MS = 1000,		/* how long a dying daemon may take after its socket has closed */
};

enum word_op {
	WORD_SETTINGS,			/* fds: the map of all clients; readable once the daemon ends */
	WORD_WATCH,			/* fds: in the order of enum word_fd */
	WORD_FORGET,
};

enum word_fd {
	WORD_FD_PID,
	WORD_FD_HELD,
	WORD_FD_GATE,
	WORD_FD_ABORT,			/* may be missing */
	WORD_FDS,
};

struct word {
	uint32_t op;			/* enum word_op */
	uint32_t slot;
	uint32_t sensor;
	uint32_t queues;
	struct esd_warden_name name;
};

union word_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int) * WORD_FDS)];
};

static size_t held_bytes(void)
{
	return ES_HELD_MAX * sizeof(struct es_held);
}

static size_t clients_bytes(void)
{
	return ES_CLIENTS_MAX * sizeof(struct es_sensor_client);
}

/* ---- the warden's side ---- */

/* The warden's view of a client. It owns `fds`. */
struct ward {
	bool used;
	struct esd_watch watch;
	struct esd_warden_name name;
	int fds[WORD_FDS];
	uint64_t dead_ns;		/* when the warden saw its end; 0: it lives */
};

struct wardship {
	int fd;				/* to the daemon */
	int end;			/* readable once the daemon ends; -1: not received yet */
	int daemon;			/* a pidfd */
	pid_t daemon_pid;
	struct es_sensor_client *settings;
	struct ward wards[ES_CLIENTS_MAX];
};

static void ward_forget(struct ward *ward)
{
	if (!ward->used)
		return;
	munmap(ward->watch.held, held_bytes());
	for (unsigned int i = 0; i < WORD_FDS; i++)
		closep(&ward->fds[i]);
	*ward = (struct ward){};
}

/* Takes the descriptors, also when it fails. */
static void ward_new(struct wardship *self, const struct word *word, int fds[WORD_FDS])
{
	struct ward *ward = &self->wards[word->slot];
	void *held = mmap(NULL, held_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fds[WORD_FD_HELD], 0);

	ward_forget(ward);
	if (held == MAP_FAILED || !self->settings) {
		log_error("the warden can't see a client's operations: %s", strerror(errno));
		for (unsigned int i = 0; i < WORD_FDS; i++)
			closep(&fds[i]);
		return;
	}
	ward->used = true;
	ward->name = word->name;
	memcpy(ward->fds, fds, sizeof(ward->fds));
	ward->watch = (struct esd_watch){
		.sensor = word->sensor,
		.queues = word->queues,
		.bit = ES_OUTSIDE_WARDEN,
		.slot = word->slot,
		.gate_fd = fds[WORD_FD_GATE],
		.ask_fd = -1,
		.abort_fd = fds[WORD_FD_ABORT],
		.held = held,
		.settings = &self->settings[word->slot],
	};
}

/* Takes the descriptors. */
static void settings_take(struct wardship *self, int fd, int end)
{
	void *settings = mmap(NULL, clients_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (settings != MAP_FAILED)
		self->settings = settings;
	else
		log_error("the warden can't see the clients' settings: %s", strerror(errno));
	closep(&fd);
	closep(&self->end);
	self->end = end;
}

static void words_take(struct wardship *self, const struct word *word, int fds[WORD_FDS])
{
	switch (word->op) {
	case WORD_SETTINGS:
		settings_take(self, fds[0], fds[1]);
		break;
	case WORD_WATCH:
		ward_new(self, word, fds);
		break;
	case WORD_FORGET:
		ward_forget(&self->wards[word->slot]);
		break;
	}
}

/* 1: handled a message of the daemon; 0: none yet. Negative: the socket has ended. */
static int warden_listen(struct wardship *self)
{
	struct word word;
	struct iovec iov = { .iov_base = &word, .iov_len = sizeof(word) };
	union word_control control;
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fds[WORD_FDS] = { -1, -1, -1, -1 };
	ssize_t n = recvmsg(self->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n != sizeof(word) || word.slot >= ES_CLIENTS_MAX)
		return -1;
	if (CMSG_FIRSTHDR(&message))
		memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&message)), CMSG_FIRSTHDR(&message)->cmsg_len - CMSG_LEN(0));
	words_take(self, &word, fds);
	return 1;
}

/* Reports to the daemon, which reads it when it runs again. A report that doesn't fit into the socket is lost. */
static void ward_tell(struct wardship *self, const struct ward *ward, enum es_note_kind kind,
		      const struct esd_late *late, uint32_t mode)
{
	struct es_note_info note = {
		.kind = kind,
		.pid = ward->name.pid,
		.outcome = mode,
		.by_warden = 1,
		.type = late->type,
		.op_pid = late->tgid,
		.op_tid = late->tid,
		.late_ns = late->late_ns,
	};

	memcpy(note.executable, ward->name.executable, sizeof(note.executable));
	memcpy(note.path, late->path, sizeof(late->path));
	(void)send(self->fd, &note, sizeof(note), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool ward_late(struct wardship *self, struct ward *ward, uint64_t now, uint32_t mode)
{
	struct esd_late late;
	unsigned int index = 0;

	while (esd_watch_late(&ward->watch, now, GRACE_NS, &index, &late)) {
		if (esd_watch_kills(&late, mode)) {
			ward_tell(self, ward, ES_NOTE_MISSED, &late, ES_MISS_KILL);
			return true;
		}
		if (esd_watch_settle(&ward->watch, &late, mode == ES_MISS_ALLOW))
			ward_tell(self, ward, ES_NOTE_MISSED, &late, mode);
	}
	return false;
}

static bool ward_stalled(struct wardship *self, struct ward *ward, uint64_t now, uint32_t mode)
{
	struct esd_late late = { .type = ES_EVENT_TYPES };
	uint64_t since_ns;

	if (!esd_watch_stalled(&ward->watch, now, GRACE_NS, &since_ns))
		return false;
	for (int i = 0; i < ES_HELD_MAX && esd_watch_settle_unread(&ward->watch, mode != ES_MISS_DENY, &late); i++) {
		late.late_ns = now - since_ns;
		ward_tell(self, ward, ES_NOTE_STALLED, &late, mode);
		if (mode == ES_MISS_KILL)
			break;
	}
	return mode == ES_MISS_KILL;
}

static void ward_look(struct wardship *self, struct ward *ward, uint64_t now)
{
	uint32_t mode = ward->watch.settings->miss_mode;

	if (ward->dead_ns && now - ward->dead_ns <= GRACE_NS)
		return;
	if (!ward->dead_ns) {
		if (!ward_late(self, ward, now, mode) && !ward_stalled(self, ward, now, mode))
			return;
		if (pidfd_send_signal(ward->fds[WORD_FD_PID], SIGKILL, NULL, 0) == 0)
			log_warning("pid %d (%s) was late, and the daemon did nothing about it: the warden has killed it",
				    ward->name.pid, ward->name.executable);
	}
	esd_watch_let_go(&ward->watch);
	ward_forget(ward);
}

static void warden_look(struct wardship *self)
{
	uint64_t now = clock_ns();

	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
		if (self->wards[slot].used)
			ward_look(self, &self->wards[slot], now);
}

static int warden_timeout_ms(const struct wardship *self)
{
	uint64_t now = clock_ns(), next = UINT64_MAX, one;

	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
		const struct ward *ward = &self->wards[slot];

		if (!ward->used)
			continue;
		one = ward->dead_ns ? ward->dead_ns + GRACE_NS : esd_watch_next_ns(&ward->watch, now, GRACE_NS);
		if (one < next)
			next = one;
	}
	if (next == UINT64_MAX)
		return -1;
	return next <= now ? 1 : (int)((next - now) / NS_PER_MS + 1);
}

/*
 * Waits until the daemon sends a message, a client dies, or a client can be late. False: the daemon or our socket has
 * ended.
 */
static bool warden_wait(struct wardship *self)
{
	struct pollfd fds[1 + ES_CLIENTS_MAX + 1] = { { .fd = self->fd, .events = POLLIN } };
	struct pollfd *end = &fds[1 + ES_CLIENTS_MAX];

	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++) {
		const struct ward *ward = &self->wards[slot];

		fds[1 + slot] = (struct pollfd){ .fd = ward->used && !ward->dead_ns ? ward->fds[WORD_FD_PID] : -1,
						 .events = POLLIN };
	}
	*end = (struct pollfd){ .fd = self->end, .events = POLLIN };
	if (poll(fds, ARRAY_SIZE(fds), warden_timeout_ms(self)) < 0)
		return errno == EINTR;
	if (end->revents)
		return false;
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
		if (fds[1 + slot].revents)
			self->wards[slot].dead_ns = clock_ns();
	return !fds[0].revents || warden_listen(self) >= 0;
}

/* Releases all clients, including those in messages that the daemon sent before it died. */
static void let_all_go(struct wardship *self)
{
	while (warden_listen(self) > 0)
		;
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
		if (self->wards[slot].used)
			esd_watch_let_go(&self->wards[slot].watch);
}

/*
 * Is the daemon dying? It closes its descriptors one by one, and removing kernel programs is slow: seconds may pass
 * between the end of our socket and that of the process. During that time /proc shows no descriptors of it. `end` isn't
 * enough: the kernel programs make it readable only while there are clients.
 */
static bool daemon_ends(const struct wardship *self)
{
	struct pollfd fds[] = { { .fd = self->end, .events = POLLIN }, { .fd = self->daemon, .events = POLLIN } };
	char path[32];
	int entries = 0;
	DIR *dir;

	if (poll(fds, ARRAY_SIZE(fds), 0) > 0)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/fd", self->daemon_pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT;
	while (readdir(dir))
		entries++;
	closedir(dir);
	return entries <= 2;		/* "." and ".." */
}

/*
 * If the daemon lives, it has given us up and watches its clients itself. Release twice: a task that saw a fanotify
 * mark just before its removal enters the queue afterwards, and its client may be stopped.
 */
static void warden_finish(struct wardship *self)
{
	uint64_t until_ns = clock_ns() + DAEMON_DEATH_MS * NS_PER_MS;

	while (!daemon_ends(self)) {
		if (clock_ns() > until_ns)
			return;
		(void)poll(NULL, 0, DAEMON_LOOK_MS);
	}
	let_all_go(self);
	(void)poll(NULL, 0, ESD_WARDEN_GRACE_MS);
	let_all_go(self);
}

static _Noreturn void warden_run(int fd, int daemon, pid_t daemon_pid)
{
	static struct wardship self;
	sigset_t all;

	/* Only SIGKILL ends the warden before the daemon. A Ctrl-C reaches both; the warden ends with the daemon. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	(void)prctl(PR_SET_NAME, "es-warden");
	(void)!chdir("/");
	self.fd = fd;
	self.end = -1;
	self.daemon = daemon;
	self.daemon_pid = daemon_pid;
	while (warden_wait(&self))
		warden_look(&self);
	warden_finish(&self);
	_exit(0);
}

/* The warden keeps only these two and the standard descriptors of the daemon's. */
static _Noreturn void warden_begin(int fd, int daemon, pid_t daemon_pid)
{
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 10);
	daemon = fcntl(daemon, F_DUPFD_CLOEXEC, 10);
	if (fd < 0 || daemon < 0 || dup2(fd, 3) < 0 || dup2(daemon, 4) < 0)
		_exit(1);
	(void)close_range(5, ~0U, 0);
	warden_run(3, 4, daemon_pid);
}

/* ---- the daemon's side ---- */

int esd_warden_start(struct esd_warden *warden)
{
	_cleanup_close_ int daemon = pidfd_open(esd_life_pid(), 0), theirs = -1, ours = -1;
	int fds[2];
	pid_t pid, self = esd_life_pid();

	if (daemon < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	ours = fds[0];
	theirs = fds[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		warden_begin(theirs, daemon, self);
	warden->fd = TAKE_FD(ours);
	return 0;
}

void esd_warden_end(struct esd_warden *warden)
{
	closep(&warden->fd);
	warden->fd = -1;
}

static void warden_tell(struct esd_warden *warden, const struct word *word, const int *fds, unsigned int count)
{
	struct iovec iov = { .iov_base = (void *)word, .iov_len = sizeof(*word) };
	union word_control control = {
		.header = { .cmsg_len = CMSG_LEN(sizeof(int) * count), .cmsg_level = SOL_SOCKET,
			    .cmsg_type = SCM_RIGHTS },
	};
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (warden->fd < 0 || warden->lost)
		return;
	if (count) {
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * count);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
	}
	if (sendmsg(warden->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return;
	log_error("the warden process is gone, or hangs (%s): if this daemon hangs or is killed while a client is "
		  "stopped, what waits for the client waits until it is continued; restart the daemon", strerror(errno));
	warden->lost = true;
	shutdown(warden->fd, SHUT_RDWR);	/* the owner sees it end */
}

void esd_warden_settings(struct esd_warden *warden, int clients_fd, int end_fd)
{
	const int fds[] = { clients_fd, end_fd };

	warden_tell(warden, &(struct word){ .op = WORD_SETTINGS }, fds, ARRAY_SIZE(fds));
}

void esd_warden_watch(struct esd_warden *warden, const struct esd_watch *watch, const struct esd_warden_name *name,
		      int pidfd, int held_fd)
{
	const struct word word = {
		.op = WORD_WATCH,
		.slot = watch->slot,
		.sensor = watch->sensor,
		.queues = watch->queues,
		.name = *name,
	};
	const int fds[WORD_FDS] = {
		[WORD_FD_PID] = pidfd,
		[WORD_FD_HELD] = held_fd,
		[WORD_FD_GATE] = watch->gate_fd,
		[WORD_FD_ABORT] = watch->abort_fd,
	};

	warden_tell(warden, &word, fds, watch->abort_fd < 0 ? WORD_FDS - 1 : WORD_FDS);
}

void esd_warden_forget(struct esd_warden *warden, unsigned int slot)
{
	warden_tell(warden, &(struct word){ .op = WORD_FORGET, .slot = slot }, NULL, 0);
}

int esd_warden_hear(struct esd_warden *warden, struct es_note_info *ret)
{
	ssize_t n = recv(warden->fd, ret, sizeof(*ret), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return n == sizeof(*ret) ? 1 : -ECONNRESET;
}
