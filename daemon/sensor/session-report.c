/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/session-report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/report/told.h"
#include "daemon/sensor/event.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"
#include "util/thread.h"

/* A subscription waits for a bus that doesn't answer no longer than this. */
enum { BEGIN_MS = 1000 };

static const unsigned int types[] = {
	[ESD_SESSION_LOGIN] = ESD_NOTIFY_LW_SESSION_LOGIN,
	[ESD_SESSION_LOGOUT] = ESD_NOTIFY_LW_SESSION_LOGOUT,
	[ESD_SESSION_LOCK] = ESD_NOTIFY_LW_SESSION_LOCK,
	[ESD_SESSION_UNLOCK] = ESD_NOTIFY_LW_SESSION_UNLOCK,
};

bool esd_session_reports_type(unsigned int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

bool esd_session_reports_any(const uint64_t set[ES_TYPE_WORDS])
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (esd_types_has(set, types[i]))
			return true;
	return false;
}

void esd_session_reports_init(struct esd_session_reports *reports, const char *socket, struct esd_program *program)
{
	*reports = (struct esd_session_reports){ .socket = socket, .program = program, .wake_fd = -1 };
}

/* ---- the thread ---- */

/* Runs the program over this process, if there still is one. */
static int run_over(const struct esd_program *program, pid_t pid)
{
	union bpf_iter_link_info info = { .task = { .tid = (uint32_t)pid } };
	LIBBPF_OPTS(bpf_link_create_opts, options, .iter_info = &info, .iter_info_len = sizeof(info));
	_cleanup_close_ int link = -1, fd = -1;
	char nothing;

	link = bpf_link_create(program->fd, 0, BPF_TRACE_ITER, &options);
	if (link < 0)
		return link;
	fd = bpf_iter_create(link);
	if (fd < 0)
		return fd;
	while (read(fd, &nothing, sizeof(nothing)) < 0)
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	return 0;
}

static void tell(void *owner, enum esd_session_event event, const char *name, uint32_t session, pid_t pid)
{
	struct esd_session_reports *reports = owner;
	struct es_record *told = reports->told;
	int r;

	*told = (struct es_record){ .size = sizeof(*told), .type = (uint16_t)types[event] };
	told->num[ES_SESSION_ID] = session;
	esd_told_string(told, 0, name);
	r = run_over(reports->program, pid);
	if (r < 0)
		log_warning("what systemd-logind says of a session can't be told: %s", strerror(-r));
}

static void *run(void *owner)
{
	struct esd_session_reports *reports = owner;

	(void)prctl(PR_SET_NAME, "es-sessions");
	(void)prctl(PR_SET_TIMERSLACK, ES_UNSEEN_SLACK_NS);	/* this thread's connections are no events */
	esd_login_run(reports->login, reports->wake_fd);
	return NULL;
}

/* ---- life ---- */

static void release(struct esd_session_reports *reports)
{
	if (reports->told)
		munmap(reports->told, ES_REPORT_BYTES);
	reports->told = NULL;
	esd_login_free(TAKE_POINTER(reports->login));
	closep(&reports->wake_fd);
	reports->wake_fd = -1;
}

static int prepare(struct esd_session_reports *reports, int reports_fd)
{
	void *told = mmap(NULL, ES_REPORT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, reports_fd,
			  (off_t)ES_REPORT_SESSIONS * ES_REPORT_BYTES);

	if (told == MAP_FAILED)
		return -errno;
	reports->told = told;
	reports->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (reports->wake_fd < 0)
		return -errno;
	return esd_login_new(&reports->login, reports->socket, tell, reports);
}

int esd_session_reports_start(struct esd_session_reports *reports, int reports_fd)
{
	int r;

	if (reports->runs)
		return 0;
	reports->started_ns = clock_ns();
	r = prepare(reports, reports_fd);
	if (r == 0)
		r = thread_start(&reports->thread, run, reports);
	reports->runs = r == 0;
	if (r < 0)
		release(reports);
	return r == -EOPNOTSUPP ? 0 : r;	/* built without it: nothing comes */
}

bool esd_session_reports_begun(const struct esd_session_reports *reports)
{
	return !reports->runs || esd_login_begun(reports->login) ||
	       clock_ns() - reports->started_ns > BEGIN_MS * NS_PER_MS;
}

void esd_session_reports_stop(struct esd_session_reports *reports)
{
	reports->wanted = false;
	if (!reports->runs)
		return;
	(void)!write(reports->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
	pthread_join(reports->thread, NULL);
	reports->runs = false;
	release(reports);
}

/* ---- what can come ---- */

bool esd_session_reports_tell(const struct esd_session_reports *reports, char *how, size_t size)
{
	enum esd_login_state state = esd_login_state(reports->login);

	if (state == ESD_LOGIN_NOT_BUILT)
		snprintf(how, size, "the daemon was built without libsystemd");
	else if (state == ESD_LOGIN_NO_BUS || (state == ESD_LOGIN_OFF && access(reports->socket, F_OK) < 0))
		snprintf(how, size, "no system bus listens at %s", reports->socket);
	else if (state == ESD_LOGIN_NO_LOGIND)
		snprintf(how, size, "there is no systemd-logind on the system bus");
	else if (state == ESD_LOGIN_NO_ANSWER)
		snprintf(how, size, "the system bus, or systemd-logind, hasn't answered yet");
	else
		return true;
	return false;
}
