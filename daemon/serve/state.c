/* SPDX-License-Identifier: MIT */
#include "daemon/serve/state.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/serve/connection.h"
#include "daemon/serve/daemon.h"
#include "daemon/serve/listen.h"
#include "util/archive.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

/* Room for some 100,000 mutes of all clients together. Unwritten pages take no memory. */
enum {
	AREAS = 2,
	AREA_BYTES = 16 * 1024 * 1024,
	DEATHS_MAX = 5,
	SOON_S = 10,
};

struct area {
	size_t bytes;
	uint64_t fds[ARCHIVE_FDS / 64];
	char data[AREA_BYTES];
};

struct esd_state {
	uint8_t stamp[ESD_KEEP_STAMP];
	uint32_t in_force;		/* number of the valid area, plus 1; 0: none */
	uint64_t died_ns;		/* time of the last death; and how many deaths came, each soon after the one before */
	uint32_t deaths;
	bool said;			/* it has logged that there is no room */
	int busy_fd;			/* the connection whose request the daemon is handling; -1: none */
	uint32_t busy_op;
	struct area areas[AREAS];
};

int esd_state_new(void)
{
	_cleanup_close_ int fd = memfd_create("endpointsecurityd", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof(struct esd_state)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

struct esd_state *esd_state_map(int fd)
{
	void *state = mmap(NULL, sizeof(struct esd_state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return state == MAP_FAILED ? NULL : state;
}

static void in_force(struct esd_state *state, uint32_t number)
{
	__atomic_store_n(&state->in_force, number, __ATOMIC_SEQ_CST);
}

static void write_all(struct esd_daemon *daemon, struct archive *archive)
{
	(void)esd_listen_keep(daemon->listen, archive);
	ARCHIVE(archive, daemon->started_ns);
	ARCHIVE(archive, daemon->notes);
	ARCHIVE(archive, daemon->never_said);
	daemon->sensor->ops->keep(daemon->sensor, archive);
	esd_connections_keep(daemon, archive);
}

static void save(struct esd_daemon *daemon)
{
	struct esd_state *state = daemon->state;
	uint32_t number = state->in_force == 1 ? 1 : 0;
	struct area *area = &state->areas[number];
	struct archive archive = { .data = area->data, .size = sizeof(area->data), .fds = area->fds };

	memset(area->fds, 0, sizeof(area->fds));
	write_all(daemon, &archive);
	area->bytes = archive.used;
	in_force(state, archive.bad ? 0 : number + 1);
	if (archive.bad && !state->said)
		log_warning("there is too much to keep (%zu MiB is the limit): if this daemon dies, its clients lose their "
			    "stream", sizeof(area->data) >> 20);
	state->said |= archive.bad;
}

static void busy(struct esd_daemon *daemon, int fd, uint32_t op)
{
	daemon->state->busy_op = op;
	__atomic_store_n(&daemon->state->busy_fd, fd, __ATOMIC_SEQ_CST);
}

void esd_state_begin(struct esd_state *state, struct esd_daemon *daemon, struct esd_listen *listen)
{
	if (!daemon->sensor->keeps)
		return;
	esd_keep_stamp(state->stamp);
	state->busy_fd = -1;
	daemon->state = state;
	daemon->listen = listen;
	daemon->save = save;
	daemon->busy = busy;
	save(daemon);
}

void esd_state_end(struct esd_state *state)
{
	in_force(state, 0);
}

const uint64_t *esd_state_fds(const struct esd_state *state)
{
	uint32_t number = __atomic_load_n(&state->in_force, __ATOMIC_SEQ_CST);

	return number && number <= AREAS ? state->areas[number - 1].fds : NULL;
}

bool esd_state_may_go_on(struct esd_state *state, uint64_t now_ns)
{
	state->deaths = state->died_ns && now_ns - state->died_ns < SOON_S * NS_PER_S ? state->deaths + 1 : 1;
	state->died_ns = now_ns;
	return state->deaths <= DEATHS_MAX;
}

const uint8_t *esd_state_stamp(const struct esd_state *state)
{
	return state->stamp;
}

int esd_state_open(struct esd_state *state, struct esd_daemon *daemon, struct esd_listen *listen, struct archive *ret)
{
	struct area *area = &state->areas[state->in_force - 1];
	uint8_t own[ESD_KEEP_STAMP];
	int r;

	esd_keep_stamp(own);
	if (!esd_state_fds(state) || memcmp(own, state->stamp, sizeof(own)) || area->bytes > sizeof(area->data))
		return -ESTALE;
	*ret = (struct archive){ .data = area->data, .size = area->bytes, .reading = true };
	r = esd_listen_keep(listen, ret);
	ARCHIVE(ret, daemon->started_ns);
	ARCHIVE(ret, daemon->notes);
	ARCHIVE(ret, daemon->never_said);
	return r == 0 && ret->bad ? -EBADMSG : r;
}

int esd_state_clients(struct esd_state *state, struct esd_daemon *daemon, struct archive *archive)
{
	return esd_connections_go_on(daemon, archive, state->busy_fd, state->busy_op);
}
