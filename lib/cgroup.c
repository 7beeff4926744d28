/* SPDX-License-Identifier: MIT */
#include "cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "container.h"
#include "file.h"
#include "unseen.h"
#include "util/macro.h"
#include "util/number.h"

/*
 * A cgroup's id is the inode number of its folder, and the folder's handle for open_by_handle_at(2). The kernel never
 * gives an id again, and a cgroup of version 2 can't be renamed. So a path that was found once stays true, also when
 * the cgroup is gone, and is kept.
 */

enum {
	KEPT = 256,
	HANDLE_KERNFS = 0xfe,		/* FILEID_KERNFS of the kernel, which no header of its has */
};

static struct {
	uint64_t id;
	char *path;
} kept[KEPT];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* In a child of fork(), another thread may have held the lock for ever. */
static void forget_lock(void)
{
	pthread_mutex_init(&lock, NULL);
}

static void prepare_for_forks(void)
{
	pthread_atfork(NULL, NULL, forget_lock);
}

static bool find_kept(uint64_t id, char path[PATH_MAX])
{
	bool found;

	pthread_mutex_lock(&lock);
	found = kept[id % KEPT].id == id && kept[id % KEPT].path;
	if (found)
		strcpy(path, kept[id % KEPT].path);
	pthread_mutex_unlock(&lock);
	return found;
}

static void keep(uint64_t id, const char *path)
{
	char *copy = strdup(path), *old;

	if (!copy)
		return;
	pthread_mutex_lock(&lock);
	old = kept[id % KEPT].path;
	kept[id % KEPT].id = id;
	kept[id % KEPT].path = copy;
	pthread_mutex_unlock(&lock);
	free(old);
}

/* Where the hierarchy is mounted, by itself or beside those of version 1. */
static const char *mounted_at(void)
{
	static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
			return places[i];
	return NULL;
}

static int open_cgroup(const char *place, uint64_t id)
{
	_cleanup_close_ int root = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct {
		struct file_handle head;
		uint64_t id;
	} handle = { .head = { .handle_bytes = sizeof(id), .handle_type = HANDLE_KERNFS } };

	memcpy(handle.head.f_handle, &id, sizeof(id));
	return root < 0 ? -1 : open_by_handle_at(root, &handle.head, O_PATH | O_CLOEXEC);
}

/* Its path as text; false also if the text doesn't lead there: it was removed meanwhile, or isn't below the mount. */
static bool text_of(int fd, uint64_t id, char text[PATH_MAX])
{
	char link[32];
	struct stat st;
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, text, PATH_MAX - 1);
	if (length <= 0)
		return false;
	text[length] = '\0';
	return lstat(text, &st) == 0 && st.st_ino == id;
}

static bool look_up(uint64_t id, char path[PATH_MAX])
{
	const char *place = mounted_at();
	_cleanup_close_ int fd = place ? open_cgroup(place, id) : -1;
	size_t length = place ? strlen(place) : 0;
	char text[PATH_MAX];

	if (fd < 0 || !text_of(fd, id, text) || strncmp(text, place, length) || (text[length] && text[length] != '/'))
		return false;
	strcpy(path, text[length] ? text + length : "/");
	return true;
}

void esl_cgroup_path(uint64_t id, char path[PATH_MAX])
{
	UNSEEN();

	path[0] = '\0';
	pthread_once(&fork_once, prepare_for_forks);
	if (!id || find_kept(id, path))
		return;
	if (look_up(id, path))
		keep(id, path);
}

/* \x2d and the like of systemd.unit(5). What would make a control character stays as it is. */
static size_t unescape(char *text, size_t length)
{
	size_t to = 0;

	for (size_t i = 0; i < length; i++, to++) {
		int high = i + 3 < length && text[i] == '\\' && text[i + 1] == 'x' ? number_hex_digit(text[i + 2]) : -1;
		int low = high >= 0 ? number_hex_digit(text[i + 3]) : -1;
		int c = low < 0 ? 0 : high << 4 | low;

		text[to] = text[i];
		if (c < ' ' || c == 0x7f)
			continue;
		text[to] = (char)c;
		i += 3;
	}
	return to;
}

static es_string_token_t put(char **at, es_string_token_t text)
{
	es_string_token_t token = { .length = text.length, .data = *at };

	memcpy(*at, text.data, text.length);
	(*at)[text.length] = '\0';
	*at += text.length + 1;
	return token;
}

static es_string_token_t put_container(char **at, const es_linux_container_t *from)
{
	char *begin = *at;
	es_string_token_t id = put(at, from->id);

	if (from->runtime != ES_LINUX_RUNTIME_NSPAWN)
		return id;
	id.length = unescape(begin, id.length);
	begin[id.length] = '\0';
	return id;
}

/* The dashes of a pod's UID are underscores in the names of slices. */
static es_string_token_t put_pod(char **at, es_string_token_t from)
{
	char *begin = *at;
	es_string_token_t pod = put(at, from);

	for (size_t i = 0; i < pod.length; i++)
		if (begin[i] == '_')
			begin[i] = '-';
	return pod;
}

/* One block: the struct, the containers, the texts. */
static es_linux_cgroup_t *make_cgroup(const struct es_process_part *part, es_string_token_t path)
{
	es_linux_container_t *containers;
	struct esl_containers found;
	es_linux_cgroup_t *cgroup;
	size_t texts;
	char *at;

	esl_containers_of(path, &found);
	texts = path.length + 1 + found.pod.length + 1;
	for (size_t i = 0; i < found.count; i++)
		texts += found.found[i].id.length + 1;
	cgroup = malloc(sizeof(*cgroup) + found.count * sizeof(*containers) + texts);
	if (!cgroup)
		return NULL;
	containers = (es_linux_container_t *)(cgroup + 1);
	at = (char *)(containers + found.count);
	for (size_t i = 0; i < found.count; i++)
		containers[i] = (es_linux_container_t){ found.found[i].runtime, put_container(&at, &found.found[i]) };
	*cgroup = (es_linux_cgroup_t){
		.id = part->cgroup_id, .path = put(&at, path), .container_count = found.count, .containers = containers,
		.pod = put_pod(&at, found.pod), .mount_namespace = part->mnt_ns, .pid_namespace = part->pid_ns,
	};
	return cgroup;
}

es_return_t es_linux_find_cgroup(const es_message_t *message, const es_process_t *process, es_linux_cgroup_t **ret_cgroup)
{
	const struct es_process_part *part;
	const struct esl_message *owner;
	char path[PATH_MAX] = "";

	if (!ret_cgroup)
		return ES_RETURN_ERROR;
	*ret_cgroup = NULL;
	if (!message || !process)
		return ES_RETURN_ERROR;
	owner = container_of(message, struct esl_message, message);
	part = esl_process_part(owner, process);
	if (!part)
		return ES_RETURN_ERROR;
	if (!owner->replayed)
		esl_cgroup_path(part->cgroup_id, path);
	*ret_cgroup = make_cgroup(part, (es_string_token_t){ strlen(path), path });
	return *ret_cgroup ? ES_RETURN_SUCCESS : ES_RETURN_ERROR;
}

void es_linux_free_cgroup(es_linux_cgroup_t *cgroup)
{
	free(cgroup);
}
