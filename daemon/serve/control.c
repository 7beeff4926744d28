/* SPDX-License-Identifier: MIT */
#include "daemon/serve/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/sensor/event.h"
#include "daemon/serve/client.h"
#include "daemon/serve/daemon.h"
#include "daemon/serve/peer.h"
#include "daemon/serve/status.h"
#include "util/macro.h"

static const char *const complaints[] = {
	[ESD_CONTROL_BAD_SIZE] = "a packet of the wrong size",
	[ESD_CONTROL_BAD_VERSION] = "it is of another version than this daemon; install library and daemon together",
	[ESD_CONTROL_BAD_OP] = "an unknown request",
	[ESD_CONTROL_BAD_STATE] = "a request that is for clients only, or a client that wants to become one",
	[ESD_CONTROL_UNREAD] = "it doesn't read its replies",
};

const char *esd_control_complaint(int result)
{
	return complaints[result];
}

int esd_control_reply(struct esd_peer *peer, const struct es_reply *reply, const void *data,
		      const int *fds, unsigned int fd_count)
{
	struct iovec iov[] = {
		{ .iov_base = (void *)reply, .iov_len = sizeof(*reply) },
		{ .iov_base = (void *)data, .iov_len = reply->data_bytes },
	};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * ES_CLIENT_FDS)];
	} control = {};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = reply->data_bytes ? 2 : 1 };

	esd_daemon_save(peer->daemon);		/* what the peer is told holds, whatever happens to this daemon */
	if (fd_count) {
		control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int) * fd_count),
						   .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * fd_count);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
	}
	if (sendmsg(peer->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno == EAGAIN ? ESD_CONTROL_UNREAD : ESD_CONTROL_END;
	return 0;
}

/* ---- requests: each fills in the reply and sends it ---- */

struct dispatch {
	struct esd_peer *peer;
	const struct es_request *request;
	struct es_reply reply;
};

static void reply_types(struct dispatch *call)
{
	memcpy(call->reply.types, call->peer->client->types, sizeof(call->reply.types));
}

/* Adds a type that can deliver no event, so that the library can warn of it: see ES_REQUEST_MUTE. */
static void reply_silent(struct dispatch *call)
{
	const struct esd_client *client = call->peer->client;

	call->reply.value = (uint32_t)(esd_mutes_silent(&client->mutes, client->types) + 1);
}

static int call_client(struct dispatch *call)
{
	struct esd_peer *peer = call->peer;
	struct esd_client *client;
	pid_t group;
	int r;

	r = esd_client_new(&client, peer);
	if (r) {
		call->reply.error = r < 0 ? -r : r;
		return esd_control_reply(peer, &call->reply, NULL, NULL, 0);
	}
	peer->client = client;
	call->reply.slot = client->slot;
	call->reply.ring_bytes = peer->daemon->ring_bytes;
	call->reply.from_monotonic = peer->daemon->sensor->from_monotonic;
	call->reply.from_boot = peer->daemon->sensor->from_boot;
	call->reply.pidversion = peer->daemon->sensor->ops->pidversion(peer->daemon->sensor, client->pidfd);
	call->reply.pid = client->pid;
	group = getpgid(client->pid);
	call->reply.group = group > 0 ? group : 0;
	return esd_control_reply(peer, &call->reply, NULL, client->given.fds, ES_CLIENT_FDS);
}

static int call_subscribe(struct dispatch *call)
{
	uint32_t refused = 0;
	int r = esd_client_subscribe(call->peer->client, call->request->types, &refused);

	if (r == EAGAIN)
		return ESD_CONTROL_AGAIN;
	call->reply.error = r < 0 ? -r : r;
	call->reply.refused_type = refused;
	reply_types(call);
	reply_silent(call);
	return esd_control_reply(call->peer, &call->reply, NULL, NULL, 0);
}

static int call_unsubscribe(struct dispatch *call)
{
	int r = esd_client_unsubscribe(call->peer->client, call->request->types);

	call->reply.error = r < 0 ? -r : r;
	reply_types(call);
	return esd_control_reply(call->peer, &call->reply, NULL, NULL, 0);
}

static int call_clear_cache(struct dispatch *call)
{
	call->reply.error = esd_client_clear_cache(call->peer->client);
	reply_types(call);
	return esd_control_reply(call->peer, &call->reply, NULL, NULL, 0);
}

static int reply_data(struct dispatch *call, const void *data, size_t entry, unsigned int count)
{
	call->reply.count = count;
	call->reply.data_bytes = entry * count;
	return esd_control_reply(call->peer, &call->reply, data, NULL, 0);
}

/* Only users who may be clients may know what others run and watch. */
static bool may_know(const struct dispatch *call)
{
	return esd_daemon_serves(call->peer->daemon, call->peer->uid);
}

static int call_clients(struct dispatch *call)
{
	struct es_client_info info[ES_CLIENTS_MAX];

	if (!may_know(call)) {
		call->reply.error = EPERM;
		return reply_data(call, NULL, 0, 0);
	}
	return reply_data(call, info, sizeof(info[0]), esd_status_clients(call->peer->daemon, info));
}

static int reply_setting(struct dispatch *call, int error)
{
	call->reply.error = error;
	reply_types(call);
	return esd_control_reply(call->peer, &call->reply, NULL, NULL, 0);
}

static int call_set_miss_mode(struct dispatch *call)
{
	return reply_setting(call, esd_client_set_miss_mode(call->peer->client, call->request->value));
}

static int call_get_miss_mode(struct dispatch *call)
{
	call->reply.value = call->peer->client->watch.settings->miss_mode;
	return reply_setting(call, 0);
}

static int call_set_deadline_max(struct dispatch *call)
{
	return reply_setting(call, esd_client_set_deadline_max(call->peer->client, call->request->types,
							       call->request->value));
}

static int call_get_deadline_max(struct dispatch *call)
{
	return reply_setting(call, esd_client_get_deadline_max(call->peer->client, call->request->value,
							       &call->reply.value));
}

static int call_set_deadline_min(struct dispatch *call)
{
	return reply_setting(call, esd_client_set_deadline_min(call->peer->client, call->request->types,
							       call->request->value));
}

static int call_get_deadline_min(struct dispatch *call)
{
	return reply_setting(call, esd_client_get_deadline_min(call->peer->client, call->request->value,
							       &call->reply.value));
}

static int call_notes(struct dispatch *call)
{
	struct es_note_info info[ESD_NOTES];

	if (!may_know(call)) {
		call->reply.error = EPERM;
		return reply_data(call, NULL, 0, 0);
	}
	return reply_data(call, info, sizeof(info[0]), esd_notes_list(&call->peer->daemon->notes, info));
}

static int call_status(struct dispatch *call)
{
	struct es_status_info info;

	esd_status_daemon(call->peer->daemon, &info);
	return reply_data(call, &info, sizeof(info), 1);
}

static int call_capabilities(struct dispatch *call)
{
	static const uint64_t all[ES_TYPE_WORDS] = { UINT64_MAX, UINT64_MAX, UINT64_MAX };
	struct esd_sensor *sensor = call->peer->daemon->sensor;
	const uint64_t *types = call->request->types;
	int r = 0;

	/* Loading programs costs memory and time, so only a possible client may cause it. Others get what is known. */
	if (may_know(call))
		r = sensor->ops->load(sensor, types[0] | types[1] | types[2] ? types : all);
	if (r > 0)
		return ESD_CONTROL_AGAIN;
	call->reply.error = -r;
	if (r < 0)
		return reply_data(call, NULL, 0, 0);
	return reply_data(call, sensor->capabilities, sizeof(sensor->capabilities[0]), ES_EVENT_TYPES);
}

/* ---- muting ---- */

static int reply_mutes(struct dispatch *call, int r)
{
	call->reply.error = r < 0 ? -r : r;
	call->reply.inverted = call->peer->client->mutes.summary.client.inverted;
	reply_types(call);
	reply_silent(call);
	return esd_control_reply(call->peer, &call->reply, NULL, NULL, 0);
}

static int call_mute(struct dispatch *call)
{
	const struct es_request *request = call->request;

	return reply_mutes(call, esd_mutes_add(&call->peer->client->mutes, request->kind, request + 1,
					       request->data_bytes, request->types));
}

static int call_unmute(struct dispatch *call)
{
	const struct es_request *request = call->request;

	return reply_mutes(call, esd_mutes_remove(&call->peer->client->mutes, request->kind, request + 1,
						  request->data_bytes, request->types));
}

static int call_unmute_all(struct dispatch *call)
{
	return reply_mutes(call, esd_mutes_remove_all(&call->peer->client->mutes, call->request->kind));
}

static int call_invert(struct dispatch *call)
{
	return reply_mutes(call, esd_mutes_invert(&call->peer->client->mutes, call->request->kind));
}

enum { MUTES_PAGE = 32768 };		/* bytes; the longest entry fits */

/* Appends an entry to a page of `used` bytes; false: it has no room. */
static bool page_put(char page[MUTES_PAGE], uint32_t *used, const struct esd_mute *mute)
{
	struct es_mute_info info = { .kind = mute->kind, .bytes = mute->length };
	const void *data = mute->path;
	uint32_t whole;

	if (mute->kind == ES_MUTE_PROCESS) {
		info.bytes = sizeof(mute->token);
		data = &mute->token;
	}
	memcpy(info.types, mute->types, sizeof(info.types));
	whole = sizeof(info) + ((info.bytes + 7) & ~7u);
	if (*used + whole > MUTES_PAGE)
		return false;
	memset(page + *used, 0, whole);
	memcpy(page + *used, &info, sizeof(info));
	memcpy(page + *used + sizeof(info), data, info.bytes);
	*used += whole;
	return true;
}

static int reply_page(struct dispatch *call, struct esd_mutes *mutes)
{
	const struct esd_mute *mute;
	char page[MUTES_PAGE];

	for (mute = esd_mutes_after(mutes, call->request->cursor); mute; mute = TAILQ_NEXT(mute, link)) {
		if (!page_put(page, &call->reply.data_bytes, mute))
			break;
		call->reply.count++;
		call->reply.cursor = mute->id;
	}
	if (!mute)
		call->reply.cursor = 0;
	call->reply.inverted = mutes->summary.client.inverted;
	return esd_control_reply(call->peer, &call->reply, page, NULL, 0);
}

static int call_mutes(struct dispatch *call)
{
	return reply_page(call, &call->peer->client->mutes);
}

static int call_mutes_of(struct dispatch *call)
{
	struct esd_daemon *daemon = call->peer->daemon;
	uint32_t slot = call->request->slot;

	if (!may_know(call))
		call->reply.error = EPERM;
	else if (slot >= ES_CLIENTS_MAX || !daemon->clients[slot])
		call->reply.error = ESRCH;
	if (call->reply.error)
		return reply_data(call, NULL, 0, 0);
	return reply_page(call, &daemon->clients[slot]->mutes);
}

/* ---- the cache ---- */

static int call_cache(struct dispatch *call)
{
	struct esd_sensor *sensor = call->peer->daemon->sensor;
	struct es_cache_info info = {};

	sensor->ops->cache_info(sensor, &info);
	return reply_data(call, &info, sizeof(info), 1);
}

/* ---- identity ---- */

/* The first request starts the threads that examine files. */
static int call_identity(struct dispatch *call)
{
	struct esd_identity *identity = call->peer->daemon->identity;
	int fds[ES_IDENTITY_FDS];
	int r;

	if (!may_know(call))
		call->reply.error = EPERM;
	else if (!identity)
		call->reply.error = ENODATA;
	if (call->reply.error)
		return reply_data(call, NULL, 0, 0);
	r = esd_identity_start(identity);
	call->reply.error = -r;
	if (r < 0)
		return reply_data(call, NULL, 0, 0);
	esd_identity_fds(identity, fds);
	return esd_control_reply(call->peer, &call->reply, NULL, fds, ES_IDENTITY_FDS);
}

enum state {
	STATE_ANONYMOUS,
	STATE_CLIENT,
	STATE_ANY,
};

static const struct {
	int (*call)(struct dispatch *call);
	enum state state;
	bool data;			/* may follow the struct */
} requests[] = {
	[ES_REQUEST_CLIENT] = { call_client, STATE_ANONYMOUS, false },
	[ES_REQUEST_SUBSCRIBE] = { call_subscribe, STATE_CLIENT, false },
	[ES_REQUEST_UNSUBSCRIBE] = { call_unsubscribe, STATE_CLIENT, false },
	[ES_REQUEST_CLEAR_CACHE] = { call_clear_cache, STATE_CLIENT, false },
	[ES_REQUEST_CLIENTS] = { call_clients, STATE_ANY, false },
	[ES_REQUEST_STATUS] = { call_status, STATE_ANY, false },
	[ES_REQUEST_CAPABILITIES] = { call_capabilities, STATE_ANY, false },
	[ES_REQUEST_NOTES] = { call_notes, STATE_ANY, false },
	[ES_REQUEST_SET_MISS_MODE] = { call_set_miss_mode, STATE_CLIENT, false },
	[ES_REQUEST_GET_MISS_MODE] = { call_get_miss_mode, STATE_CLIENT, false },
	[ES_REQUEST_SET_DEADLINE_MAX] = { call_set_deadline_max, STATE_CLIENT, false },
	[ES_REQUEST_GET_DEADLINE_MAX] = { call_get_deadline_max, STATE_CLIENT, false },
	[ES_REQUEST_SET_DEADLINE_MIN] = { call_set_deadline_min, STATE_CLIENT, false },
	[ES_REQUEST_GET_DEADLINE_MIN] = { call_get_deadline_min, STATE_CLIENT, false },
	[ES_REQUEST_MUTE] = { call_mute, STATE_CLIENT, true },
	[ES_REQUEST_UNMUTE] = { call_unmute, STATE_CLIENT, true },
	[ES_REQUEST_UNMUTE_ALL] = { call_unmute_all, STATE_CLIENT, false },
	[ES_REQUEST_INVERT] = { call_invert, STATE_CLIENT, false },
	[ES_REQUEST_MUTES] = { call_mutes, STATE_CLIENT, false },
	[ES_REQUEST_MUTES_OF] = { call_mutes_of, STATE_ANY, false },
	[ES_REQUEST_CACHE] = { call_cache, STATE_ANY, false },
	[ES_REQUEST_IDENTITY] = { call_identity, STATE_ANY, false },
};

/* Another version may have requests of another size. So check the version first, and send a reply. */
static int other_version(struct dispatch *call)
{
	call->reply.error = EPROTO;
	(void)esd_control_reply(call->peer, &call->reply, NULL, NULL, 0);
	return ESD_CONTROL_BAD_VERSION;
}

int esd_control_dispatch(struct esd_peer *peer, const struct es_request *request, size_t size, bool cut)
{
	struct dispatch call = { .peer = peer, .request = request };
	enum state state = peer->client ? STATE_CLIENT : STATE_ANONYMOUS;

	call.reply.sensor = peer->daemon->sensor->number;
	if (size < offsetof(struct es_request, types))
		return ESD_CONTROL_BAD_SIZE;
	call.reply.op = request->op;
	if (request->abi != ES_ABI_VERSION)
		return other_version(&call);
	if (size < sizeof(*request) || size - sizeof(*request) != request->data_bytes || cut)
		return ESD_CONTROL_BAD_SIZE;
	if (request->op >= ARRAY_SIZE(requests) || !requests[request->op].call)
		return ESD_CONTROL_BAD_OP;
	if (request->data_bytes && !requests[request->op].data)
		return ESD_CONTROL_BAD_SIZE;
	if (requests[request->op].state != STATE_ANY && requests[request->op].state != state)
		return ESD_CONTROL_BAD_STATE;
	return requests[request->op].call(&call);
}
