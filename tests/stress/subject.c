/* SPDX-License-Identifier: MIT */
#include "subject.h"

#include <stdlib.h>
#include <string.h>

#include "es-test.h"

const es_event_type_t subject_events[SUBJECT_TYPES] = {
	[TYPE_AUTH_OPEN] = ES_AUTH(OPEN),	    [TYPE_AUTH_EXEC] = ES_AUTH(EXEC),
	[TYPE_NOTIFY_OPEN] = ES_NOTIFY(OPEN),	    [TYPE_NOTIFY_EXEC] = ES_NOTIFY(EXEC),
	[TYPE_NOTIFY_RENAME] = ES_NOTIFY(RENAME),
};

int subject_type_of(es_event_type_t event)
{
	for (int type = 0; type < SUBJECT_TYPES; type++)
		if (subject_events[type] == event)
			return type;
	return -1;
}

static bool has_type(const struct op *op, enum subject_type type)
{
	switch (type) {
	case TYPE_AUTH_OPEN:
	case TYPE_NOTIFY_OPEN:
		return op->kind == OP_OPEN;
	case TYPE_AUTH_EXEC:
	case TYPE_NOTIFY_EXEC:
		return op->kind == OP_EXEC;
	default:
		return true;
	}
}

/* ---- what a message is about ---- */

/* MOUNT/wN or MOUNT/xN, and what comes behind; NULL: it isn't that. */
static const char *parse_folder(const es_string_token_t *path, unsigned int *ret_worker)
{
	size_t length = strlen(test_mnt);

	if (strncmp(path->data, test_mnt, length) || path->data[length] != '/' || path->length < length + 3 ||
	    !strchr("wx", path->data[length + 1]))
		return NULL;
	*ret_worker = (unsigned int)(path->data[length + 2] - '0');
	return *ret_worker < WORKERS ? path->data + length + 3 : NULL;
}

static bool parse_file(const es_file_t *file, unsigned int *ret_worker, uint32_t *ret_number)
{
	const char *rest = parse_folder(&file->path, ret_worker);

	if (!rest || *rest != '/')
		return false;
	*ret_number = (uint32_t)strtoul(rest + 1, NULL, 10);
	return *ret_number > 1 && *ret_number < OPS_MAX;
}

bool subject_parse(const es_message_t *message, unsigned int *ret_worker, uint32_t *ret_number)
{
	const es_event_rename_t *rename = &message->event.rename;
	const char *rest;

	if (message->event_type == ES_AUTH(OPEN) || message->event_type == ES_NOTIFY(OPEN))
		return parse_file(message->event.open.file, ret_worker, ret_number);
	if (message->event_type == ES_AUTH(EXEC) || message->event_type == ES_NOTIFY(EXEC))
		return parse_file(message->event.exec.target->executable, ret_worker, ret_number);
	if (message->event_type != ES_NOTIFY(RENAME) || rename->destination_type != ES_DESTINATION_TYPE_NEW_PATH)
		return false;
	rest = parse_folder(&rename->destination.new_path.dir->path, ret_worker);
	if (!rest || *rest)
		return false;
	*ret_number = (uint32_t)strtoul(rename->destination.new_path.filename.data, NULL, 10);
	return *ret_number > 1 && *ret_number < OPS_MAX;
}

/* ---- changes ---- */

static void note_begin(struct history *history, bool on)
{
	atomic_store(&history->sure_ns, 0);
	if (on)
		history->windows[history->count++] = (struct window){
			.on_begin = test_now(), .on_end = UINT64_MAX, .off_begin = UINT64_MAX, .off_end = UINT64_MAX
		};
	else
		history->windows[history->count - 1].off_begin = test_now();
}

bool history_begin(struct history *history, bool on, bool wait)
{
	if (wait)
		pthread_mutex_lock(&history->lock);
	else if (pthread_mutex_trylock(&history->lock))
		return false;
	if (history->on == on || (on && history->count == WINDOWS_MAX)) {
		pthread_mutex_unlock(&history->lock);
		return false;
	}
	note_begin(history, on);
	return true;
}

/* A change that failed may have been made all the same: what it is about is then possible, and nothing certain. */
void history_end(struct history *history, bool on, bool changed)
{
	struct window *window = &history->windows[history->count - 1];
	uint64_t now = test_now();

	if (on && changed) {
		window->on_end = now;
		atomic_store(&history->sure_ns, now);
	} else if (changed) {
		window->off_end = now;
	}
	history->on = on && changed;
	pthread_mutex_unlock(&history->lock);
}

void subject_off_begin(struct subject *subject)
{
	for (int type = 0; type < SUBJECT_TYPES; type++) {
		pthread_mutex_lock(&subject->subscribed[type].lock);
		if (subject->subscribed[type].on)
			note_begin(&subject->subscribed[type], false);
	}
}

void subject_off_end(struct subject *subject, bool changed)
{
	for (int type = 0; type < SUBJECT_TYPES; type++) {
		if (subject->subscribed[type].on)
			history_end(&subject->subscribed[type], false, changed);
		else
			pthread_mutex_unlock(&subject->subscribed[type].lock);
	}
}

void subject_delete_begin(struct subject *subject)
{
	atomic_store(&subject->deleting, true);
	for (int type = 0; type < SUBJECT_TYPES; type++) {
		struct history *history = &subject->subscribed[type];

		pthread_mutex_lock(&history->lock);
		if (history->on)
			history->windows[history->count - 1].off_begin = test_now();
		atomic_store(&history->sure_ns, 0);
		pthread_mutex_unlock(&history->lock);
	}
}

void subject_delete_end(struct subject *subject)
{
	uint64_t now = test_now();

	atomic_store(&subject->deleted, true);
	for (int type = 0; type < SUBJECT_TYPES; type++) {
		struct history *history = &subject->subscribed[type];

		pthread_mutex_lock(&history->lock);
		for (unsigned int i = 0; i < history->count; i++)
			if (history->windows[i].off_end == UINT64_MAX)
				history->windows[i].off_end = now;
		pthread_mutex_unlock(&history->lock);
	}
}

static bool certainly(const struct history *history, uint64_t begin, uint64_t end)
{
	for (unsigned int i = 0; i < history->count; i++)
		if (history->windows[i].on_end < begin && end < history->windows[i].off_begin)
			return true;
	return false;
}

static bool possibly(const struct history *history, uint64_t begin, uint64_t end)
{
	for (unsigned int i = 0; i < history->count; i++)
		if (history->windows[i].on_begin <= end && begin <= history->windows[i].off_end)
			return true;
	return false;
}

/* ---- a life ---- */

static void history_init(struct history *history)
{
	pthread_mutex_init(&history->lock, NULL);
}

struct subject *subject_new(unsigned int number, unsigned int seed, struct ledger *ledger)
{
	struct subject *subject = calloc(1, sizeof(*subject));

	REQUIRE(subject != NULL);
	subject->number = number;
	subject->seed = seed;
	subject->references = 1;
	subject->created_ns = test_now();
	for (int type = 0; type < SUBJECT_TYPES; type++)
		history_init(&subject->subscribed[type]);
	for (int worker = 0; worker < WORKERS; worker++) {
		history_init(&subject->muted[worker]);
		subject->first[worker] = __atomic_load_n(&ledger->count[worker], __ATOMIC_SEQ_CST);
		if (subject->first[worker] > 2)
			subject->first[worker]--;	/* it may be going on still */
		else
			subject->first[worker] = 2;
	}
	return subject;
}

void subject_free(struct subject *subject)
{
	for (int type = 0; type < SUBJECT_TYPES; type++) {
		pthread_mutex_destroy(&subject->subscribed[type].lock);
		for (int worker = 0; worker < WORKERS; worker++)
			free(subject->arrived[type][worker].numbers);
	}
	for (int worker = 0; worker < WORKERS; worker++)
		pthread_mutex_destroy(&subject->muted[worker].lock);
	free(subject);
}

/* ---- what arrives ---- */

static void arrive(struct subject *subject, int type, unsigned int worker, uint32_t number)
{
	struct arrived *arrived = &subject->arrived[type][worker];

	if (arrived->count && arrived->numbers[arrived->count - 1] >= number) {
		fprintf(stderr, "client %u: %s of operation %u.%u comes after %u: twice, or out of order\n",
			subject->number, es_linux_event_name(subject_events[type]), worker, number,
			arrived->numbers[arrived->count - 1]);
		CHECK(!"each event comes once, in order");
		return;
	}
	if (arrived->count == arrived->room) {
		arrived->room = arrived->room ? arrived->room * 2 : 64;
		arrived->numbers = realloc(arrived->numbers, arrived->room * sizeof(*arrived->numbers));
		REQUIRE(arrived->numbers != NULL);
	}
	arrived->numbers[arrived->count++] = number;
}

/* Each message has a number of its type and one of all; what is left out was lost. */
static void count(struct subject *subject, int type, const es_message_t *message)
{
	CHECK(message->seq_num >= subject->next[type]);
	CHECK(message->global_seq_num >= subject->next_all);
	subject->next[type] = message->seq_num + 1;
	subject->next_all = message->global_seq_num + 1;
	subject->received[type]++;
	subject->received_all++;
	subject->lost[type] = subject->next[type] - subject->received[type];
	subject->lost_all = subject->next_all - subject->received_all;
}

struct op *subject_receive(struct subject *subject, const es_message_t *message, struct ledger *ledger)
{
	int type = subject_type_of(message->event_type);
	unsigned int worker;
	uint32_t number;
	struct op *op;

	REQUIRE(type >= 0);
	count(subject, type, message);
	if (!subject_parse(message, &worker, &number))
		return NULL;
	op = &ledger->ops[worker][number];
	arrive(subject, type, worker, number);
	subject->last_ns[type] = subject->last_any_ns = __atomic_load_n(&op->begin_ns, __ATOMIC_SEQ_CST);
	return op;
}

/* ---- the balance ---- */

struct audit {
	struct subject *subject;
	struct ledger *ledger;
	int type;
	unsigned int worker;
	uint32_t must, may, delivered;
	uint32_t missing;		/* of those that had to come, before the last message of the type */
	uint32_t missing_all;		/* before the last message of any type */
	uint32_t missing_end;		/* behind that: nothing tells how many were lost */
	uint64_t first_ns, last_ns;	/* when the missing ones began and ended */
};

/* Which clients are asked after the first denial, fanotify doesn't say; and what was denied is told only if known. */
static bool is_due(const struct op *op, int type)
{
	if (op->error == 0)
		return true;
	return op->error == EPERM && type != TYPE_AUTH_OPEN && type != TYPE_AUTH_EXEC &&
	       !__atomic_load_n(&op->unsure, __ATOMIC_SEQ_CST);
}

static bool must_come(const struct audit *audit, const struct op *op, uint64_t end)
{
	const struct subject *subject = audit->subject;

	return end < atomic_load(&subject->synced_ns) &&
	       (audit->type == TYPE_NOTIFY_RENAME || is_due(op, audit->type)) &&
	       certainly(&subject->subscribed[audit->type], op->begin_ns, end) &&
	       !possibly(&subject->muted[audit->worker], op->begin_ns, end);
}

/* Of what is executed and renamed, the muted path isn't the only target. */
static bool may_come(const struct audit *audit, const struct op *op, uint64_t end)
{
	bool path_is_target = audit->type == TYPE_AUTH_OPEN || audit->type == TYPE_NOTIFY_OPEN;

	return possibly(&audit->subject->subscribed[audit->type], op->begin_ns, end) &&
	       !(path_is_target && certainly(&audit->subject->muted[audit->worker], op->begin_ns, end));
}

static void audit_op(struct audit *audit, uint32_t number, bool came)
{
	const struct op *op = &audit->ledger->ops[audit->worker][number];
	uint64_t end = __atomic_load_n(&op->end_ns, __ATOMIC_SEQ_CST) ?: UINT64_MAX - 1;
	bool must = end != UINT64_MAX - 1 && must_come(audit, op, end);
	bool may = must || may_come(audit, op, end);

	if (came && !(may && has_type(op, (enum subject_type)audit->type))) {
		fprintf(stderr, "client %u: %s of operation %u.%u, which it wasn't subscribed to\n",
			audit->subject->number, es_linux_event_name(subject_events[audit->type]), audit->worker, number);
		CHECK(!"only what was subscribed to comes");
	}
	audit->must += must;
	audit->may += may;
	audit->delivered += came;
	if (came || !must)
		return;
	if (!audit->first_ns || op->begin_ns < audit->first_ns)
		audit->first_ns = op->begin_ns;
	if (end > audit->last_ns)
		audit->last_ns = end;
	if (end < audit->subject->last_ns[audit->type])
		audit->missing++;
	if (end < audit->subject->last_any_ns)
		audit->missing_all++;
	else
		audit->missing_end++;
}

static void audit_worker(struct audit *audit)
{
	const struct arrived *arrived = &audit->subject->arrived[audit->type][audit->worker];
	uint32_t count = __atomic_load_n(&audit->ledger->count[audit->worker], __ATOMIC_SEQ_CST), next = 0;

	for (uint32_t number = audit->subject->first[audit->worker]; number < count; number++) {
		const struct op *op = &audit->ledger->ops[audit->worker][number];
		bool came = next < arrived->count && arrived->numbers[next] == number;

		next += came;
		if (came || has_type(op, (enum subject_type)audit->type))
			audit_op(audit, number, came);
	}
	CHECK_EQUAL(next, arrived->count);
}

/* Nobody else touches files where the daemon looks: so no more can be lost than happened and didn't come. */
static void audit_type(struct subject *subject, const struct audit *audit)
{
	uint64_t lost = subject->lost[audit->type];

	/* The stress program's own children execute, too; and without a cgroup everybody does. */
	bool others = audit->type == TYPE_NOTIFY_EXEC;

	if (audit->missing <= lost && (others || lost <= audit->may - audit->delivered))
		return;
	fprintf(stderr, "client %u, %s: %u had to come and %u might, %u came, %u are missing, %llu counted as lost\n",
		subject->number, es_linux_event_name(subject_events[audit->type]), audit->must, audit->may,
		audit->delivered, audit->missing, (unsigned long long)lost);
	CHECK(!"what doesn't come is counted as lost, and nothing else");
}

static double since_s(const struct subject *subject, uint64_t ns)
{
	return ns ? (double)(int64_t)(ns - subject->created_ns) / 1e9 : 0;
}

/* What of a type is missing, and when: for whoever has to find out why. Times are since the client began. */
static void tell_missing(const struct audit *audit)
{
	const struct subject *subject = audit->subject;
	const struct history *history = &subject->subscribed[audit->type];

	fprintf(stderr, "  %s: %u before the last of all, %u behind, from %.3f to %.3f s; last of the type at %.3f s, of all at "
		"%.3f s; synced to %.3f s;", es_linux_event_name(subject_events[audit->type]), audit->missing_all,
		audit->missing_end, since_s(subject, audit->first_ns), since_s(subject, audit->last_ns),
		since_s(subject, subject->last_ns[audit->type]), since_s(subject, subject->last_any_ns),
		since_s(subject, atomic_load(&subject->synced_ns)));
	for (unsigned int i = 0; i < history->count; i++)
		fprintf(stderr, " subscribed %.3f-%.3f s", since_s(subject, history->windows[i].on_end),
			history->windows[i].off_begin == UINT64_MAX ? -1 : since_s(subject, history->windows[i].off_begin));
	fputc('\n', stderr);
}

void subject_balance(struct subject *subject, struct ledger *ledger, struct balance *balance)
{
	struct audit audits[SUBJECT_TYPES];
	uint32_t missing_all = 0, missing_end = 0;

	for (int type = 0; type < SUBJECT_TYPES; type++) {
		struct audit audit = { .subject = subject, .ledger = ledger, .type = type };

		for (audit.worker = 0; audit.worker < WORKERS; audit.worker++)
			audit_worker(&audit);
		audit_type(subject, &audit);
		audits[type] = audit;
		missing_all += audit.missing_all;
		missing_end += audit.missing_end;
		balance->must += audit.must;
		balance->delivered += audit.delivered;
	}
	balance->lost += subject->lost_all;
	if (missing_all > subject->lost_all || (missing_end && !subject->received_all)) {
		fprintf(stderr, "client %u: %u are missing, %u behind the last message; %llu counted as lost of %llu\n",
			subject->number, missing_all, missing_end, (unsigned long long)subject->lost_all,
			(unsigned long long)subject->received_all);
		for (int type = 0; type < SUBJECT_TYPES; type++)
			if (audits[type].missing_all || audits[type].missing_end)
				tell_missing(&audits[type]);
		CHECK(!"what doesn't come is counted as lost");
	}
}
