/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/bpf-load.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/sensor/bpf-mute.h"
#include "daemon/sensor/bpf-take-over.h"
#include "daemon/sensor/keep.h"
#include "daemon/sensor/life.h"
#include "daemon/sensor/mute.h"
#include "daemon/sensor/names.h"
#include "daemon/sensor/syscalls.h"
#include "util/log.h"
#include "util/macro.h"

enum {
	FILL_PASSES = 32,
	SCRATCH_PER_CPU = 4,		/* of tasks, also preempted ones, and of interrupts */
};

/* Reading the iterator runs it over every task. */
static int fill_once(struct esd_bpf *s)
{
	const struct esd_program *program = esd_programs_find(&s->programs, "fill_tasks");
	_cleanup_close_ int link = -1, fd = -1;
	char buffer[4096];
	ssize_t n;

	link = bpf_link_create(program->fd, 0, BPF_TRACE_ITER, NULL);
	if (link < 0)
		return link;
	fd = bpf_iter_create(link);
	if (fd < 0)
		return fd;
	for (;;) {
		n = read(fd, buffer, sizeof(buffer));
		if (n == 0)
			return 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
	}
}

int esd_bpf_fill_tasks(struct esd_bpf *s)
{
	int r;

	s->skel->bss->stats.processes = 0;
	for (s->skel->bss->fill_pass = 0; s->skel->bss->fill_pass < FILL_PASSES; s->skel->bss->fill_pass++) {
		s->skel->bss->filled = 0;
		r = fill_once(s);
		if (r < 0) {
			log_error("can't go through the processes there are (BPF task iterator): %s", strerror(-r));
			return r;
		}
		if (s->skel->bss->fill_pass && !s->skel->bss->filled)
			break;
	}
	return 0;
}

static const char *load_advice(int error)
{
	if (error == -EPERM || error == -EACCES)
		return "needs root with CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN, and kernel lockdown not in "
		       "confidentiality mode; in a container, give it these";
	if (error == -ENOSYS || error == -EINVAL)
		return "needs a kernel with CONFIG_BPF_SYSCALL and CONFIG_BPF_EVENTS, 6.1 or later";
	if (error == -ENOMEM)
		return "needs more memory than this machine or its cgroup gives";
	return "with --verbose it says what was refused";
}

/*
 * On 7.x the older of two functions that schedule work still has a type, but another one than on 6.18, and no address.
 * libbpf refuses a function of another type, and the kernel one without an address, even if it is never called. So give
 * it a name that the kernel doesn't know.
 */
static void older_function_hide(struct bpf_object *object, const struct btf *kernel)
{
	const struct btf *own = bpf_object__btf(object);
	int id = btf__find_by_name_kind(own, "bpf_task_work_schedule_signal_impl", BTF_KIND_FUNC);

	if (id >= 0 && btf__find_by_name_kind(kernel, "bpf_task_work_schedule_signal", BTF_KIND_FUNC) >= 0)
		((char *)btf__name_by_offset(own, btf__type_by_id(own, id)->name_off))[0] = '_';
}

/* Since 7.x it is passed one argument less. */
static bool vfs_create_has_inode(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "vfs_create", BTF_KIND_FUNC);

	return id < 0 || btf_vlen(btf__type_by_id(btf, btf__type_by_id(btf, id)->type)) == 5;
}

/* Programs may be preempted, so several may be running for each CPU. */
static uint32_t pool_size(int cpus)
{
	uint32_t size = 32;

	while (size < SCRATCH_PER_CPU * (uint32_t)cpus && size < ES_SCRATCH_POOL)
		size *= 2;
	return size;
}

static int programs_open(struct esd_bpf *s, const struct btf *btf)
{
	int cpus = libbpf_num_possible_cpus(), r;

	if (cpus < 0)
		return cpus;
	r = esd_programs_catch(&s->programs);
	if (r < 0)
		return r;
	s->skel = sensor_bpf__open();
	if (!s->skel)
		return -errno;
	r = esd_programs_list(&s->programs, s->skel->obj, btf);
	if (r < 0)
		return r;
	esd_tracepoints_init(&s->tracepoints, s->skel, &s->programs);
	esd_objects_init(&s->objects, s->skel, &s->programs);
	for (unsigned int i = 0; i < ES_REPORTERS; i++)
		esd_reports_init(&s->reports[i], i, s->report_folders[i], esd_programs_find(&s->programs, "report"));
	esd_session_reports_init(&s->sessions, s->bus, esd_programs_find(&s->programs, "report_of"));
	s->skel->rodata->vfs_create_has_inode = vfs_create_has_inode(btf);
	older_function_hide(s->skel->obj, btf);
	s->hold->choose(s, btf);
	esd_syscalls_native(s->skel->rodata->syscalls);
	esd_syscalls_compat(s->skel->rodata->syscalls + ES_SYSCALLS);
	if (getrandom((void *)s->skel->rodata->mute_keys, sizeof(s->skel->rodata->mute_keys), 0) !=
	    sizeof(s->skel->rodata->mute_keys))
		return -EIO;
	s->skel->rodata->scratch_pool = pool_size(cpus);
	r = bpf_map__set_max_entries(s->skel->maps.scratch, s->skel->rodata->scratch_pool);
	return r < 0 || !s->kept ? r : esd_keep_maps(s->skel->obj, s->kept);
}

/* Loads the programs that every daemon needs. */
static int base_load(struct esd_bpf *s)
{
	const struct esd_want want = { .clients = true };
	char how[sizeof(s->base.capabilities[0].how)];
	int r;

	do
		r = esd_tracepoints_load(&s->tracepoints, &want);
	while (r > 0);
	if (r == 0)
		r = esd_program_load(esd_programs_find(&s->programs, "fill_tasks"));
	if (r > 0)
		return -r;
	if (r == 0 && esd_tracepoints_refuse(&s->tracepoints, &want, how, sizeof(how)))
		r = -EOPNOTSUPP;
	return r;
}

static void control_init(struct esd_bpf *s, const struct esd_scope *scope)
{
	struct es_sensor_control *control = &s->skel->bss->control;

	control->daemon_tgid = getpid();
	control->keeper_tgid = esd_life_pid();
	control->scope_cgroup = scope->cgroup;
	control->scope_cgroup_level = scope->cgroup_level;
	control->scope_mounts = scope->mounts;
	memcpy(control->scope_mount, scope->mount_id, sizeof(control->scope_mount));
	control->lsm = s->hold->number == ES_SENSOR_LSM;
	control->system_uid_max = esd_mute_default_uid_max("/etc/login.defs");
}

/* After the object is loaded, for a sensor that begins. */
static int programs_begin(struct esd_bpf *s, const struct esd_scope *scope)
{
	int r;

	control_init(s, scope);
	r = esd_bpf_mute_defaults(s);
	if (r == 0)
		r = base_load(s);
	if (r == 0)
		esd_names_find(esd_programs_find(&s->programs, "look_names"), &s->skel->bss->names);
	return r;
}

/* And for one that goes on. The scope is that of the daemon before, whose options are ours. */
static int programs_go_on(struct esd_bpf *s)
{
	esd_bpf_keep_rest(s, s->kept);
	s->skel->bss->control.daemon_tgid = getpid();
	s->skel->bss->control.probe_tid = 0;		/* it may have died when it just tried something */
	return s->kept->bad ? -EBADMSG : 0;
}

int esd_bpf_load(struct esd_bpf *s, const struct esd_scope *scope, const struct btf *btf)
{
	int r;

	r = programs_open(s, btf);
	if (r < 0) {
		log_error("the sensor's programs can't be opened: %s", strerror(-r));
		return r;
	}
	r = sensor_bpf__load(s->skel);
	if (r == 0) {
		esd_programs_caught(s->skel->obj);
		r = s->kept ? programs_go_on(s) : programs_begin(s, scope);
	}
	if (r < 0)
		log_error("the sensor's programs can't be loaded: %s; %s", strerror(-r), load_advice(r));
	return r;
}
