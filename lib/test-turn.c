/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "gate-kinds.h"
#include "test.h"
#include "util/clock.h"

/* Whose turn it is: from when the time for an answer counts, and what becomes of what waits meanwhile. */

#define MS 1000000ull

enum { SPAN_MS = 400 };

static struct es_held held[ES_HELD_MAX];
static struct esl_gate *gate;

static void open_gate(void)
{
	struct esl_gate_source source = { .sensor = ES_SENSOR_LSM, .fd = -1, .ask_fd = -1, .held_fd = -1, .held = held };

	memset(held, 0, sizeof(held));
	CHECK(esl_gate_new(&source, &gate) == 0);
}

/* As the kernel program fills in an entry of the generation 1. */
static uint64_t ask(uint32_t index, uint64_t time_ns)
{
	held[index] = (struct es_held){
		.auth_id = ES_HELD_MAX + index,
		.deadline_ns = time_ns + SPAN_MS * MS,
		.limit_ns = time_ns + ES_DEADLINES_MAX * SPAN_MS * MS,
		.verdict = ES_VERDICT_MARK(1),
	};
	return held[index].auth_id;
}

static uint64_t begin(uint64_t id, uint64_t time_ns)
{
	uint64_t deadline_ns = esl_gate_begin(gate, id, time_ns, time_ns + SPAN_MS * MS);

	CHECK(held[id % ES_HELD_MAX].deadline_ns == deadline_ns);	/* what is said is what is kept */
	return deadline_ns;
}

/* Also if the client was stopped, or had no processor, in between. */
static void case_free_handler(void)
{
	uint64_t now = clock_ns(), time_ns;

	open_gate();
	CHECK(begin(ask(1, now - 300 * MS), now - 300 * MS) == now + 100 * MS);
	esl_gate_done(gate);
	time_ns = clock_ns();
	CHECK(begin(ask(2, time_ns), time_ns) == time_ns + SPAN_MS * MS);
	esl_gate_free(gate);
}

static void case_busy_handler(void)
{
	uint64_t now = clock_ns(), until, second, third, before, after;

	open_gate();
	second = ask(2, now);
	until = begin(ask(1, now), now);
	CHECK(until == now + SPAN_MS * MS);
	CHECK(held[2].deadline_ns == until + SPAN_MS * MS);
	third = ask(3, now + 1);			/* it comes while the handler is busy */
	esl_gate_queue(gate, &held[3]);
	CHECK(held[3].deadline_ns == until + SPAN_MS * MS);

	before = clock_ns();
	esl_gate_done(gate);
	after = clock_ns();
	until = begin(second, now);
	CHECK(until >= before + SPAN_MS * MS && until <= after + SPAN_MS * MS);
	esl_gate_queue(gate, &held[2]);			/* its message has said when */
	CHECK(held[2].deadline_ns == until);
	(void)third;
	esl_gate_done(gate);
	esl_gate_queue(gate, &held[3]);
	CHECK(held[3].deadline_ns <= until + SPAN_MS * MS);
	esl_gate_free(gate);
}

/* However long the handler is busy with others. */
static void case_limit(void)
{
	uint64_t now = clock_ns(), asked_ns = now - 3 * SPAN_MS * MS - 100 * MS, id;

	open_gate();
	id = ask(2, asked_ns);
	begin(ask(1, now), now);
	CHECK(held[2].deadline_ns == held[2].limit_ns);
	esl_gate_done(gate);
	CHECK(begin(id, asked_ns) == asked_ns + ES_DEADLINES_MAX * SPAN_MS * MS);
	esl_gate_free(gate);
}

/* An entry that is free, or another's by now, is left alone. */
static void case_gone(void)
{
	uint64_t now = clock_ns(), id;

	open_gate();
	id = ask(2, now);
	held[2].auth_id += ES_HELD_MAX;
	held[2].deadline_ns = now + 1;
	CHECK(esl_gate_begin(gate, id, now, now + SPAN_MS * MS) == now + SPAN_MS * MS);
	CHECK(held[2].deadline_ns == now + 1 && !(held[2].flags & ES_HELD_BEGUN));
	held[2] = (struct es_held){};
	begin(ask(1, now), now);
	CHECK(!held[2].deadline_ns);
	esl_gate_free(gate);
}

int main(void)
{
	case_free_handler();
	case_busy_handler();
	case_limit();
	case_gone();
	return 0;
}
