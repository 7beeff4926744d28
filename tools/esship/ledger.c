/* SPDX-License-Identifier: MIT */
#include "tools/esship/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/macro.h"

#define LEDGER_MAGIC "ESLEDGR\n"

int ledger_open(struct ledger *ret, int folder_fd)
{
	_cleanup_close_ int fd = openat(folder_fd, "ledger", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	*ret = (struct ledger){};
	if (fd < 0)
		return -errno;
	r = posix_fallocate(fd, 0, sizeof(*ret->page));	/* else a full disk would cause SIGBUS later */
	if (r)
		return -r;
	ret->page = mmap(NULL, sizeof(*ret->page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ret->page == MAP_FAILED) {
		ret->page = NULL;
		return -errno;
	}
	if (!memcmp(ret->page->magic, LEDGER_MAGIC, sizeof(ret->page->magic)) && ret->page->size == sizeof(*ret->page))
		ret->before = *ret->page;
	return 0;
}

void ledger_begin(struct ledger *ledger, const uint8_t client[SEGMENT_CLIENT_BYTES])
{
	memset(ledger->page, 0, sizeof(*ledger->page));
	memcpy(ledger->page->client, client, sizeof(ledger->page->client));
	ledger->page->size = sizeof(*ledger->page);
	memcpy(ledger->page->magic, LEDGER_MAGIC, sizeof(ledger->page->magic));
}

void ledger_close(struct ledger *ledger)
{
	if (ledger->page)
		munmap(ledger->page, sizeof(*ledger->page));
	ledger->page = NULL;
}

/* Write the count last: a death before that counts nothing. */
void ledger_count(struct ledger_counts *counts, unsigned int name, uint64_t number)
{
	if (!counts->first)
		counts->first = number;
	counts->last = number;
	counts->of[name]++;
}

uint64_t ledger_total(const struct ledger_counts *counts)
{
	uint64_t total = 0;

	for (unsigned int name = 0; name < LEDGER_NAMES; name++)
		total += counts->of[name];
	return total;
}

void ledger_add(struct ledger_counts *to, const struct ledger_counts *counts)
{
	if (!ledger_total(counts))
		return;
	if (!to->first || counts->first < to->first)
		to->first = counts->first;
	if (counts->last > to->last)
		to->last = counts->last;
	for (unsigned int name = 0; name < LEDGER_NAMES; name++)
		to->of[name] += counts->of[name];
}

void ledger_clear(struct ledger_block *block)
{
	memset(block, 0, sizeof(*block));
}

void ledger_lost(const struct ledger *ledger, uint64_t last_in_spool, struct ledger_counts *ret_lines,
		 struct ledger_counts *ret_dropped)
{
	*ret_lines = *ret_dropped = (struct ledger_counts){};
	for (unsigned int i = 0; i < LEDGER_BLOCKS && ledger->before.size; i++) {
		const struct ledger_block *block = &ledger->before.block[i];

		if (block->lines.first > last_in_spool)
			ledger_add(ret_lines, &block->lines);
		if (!block->reported_by || block->reported_by > last_in_spool)
			ledger_add(ret_dropped, &block->dropped);
	}
}
