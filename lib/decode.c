/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "events.h"
#include "message.h"
#include "user.h"
#include "util/macro.h"

/*
 * (N5) A record's bytes become the structs of the API. The bytes come from the kernel, yet nothing here trusts them:
 * each offset and length is checked against the record's size before it is used, and one bad one makes the whole record
 * malformed. The decoders note it in `bad` and go on with harmless values, so that they read as a list of fields.
 */
struct decoder {
	struct esl_message *message;
	const struct es_record *record;
	const struct esl_clock *clock;
	es_events_t *event;
	bool bad;
};

typedef void decode_function(struct decoder *d);

static const void *bytes_at(struct decoder *d, uint32_t offset, uint64_t bytes)
{
	if (offset < sizeof(struct es_record) || offset + bytes > d->record->size) {
		d->bad = true;
		return NULL;
	}
	return (const char *)d->record + offset;
}

static const void *part_at(struct decoder *d, uint32_t offset, uint64_t bytes)
{
	if (offset % 8) {
		d->bad = true;
		return NULL;
	}
	return bytes_at(d, offset, bytes);
}

static const es_string_token_t empty = { .length = 0, .data = "" };

/* Absent: an empty string. */
static es_string_token_t string(struct decoder *d, struct es_span span)
{
	const char *data;

	if (!span.off)
		return empty;
	data = bytes_at(d, span.off, (uint64_t)span.len + 1);
	if (!data)
		return empty;
	if (data[span.len]) {
		d->bad = true;
		return empty;
	}
	return (es_string_token_t){ .length = span.len, .data = data };
}

/* The kernel's encoding, not that of stat(2). */
static dev_t device(uint64_t dev)
{
	return makedev((unsigned int)(dev >> 20 & 0xfff), (unsigned int)(dev & 0xfffff));
}

static struct timespec timespec_of(int64_t ns)
{
	struct timespec time = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	if (time.tv_nsec < 0) {
		time.tv_nsec += 1000000000;
		time.tv_sec--;
	}
	return time;
}

static void fill_stat(struct stat *stat, const struct es_stat *from)
{
	*stat = (struct stat){
		.st_dev = device(from->dev),
		.st_ino = from->ino,
		.st_mode = from->mode,
		.st_nlink = from->nlink,
		.st_uid = from->uid,
		.st_gid = from->gid,
		.st_rdev = device(from->rdev),
		.st_size = from->size,
		.st_blksize = from->blksize,
		.st_blocks = (blkcnt_t)from->blocks,
		.st_atim = timespec_of(from->atime_ns),
		.st_mtim = timespec_of(from->mtime_ns),
		.st_ctim = timespec_of(from->ctime_ns),
	};
}

static void fill_file(struct decoder *d, es_file_t *file, const struct es_file_part *part)
{
	file->path = string(d, part->path);
	(void)string(d, part->own);		/* es_linux_file() goes by this check */
	(void)string(d, part->real);
	file->path_truncated = part->flags & ES_FILE_TRUNCATED;
	fill_stat(&file->stat, &part->stat);
}

/* NULL if absent. */
static es_file_t *optional_file(struct decoder *d, uint32_t offset, es_file_t *file)
{
	const struct es_file_part *part;

	if (!offset)
		return NULL;
	part = part_at(d, offset, sizeof(*part));
	if (!part)
		return NULL;
	fill_file(d, file, part);
	return file;
}

static es_file_t *file_or_null(struct decoder *d, unsigned int number)
{
	return optional_file(d, d->record->file[number], &d->message->file[number]);
}

static es_file_t *file(struct decoder *d, unsigned int number)
{
	es_file_t *found = file_or_null(d, number);

	if (!found)
		d->bad = true;
	return found;
}

_Static_assert(sizeof(audit_token_t) == sizeof(struct es_token), "the words are the same");

static audit_token_t token(const struct es_token *from)
{
	audit_token_t to;

	memcpy(&to, from, sizeof(to));
	return to;
}

/* The identity (ids, flags, cdhash, category) is empty until identity.c fills it in. */
static es_process_t *fill_process(struct decoder *d, uint32_t offset, unsigned int number)
{
	es_process_t *process = &d->message->process[number];
	const struct es_process_part *part = part_at(d, offset, sizeof(*part));
	struct timespec start;

	if (!part)
		return NULL;
	start = timespec_of((int64_t)(part->start_ns + (uint64_t)d->clock->from_boot));
	fill_file(d, &d->message->executable[number], &part->executable);
	*process = (es_process_t){
		.audit_token = token(&part->token),
		.ppid = part->ppid,
		.original_ppid = part->original_ppid,
		.group_id = part->group_id,
		.session_id = part->session_id,
		.is_es_client = part->flags & ES_PROCESS_ES_CLIENT,
		.signing_id = empty,
		.team_id = empty,
		.executable = &d->message->executable[number],
		.tty = optional_file(d, part->tty, &d->message->tty[number]),
		.start_time = { .tv_sec = start.tv_sec, .tv_usec = start.tv_nsec / 1000 },
		.responsible_audit_token = token(&part->responsible),
		.parent_audit_token = token(&part->parent),
		.cs_validation_category = ES_CS_VALIDATION_CATEGORY_NONE,
		.cdhash_full = { .size = 0, .data = (const uint8_t *)"" },
	};
	return process;
}

static es_process_t *other_or_null(struct decoder *d)
{
	return d->record->other ? fill_process(d, d->record->other, 1) : NULL;
}

static es_process_t *other(struct decoder *d)
{
	es_process_t *found = other_or_null(d);

	if (!found)
		d->bad = true;
	return found;
}

static int64_t number(const struct decoder *d, unsigned int index)
{
	return d->record->num[index];
}

/* Strings with their NULs, one behind the other. */
static void check_strings(struct decoder *d, struct es_span span)
{
	const char *data;

	if (!span.len)
		return;
	data = bytes_at(d, span.off, span.len);
	if (data && data[span.len - 1])
		d->bad = true;
}

static void decode_exec(struct decoder *d)
{
	const struct es_record *record = d->record;

	check_strings(d, record->args);
	check_strings(d, record->env);
	if (record->fd_count && (record->fd_count > ES_RECORD_FDS ||
				 !part_at(d, record->fds.off, record->fd_count * sizeof(struct es_fd_part))))
		d->bad = true;

	d->event->exec = (es_event_exec_t){
		.target = other(d),
		.dyld_exec_path = string(d, record->str[0]),
		.script = file_or_null(d, 1),
		.cwd = file(d, 0),
		.last_fd = (int)number(d, 0),
		.image_cputype = (cpu_type_t)number(d, 1),
		.image_cpusubtype = (cpu_subtype_t)number(d, 2),
	};
}

static es_destination_type_t destination(struct decoder *d)
{
	int64_t type = number(d, 0);

	if (type != ES_DESTINATION_TYPE_EXISTING_FILE && type != ES_DESTINATION_TYPE_NEW_PATH)
		d->bad = true;
	return (es_destination_type_t)type;
}

static void decode_create(struct decoder *d)
{
	es_event_create_t *create = &d->event->create;

	create->destination_type = destination(d);
	if (create->destination_type == ES_DESTINATION_TYPE_EXISTING_FILE) {
		create->destination.existing_file = file(d, 0);
		return;
	}
	create->destination.new_path.dir = file(d, 0);
	create->destination.new_path.filename = string(d, d->record->str[0]);
	create->destination.new_path.mode = (mode_t)number(d, 1);
}

static void decode_rename(struct decoder *d)
{
	es_event_rename_t *rename = &d->event->rename;

	rename->source = file(d, 0);
	rename->destination_type = destination(d);
	if (rename->destination_type == ES_DESTINATION_TYPE_EXISTING_FILE) {
		rename->destination.existing_file = file(d, 1);
		return;
	}
	rename->destination.new_path.dir = file(d, 1);
	rename->destination.new_path.filename = string(d, d->record->str[0]);
}

/* Linux's MS_* as Darwin's MNT_*; what has no counterpart is left out. */
static uint32_t mount_flags(uint64_t linux_flags)
{
	static const struct {
		uint64_t from;
		uint32_t to;
	} map[] = {
		{ MS_RDONLY, 0x1 }, { MS_SYNCHRONOUS, 0x2 }, { MS_NOEXEC, 0x4 },
		{ MS_NOSUID, 0x8 }, { MS_NODEV, 0x10 },	     { MS_NOATIME, 0x10000000 },
	};
	uint32_t flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (linux_flags & map[i].from)
			flags |= map[i].to;
	return flags;
}

static void copy_name(char *to, size_t bytes, es_string_token_t from)
{
	size_t length = from.length < bytes ? from.length : bytes - 1;

	memcpy(to, from.data, length);
	to[length] = '\0';
}

/* The struct stands behind the record's copy, where esl_message_copy() left room. Sizes and counts aren't known: 0. */
static struct es_statfs *statfs_of(struct decoder *d)
{
	struct es_statfs *statfs = (void *)((char *)d->record + esl_message_behind(d->record));
	es_string_token_t mounted_on = string(d, d->record->str[1]);
	const es_file_t *mount_point = file_or_null(d, 0);

	if (!mounted_on.length && mount_point)
		mounted_on = mount_point->path;
	memset(statfs, 0, sizeof(*statfs));
	statfs->f_flags = mount_flags((uint64_t)number(d, 0));
	statfs->f_type = (uint32_t)number(d, 1);
	statfs->f_fsid.val[0] = (int32_t)number(d, 2);
	statfs->f_bsize = (uint32_t)number(d, 3);
	statfs->f_iosize = (int32_t)number(d, 3);
	statfs->f_owner = (uid_t)number(d, 5);
	copy_name(statfs->f_fstypename, sizeof(statfs->f_fstypename), string(d, d->record->str[0]));
	copy_name(statfs->f_mntonname, sizeof(statfs->f_mntonname), mounted_on);
	copy_name(statfs->f_mntfromname, sizeof(statfs->f_mntfromname), string(d, d->record->str[2]));
	return statfs;
}

/* Checks the texts. Room for what is made of them is behind the statfs. The last argument may lack its NUL. */
static bool from_texts(struct decoder *d, struct esl_user_from *from)
{
	const struct es_record *record = d->record;

	from->message = d->message;
	from->room = (char *)record + esl_message_behind(record) + sizeof(struct es_statfs);
	for (unsigned int i = 0; i < ES_RECORD_STRINGS; i++)
		from->text[i] = string(d, record->str[i]);
	if (record->args.len)
		(void)bytes_at(d, record->args.off, record->args.len);
	if (record->env.len)
		(void)bytes_at(d, record->env.off, record->env.len);
	return !d->bad;
}

/*
 * All other events are decoded as abi/events.def says: each member from the slot that its kind and row name. UNSET,
 * OPAQUE and SPECIAL members stay zero.
 */
static struct timespec timespec_from(const struct decoder *d, unsigned int first)
{
	return (struct timespec){ .tv_sec = number(d, first), .tv_nsec = number(d, first + 1) };
}

#define TAKE_number(to, slot) ((to) = (typeof(to))number(d, slot))
#define TAKE_signed TAKE_number
#define TAKE_bool TAKE_number
#define TAKE_status TAKE_number
#define TAKE_sig TAKE_number
#define TAKE_fflag TAKE_number
#define TAKE_mode TAKE_number
#define TAKE_access TAKE_number
#define TAKE_protection TAKE_number
#define TAKE_uid TAKE_number
#define TAKE_gid TAKE_number
#define TAKE_device(to, slot) ((to) = device((uint64_t)number(d, slot)))
#define TAKE_mount_flags(to, slot) ((to) = mount_flags((uint64_t)number(d, slot)))
#define TAKE_timespec(to, slot) ((to) = timespec_from(d, slot))
#define TAKE_file(to, slot) ((to) = file(d, slot))
#define TAKE_file_or_null(to, slot) ((to) = file_or_null(d, slot))
#define TAKE_string(to, slot) ((to) = string(d, d->record->str[slot]))
#define TAKE_process(to, slot) ((to) = other(d))
#define TAKE_process_or_null(to, slot) ((to) = other_or_null(d))
#define TAKE_statfs(to, slot) ((to) = statfs_of(d))

#define ES_PAYLOAD(name, ...) \
	static void decode_##name(struct decoder *d) \
	{ \
		es_event_##name##_t *e = &d->event->name; \
\
		(void)e; \
		__VA_ARGS__ \
	}
#define ES_PAYLOAD_TEXT(name, ...) \
	static void decode_##name(struct decoder *d) \
	{ \
		struct esl_user_from from; \
\
		if (from_texts(d, &from)) \
			d->event->name = esl_user_##name(&from); \
	}
#define MEMBER(kind, member, ...) TAKE_##kind(e->member, __VA_ARGS__);
#define TARGET MEMBER
#define TARGETS(...)
#define UNSET(...)
#define OPAQUE(...)
#define OPTIONAL(...)
#define LIST(...)
#define SPECIAL(...)
#include "abi/events.def"

/* Which events can come through a ring follows from how they wait: see abi/events.def. */
#define DECODER_HELD(payload) decode_##payload
#define DECODER_NOTIFY(payload) decode_##payload
#define DECODER_TOLD(payload) decode_##payload
#define DECODER_ABSENT(payload) NULL

static decode_function *const decoders[ES_EVENT_TYPES] = {
#define ES_EVENT(name, number, payload, answer, hook, wait, ...) [number] = DECODER_##wait(payload),
#include "abi/events.def"
};

static int64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void look_at_clock(struct esl_clock *clock, uint64_t record_ns)
{
	const int64_t second = 1000000000;
	int64_t from_boot, change;

	if (clock->given || (clock->looked_ns && record_ns < clock->looked_ns + 100000000))
		return;
	clock->looked_ns = (uint64_t)now(CLOCK_MONOTONIC);
	clock->from_monotonic = now(CLOCK_REALTIME) - (int64_t)clock->looked_ns;
	from_boot = now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME);
	change = from_boot - clock->from_boot;
	if (change > second || change < -second)
		clock->from_boot = from_boot;
}

/* An AUTH record has an auth_id, a NOTIFY record has none. */
static bool is_consistent(const struct es_record *record)
{
	bool is_auth = record->flags & ES_RECORD_AUTH;

	return record->type < ES_EVENT_TYPES && decoders[record->type] &&
	       is_auth == (esl_events[record->type].answer != ESL_ANSWER_NONE) && is_auth == (record->auth_id != 0);
}

static void fill_action(es_message_t *message, const struct es_record *record)
{
	memset(&message->action, 0, sizeof(message->action));
	if (record->flags & ES_RECORD_AUTH) {
		message->action_type = ES_ACTION_TYPE_AUTH;
		memcpy(&message->action.auth, &record->auth_id, sizeof(record->auth_id));
		return;
	}
	message->action_type = ES_ACTION_TYPE_NOTIFY;
	if (record->flags & ES_RECORD_FLAGS_RESULT) {
		message->action.notify.result_type = ES_RESULT_TYPE_FLAGS;
		message->action.notify.result.flags = record->result;
	} else {
		message->action.notify.result_type = ES_RESULT_TYPE_AUTH;
		message->action.notify.result.auth = (es_auth_result_t)record->result;
	}
}

static void fill_head(struct esl_message *owner, const struct es_record *record, const struct esl_clock *clock)
{
	es_message_t *message = &owner->message;

	message->version = 11;
	message->time = timespec_of((int64_t)(record->time_ns + (uint64_t)clock->from_monotonic));
	message->mach_time = record->time_ns;
	message->deadline = record->flags & ES_RECORD_AUTH ? record->deadline_ns : UINT64_MAX;
	message->seq_num = 0;
	message->global_seq_num = 0;
	message->event_type = (es_event_type_t)record->type;
	owner->thread.thread_id = record->thread_id;
	message->thread = record->thread_id ? &owner->thread : NULL;
	fill_action(message, record);
}

int esl_message_decode(struct esl_message *message, struct esl_clock *clock)
{
	const struct es_record *record = esl_message_record(message);
	struct decoder d = {
		.message = message,
		.record = record,
		.clock = clock,
		.event = &message->message.event,
	};

	if (!is_consistent(record))
		return -EBADMSG;
	look_at_clock(clock, record->time_ns);

	fill_head(message, record, clock);
	message->auth_id = record->auth_id;
	message->replayed = clock->given;
	message->process[1].executable = NULL;	/* until there is one */
	message->message.process = fill_process(&d, record->process, 0);
	memset(d.event, 0, sizeof(*d.event));
	decoders[record->type](&d);
	return d.bad ? -EBADMSG : 0;
}
