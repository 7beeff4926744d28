/* SPDX-License-Identifier: MIT */

/*
 * How an operation is held and let go with the tracepoint sensor: tasks, one client with its threads, the daemon, the
 * warden. Each step is one that others can come between; the comment before it names the function that takes it.
 * What can happen at any time: the client is stopped, continued, killed, deleted, unsubscribes; the daemon is killed;
 * a deadline passes as soon as there is one. So time is left out: who would be let go by a deadline must be let go.
 *
 * Nothing here runs in circles, so "eventually" is: when nothing can happen any more (Observer).
 *
 * -DOUTSIDE: finer. The verdict, what stands in held[], and an outsider's steps are told apart (daemon/hold/watch.c); and a
 * client that is late isn't killed but answered for, with a denial (ES_MISS_DENY). -DTWO_OUTSIDERS: by the warden, too,
 * which looks at the same time. -DBUG_...: the model with a mistake, which check wants to be found; some of them the
 * code once had.
 */

#ifdef TWO_OUTSIDERS
#define OUTSIDE
#endif

#ifdef ONE_TASK
#define TASKS 1
#else
#define TASKS 2
#endif
#define ENTRIES 2
#define FDS 3			/* numbers of descriptors in the client; 0: none */
#define NOBODY 255

mtype = { none, queued, waiting, allowed, denied };	/* a permission event in the group */

typedef event_t { mtype state = none; byte fd };
event_t event[TASKS];
byte let_go_times[TASKS];
bool finished[TASKS];
bool policy[TASKS];		/* denied by the deadline */
byte on_the_way;		/* tasks that have seen a mark */

bool marked = true;		/* the group has marks: what is opened is asked about */
bool client_alive = true;
bool client_stopped;
bool client_open = true;	/* the client's descriptor of the group */
bool daemon_alive = true;
bool daemon_open = true;	/* the daemon's, or the warden's */
bool connected = true;

/* In memory that client and daemon share: held[] of abi/sensor.h. */
typedef held_t {
	byte auth_id; bool deadline;
	byte event;		/* the number of the descriptor in the event that was read, until that is overwritten */
#ifdef OUTSIDE
	byte request;
	mtype verdict = none; bool missed;
	byte outside;		/* who uses the number */
#endif
};
held_t held[ENTRIES];

/* The client's: struct esl_waiting, struct esl_fanotify_gate. */
typedef entry_t {
	byte auth_id; byte fd; bool asking; bool let_go; bool used;
#ifdef OUTSIDE
	bool mine; bool lingers;
#endif
};
entry_t entry[ENTRIES];
bool fd_used[FDS];
bool locked;			/* esl_gate.lock */
bool gate_closed;		/* esl_gate.fd is -1 */
bool stopping;
bool gate_done;
byte generation;

/* What a message with this auth_id is about, and what was said of it. */
#define IDS 8
byte task_of[IDS] = NOBODY;
bool said_deny[IDS];		/* es_respond_*() returned SUCCESS for a denial */
bool said_allow[IDS];
bool message_answered[IDS];	/* esl_message.answered */
chan ring = [TASKS] of { byte };

/* Not part of the state: used inside one step only. */
hidden byte at, gt, answered_task, settled_task;

/* ---- the kernel's part ---- */

/* fs/notify: whoever waits is told. Exactly once. */
inline release(t, how)
{
	assert(event[t].state == queued || event[t].state == waiting);
	event[t].state = how;
	let_go_times[t]++;
	assert(let_go_times[t] == 1)
}

/* The last descriptor of the group is gone: all is allowed. */
inline group_put()
{
	if
	:: !(client_alive && client_open) && !(daemon_alive && daemon_open) ->
		marked = false;
		gt = 0;
		do
		:: gt < TASKS ->
			if
			:: event[gt].state == queued || event[gt].state == waiting -> release(gt, allowed)
			:: else
			fi;
			gt++
		:: else -> break
		od
	:: else
	fi
}

/* write(2) to the group: the event that waits under this number. NOBODY: ENOENT. */
inline group_answer(number, how, ret_task)
{
	ret_task = NOBODY;
	at = 0;
	do
	:: at < TASKS && ret_task == NOBODY ->
		if
		:: event[at].state == waiting && event[at].fd == number -> ret_task = at; release(at, how)
		:: else
		fi;
		at++
	:: else -> break
	od
}

#define group_exists ((client_alive && client_open) || (daemon_alive && daemon_open))

#if TASKS > 1
#define ANY_QUEUED (event[0].state == queued || event[1].state == queued)
#else
#define ANY_QUEUED (event[0].state == queued)
#endif

proctype Task(byte t)
{
	if
	:: atomic { marked -> on_the_way++ }
	:: !marked -> goto done
	fi;
	/* The mark was seen; it may be gone by now. */
	atomic {
		on_the_way--;
		if
		:: group_exists -> event[t].state = queued
		:: else -> goto done
		fi
	}
	event[t].state == allowed || event[t].state == denied;
done:
	finished[t] = true
}

/* ---- the client ---- */

#define RUNS (client_alive && !client_stopped)

/*
 * answer_entry() in lib/gate-fanotify.c, in two steps: between them the task goes on, and the daemon still sees the
 * entry. The first takes the lock (the caller has looked that it may), the second gives it back. `id`: whose answer it
 * is, 0: let go. With OUTSIDE the first is two: set_verdict(), and the write if the verdict was ours.
 */
inline answer_write(e, answer, id)
{
	group_answer(entry[e].fd, answer, answered_task);
	/* The answer to a message is for the operation that it is about. */
	assert(id == 0 || answered_task == NOBODY || answered_task == task_of[id])
}

/* And closes the descriptor, which comes a little later. */
inline answer_end(e)
{
	held[e].auth_id = 0;
#ifdef OUTSIDE
	entry[e].mine = false;
#endif
	entry[e].auth_id = 0;
	entry[e].asking = false;
	entry[e].let_go = false;
	entry_free(e);
	locked = false
}

#ifndef OUTSIDE
#define CAN_ANSWER(e) true

inline entry_free(e)
{
	fd_used[entry[e].fd] = false;
	entry[e].fd = 0;
	entry[e].used = false
}

inline answer_begin(e, answer, id)
{
	locked = true;
	answer_write(e, answer, id)
}

inline answer_rest(e, id)
{
	atomic { answer_end(e); begun = false }
}
#else
#define CAN_ANSWER(e) (held[e].verdict == none)

/* free_entry(), unless the number is in use */
inline entry_free(e)
{
	if
#ifndef BUG_NO_LINGER
	:: held[e].outside -> entry[e].lingers = true
#endif
	:: else ->
		fd_used[entry[e].fd] = false;
		entry[e].fd = 0;
		entry[e].used = false;
		entry[e].lingers = false
	fi
}

/* set_verdict() */
inline answer_begin(e, answer, id)
{
	locked = true;
	if
	:: held[e].verdict == none -> held[e].verdict = answer; entry[e].mine = true
	:: else
	fi
}

inline answer_rest(e, id)
{
	atomic {
		if
		:: entry[e].mine -> answer_write(e, held[e].verdict, id)
		:: else
		fi
	}
	atomic { answer_end(e); begun = false }
}

/* is_over(), collect() */
#define OVER(e) (entry[e].lingers && !held[e].outside || \
		 entry[e].auth_id && !entry[e].asking && held[e].missed && !held[e].request)

inline collect(e)
{
	locked = true;
	if
	:: entry[e].lingers -> entry_free(e); locked = false
	:: else -> answer_end(e)
	fi
}
#endif

/* let_go() in lib/gate-fanotify.c. */
inline let_all_entries_go()
{
	do
	:: le < ENTRIES ->
		atomic {
			!locked;
			if
			:: !gate_closed && entry[le].auth_id && entry[le].asking -> entry[le].let_go = true; le++
			:: !gate_closed && entry[le].auth_id && !entry[le].asking ->
				answer_begin(le, allowed, 0);
				begun = true
			:: else -> le++
			fi
		}
		if
		:: begun -> answer_rest(le, 0); le++
		:: else
		fi
	:: else -> le = 0; break
	od
}

/* claim() in lib/gate-fanotify.c: an entry and its number, which the daemon sees. */
inline claim()
{
	atomic {
		!locked;
		if
		:: !entry[0].used -> e = 0
		:: entry[0].used && !entry[1].used -> e = 1
		:: else -> goto wait		/* starved: may_read() */
		fi;
		generation++;
		id = generation * ENTRIES + e;
		assert(id < IDS);
		entry[e].used = true;
		entry[e].auth_id = id;
		entry[e].fd = 0;
		entry[e].asking = true;
		entry[e].let_go = false;
		held[e].deadline = false;
		held[e].event = 0;
#ifdef OUTSIDE
		held[e].request = 0;
		held[e].verdict = none;
		held[e].missed = false;
#endif
		held[e].auth_id = id
	}
}

/* read_event(): the next in the queue, whichever that is; `t` NOBODY: EAGAIN. The kernel writes it into the entry. */
inline read_event()
{
	atomic {
		t = NOBODY;
		if
		:: event[0].state == queued -> t = 0
#if TASKS > 1
		:: event[1].state == queued -> t = 1
#endif
		:: !ANY_QUEUED
		fi;
		if
		:: t != NOBODY ->
			fd = 1;
			do
			:: fd_used[fd] -> fd++
			:: else -> break
			od;
			assert(fd < FDS);
			fd_used[fd] = true;
			event[t].fd = fd;
			event[t].state = waiting;
#ifndef BUG_READ_BEFORE_CLAIM
			task_of[id] = t;
			held[e].event = fd
#endif
		:: else
		fi
	}
}

/* unclaim() in lib/gate-fanotify.c */
inline unclaim()
{
	atomic {
		!locked;
		held[e].auth_id = 0;
		entry[e].auth_id = 0;
		entry[e].asking = false;
		entry[e].used = false;
		generation--			/* else the model would run in a circle */
	}
}

/* gate_thread() in lib/new-client.c and read_gate(), handle_event() in lib/gate-fanotify.c */
proctype Gate() provided (RUNS)
{
	byte e, id, t, fd, le;
	bool asked, begun;

wait:
	if
	:: stopping || !connected -> goto leave
	:: !(stopping || !connected) && ANY_QUEUED && (!entry[0].used || !entry[1].used)
#ifdef OUTSIDE
	:: atomic { !locked && OVER(0) -> collect(0); goto wait }
	:: atomic { !locked && OVER(1) -> collect(1); goto wait }
#endif
	fi;
#ifdef BUG_READ_BEFORE_CLAIM
	read_event();
	if
	:: t == NOBODY -> goto wait
	:: else
	fi;
	claim();
#else
	claim();
	read_event();
	if
	:: t == NOBODY -> unclaim(); goto wait
	:: else
	fi;
#endif
	/* note_event(): which descriptor, and for whom, under the lock */
	atomic {
		!locked;
		entry[e].fd = fd;
#ifdef OUTSIDE
		held[e].request = fd;
#endif
		task_of[id] = t
	};
	/* ask() in bpf/hold/fanotify.bpf.h: not this client's business, a full ring; or fanotify_put() */
	atomic {
		if
		:: asked = false
		:: held[e].event = 0; held[e].deadline = true; ring ! id; asked = true
		fi
	}
	/* handle_event(): the answer may have come already, and the entry be another's */
	atomic {
		!locked;
		if
		:: entry[e].auth_id == id && (!asked || entry[e].let_go) ->
			answer_begin(e, allowed, 0);
			begun = true
		:: entry[e].auth_id == id && asked && !entry[e].let_go -> entry[e].asking = false
		:: else
		fi
	}
	if
	:: begun -> answer_rest(e, 0)
	:: else
	fi;
	atomic { e = 0; id = 0; t = 0; fd = 0; asked = false }
	goto wait;

leave:	/* end_stream(), leave(): esl_gate_close(), let_all_go() */
	marked = false;
	let_all_entries_go();
	/* read_one(), allow_event() */
	do
	::
#ifndef BUG_UNREAD_NOT_CLAIMED
	   claim();
#else
	   e = ENTRIES - 1;
#endif
	   read_event();
	   if
	   :: t == NOBODY ->
#ifndef BUG_UNREAD_NOT_CLAIMED
		unclaim();
#endif
		break
	   :: else
	   fi;
	   atomic {
		!locked;
		entry[e].fd = fd;
#ifdef OUTSIDE
		held[e].request = fd;
#endif
		answer_begin(e, allowed, 0);
	   };
	   answer_rest(e, 0);
	   t = 0
	od;
	atomic { !locked; gate_closed = true };
	atomic { client_open = false; group_put() };
	connected = false;		/* shutdown() */
	gate_done = true
}

/*
 * es_respond_*() in lib/respond.c, answer() in lib/gate-fanotify.c: at once, late; with SECOND_RESPONDER twice.
 */
proctype Responder() provided (RUNS)
{
	byte id, e;
	bool deny, begun;
	mtype verdict;

	do
	:: atomic {
		nempty(ring);
		if
		:: ring ? id
#ifdef SECOND_RESPONDER
		:: ring ? <id>		/* and the other thread answers it as well */
#endif
		fi;
		if
		:: verdict = allowed; deny = false
		:: verdict = denied; deny = true
		fi
	   };
	   /* atomic_exchange(&message->answered) */
	   atomic {
		if
		:: message_answered[id] ->
			if
			:: ring ?? [eval(id)] -> ring ?? eval(id)
			:: else
			fi;
			goto next
		:: else -> message_answered[id] = true
		fi
	   };
	   atomic {
		e = id % ENTRIES;
		!locked;
		if
#ifdef BUG_ANSWER_BY_INDEX
		:: !gate_closed && entry[e].auth_id ->
#else
		:: !gate_closed && entry[e].auth_id == id ->		/* find() */
#endif
			if
			:: !CAN_ANSWER(e)		/* -EALREADY */
			:: CAN_ANSWER(e) && deny -> said_deny[id] = true
			:: CAN_ANSWER(e) && !deny -> said_allow[id] = true
			fi;
			answer_begin(e, verdict, id);
			begun = true
		:: else
		fi
	   };
	   if
	   :: begun -> answer_rest(e, id)
	   :: else
	   fi;
next:
	   atomic { id = 0; e = 0; deny = false; verdict = none }
	:: gate_done -> break
	od
}

/* es_unsubscribe() in lib/subscribe.c: the daemon takes the marks away, then what waits is let go. */
proctype Unsubscriber() provided (RUNS)
{
	byte le;
	bool begun;

	if
	:: marked = false; let_all_entries_go()
	:: skip
	fi
}

/* es_delete_client() */
proctype Deleter() provided (RUNS)
{
	if
	:: stopping = true
	:: skip
	fi
}

/* ---- the daemon ---- */

inline kill_client()
{
	client_alive = false;
	connected = false;
	group_put()
}

#ifdef BUG_UNASKED_NOT_MINDED
#define EVENT_MINDED(e) false
#else
#define EVENT_MINDED(e) (held[e].event && !held[e].deadline)
#endif

/* esd_gate_release() in daemon/sensor/gate-fanotify.c, and esd_gate_deinit(): what is unread, and any number */
inline gate_release()
{
	marked = false;
	atomic {
		do
		:: event[0].state == queued -> release(0, allowed)
#if TASKS > 1
		:: event[1].state == queued -> release(1, allowed)
#endif
		:: else -> break
		od
	}
	atomic {
		number = 1;
		do
		:: number < FDS ->
			group_answer(number, allowed, answered_task);
			if
			:: answered_task == NOBODY -> number++
			:: else
			fi
		:: else -> break
		od;
		number = 0
	}
}

#ifndef OUTSIDE
/*
 * client_late(), client_stalled() in daemon/hold/deadline.c. Only what a client does, or doesn't, late: one that isn't
 * stopped may be as slow.
 */
#define LATE(e) (held[e].auth_id && (held[e].deadline || EVENT_MINDED(e)))

proctype Daemon() provided (daemon_alive)
{
	byte number;

	do
	:: connected && client_alive && (LATE(0) || LATE(1) || ANY_QUEUED) ->
		/* esd_client_kill(): pidfd_send_signal(), then let go */
		atomic { kill_client() };
		break
	:: !connected || !client_alive -> break
	:: gate_done && !connected -> break
	od;
	gate_release();
	atomic { daemon_open = false; group_put() }
}
#else
/* esd_watch_late(), entry_settled(), claim_late() in daemon/hold/watch.c */
#define SETTLED(e) (held[e].verdict != none && !held[e].request && (!held[e].event || held[e].deadline))
#define LATE(e) (held[e].auth_id && (held[e].deadline || EVENT_MINDED(e)) && !SETTLED(e))

/* Begins to settle what is late: a copy of what was seen. */
inline late_copy(which)
{
	e = which;
	id = held[e].auth_id;
	number = (held[e].deadline -> 0 : held[e].event)
}

/* esd_watch_settle(); wake_fanotify() */
inline settle(who)
{
	held[e].outside = held[e].outside | who;
	atomic {		/* verdict_give() */
		given = none;
		if
		:: held[e].auth_id == id && held[e].verdict == none ->
			held[e].verdict = denied;
			held[e].missed = true;
			policy[task_of[id]] = true;
			given = denied
		:: held[e].auth_id == id && held[e].verdict != none -> given = held[e].verdict
		:: held[e].auth_id != id
		fi;
	}
	if
	:: given != none ->
		number = (held[e].request -> held[e].request : number);
		if
		:: number -> atomic {
			group_answer(number, given, settled_task);
			assert(settled_task == NOBODY || settled_task == task_of[id]);
			held[e].request = 0;
			held[e].event = 0 }
		:: else
		fi
	:: else
	fi;
	held[e].outside = held[e].outside & ~who;
	atomic { e = 0; id = 0; number = 0; given = none }
}

/* esd_watch_settle_unread(): by a descriptor of its own, and at once */
inline settle_unread()
{
	if
	:: event[0].state == queued -> policy[0] = true; release(0, denied)
#if TASKS > 1
	:: event[1].state == queued -> policy[1] = true; release(1, denied)
#endif
	:: else
	fi
}

/* client_late(), client_stalled() in daemon/hold/deadline.c; the same in daemon/hold/warden.c */
proctype Outsider(byte who) provided (daemon_alive)
{
	byte e, id, number;
	mtype given;

	do
	:: atomic { connected && client_alive && LATE(0) -> late_copy(0) }; settle(who)
	:: atomic { connected && client_alive && LATE(1) -> late_copy(1) }; settle(who)
	:: atomic { connected && client_alive && ANY_QUEUED -> settle_unread() }
	:: !connected || !client_alive -> break
	od;
	if
	:: who == 1 -> gate_release(); atomic { daemon_open = false; group_put() }
	:: else
	fi
}
#endif

/* daemon/hold/warden.c: warden_finish(), with its own descriptor of the group. */
proctype Warden()
{
	byte number;

	!daemon_alive;
	gate_release();
#ifndef BUG_RELEASED_ONCE
	on_the_way == 0;		/* ESD_WARDEN_SPARE_MS later */
	gate_release();
#endif
	atomic { daemon_open = false; group_put() }
}

/* ---- what comes from outside ---- */

proctype DaemonKiller()
{
	if
	:: atomic { daemon_alive = false; connected = false }	/* the warden has its descriptors */
	:: skip
	fi
}

proctype Stopper()
{
	if
	:: client_stopped = true;
		if
		:: client_stopped = false
		:: skip
		fi
	:: skip
	fi
}

/* When nothing can happen any more. */
proctype Observer()
{
	byte t, id;

	timeout;
	d_step {
		t = 0;
		do
		:: t < TASKS ->
			assert(finished[t]);
			assert(event[t].state != queued && event[t].state != waiting);
			assert((event[t].state == none) == (let_go_times[t] == 0));
			t++
		:: else -> break
		od;
		id = 1;
		do
		:: id < IDS ->
			if
			:: task_of[id] != NOBODY ->
				/* A denial is somebody's answer; and an answer that was taken is the outcome, unless
				   the client was about to end meanwhile, and the daemon was faster. */
				assert(event[task_of[id]].state != denied || said_deny[id] || policy[task_of[id]]);
				assert(!(said_deny[id] && said_allow[id]));
				assert(!((said_deny[id] || said_allow[id]) && policy[task_of[id]]));
				assert(!(said_deny[id] && client_alive && daemon_alive) ||
				       event[task_of[id]].state == denied);
				assert(!client_alive || client_stopped || !held[id % ENTRIES].auth_id ||
				       entry[id % ENTRIES].auth_id)
			:: else
			fi;
			id++
		:: else -> break
		od
	}
}

/*
 * What disturbs: check runs the model with one or two of these, since all together would take hours. In each the client
 * can be killed at any time, by the deadline.
 */
init {
	atomic {
		run Task(0);
#if TASKS > 1
		run Task(1);
#endif
		run Gate();
		run Responder();
#ifdef OUTSIDE
		run Outsider(1);
#ifdef TWO_OUTSIDERS
		run Outsider(2);
#endif
#else
		run Daemon();
#endif
#ifdef SECOND_RESPONDER
		run Responder();
#endif
#ifdef UNSUBSCRIBE
		run Unsubscriber();
#endif
#ifdef DELETE
		run Deleter();
#endif
#ifdef DAEMON_DIES
		run DaemonKiller();
		run Warden();
#endif
#ifdef STOP
		run Stopper();
#endif
		run Observer()
	}
}
