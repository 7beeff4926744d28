/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/gate-fanotify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "util/log.h"
#include "util/macro.h"

/*
 * How the kernel opens an event's file for its reader. O_NONBLOCK: else reading the event of a FIFO would wait for the
 * FIFO's other end. O_NOATIME: the client's reading doesn't change the access time.
 */
#define GATE_EVENT_FLAGS (O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NONBLOCK | O_NOATIME)

enum {
	/* The descriptor numbers that events can have in a client; see group_allow_numbers(). */
	GATE_NUMBERS = 64 * 1024,
	GATE_NUMBERS_LIKELY = 4 * 1024,
	TYPES_SAID_MAX = 64,
};

static int group_new(void)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_REPORT_TID | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS |
			       FAN_CLOEXEC | FAN_NONBLOCK, GATE_EVENT_FLAGS);

	return fd < 0 ? -errno : fd;
}

uint64_t esd_gate_mask(const uint64_t types[ES_TYPE_WORDS])
{
	return (esd_types_has(types, ESD_AUTH_OPEN) ? FAN_OPEN_PERM : 0) |
	       (esd_types_has(types, ESD_AUTH_EXEC) ? FAN_OPEN_EXEC_PERM : 0);
}

/* Tries it on a file that no other process can open. */
int esd_gate_probe(void)
{
	_cleanup_close_ int group = -1, file = -1;
	char path[32];

	group = group_new();
	if (group < 0)
		return group;
	file = memfd_create("endpointsecurityd-probe", MFD_CLOEXEC);
	if (file < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_OPEN_EXEC_PERM, AT_FDCWD, path) < 0)
		return -errno;
	return 0;
}

/* FAN_ONDIR includes opens of directories. Set or remove it only together with FAN_OPEN_PERM. */
static uint64_t mark_mask(uint64_t mask)
{
	return mask & FAN_OPEN_PERM ? mask | FAN_ONDIR : mask;
}

/*
 * Changes a mark. `id` is the intended mount: another one may have been mounted over it at that path since.
 * 0: done; positive errno: this mount can't be marked.
 */
static int gate_mark(const struct esd_gate *gate, unsigned int flags, uint64_t mask, const char *path, uint32_t id)
{
	_cleanup_close_ int fd = -1;
	char link[32];
	struct statx st;

	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return errno;
	if (st.stx_mnt_id != id)
		return EXDEV;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return fanotify_mark(gate->fd, flags, mark_mask(mask), AT_FDCWD, link) < 0 ? errno : 0;
}

static void say_exempt(const struct esd_mount *mount, const char *why)
{
	static char said[TYPES_SAID_MAX][24];

	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		if (!strncmp(said[i], mount->type, sizeof(said[i]) - 1))
			return;
		if (!said[i][0]) {
			snprintf(said[i], sizeof(said[i]), "%s", mount->type);
			log_info("nothing is held on %s, nor on other %s: %s", mount->point, mount->type, why);
			return;
		}
	}
}

/* Logs and skips a file system that can't be marked: one bad mount must not prevent marks on all the others. */
static void gate_mark_file_systems(const struct esd_gate *gate, unsigned int action, uint64_t mask)
{
	struct esd_mounts *mounts = &gate->gates->mounts;
	struct esd_mount mount;
	char *cursor = NULL;
	int r;

	while (esd_mounts_next(mounts, &cursor, &mount)) {
		const char *why = esd_mount_exempt(mount.type);

		if (why) {
			say_exempt(&mount, why);
			continue;
		}
		r = gate_mark(gate, action | FAN_MARK_FILESYSTEM, mask, mount.point, mount.id);
		if (r == EXDEV)
			log_debug("%s (%s) is hidden by another mount", mount.point, mount.type);
		else if (r && action == FAN_MARK_ADD)
			log_warning("nothing is held on %s (%s): %s", mount.point, mount.type, strerror(r));
	}
}

static int gate_mark_scope(const struct esd_gate *gate, unsigned int action, uint64_t mask)
{
	const struct esd_scope *scope = gate->gates->scope;
	int r;

	for (unsigned int i = 0; i < scope->mounts; i++) {
		r = gate_mark(gate, action | FAN_MARK_MOUNT, mask, scope->mount_path[i], scope->mount_id[i]);
		if (r && action == FAN_MARK_ADD) {
			log_error("can't hold anything on the mount %s: %s", scope->mount_path[i],
				  r == EXDEV ? "it is no longer mounted there" : strerror(r));
			return -r;
		}
	}
	return 0;
}

static int gate_apply(const struct esd_gate *gate, unsigned int action, uint64_t mask)
{
	int r;

	if (gate->gates->scope->mounts)
		return gate_mark_scope(gate, action, mask);
	r = esd_mounts_read(&gate->gates->mounts);
	if (r < 0)
		return r;
	gate_mark_file_systems(gate, action, mask);
	return 0;
}

static int mounts_changed(struct loop_source *source, uint32_t events)
{
	struct esd_gates *gates = container_of(source, struct esd_gates, mounts_source);
	struct esd_gate *gate;
	int r = 0;

	(void)events;
	for (gate = gates->first; gate; gate = gate->next)
		if (gate->mask && r == 0)
			r = gate_apply(gate, FAN_MARK_ADD, gate->mask);
	if (r < 0)
		log_error("can't read /proc/self/mountinfo: %s; new mounts are not held", strerror(-r));
	return 0;
}

/* Watches for new mounts while a gate has marks. Reading the file resets the descriptor's EPOLLPRI. */
static int gates_follow(struct esd_gates *gates)
{
	struct esd_gate *gate = gates->first;

	while (gate && !gate->mask)
		gate = gate->next;
	if (!gate || gates->scope->mounts) {
		loop_remove(gates->loop, &gates->mounts_source);
		return 0;
	}
	if (gates->mounts_source.fd >= 0)
		return 0;
	return loop_add(gates->loop, &gates->mounts_source, gates->mounts.fd, EPOLLPRI, mounts_changed);
}

int esd_gates_init(struct esd_gates *gates, struct loop *loop, const struct esd_scope *scope)
{
	*gates = (struct esd_gates){ .loop = loop, .scope = scope, .mounts_source = LOOP_SOURCE_NONE };
	return esd_mounts_open(&gates->mounts);
}

void esd_gates_deinit(struct esd_gates *gates)
{
	if (!gates->loop)
		return;
	loop_remove(gates->loop, &gates->mounts_source);
	esd_mounts_close(&gates->mounts);
}

int esd_gate_init(struct esd_gate *gate, struct esd_gates *gates)
{
	int fd = group_new();

	if (fd < 0)
		return fd;
	*gate = (struct esd_gate){ .gates = gates, .next = gates->first, .fd = fd };
	gates->first = gate;
	return 0;
}

static void group_unmark(int fd)
{
	(void)fanotify_mark(fd, FAN_MARK_FLUSH | FAN_MARK_MOUNT, 0, AT_FDCWD, NULL);
	(void)fanotify_mark(fd, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, NULL);
}

int esd_gate_retain(struct esd_gate *gate, uint64_t mask)
{
	uint64_t gone = gate->mask & ~mask;

	if (!gone)
		return 0;
	gate->mask &= mask;
	if (!gate->mask) {
		group_unmark(gate->fd);
		return gates_follow(gate->gates);
	}
	/* Where this doesn't reach (a mount that was hidden), the ask program still says that nobody need be asked. */
	return gate_apply(gate, FAN_MARK_REMOVE, gone);
}

int esd_gate_add(struct esd_gate *gate, uint64_t mask)
{
	uint64_t before = gate->mask;
	int r;

	if (!(mask & ~before))
		return 0;
	gate->mask |= mask;
	gate->used = true;
	r = gates_follow(gate->gates);
	if (r == 0)
		r = gate_apply(gate, FAN_MARK_ADD, mask & ~before);
	if (r < 0)
		(void)esd_gate_retain(gate, before);
	return r;
}

static void group_allow(int group, int fd)
{
	struct fanotify_response response = { .fd = fd, .response = FAN_ALLOW };

	/* A number can stand for several events, if the client closed descriptors before it answered. */
	while (write(group, &response, sizeof(response)) == sizeof(response))
		;
}

/* Allows the events that no process has read yet. */
static void group_allow_unread(int group)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct fanotify_event_metadata))));
	ssize_t n;

	while ((n = read(group, buffer, sizeof(buffer))) > 0) {
		struct fanotify_event_metadata *event = (void *)buffer;

		for (; FAN_EVENT_OK(event, n); event = FAN_EVENT_NEXT(event, n)) {
			if (event->fd < 0)
				continue;
			group_allow(group, event->fd);
			close(event->fd);
		}
	}
}

/*
 * Allows the events that the client has read. Each is named by its descriptor number in the client. A number without an
 * event costs a failing write(2); all of them together cost 20 ms.
 */
static void group_allow_numbers(int group, int from, int to)
{
	for (int fd = from; fd < to; fd++)
		group_allow(group, fd);
}

void esd_gate_release(int fd)
{
	group_unmark(fd);
	group_allow_unread(fd);
	group_allow_numbers(fd, 0, GATE_NUMBERS_LIKELY);
}

void esd_gate_let_go(struct esd_gate *gate)
{
	if (!gate->gates || !gate->used)
		return;
	gate->mask = 0;
	esd_gate_release(gate->fd);
}

void esd_gate_deinit(struct esd_gate *gate)
{
	struct esd_gates *gates = gate->gates;
	struct esd_gate **link;

	if (!gates)
		return;
	esd_gate_let_go(gate);
	if (gate->used)
		group_allow_numbers(gate->fd, GATE_NUMBERS_LIKELY, GATE_NUMBERS);
	close(gate->fd);
	for (link = &gates->first; *link; link = &(*link)->next) {
		if (*link == gate) {
			*link = gate->next;
			break;
		}
	}
	(void)gates_follow(gates);
	*gate = (struct esd_gate){ .fd = -1 };
}
