/* SPDX-License-Identifier: MIT */

/*
 * The kernel never uses a stale allow. Programs open a file again and again, while the test makes it bad, and good
 * again, in one way after the other. When asked, the client looks at the file, and wants its answer kept. Once the
 * file is bad no open may succeed, whatever was asked, answered or kept just before or during the change. It tries
 * 100,000 times, or ES_RACE_TRIES times.
 */

#include "keeper.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/xattr.h>

enum { READERS = 2, OPENS = 3, DEFAULT_TRIES = 5000 };

static struct actor_race *race;
static struct keeper keeper;
static char file[256], bad_file[256], good_file[256];

/* ---- ways to be bad ---- */

static void put_byte(char byte)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);

	REQUIRE(fd >= 0 && pwrite(fd, &byte, 1, 0) == 1);
	close(fd);
}

static void put_mapped(char byte)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	char *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	REQUIRE(memory != MAP_FAILED);
	close(fd);
	memory[0] = byte;
	munmap(memory, 4096);
}

static void write_bad(void) { put_byte('b'); }
static void write_good(void) { put_byte('g'); }
static void map_bad(void) { put_mapped('b'); }
static void map_good(void) { put_mapped('g'); }
static void mode_bad(void) { REQUIRE(chmod(file, 0666) == 0); }
static void mode_good(void) { REQUIRE(chmod(file, 0644) == 0); }
static void owner_bad(void) { REQUIRE(chown(file, 1, 1) == 0); }
static void owner_good(void) { REQUIRE(chown(file, 0, 0) == 0); }
static void xattr_bad(void) { REQUIRE(setxattr(file, "trusted.bad", "1", 1, 0) == 0); }
static void xattr_good(void) { REQUIRE(removexattr(file, "trusted.bad") == 0); }
static void truncate_bad(void) { REQUIRE(truncate(file, 0) == 0); }

static void replace(const char *by, char byte)
{
	test_write_file(by, byte == 'b' ? "b" : "g", 0644);
	REQUIRE(rename(by, file) == 0);
}

static void rename_bad(void) { replace(bad_file, 'b'); }
static void rename_good(void) { replace(good_file, 'g'); }

static const struct way {
	const char *name;
	void (*bad)(void);
	void (*good)(void);
} ways[] = {
	{ "write", write_bad, write_good },
	{ "mapping", map_bad, map_good },
	{ "mode", mode_bad, mode_good },
	{ "owner", owner_bad, owner_good },
	{ "xattr", xattr_bad, xattr_good },
	{ "truncate", truncate_bad, write_good },
	{ "rename over", rename_bad, rename_good },
};

static bool is_bad(void)
{
	struct stat stat;
	char byte = 0;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	bool bad;

	REQUIRE(fd >= 0 && fstat(fd, &stat) == 0);
	bad = pread(fd, &byte, 1, 0) != 1 || byte != 'g' || (stat.st_mode & 07777) != 0644 || stat.st_uid ||
	      fgetxattr(fd, "trusted.bad", NULL, 0) >= 0;
	close(fd);
	return bad;
}

/* In the handler: looks at the file and decides, as a real client does. */
static void look(void *context)
{
	(void)context;
	keeper.allowed = is_bad() ? 0 : KEEP_ALL;
}

/* ---- the race ---- */

static void await_opens(uint64_t count)
{
	uint64_t until = race->tries + count, limit = test_now() + 20000000000ull * test_slow();

	while (race->tries < until && test_now() < limit)
		usleep(20);
	REQUIRE(race->tries >= until);
}

/* From here to the next change of the epoch, an open that begins must fail. */
static void turn(const struct way *way)
{
	way->bad();
	race->epoch++;
	await_opens(OPENS);
	race->epoch++;
	way->good();
	await_opens(OPENS);
}

/* In a guest many tries take long: how far it has come is printed, should it have to be ended. */
static uint64_t run(uint64_t tries)
{
	uint64_t turns = 0, told = 0;

	while (race->tries < tries) {
		turn(&ways[turns % ARRAY_SIZE(ways)]);
		turns++;
		if (race->tries >= told + 10000) {
			told = race->tries;
			printf("%llu opens, %llu stale\n", (unsigned long long)told, (unsigned long long)race->stale);
			fflush(stdout);
		}
	}
	return turns;
}

static struct actor_race *make_race(int *ret_fd)
{
	struct actor_race *shared;

	*ret_fd = memfd_create("race", 0);		/* the readers inherit it */
	REQUIRE(*ret_fd >= 0 && ftruncate(*ret_fd, sizeof(*shared)) == 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, *ret_fd, 0);
	REQUIRE(shared != MAP_FAILED);
	return shared;
}

int main(void)
{
	const char *wanted = getenv("ES_RACE_TRIES");
	uint64_t tries = wanted ? strtoull(wanted, NULL, 10) : DEFAULT_TRIES, turns;
	struct actor readers[READERS];
	unsigned long hits;
	int fd;

	test_begin(wanted ? 1000 : 120);
	test_daemon(NULL);
	keeper_start(&keeper, KEEP_ALL);
	cache_require(&keeper);
	keeper.client->counting = true;
	keeper.before = look;
	snprintf(file, sizeof(file), "%s", test_at("file"));
	snprintf(bad_file, sizeof(bad_file), "%s", test_at("bad"));
	snprintf(good_file, sizeof(good_file), "%s", test_at("good"));
	test_write_file(file, "good", 0644);
	race = make_race(&fd);
	for (int i = 0; i < READERS; i++)
		readers[i] = actor_start(i ? "reader-1" : "reader-0");
	test_subscribe(keeper.client, ES_AUTH(OPEN), -1);
	for (int i = 0; i < READERS; i++)
		actor_begin(&readers[i], ACT_RACE, (uint32_t)fd, file);
	(void)setpriority(PRIO_PROCESS, 0, -20);	/* so that changes come as often as they can */
	turns = run(tries);
	race->stop = 1;
	for (int i = 0; i < READERS; i++) {
		CHECK_EQUAL(actor_end(&readers[i]), 0);
		actor_stop(&readers[i]);
	}
	close(fd);

	hits = cache_number("hits");
	printf("%llu opens, %llu allowed, %llu denied; %llu times bad and good again; asked %u times, %lu hits\n",
	       (unsigned long long)race->tries, (unsigned long long)race->allowed, (unsigned long long)race->denied,
	       (unsigned long long)turns, keeper.asked, hits);
	CHECK_EQUAL(race->stale, 0);
	CHECK_EQUAL(race->other, 0);
	CHECK(race->allowed > tries / 20 && race->denied > tries / 20);
	CHECK(hits > tries / 20);	/* or it has proved nothing about the cache */
	return test_end();
}
