/* SPDX-License-Identifier: GPL-2.0-only OR MIT */

/*
 * The kernel programs of both sensors: one object. The daemon decides which to attach, and when (daemon/sensor/).
 *
 *	notify/		tracepoints and hooks: report what was done (N1)
 *	hold/		LSM hooks: ask about what is to be done (A1)
 *	notify/report	run by the daemon, for the events that it reports
 *	hold/fanotify	run by the library, for tasks that wait at a fanotify group (F2)
 *	cache/		LSM hooks: a change of a file ends the answers about it
 *
 * docs/event-path.md follows an event through all of them.
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
#include "bpf/notify/object-attribute.bpf.h"
#include "bpf/notify/object-file.bpf.h"
#include "bpf/notify/object-name.bpf.h"
#include "bpf/notify/object-system.bpf.h"
#include "bpf/notify/process.bpf.h"
#include "bpf/notify/report.bpf.h"
#include "bpf/notify/system.bpf.h"
#include "bpf/notify/user.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";
