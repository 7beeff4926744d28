/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "tools/esctl/esctl.h"
#include "util/clock.h"
#include "util/macro.h"

static const char *const note_names[] = {
	[ES_NOTE_CAME] = "came",
	[ES_NOTE_WENT] = "went",
	[ES_NOTE_REFUSED] = "refused",
	[ES_NOTE_MISSED] = "missed",
	[ES_NOTE_STALLED] = "stalled",
	[ES_NOTE_BROKEN] = "disconnected",
	[ES_NOTE_LIST] = "list",
};

static const char *note_name(const struct es_note_info *note)
{
	return note->kind < ARRAY_SIZE(note_names) ? note_names[note->kind] : "unknown";
}

static const char *refusal_text(int error)
{
	switch (error) {
	case EPERM:
		return "not root (NOT_PRIVILEGED)";
	case ENOKEY:
		return "the list doesn't name it (NOT_ENTITLED)";
	case EACCES:
		return "the list says it may not (NOT_PERMITTED)";
	case EUSERS:
		return "too many clients (TOO_MANY_CLIENTS)";
	default:
		return strerror(error);
	}
}

static const char *outcome_name(uint32_t outcome)
{
	static const char *const names[] = {
		[ES_MISS_KILL] = "killed",
		[ES_MISS_DENY] = "denied",
		[ES_MISS_ALLOW] = "allowed",
	};

	return outcome < ARRAY_SIZE(names) ? names[outcome] : "unknown";
}

static const char *outcome_text(uint32_t outcome)
{
	static const char *const texts[] = {
		[ES_MISS_KILL] = "killed, and the operation goes on",
		[ES_MISS_DENY] = "the operation is denied",
		[ES_MISS_ALLOW] = "the operation goes on",
	};

	return outcome < ARRAY_SIZE(texts) ? texts[outcome] : "unknown";
}

static void print_note(const struct es_note_info *note)
{
	const char *type = note->type < ES_EVENT_TYPES ? events[note->type].constant : "an operation";
	time_t seconds = (time_t)(note->time_ns / NS_PER_S);
	struct tm local;
	char when[32];

	localtime_r(&seconds, &local);
	strftime(when, sizeof(when), "%F %T", &local);
	printf("%s.%03u %-12s pid %d (%s)", when, (unsigned int)(note->time_ns % NS_PER_S / NS_PER_MS), note_name(note),
	       note->pid, note->executable);
	if (note->kind == ES_NOTE_REFUSED)
		printf(": %s", refusal_text(note->error));
	else if (note->kind == ES_NOTE_MISSED)
		printf(": the deadline of %s of %s by pid %d (thread %d), by %ju ms: %s", type, note->path, note->op_pid,
		       note->op_tid, (uintmax_t)(note->late_ns / NS_PER_MS), outcome_text(note->outcome));
	else if (note->kind == ES_NOTE_STALLED)
		printf(": %s of %s by thread %d unread for %ju ms: %s", type, note->path, note->op_tid,
		       (uintmax_t)(note->late_ns / NS_PER_MS), outcome_text(note->outcome));
	else if (note->kind == ES_NOTE_LIST)
		printf(": %s", note->error ? "could not be read, see the daemon's log; the old one stays" : "read anew");
	puts(note->by_warden ? " (by the warden)" : "");
}

static void json_note(struct json *json, const struct es_note_info *note)
{
	json_literal(json, "{\"time_ns\":");
	json_unsigned(json, note->time_ns);
	json_key(json, "kind");
	json_text(json, note_name(note));
	json_key(json, "pid");
	json_signed(json, note->pid);
	json_key(json, "executable");
	json_text(json, note->executable);
	if (note->kind == ES_NOTE_REFUSED || note->kind == ES_NOTE_LIST) {
		json_key(json, "error");
		json_text(json, note->error ? strerror(note->error) : "");
	}
	if (note->kind == ES_NOTE_MISSED || note->kind == ES_NOTE_STALLED) {
		json_key(json, "event");
		json_text(json, note->type < ES_EVENT_TYPES ? events[note->type].constant : "");
		json_key(json, "path");
		json_text(json, note->path);
		json_key(json, "operation_pid");
		json_signed(json, note->op_pid);
		json_key(json, "operation_thread");
		json_signed(json, note->op_tid);
		json_key(json, "late_ns");
		json_unsigned(json, note->late_ns);
		json_key(json, "outcome");
		json_text(json, outcome_name(note->outcome));
		json_key(json, "by_warden");
		json_boolean(json, note->by_warden);
	}
	json_close(json, '}');
}

static int json_notes(const struct es_note_info *notes, uint32_t count)
{
	struct json json = {};

	json_open(&json, '[');
	for (uint32_t i = 0; i < count; i++)
		json_note(&json, &notes[i]);
	json_close(&json, ']');
	return json_print(&json);
}

int command_history(bool as_json, __attribute__((unused)) const char *argument)
{
	_cleanup_free_ struct es_reply *reply = NULL;
	struct es_note_info *notes;
	int r;

	r = ask_running(ES_REQUEST_NOTES, sizeof(*notes), &reply);
	if (r < 0)
		return ask_failed(r);
	notes = (void *)(reply + 1);
	for (uint32_t i = 0; i < reply->count; i++) {
		TERMINATE(notes[i].executable);
		TERMINATE(notes[i].path);
		if (!as_json)
			print_note(&notes[i]);
	}
	return as_json ? json_notes(notes, reply->count) : EX_OK;
}
