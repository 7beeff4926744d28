/* SPDX-License-Identifier: MIT */

/*
 * The sensor for kernels where BPF LSM programs work. The programs of bpf/hold can hold every operation that has a
 * hook. A client's gate is a FUSE connection (gate-fuse.c), which the programs find by control.gate_pid.
 *
 * A task may sleep only in the last program of a hook (follow.h). So each hook has one program of ours, which does
 * everything. It stays attached as long as any type is held, since programs that others attach later run before it.
 *
 * The kernel programs keep the answers that clients want cached; cache.c attaches the programs that note changes.
 *
 * The daemon tries whether LSM programs work. The list of LSMs and the kernel's version don't say: some kernels refuse
 * such programs, and some load them and never call them.
 */

#include "daemon/sensor/lsm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "daemon/sensor/bpf-needed.h"
#include "daemon/sensor/bpf-sensor.h"
#include "daemon/sensor/cache.h"
#include "daemon/sensor/event.h"
#include "daemon/sensor/follow.h"
#include "daemon/sensor/gate-fuse.h"
#include "daemon/sensor/keep.h"
#include "daemon/sensor/select.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

enum {
	TYPES_PER_HOOK = 5,
	LOOK_AGAIN_MS = 2000,		/* how often to check a hook where another program follows */
	SETTLE_MS = 1000,		/* a task's longest time from a hook's start to its sleep */
};

enum wait {
	WAIT_GATE,
	WAIT_SLICE,			/* at the gate, in slices */
	WAIT_RESTART,			/* by starting over */
};

/*
 * The AUTH types that pass each hook; abi/events.def names the main hook of each type.
 *
 * There are two programs for a hook: hook_NAME, which sleeps at the gate, and plain_NAME, which makes the system call
 * start over until there is an answer. The second is for hooks where the kernel allows no sleep, and for kernels that
 * lack what a gate needs.
 */
static const struct hook {
	const char *hook;
	enum wait wait;			/* of the one that sleeps */
	bool notes_changes;		/* for the cache, see cache.h */
	uint8_t count;
	uint8_t types[TYPES_PER_HOOK];
} hooks[] = {
#define HOOK(hook, wait, notes, ...) { #hook, WAIT_##wait, notes, sizeof((uint8_t[]){ __VA_ARGS__ }), { __VA_ARGS__ } },
#define ES_HELD(hook, wait, ...) HOOK(hook, wait, false, __VA_ARGS__)
#define ES_HELD_NOTES(hook, wait, ...) HOOK(hook, wait, true, __VA_ARGS__)
#define TYPE(name) ESD_##name,
#include "abi/hooks.def"
#undef HOOK
};

struct lsm_hook {
	struct esd_program *sleeper;	/* NULL: none */
	struct esd_program *plain;	/* used if `sleeper` can't be; NULL: none */
	int link;
	uint64_t followed_ns;		/* when a (possible) follower was last seen; 0: never */
	bool followed;			/* there may be a follower now, so no task sleeps at this hook */
	struct es_follow follower;	/* the one last seen */
};

struct lsm;

struct lsm_gate {
	struct esd_gate_fuse gate;
	struct loop_source death;	/* of its process */
	struct lsm *lsm;
};

struct lsm {
	struct esd_bpf base;
	bool can_sleep;			/* the kernel has all that a gate needs */
	enum es_task_work works;	/* for hooks that can't sleep: the task waits in bpf/hold/task-work.bpf.h */
	bool kernel_sees;		/* the kernel itself protects from followers, see follow.h */
	struct lsm_hook hooks[ARRAY_SIZE(hooks)];
	struct esd_lsm_cache cache;
	struct esd_follow follow;
	struct lsm_gate gates[ES_CLIENTS_MAX];
	void (*client_broken)(void *owner, unsigned int slot);
	void *owner;
};

static struct lsm *lsm_of(struct esd_bpf *s)
{
	return container_of(s, struct lsm, base);
}

/* ---- which programs ---- */

static bool kernel_has(const struct btf *btf, const char *prefix, const char *name)
{
	char function[64];

	snprintf(function, sizeof(function), "%s%s", prefix, name);
	return btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) >= 0;
}

static struct esd_program *program_find(struct lsm *lsm, const char *prefix, size_t index)
{
	char program[64];

	snprintf(program, sizeof(program), "%s%s", prefix, hooks[index].hook);
	return esd_programs_find(&lsm->base.programs, program);
}

/* Whether the hook's first argument is the mount's mapping of ids, as it is since Linux 6.9. */
static bool setattr_has_idmap(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "bpf_lsm_inode_setattr", BTF_KIND_FUNC);

	return id >= 0 && btf_vlen(btf__type_by_id(btf, btf__type_by_id(btf, id)->type)) == 3;
}

/* Programs that sleep call functions that not every kernel has. */
static bool is_left_out(const struct lsm *lsm, const struct bpf_program *program)
{
	return !lsm->can_sleep && !strncmp(bpf_program__name(program), "hook_", strlen("hook_"));
}

static void lsm_choose(struct esd_bpf *s, const struct btf *btf)
{
	struct lsm *lsm = lsm_of(s);
	struct bpf_program *program;

	lsm->kernel_sees = esd_follow_kernel_sees(btf);
	s->skel->rodata->setattr_has_idmap = setattr_has_idmap(btf);
	s->skel->rodata->waits_in_task_work = lsm->works;
	bpf_program__set_autoload(s->skel->progs.ask, false);
	bpf_object__for_each_program(program, s->skel->obj)
		if (is_left_out(lsm, program))
			bpf_program__set_autoload(program, false);
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		lsm->hooks[i].sleeper = lsm->can_sleep ? program_find(lsm, "hook_", i) : NULL;
		lsm->hooks[i].plain = program_find(lsm, "plain_", i);
	}
	esd_lsm_cache_init(&lsm->cache, &s->programs);
}

/* The one of the two that is used, or would be used if it had no error. NULL: there is neither. */
static struct esd_program *hook_program(const struct lsm_hook *hook)
{
	if (hook->sleeper && (!hook->sleeper->error || !hook->plain))
		return hook->sleeper;
	return hook->plain;
}

static bool hook_sleeps(const struct lsm_hook *hook)
{
	return hook->sleeper && hook_program(hook) == hook->sleeper;
}

static bool hook_has(const struct hook *hook, unsigned int type)
{
	for (unsigned int i = 0; i < hook->count; i++)
		if (hook->types[i] == type)
			return true;
	return false;
}

static bool hook_wanted(const struct hook *hook, const uint64_t types[ES_TYPE_WORDS])
{
	for (unsigned int i = 0; i < hook->count; i++)
		if (esd_types_has(types, hook->types[i]))
			return true;
	return false;
}

static bool hook_needed(const struct lsm *lsm, const struct hook *hook)
{
	uint64_t types[ES_TYPE_WORDS];

	esd_select_types(&lsm->base.skel->bss->control, types);
	return hook_wanted(hook, types) || (hook->notes_changes && esd_lsm_cache_needed(&lsm->cache, types));
}

/* A question ends with its call. So watch the end of calls for all held types. */
static bool lsm_restarts(const struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	(void)s;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (hook_wanted(&hooks[i], types))
			return true;
	return false;
}

/* If the kernel refuses a hook's first program, the next call tries the other one. */
static int hooks_load(struct lsm *lsm, const uint64_t types[ES_TYPE_WORDS])
{
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		struct esd_program *program = hook_program(&lsm->hooks[i]);
		int r;

		if (!program || !esd_program_untried(program))
			continue;
		if (!hook_wanted(&hooks[i], types) &&
		    !(hooks[i].notes_changes && esd_lsm_cache_needed(&lsm->cache, types)))
			continue;
		r = esd_program_load(program);
		return r < 0 ? r : 1;
	}
	return 0;
}

static bool hook_usable(const struct lsm_hook *hook)
{
	const struct esd_program *program = hook_program(hook);

	return program && program->fd >= 0;
}

static int lsm_load(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	struct lsm *lsm = lsm_of(s);
	int r = hooks_load(lsm, types);

	if (r == 0 && lsm->can_sleep && lsm_restarts(s, types))
		r = esd_follow_load(&lsm->follow);
	if (r == 0)
		r = esd_lsm_cache_load(&lsm->cache, types);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(hooks); i++)
		if (hooks[i].notes_changes && !hook_usable(&lsm->hooks[i]) && esd_lsm_cache_needed(&lsm->cache, types))
			esd_lsm_cache_refuse(&lsm->cache, hook_program(&lsm->hooks[i]));
	return r;
}

/* ---- where tasks may sleep ---- */

static void types_of(const struct hook *hook, uint64_t ret[ES_TYPE_WORDS])
{
	memset(ret, 0, ES_TYPE_WORDS * sizeof(*ret));
	for (unsigned int i = 0; i < hook->count; i++)
		esd_types_add(ret, hook->types[i]);
}

/* A follower that has just gone still counts: a task on its way through the hook may call it. */
static void hook_look(struct lsm *lsm, size_t index)
{
	struct lsm_hook *hook = &lsm->hooks[index];
	struct es_follow follower;

	if (esd_follow_state(&lsm->follow, hook->sleeper->attach_id, hook->link, &follower) != ES_FOLLOW_NOTHING) {
		hook->followed_ns = clock_ns();
		hook->follower = follower;
	}
	hook->followed = hook->followed_ns && clock_ns() - hook->followed_ns < SETTLE_MS * NS_PER_MS;
}

static void hooks_look(struct lsm *lsm, uint64_t shut[ES_TYPE_WORDS])
{
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		struct lsm_hook *hook = &lsm->hooks[i];

		if (!hook_sleeps(hook))
			continue;
		if (hook->link >= 0)
			hook_look(lsm, i);
		for (unsigned int j = 0; (hook->link < 0 || hook->followed) && j < hooks[i].count; j++)
			esd_types_add(shut, hooks[i].types[j]);
	}
}

static bool any_followed(const struct lsm *lsm)
{
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (lsm->hooks[i].link >= 0 && lsm->hooks[i].followed)
			return true;
	return false;
}

/*
 * Opens the gate of each type whose hooks all have our program attached, and as the last one. Shuts the other gates: a
 * hook that is attached later would be used before anyone had checked it.
 */
static void gates_look(struct lsm *lsm)
{
	uint32_t words[ES_EVENT_TYPES];
	uint64_t shut[ES_TYPE_WORDS] = {};

	if (!esd_follow_guarded(&lsm->follow))
		return;
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		words[type] = esd_follow_word(&lsm->follow, type);
	if (esd_follow_survey(&lsm->follow) < 0)
		memset(shut, 0xff, sizeof(shut));
	hooks_look(lsm, shut);
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++) {
		if (esd_types_has(shut, type))
			esd_follow_shut(&lsm->follow, type);
		else
			esd_follow_open(&lsm->follow, type, words[type]);
	}
	if (any_followed(lsm))
		esd_follow_later(&lsm->follow, LOOK_AGAIN_MS);
}

static void gates_look_again(struct esd_follow *follow)
{
	struct lsm *lsm = container_of(follow, struct lsm, follow);

	gates_look(lsm);
	esd_bpf_refresh(&lsm->base);
}

static int hooks_tell_guard(struct lsm *lsm)
{
	uint64_t all[ES_TYPE_WORDS];
	int r = 0;

	memset(all, 0xff, sizeof(all));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(hooks); i++) {
		uint64_t types[ES_TYPE_WORDS];

		types_of(&hooks[i], types);
		if (lsm->hooks[i].sleeper)
			r = esd_follow_hook(&lsm->follow, lsm->hooks[i].sleeper->attach_id, types);
	}
	return r < 0 ? r : esd_follow_hook(&lsm->follow, 0, all);
}

/* ---- attaching ---- */

static int hook_attach(struct lsm *lsm, size_t index)
{
	struct lsm_hook *hook = &lsm->hooks[index];

	hook->link = esd_program_attach(hook_program(hook));
	return hook->link < 0 ? hook->link : 0;
}

/* Shuts the gates first: until the hook is attached again, others may attach to it. */
static void hook_detach(struct lsm *lsm, size_t index)
{
	struct lsm_hook *hook = &lsm->hooks[index];

	for (unsigned int i = 0; hook_sleeps(hook) && i < hooks[index].count; i++)
		esd_follow_shut(&lsm->follow, hooks[index].types[i]);
	closep(&hook->link);
	hook->link = -1;
	hook->followed = false;
	hook->followed_ns = 0;
}

/*
 * Detaches none while one is needed. A program that is attached again runs before those that others have attached
 * meanwhile, so no task could sleep in it. An unneeded one costs a call and the check of a word.
 */
static void hooks_detach_unneeded(struct lsm *lsm)
{
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (lsm->hooks[i].link >= 0 && hook_needed(lsm, &hooks[i]))
			return;
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (lsm->hooks[i].link >= 0)
			hook_detach(lsm, i);
	esd_follow_unguard(&lsm->follow);
}

/* The other sensor has AUTH_OPEN and AUTH_EXEC too. Without them this sensor isn't better. */
static const uint8_t basic_types[] = { ESD_AUTH_OPEN, ESD_AUTH_EXEC };

static int basic_load(struct lsm *lsm)
{
	uint64_t types[ES_TYPE_WORDS] = {};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(basic_types); i++)
		esd_types_add(types, basic_types[i]);
	do
		r = hooks_load(lsm, types);
	while (r > 0);
	return r;
}

static void lsm_keep_first(struct esd_bpf *s, struct archive *archive)
{
	struct lsm *lsm = lsm_of(s);

	ARCHIVE(archive, lsm->can_sleep);
	ARCHIVE(archive, lsm->works);
}

static void gate_keep(struct esd_gate_fuse *gate, struct archive *archive)
{
	archive_fd(archive, &gate->fd);
	archive_fd(archive, &gate->abort_fd);
	archive_fd(archive, &gate->pidfd);
	ARCHIVE(archive, gate->pid);
}

static void lsm_keep(struct esd_bpf *s, struct archive *archive)
{
	struct lsm *lsm = lsm_of(s);

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		archive_fd(archive, &lsm->hooks[i].link);
	esd_lsm_cache_keep(&lsm->cache, archive);
	archive_fd(archive, &lsm->follow.guard_link);
	ARCHIVE(archive, lsm->follow.unguarded);
	for (unsigned int slot = 0; slot < ES_CLIENTS_MAX; slot++)
		gate_keep(&lsm->gates[slot].gate, archive);
}

static int gate_given(struct esd_bpf *s, unsigned int number);

/* The hooks are attached, and tasks may sleep at them: nothing is tried here. */
static int lsm_go_on(struct esd_bpf *s)
{
	int r = 0;

	lsm_keep(s, s->kept);
	if (s->kept->bad)
		return -EBADMSG;
	for (unsigned int slot = 0; r == 0 && slot < ES_CLIENTS_MAX; slot++)
		if (s->slots[slot].used)
			r = gate_given(s, slot);
	gates_look(lsm_of(s));
	return r;
}

/* Attaches one hook for a moment, without a subscription, to find out at the start whether that works. */
static int lsm_start(struct esd_bpf *s, const struct esd_sensor_config *config)
{
	struct lsm *lsm = lsm_of(s);
	int r;

	lsm->client_broken = config->client_broken;
	lsm->owner = config->owner;
	r = esd_follow_init(&lsm->follow, s->skel, &s->programs, s->loop, lsm->kernel_sees, gates_look_again);
	if (r == 0)
		r = hooks_tell_guard(lsm);
	if (r == 0 && s->kept)
		return lsm_go_on(s);
	if (r == 0)
		r = basic_load(lsm);
	if (r < 0)
		return r;
	if (!hook_usable(&lsm->hooks[0]))
		return 0;		/* capability() says why */
	r = hook_attach(lsm, 0);
	if (r == 0)
		hook_detach(lsm, 0);
	return r;
}

static void lsm_stop(struct esd_bpf *s)
{
	struct lsm *lsm = lsm_of(s);

	esd_lsm_cache_stop(&lsm->cache, s->skel);
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (lsm->hooks[i].link >= 0)
			hook_detach(lsm, i);
	esd_follow_deinit(&lsm->follow);
}

/* ---- clients ---- */

/* Without the gate, all operations would be allowed unasked. So the client is disconnected. */
static int gate_died(struct loop_source *source, uint32_t events)
{
	struct lsm_gate *gate = container_of(source, struct lsm_gate, death);
	struct lsm *lsm = gate->lsm;

	(void)events;
	log_error("somebody ended the process of a gate, pid %d: its client is disconnected", gate->gate.pid);
	lsm->client_broken(lsm->owner, gate - lsm->gates);
	return 0;
}

static int gate_given(struct esd_bpf *s, unsigned int number)
{
	struct lsm_gate *gate = &lsm_of(s)->gates[number];
	struct esd_sensor_slot *given = &s->slots[number].given;

	given->fds[ES_CLIENT_FD_GATE] = gate->gate.fd;
	given->fds[ES_CLIENT_FD_ASK] = gate->gate.fd;	/* unused, but it must be a descriptor */
	given->fds[ES_CLIENT_FD_END] = s->base.end_fd;
	given->abort_fd = gate->gate.abort_fd;
	return loop_add(s->loop, &gate->death, gate->gate.pidfd, EPOLLIN, gate_died);
}

static int lsm_client_add(struct esd_bpf *s, unsigned int number, pid_t pid)
{
	struct lsm_gate *gate = &lsm_of(s)->gates[number];
	const char *step;
	int r;

	esd_lsm_cache_joined(&lsm_of(s)->cache, s->skel);
	r = esd_gate_fuse_init(&gate->gate, pid, s->base.end_fd, &s->skel->bss->control.gate_pid[number], &step);
	if (r < 0) {
		log_error("no gate for a client (pid %d): %s: %s", pid, step, strerror(-r));
		return r;
	}
	return gate_given(s, number);
}

static void lsm_client_let_go(struct esd_bpf *s, unsigned int number)
{
	struct lsm_gate *gate = &lsm_of(s)->gates[number];

	loop_remove(s->loop, &gate->death);
	__atomic_store_n(&s->skel->bss->control.gate_pid[number], 0, __ATOMIC_RELEASE);
	esd_gate_fuse_abort(&gate->gate);
}

static void lsm_client_clear(struct esd_bpf *s, unsigned int number)
{
	esd_gate_fuse_deinit(&lsm_of(s)->gates[number].gate);
}

static void lsm_trim(struct esd_bpf *s)
{
	esd_lsm_cache_trim(&lsm_of(s)->cache, s->skel);
	hooks_detach_unneeded(lsm_of(s));
}

static int lsm_narrow(struct esd_bpf *s, unsigned int number, const uint64_t types[ES_TYPE_WORDS])
{
	(void)s;
	(void)number;
	(void)types;
	return 0;			/* no task waits for a type that isn't in `subscribers` */
}

static int lsm_widen(struct esd_bpf *s, unsigned int number, const uint64_t types[ES_TYPE_WORDS])
{
	struct lsm *lsm = lsm_of(s);
	bool attached = false;
	int r;

	(void)number;
	(void)types;
	esd_lsm_cache_attach(&lsm->cache, s->skel);
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (lsm->hooks[i].link >= 0 || !hook_usable(&lsm->hooks[i]) || !hook_needed(lsm, &hooks[i]))
			continue;
		if (hook_sleeps(&lsm->hooks[i]))
			esd_follow_guard(&lsm->follow);
		r = hook_attach(lsm, i);
		if (r < 0)
			return r;
		attached = true;
	}
	esd_lsm_cache_begin(&lsm->cache, s->skel);
	if (attached) {
		gates_look(lsm);
		esd_bpf_refresh(s);
	}
	return 0;
}

static void lsm_cache_clear(struct esd_bpf *s)
{
	esd_lsm_cache_clear(&lsm_of(s)->cache, s->skel);
}

static void lsm_cache_info(struct esd_bpf *s, struct es_cache_info *ret)
{
	esd_lsm_cache_info(&lsm_of(s)->cache, s->skel, ret);
}

/*
 * 0: used, or will be once it is loaded; ENOENT: the kernel has no such hook, so no operation passes it; negative:
 * can't be used. `how` says why not.
 */
static int hook_tell(const struct lsm *lsm, size_t index, char *how, size_t size)
{
	const struct esd_program *program = hook_program(&lsm->hooks[index]);

	if (!program) {
		snprintf(how, size, "this kernel can't let the LSM hook %s wait", hooks[index].hook);
		return -ENOSYS;
	}
	if (program->error == -ENOENT) {
		snprintf(how, size, "this kernel has no LSM hook %s", hooks[index].hook);
		return ENOENT;
	}
	if (program->error)
		snprintf(how, size, "the kernel refuses the program at the LSM hook %s: %s", hooks[index].hook,
			 strerror(-program->error));
	return program->error;
}

static void held_tell(const struct lsm *lsm, size_t index, const char *missing, char *how, size_t size)
{
	static const char *const waits[] = {
		[WAIT_GATE] = "waits at the gate",
		[WAIT_SLICE] = "waits at the gate, in slices",
		[WAIT_RESTART] = "waits by starting over",
	};
	const struct lsm_hook *hook = &lsm->hooks[index];
	enum wait wait = hook_sleeps(hook) && !hook->followed ? hooks[index].wait : WAIT_RESTART;
	const char *waits_so = lsm->works && wait != WAIT_GATE ? "waits in task work" : waits[wait];
	char follower[48] = "";

	if (hook->followed && hook->follower.id)
		snprintf(follower, sizeof(follower), ": %s (%u) follows", hook->follower.name, hook->follower.id);
	else if (hook->followed)
		snprintf(follower, sizeof(follower), ": something follows");
	snprintf(how, size, "LSM hook %s, %s%s%s%s", hooks[index].hook, waits_so, follower,
		 missing ? "; not at " : "", missing ? missing : "");
}

/* While another program follows at one of the type's hooks, no task sleeps at any of them. Then `how` names it. */
static enum es_capability lsm_capability(const struct esd_bpf *s, unsigned int type, char *how, size_t size)
{
	const struct lsm *lsm = container_of(s, struct lsm, base);
	const char *missing = NULL;
	size_t main_hook = ARRAY_SIZE(hooks), followed = ARRAY_SIZE(hooks);
	int r;

	snprintf(how, size, "no LSM hook lets it wait");
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (!hook_has(&hooks[i], type))
			continue;
		r = hook_tell(lsm, i, how, size);
		if (r == -ENOSYS)
			missing = hooks[i].hook;
		else if (r < 0)
			return ES_CAN_NOT;
		else if (r == 0 && (main_hook == ARRAY_SIZE(hooks) || !strcmp(hooks[i].hook, esd_events[type].hook)))
			main_hook = i;
		if (r == 0 && lsm->hooks[i].followed)
			followed = i;
	}
	if (main_hook == ARRAY_SIZE(hooks))
		return ES_CAN_NOT;
	held_tell(lsm, followed < ARRAY_SIZE(hooks) ? followed : main_hook, missing, how, size);
	return ES_CAN_HOLD;
}

static const struct esd_hold lsm_hold = {
	.number = ES_SENSOR_LSM,
	.choose = lsm_choose,
	.load = lsm_load,
	.start = lsm_start,
	.stop = lsm_stop,
	.keep_first = lsm_keep_first,
	.keep = lsm_keep,
	.client_add = lsm_client_add,
	.client_let_go = lsm_client_let_go,
	.client_clear = lsm_client_clear,
	.narrow = lsm_narrow,
	.widen = lsm_widen,
	.trim = lsm_trim,
	.cache_clear = lsm_cache_clear,
	.cache_info = lsm_cache_info,
	.restarts = lsm_restarts,
	.capability = lsm_capability,
};

/* ---- does it work here? ---- */

/* A program at file_open. It refuses only this process, with an error that an open of "/" can't have otherwise. */
static int probe_load(const struct btf *btf)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_get_current_pid_tgid },
		{ .code = BPF_ALU64 | BPF_RSH | BPF_K, .dst_reg = BPF_REG_0, .imm = 32 },
		{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = BPF_REG_0, .off = 2, .imm = getpid() },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -EXDEV },
		{ .code = BPF_JMP | BPF_EXIT },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_LSM_MAC);
	int id = btf__find_by_name_kind(btf, "bpf_lsm_file_open", BTF_KIND_FUNC);

	if (id < 0)
		return id;
	options.attach_btf_id = id;
	return bpf_prog_load(BPF_PROG_TYPE_LSM, "es_probe", "GPL", program, ARRAY_SIZE(program), &options);
}

static int probe_programs(const struct btf *btf, char *why, size_t size)
{
	_cleanup_close_ int program = -1, link = -1, opened = -1;

	program = probe_load(btf);
	if (program < 0) {
		snprintf(why, size, "BPF LSM programs don't load here: %s", strerror(-program));
		return EOPNOTSUPP;
	}
	link = bpf_raw_tracepoint_open(NULL, program);
	if (link < 0) {
		snprintf(why, size, "BPF LSM programs load here, but can't be attached: %s", strerror(-link));
		return EOPNOTSUPP;
	}
	opened = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (opened >= 0 || errno != EXDEV) {
		snprintf(why, size, "the kernel doesn't call BPF LSM programs: add bpf to its lsm= parameter");
		return EOPNOTSUPP;
	}
	return 0;
}

/* The functions needed to sleep at a gate; Linux 6.12 has them all. */
static bool probe_functions(const struct btf *btf)
{
	static const char *const functions[] = { "bpf_task_from_pid", "bpf_get_file_xattr", "bpf_get_task_exe_file" };

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (!kernel_has(btf, "", functions[i]))
			return false;
	return true;
}

/*
 * The functions needed to wait in task work, since Linux 6.18. With PREEMPT_RT a kernel thread queues such work, which
 * may be too late.
 */
static enum es_task_work probe_works(const struct btf *btf)
{
	struct utsname kernel;

	if (uname(&kernel) < 0 || strstr(kernel.version, "PREEMPT_RT"))
		return ES_NO_TASK_WORK;
	if (kernel_has(btf, "", "bpf_task_work_schedule_signal"))
		return ES_TASK_WORK;
	return kernel_has(btf, "", "bpf_task_work_schedule_signal_impl") ? ES_TASK_WORK_IMPL : ES_NO_TASK_WORK;
}

static int probe_gate(char *why, size_t size)
{
	struct esd_gate_fuse gate;
	uint32_t gate_pid;
	const char *step;
	int r;

	r = esd_gate_fuse_init(&gate, getpid(), -1, &gate_pid, &step);
	if (r < 0) {
		snprintf(why, size, "BPF LSM programs work here, but nothing could wait: %s: %s", step, strerror(-r));
		return EOPNOTSUPP;
	}
	esd_gate_fuse_deinit(&gate);
	return 0;
}

static struct lsm *lsm_alloc(void)
{
	struct lsm *lsm = calloc(1, sizeof(*lsm));

	if (lsm)
		lsm->follow = (struct esd_follow)ESD_FOLLOW_NONE;
	for (size_t i = 0; lsm && i < ARRAY_SIZE(hooks); i++)
		lsm->hooks[i].link = -1;
	for (unsigned int slot = 0; lsm && slot < ES_CLIENTS_MAX; slot++)
		lsm->gates[slot] = (struct lsm_gate){ .gate = ESD_GATE_FUSE_NONE, .death = LOOP_SOURCE_NONE,
						      .lsm = lsm };
	return lsm;
}

static int sensor_check(const struct esd_sensor *sensor, char *why, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(basic_types); i++) {
		const struct es_capability_info *info = &sensor->capabilities[basic_types[i]];

		if (info->capability == ES_CAN_HOLD)
			continue;
		snprintf(why, size, "%s: %s", esd_events[basic_types[i]].name, info->how);
		return EOPNOTSUPP;
	}
	return 0;
}

static void reason_tell(const struct lsm *lsm, char *reason, size_t size)
{
	uint32_t limit = lsm->base.base.wait_limit_ms;

	if (!lsm->can_sleep)
		snprintf(reason, size, "BPF LSM programs work here, but can't sleep: that takes Linux 6.12");
	else if (limit)
		snprintf(reason, size, "BPF LSM programs work here; deadlines are at most %u.%u s, since fs.fuse.*_request_timeout "
			 "limits what waits", limit / 1000, limit % 1000 / 100);
	else
		snprintf(reason, size, "BPF LSM programs work here");
}

/* 0, or an errno and why. */
static int lsm_try(struct esd_sensor **ret, const struct esd_sensor_config *config, const struct btf *btf,
		   enum es_task_work works, char *why, size_t why_size)
{
	char reason[sizeof((*ret)->reason)];
	struct lsm *lsm = lsm_alloc();
	int r;

	if (!lsm)
		return -ENOMEM;
	lsm->can_sleep = probe_functions(btf);
	lsm->works = lsm->can_sleep ? works : ES_NO_TASK_WORK;
	if (lsm->can_sleep)
		lsm->base.base.wait_limit_ms = esd_gate_fuse_limit_ms();
	reason_tell(lsm, reason, sizeof(reason));
	r = esd_bpf_init(&lsm->base, &lsm_hold, config, btf, reason);
	if (r < 0) {
		snprintf(why, why_size, "BPF LSM programs work here, but not these: %s", strerror(-r));
		return -r;
	}
	r = sensor_check(&lsm->base.base, why, why_size);
	if (r) {
		lsm->base.base.ops->free(&lsm->base.base);
		return r;
	}
	*ret = &lsm->base.base;
	return 0;
}

/* What was tried by the daemon before needs no trial, and would get into the way of tasks that wait. */
int esd_sensor_lsm_go_on(struct esd_sensor **ret, const struct esd_sensor_config *config, const struct btf *btf)
{
	char reason[sizeof((*ret)->reason)];
	struct lsm *lsm = lsm_alloc();
	int r;

	if (!lsm)
		return -ENOMEM;
	lsm_keep_first(&lsm->base, config->kept);
	if (lsm->can_sleep)
		lsm->base.base.wait_limit_ms = esd_gate_fuse_limit_ms();
	reason_tell(lsm, reason, sizeof(reason));
	r = esd_bpf_init(&lsm->base, &lsm_hold, config, btf, reason);
	if (r == 0)
		*ret = &lsm->base.base;
	return r;
}

int esd_sensor_lsm_new(struct esd_sensor **ret, const struct esd_sensor_config *config, const struct btf *btf,
		       char *why, size_t why_size)
{
	enum es_task_work works = probe_works(btf);
	int r;

	r = probe_programs(btf, why, why_size);
	if (r == 0)
		r = probe_gate(why, why_size);
	if (r)
		return r;
	r = lsm_try(ret, config, btf, works, why, why_size);
	if (r <= 0 || !works)
		return r;
	log_warning("%s: it is tried once more without task work", why);
	return lsm_try(ret, config, btf, ES_NO_TASK_WORK, why, why_size);
}
