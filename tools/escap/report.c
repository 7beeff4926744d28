/* SPDX-License-Identifier: MIT */
#include "tools/escap/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "abi/sensor.h"
#include "tools/escap/escap.h"
#include "util/clock.h"
#include "util/macro.h"

#define NO_ANSWER UINT64_MAX

/* An answer, kept until the recorded one is known. */
struct open_answer {
	uint64_t number;
	uint64_t time_ns;
	uint64_t took_ns;
	uint32_t verdict;
	uint32_t clients;
	uint32_t type;
	uint32_t thread_id;
	char path[ES_HELD_PATH_BYTES];
};

int report_init(struct report *report, const char *file_path)
{
	*report = (struct report){};
	report->open = calloc(PAIRS_MAX, sizeof(*report->open));
	report->free = calloc(PAIRS_MAX, sizeof(*report->free));
	if (!report->open || !report->free)
		return -ENOMEM;
	while (report->free_count < PAIRS_MAX) {
		report->free[report->free_count] = PAIRS_MAX - 1 - report->free_count;
		report->free_count++;
	}
	if (!file_path)
		return 0;
	report->file = fopen(file_path, "we");
	return report->file ? 0 : -errno;
}

void report_deinit(struct report *report)
{
	if (report->file)
		fclose(report->file);
	pairs_deinit(&report->ours);
	pairs_deinit(&report->recorded);
	json_deinit(&report->json);
	free(report->open);
	free(report->free);
	*report = (struct report){};
}

static const char *verdict_name(uint32_t verdict)
{
	static const char *const names[] = { "none", "allow", "deny", "none" };

	return names[verdict & ES_VERDICT_MASK];
}

/* ---- how long they took ---- */

static unsigned int step_of(uint64_t ns)
{
	unsigned int power = ns ? 63 - (unsigned int)__builtin_clzll(ns) : 0;

	if (power < 3)
		return (unsigned int)ns;
	return power * REPORT_STEPS + (unsigned int)(ns >> (power - 3) & (REPORT_STEPS - 1));
}

/* The upper end of a step. */
static uint64_t step_ns(unsigned int step)
{
	unsigned int power = step / REPORT_STEPS;

	return power < 3 ? step : ((uint64_t)REPORT_STEPS + step % REPORT_STEPS + 1) << (power - 3);
}

/* The time that `of_1000` of a thousand answers didn't exceed. */
static uint64_t quantile_ns(const struct report *report, uint64_t total, unsigned int of_1000)
{
	uint64_t seen = 0;

	for (unsigned int step = 0; step < ARRAY_SIZE(report->took); step++) {
		seen += report->took[step];
		if (seen && seen * 1000 >= total * of_1000)
			return step_ns(step) < report->longest_ns ? step_ns(step) : report->longest_ns;
	}
	return report->longest_ns;
}

/* ---- one answer ---- */

static void write_line(struct report *report, const struct open_answer *open, uint64_t recorded)
{
	struct json *json = &report->json;
	char event[64];

	if (!report->file)
		return;
	escap_event_name(open->type, event, sizeof(event));
	json->length = 0;
	json_open(json, '{');
	json_key(json, "record");
	json_unsigned(json, open->number);
	json_key(json, "mach_time");
	json_unsigned(json, open->time_ns);
	json_key(json, "event");
	json_string(json, event, strlen(event));
	json_key(json, "path");
	json_string(json, open->path, strnlen(open->path, sizeof(open->path)));
	json_key(json, "thread_id");
	json_unsigned(json, open->thread_id);
	json_key(json, "clients");
	json_unsigned(json, open->clients);
	json_key(json, "answer");
	json_string(json, verdict_name(open->verdict), strlen(verdict_name(open->verdict)));
	json_key(json, "missed");
	json_boolean(json, open->verdict & ES_VERDICT_MISSED);
	json_key(json, "recorded");
	if (recorded == NO_ANSWER)
		json_null(json);
	else
		json_string(json, verdict_name((uint32_t)recorded), strlen(verdict_name((uint32_t)recorded)));
	json_key(json, "took_ns");
	json_unsigned(json, open->took_ns);
	json_close(json, '}');
	json_line(json);
	if (json->failed || fwrite(json->data, json->length, 1, report->file) != 1)
		report->error = json->failed ? -ENOMEM : -errno;
}

static void say_difference(const struct report *report, const struct open_answer *open, uint64_t recorded)
{
	char event[64];

	if (report->differ > REPORT_SAID)
		return;
	escap_event_name(open->type, event, sizeof(event));
	fprintf(stderr, "escap: record %" PRIu64 ": %s of ", open->number, event);
	for (const char *c = open->path; *c; c++)
		fputc((unsigned char)*c < ' ' || *c == 127 ? '?' : *c, stderr);
	fprintf(stderr, ": %s%s, recorded: %s\n", verdict_name(open->verdict),
		open->verdict & ES_VERDICT_MISSED ? " (deadline missed)" : "", verdict_name((uint32_t)recorded));
}

static void compare(struct report *report, const struct open_answer *open, uint64_t recorded)
{
	if (recorded == NO_ANSWER) {
		report->unknown++;
	} else if ((recorded & ES_VERDICT_MASK) != (open->verdict & ES_VERDICT_MASK)) {
		report->differ++;
		say_difference(report, open, recorded);
	}
	write_line(report, open, recorded);
}

static void count(struct report *report, const struct esd_replay_answer *answer)
{
	report->answers[answer->verdict & ES_VERDICT_MASK]++;
	report->missed += !!(answer->verdict & ES_VERDICT_MISSED);
	report->took[step_of(answer->took_ns)]++;
	if (answer->took_ns > report->longest_ns)
		report->longest_ns = answer->took_ns;
}

void report_answered(struct report *report, const struct esd_replay_answer *answer)
{
	struct open_answer open = {
		.number = answer->number,
		.time_ns = answer->record->time_ns,
		.took_ns = answer->took_ns,
		.verdict = answer->verdict,
		.clients = answer->clients,
		.type = answer->record->type,
		.thread_id = answer->record->thread_id,
	};
	uint64_t recorded, key;

	memcpy(open.path, answer->path, sizeof(open.path));
	count(report, answer);
	if (pairs_take(&report->recorded, answer->record->auth_id, &recorded)) {
		compare(report, &open, recorded);
		return;
	}
	if (!report->free_count && pairs_take_any(&report->ours, &key, &recorded)) {
		compare(report, &report->open[recorded], NO_ANSWER);
		report->free[report->free_count++] = (uint32_t)recorded;
	}
	if (!report->free_count)
		return;
	recorded = report->free[--report->free_count];
	report->open[recorded] = open;
	pairs_add(&report->ours, answer->record->auth_id, recorded);
}

void report_recorded(struct report *report, const struct esc_answer *answer)
{
	uint64_t index;

	if (!pairs_take(&report->ours, answer->auth_id, &index)) {
		pairs_add(&report->recorded, answer->auth_id, answer->verdict);
		return;
	}
	compare(report, &report->open[index], answer->verdict);
	report->free[report->free_count++] = (uint32_t)index;
}

/* ---- all of them ---- */

void report_finish(struct report *report)
{
	uint64_t key, index;

	while (pairs_take_any(&report->ours, &key, &index))
		compare(report, &report->open[index], NO_ANSWER);
	if (report->file && fflush(report->file) && report->error == 0)
		report->error = -errno;
}

void report_print(const struct report *report, FILE *out)
{
	const uint64_t *answers = report->answers;
	uint64_t total = answers[0] + answers[1] + answers[2] + answers[3];

	if (!total)
		return;
	fprintf(out, "escap: %" PRIu64 " asked: %" PRIu64 " allowed, %" PRIu64 " denied, %" PRIu64 " without an answer; %"
		PRIu64 " deadlines missed\n", total, answers[ES_VERDICT_ALLOW], answers[ES_VERDICT_DENY],
		answers[ES_VERDICT_NONE] + answers[3], report->missed);
	fprintf(out, "escap: answers took %.1f us at half of them, %.1f us at 99 %%, %.1f us at most\n",
		(double)quantile_ns(report, total, 500) / 1000, (double)quantile_ns(report, total, 990) / 1000,
		(double)report->longest_ns / 1000);
	fprintf(out, "escap: %" PRIu64 " answers differ from the recorded ones; %" PRIu64 " have none there\n",
		report->differ, report->unknown);
}
