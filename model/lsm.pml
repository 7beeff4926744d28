/* SPDX-License-Identifier: MIT */

/*
 * How an operation is held and let go with the lsm sensor: tasks in a hook, clients, the daemon, the warden. Each step
 * is one that others can come between; the comment before it names the function that takes it. Time is left out as in
 * fanotify.pml: a deadline passes as soon as there is one. A slice ends, and a signal comes to a task that sleeps, at
 * any time, each once a task, so that nothing runs in circles.
 *
 * -DMISS_DENY: a client that is late isn't killed but answered for, with a denial. -DBUG_...: the model with a mistake,
 * which check wants to be found. It runs the model with two tasks and one client, with one task and two clients
 * (-DTWO_CLIENTS), and with one of each (-DONE_TASK). -DNO_WARDEN: who kills the daemon kills the warden as well. -DONE_ENTRY: tasks share one, one after the other.
 */

#if defined(TWO_CLIENTS)
#define TASKS 1
#define CLIENTS 2
#elif defined(ONE_TASK)
#define TASKS 1
#define CLIENTS 1
#else
#define TASKS 2
#define CLIENTS 1
#endif
#ifdef ONE_ENTRY
#define ENTRIES 1
#else
#define ENTRIES TASKS			/* of each client */
#endif
#define AT(c, e) ((c) * ENTRIES + (e))
#define IDS 12
#define NOBODY 255

mtype = { awake, queued, asleep, replied, aborted, interrupted };	/* a task and its request at a gate */
mtype = { running, allowed, denied, dead };				/* an operation */

typedef task_t { mtype request = awake; byte visit; byte at; mtype outcome = running; bool sliced };
task_t task[TASKS];

typedef client_t {
	bool alive = true; bool stopped; bool connected = true;
	bool gate = true;		/* control.gate_pid, and its process */
	bool broken;			/* the FUSE connection */
	bool open = true;		/* the client's descriptor of it */
	bool stopping; bool locked; bool closing; bool closed; bool done
};
client_t client[CLIENTS];
bool daemon_alive = true;
bool daemon_open = true;		/* its descriptors of the connections */

/* struct es_held: `mark` is what is above ES_VERDICT_MASK in `verdict`. */
typedef held_t { byte auth_id; byte tid = NOBODY; byte mark; byte verdict; bool deadline };
held_t held[CLIENTS * ENTRIES];
#define NONE 0
#define ALLOW 1
#define DENY 2

byte request[CLIENTS * ENTRIES];	/* es_held.request: who sleeps for this entry, and which time; 0: nobody */
#define UNIQUE(t) (1 + (t) + TASKS * task[t].visit)
#define TASK(unique) (((unique) - 1) % TASKS)
bool policy[TASKS];			/* denied by the deadline */
byte generation;
byte generation_of[IDS];

byte task_of[IDS] = NOBODY;
byte client_of[IDS];
bool said_deny[IDS];
bool said_allow[IDS];
typedef ring_t { chan q = [TASKS] of { byte } };
ring_t ring[CLIENTS];

hidden byte at;

/* fuse_abort_conn(), by the daemon or since the last descriptor is gone. */
inline abort(c)
{
	client[c].broken = true;
	at = 0;
	do
	:: at < TASKS ->
		if
		:: (task[at].request == queued || task[at].request == asleep) && task[at].at == c ->
			task[at].request = aborted
		:: else
		fi;
		at++
	:: else -> break
	od
}

/* Without a warden the client's descriptor of the connection may be the last one, or the daemon's. */
inline last_close(c)
{
#ifdef NO_WARDEN
	if
	:: !client[c].open && !daemon_open -> abort(c)
	:: else
	fi
#else
	skip
#endif
}

/* ---- a task in a hook: bpf/hold/wait.bpf.h ---- */

/* entry_free(): the last store is a step of its own, since set_verdict() looks at both words. */
inline entry_clear(i)
{
	held[i].deadline = false;
	held[i].tid = NOBODY;
	held[i].mark = 0;
	held[i].verdict = NONE
}

#define GONE(c) (!client[c].alive || !daemon_alive)	/* on_exit() in bpf/notify/process.bpf.h tells */

/* pending_look(), verdict_step(): for each slot that is open. A record without an entry: the client was removed. */
inline look()
{
	do
	:: c < CLIENTS ->
		atomic {
			i = NOBODY;
			if
			:: open[c] && held[AT(c, id[c] % ENTRIES)].auth_id != id[c] -> open[c] = false
			:: open[c] && held[AT(c, id[c] % ENTRIES)].auth_id == id[c] &&
			   (held[AT(c, id[c] % ENTRIES)].verdict != NONE || GONE(c)) ->
				i = AT(c, id[c] % ENTRIES);
				/* Nobody is denied without an answer, to this very question, that denies. */
				assert(held[i].verdict != DENY || said_deny[id[c]] || policy[t]);
				refused = refused || held[i].verdict == DENY;
				open[c] = false;
				entry_clear(i)
			:: else
			fi;
			c++
		}
		if
		:: i != NOBODY -> held[i].auth_id = 0
		:: else
		fi
	:: else -> break
	od
}

proctype Task(byte t)
{
	byte c, i, id[CLIENTS];
	bool open[CLIENTS], refused;

asking:	/* question_send(), ask_step(), ask_slot() */
	do
	:: c < CLIENTS && client[c].gate ->
		/* claim_step() */
		atomic {
			i = AT(c, 0);		/* the threads' numbers are as unlucky as can be */
			if
			:: held[i].auth_id -> i = AT(c, ENTRIES - 1)
			:: else
			fi;
#ifdef ONE_ENTRY
			if
			:: held[i].auth_id -> i = 0; c++; goto asking	/* lost */
			:: else
			fi;
#endif
			assert(!held[i].auth_id);
			generation++;
			id[c] = generation * ENTRIES + i - AT(c, 0);
			assert(id[c] < IDS);
			task_of[id[c]] = t;
			client_of[id[c]] = c;
			generation_of[id[c]] = generation;
			held[i].auth_id = id[c]
		};
		/* ask_slot(); record_send(): a full ring is possible */
		atomic {
			held[i].mark = generation_of[id[c]];
			held[i].verdict = NONE;
			held[i].tid = t;
			held[i].deadline = true
		};
		atomic {
			if
			:: ring[c].q ! id[c]; open[c] = true
			:: entry_clear(i); held[i].auth_id = 0
			fi;
			i = 0;
			c++
		}
	:: c < CLIENTS && !client[c].gate -> c++
	:: c == CLIENTS -> break
	od;
again:	/* gate_round(); and question_ask() when the call has been started over */
	c = 0;
	look();
	/* lowest(), gate_sleep() */
	atomic {
		c = 0;
		do
		:: c < CLIENTS && !open[c] -> c++
		:: else -> break
		od;
		if
		:: c == CLIENTS -> goto decided
		:: c < CLIENTS && (client[c].broken || !client[c].gate) -> task[t].request = aborted
		:: c < CLIENTS && !(client[c].broken || !client[c].gate) ->
			task[t].request = queued;
			task[t].visit++;
			task[t].at = c
		fi
	};
	atomic {
		i = NOBODY;
		if
		:: task[t].request == replied || task[t].request == interrupted
		:: task[t].request == aborted ->		/* pending_give_up() */
			open[c] = false;
			if
			:: held[AT(c, id[c] % ENTRIES)].auth_id == id[c] ->
				i = AT(c, id[c] % ENTRIES);
				entry_clear(i)
			:: else
			fi
#ifdef KILL
		:: t == 0 && (task[t].request == queued || task[t].request == asleep) ->
			/* SIGKILL: on_exit() in bpf/notify/process.bpf.h, pending_drop(), drop_step() */
			if
			:: held[AT(c, id[c] % ENTRIES)].auth_id == id[c] ->
				entry_clear(AT(c, id[c] % ENTRIES));
				held[AT(c, id[c] % ENTRIES)].auth_id = 0
			:: else
			fi;
			task[t].request = awake;
			task[t].outcome = dead;
			goto ended
#endif
		fi;
		task[t].request = awake
	};
	if
	:: i != NOBODY -> held[i].auth_id = 0
	:: else
	fi;
	goto again;
decided:
	atomic {
		if
		:: refused -> task[t].outcome = denied
		:: else -> task[t].outcome = allowed
		fi;
		refused = false;
		c = 0;
		i = 0
	}
ended:
	skip
}

/* fuse_dev_do_write(): whoever sleeps in this very request; an old number finds nobody. */
inline reply(unique, how)
{
	if
	:: unique && task[TASK(unique)].request == asleep && UNIQUE(TASK(unique)) == unique ->
		task[TASK(unique)].request = how
	:: else
	fi
}

/* A signal: it comes back when that has been handled. handle_interrupt() in lib/gate-fuse.c. */
proctype Signal(byte t)
{
	byte e;

	if
	:: atomic { task[t].request == asleep && client[task[t].at].alive && !client[task[t].at].stopped &&
		    !client[task[t].at].locked ->
			do
			:: e < ENTRIES * CLIENTS && request[e] && TASK(request[e]) == t -> reply(request[e], interrupted); e++
			:: e < ENTRIES * CLIENTS && !(request[e] && TASK(request[e]) == t) -> e++
			:: e == ENTRIES * CLIENTS -> break
			od }
	:: task[t].outcome != running
	fi
}

/* ---- a client ---- */

#define RUNS(c) (client[c].alive && !client[c].stopped)
#define CALM(c) (!client[c].locked && !client[c].broken)

/* wake(), reply_to_entry(), with the lock held, which the caller has taken: the number is cleared after the reply */
inline wake(j)
{
	atomic { word = request[j]; reply(word, replied) };
	atomic {
		if
		:: request[j] == word -> request[j] = 0
		:: else
		fi;
		word = 0
	}
}

#define QUEUED(c, t) (!client[c].broken && task[t].request == queued && task[t].at == c)

/*
 * After read_request(): under the lock, which finds the entry by the thread, as entry_of() does. Between the two the
 * number is with the gate's thread only.
 */
inline arrive(c, u)
{
	atomic {
		!client[c].locked;
		client[c].locked = true;
		e = 0;
		do
		:: e < ENTRIES && !(held[AT(c, e)].tid == u && held[AT(c, e)].auth_id) -> e++
		:: else -> break
		od;
		if
		:: e < ENTRIES && client[c].closing && held[AT(c, e)].verdict == NONE && held[AT(c, e)].mark ->
			held[AT(c, e)].verdict = ALLOW
		:: else
		fi;
		if
		:: e == ENTRIES || held[AT(c, e)].verdict != NONE -> reply(UNIQUE(u), replied); e = ENTRIES
		:: else -> request[AT(c, e)] = UNIQUE(u)
		fi
	};
	if
	:: e < ENTRIES && held[AT(c, e)].verdict != NONE -> wake(AT(c, e))
	:: else
	fi;
	atomic { client[c].locked = false; e = 0 }
}

/* In lib/gate-fuse.c. */
inline let_all_go(c)
{
	client[c].closing = true;
	do
	:: e < ENTRIES ->	/* let_entry_go() */
		atomic {
			!client[c].locked;
			client[c].locked = true;
			if
			:: held[AT(c, e)].auth_id && held[AT(c, e)].mark && held[AT(c, e)].verdict == NONE ->
				held[AT(c, e)].verdict = ALLOW
			:: else -> client[c].locked = false
			fi
		};
		if
		:: client[c].locked -> wake(AT(c, e)); client[c].locked = false
		:: else
		fi;
		e++
	:: e == ENTRIES -> e = 0; break
	od;
	do
	:: t < TASKS ->
		if
		:: atomic { QUEUED(c, t) -> task[t].request = asleep }; arrive(c, t)
		:: !QUEUED(c, t)
		fi;
		t++
	:: t == TASKS -> t = 0; break
	od;
}

/* gate_thread() in lib/new-client.c; read_gate(), read_request() in lib/gate-fuse.c */
proctype Gate(byte c) provided (RUNS(c))
{
	byte t, e, word;

	do
	:: atomic { CALM(c) && QUEUED(c, 0) -> task[0].request = asleep }; arrive(c, 0)
#if TASKS > 1
	:: atomic { CALM(c) && QUEUED(c, 1) -> task[1].request = asleep }; arrive(c, 1)
#endif
	/* wake_due() */
	:: atomic { !client[c].locked && request[AT(c, 0)] && !task[TASK(request[AT(c, 0)])].sliced ->
			task[TASK(request[AT(c, 0)])].sliced = true; client[c].locked = true };
		wake(AT(c, 0));
		client[c].locked = false
	/* ES_CLIENT_FD_END: it goes on reading */
	:: !daemon_alive && !client[c].closing -> let_all_go(c)
	:: client[c].stopping || !client[c].connected -> break
	:: client[c].broken -> client[c].connected = false; break
	od;
	/* esl_gate_close() */
	let_all_go(c);
	atomic {
		!client[c].locked;
		client[c].closed = true;
		client[c].open = false;
		last_close(c)
	}
	atomic { client[c].connected = false; client[c].done = true }
}

/* es_respond_*(), answer(), decide(), set_verdict() in its steps */
proctype Responder(byte c) provided (RUNS(c))
{
	byte id, i, mark, seen, verdict, word;
	bool set;

	do
	:: atomic {
		ring[c].q ? id;
		if
		:: verdict = ALLOW
		:: verdict = DENY
		fi
	   };
	   atomic {
		!client[c].locked;
		client[c].locked = true;
		i = AT(c, id % ENTRIES);
		mark = held[i].mark;
		seen = held[i].verdict
	   };
	   if
	   :: client[c].closed || held[i].auth_id != id || seen != NONE -> skip
#ifndef BUG_ZERO_WORD
	   :: !client[c].closed && mark == 0 -> skip
#define NO_WORD (mark == 0)
#else
#define NO_WORD false
#endif
	   :: !(client[c].closed || held[i].auth_id != id || seen != NONE || NO_WORD) ->
		atomic {
			if
#ifdef BUG_NO_MARK
			:: held[i].verdict == seen ->
#else
			:: held[i].mark == mark && held[i].verdict == seen ->
#endif
				held[i].verdict = verdict;
				set = true;
				if
				:: verdict == DENY -> said_deny[id] = true
				:: else -> said_allow[id] = true
				fi
			:: else		/* it looks again, and finds another claim or an answer */
			fi
		}
	   fi;
	   if
	   :: set -> wake(i)
	   :: else
	   fi;
	   atomic { client[c].locked = false; id = 0; i = 0; mark = 0; seen = 0; verdict = 0; set = false }
	:: client[c].done -> break
	od
}

proctype Deleter(byte c) provided (RUNS(c))
{
	client[c].stopping = true
}

/* ---- the daemon ---- */

/* Its last descriptor of the connection is the daemon's, or the warden's, who abort it. */
inline kill_client(c)
{
	client[c].alive = false;
	client[c].connected = false;
	client[c].open = false
}

/*
 * esd_watch_late(), entry_settled(), esd_watch_kills() in daemon/hold/watch.c. What is behind its deadline has no verdict, or
 * it has one, and its task still sleeps: then it is woken, or, if its request is with the client, this is killed.
 */
#define SLEEPS(j) (held[j].tid != NOBODY && (task[held[j].tid].request == queued || task[held[j].tid].request == asleep))
#define MINDED(j) (held[j].auth_id && held[j].deadline)
#define MISSED(j) (MINDED(j) && held[j].verdict == NONE)
#ifdef BUG_UNWOKEN_NOT_MINDED
#define UNWOKEN(j) false
#else
#define UNWOKEN(j) (MINDED(j) && held[j].verdict != NONE && SLEEPS(j))
#endif
#define TAKEN_ALONG(j) (UNWOKEN(j) && !request[j] && task[held[j].tid].request == asleep)

#if ENTRIES == 1
#define LATE(c) (AT(c, 0))
#define ANY_LATE(c) (MISSED(AT(c, 0)) || UNWOKEN(AT(c, 0)))
#else
#define LATE(c) ((MISSED(AT(c, 0)) || UNWOKEN(AT(c, 0))) -> AT(c, 0) : AT(c, 1))
#define ANY_LATE(c) (MISSED(AT(c, 0)) || UNWOKEN(AT(c, 0)) || MISSED(AT(c, 1)) || UNWOKEN(AT(c, 1)))
#endif

proctype Daemon(byte c) provided (daemon_alive)
{
	byte e, word;

	do
	:: client[c].connected && client[c].alive && ANY_LATE(c) ->
		atomic {
			e = (LATE(c));
			if
			:: MISSED(e) ->
#ifdef MISS_DENY
				/* verdict_give() */
				if
				:: held[e].mark -> held[e].verdict = DENY; policy[held[e].tid] = true
				:: else
				fi
#else
				kill_client(c)
#endif
			:: TAKEN_ALONG(e) -> kill_client(c)
			:: else
			fi
		};
		if
		:: !client[c].alive -> break
		:: else
		fi;
		/* wake_fuse(), fuse_read_for_client() */
		atomic {
			if
			:: !request[e] && held[e].tid != NOBODY && task[held[e].tid].request == queued &&
			   task[held[e].tid].at == e / ENTRIES ->
				task[held[e].tid].request = asleep;
				request[e] = UNIQUE(held[e].tid)
			:: else
			fi
		};
		atomic { word = request[e]; reply(word, replied) };
		atomic {
			if
			:: request[e] == word -> request[e] = 0
			:: else
			fi;
			word = 0;
			e = 0
		}
	:: !client[c].connected || !client[c].alive -> break
	od;
	/* lsm_client_let_go(), then lsm_client_clear(): the next client gets another array */
	client[c].gate = false;
#ifndef BUG_NO_ABORT
	atomic { abort(c) }
#endif
	atomic {
		e = 0;
		do
		:: e < ENTRIES -> held[AT(c, e)].auth_id = 0; e++
		:: else -> e = 0; break
		od
	}
}

/*
 * First the kernel programs tell of it: daemon_gone() in bpf/hold/pending.bpf.h. Then its descriptors are closed, one after the
 * other, and its gates' processes die with it (PR_SET_PDEATHSIG).
 */
proctype DaemonKiller()
{
	byte c;

	daemon_alive = false;
	atomic {
		do
		:: c < CLIENTS ->
			client[c].gate = false;
			client[c].connected = false;
			c++
		:: else -> c = 0; break
		od
	};
#ifdef NO_WARDEN
	atomic {
		daemon_open = false;
		do
		:: c < CLIENTS -> last_close(c); c++
		:: else -> c = 0; break
		od
	}
#endif
}

/* warden_finish() in daemon/hold/warden.c, esd_watch_let_go() */
proctype Warden(byte c)
{
	byte e;

	!daemon_alive;
	atomic {		/* allow_entries() */
		do
		:: e < ENTRIES ->
			if
			:: held[AT(c, e)].auth_id && held[AT(c, e)].mark && held[AT(c, e)].verdict == NONE ->
				held[AT(c, e)].verdict = ALLOW
			:: else
			fi;
			e++
		:: else -> e = 0; break
		od
	};
#ifndef BUG_WARDEN_NO_ABORT
	atomic { abort(c) }
#endif
}

proctype Stopper(byte c)
{
	client[c].stopped = true;
	if
	:: client[c].stopped = false
	:: skip
	fi
}

/* When nothing can happen any more. */
proctype Observer()
{
	byte t, id;

	timeout;
	d_step {
		do
		:: t < TASKS ->
			assert(task[t].outcome != running);
			t++
		:: else -> break
		od;
		id = 1;
		do
		:: id < IDS ->
			if
			:: task_of[id] != NOBODY ->
				assert(!(said_deny[id] && said_allow[id]));
				assert(!(said_deny[id] || said_allow[id]) || !policy[task_of[id]]);
				/*
				 * Any denial that was taken denies, unless the daemon has removed the client by then, with
				 * all its entries.
				 */
				assert(!said_deny[id] || !client[client_of[id]].connected || !daemon_alive ||
				       task[task_of[id]].outcome == denied || task[task_of[id]].outcome == dead);
				/* No entry is left to be taken for a missed deadline. */
				assert(held[AT(client_of[id], id % ENTRIES)].auth_id != id)
			:: else
			fi;
			id++
		:: else -> break
		od
	}
}

init {
	atomic {
		run Task(0);
		run Gate(0);
		run Responder(0);
		run Daemon(0);
#ifdef TWO_CLIENTS
		run Gate(1);
		run Responder(1);
		run Daemon(1);
#endif
#if TASKS > 1
		run Task(1);
#endif
#ifdef SIGNAL
		run Signal(0);
#endif
#ifdef DELETE
		run Deleter(0);
#endif
#ifdef DAEMON_DIES
		run DaemonKiller();
#ifndef NO_WARDEN
		run Warden(0);
#endif
#endif
#ifdef STOP
		run Stopper(0);
#endif
		run Observer()
	}
}
