/* SPDX-License-Identifier: MIT */

#include "things.h"

#include "es-test.h"

enum { STEP_MS = 10, SETTLED_MS = 1000 };

static size_t count_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t count = 0;
	int c;

	while (file && (c = getc(file)) != EOF)
		count += c == '\n';
	if (file)
		fclose(file);
	return count;
}

static size_t count_children(pid_t pid)
{
	char path[64];
	size_t count = 0;
	FILE *file;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "re");
	while (file && fscanf(file, "%d", &child) == 1)
		count++;
	if (file)
		fclose(file);
	return count;
}

struct things things_of(pid_t pid)
{
	char fds[64], tasks[64], mounts[64];

	snprintf(fds, sizeof(fds), "/proc/%d/fd", pid);
	snprintf(tasks, sizeof(tasks), "/proc/%d/task", pid);
	snprintf(mounts, sizeof(mounts), "/proc/%d/mountinfo", pid);
	return (struct things){ test_entries(fds), test_entries(tasks), count_lines(mounts), count_children(pid) };
}

struct things things_settled(pid_t pid)
{
	struct things before = things_of(pid), now;
	unsigned int still_ms = 0;

	for (unsigned int ms = 0; still_ms < SETTLED_MS && ms < 10000 * test_slow(); ms += STEP_MS) {
		test_sleep_ms(STEP_MS);
		now = things_of(pid);
		still_ms = memcmp(&now, &before, sizeof(now)) ? 0 : still_ms + STEP_MS;
		before = now;
	}
	return before;
}

void things_check(const char *whose, pid_t pid, const struct things *before)
{
	struct things now;

	for (unsigned int ms = 0; ms < 5000 * test_slow(); ms += STEP_MS) {
		now = things_of(pid);
		if (!memcmp(&now, before, sizeof(now)))
			return;
		test_sleep_ms(STEP_MS);
	}
	fprintf(stderr, "%s had %zu descriptors, %zu threads, %zu mounts, %zu children; now %zu, %zu, %zu, %zu\n",
		whose, before->descriptors, before->threads, before->mounts, before->children, now.descriptors,
		now.threads, now.mounts, now.children);
	CHECK(!"nothing is left");
}

size_t things_memory_kib(pid_t pid)
{
	char path[64], line[256];
	size_t kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmData: %zu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}
