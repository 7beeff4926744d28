/* SPDX-License-Identifier: MIT */

/*
 * Every operation that can be held here: a client holds and allows it, a client denies it, and one of two clients
 * denies it. Allowed, it takes as long as the client thinks, and is done; denied, it fails with EPERM, and nothing has
 * changed. Either way NOTIFY reports it with the outcome. A row of the table is one operation; each runs in a child of
 * its own. The types with a row are exactly those that `esctl capabilities` says can be held.
 */

#include "es-test.h"

#include <dirent.h>
#include <linux/fs.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>

enum { THINK_MS = 50 };

struct row {
	const char *name;
	es_event_type_t auth, notify;
	int (*act)(void);			/* in the child, whose directory is test_mnt: 0, or errno */
	bool (*done)(void);			/* was it? NULL: can't be seen from outside */
	const char *path;			/* below test_mnt: what it is about; NULL: no file, or not looked at */
	int failure;				/* allowed, it fails so here, for another reason; then it isn't told */
	bool untold;				/* allowed, it isn't told: docs/sensors.md */
	bool needs_gate;			/* it can only wait where a hook may sleep */
};

struct answers {
	const struct row *row;
	es_auth_result_t result;
	unsigned int think_ms;
	unsigned int asked;
};

static void answer(struct test_client *client, const es_message_t *message)
{
	struct answers *answers = client->context;

	if (answers->row && message->event_type == answers->row->auth) {
		answers->asked++;
		test_sleep_ms(answers->think_ms);
		if (answers->result == ES_AUTH_RESULT_DENY) {
			test_deny(client, message);
			return;
		}
	}
	test_allow(client, message);
}

static int result(long value)
{
	return value < 0 ? errno : 0;
}

static bool exists(const char *name)
{
	struct stat stat;

	return lstat(test_at("%s", name), &stat) == 0;
}

static struct stat stat_of(const char *name)
{
	struct stat stat = {};

	(void)lstat(test_at("%s", name), &stat);
	return stat;
}

static int open_file(void)
{
	int fd = open("file", O_RDWR);

	if (fd >= 0)
		close(fd);
	return result(fd);
}

static int execute(void)
{
	char *argv[] = { "tiny", "0", NULL };

	execv("./tiny", argv);
	return errno;
}

static int make_file(void)
{
	int fd = open("new", O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd >= 0)
		close(fd);
	return result(fd);
}

static int lock_flags(void)
{
	int fd = open("file", O_RDONLY), flags = FS_NODUMP_FL, r;

	r = result(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	close(fd);
	return r;
}

static int list(void)
{
	DIR *directory = opendir(".");
	int error;

	errno = 0;
	(void)readdir(directory);
	error = errno;
	closedir(directory);
	return error;
}

static int map(void)
{
	int fd = open("file", O_RDONLY);
	void *memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	return memory == MAP_FAILED ? errno : 0;
}

static int fcntl_file(void)
{
	int fd = open("file", O_RDONLY);

	return result(fcntl(fd, F_SETFL, O_NONBLOCK));
}

static pid_t sleeper;

static int stop_sleeper(void) { return result(kill(sleeper, SIGUSR1)); }
static int suspend_sleeper(void) { return result(kill(sleeper, SIGSTOP)); }
static int attach_sleeper(void) { return result(ptrace(PTRACE_SEIZE, sleeper, NULL, NULL)); }

static bool sleeper_stopped(void)
{
	int status;
	bool stopped = false;

	/* It stops when it runs next, which may be after kill(2) has returned. */
	for (int i = 0; i < 30 && !stopped; i++) {
		stopped = waitpid(sleeper, &status, WUNTRACED | WNOHANG) == sleeper && WIFSTOPPED(status);
		if (!stopped)
			test_sleep_ms(10);
	}

	kill(sleeper, SIGCONT);
	return stopped;
}

static int rename_exchange(void)
{
	return result(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "other", RENAME_EXCHANGE));
}

static int unlink_file(void) { return result(unlink("file")); }
static bool file_gone(void) { return !exists("file"); }
static int remove_dir(void) { return result(rmdir("dir")); }
static bool dir_gone(void) { return !exists("dir"); }
static int rename_file(void) { return result(rename("file", "renamed")); }
static bool renamed(void) { return exists("renamed") && !exists("file"); }
static bool exchanged(void) { return stat_of("file").st_size == 5; }
static int link_file(void) { return result(link("file", "linked")); }
static bool linked(void) { return exists("linked"); }
static int make_dir(void) { return result(mkdir("new", 0700)); }
static int make_link(void) { return result(symlink("file", "new")); }
static int make_node(void) { return result(mknod("new", S_IFIFO | 0600, 0)); }
static bool made(void) { return exists("new"); }
static int cut(void) { return result(truncate("file", 1)); }
static bool is_cut(void) { return stat_of("file").st_size == 1; }
static int change_mode(void) { return result(chmod("file", 0600)); }
static bool mode_changed(void) { return (stat_of("file").st_mode & 07777) == 0600; }
static int change_owner(void) { return result(chown("file", 12, 34)); }
static bool owner_changed(void) { return stat_of("file").st_uid == 12 && stat_of("file").st_gid == 34; }
static int change_root(void) { return result(chroot("dir")); }
static int mount_dir(void) { return result(mount("tmpfs", "dir", "tmpfs", 0, NULL)); }
static bool mounted(void) { return stat_of("dir").st_dev != stat_of("file").st_dev; }
static bool flags_set(void)
{
	int fd = open(test_at("file"), O_RDONLY), flags = 0;

	(void)ioctl(fd, FS_IOC_GETFLAGS, &flags);
	close(fd);
	return flags & FS_NODUMP_FL;
}

/* ---- attributes ---- */

static const char attribute[] = "trusted.es-hold", acl_name[] = "system.posix_acl_access";

struct acl {
	uint32_t version;
	struct {
		uint16_t tag, permissions;
		uint32_t id;
	} entries[5];
};

static const struct acl acl = { 2, { { 1, 6, -1 }, { 2, 4, 5 }, { 4, 4, -1 }, { 0x10, 4, -1 }, { 0x20, 4, -1 } } };

static bool has_attribute(const char *file, const char *name)
{
	return getxattr(test_at("%s", file), name, NULL, 0) >= 0;
}

static int set_times(void)
{
	const struct timeval times[2] = { { 1000, 0 }, { 2000, 0 } };

	return result(utimes("file", times));
}

static bool times_set(void) { return stat_of("file").st_mtim.tv_sec == 2000; }
static int set_attribute(void) { return result(setxattr("other", attribute, "v", 1, 0)); }
static bool attribute_set(void) { return has_attribute("other", attribute); }
static int get_attribute(void) { return result(getxattr("file", attribute, NULL, 0)); }
static int list_attributes(void) { return result(listxattr("file", NULL, 0)); }
static int delete_attribute(void) { return result(removexattr("file", attribute)); }
static bool attribute_gone(void) { return !has_attribute("file", attribute); }
static int set_acl(void) { return result(setxattr("other", acl_name, &acl, sizeof(acl), 0)); }
static bool acl_set(void) { return has_attribute("other", acl_name); }
static int get_acl(void) { return result(getxattr("file", acl_name, NULL, 0)); }
static int clear_acl(void) { return result(removexattr("file", acl_name)); }
static bool acl_gone(void) { return !has_attribute("file", acl_name); }

static int set_attribute_through_link(void) { return result(setxattr("link", attribute, "v", 1, 0)); }

static int set_attribute_by_fd(void)
{
	int fd = open("other", O_RDONLY);

	return result(fsetxattr(fd, attribute, "v", 1, 0));
}

static int read_link(void)
{
	char text[16];

	return result(readlink("link", text, sizeof(text)));
}

static int change_dir(void) { return result(chdir("dir")); }
static int change_dir_fd(void) { return result(fchdir(open("dir", O_RDONLY))); }

static int cut_open(void) { return result(ftruncate(open("file", O_RDWR), 1)); }

static int lock(void)
{
	struct flock range = { .l_type = F_RDLCK };

	return result(fcntl(open("file", O_RDONLY), F_SETLK, &range));
}

static int copy(void)
{
	int from = open("file", O_RDONLY), to = open("other", O_WRONLY | O_TRUNC);

	return result(copy_file_range(from, NULL, to, NULL, 4096, 0));
}

static bool copied(void) { return stat_of("other").st_size == 4; }

/* In a file system whose files can share blocks. */
static int share_blocks(void)
{
	return result(ioctl(open("sharing/other", O_WRONLY), FICLONE, open("sharing/file", O_RDONLY)));
}

static int share_range(void)
{
	struct file_clone_range range = { .src_fd = open("sharing/file", O_RDONLY) };

	return result(ioctl(open("sharing/other", O_WRONLY), FICLONERANGE, &range));
}

static bool shared(void) { return stat_of("sharing/other").st_size == 4; }

static int open_handle(void)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[MAX_HANDLE_SZ];
	} place = { .handle.handle_bytes = MAX_HANDLE_SZ };
	int mount_id;

	if (name_to_handle_at(AT_FDCWD, "file", &place.handle, &mount_id, 0) < 0)
		return 98;
	return result(open_by_handle_at(open(".", O_RDONLY), &place.handle, O_RDONLY));
}

/* ---- memory, processes, the clock ---- */

/* The second page's protection differs, so the range has two mappings. The client is asked once. */
static int protect(void)
{
	long page = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *second = mmap(memory + page, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	int error;

	if (memory == MAP_FAILED || second == MAP_FAILED)
		return 98;
	error = result(mprotect(memory, 2 * page, PROT_NONE));
	if (error)
		*memory = 1;		/* can still be written to, or this is its end */
	return error;
}

static int open_proc(const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", sleeper, name);
	return result(open(path, flags));
}

static int open_memory(void) { return open_proc("mem", O_RDONLY); }
static int open_memory_rw(void) { return open_proc("mem", O_RDWR); }
static int open_maps(void) { return open_proc("maps", O_RDONLY); }
static int list_fds(void) { return open_proc("fd", O_RDONLY | O_DIRECTORY); }

static int set_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return result(clock_settime(CLOCK_REALTIME, &now));
}

/* ---- sockets ---- */

static socklen_t address_of(struct sockaddr_un *address, const char *name)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, name, strlen(name));
	if (name[0] != '@')
		return sizeof(*address);
	address->sun_path[0] = '\0';
	return offsetof(struct sockaddr_un, sun_path) + strlen(name);
}

static int with_socket(int (*call)(int fd, const struct sockaddr *address, socklen_t length), const char *name)
{
	struct sockaddr_un address;
	socklen_t length = address_of(&address, name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), r = call(fd, (struct sockaddr *)&address, length);

	return result(r);
}

static int bind_path(void) { return with_socket(bind, "new"); }
static int bind_abstract(void) { return with_socket(bind, "@es-hold-new"); }
static int connect_path(void) { return with_socket(connect, "socket"); }
static int connect_abstract(void) { return with_socket(connect, "@es-hold"); }

static int listeners[2] = { -1, -1 };

static void listen_on(int *fd, const char *name)
{
	struct sockaddr_un address;
	socklen_t length = address_of(&address, name);

	if (*fd >= 0)
		return;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	REQUIRE(bind(*fd, (struct sockaddr *)&address, length) == 0 && listen(*fd, 64) == 0);
}

/* ---- modules: one of this kernel is not at hand, and something else isn't loaded, once it has been looked at ---- */

static int load_module_file(void) { return result(syscall(SYS_finit_module, open("file", O_RDONLY), "", 0)); }

static int load_module(void)
{
	static const char image[4096];

	return result(syscall(SYS_init_module, image, sizeof(image), ""));
}

/* ---- mounts ---- */

/* Asked about twice where there is a gate: what fsconfig(2) makes, and where it is attached. */
static int new_mount(void)
{
	int context = syscall(SYS_fsopen, "tmpfs", 0), mount;

	if (context < 0)
		return 98;
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return errno;
	mount = syscall(SYS_fsmount, context, 0, 0);
	return result(syscall(SYS_move_mount, mount, "", AT_FDCWD, "dir", MOVE_MOUNT_F_EMPTY_PATH));
}

static int remount(void) { return result(mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY, NULL)); }

static int reconfigure(void)
{
	int context = syscall(SYS_fspick, AT_FDCWD, ".", 0);

	if (context < 0 || syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return 98;
	return result(syscall(SYS_fsconfig, context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
}

static bool read_only(void)
{
	struct statvfs fs = {};

	(void)statvfs(test_mnt, &fs);
	return fs.f_flag & ST_RDONLY;
}

static const struct row rows[] = {
#define ROW(text, type, act_, done_, ...) \
	{ .name = text, .auth = ES_AUTH(type), .notify = ES_NOTIFY(type), .act = act_, .done = done_, __VA_ARGS__ }
	ROW("open", OPEN, open_file, NULL, .path = "file"),
	ROW("exec", EXEC, execute, NULL),
	ROW("unlink", UNLINK, unlink_file, file_gone, .path = "file"),
	ROW("rmdir", UNLINK, remove_dir, dir_gone, .path = "dir"),
	ROW("rename", RENAME, rename_file, renamed, .path = "file"),
	ROW("exchange", EXCHANGEDATA, rename_exchange, exchanged),
	ROW("link", LINK, link_file, linked, .path = "file"),
	ROW("create", CREATE, make_file, made),
	ROW("mkdir", CREATE, make_dir, made),
	ROW("symlink", CREATE, make_link, made),
	ROW("mknod", CREATE, make_node, made),
	ROW("truncate", TRUNCATE, cut, is_cut, .path = "file"),
	ROW("ftruncate", TRUNCATE, cut_open, is_cut, .path = "file"),
	ROW("chmod", SETMODE, change_mode, mode_changed, .path = "file"),
	ROW("chown", SETOWNER, change_owner, owner_changed, .path = "file"),
	ROW("utimes", UTIMES, set_times, times_set, .path = "file"),
	ROW("setxattr", SETEXTATTR, set_attribute, attribute_set, .path = "other"),
	ROW("fsetxattr", SETEXTATTR, set_attribute_by_fd, attribute_set, .path = "other"),
	ROW("setxattr through a link", SETEXTATTR, set_attribute_through_link, attribute_set, .path = "other"),
	ROW("getxattr", GETEXTATTR, get_attribute, NULL, .path = "file"),
	ROW("getxattr of an ACL", GETEXTATTR, get_acl, NULL, .path = "file"),
	ROW("listxattr", LISTEXTATTR, list_attributes, NULL, .path = "file"),
	ROW("removexattr", DELETEEXTATTR, delete_attribute, attribute_gone, .path = "file"),
	ROW("setacl", SETACL, set_acl, acl_set, .path = "other"),
	ROW("setacl, removal", SETACL, clear_acl, acl_gone, .path = "file"),
	ROW("chroot", CHROOT, change_root, NULL, .path = "dir"),
	ROW("chdir", CHDIR, change_dir, NULL, .path = "dir"),
	ROW("fchdir", CHDIR, change_dir_fd, NULL, .path = "dir"),
	ROW("setflags", SETFLAGS, lock_flags, flags_set, .path = "file"),
	ROW("clone", CLONE, share_blocks, shared, .path = "sharing/file"),
	ROW("clone, range", CLONE, share_range, shared, .path = "sharing/file"),
	ROW("copyfile", COPYFILE, copy, copied, .path = "file"),
	ROW("fcntl", FCNTL, fcntl_file, NULL, .path = "file"),
	ROW("fcntl, lock", FCNTL, lock, NULL, .path = "file"),
	ROW("readdir", READDIR, list, NULL),
	ROW("readlink", READLINK, read_link, NULL, .path = "link"),
	ROW("fsgetpath", FSGETPATH, open_handle, NULL, .path = "file"),
	ROW("mmap", MMAP, map, NULL),
	ROW("mprotect", MPROTECT, protect, NULL),
	ROW("mount", MOUNT, mount_dir, mounted),
	ROW("move_mount", MOUNT, new_mount, mounted),
	ROW("remount", REMOUNT, remount, read_only),
	ROW("remount, fsconfig", REMOUNT, reconfigure, read_only,
	    .untold = true, .needs_gate = true),
	ROW("uipc_bind", UIPC_BIND, bind_path, made),
	ROW("uipc_bind, abstract", UIPC_BIND, bind_abstract, NULL),
	ROW("uipc_connect", UIPC_CONNECT, connect_path, NULL, .path = "socket"),
	ROW("uipc_connect, abstract", UIPC_CONNECT, connect_abstract, NULL),
	ROW("settime", SETTIME, set_time, NULL),
	ROW("kextload, file", KEXTLOAD, load_module_file, NULL, .failure = ENOEXEC),
	ROW("kextload, memory", KEXTLOAD, load_module, NULL, .failure = ENOEXEC),
	ROW("signal", SIGNAL, stop_sleeper, NULL),
	ROW("suspend", PROC_SUSPEND_RESUME, suspend_sleeper, sleeper_stopped),
	ROW("get_task", GET_TASK, attach_sleeper, NULL),
	ROW("get_task, mem", GET_TASK, open_memory_rw, NULL),
	ROW("get_task_read", GET_TASK_READ, open_memory, NULL),
	ROW("proc_check", PROC_CHECK, open_maps, NULL),
	ROW("proc_check, fd", PROC_CHECK, list_fds, NULL),
#undef ROW
};

static int child(void *context)
{
	const struct row *row = context;
	int error = row->act();

	return row->failure && error == row->failure ? 0 : error;
}

static int sleep_on(void *context)
{
	(void)context;
	signal(SIGUSR1, SIG_IGN);
	for (;;)
		pause();
	return 0;
}

/* Things are as they were before the first row. */
static void reset(void)
{
	(void)umount2(test_at("dir"), MNT_DETACH);
	REQUIRE(mount(NULL, test_mnt, NULL, MS_REMOUNT, NULL) == 0);
	(void)unlink(test_at("renamed"));
	(void)unlink(test_at("linked"));
	(void)unlink(test_at("file"));
	(void)unlink(test_at("new"));
	(void)rmdir(test_at("new"));
	test_write_file(test_at("file"), "text", 0644);
	test_write_file(test_at("other"), "other", 0644);
	test_write_file(test_at("sharing/file"), "text", 0644);
	test_write_file(test_at("sharing/other"), "", 0644);
	(void)mkdir(test_at("dir"), 0755);
	(void)symlink("other", test_at("link"));
	REQUIRE(setxattr(test_at("file"), attribute, "v", 1, 0) == 0);
	REQUIRE(setxattr(test_at("file"), acl_name, &acl, sizeof(acl), 0) == 0);
	(void)removexattr(test_at("other"), attribute);
	(void)removexattr(test_at("other"), acl_name);
	listen_on(&listeners[0], "socket");
	listen_on(&listeners[1], "@es-hold");
}

static void told(struct test_client *client, const struct row *row, pid_t pid, es_auth_result_t expected)
{
	const es_message_t *message;
	const char *path = row->path ? test_at("%s", row->path) : NULL;

	if ((row->failure || row->untold) && expected == ES_AUTH_RESULT_ALLOW)
		return;
	message = FIND(client, .type = row->notify, .pid = pid, .path = path);

	/* Twice is once, so this only says whether it can be had. */
	if (es_subscribe(client->client, &row->notify, 1) != ES_RETURN_SUCCESS)
		return;		/* can be held, but is not told here: docs/events.md */
	if (!CHECK(message != NULL)) {
		printf("%s: not told%s%s\n", row->name, path ? " of " : "", path ?: "");
		test_print(client);
		return;
	}
	if (message->action.notify.result_type == ES_RESULT_TYPE_FLAGS)
		CHECK_EQUAL(!message->action.notify.result.flags, expected == ES_AUTH_RESULT_DENY);
	else
		CHECK_EQUAL(message->action.notify.result.auth, expected);
}

struct pair {
	struct test_client *first, *second;
	struct answers answers[2];
};

static void try(struct pair *pair, const struct row *row, es_auth_result_t first, es_auth_result_t second,
		unsigned int think_ms)
{
	bool denied = first == ES_AUTH_RESULT_DENY || second == ES_AUTH_RESULT_DENY;
	uint64_t start;
	int status;
	pid_t pid;

	reset();
	sleeper = test_fork(sleep_on, NULL);
	test_clear(pair->first);
	pair->answers[0] = (struct answers){ .row = row, .result = first, .think_ms = think_ms };
	pair->answers[1] = (struct answers){ .row = row, .result = second, .think_ms = think_ms };
	start = test_now();
	pid = test_fork(child, (void *)row);
	status = test_wait(pid);
	if (!CHECK(WIFEXITED(status)))
		printf("%s: status %#x\n", row->name, (unsigned int)status);
	if (!CHECK_EQUAL(WEXITSTATUS(status), denied ? EPERM : 0))
		printf("%s: %s\n", row->name, strerror(WEXITSTATUS(status)));
	if (!CHECK(!think_ms || test_now() - start >= think_ms * 1000000ull))
		printf("%s was not held\n", row->name);
	if (row->done && !CHECK(row->done() == !denied))
		printf("%s: %s\n", row->name, denied ? "denied, and yet done" : "allowed, and not done");
	test_sync(pair->first);
	/* fanotify asks one client after the other, and stops at the first denial. */
	if (!CHECK(pair->answers[0].asked + pair->answers[1].asked >= 1) ||
	    !CHECK(denied || (pair->answers[0].asked && pair->answers[1].asked)))
		printf("%s was not asked\n", row->name);
	told(pair->first, row, pid, denied ? ES_AUTH_RESULT_DENY : ES_AUTH_RESULT_ALLOW);
	pair->answers[0].row = pair->answers[1].row = NULL;
	kill(sleeper, SIGKILL);
	(void)test_wait(sleeper);
}

/* ---- esctl capabilities ---- */

static const struct {
	const char *name;
	bool auth;
} events[] = {
#define ES_EVENT(constant, number, payload, answer, ...) [number] = { #payload, #answer[0] != 'N' },
#include "abi/events.def"
};

static bool has_row(unsigned int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].auth == type)
			return true;
	return false;
}

static unsigned int auth_type(const char *name)
{
	for (unsigned int type = 0; type < ARRAY_SIZE(events); type++)
		if (events[type].auth && !strcmp(events[type].name, name))
			return type;
	return ES_EVENT_TYPE_LAST;
}

struct capabilities {
	bool holds[ES_EVENT_TYPE_LAST];
	bool sleeps;				/* hooks may, where the kernel lets them */
};

static void read_capabilities(struct capabilities *ret)
{
	char command[4096], line[512], name[64], notify[32], auth[32];
	FILE *output;

	snprintf(command, sizeof(command), "%s capabilities", test_built("tools/esctl"));
	output = popen(command, "r");
	REQUIRE(output != NULL);
	while (fgets(line, sizeof(line), output)) {
		fputs(line, stdout);
		ret->sleeps |= strstr(line, "waits at the gate") != NULL;
		if (sscanf(line, "%63s %31s %31s", name, notify, auth) == 3 && !strcmp(auth, "holds") &&
		    auth_type(name) < ES_EVENT_TYPE_LAST)
			ret->holds[auth_type(name)] = true;
	}
	REQUIRE(pclose(output) == 0);
}

int main(void)
{
	static struct capabilities capabilities;
	struct pair pair = {};
	unsigned int held = 0;

	test_begin(400);
	test_all_mounts = true;			/* of the file system that shares blocks, too */
	(void)test_tiny("tiny");
	REQUIRE(mkdir(test_at("sharing"), 0755) == 0);
	if (!test_mount_image("btrfs", test_at("sharing")))
		printf("no btrfs here\n");
	REQUIRE(chdir(test_mnt) == 0);
	reset();
	test_daemon(NULL);
	read_capabilities(&capabilities);
	for (unsigned int type = 0; type < ES_EVENT_TYPE_LAST; type++)
		if (!CHECK(!capabilities.holds[type] || has_row(type)))
			printf("%s can be held, and isn't tried here\n", events[type].name);
	pair.first = test_client(answer, &pair.answers[0]);
	pair.second = test_client(answer, &pair.answers[1]);
	/* Without a subscription to one of these types what sees files change is put on and taken off for each row. */
	if (capabilities.holds[ES_AUTH(CHROOT)])
		test_subscribe(test_client(NULL, NULL), ES_AUTH(CHROOT), -1);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		if (row->needs_gate && !capabilities.sleeps)
			continue;
		if (!CHECK_EQUAL(es_subscribe(pair.first->client, &row->auth, 1) == ES_RETURN_SUCCESS,
				 capabilities.holds[row->auth]))
			printf("%s: esctl capabilities is wrong\n", row->name);
		if (!capabilities.holds[row->auth])
			continue;
		printf("%s\n", row->name);
		held++;
		(void)es_subscribe(pair.first->client, &row->notify, 1);
		REQUIRE(es_subscribe(pair.second->client, &row->auth, 1) == ES_RETURN_SUCCESS);
		try(&pair, row, ES_AUTH_RESULT_ALLOW, ES_AUTH_RESULT_ALLOW, THINK_MS);
		try(&pair, row, ES_AUTH_RESULT_DENY, ES_AUTH_RESULT_DENY, 0);
		try(&pair, row, ES_AUTH_RESULT_ALLOW, ES_AUTH_RESULT_DENY, 0);
		REQUIRE(es_unsubscribe_all(pair.first->client) == ES_RETURN_SUCCESS);
		REQUIRE(es_unsubscribe_all(pair.second->client) == ES_RETURN_SUCCESS);
	}
	CHECK(held >= 2);		/* exec and open can be held everywhere */
	REQUIRE(chdir("/") == 0);
	close(listeners[0]);
	close(listeners[1]);
	(void)umount2(test_at("sharing"), 0);
	return test_end();
}
