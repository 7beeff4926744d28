/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The points at which a client or the daemon is killed, or stopped and continued. Each has a name, and is the return
 * from a system call that the step makes there, in whichever thread: so both sensors' ways are walked as they are, and
 * nothing in the product knows of it. A point that isn't reached is an error: then the way has changed, and this list
 * has to follow.
 */

#include <linux/bpf.h>
#include <sys/syscall.h>

/* What the client in the test does, one after the other. */
enum step {
	STEP_CONNECT,		/* es_new_client() */
	STEP_SUBSCRIBE,		/* es_subscribe() to AUTH_OPEN and NOTIFY_OPEN */
	STEP_HOLD,		/* a task opens a file: until the handler has the message */
	STEP_ANSWER,		/* it is denied */
	STEP_DELIVER,		/* a task is told of: NOTIFY */
	STEP_DELETE,		/* es_delete_client(), while a task is held */
	STEPS,
};

enum who { CLIENT, DAEMON };
enum sensor { BOTH, TRACEPOINT, LSM };

struct point {
	const char *name;
	enum who who;
	enum step step;
	enum sensor sensor;
	long call;
	int argument;		/* -1: any */
	unsigned long value;
	int nth;
};

static const struct point points[] = {
	{ "client-connect-socket", CLIENT, STEP_CONNECT, BOTH, SYS_socket, -1, 0, 1 },
	{ "client-connect-connected", CLIENT, STEP_CONNECT, BOTH, SYS_connect, -1, 0, 1 },
	{ "client-connect-asked", CLIENT, STEP_CONNECT, BOTH, SYS_sendmsg, -1, 0, 1 },
	{ "client-connect-answered", CLIENT, STEP_CONNECT, BOTH, SYS_recvmsg, -1, 0, 1 },
	{ "client-connect-mapped", CLIENT, STEP_CONNECT, BOTH, SYS_madvise, -1, 0, 2 },
	{ "client-connect-events", CLIENT, STEP_CONNECT, BOTH, SYS_epoll_ctl, -1, 0, 2 },
	{ "client-connect-thread", CLIENT, STEP_CONNECT, BOTH, SYS_clone3, -1, 0, 1 },
	{ "client-connect-threads", CLIENT, STEP_CONNECT, BOTH, SYS_clone3, -1, 0, 2 },
	{ "client-subscribe-asked", CLIENT, STEP_SUBSCRIBE, BOTH, SYS_sendmsg, -1, 0, 1 },
	{ "client-subscribe-answered", CLIENT, STEP_SUBSCRIBE, BOTH, SYS_recvmsg, -1, 0, 1 },
	{ "client-hold-read", CLIENT, STEP_HOLD, TRACEPOINT, SYS_read, 2, 24, 1 },
	{ "client-hold-asked", CLIENT, STEP_HOLD, TRACEPOINT, SYS_bpf, -1, 0, 1 },
	{ "client-hold-woken", CLIENT, STEP_HOLD, BOTH, SYS_epoll_wait, -1, 0, 1 },
	{ "client-hold-handler", CLIENT, STEP_HOLD, BOTH, SYS_getpgid, 0, STEP_HOLD, 1 },
	{ "client-answer-begun", CLIENT, STEP_ANSWER, BOTH, SYS_getpgid, 0, STEP_ANSWER, 1 },
	{ "client-answer-noted", CLIENT, STEP_ANSWER, TRACEPOINT, SYS_bpf, -1, 0, 1 },
	{ "client-answer-written", CLIENT, STEP_ANSWER, TRACEPOINT, SYS_write, 2, 8, 1 },
	{ "client-answer-written", CLIENT, STEP_ANSWER, LSM, SYS_writev, -1, 0, 1 },
	{ "client-answer-closed", CLIENT, STEP_ANSWER, TRACEPOINT, SYS_close, -1, 0, 1 },
	{ "client-deliver-woken", CLIENT, STEP_DELIVER, BOTH, SYS_epoll_wait, -1, 0, 1 },
	{ "client-deliver-handler", CLIENT, STEP_DELIVER, BOTH, SYS_getpgid, 0, STEP_DELIVER, 1 },
	{ "client-delete-begun", CLIENT, STEP_DELETE, BOTH, SYS_getpgid, 0, STEP_DELETE, 1 },
	{ "client-delete-told", CLIENT, STEP_DELETE, BOTH, SYS_write, 2, 8, 1 },
	{ "client-delete-unmarked", CLIENT, STEP_DELETE, TRACEPOINT, SYS_fanotify_mark, -1, 0, 3 },
	{ "client-delete-closed", CLIENT, STEP_DELETE, BOTH, SYS_shutdown, -1, 0, 1 },
	{ "client-delete-unmapped", CLIENT, STEP_DELETE, BOTH, SYS_munmap, -1, 0, 2 },
	{ "daemon-connect-accepted", DAEMON, STEP_CONNECT, BOTH, SYS_accept4, -1, 0, 1 },
	{ "daemon-connect-asked", DAEMON, STEP_CONNECT, BOTH, SYS_recvmsg, -1, 0, 1 },
	{ "daemon-connect-ring", DAEMON, STEP_CONNECT, BOTH, SYS_bpf, 0, BPF_MAP_CREATE, 1 },
	{ "daemon-connect-held", DAEMON, STEP_CONNECT, BOTH, SYS_bpf, 0, BPF_MAP_CREATE, 2 },
	{ "daemon-connect-group", DAEMON, STEP_CONNECT, TRACEPOINT, SYS_fanotify_init, -1, 0, 1 },
	{ "daemon-connect-mounted", DAEMON, STEP_CONNECT, LSM, SYS_fsmount, -1, 0, 1 },
	{ "daemon-connect-process", DAEMON, STEP_CONNECT, LSM, SYS_pidfd_open, -1, 0, 1 },
	{ "daemon-connect-answered", DAEMON, STEP_CONNECT, BOTH, SYS_sendmsg, -1, 0, 1 },
	{ "daemon-subscribe-asked", DAEMON, STEP_SUBSCRIBE, BOTH, SYS_recvmsg, -1, 0, 1 },
	{ "daemon-subscribe-marked", DAEMON, STEP_SUBSCRIBE, TRACEPOINT, SYS_fanotify_mark, -1, 0, 1 },
	{ "daemon-subscribe-answered", DAEMON, STEP_SUBSCRIBE, BOTH, SYS_sendmsg, -1, 0, 1 },
	{ "daemon-hold-timer", DAEMON, STEP_HOLD, BOTH, SYS_read, 2, 8, 1 },
	{ "daemon-answer-timer", DAEMON, STEP_ANSWER, BOTH, SYS_read, 2, 8, 1 },
	{ "daemon-delete-noticed", DAEMON, STEP_DELETE, BOTH, SYS_epoll_wait, -1, 0, 1 },
	{ "daemon-delete-unmarked", DAEMON, STEP_DELETE, TRACEPOINT, SYS_fanotify_mark, -1, 0, 2 },
	{ "daemon-delete-closed", DAEMON, STEP_DELETE, BOTH, SYS_close, -1, 0, 1 },
};
