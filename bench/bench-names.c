/* SPDX-License-Identifier: MIT */

/*
 * The cost of operations on names while a client is notified of all, by the place of the name: in a nearly empty folder; in
 * one of 50,000 names; in one where 2,000 file systems are mounted; 100 folders deep; and in a mount namespace of the
 * program's own, which mounts the folder 2,000 times more, by one of these mounts, or by another one each time, which the
 * program enters by chdir(2).
 *
 * In a guest that counts instructions (tests/vm/run --icount) a nanosecond is an instruction.
 */

#include "es-test.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>

enum { ROUNDS = 600, MANY = 50000, MOUNTS = 2000, DEPTH = 100 };

static int run_stat(int i)
{
	struct stat seen;

	(void)i;
	return stat("file", &seen);
}

static int run_open(int i)
{
	int fd = open("file", O_RDONLY);

	(void)i;
	return fd < 0 ? -1 : close(fd);
}

static int run_rename(int i)
{
	return i % 2 ? rename("moved", "file") : rename("file", "moved");
}

static int run_unlink(int i)
{
	char name[16];

	snprintf(name, sizeof(name), "u%d", i);
	return unlink(name);
}

static const struct row {
	const char *name;
	int (*run)(int i);
} rows[] = {
	{"stat", run_stat},
	{"open and close", run_open},
	{"rename", run_rename},
	{"unlink", run_unlink},
};

/* ---- places ---- */

static const char *few(void)
{
	return test_at("few");
}

static const char *many(void)
{
	char name[16];
	int dir = open(test_at("many"), O_PATH | O_DIRECTORY);

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%d", i);
		REQUIRE(mknodat(dir, name, S_IFREG | 0644, 0) == 0);
	}
	close(dir);
	return test_at("many");
}

static const char *mounts(void)
{
	const char *folder = test_at("mounts");
	char path[4096];

	for (int i = 0; i < MOUNTS; i++) {
		snprintf(path, sizeof(path), "%s/%d", folder, i);
		REQUIRE(mkdir(path, 0755) == 0 && mount("none", path, "tmpfs", 0, "size=4k") == 0);
	}
	return folder;
}

static const char *deep(void)
{
	static char path[4096];
	size_t length = (size_t)snprintf(path, sizeof(path), "%s", test_at("deep"));

	for (int i = 0; i < DEPTH; i++) {
		length += (size_t)snprintf(path + length, sizeof(path) - length, "/%d", i);
		REQUIRE(mkdir(path, 0755) == 0);
	}
	return path;
}

static const char *foreign(void)
{
	return test_at("few");
}

static const struct place {
	const char *name;
	const char *(*make)(void);
	bool foreign, changing;			/* by mounts of another namespace */
} places[] = {
	{"few names", few, false, false},
	{"50,000 names", many, false, false},
	{"2,000 mounts", mounts, false, false},
	{"100 deep", deep, false, false},
	{"2,000 foreign", foreign, true, false},
	{"each of these", foreign, true, true},
};

static const char *elsewhere;

struct run {
	const struct row *row;
	const struct place *place;
	const char *folder;
	double ns;
	int failed;
};

/* Mounts the folder in a namespace of its own; each mount shows another folder of it. */
static int go_elsewhere(const struct run *run)
{
	char path[4096], target[4096];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		return -1;
	for (int i = 0; i < MOUNTS; i++) {
		snprintf(path, sizeof(path), "%s/%d", run->folder, run->place->changing ? i : 0);
		snprintf(target, sizeof(target), "%s/%d", elsewhere, i);
		if (mount(path, target, NULL, MS_BIND, NULL) < 0)
			return -1;
	}
	return 0;
}

static int go_to(const struct run *run, int i)
{
	char path[4096];

	if (!run->place->foreign)
		return i ? 0 : chdir(run->folder);
	if (i && !run->place->changing)
		return 0;
	snprintf(path, sizeof(path), "%s/%d", elsewhere, i % MOUNTS);
	return chdir(path);
}

static void make_file(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	if (fd < 0 || close(fd) < 0)
		_exit(3);
}

/* In a child, so that the time has the operation only, and chdir(2) if each is by another mount. */
static int measure_in_child(void *context)
{
	struct run *run = context;
	uint64_t ns = 0;

	if (run->place->foreign && go_elsewhere(run) < 0)
		return 1;
	for (int i = -10; i < ROUNDS; i++) {
		uint64_t start = test_now();
		char name[16];

		snprintf(name, sizeof(name), "u%d", i);
		if (go_to(run, i < 0 ? 0 : i) < 0)
			return 2;
		if (i >= 0 && run->place->changing)
			ns += test_now() - start;
		make_file(run->row->run == run_unlink ? name : i % 2 && run->row->run == run_rename ? "moved" : "file");
		start = test_now();
		run->failed += run->row->run(i) < 0;
		if (i >= 0)
			ns += test_now() - start;
	}
	run->ns = (double)ns / ROUNDS;
	return 0;
}

static double measure(struct run *run)
{
	run->ns = 0;
	run->failed = 0;
	REQUIRE(test_run(measure_in_child, run) == 0);
	CHECK_EQUAL(run->failed, 0);
	return run->ns;
}

static void make_folders(void)
{
	static const char *const names[] = {"few", "many", "mounts", "deep", "elsewhere"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		REQUIRE(mkdir(test_at("%s", names[i]), 0755) == 0);
	elsewhere = test_at("elsewhere");
	for (int i = 0; i < MOUNTS; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/few/%d", test_mnt, i);
		REQUIRE(mkdir(path, 0755) == 0);
		snprintf(path, sizeof(path), "%s/%d", elsewhere, i);
		REQUIRE(mkdir(path, 0755) == 0);
	}
}

int main(void)
{
	struct run *run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double bare[ARRAY_SIZE(places)][ARRAY_SIZE(rows)];
	const char *folders[ARRAY_SIZE(places)];
	struct test_client *client;

	test_begin(280);
	make_folders();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		folders[i] = places[i].make();
	test_daemon(NULL);
	client = test_client(NULL, NULL);
	client->counting = true;
	for (int told = 0; told < 2; told++) {
		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			for (size_t j = 0; j < ARRAY_SIZE(rows); j++) {
				*run = (struct run){.row = &rows[j], .place = &places[i], .folder = folders[i]};
				if (told)
					printf("%-15s %-15s %8.0f %8.0f\n", places[i].name, rows[j].name, bare[i][j], measure(run));
				else
					bare[i][j] = measure(run);
				fflush(stdout);
			}
		}
		for (int type = 0; !told && type < ES_EVENT_TYPE_LAST; type++) {
			es_event_type_t one = (es_event_type_t)type;

			if (es_linux_event_name(one) && !strncmp(es_linux_event_name(one), "NOTIFY", 6))
				(void)es_subscribe(client->client, &one, 1);
		}
	}
	for (int i = 0; i < MOUNTS; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/mounts/%d", test_mnt, i);
		REQUIRE(umount(path) == 0);
	}
	return test_end();
}
