/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A plain model of muting, from the facts 91 (exact editing), 97 and 99 (the process's vote), 102 and 103 (paths), 104
 * (events without target muting), 105 and 106 (two targets), 110 (prefixes), 112 to 114 (stages), 118, 124.
 *
 * tests/kernel/mute-combinations.c compares the kernel programs with it, and daemon/sensor/test-replay-select.c the
 * replay.
 */

#include <stdbool.h>

#include <EndpointSecurity/EndpointSecurity.h>

enum { MODEL_FILES = 3 };		/* DIR/file, each in a directory of its own */

/* An operation and its event. Targets are numbers of files; -1: none. */
struct model_action {
	es_event_type_t type;
	bool some;			/* is among "some events" */
	int target[2];
};

#define MODEL_ACTIONS 6

static const struct model_action model_actions[MODEL_ACTIONS] = {
	{ ES_EVENT_TYPE_AUTH_OPEN, true, { 0, -1 } },
	{ ES_EVENT_TYPE_NOTIFY_OPEN, true, { 0, -1 } },
	{ ES_EVENT_TYPE_NOTIFY_TRUNCATE, false, { 0, -1 } },
	{ ES_EVENT_TYPE_NOTIFY_LINK, false, { 0, 1 } },
	{ ES_EVENT_TYPE_NOTIFY_RENAME, true, { 1, 2 } },
	{ ES_EVENT_TYPE_NOTIFY_SETUID, true, { -1, -1 } },
};

enum model_match { MODEL_NONE, MODEL_LITERAL, MODEL_PREFIX };

struct model_combination {
	bool process;			/* the acting process is muted; else another one */
	enum model_match exe;		/* how its executable is muted */
	enum model_match target;
	unsigned int targets;		/* a bit for each muted file; for a prefix, its directory is muted */
	bool some;			/* for some events only */
	bool inverted[3];		/* by enum es_mute_inversion_type_t */
};

/* The combination with this number, without targets: the caller tries all of these. */
enum { MODEL_COMBINATIONS = 2 * 3 * 2 * 8 };

static inline struct model_combination model_combination(unsigned int number)
{
	struct model_combination c = {
		.process = number % 2,
		.exe = (enum model_match)(number / 2 % 3),
		.some = number / 6 % 2,
	};

	for (unsigned int stage = 0; stage < 3; stage++)
		c.inverted[stage] = number / 12 >> stage & 1;
	return c;
}

static inline bool model_covers(const struct model_combination *c, const struct model_action *action)
{
	return !c->some || action->some;
}

static inline bool model_target_listed(const struct model_combination *c, const struct model_action *action, int which)
{
	return c->target != MODEL_NONE && model_covers(c, action) && c->targets >> action->target[which] & 1;
}

static inline bool model_target_suppresses(const struct model_combination *c, const struct model_action *action)
{
	bool first, second;

	if (action->target[0] < 0)
		return false;						/* fact 104 */
	first = model_target_listed(c, action, 0);
	second = action->target[1] < 0 ? first : model_target_listed(c, action, 1);
	if (c->inverted[ES_MUTE_INVERSION_TYPE_TARGET_PATH])
		return !(first || second);				/* fact 106 */
	return first && second;						/* fact 105 */
}

static inline bool model_delivered(const struct model_combination *c, const struct model_action *action)
{
	bool process = c->process && model_covers(c, action), path = c->exe != MODEL_NONE && model_covers(c, action);

	if (process != c->inverted[ES_MUTE_INVERSION_TYPE_PROCESS])
		return false;
	if (path != c->inverted[ES_MUTE_INVERSION_TYPE_PATH])
		return false;
	return !model_target_suppresses(c, action);
}
