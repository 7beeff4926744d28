/* SPDX-License-Identifier: MIT */

/*
 * FICLONERANGE is passed a struct whose page isn't in memory yet, so no program of ours can read there which file it names.
 * Or the page with the rest of it isn't, and while the kernel waits for that another thread replaces the source's file. The
 * kernel asks the client about the file that it clones.
 */

#include "attack.h"

#include <linux/fs.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>

enum { PAGE = 4096 };

struct row {
	const char *name;
	size_t there;			/* bytes of the struct in memory */
	const char *source;
};

static const struct row rows[] = {
	{ "a struct that isn't in memory", 0, "denied-source" },
	{ "a source that is replaced", 8, "free-source" },
};

static int source, target, denied, faults;
static char *pages;			/* two; the second isn't in memory */
static struct file_clone_range range;
static const struct row *current;

static const char *at(const char *name)
{
	return test_at("sharing/%s", name);
}

/* Waits until the kernel wants the page, replaces the descriptor's file, and gives the kernel the page. */
static void *swap(void *context)
{
	_Alignas(PAGE) static char page[PAGE];
	struct uffdio_copy copy = { .dst = (uintptr_t)pages + PAGE, .src = (uintptr_t)page, .len = PAGE };
	struct pollfd ready = { .fd = faults, .events = POLLIN };
	struct uffd_msg fault;

	(void)context;
	memcpy(page, (char *)&range + current->there, sizeof(range) - current->there);
	if (poll(&ready, 1, 10000 * (int)test_slow()) != 1 || read(faults, &fault, sizeof(fault)) != sizeof(fault))
		return NULL;
	if (current->there && dup2(denied, source) < 0)
		return NULL;
	(void)ioctl(faults, UFFDIO_COPY, &copy);
	return NULL;
}

static bool watch_second_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register watched = { .range = { .len = PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };

	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	watched.range.start = (uintptr_t)pages + PAGE;
	return pages != MAP_FAILED && faults >= 0 && ioctl(faults, UFFDIO_API, &api) == 0 &&
	       ioctl(faults, UFFDIO_REGISTER, &watched) == 0;
}

static int clone_range(void *context)
{
	pthread_t thread;
	int n;

	current = context;
	source = open(at(current->source), O_RDONLY);
	target = open(at("target"), O_WRONLY);
	denied = open(at("denied-source"), O_RDONLY);
	if (!watch_second_page() || source < 0 || target < 0 || denied < 0)
		return 201;
	range.src_fd = source;
	memcpy(pages + PAGE - current->there, &range, current->there);
	if (pthread_create(&thread, NULL, swap, NULL))
		return 202;
	n = attack_result(ioctl(target, FICLONERANGE, pages + PAGE - current->there));
	pthread_join(thread, NULL);
	return n;
}

static enum judged judge(const es_message_t *message)
{
	if (message->event_type == ES_AUTH(CLONE) && strstr(message->event.clone.source->path.data, "/denied-"))
		return JUDGED_DENY;
	return JUDGED_ALLOW;
}

static void try(struct attack *attack, const struct row *row)
{
	int status;

	printf("%s\n", row->name);
	test_write_file(at("denied-source"), "secret\n", 0644);
	test_write_file(at("free-source"), "free\n", 0644);
	test_write_file(at("target"), "", 0644);
	attack->asked[ES_AUTH(CLONE)] = 0;
	status = attack_status(clone_range, (void *)row);
	if (status == 201)
		test_skip("userfaultfd(2)");
	CHECK_EQUAL(status, EPERM);
	test_sync(attack->client);
	CHECK_EQUAL(attack->asked[ES_AUTH(CLONE)], 1);
	CHECK(attack_has_content(at("target"), ""));
}

int main(void)
{
	struct attack *attack = attack_begin(60, judge);

	REQUIRE(mkdir(test_at("sharing"), 0755) == 0);
	if (!test_mount_image("btrfs", test_at("sharing")))
		test_skip("a loop device with btrfs");
	test_hold(attack->client, ES_AUTH(CLONE), -1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		try(attack, &rows[i]);
	REQUIRE(umount2(test_at("sharing"), 0) == 0);
	return test_end();
}
