/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/replay-select.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sensor/event.h"
#include "util/macro.h"

static const uint8_t targets[ES_EVENT_TYPES] = {
#define ES_EVENT(name, number, payload, ...) [number] = (uint8_t)ES_TARGET_OF_##payload,
#include "abi/events.def"
};

/* The path of a file without a name ends in " (deleted)". Ignore that, as bpf/select/target.bpf.h does. */
enum { DELETED_BYTES = sizeof(" (deleted)") - 1 };

/* ---- what is in a record ---- */

static const void *inside(const struct es_record *record, uint32_t off, uint64_t bytes)
{
	return off >= sizeof(*record) && off + bytes <= record->size ? (const char *)record + off : NULL;
}

const struct es_file_part *esd_replay_file(const struct es_record *record, uint32_t off)
{
	return off % 8 ? NULL : inside(record, off, sizeof(struct es_file_part));
}

const struct es_process_part *esd_replay_process(const struct es_record *record, uint32_t off)
{
	return off % 8 ? NULL : inside(record, off, sizeof(struct es_process_part));
}

const char *esd_replay_text(const struct es_record *record, struct es_span span, uint32_t *ret_length)
{
	*ret_length = span.len;
	return span.off ? inside(record, span.off, span.len) : NULL;
}

/* ---- mutes ---- */

/* An entry of the tree; the path or token has its own memory. */
struct listing {
	uint64_t types[ES_TYPE_WORDS];
	uint32_t kind;
	uint32_t length;
	const void *bytes;
};

static int compare(const void *a_, const void *b_)
{
	const struct listing *a = a_, *b = b_;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return a->length ? memcmp(a->bytes, b->bytes, a->length) : 0;
}

static struct listing *find(const struct esd_replay_select *select, uint32_t kind, const void *bytes, uint32_t length)
{
	const struct listing like = { .kind = kind, .length = length, .bytes = bytes };
	struct listing *const *found = tfind(&like, &select->mutes, compare);

	return found ? *found : NULL;
}

/* An execution is identified by pid and pidversion. */
static void execution_key(const struct es_token *token, uint32_t ret[2])
{
	ret[0] = token->pid;
	ret[1] = token->pidversion;
}

static int insert(struct esd_replay_select *select, uint32_t kind, const void *bytes, uint32_t length,
		  const uint64_t types[ES_TYPE_WORDS])
{
	_cleanup_free_ struct listing *entry = malloc(sizeof(*entry) + length);

	if (!entry)
		return -ENOMEM;
	*entry = (struct listing){ .kind = kind, .length = length, .bytes = memcpy(entry + 1, bytes, length) };
	memcpy(entry->types, types, sizeof(entry->types));
	if (!tsearch(entry, &select->mutes, compare))
		return -ENOMEM;
	TAKE_POINTER(entry);
	return 0;
}

int esd_replay_select_mute(struct esd_replay_select *select, const struct esd_mute *mute,
			   const uint64_t types[ES_TYPE_WORDS])
{
	const void *bytes = mute->path;
	uint32_t length = mute->length, key[2];
	struct listing *entry;

	if (mute->kind == ES_MUTE_PROCESS) {
		execution_key(&mute->token, key);
		bytes = key;
		length = sizeof(key);
	}
	entry = find(select, mute->kind, bytes, length);
	if (!entry)
		return types[0] | types[1] | types[2] ? insert(select, mute->kind, bytes, length, types) : 0;
	if (types[0] | types[1] | types[2]) {
		memcpy(entry->types, types, sizeof(entry->types));
		return 0;
	}
	tdelete(entry, &select->mutes, compare);
	free(entry);
	return 0;
}

void esd_replay_select_deinit(struct esd_replay_select *select)
{
	tdestroy(select->mutes, free);
	*select = (struct esd_replay_select){};
}

/* ---- a path against them ---- */

static bool listed(const struct esd_replay_select *select, uint32_t kind, const void *bytes, uint32_t length,
		   unsigned int type)
{
	const struct listing *entry = find(select, kind, bytes, length);

	return entry && esd_types_has(entry->types, type);
}

static bool length_used(const struct esd_replay_select *select, uint32_t kind, uint32_t length)
{
	uint32_t bit = es_mute_length_bit(length);

	return select->summary.client.lengths[kind][bit / 8] >> bit % 8 & 1;
}

/* Is the path or a prefix of it listed? All listed paths are shorter than ES_MUTE_PATH_BYTES. */
static bool path_listed(const struct esd_replay_select *select, uint32_t prefix_kind, const char *path, uint32_t length,
			unsigned int type)
{
	uint32_t longest = select->summary.client.longest[prefix_kind];

	if (length < ES_MUTE_PATH_BYTES && length_used(select, prefix_kind + 1, length) &&
	    listed(select, prefix_kind + 1, path, length, type))
		return true;
	for (uint32_t n = 0; n <= longest && n <= length; n++)
		if (length_used(select, prefix_kind, n) && listed(select, prefix_kind, path, n, type))
			return true;
	return false;
}

/* ---- who acts ---- */

static bool stage_inverted(const struct esd_replay_select *select, enum es_mute_stage stage)
{
	return select->summary.client.inverted >> stage & 1;
}

static bool actor_muted(const struct esd_replay_select *select, const struct es_record *record)
{
	const struct es_process_part *process = esd_replay_process(record, record->process);
	bool by_process, by_path;
	uint32_t key[2], length;
	const char *path;

	if (!process)
		return false;
	execution_key(&process->token, key);
	path = esd_replay_text(record, process->executable.path, &length);
	by_process = listed(select, ES_MUTE_PROCESS, key, sizeof(key), record->type);
	by_path = path && path_listed(select, ES_MUTE_EXE_PREFIX, path, length, record->type);
	return by_process != stage_inverted(select, ES_STAGE_PROCESS) || by_path != stage_inverted(select, ES_STAGE_PATH);
}

/* ---- what is acted upon ---- */

/* The path of a file of the record, or of the name `span` in it, against the client's targets. */
static bool target_listed(const struct esd_replay_select *select, const struct es_record *record,
			  const struct es_file_part *file, struct es_span span)
{
	char text[ES_PATH_BYTES + 1 + ES_PATH_BYTES];
	uint32_t length, name_length;
	const char *path = esd_replay_text(record, file->path, &length), *name;

	if (!path)
		return false;
	if (file->flags & ES_FILE_DELETED && length >= DELETED_BYTES)
		length -= DELETED_BYTES;
	name = esd_replay_text(record, span, &name_length);
	if (!name)
		return path_listed(select, ES_MUTE_TARGET_PREFIX, path, length, record->type);
	if (length > ES_PATH_BYTES || name_length > ES_PATH_BYTES)
		return path_listed(select, ES_MUTE_TARGET_PREFIX, path, length, record->type);
	memcpy(text, path, length);
	if (length && text[length - 1] != '/')
		text[length++] = '/';
	memcpy(text + length, name, name_length);
	return path_listed(select, ES_MUTE_TARGET_PREFIX, text, length + name_length, record->type);
}

struct acted_upon {
	const struct es_file_part *file[2];
	struct es_span name[2];
};

static void targets_find(struct acted_upon *ret, const struct es_record *record)
{
	const struct es_process_part *other;

	*ret = (struct acted_upon){ .file = { esd_replay_file(record, record->file[0]) } };
	switch (targets[record->type]) {
	case ES_TARGET_PROCESS:
		other = esd_replay_process(record, record->other);
		ret->file[0] = other ? &other->executable : NULL;
		break;
	case ES_TARGET_MADE:
		ret->name[0] = record->str[0];
		break;
	case ES_TARGET_SECOND:
		ret->file[1] = esd_replay_file(record, record->file[1]);
		ret->name[1] = record->str[0];
		break;
	case ES_TARGET_COPY:
		ret->file[1] = esd_replay_file(record, record->file[1] ? record->file[1] : record->file[2]);
		if (!record->file[1])
			ret->name[1] = record->str[0];
		break;
	}
}

static bool target_muted(const struct esd_replay_select *select, const struct es_record *record)
{
	struct acted_upon upon;
	bool first, second;

	if (targets[record->type] == ES_TARGET_NONE)
		return false;
	targets_find(&upon, record);
	if (!upon.file[0])
		return false;
	first = second = target_listed(select, record, upon.file[0], upon.name[0]);
	if (upon.file[1])
		second = target_listed(select, record, upon.file[1], upon.name[1]);
	return stage_inverted(select, ES_STAGE_TARGET) ? !first && !second : first && second;
}

bool esd_replay_selects(const struct esd_replay_select *select, const struct es_record *record)
{
	unsigned int type = record->type;

	if (!esd_types_has(select->types, type))
		return false;
	if (esd_types_has(select->summary.actor, type) && actor_muted(select, record))
		return false;
	return !esd_types_has(select->summary.target, type) || !target_muted(select, record);
}
