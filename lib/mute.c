/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "events.h"
#include "log.h"
#include "util/macro.h"

/*
 * The daemon keeps what this client has muted. Each call is one request, and the change is in force when the reply
 * comes. Any thread may call, also the handler's. A list is one block, made of the pages that the daemon sends.
 */

_Static_assert((int)ES_MUTE_PATH_TYPE_PREFIX == ES_MUTE_EXE_PREFIX &&
	       (int)ES_MUTE_PATH_TYPE_LITERAL == ES_MUTE_EXE_LITERAL &&
	       (int)ES_MUTE_PATH_TYPE_TARGET_PREFIX == ES_MUTE_TARGET_PREFIX &&
	       (int)ES_MUTE_PATH_TYPE_TARGET_LITERAL == ES_MUTE_TARGET_LITERAL, "kinds of paths");
_Static_assert((int)ES_MUTE_INVERSION_TYPE_PROCESS == ES_STAGE_PROCESS &&
	       (int)ES_MUTE_INVERSION_TYPE_PATH == ES_STAGE_PATH &&
	       (int)ES_MUTE_INVERSION_TYPE_TARGET_PATH == ES_STAGE_TARGET, "stages");
_Static_assert(sizeof(struct es_token) == sizeof(audit_token_t), "a token is its eight words");

static void explain(int error)
{
	switch (error) {
	case EDQUOT:
		esl_log("cannot mute more: a client may have 65536 entries, and all clients together 262144; a prefix "
			"takes one for a whole directory");
		break;
	case EINVAL:
	case ESRCH:
		break;			/* the caller's mistake, which the result says */
	default:
		esl_log("the daemon refused a change of what is muted (%s); its log says why", esl_errno(error));
	}
}

static es_return_t ask(es_client_t *pointer, const struct es_request *request, const void *data,
		       uint32_t *ret_inverted)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);
	struct es_reply reply;
	int r;

	if (!client || atomic_load(&client->ended))
		return ES_RETURN_ERROR;
	r = esl_control_ask(&client->control, request, data, &reply, NULL, 0);
	if (r > 0)
		explain(r);
	if (r == 0 && ret_inverted)
		*ret_inverted = reply.inverted;
	if (r == 0)
		esl_client_say_silent(client, &reply);
	return r == 0 ? ES_RETURN_SUCCESS : ES_RETURN_ERROR;
}

static void all_types(uint64_t types[ES_TYPE_WORDS])
{
	for (uint32_t type = 0; type < ES_EVENT_TYPES; type++)
		esl_types_add(types, type);
}

/* Numbers that are no event are skipped. False: there is a count, but no list. */
static bool collect(const es_event_type_t *events, size_t count, uint64_t types[ES_TYPE_WORDS])
{
	if (!events && count)
		return false;
	for (size_t i = 0; i < count; i++)
		if ((unsigned int)events[i] < ES_EVENT_TYPES)
			esl_types_add(types, events[i]);
	return true;
}

/* ---- processes ---- */

/* `request` has the types. */
static es_return_t edit_process(es_client_t *client, enum es_request_op op, const audit_token_t *token,
				struct es_request *request)
{
	if (!token)
		return ES_RETURN_ERROR;
	request->abi = ES_ABI_VERSION;
	request->op = op;
	request->kind = ES_MUTE_PROCESS;
	request->data_bytes = sizeof(*token);
	return ask(client, request, token, NULL);
}

es_return_t es_mute_process(es_client_t *client, const audit_token_t *audit_token)
{
	struct es_request request = {};

	all_types(request.types);
	return edit_process(client, ES_REQUEST_MUTE, audit_token, &request);
}

es_return_t es_mute_process_events(es_client_t *client, const audit_token_t *audit_token,
				   const es_event_type_t *events, size_t event_count)
{
	struct es_request request = {};

	if (!collect(events, event_count, request.types))
		return ES_RETURN_ERROR;
	return edit_process(client, ES_REQUEST_MUTE, audit_token, &request);
}

es_return_t es_unmute_process(es_client_t *client, const audit_token_t *audit_token)
{
	struct es_request request = {};

	all_types(request.types);
	return edit_process(client, ES_REQUEST_UNMUTE, audit_token, &request);
}

es_return_t es_unmute_process_events(es_client_t *client, const audit_token_t *audit_token,
				     const es_event_type_t *events, size_t event_count)
{
	struct es_request request = {};

	if (!collect(events, event_count, request.types))
		return ES_RETURN_ERROR;
	return edit_process(client, ES_REQUEST_UNMUTE, audit_token, &request);
}

/* ---- paths ---- */

enum { WARNINGS_MAX = 16 };		/* of this process; a loop that gets it wrong would fill a log */

static bool may_warn(void)
{
	static _Atomic unsigned int warnings;

	return atomic_fetch_add(&warnings, 1) < WARNINGS_MAX;
}

static bool is_target(es_mute_path_type_t type)
{
	return type == ES_MUTE_PATH_TYPE_TARGET_PREFIX || type == ES_MUTE_PATH_TYPE_TARGET_LITERAL;
}

static bool is_prefix(es_mute_path_type_t type)
{
	return type == ES_MUTE_PATH_TYPE_PREFIX || type == ES_MUTE_PATH_TYPE_TARGET_PREFIX;
}

/*
 * The path without links; NULL if it has none, or doesn't exist. A prefix may end within a name, so only its
 * directory is resolved.
 */
static char *other_spelling(const char *path, bool prefix)
{
	_cleanup_free_ char *copy = strdup(path), *found = NULL;
	size_t length;

	if (!copy)
		return NULL;
	if (prefix)
		*(strrchr(copy, '/') + 1) = '\0';
	length = strlen(copy);
	if (length > 1 && copy[length - 1] == '/')
		copy[length - 1] = '\0';
	found = realpath(copy, NULL);
	return found && strcmp(found, copy) ? TAKE_POINTER(found) : NULL;
}

/* Mutes are compared as text with messages' paths. One that no message can have is logged, and is no error. */
static void warn_of_path(const char *path, es_mute_path_type_t type)
{
	_cleanup_free_ char *other = NULL;

	if (*path != '/' && !(is_target(type) && *path == '@') && !(is_prefix(type) && !*path)) {
		if (may_warn())
			esl_log("\"%s\" is muted, and no event has such a path: they begin with /", path);
		return;
	}
	other = *path == '/' ? other_spelling(path, is_prefix(type)) : NULL;
	if (other && may_warn())
		esl_log("\"%s\" is muted, but events have the path without links, which begins with %s", path, other);
}

static es_return_t edit_path(es_client_t *client, enum es_request_op op, const char *path, es_mute_path_type_t type,
			     struct es_request *request)
{
	size_t length = path ? strnlen(path, ES_MUTE_PATH_BYTES) : 0;
	es_return_t result;

	if (!path || (unsigned int)type >= ES_MUTE_PATH_KINDS)
		return ES_RETURN_ERROR;
	if (length >= ES_MUTE_PATH_BYTES) {
		if (op == ES_REQUEST_MUTE && may_warn())
			esl_log("\"%.60s...\" is not muted: a path can have %d bytes", path, ES_MUTE_PATH_BYTES - 1);
		return ES_RETURN_ERROR;
	}
	request->abi = ES_ABI_VERSION;
	request->op = op;
	request->kind = type;
	request->data_bytes = (uint32_t)length;
	result = ask(client, request, path, NULL);
	if (result == ES_RETURN_SUCCESS && op == ES_REQUEST_MUTE)
		warn_of_path(path, type);
	return result;
}

es_return_t es_mute_path(es_client_t *client, const char *path, es_mute_path_type_t type)
{
	struct es_request request = {};

	all_types(request.types);
	return edit_path(client, ES_REQUEST_MUTE, path, type, &request);
}

/* Is a type among them that acts on something that has a path? */
static bool has_target(const uint64_t types[ES_TYPE_WORDS])
{
	static const uint8_t targets[ES_EVENT_TYPES] = {
#define ES_EVENT(name, number, payload, ...) [number] = (uint8_t)ES_TARGET_OF_##payload,
#include "abi/events.def"
	};

	for (uint32_t type = 0; type < ES_EVENT_TYPES; type++)
		if (esl_types_has(types, type) && targets[type] != ES_TARGET_NONE)
			return true;
	return false;
}

es_return_t es_mute_path_events(es_client_t *client, const char *path, es_mute_path_type_t type,
				const es_event_type_t *events, size_t event_count)
{
	struct es_request request = {};

	if (!collect(events, event_count, request.types))
		return ES_RETURN_ERROR;
	if (is_target(type) && !has_target(request.types))
		return ES_RETURN_ERROR;
	return edit_path(client, ES_REQUEST_MUTE, path, type, &request);
}

es_return_t es_mute_path_prefix(es_client_t *client, const char *path_prefix)
{
	return es_mute_path(client, path_prefix, ES_MUTE_PATH_TYPE_PREFIX);
}

es_return_t es_mute_path_literal(es_client_t *client, const char *path_literal)
{
	return es_mute_path(client, path_literal, ES_MUTE_PATH_TYPE_LITERAL);
}

es_return_t es_unmute_path(es_client_t *client, const char *path, es_mute_path_type_t type)
{
	struct es_request request = {};

	all_types(request.types);
	return edit_path(client, ES_REQUEST_UNMUTE, path, type, &request);
}

es_return_t es_unmute_path_events(es_client_t *client, const char *path, es_mute_path_type_t type,
				  const es_event_type_t *events, size_t event_count)
{
	struct es_request request = {};

	if (!collect(events, event_count, request.types))
		return ES_RETURN_ERROR;
	return edit_path(client, ES_REQUEST_UNMUTE, path, type, &request);
}

es_return_t es_unmute_all_paths(es_client_t *client)
{
	return ask(client, &(struct es_request){ .abi = ES_ABI_VERSION, .op = ES_REQUEST_UNMUTE_ALL,
						 .kind = ES_STAGE_PATH }, NULL, NULL);
}

es_return_t es_unmute_all_target_paths(es_client_t *client)
{
	return ask(client, &(struct es_request){ .abi = ES_ABI_VERSION, .op = ES_REQUEST_UNMUTE_ALL,
						 .kind = ES_STAGE_TARGET }, NULL, NULL);
}

/* ---- inversion ---- */

es_return_t es_invert_muting(es_client_t *client, es_mute_inversion_type_t mute_type)
{
	if ((unsigned int)mute_type >= ES_MUTE_INVERSION_TYPE_LAST)
		return ES_RETURN_ERROR;
	return ask(client, &(struct es_request){ .abi = ES_ABI_VERSION, .op = ES_REQUEST_INVERT, .kind = mute_type },
		   NULL, NULL);
}

/* Each reply says which stages are inverted, so this sends a request without effect: it unmutes nothing. */
es_mute_inverted_return_t es_muting_inverted(es_client_t *client, es_mute_inversion_type_t mute_type)
{
	const struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_UNMUTE,
					    .kind = ES_MUTE_TARGET_LITERAL };
	uint32_t inverted;

	if ((unsigned int)mute_type >= ES_MUTE_INVERSION_TYPE_LAST ||
	    ask(client, &request, NULL, &inverted) != ES_RETURN_SUCCESS)
		return ES_MUTE_INVERTED_ERROR;
	return inverted >> mute_type & 1 ? ES_MUTE_INVERTED : ES_MUTE_NOT_INVERTED;
}

/* ---- lists ---- */

enum { PAGE_BYTES = 65536 };		/* more than the daemon sends at once */

/* Everything that is muted, as the daemon's pages have it, one behind the other. */
struct pages {
	char *bytes;
	size_t length;
	size_t count[2];		/* entries: paths, processes */
	size_t types[2];		/* of all of them together */
	size_t text;			/* bytes of the paths, with a NUL each */
};

static const struct es_mute_info *entry_at(const struct pages *pages, size_t *position)
{
	const struct es_mute_info *info = (const void *)(pages->bytes + *position);

	if (*position >= pages->length)
		return NULL;
	*position += sizeof(*info) + ((info->bytes + 7) & ~7u);
	return info;
}

static size_t count_types(const uint64_t types[ES_TYPE_WORDS])
{
	size_t count = 0;

	for (int i = 0; i < ES_TYPE_WORDS; i++)
		count += (size_t)__builtin_popcountll(types[i]);
	return count;
}

/* Counts one page of `size` bytes. False: it is malformed. */
static bool pages_count(struct pages *pages, size_t size)
{
	size_t end = pages->length + size;

	while (pages->length < end) {
		const struct es_mute_info *info = (const void *)(pages->bytes + pages->length);
		bool process;

		if (end - pages->length < sizeof(*info) || info->kind >= ES_MUTE_KINDS ||
		    info->bytes > end - pages->length - sizeof(*info) || info->bytes > ES_REQUEST_DATA)
			return false;
		process = info->kind == ES_MUTE_PROCESS;
		if (process && info->bytes != sizeof(struct es_token))
			return false;
		pages->count[process]++;
		pages->types[process] += count_types(info->types);
		pages->text += process ? 0 : info->bytes + 1;
		(void)entry_at(&(struct pages){ .bytes = pages->bytes, .length = SIZE_MAX }, &pages->length);
	}
	return pages->length == end;
}

static int pages_read(struct es_client_s *client, struct pages *pages)
{
	struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_MUTES };
	struct es_reply reply;
	int r;

	do {
		char *bytes = realloc(pages->bytes, pages->length + PAGE_BYTES);

		if (!bytes)
			return -ENOMEM;
		pages->bytes = bytes;
		r = esl_control_ask(&client->control, &request, NULL, &reply, bytes + pages->length, PAGE_BYTES);
		if (r)
			return r < 0 ? r : -r;
		if (!pages_count(pages, reply.data_bytes) || (reply.cursor && reply.cursor <= request.cursor))
			return -EBADMSG;
		request.cursor = reply.cursor;
	} while (reply.cursor);
	return 0;
}

/* False: *pages is empty. */
static bool pages_get(es_client_t *pointer, struct pages *pages)
{
	_cleanup_(esl_client_putp) struct es_client_s *client = esl_client_get(pointer);

	if (client && !atomic_load(&client->ended) && pages_read(client, pages) == 0)
		return true;
	free(TAKE_POINTER(pages->bytes));
	return false;
}

static const es_event_type_t *put_types(es_event_type_t **next, const uint64_t types[ES_TYPE_WORDS],
					size_t *ret_count)
{
	es_event_type_t *first = *next;

	for (uint32_t type = 0; type < ES_EVENT_TYPES; type++)
		if (esl_types_has(types, type))
			*(*next)++ = (es_event_type_t)type;
	*ret_count = (size_t)(*next - first);
	return first;
}

static es_muted_processes_t *list_processes(const struct pages *pages)
{
	size_t position = 0, count = pages->count[1];
	const struct es_mute_info *info;
	es_muted_process_t *process;
	es_muted_processes_t *list;
	es_event_type_t *types;

	list = calloc(1, sizeof(*list) + count * sizeof(*process) + pages->types[1] * sizeof(*types));
	if (!list)
		return NULL;
	process = (void *)(list + 1);
	types = (void *)(process + count);
	list->count = count;
	list->processes = process;
	while ((info = entry_at(pages, &position))) {
		if (info->kind != ES_MUTE_PROCESS)
			continue;
		memcpy(&process->audit_token, info + 1, sizeof(process->audit_token));
		process->events = put_types(&types, info->types, &process->event_count);
		process++;
	}
	return list;
}

static es_muted_paths_t *list_paths(const struct pages *pages)
{
	size_t position = 0, count = pages->count[0];
	const struct es_mute_info *info;
	es_event_type_t *types;
	es_muted_paths_t *list;
	es_muted_path_t *path;
	char *text;

	list = calloc(1, sizeof(*list) + count * sizeof(*path) + pages->types[0] * sizeof(*types) + pages->text);
	if (!list)
		return NULL;
	path = (void *)(list + 1);
	types = (void *)(path + count);
	text = (void *)(types + pages->types[0]);
	list->count = count;
	list->paths = path;
	while ((info = entry_at(pages, &position))) {
		if (info->kind == ES_MUTE_PROCESS)
			continue;
		path->type = (es_mute_path_type_t)info->kind;
		path->path.length = info->bytes;
		path->path.data = memcpy(text, info + 1, info->bytes);
		path->events = put_types(&types, info->types, &path->event_count);
		text += info->bytes + 1;
		path++;
	}
	return list;
}

es_return_t es_muted_processes(es_client_t *client, size_t *count, audit_token_t **audit_tokens)
{
	es_muted_processes_t *list;
	audit_token_t *tokens;

	if (!count || !audit_tokens || es_muted_processes_events(client, &list) != ES_RETURN_SUCCESS)
		return ES_RETURN_ERROR;
	tokens = list->count ? calloc(list->count, sizeof(*tokens)) : NULL;
	for (size_t i = 0; tokens && i < list->count; i++)
		tokens[i] = list->processes[i].audit_token;
	if (!tokens && list->count) {
		es_release_muted_processes(list);
		return ES_RETURN_ERROR;
	}
	*count = list->count;
	*audit_tokens = tokens;
	es_release_muted_processes(list);
	return ES_RETURN_SUCCESS;
}

es_return_t es_muted_processes_events(es_client_t *client, es_muted_processes_t **muted_processes)
{
	struct pages pages = {};
	es_muted_processes_t *list;

	if (!muted_processes || !pages_get(client, &pages))
		return ES_RETURN_ERROR;
	list = list_processes(&pages);
	free(pages.bytes);
	if (!list)
		return ES_RETURN_ERROR;
	*muted_processes = list;
	return ES_RETURN_SUCCESS;
}

void es_release_muted_processes(es_muted_processes_t *muted_processes)
{
	free(muted_processes);
}

es_return_t es_muted_paths_events(es_client_t *client, es_muted_paths_t **muted_paths)
{
	struct pages pages = {};
	es_muted_paths_t *list;

	if (!muted_paths || !pages_get(client, &pages))
		return ES_RETURN_ERROR;
	list = list_paths(&pages);
	free(pages.bytes);
	if (!list)
		return ES_RETURN_ERROR;
	*muted_paths = list;
	return ES_RETURN_SUCCESS;
}

void es_release_muted_paths(es_muted_paths_t *muted_paths)
{
	free(muted_paths);
}
