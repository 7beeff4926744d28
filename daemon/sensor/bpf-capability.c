/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/bpf-capability.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/sensor/bpf-needed.h"
#include "daemon/sensor/event.h"
#include "daemon/sensor/select.h"
#include "util/macro.h"

/* A kernel that was started with audit=0 has no such sockets, and then programs send no messages. */
bool esd_bpf_told_of_users(void)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

	return fd >= 0 || errno != EPROTONOSUPPORT;
}

static enum es_capability notify_capability(unsigned int type, char *how, size_t size)
{
	const struct esd_event *event = &esd_events[type];

	if (!strcmp(event->tracepoint, "-")) {
		snprintf(how, size, "no system call or tracepoint tells it");
		return ES_CAN_BE_SILENT;
	}
	snprintf(how, size, "%s", event->tracepoint);
	return ES_CAN_DELIVER;
}

/* Of what the kernel programs see themselves. */
static enum es_capability kernel_capability(struct esd_bpf *s, unsigned int type, char *how, size_t size)
{
	const struct esd_event *event = &esd_events[type];
	bool auth = event->answer != ESD_ANSWER_NONE;
	uint64_t types[ES_TYPE_WORDS] = {};
	enum es_capability can;
	struct esd_want want;
	int r;

	if (!s->told_of_users && event->calls >> ES_KIND_SEND & 1) {
		snprintf(how, size, "this kernel has no auditing, or was started with audit=0: programs say nothing");
		return ES_CAN_BE_SILENT;
	}
	can = auth ? s->hold->capability(s, type, how, size) : notify_capability(type, how, size);
	if (!auth && esd_objects_tell(&s->objects, type, how, size))
		return ES_CAN_DELIVER;
	esd_types_add(types, type);
	want = esd_bpf_want(s, types);
	if (can != ES_CAN_DELIVER && can != ES_CAN_HOLD)
		return can;
	r = esd_tracepoints_refuse(&s->tracepoints, &want, how, size);
	if (r == -ENOENT && !auth)
		return ES_CAN_BE_SILENT;
	return r < 0 ? ES_CAN_NOT : can;
}

/* The daemon can make these events only if it receives others: closes or renames, at the least. */
static enum es_capability reports_capability(struct esd_bpf *s, unsigned int type, char *how, size_t size)
{
	static const unsigned int least[] = { ESD_NOTIFY_CLOSE, ESD_NOTIFY_RENAME };

	for (size_t i = 0; i < ARRAY_SIZE(least); i++) {
		enum es_capability can = kernel_capability(s, least[i], how, size);

		if (can != ES_CAN_DELIVER)
			return can;
	}
	if (s->reports[0].program->error) {
		snprintf(how, size, "the kernel refuses the program report: %s", strerror(-s->reports[0].program->error));
		return ES_CAN_NOT;
	}
	snprintf(how, size, "%s", esd_events[type].tracepoint);
	return ES_CAN_DELIVER;
}

/* These come of the bus, however the kernel's events do. */
static enum es_capability sessions_capability(const struct esd_bpf *s, unsigned int type, char *how, size_t size)
{
	if (s->sessions.program->error) {
		snprintf(how, size, "the kernel refuses the program report_of: %s",
			 strerror(-s->sessions.program->error));
		return ES_CAN_NOT;
	}
	if (!esd_session_reports_tell(&s->sessions, how, size))
		return ES_CAN_BE_SILENT;
	snprintf(how, size, "%s", esd_events[type].tracepoint);
	return ES_CAN_DELIVER;
}

static enum es_capability capability(struct esd_bpf *s, unsigned int type, char *how, size_t size)
{
	const struct esd_event *event = &esd_events[type];

	if (!strncmp(event->name, "RESERVED_", strlen("RESERVED_"))) {
		snprintf(how, size, "a reserved number");
		return ES_CAN_NOT;
	}
	if (event->wait == ESD_WAIT_ABSENT) {
		snprintf(how, size, "Linux has no such operation");
		return ES_CAN_NEVER_HAPPEN;
	}
	if (esd_session_reports_type(type))
		return sessions_capability(s, type, how, size);
	if (event->wait == ESD_WAIT_TOLD)
		return reports_capability(s, type, how, size);
	return kernel_capability(s, type, how, size);
}

void esd_bpf_capabilities(struct esd_bpf *s, const uint64_t types[ES_TYPE_WORDS])
{
	unsigned int type;

	for (type = esd_types_next(types, 0); type < ES_EVENT_TYPES; type = esd_types_next(types, type + 1)) {
		struct es_capability_info *info = &s->base.capabilities[type];

		info->capability = capability(s, type, info->how, sizeof(info->how));
	}
}
