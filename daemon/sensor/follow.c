/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/follow.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "util/log.h"
#include "util/macro.h"

/* ---- when to look again ---- */

static int shut_seen(void *context, void *data, size_t size)
{
	(void)context;
	(void)data;
	(void)size;
	return 0;
}

static int shut_ready(struct loop_source *source, uint32_t events)
{
	struct esd_follow *follow = container_of(source, struct esd_follow, shut);

	(void)events;
	(void)ring_buffer__consume(follow->ring);
	follow->again(follow);
	return 0;
}

static int timer_ready(struct loop_source *source, uint32_t events)
{
	struct esd_follow *follow = container_of(source, struct esd_follow, timer);
	uint64_t count;

	(void)events;
	(void)!read(follow->timer_fd, &count, sizeof(count));
	follow->again(follow);
	return 0;
}

void esd_follow_later(struct esd_follow *follow, unsigned int ms)
{
	const struct itimerspec timer = { .it_value = { ms / 1000, ms % 1000 * 1000000L } };

	if (timerfd_settime(follow->timer_fd, 0, &timer, NULL) < 0)
		log_error("can't set a timer: %s; what starts over now will go on doing so", strerror(errno));
}

int esd_follow_init(struct esd_follow *follow, struct sensor_bpf *skel, struct esd_programs *programs, struct loop *loop,
		    bool kernel_sees, void (*again)(struct esd_follow *follow))
{
	int r;

	*follow = (struct esd_follow)ESD_FOLLOW_NONE;
	follow->kernel_sees = kernel_sees;
	follow->skel = skel;
	follow->loop = loop;
	follow->again = again;
	follow->look = esd_programs_find(programs, "follow_look");
	follow->guard = esd_programs_find(programs, "follow_guard");
	follow->ring = ring_buffer__new(bpf_map__fd(skel->maps.follow_shut), shut_seen, NULL, NULL);
	if (!follow->ring)
		return -errno;
	follow->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (follow->timer_fd < 0)
		return -errno;
	r = loop_add(loop, &follow->timer, follow->timer_fd, EPOLLIN, timer_ready);
	if (r == 0)
		r = loop_add(loop, &follow->shut, ring_buffer__epoll_fd(follow->ring), EPOLLIN, shut_ready);
	return r;
}

void esd_follow_deinit(struct esd_follow *follow)
{
	esd_follow_unguard(follow);
	if (follow->loop) {
		loop_remove(follow->loop, &follow->timer);
		loop_remove(follow->loop, &follow->shut);
	}
	ring_buffer__free(follow->ring);
	closep(&follow->timer_fd);
	*follow = (struct esd_follow)ESD_FOLLOW_NONE;
}

/* Such a kernel has a table of the calls that can be skipped in each code image. */
bool esd_follow_kernel_sees(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "bpf_tramp_skip", BTF_KIND_STRUCT) >= 0;
}

/* ---- the guard ---- */

int esd_follow_hook(struct esd_follow *follow, uint32_t hook, const uint64_t types[ES_TYPE_WORDS])
{
	struct es_follow_types value;

	memcpy(value.word, types, sizeof(value.word));
	return bpf_map_update_elem(bpf_map__fd(follow->skel->maps.follow_hooks), &hook, &value, BPF_ANY);
}

int esd_follow_load(struct esd_follow *follow)
{
	struct esd_program *const programs[] = { follow->look, follow->guard };

	for (size_t i = 0; !follow->kernel_sees && i < ARRAY_SIZE(programs); i++) {
		int r;

		if (!esd_program_untried(programs[i]))
			continue;
		r = esd_program_load(programs[i]);
		return r < 0 ? r : 1;
	}
	return 0;
}

bool esd_follow_guarded(const struct esd_follow *follow)
{
	return follow->kernel_sees || follow->guard_link >= 0;
}

void esd_follow_guard(struct esd_follow *follow)
{
	if (esd_follow_guarded(follow) || follow->unguarded)
		return;
	if (!esd_program_load(follow->look) && !esd_program_load(follow->guard))
		follow->guard_link = esd_program_attach(follow->guard);
	if (follow->guard_link >= 0)
		return;
	follow->unguarded = true;
	log_warning("so nothing sleeps while it waits for an answer: all system calls start over");
}

void esd_follow_unguard(struct esd_follow *follow)
{
	for (unsigned int type = 0; follow->skel && type < ES_EVENT_TYPES; type++)
		esd_follow_shut(follow, type);
	closep(&follow->guard_link);
	follow->guard_link = -1;
}

/* ---- looking ---- */

static int program_info(uint32_t id, struct bpf_prog_info *ret)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	uint32_t size = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	if (fd < 0)
		return fd == -ENOENT ? ENOENT : fd;
	return bpf_obj_get_info_by_fd(fd, ret, &size);
}

/* Finds the kernel's own BTF object: it is the one that the guard is attached by. */
static int kernel_btf_find(struct esd_follow *follow)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(follow->guard->fd, &info, &size);

	if (r == 0)
		follow->kernel_btf = info.attach_btf_obj_id;
	return r;
}

static void follower_note(struct esd_follow *follow, const struct bpf_prog_info *info)
{
	unsigned int index = follow->follower_count;
	struct esd_follower *follower;

	if (index == ARRAY_SIZE(follow->followers))
		follower = &follow->followers[index - 1];
	else
		follower = &follow->followers[follow->follower_count++];
	*follower = (struct esd_follower){ .hook = info->attach_btf_id, .id = info->id };
	if (index == ARRAY_SIZE(follow->followers))
		follower->hook = 0;
	memcpy(follower->name, info->name, sizeof(follower->name));
}

static bool is_hook(struct esd_follow *follow, uint32_t hook)
{
	struct es_follow_types types;

	return !bpf_map_lookup_elem(bpf_map__fd(follow->skel->maps.follow_hooks), &hook, &types);
}

int esd_follow_survey(struct esd_follow *follow)
{
	struct bpf_prog_info info;
	uint32_t id = 0;
	int r;

	follow->follower_count = 0;
	if (follow->kernel_sees)
		return 0;
	r = follow->kernel_btf ? 0 : kernel_btf_find(follow);
	while (r >= 0) {
		r = bpf_prog_get_next_id(id, &id);
		if (r < 0)
			break;
		r = program_info(id, &info);
		if (r == 0 && info.type == BPF_PROG_TYPE_TRACING && is_hook(follow, info.attach_btf_id) &&
		    (info.attach_btf_obj_id == follow->kernel_btf || !info.attach_btf_id))
			follower_note(follow, &info);
	}
	return r == -ENOENT ? 0 : r;
}

enum es_follow_state esd_follow_state(struct esd_follow *follow, uint32_t hook, int link, struct es_follow *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = ret, .ctx_size_in = sizeof(*ret));	/* and out: it is written to */

	*ret = (struct es_follow){ .link_fd = link };
	if (follow->kernel_sees)
		return ES_FOLLOW_NOTHING;
	if (bpf_prog_test_run_opts(follow->look->fd, &options) < 0)
		return ES_FOLLOW_UNKNOWN;
	for (unsigned int i = 0; ret->state == ES_FOLLOW_NOTHING && i < follow->follower_count; i++) {
		const struct esd_follower *follower = &follow->followers[i];

		if (follower->hook && follower->hook != hook)
			continue;
		ret->state = ES_FOLLOW_SOMETHING;
		ret->id = follower->id;
		memcpy(ret->name, follower->name, sizeof(ret->name));
	}
	ret->name[sizeof(ret->name) - 1] = 0;
	return ret->state;
}

/* ---- gates ---- */

static uint32_t *gate_of(const struct esd_follow *follow, unsigned int type)
{
	return &follow->skel->bss->control.gates[type];
}

uint32_t esd_follow_word(const struct esd_follow *follow, unsigned int type)
{
	return __atomic_load_n(gate_of(follow, type), __ATOMIC_SEQ_CST);
}

void esd_follow_open(struct esd_follow *follow, unsigned int type, uint32_t word)
{
	(void)__atomic_compare_exchange_n(gate_of(follow, type), &word, word | ES_GATE_OPEN, false, __ATOMIC_SEQ_CST,
					  __ATOMIC_SEQ_CST);
}

void esd_follow_shut(struct esd_follow *follow, unsigned int type)
{
	__atomic_fetch_and(gate_of(follow, type), ~(uint32_t)ES_GATE_OPEN, __ATOMIC_SEQ_CST);
}
