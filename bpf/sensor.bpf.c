/* SPDX-License-Identifier: GPL-2.0-only OR MIT */

/*
 * (1) The tracepoint sensor, for kernels where LSM programs don't load. Its programs, in the order in which an event
 * passes:
 *
 *	on_sys_enter	sys_enter		of the kinds of calls that have to be seen before they are done
 *	on_sys_exit	sys_exit		of all kinds in abi/syscalls.def: files, mounts, sockets, ids
 *	on_call_over	sys_exit		of calls that may start over: hold/question.bpf.h
 *	on_fork, on_exec, on_exit, on_signal, fill_tasks	processes: notify/process.bpf.h
 *	on_module_*	module_load, module_free
 *	ask		run by the library for an operation that waits at its gate: hold/fanotify.bpf.h
 *
 *	follow_look, follow_guard	may a task sleep at a hook? hold/follow.bpf.h
 *
 * The rest (enter_*, exit_*) is reached from the first two by tail call.
 */

#include "bpf/hold/attribute.bpf.h"
#include "bpf/hold/fanotify.bpf.h"
#include "bpf/hold/file.bpf.h"
#include "bpf/hold/name.bpf.h"
#include "bpf/hold/process.bpf.h"
#include "bpf/hold/system.bpf.h"
#include "bpf/notify/attribute.bpf.h"
#include "bpf/notify/dispatch.bpf.h"
#include "bpf/notify/file.bpf.h"
#include "bpf/notify/name.bpf.h"
#include "bpf/notify/process.bpf.h"
#include "bpf/notify/system.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";
