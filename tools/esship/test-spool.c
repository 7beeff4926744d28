/* SPDX-License-Identifier: MIT */

/* The spool and its ledger: appended lines come, in order, once; acknowledgements survive a restart; limits hold. */

#undef NDEBUG
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/esship/ledger.h"
#include "tools/esship/spool.h"
#include "util/macro.h"

static const uint8_t first_client[SEGMENT_CLIENT_BYTES] = "the first", second_client[SEGMENT_CLIENT_BYTES] = "the second";
static char folder[64];

static void make_folder(void)
{
	strcpy(folder, "/tmp/test-spool-XXXXXX");
	assert(mkdtemp(folder));
}

/* Of all but the lock; with `remove`, that too, and the folder. */
static unsigned int files(const char *suffix, bool remove)
{
	DIR *opened = opendir(folder);
	struct dirent *entry;
	unsigned int count = 0;

	while ((entry = readdir(opened))) {
		size_t length = strlen(entry->d_name);

		if (length > strlen(suffix) && !strcmp(entry->d_name + length - strlen(suffix), suffix))
			count++;
		if (remove && entry->d_name[0] != '.')
			unlinkat(dirfd(opened), entry->d_name, 0);
	}
	closedir(opened);
	if (remove)
		rmdir(folder);
	return count;
}

static struct spool *open_spool(uint64_t size, const uint8_t *client)
{
	struct spool_options options = { .folder = folder, .size = size };
	char problem[SPOOL_PROBLEM_BYTES];
	struct spool *spool;

	assert(spool_open(&spool, &options, client, problem) == 0);
	return spool;
}

/* A line that doesn't get smaller. */
static int append(struct spool *spool, uint64_t number, size_t length)
{
	char *line = malloc(length);
	int r;

	assert(line);
	for (size_t i = 0; i < length; i++)
		line[i] = (char)('!' + rand() % 90);
	line[length - 1] = '\n';
	r = spool_append(spool, line, length, 1, number, number);
	free(line);
	return r;
}

static uint64_t next(struct spool_reader *reader)
{
	const struct segment_lines *lines;
	struct segment_frame frame;
	int r = spool_reader_next(reader, &frame, &lines);

	assert(r >= 0);
	return r ? frame.first : 0;
}

static void test_order(void)
{
	struct spool_reader *one, *other;
	struct spool *spool;

	make_folder();
	spool = open_spool(1 << 20, first_client);
	assert(spool_reader_new(&one, spool, "one") == 0 && spool_reader_new(&other, spool, "other") == 0);
	assert(next(one) == 0);
	for (uint64_t number = 1; number <= 20; number++)
		assert(append(spool, number, 20000) == 0);
	assert(files(".seg", false) > 3);
	for (uint64_t number = 1; number <= 20; number++) {
		assert(next(one) == number && spool_reader_ack(one) == 0);
		assert(number > 10 || next(other) == number);
	}
	assert(next(one) == 0 && spool_reader_behind(one) == 0);
	assert(files(".seg", false) > 3);	/* the other hasn't acknowledged */
	assert(spool_reader_ack(other) == 0 && spool_reader_behind(other) > 0);
	spool_close(spool);

	/* Anew: one has nothing left, the other the rest, and a third all that is there. */
	spool = open_spool(1 << 20, second_client);
	assert(spool_last_of(spool, first_client) == 20 && spool_last_of(spool, second_client) == 0);
	assert(spool_reader_new(&one, spool, "one") == 0 && spool_reader_new(&other, spool, "other") == 0);
	assert(next(one) == 0);
	assert(append(spool, 1, 100) == 0 && next(one) == 1 && spool_reader_ack(one) == 0);
	for (uint64_t number = 11; number <= 20; number++)
		assert(next(other) == number);
	assert(next(other) == 1 && next(other) == 0 && spool_reader_ack(other) == 0);
	assert(files(".seg", false) == 1);
	assert(spool_last_of(spool, second_client) == 1);
	spool_close(spool);
	files("", true);
}

/* The spool grows to its limit and no further; acknowledged segments make room. */
static void test_bounds(void)
{
	struct spool_reader *reader;
	struct spool *spool;
	uint64_t number = 0;
	int r;

	make_folder();
	spool = open_spool(1 << 20, first_client);
	assert(spool_reader_new(&reader, spool, "one") == 0);
	while ((r = append(spool, number + 1, 50000)) == 0)
		number++;
	assert(r == -ENOSPC && number > 15 && spool_bytes(spool) <= 1 << 20);
	for (uint64_t i = 1; i <= number / 2; i++)
		assert(next(reader) == i && spool_reader_ack(reader) == 0);
	assert(append(spool, number + 1, 50000) == 0);
	spool_close(spool);
	files("", true);
}

static void test_two(void)
{
	struct spool_options options = { .folder = folder, .size = 1 << 20 };
	char problem[SPOOL_PROBLEM_BYTES];
	struct spool *spool, *second;

	make_folder();
	spool = open_spool(1 << 20, first_client);
	assert(spool_open(&second, &options, second_client, problem) == -EBUSY);
	spool_close(spool);
	assert(spool_open(&second, &options, second_client, problem) == 0);
	spool_close(second);
	files("", true);
}

/* Half a frame, as a crash leaves it: the lines before it come, and those written later. */
static void test_torn(void)
{
	struct spool_reader *reader;
	struct spool *spool;
	char path[128];

	make_folder();
	spool = open_spool(1 << 20, first_client);
	assert(append(spool, 1, 1000) == 0 && append(spool, 2, 1000) == 0);
	spool_close(spool);
	snprintf(path, sizeof(path), "%s/0000000000000001.seg", folder);
	assert(truncate(path, 1500) == 0);
	spool = open_spool(1 << 20, second_client);
	assert(spool_last_of(spool, first_client) == 1);
	assert(spool_reader_new(&reader, spool, "one") == 0 && append(spool, 7, 1000) == 0);
	assert(next(reader) == 1 && next(reader) == 7 && next(reader) == 0 && spool_damaged(spool) == 0);
	spool_close(spool);
	files("", true);
}

/* Acknowledgements of missing segments, as if somebody has removed them all: the present ones come. */
static void test_foreign_ack(void)
{
	static const char *const texts[] = { "7 4000 1\n", "1 99999999 1\n", "18446744073709551615 1 1\n", "-1 -1 1\n", "1 4", "", "x" };
	struct spool_reader *reader;
	struct spool *spool;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char path[128];
		FILE *file;

		make_folder();
		snprintf(path, sizeof(path), "%s/one.ack", folder);
		file = fopen(path, "w");
		assert(file && fputs(texts[i], file) >= 0 && fclose(file) == 0);
		spool = open_spool(1 << 20, first_client);
		assert(spool_reader_new(&reader, spool, "one") == 0 && append(spool, 1, 1000) == 0);
		assert(next(reader) == 1 && spool_reader_ack(reader) == 0 && append(spool, 2, 1000) == 0 && next(reader) == 2);
		spool_close(spool);
		files("", true);
	}
}

static void test_ledger(void)
{
	struct ledger_counts lines, dropped;
	struct ledger ledger;
	int fd;

	make_folder();
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(ledger_open(&ledger, fd) == 0 && !ledger.before.size);
	ledger_begin(&ledger, first_client);
	for (uint64_t number = 2; number <= 5; number++)
		ledger_count(&ledger.page->block[0].lines, ES_EVENT_TYPE_NOTIFY_OPEN, number);
	for (uint64_t number = 6; number <= 9; number++)
		ledger_count(&ledger.page->block[1].lines, ES_EVENT_TYPE_NOTIFY_EXEC, number);
	ledger_count(&ledger.page->block[1].dropped, ES_EVENT_TYPE_NOTIFY_FORK, 10);
	ledger_close(&ledger);		/* as a death does */

	assert(ledger_open(&ledger, fd) == 0 && ledger.before.size);
	assert(!memcmp(ledger.before.client, first_client, sizeof(first_client)));
	ledger_lost(&ledger, 5, &lines, &dropped);	/* the first block is in the spool */
	assert(ledger_total(&lines) == 4 && lines.first == 6 && lines.last == 9 && lines.of[ES_EVENT_TYPE_NOTIFY_EXEC] == 4);
	assert(ledger_total(&dropped) == 1 && dropped.of[ES_EVENT_TYPE_NOTIFY_FORK] == 1);
	ledger_lost(&ledger, 1, &lines, &dropped);	/* none is */
	assert(ledger_total(&lines) == 8 && lines.first == 2);
	ledger_begin(&ledger, second_client);
	ledger_close(&ledger);
	assert(ledger_open(&ledger, fd) == 0);
	ledger_lost(&ledger, 0, &lines, &dropped);
	assert(!ledger_total(&lines) && !ledger_total(&dropped));
	ledger_close(&ledger);
	close(fd);
	files("", true);
}

int main(void)
{
	test_order();
	test_bounds();
	test_two();
	test_torn();
	test_foreign_ack();
	test_ledger();
	return 0;
}
