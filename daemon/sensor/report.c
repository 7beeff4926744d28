/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/report.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "daemon/sensor/sensor.h"
#include "util/log.h"
#include "util/macro.h"
#include "util/thread.h"

const struct esd_subject *const esd_reports_subjects[ES_REPORTERS] = { &esd_subject_accounts, &esd_subject_items };

bool esd_reports_any(const struct esd_subject *subject, const uint64_t types[ES_TYPE_WORDS])
{
	for (unsigned int number = subject->first; number <= subject->last; number++)
		if (esd_types_has(types, esd_reporter_type(number)))
			return true;
	return false;
}

void esd_reports_needed(const struct esd_subject *subject, uint64_t ret[ES_TYPE_WORDS])
{
	memset(ret, 0, ES_TYPE_WORDS * sizeof(*ret));
	for (size_t i = 0; i < subject->type_count; i++)
		esd_types_add(ret, subject->types[i]);
}

void esd_reports_init(struct esd_reports *reports, unsigned int number, const char *folder, struct esd_program *program)
{
	*reports = (struct esd_reports){ .subject = esd_reports_subjects[number], .number = number, .folder = folder,
					 .program = program, .slot = -1, .wake_fd = -1 };
}

/* ---- the thread ---- */

static void send_told(void *owner, uint64_t slots)
{
	struct esd_reports *reports = owner;
	struct es_report report = { .slots = slots, .type = reports->told->type, .bytes = reports->told->size,
				    .reporter = reports->number };
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &report, .ctx_size_in = sizeof(report));
	int r = bpf_prog_test_run_opts(reports->program->fd, &options);

	if (r < 0)
		log_warning("what the daemon found out can't be told: %s", strerror(-r));
}

static int take_seen(void *owner, void *data, size_t size)
{
	struct esd_reports *reports = owner;

	if (__atomic_load_n(&reports->stopping, __ATOMIC_ACQUIRE))
		return -ECANCELED;
	esd_reporter_seen(&reports->reporter, data, size);
	return 0;
}

static void *run(void *owner)
{
	struct esd_reports *reports = owner;
	struct pollfd fds[] = {
		{ .fd = ring_buffer__epoll_fd(reports->ring), .events = POLLIN },
		{ .fd = reports->wake_fd, .events = POLLIN },
	};

	(void)prctl(PR_SET_NAME, "es-reports");
	(void)prctl(PR_SET_TIMERSLACK, ES_UNSEEN_SLACK_NS);	/* this thread's reads are no events */
	esd_reporter_begin(&reports->reporter);
	__atomic_store_n(&reports->begun, true, __ATOMIC_RELEASE);
	while (!(fds[1].revents & POLLIN)) {
		(void)ring_buffer__consume(reports->ring);
		esd_reporter_lost(&reports->reporter, __atomic_load_n(reports->lost, __ATOMIC_ACQUIRE));
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			break;
	}
	return NULL;
}

int esd_reports_run(struct esd_reports *reports)
{
	int r = thread_start(&reports->thread, run, reports);

	reports->thread_runs = r == 0;
	return r;
}

bool esd_reports_begun(const struct esd_reports *reports)
{
	return __atomic_load_n(&reports->begun, __ATOMIC_ACQUIRE);
}

/* ---- what it looks at ---- */

static int look_at(void *owner, uint32_t kind, const char *path)
{
	struct esd_reports *reports = owner;
	uint64_t types[ES_TYPE_WORDS];

	esd_reports_needed(reports->subject, types);
	return esd_mutes_add(&reports->mutes, kind, path, strlen(path), types);
}

/* Removes the default mutes too: the daemon must see changes by every program. */
static int mutes_make(struct esd_reports *reports)
{
	int r = esd_mutes_remove_all(&reports->mutes, ES_STAGE_PATH);

	if (r == 0)
		r = esd_mutes_remove_all(&reports->mutes, ES_STAGE_TARGET);
	if (r == 0)
		r = reports->subject->paths(&reports->reporter, look_at, reports);
	return r == 0 ? esd_mutes_invert(&reports->mutes, ES_STAGE_TARGET) : r;
}

static int start_with(struct esd_reports *reports, struct esd_sensor *sensor, unsigned int slot, int ring_fd)
{
	int r;

	r = esd_mutes_init(&reports->mutes, sensor, slot);
	if (r)
		return r;
	r = mutes_make(reports);
	if (r == 0) {
		reports->ring = ring_buffer__new(ring_fd, take_seen, reports, NULL);
		r = reports->ring ? 0 : -errno;
	}
	if (r == 0) {
		reports->wake_fd = eventfd(0, EFD_CLOEXEC);
		r = reports->wake_fd < 0 ? -errno : 0;
	}
	if (r)
		esd_mutes_deinit(&reports->mutes);
	return r;
}

static int told_map(struct esd_reports *reports, int reports_fd)
{
	void *told;

	if (reports->told)
		return 0;
	told = mmap(NULL, ES_REPORT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, reports_fd,
		    (off_t)reports->number * ES_REPORT_BYTES);
	if (told == MAP_FAILED)
		return -errno;
	reports->told = told;
	return 0;
}

void esd_reports_deinit(struct esd_reports *reports)
{
	if (reports->told)
		munmap(reports->told, ES_REPORT_BYTES);
	reports->told = NULL;
}

static void ring_free(struct esd_reports *reports)
{
	ring_buffer__free(TAKE_POINTER(reports->ring));
	closep(&reports->wake_fd);
	reports->wake_fd = -1;
}

int esd_reports_start(struct esd_reports *reports, struct esd_sensor *sensor, unsigned int slot, int ring_fd,
		      int reports_fd)
{
	int r;

	r = told_map(reports, reports_fd);
	if (r < 0)
		return r;
	r = esd_reporter_init(&reports->reporter, reports->subject, reports->folder);
	if (r < 0)
		return r;
	reports->reporter.told = reports->told;
	reports->reporter.send = send_told;
	reports->reporter.owner = reports;
	reports->begun = reports->stopping = false;
	reports->lost = &sensor->clients[slot].lost_all;
	r = start_with(reports, sensor, slot, ring_fd);
	if (r) {
		ring_free(reports);
		esd_reporter_deinit(&reports->reporter);
		return r < 0 ? r : -r;
	}
	reports->slot = (int)slot;
	return 0;
}

void esd_reports_stop(struct esd_reports *reports)
{
	if (reports->slot < 0)
		return;
	__atomic_store_n(&reports->stopping, true, __ATOMIC_RELEASE);
	if (reports->thread_runs) {
		(void)!write(reports->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
		pthread_join(reports->thread, NULL);
	}
	reports->thread_runs = false;
	ring_free(reports);
	esd_mutes_deinit(&reports->mutes);
	esd_reporter_deinit(&reports->reporter);
	reports->slot = -1;
}
