/* SPDX-License-Identifier: MIT */

/*
 * A message names the object that the kernel acted on, however the program named it: on each file system here, by each
 * way to a file, path and stat of each event are what /proc and stat(2) say at the time.
 */

#include "es-test.h"
#include "named-acts.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>

enum { OPEN_TREE_CLONE_ = 1 };

/* How a program gets to "f", a file in the folder "dir" of the file system. */
enum way {
	ABSOLUTE,
	RELATIVE,
	DIRFD,
	DOTS,
	PARENT_LINK,
	PARENT_LONG_LINK,		/* too long for the inode */
	PROC_FD,			/* /proc/self/fd/N, of the folder */
	PROC_CWD,
	BIND,				/* where the folder is mounted once more */
	DETACHED,			/* below a mount that has no place: open_tree(OPEN_TREE_CLONE) */
	CHROOT,
	NAMESPACE,			/* where the folder is mounted in a namespace that isn't the daemon's */
	LINK,				/* the last component is one, here and below */
	LONG_LINK,
	PROC_FILE,			/* /proc/self/fd/N, of the file */
	WAYS,
};

static const char *const way_names[] = {
	"its path", "a relative path", "a descriptor", "dots", "a link in a parent", "a long link in a parent",
	"/proc/self/fd/N/", "/proc/self/cwd/", "a bind mount", "a detached mount", "a path in a chroot", "another namespace", "a link",
	"a long link", "/proc/self/fd/N",
};

static const char *root;			/* of the file system at hand */
static const char *program;

static unsigned int tried, right;	/* comparisons there, of an event by a way */

static bool all_ways;			/* also of a descriptor that was opened by a way before: they take minutes */

static bool fits(const struct named_act *row, enum way way)
{
	if (row->flags & (DESCRIPTOR | RING) && !all_ways && way != ABSOLUTE && (way < BIND || way > NAMESPACE))
		return false;
	if (way == DIRFD && row->flags & NO_AT)
		return false;
	if (way == CHROOT && row->flags & NO_CHROOT)
		return false;
	if ((way == DETACHED || way == NAMESPACE || way == BIND) && row->flags & PLACE)
		return false;
	if (way == NAMESPACE && row->flags & RING)
		return false;			/* its workers stay in the old one */
	if (way == PROC_FILE && row->flags & (NEW | MOUNTED))
		return false;			/* a mount that is open is busy */
	return way < LINK || !(row->flags & NOFOLLOW);
}

/* ---- what is there ---- */

static char name[WAYS][16];			/* of the file for each way */

/* Valid until the next call but three. */
static const char *in_dir(const char *file)
{
	static char paths[4][4096];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/dir/%s", root, file);
	return path;
}

static int sockets[WAYS];

static void make_socket(const char *path, enum way way)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = sockets[way] = socket(AF_UNIX, SOCK_STREAM, 0);

	REQUIRE(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	REQUIRE(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 20) == 0);
}

static void make_object(const char *path, int flags, enum way way)
{
	if (flags & PROGRAM)
		test_copy(program, path, 0755);
	else if (flags & FOLDER)
		REQUIRE(mkdir(path, 0755) == 0);
	else if (flags & SYMLINK)
		REQUIRE(symlink("nowhere", path) == 0);
	else if (flags & SOCKET)
		make_socket(path, way);
	else
		test_write_file(path, "some content", 0644);
	if (flags & ATTRIBUTE)
		REQUIRE(setxattr(path, "trusted.es", "v", 1, 0) == 0);
	if (flags & MOUNTED)
		REQUIRE(mount("es", path, "tmpfs", 0, NULL) == 0);
}

static void make_link(const char *target, const char *path, bool is_long)
{
	char text[400] = "";

	for (int i = 0; is_long && i < 120; i++)
		strcat(text, "./");
	strcat(text, target);
	REQUIRE(symlink(text, path) == 0);
}

static void prepare(const struct named_act *row, unsigned int number)
{
	for (enum way way = 0; way < WAYS; way++) {
		snprintf(name[way], sizeof(name[way]), "f%u-%u", number, way);
		if (!fits(row, way))
			continue;
		if (!(row->flags & FRESH))
			make_object(in_dir(name[way]), row->flags, way);
		if (row->flags & FROM)
			make_object(in_dir(beside(name[way], "-from")), row->flags, way);
		if (way == LINK || way == LONG_LINK)
			make_link(name[way], in_dir(beside(name[way], "-link")), way == LONG_LINK);
	}
}

/* ---- the child ---- */

struct act {
	const struct named_act *row;
	int folder;				/* descriptor, O_PATH */
	int top;				/* the same of the root */
	int file[WAYS];
};

static int act_by(const struct act *act, enum way way)
{
	const char *file = name[way];
	int dir = AT_FDCWD, fd;
	char path[4096];

	switch (way) {
	case RELATIVE:
		snprintf(path, sizeof(path), "%s", file);
		break;
	case DIRFD:
		dir = act->folder;
		snprintf(path, sizeof(path), "%s", file);
		break;
	case DOTS:
		snprintf(path, sizeof(path), "%s/dir/../dir/.//%s", root, file);
		break;
	case PARENT_LINK:
		snprintf(path, sizeof(path), "%s/short/%s", root, file);
		break;
	case PARENT_LONG_LINK:
		snprintf(path, sizeof(path), "%s/long/%s", root, file);
		break;
	case PROC_FD:
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", act->folder, file);
		break;
	case PROC_CWD:
		snprintf(path, sizeof(path), "/proc/self/cwd/%s", file);
		break;
	case BIND:
		snprintf(path, sizeof(path), "%s/bind/%s", root, file);
		break;
	case DETACHED:
		fd = (int)syscall(SYS_open_tree, AT_FDCWD, in_dir(""), OPEN_TREE_CLONE_);
		if (fd < 0)
			return errno;
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd, file);
		break;
	case CHROOT:
		if (chroot(root) < 0)
			return errno;
		snprintf(path, sizeof(path), "/dir/%s", file);
		break;
	case NAMESPACE:
		if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0 ||
		    mount(in_dir(""), test_at("m"), NULL, MS_BIND, NULL) < 0)
			return errno;
		snprintf(path, sizeof(path), "%s/%s", test_at("m"), file);
		break;
	case LINK:
	case LONG_LINK:
		snprintf(path, sizeof(path), "%s/dir/%s-link", root, file);
		break;
	case PROC_FILE:
		snprintf(path, sizeof(path), "/proc/self/fd/%d", act->file[way]);
		break;
	default:
		snprintf(path, sizeof(path), "%s/dir/%s", root, file);
	}
	return act->row->act(dir, path);
}

/* Last comes the one that moves the child to another namespace. */
static int act_all(void *context)
{
	const struct act *act = context;
	static const enum way order[] = {ABSOLUTE, RELATIVE, DIRFD, DOTS, PARENT_LINK, PARENT_LONG_LINK, PROC_FD, PROC_CWD,
					 BIND, LINK, LONG_LINK, PROC_FILE, DETACHED, CHROOT, NAMESPACE};

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		int r;

		if (!fits(act->row, order[i]))
			continue;
		if (chdir(in_dir("")) < 0)
			return 1;
		r = act_by(act, order[i]);
		if (r) {
			fprintf(stderr, "%s by %s: %s\n", act->row->name, way_names[order[i]], strerror(r));
			return r == EINVAL && act->row->flags & RING ? 77 : 1;
		}
		if ((act->row->type == ES_NOTIFY(CHROOT) || order[i] == CHROOT) && (fchdir(act->top) < 0 || chroot(".") < 0))
			return 1;
	}
	return 0;
}

/* ---- the messages ---- */

/* The path that a message gives: of its file, or where a mount is; and of a socket's folder with its name. */
static const char *path_in(const struct named_act *row, const es_message_t *message)
{
	static char path[8192];
	const es_file_t *file = test_file(message);

	switch (message->event_type) {
	case ES_NOTIFY(MOUNT):		return message->event.mount.statfs->f_mntonname;
	case ES_NOTIFY(REMOUNT):	return message->event.remount.statfs->f_mntonname;
	case ES_NOTIFY(UNMOUNT):	return message->event.unmount.statfs->f_mntonname;
	case ES_NOTIFY(MMAP):		return message->event.mmap.source->path.data;
	default:			break;
	}
	if (row->flags & BOUND && file) {
		snprintf(path, sizeof(path), "%s/%s", file->path.data, message->event.uipc_bind.filename.data);
		return path;
	}
	return file ? file->path.data : "";
}

/* How many messages tell of this path; the last of them, or, if there is none, of one with a path that contains `file`. */
static size_t find(struct test_client *client, const struct named_act *row, pid_t pid, const char *path, const char *file,
		   const es_message_t **found)
{
	const es_message_t *message, *other = NULL;
	size_t count = 0;

	*found = NULL;
	for (unsigned int skip = 0; (message = FIND(client, .type = row->type, .pid = pid, .skip = skip)); skip++) {
		const char *seen = path_in(row, message);

		if (!strcmp(seen, path)) {
			*found = message;
			count++;
		} else if (strstr(seen, file)) {
			other = message;
		}
	}
	*found = *found ?: other;
	return count;
}

static int differs(const char *what, const char *member, long long seen, long long wanted)
{
	if (seen == wanted)
		return 0;
	fprintf(stderr, "%s: %s is %lld, not %lld\n", what, member, seen, wanted);
	return 1;
}

static bool is_on(const char *file_system)
{
	return !strcmp(strrchr(root, '/') + 1, file_system);
}

/*
 * NOTIFY_STAT has what stat(2) was told. Elsewhere it is what the inode says: btrfs has devices for subvolumes that it
 * doesn't know of, and some file systems count links of folders, blocks, sizes of folders, and the time of changes
 * elsewhere, or later.
 */
static bool compare_stat(const struct named_act *row, const char *what, const struct stat *seen, const struct stat *wanted)
{
	bool exact = row->type == ES_NOTIFY(STAT), plain = exact || is_on("tmpfs") || is_on("ext4");
	bool folder_on_xfs = is_on("xfs") && S_ISDIR(wanted->st_mode);
	int wrong = 0;

#define COMPARE(member) wrong += differs(what, #member, (long long)seen->member, (long long)wanted->member)
	if (exact || !is_on("btrfs"))
		COMPARE(st_dev);
	COMPARE(st_ino);
	COMPARE(st_mode);
	COMPARE(st_uid);
	COMPARE(st_gid);
	if (exact || !folder_on_xfs)
		COMPARE(st_size);
	COMPARE(st_mtim.tv_sec);
	COMPARE(st_mtim.tv_nsec);
	if (plain) {
		COMPARE(st_nlink);
		if (exact || !is_on("ext4"))
			COMPARE(st_blocks);
		COMPARE(st_ctim.tv_sec);
		COMPARE(st_ctim.tv_nsec);
	}
#undef COMPARE
	return CHECK(!wrong);
}

static const es_file_t *meant(const struct named_act *row, const es_message_t *message)
{
	const es_event_rename_t *rename = &message->event.rename;

	if (row->type == ES_NOTIFY(MMAP))
		return message->event.mmap.source;
	if (row->type != ES_NOTIFY(RENAME) || !(row->flags & FROM))
		return test_file(message);
	return rename->destination_type == ES_DESTINATION_TYPE_EXISTING_FILE ? rename->destination.existing_file : NULL;
}

/* A socket's path is the one it was bound to. */
static void expected_path(const struct named_act *row, enum way way, char *path, size_t size)
{
	bool replaces = row->type == ES_NOTIFY(RENAME) && row->flags & FROM;

	snprintf(path, size, "%s/%s/%s%s", root, way == BIND && !(row->flags & SOCKET) ? "bind" : "dir", name[way],
		 replaces ? "-from" : "");
}

static bool compare(struct test_client *client, const struct named_act *row, enum way way, pid_t pid,
		    const struct stat *wanted)
{
	const es_message_t *message;
	char what[256], path[4096];
	size_t count;

	snprintf(what, sizeof(what), "%s: %s by %s", root + strlen(test_mnt) + 1, row->name, way_names[way]);
	expected_path(row, way, path, sizeof(path));
	count = find(client, row, row->flags & PROGRAM ? 0 : pid, path, name[way], &message);
	if (count != 1) {
		fprintf(stderr, "%s: %zu messages of %s; there is %s\n", what, count, path,
			message ? path_in(row, message) : "none");
		return CHECK(!"one message of this path");
	}
	if (row->flags & NO_STAT)
		return true;
	return CHECK(meant(row, message) != NULL) && compare_stat(row, what, &meant(row, message)->stat, wanted);
}

static void stat_all(const struct named_act *row, struct stat all[WAYS])
{
	for (enum way way = 0; way < WAYS; way++)
		if (fits(row, way))
			REQUIRE(lstat(in_dir(name[way]), &all[way]) == 0);
}

static void compare_all(struct test_client *client, const struct named_act *row, pid_t pid, const struct stat wanted[WAYS])
{
	for (enum way way = 0; way < WAYS; way++) {
		if (!fits(row, way))
			continue;
		tried++;
		right += compare(client, row, way, pid, &wanted[way]);
	}
}

static void close_all(const struct named_act *row, const struct act *act)
{
	close(act->folder);
	close(act->top);
	for (enum way way = 0; way < WAYS; way++) {
		if (act->file[way] >= 0)
			close(act->file[way]);
		if (row->flags & SOCKET && fits(row, way))
			close(sockets[way]);
	}
}

static void run(struct test_client *client, const struct named_act *row, unsigned int number)
{
	struct act act = {.row = row, .folder = open(in_dir(""), O_PATH), .top = open("/", O_PATH)};
	struct stat wanted[WAYS] = {};
	pid_t pid;
	int status;

	prepare(row, number);
	for (enum way way = 0; way < WAYS; way++)
		act.file[way] = fits(row, way) && way == PROC_FILE ? open(in_dir(name[way]), O_PATH) : -1;
	if (row->flags & BEFORE)
		stat_all(row, wanted);
	test_clear(client);
	pid = test_fork(act_all, &act);
	status = WEXITSTATUS(test_wait(pid));
	test_sync(client);
	if (status == 77)
		printf("%s: not here\n", row->name);
	else if (CHECK_EQUAL(status, 0)) {
		if (!(row->flags & (BEFORE | NO_STAT)))
			stat_all(row, wanted);
		compare_all(client, row, pid, wanted);
	}
	close_all(row, &act);
}

/* ---- file systems ---- */

static bool make_tmpfs(void)
{
	return mount("none", root, "tmpfs", 0, NULL) == 0;
}

/* One whose lower layer has the folders already: what is done there is copied up. */
static bool make_overlay(void)
{
	const char *layers = test_at("layers");
	char options[8192];

	REQUIRE(mkdir(layers, 0755) == 0 && mkdir(test_at("layers/lower"), 0755) == 0);
	REQUIRE(mkdir(test_at("layers/upper"), 0755) == 0 && mkdir(test_at("layers/work"), 0755) == 0);
	snprintf(options, sizeof(options), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work", layers, layers, layers);
	return mount("none", root, "overlay", 0, options) == 0;
}

static const struct file_system {
	const char *type;
	bool (*mount)(void);		/* NULL: it is made in a file */
} file_systems[] = {
	{"tmpfs", make_tmpfs},
	{"overlay", make_overlay},
	{"ext4", NULL},
	{"xfs", NULL},
	{"btrfs", NULL},
};

static bool begin(const struct file_system *system)
{
	root = test_at("%s", system->type);
	REQUIRE(mkdir(root, 0755) == 0);
	if (!(system->mount ? system->mount() : test_mount_image(system->type, root))) {
		printf("no %s here: left out\n", system->type);
		return false;
	}
	REQUIRE(chmod(root, 0755) == 0);
	REQUIRE(mkdir(beside(root, "/dir"), 0755) == 0 && mkdir(beside(root, "/bind"), 0755) == 0);
	REQUIRE(mount(in_dir(""), test_at("%s/bind", system->type), NULL, MS_BIND, NULL) == 0);
	make_link("dir", test_at("%s/short", system->type), false);
	make_link("dir", test_at("%s/long", system->type), true);
	return true;
}

/* FICLONE is for file systems whose files can share blocks. */
static bool can_do(const struct named_act *row)
{
	return !(row->flags & REFLINK) || is_on("xfs") || is_on("btrfs");
}

static void run_rows(struct test_client *client)
{
	const char *only = getenv("ES_OBJECTS_ONLY");	/* an operation */

	tried = right = 0;
	for (size_t i = 0; i < named_acts_count; i++) {
		if ((!only || !strcmp(only, named_acts[i].name)) && can_do(&named_acts[i]))
			run(client, &named_acts[i], i);
	}
	printf("%s: %u compared, %u right\n", strrchr(root, '/') + 1, tried, right);
	fflush(stdout);
}

/* All types at once: what other tests can't see is that none gets in the way of another. */
static void subscribe_all(struct test_client *client)
{
	for (size_t i = 0; i < named_acts_count; i++)
		test_subscribe(client, named_acts[i].type, -1);
}

int main(void)
{
	const char *system = getenv("ES_OBJECTS_ON");	/* a file system */
	struct test_client *client;

	test_begin(240);
	test_no_scope = true;
	all_ways = getenv("ES_ALL_WAYS") != NULL;
	program = test_tiny("program");
	REQUIRE(mkdir(test_at("m"), 0755) == 0);
	test_daemon(NULL);
	if (!test_has_objects())
		test_skip("messages from the kernel's objects: BPF programs at the kernel's functions");
	client = test_client(NULL, NULL);
	subscribe_all(client);
	for (size_t i = 0; i < ARRAY_SIZE(file_systems); i++) {
		if ((system && strcmp(system, file_systems[i].type)) || !begin(&file_systems[i]))
			continue;
		run_rows(client);
		test_clear(client);
		REQUIRE(umount2(root, MNT_DETACH) == 0);
	}
	return test_end();
}
