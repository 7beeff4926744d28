/* SPDX-License-Identifier: MIT */

/*
 * esship: sends events to other systems. The path of a message:
 *
 *	source.c	the client's handler: filters
 *	intake.c	a number, a line, a block; the ledger counts it
 *	spool.c		a frame in a segment, on the disk
 *	sender.c	a thread for each sink reads it there, and goes on when
 *	sink-*.c	the other side has acknowledged it
 *
 * The main thread waits for signals, the daemon's end, and requests for metrics.
 */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include <EndpointSecurity/ESLinux.h>

#include "tools/esship/config.h"
#include "tools/esship/metrics.h"
#include "tools/esship/source.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"
#include "util/notify.h"

enum { TICK_MS = 500, FINISH_TICK_MS = 20, STUCK_MS = 2000 };

struct esship {
	struct config config;
	uint8_t client[SEGMENT_CLIENT_BYTES];
	struct event_host host;
	struct spool *spool;
	struct ledger ledger;
	struct intake *intake;		/* NULL with --send-only */
	struct source source;
	struct sender *senders[SPOOL_READERS_MAX];
	size_t sender_count;
	struct metrics metrics;
	int signal_fd;
};

static void usage(FILE *out)
{
	fputs("usage: esship [--check | --send-only] --config FILE\n"
	      "       esship --version\n", out);
}

/* --- the parts --- */

static int block_signals(void)
{
	sigset_t signals;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_spool(struct esship *esship)
{
	struct spool_options options = { esship->config.spool, esship->config.spool_bytes, esship->config.sync };
	char problem[SPOOL_PROBLEM_BYTES];
	int r;

	if (getrandom(esship->client, sizeof(esship->client), 0) != sizeof(esship->client))
		return EX_OSERR;
	r = spool_open(&esship->spool, &options, esship->client, problem);
	if (r == 0)
		return EX_OK;
	log_error("%s", problem);
	return r == -EBUSY ? EX_TEMPFAIL : EX_CANTCREAT;
}

static int make_senders(struct esship *esship)
{
	for (size_t i = 0; i < esship->config.sink_count; i++) {
		int r = sender_new(&esship->senders[i], &esship->config.sinks[i], esship->spool);

		if (r < 0) {
			log_error("%s: %s", esship->config.sinks[i].name, strerror(-r));
			return EX_OSERR;
		}
		esship->sender_count++;
	}
	return EX_OK;
}

static int start_senders(struct esship *esship)
{
	for (size_t i = 0; i < esship->sender_count; i++)
		if (sender_start(esship->senders[i]) < 0)
			return EX_OSERR;
	return EX_OK;
}

static int start_intake(struct esship *esship)
{
	struct intake_options options = { esship->config.formatter, esship->config.spool_bytes, esship->config.flush_ms };
	int r = ledger_open(&esship->ledger, spool_folder(esship->spool));

	event_host_here(&esship->host);
	event_exec_set_limit(esship->config.arguments_bytes);
	intake_client_text(esship->host.client, esship->client);
	if (r == 0)
		r = intake_new(&esship->intake, &options, esship->spool, &esship->ledger, esship->client, &esship->host);
	if (r == 0)
		return EX_OK;
	log_error("the spool %s can't be written: %s", esship->config.spool, strerror(-r));
	return EX_CANTCREAT;
}

static int start_metrics(struct esship *esship)
{
	int r;

	esship->metrics = (struct metrics){
		.path = esship->config.metrics, .spool_bytes_max = esship->config.spool_bytes, .spool = esship->spool,
		.intake = esship->intake, .senders = esship->senders, .sender_count = esship->sender_count,
	};
	r = metrics_listen(&esship->metrics);
	if (r == 0)
		return EX_OK;
	log_error("metrics: %s: %s", esship->config.metrics, strerror(-r));
	return EX_CANTCREAT;
}

/* --- running --- */

static bool got_signal(const struct esship *esship)
{
	struct signalfd_siginfo info;

	return read(esship->signal_fd, &info, sizeof(info)) == sizeof(info);
}

static bool all_done(const struct esship *esship)
{
	for (size_t i = 0; i < esship->sender_count; i++)
		if (!sender_is_done(esship->senders[i]))
			return false;
	return true;
}

/* A turn of the loop. True: a signal came. */
static bool turn(struct esship *esship, int ms)
{
	struct pollfd fds[2] = {
		{ .fd = esship->signal_fd, .events = POLLIN },
		{ .fd = esship->metrics.fd, .events = POLLIN },
	};

	poll(fds, 2, ms);
	if (fds[1].revents)
		metrics_serve(&esship->metrics);
	return fds[0].revents && got_signal(esship);
}

static int run(struct esship *esship)
{
	notify_supervisor("READY=1");
	while (!turn(esship, TICK_MS)) {
		if (spool_has_gone(esship->spool)) {
			log_error("the spool %s has been removed, with all that was in it", esship->config.spool);
			return EX_CANTCREAT;
		}
		if (!es_linux_stream_ended(esship->source.client))
			continue;
		log_error("the daemon, endpointsecurityd, has gone: no more events will come");
		return EX_UNAVAILABLE;
	}
	return EX_OK;
}

/* Sends the rest of the spool, as long as sinks take it, for at most linger_ms (0: no limit). */
static int finish(struct esship *esship, unsigned int linger_ms)
{
	uint64_t end = clock_ns() + linger_ms * NS_PER_MS;
	bool all;

	for (size_t i = 0; i < esship->sender_count; i++)
		sender_finish(esship->senders[i]);
	while (!(all = all_done(esship)) && (!linger_ms || clock_ns() < end))
		if (turn(esship, FINISH_TICK_MS))
			break;
	for (size_t i = 0; i < esship->sender_count; i++)
		sender_stop(esship->senders[i]);
	end = clock_ns() + STUCK_MS * NS_PER_MS;
	while (!all_done(esship) && clock_ns() < end)
		turn(esship, FINISH_TICK_MS);
	return all ? EX_OK : EX_TEMPFAIL;
}

static int send_only(struct esship *esship)
{
	int status = make_senders(esship);

	if (status == EX_OK)
		status = start_metrics(esship);
	if (status == EX_OK)
		status = start_senders(esship);
	return status == EX_OK ? finish(esship, 0) : status;
}

static int ship(struct esship *esship)
{
	int status = make_senders(esship);

	if (status == EX_OK)
		status = start_intake(esship);
	if (status == EX_OK)
		status = start_metrics(esship);
	if (status == EX_OK)
		status = start_senders(esship);
	if (status == EX_OK)
		status = source_start(&esship->source, &esship->config, esship->intake);
	if (status == EX_OK)
		status = run(esship);
	source_stop(&esship->source);
	if (esship->intake && !intake_end(esship->intake))
		log_error("the spool can't be written: what is lost by that, the next start says");
	(void)finish(esship, esship->config.linger_ms);		/* the next start sends what remains */
	return status;
}

/* Don't wait for threads that look up a name or connect in a library: they can't be ended. The spool is safe anyway. */
static void clean_up(struct esship *esship, int status)
{
	metrics_close(&esship->metrics);
	if (!all_done(esship))
		_exit(status);
	for (size_t i = 0; i < esship->sender_count; i++)
		sender_free(esship->senders[i]);
	if (esship->intake)
		intake_free(esship->intake);
	ledger_close(&esship->ledger);
	if (esship->spool)
		spool_close(esship->spool);
	config_deinit(&esship->config);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "send-only", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{},
	};
	static struct esship esship = { .metrics = { .fd = -1 } };
	bool check = false, only = false;
	const char *path = NULL;
	int option, status;

	log_init("esship");
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) >= 0) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'k':
			check = true;
			break;
		case 's':
			only = true;
			break;
		case 'v':
			puts("esship " ES_LINUX_VERSION_STRING);
			return fflush(stdout) ? EX_IOERR : EX_OK;
		default:
			usage(option == 'h' ? stdout : stderr);
			return option == 'h' ? EX_OK : EX_USAGE;
		}
	}
	if (!path || optind < argc) {
		usage(stderr);
		return EX_USAGE;
	}
	if (!config_read(&esship.config, path))
		return EX_CONFIG;
	if (check) {
		status = config_files_there(&esship.config) ? EX_OK : EX_CONFIG;
		config_deinit(&esship.config);
		return status;
	}
	setrlimit(RLIMIT_CORE, &(struct rlimit){});	/* a core file would have passwords, and others' events */
	esship.signal_fd = block_signals();
	status = esship.signal_fd < 0 ? EX_OSERR : open_spool(&esship);
	if (status == EX_OK)
		status = only ? send_only(&esship) : ship(&esship);
	clean_up(&esship, status);
	return status;
}
