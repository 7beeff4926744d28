/* SPDX-License-Identifier: MIT */

/*
 * endpointsecurityd: the control plane of Endpoint Security for Linux. It loads kernel programs, gives each client
 * its ring and gate, and watches deadlines and deaths. No event passes through it. daemon.h lists the files.
 *
 * Order of the start: options; the warden (before there is anything it could inherit); the lock; the sensor, which
 * takes longest; the socket; "ready". The daemon ends on SIGTERM and SIGINT; a private one also ends with its last
 * client. In any case, the kernel removes programs, rings, gates and marks when it closes the daemon's descriptors.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/config.h"
#include "daemon/keeper.h"
#include "daemon/options.h"
#include "daemon/sensor/choose.h"
#include "daemon/serve/client.h"
#include "daemon/serve/connection.h"
#include "daemon/serve/daemon.h"
#include "daemon/serve/listen.h"
#include "daemon/serve/state.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"
#include "util/notify.h"

enum {
	FILES = 4096,			/* for 64 clients, all anonymous connections, and more */
	LOCK_WAIT_MS = 50000,		/* for a daemon that ends or is about to listen; our starter waits a minute */
	LOCK_STEP_MS = 20,
	FIRST_CLIENT_S = 30,		/* a private daemon without a client ends after this */
};

struct process {
	struct esd_daemon daemon;
	struct esd_listen listen;
	struct loop_source signals;
	struct loop_source second;	/* a timer */
	const struct esd_options *options;
	struct esd_state *state;	/* borrowed from the keeper; NULL: there is none */
	bool going_on;			/* with what another daemon has left there: */
	struct archive left;
	uint64_t watchdog_ns;		/* how often the supervisor expects a message; 0: never */
};

/* Reads the list of clients again. Present clients stay clients. After an error (logged), the old list stays. */
static void list_again(struct process *process)
{
	struct esd_daemon *daemon = &process->daemon;
	struct es_note_info note = { .kind = ES_NOTE_LIST, .pid = getpid(), .type = ES_EVENT_TYPES };
	struct esd_options options = *process->options;
	int r;

	r = esd_config_read(&options, options.config, true);
	if (r == 0)
		r = esd_access_read(&daemon->access, options.clients_folder, options.clients_listed);
	if (r < 0)
		log_error("the list of clients is as it was before");
	else
		log_notice("the list of clients was read anew: %zu rules", daemon->access.count);
	note.error = -r;
	esd_daemon_note(daemon, &note);
}

static int signal_ready(struct loop_source *source, uint32_t events)
{
	struct process *process = container_of(source, struct process, signals);
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo == SIGHUP) {
		list_again(process);
		return 0;
	}
	if (info.ssi_signo == SIGUSR2) {
		if (process->daemon.save)
			_exit(ESD_EXIT_HAND_OVER);	/* between two turns of the loop, so all is written */
		return 0;
	}
	log_info("ending: %s", strsignal(info.ssi_signo));
	loop_stop(&process->daemon.loop, 0);
	return 0;
}

/*
 * Blocks SIGCHLD too, though the daemon never reads it. The identity workers block it while they wait for children, so
 * the kernel would deliver it to this thread. And the kernel loads no program while a signal is pending (EAGAIN).
 */
static int signals_take(struct process *process)
{
	sigset_t set, blocked;
	int fd;

	(void)signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	blocked = set;
	sigaddset(&blocked, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	return loop_add(&process->daemon.loop, &process->signals, fd, EPOLLIN, signal_ready);
}

static int second_ready(struct loop_source *source, uint32_t events)
{
	struct process *process = container_of(source, struct process, second);
	struct esd_daemon *daemon = &process->daemon;
	uint64_t now = clock_ns(), ticks;

	(void)events;
	(void)!read(source->fd, &ticks, sizeof(ticks));
	esd_connections_expire(daemon, now);
	if (process->watchdog_ns)
		notify_supervisor("WATCHDOG=1");
	if (daemon->is_private && !daemon->client_count && now - daemon->started_ns > FIRST_CLIENT_S * NS_PER_S)
		loop_stop(&daemon->loop, 0);
	return 0;
}

/* Fires once a second, or more often if the supervisor expects so. */
static int second_start(struct process *process)
{
	uint64_t every = NS_PER_S;
	struct itimerspec timer;
	int fd;

	process->watchdog_ns = notify_watchdog_ns();
	if (process->watchdog_ns && process->watchdog_ns / 2 < every)
		every = process->watchdog_ns / 2;
	timer.it_interval = (struct timespec){ .tv_sec = every / NS_PER_S, .tv_nsec = every % NS_PER_S };
	timer.it_value = timer.it_interval;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0 || timerfd_settime(fd, 0, &timer, NULL) < 0)
		return -errno;
	return loop_add(&process->daemon.loop, &process->second, fd, EPOLLIN, second_ready);
}

static void files_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES)
		return;
	limit.rlim_cur = limit.rlim_max < FILES ? limit.rlim_max : FILES;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* The message must be longer than one byte: the reader takes a single byte for "ready". */
static void ready_fail(const struct esd_options *options, const char *text)
{
	if (options->ready_fd >= 0)
		(void)!write(options->ready_fd, text, strlen(text));
}

static void ready_tell(struct esd_options *options)
{
	notify_supervisor("READY=1");
	if (options->ready_fd < 0)
		return;
	(void)!write(options->ready_fd, "\n", 1);
	closep(&options->ready_fd);
	options->ready_fd = -1;
}

/*
 * 0: we are the daemon. Positive: another process is. If several private daemons start at once, one gets the lock. The
 * others report "ready" once it listens, since their starters wait for that.
 */
static int lock_or_yield(struct process *process, const struct esd_options *options)
{
	uint64_t until_ns = clock_ns() + LOCK_WAIT_MS * NS_PER_MS;
	int r = esd_listen_lock(&process->listen);

	while (r == EWOULDBLOCK && options->is_private && clock_ns() < until_ns) {
		if (esd_listen_answered(options->socket))
			return 1;
		(void)poll(NULL, 0, LOCK_STEP_MS);
		r = esd_listen_lock(&process->listen);
	}
	if (r != EWOULDBLOCK)
		return r;
	log_error("another daemon is running for %s: stop it first, or give this one its own --socket", options->socket);
	return -EADDRINUSE;
}

static int scope_set(struct esd_daemon *daemon, const struct esd_options *options)
{
	int r = 0;

	if (options->scope_cgroup)
		r = esd_scope_set_cgroup(&daemon->scope, options->scope_cgroup);
	for (unsigned int i = 0; r == 0 && i < options->scope_mounts; i++)
		r = esd_scope_add_mount(&daemon->scope, options->scope_mount[i]);
	return r;
}

/* Shortens all deadlines to the kernel's limit for a wait, if it has one. */
static void limits_clamp(struct esd_daemon *daemon)
{
	uint32_t ms = daemon->sensor->wait_limit_ms;

	if (!ms)
		return;
	esd_limits_clamp(&daemon->limits, ms);
	log_notice("no deadline is longer than %u ms: the administrator limits what waits for FUSE servers "
		   "(fs.fuse.default_request_timeout, max_request_timeout)", ms);
}

static int sensor_load(struct process *process, const struct esd_options *options)
{
	struct esd_daemon *daemon = &process->daemon;
	struct esd_sensor_config config = {
		.choice = options->sensor,
		.loop = &daemon->loop,
		.scope = &daemon->scope,
		.ring_bytes = daemon->ring_bytes,
		.accounts = options->accounts,
		.kept = process->going_on ? &process->left : NULL,
		.items = options->items,
		.client_broken = esd_client_broken,
		.owner = daemon,
	};

	int r = esd_sensor_new(&daemon->sensor, &config);

	if (r == 0) {
		limits_clamp(daemon);
		esd_warden_settings(&daemon->warden, daemon->sensor->clients_fd, daemon->sensor->end_fd);
	}
	return r;
}

/*
 * The kernel programs identify processes by their numbers in the initial pid namespace. In another one, they wouldn't
 * recognize the daemon and its clients, and a client would wait for its own answer.
 */
static int place_check(void)
{
	static const char initial[] = "pid:[4026531836]";
	char space[64] = "";

	if (geteuid() != 0) {
		log_error("must run as root: it loads BPF programs and makes fanotify groups");
		return -EPERM;
	}
	if (readlink("/proc/self/ns/pid", space, sizeof(space) - 1) < 0) {
		log_error("can't read /proc/self/ns/pid: %s; is /proc mounted?", strerror(errno));
		return -ENOENT;
	}
	if (strcmp(space, initial)) {
		log_error("must run in the machine's own pid namespace, not in a container's: give the container the host's "
			  "(--pid=host)");
		return -EXDEV;
	}
	return 0;
}

/* In lockdown mode "confidentiality", no program may read kernel memory, and the verifier would log at great length. */
static int lockdown_check(void)
{
	static const char path[] = "/sys/kernel/security/lockdown";
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char modes[128];
	ssize_t length = fd < 0 ? -1 : read(fd, modes, sizeof(modes) - 1);

	if (length <= 0)
		return 0;
	modes[length] = '\0';
	if (!strstr(modes, "[confidentiality]"))
		return 0;
	log_error("the kernel is locked down for confidentiality (%s), so no program may look into it: boot it with "
		  "lockdown=integrity, or with none", path);
	return -EPERM;
}

static int clients_take(struct process *process)
{
	struct esd_daemon *daemon = &process->daemon;
	int r = esd_state_clients(process->state, daemon, &process->left);

	if (r < 0)
		log_error("can't go on with the clients of the daemon before: %s", strerror(-r));
	else
		log_notice("going on where the daemon before has ended, with %u clients", daemon->client_count);
	return r;
}

static int start(struct process *process, struct esd_options *options)
{
	struct esd_daemon *daemon = &process->daemon;
	int r;

	r = place_check();
	if (r == 0)
		r = lockdown_check();
	if (r < 0)
		return r;
	r = esd_access_read(&daemon->access, options->clients_folder, options->clients_listed);
	if (r == 0)
		r = scope_set(daemon, options);
	if (r < 0)
		return r;
	r = esd_daemon_start_warden(daemon);
	if (r < 0) {
		log_error("can't start the warden process: %s", strerror(-r));
		return r;
	}
	files_raise();
	r = process->going_on ? esd_state_open(process->state, daemon, &process->listen, &process->left) :
				lock_or_yield(process, options);
	if (r)
		return r;
	r = signals_take(process);
	if (r == 0)
		r = second_start(process);
	if (r < 0) {
		log_error("can't watch signals and time: %s", strerror(-r));
		return r;
	}
	if (options->identity)
		r = esd_identity_new(&daemon->identity, "");
	if (r < 0) {
		log_error("can't make the table of identities: %s", strerror(-r));
		return r;
	}
	r = sensor_load(process, options);
	if (r == 0 && process->going_on)
		r = clients_take(process);
	if (r == 0)
		r = esd_listen_start(&process->listen);
	if (r == 0 && process->state)
		esd_state_begin(process->state, daemon, &process->listen);
	return r;
}

static int serve(struct process *process, struct esd_options *options)
{
	struct esd_daemon *daemon = &process->daemon;

	log_message(daemon->is_private ? LOG_LEVEL_DEBUG : LOG_LEVEL_NOTICE, "listening at %s; looking at %s; %s",
		    options->socket, daemon->scope.text, daemon->sensor->reason);
	ready_tell(options);
	return loop_run(&daemon->loop);
}

/* From here on no other daemon may take over, since this one removes its state. */
static void keep_no_more(struct process *process)
{
	process->daemon.save = NULL;
	process->daemon.busy = NULL;
	if (process->state)
		esd_state_end(process->state);
}

static int run(struct esd_begin *begin)
{
	struct esd_options *options = begin->options;
	struct process process = { .options = options, .signals = LOOP_SOURCE_NONE, .second = LOOP_SOURCE_NONE,
				   .state = begin->state, .going_on = begin->go_on };
	struct esd_daemon *daemon = &process.daemon;
	int passed = begin->go_on ? -1 : begin->passed, r;

	r = esd_daemon_init(daemon);
	if (r < 0) {
		log_error("can't make the event loop: %s", strerror(-r));
		ready_fail(options, "it can't make its event loop");
		return r;
	}
	daemon->limits = options->limits;
	daemon->ring_bytes = options->ring_bytes;
	daemon->is_private = options->is_private;
	esd_listen_init(&process.listen, daemon, options->socket);

	r = passed > 0 ? esd_listen_pass(&process.listen, passed) : 0;
	if (r == 0)
		r = start(&process, options);
	if (r == 0)
		r = serve(&process, options);
	if (r > 0)			/* another private daemon serves our starter */
		ready_tell(options);
	else if (r < 0)
		ready_fail(options, "the lines before this one say why it can't start");
	notify_supervisor("STOPPING=1");
	keep_no_more(&process);
	esd_listen_deinit(&process.listen);
	closep(&process.signals.fd);
	closep(&process.second.fd);
	esd_connections_end(daemon);
	esd_daemon_deinit(daemon);
	return r;
}

static int run_as_child(struct esd_begin *begin)
{
	return run(begin) < 0 ? 1 : 0;
}

static void stamp_print(void)
{
	uint8_t stamp[ESD_KEEP_STAMP];

	esd_keep_stamp(stamp);
	for (size_t i = 0; i < sizeof(stamp); i++)
		printf("%02x", stamp[i]);
	puts("");
}

int main(int count, char *arguments[])
{
	struct esd_options options;
	struct esd_begin begin = { .options = &options };
	int r;

	log_init("endpointsecurityd");
	r = esd_options_parse(&options, count, arguments);
	if (r)
		return r < 0 ? 2 : 0;
	if (options.verbose)
		log_set_level(LOG_LEVEL_DEBUG);
	if (options.stamp) {
		stamp_print();
		return 0;
	}
	begin.passed = notify_passed_socket();
	if (options.keeper && !options.is_private)
		return esd_keeper_run(&begin, arguments, run_as_child);
	return run(&begin) < 0 ? 1 : 0;
}
