/* SPDX-License-Identifier: MIT */

/*
 * copy_file_range(2) has looked up the files of its descriptors, and waits for the page of its offset. Meanwhile another
 * thread replaces the file of a descriptor. The kernel asks the client about the files that it copies.
 */

#include "attack.h"

#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { PAGE = 4096 };

struct row {
	const char *name;
	const char *source, *target;
	bool source_swapped;		/* else the target */
};

static const struct row rows[] = {
	{ "a source", "denied-source", "free-target", true },
	{ "a target", "free-source", "denied-target", false },
};

static int source, target, other, faults;
static const struct row *current;

/* Waits until the kernel wants the page, replaces the descriptor's file, and gives the kernel a page of zeroes. */
static void *swap(void *page)
{
	struct uffdio_zeropage zeroes = { .range = { (uintptr_t)page, PAGE } };
	struct pollfd ready = { .fd = faults, .events = POLLIN };
	struct uffd_msg fault;

	if (poll(&ready, 1, 10000 * (int)test_slow()) != 1 || read(faults, &fault, sizeof(fault)) != sizeof(fault))
		return NULL;
	if (dup2(other, current->source_swapped ? source : target) < 0)
		return NULL;
	(void)ioctl(faults, UFFDIO_ZEROPAGE, &zeroes);
	return NULL;
}

static void *watched_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .range = { .len = PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	range.range.start = (uintptr_t)page;
	if (page == MAP_FAILED || faults < 0 || ioctl(faults, UFFDIO_API, &api) < 0 ||
	    ioctl(faults, UFFDIO_REGISTER, &range) < 0)
		return NULL;
	return page;
}

static int copy(void *context)
{
	void *page = watched_page();
	pthread_t thread;
	ssize_t n;

	current = context;
	source = open(test_at("%s", current->source), O_RDONLY);
	target = open(test_at("%s", current->target), O_WRONLY);
	other = open(test_at("other"), O_RDWR);
	if (!page || source < 0 || target < 0 || other < 0)
		return 201;
	if (pthread_create(&thread, NULL, swap, page))
		return 202;
	n = syscall(SYS_copy_file_range, source, page, target, NULL, 100, 0);
	n = attack_result(n);
	pthread_join(thread, NULL);
	return (int)n;
}

static enum judged judge(const es_message_t *message)
{
	const es_event_copyfile_t *copyfile = &message->event.copyfile;

	if (message->event_type != ES_AUTH(COPYFILE))
		return JUDGED_ALLOW;
	if (strstr(copyfile->source->path.data, "/denied-") ||
	    (copyfile->target_file && strstr(copyfile->target_file->path.data, "/denied-")))
		return JUDGED_DENY;
	return JUDGED_ALLOW;
}

static void try(struct attack *attack, const struct row *row)
{
	int status;

	printf("%s\n", row->name);
	test_write_file(test_at("denied-source"), "secret\n", 0644);
	test_write_file(test_at("free-source"), "free\n", 0644);
	test_write_file(test_at("denied-target"), "kept\n", 0644);
	test_write_file(test_at("free-target"), "", 0644);
	test_write_file(test_at("other"), "other\n", 0644);
	attack->asked[ES_AUTH(COPYFILE)] = 0;
	status = attack_status(copy, (void *)row);
	if (status == 201)
		test_skip("userfaultfd(2)");
	CHECK(status == 0 || status == EPERM);
	test_sync(attack->client);
	CHECK_EQUAL(attack->asked[ES_AUTH(COPYFILE)], 1);
	CHECK(!attack_has_content(test_at("free-target"), "secret\n"));
	CHECK(attack_has_content(test_at("denied-target"), "kept\n"));
}

int main(void)
{
	struct attack *attack = attack_begin(60, judge);

	test_hold(attack->client, ES_AUTH(COPYFILE), -1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		try(attack, &rows[i]);
	return test_end();
}
