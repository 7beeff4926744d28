/* SPDX-License-Identifier: MIT */
#include "loaded.h"

#include <dirent.h>
#include <linux/bpf.h>
#include <sys/syscall.h>

#include "es-test.h"

/* The program that the descriptor refers to; 0: none. */
static uint32_t program_id(pid_t daemon, const char *fd)
{
	char path[300], line[256];
	uint32_t id = 0;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", daemon, fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "prog_id: %u", &id) == 1)
			break;
	if (info)
		fclose(info);
	return id;
}

/* Is it a program itself? A link's fdinfo has its program's number, too. */
static bool is_program(pid_t daemon, const char *fd)
{
	char path[300], target[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/fd/%s", daemon, fd);
	return readlink(path, target, sizeof(target) - 1) > 0 && !strcmp(target, "anon_inode:bpf-prog");
}

static void program_name(uint32_t id, char name[16])
{
	union bpf_attr attr = {};
	struct bpf_prog_info info = {};
	int fd;

	attr.prog_id = id;
	fd = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr));
	REQUIRE(fd >= 0);
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	REQUIRE(syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) == 0);
	close(fd);
	snprintf(name, 16, "%.15s", info.name);
}

struct loaded loaded_read(pid_t daemon)
{
	struct loaded loaded = {};
	struct dirent *entry;
	char path[64];
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", daemon);
	folder = opendir(path);
	REQUIRE(folder != NULL);
	while ((entry = readdir(folder))) {
		uint32_t id = is_program(daemon, entry->d_name) ? program_id(daemon, entry->d_name) : 0;

		if (id && loaded.count < LOADED_MAX)
			program_name(id, loaded.name[loaded.count++]);
	}
	closedir(folder);
	return loaded;
}

bool loaded_has(const struct loaded *loaded, const char *name)
{
	for (unsigned int i = 0; i < loaded->count; i++)
		if (!strncmp(loaded->name[i], name, 15))
			return true;
	return false;
}

void loaded_print(const struct loaded *loaded)
{
	printf("%u loaded:", loaded->count);
	for (unsigned int i = 0; i < loaded->count; i++)
		printf(" %s", loaded->name[i]);
	putchar('\n');
}

void loaded_refuse(const char *names)
{
	setenv("ES_TEST_REFUSE", names, 1);
	setenv("LD_PRELOAD", test_built("tests/harness/librefuse.so"), 1);
}
