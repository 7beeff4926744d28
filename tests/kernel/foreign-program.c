/* SPDX-License-Identifier: MIT */

/*
 * Other programs are at the hooks where tasks sleep, and are removed meanwhile: plain LSM programs and fexit programs,
 * attached before ours and after. The test holds an operation at each hook, detaches and frees the other programs, and
 * allows or denies the operations. Each ends as answered, and the kernel lives. esctl capabilities names the program
 * because of which calls start over (or wait in task work); once it is gone calls sleep again.
 */

#include "es-test.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>

/*
 * What starts over keeps the processors busy, and a program of another's is freed the later: so one hook at a time. With
 * ES_ALL_HOOKS in the environment all hooks are tried, which takes minutes; without it these many.
 */
enum { FREED_MS = 500, OPEN_AGAIN_MS = 20000, AT_A_TIME = 1, FEW_ROWS = 2 };

struct row {
	const char *hook;
	es_event_type_t auth;
	int (*act)(void);		/* in a child, whose directory is the row's own: 0, or errno */
	int failure;			/* allowed, it fails so, for another reason */
	bool in_one_piece;		/* the call can't start over: where tasks may not sleep, it isn't held */
};

static int result(long value)
{
	return value < 0 ? errno : 0;
}

static int act_open(void) { return result(open("file", O_RDONLY)); }
static int act_unlink(void) { return result(unlink("file")); }
static int act_rmdir(void) { return result(rmdir("dir")); }
static int act_rename(void) { return result(rename("file", "renamed")); }
static int act_link(void) { return result(link("file", "linked")); }
static int act_mkdir(void) { return result(mkdir("new", 0700)); }
static int act_symlink(void) { return result(symlink("file", "new")); }
static int act_truncate(void) { return result(truncate("file", 1)); }
static int act_chmod(void) { return result(chmod("file", 0600)); }
static int act_chown(void) { return result(chown("file", 1, 2)); }
static int act_utimes(void) { return result(utimes("file", (const struct timeval[2]){ { 1, 0 }, { 2, 0 } })); }
static int act_setxattr(void) { return result(setxattr("file", "trusted.es", "v", 1, 0)); }
static int act_getxattr(void) { return result(getxattr("file", "trusted.es-is", NULL, 0)); }
static int act_mount(void) { return result(mount("tmpfs", "dir", "tmpfs", 0, NULL)); }

static int act_exec(void)
{
	execl(test_at("tiny"), "tiny", "0", NULL);
	return errno;
}

static int act_ioctl(void)
{
	int flags = FS_NODUMP_FL;

	return result(ioctl(open("file", O_RDONLY), FS_IOC_SETFLAGS, &flags));
}

static int act_readlink(void)
{
	char text[16];

	return result(readlink("link", text, sizeof(text)));
}

static int act_mmap(void)
{
	return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("file", O_RDONLY), 0) == MAP_FAILED ? errno : 0;
}

static int act_remount(void)
{
	int context;

	if (mount("tmpfs", "dir", "tmpfs", 0, NULL) < 0)
		return 98;
	context = syscall(SYS_fspick, AT_FDCWD, "dir", 0);
	return result(syscall(SYS_fsconfig, context, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
}

static int act_settime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return result(clock_settime(CLOCK_REALTIME, &now));
}

static int act_module(void) { return result(syscall(SYS_finit_module, open("file", O_RDONLY), "", 0)); }

static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "new" };

static int act_bind(void)
{
	return result(bind(socket(AF_UNIX, SOCK_STREAM, 0), (const struct sockaddr *)&address, sizeof(address)));
}

static int act_connect(void)
{
	return result(connect(socket(AF_UNIX, SOCK_STREAM, 0), (const struct sockaddr *)&address, sizeof(address)));
}

static const struct row rows[] = {
	{ "file_open", ES_AUTH(OPEN), act_open, 0, false },
	{ "bprm_check_security", ES_AUTH(EXEC), act_exec, 0, false },
	{ "path_unlink", ES_AUTH(UNLINK), act_unlink, 0, false },
	{ "path_rmdir", ES_AUTH(UNLINK), act_rmdir, 0, false },
	{ "path_rename", ES_AUTH(RENAME), act_rename, 0, false },
	{ "path_link", ES_AUTH(LINK), act_link, 0, false },
	{ "path_mkdir", ES_AUTH(CREATE), act_mkdir, 0, false },
	{ "path_symlink", ES_AUTH(CREATE), act_symlink, 0, false },
	{ "path_truncate", ES_AUTH(TRUNCATE), act_truncate, 0, false },
	{ "path_chmod", ES_AUTH(SETMODE), act_chmod, 0, false },
	{ "path_chown", ES_AUTH(SETOWNER), act_chown, 0, false },
	{ "inode_setattr", ES_AUTH(UTIMES), act_utimes, 0, false },
	{ "inode_setxattr", ES_AUTH(SETEXTATTR), act_setxattr, 0, false },
	{ "inode_getxattr", ES_AUTH(GETEXTATTR), act_getxattr, 0, false },
	{ "file_ioctl", ES_AUTH(SETFLAGS), act_ioctl, 0, false },
	{ "inode_readlink", ES_AUTH(READLINK), act_readlink, 0, false },
	{ "mmap_file", ES_AUTH(MMAP), act_mmap, 0, false },
	{ "sb_mount", ES_AUTH(MOUNT), act_mount, 0, false },
	{ "sb_remount", ES_AUTH(REMOUNT), act_remount, 0, true },
	{ "settime", ES_AUTH(SETTIME), act_settime, 0, false },
	{ "kernel_read_file", ES_AUTH(KEXTLOAD), act_module, ENOEXEC, false },
	{ "socket_bind", ES_AUTH(UIPC_BIND), act_bind, 0, false },
	{ "socket_connect", ES_AUTH(UIPC_CONNECT), act_connect, ENOENT, false },
};

enum { ROWS = ARRAY_SIZE(rows) };

static size_t first, end;		/* the rows that are tried just now */

/* ---- others' programs ---- */

enum kind { PLAIN_LSM, FEXIT, KINDS };

struct foreign {
	int program, link;
	uint32_t id;
};

static struct btf *btf;
static struct foreign foreign[KINDS][ROWS];

static struct foreign foreign_start(enum kind kind, const char *hook)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = kind == FEXIT ? BPF_TRACE_FEXIT : BPF_LSM_MAC);
	struct foreign made = { -1, -1, 0 };
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);
	char name[64];
	int id;

	snprintf(name, sizeof(name), "bpf_lsm_%s", hook);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	REQUIRE(id > 0);
	options.attach_btf_id = id;
	made.program = bpf_prog_load(kind == FEXIT ? BPF_PROG_TYPE_TRACING : BPF_PROG_TYPE_LSM, "es_foreign", "GPL",
				     nothing, ARRAY_SIZE(nothing), &options);
	if (made.program < 0)
		test_skip("BPF LSM programs, which this kernel doesn't load");
	made.link = bpf_raw_tracepoint_open(NULL, made.program);
	REQUIRE(made.link >= 0 && bpf_obj_get_info_by_fd(made.program, &info, &size) == 0);
	made.id = info.id;
	return made;
}

static void foreign_attach(enum kind kind)
{
	for (size_t i = first; i < end; i++)
		foreign[kind][i] = foreign_start(kind, rows[i].hook);
}

static bool exists(uint32_t id)
{
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* In a child: what it has inherited would keep the programs attached. */
static void foreign_leave(void)
{
	for (int kind = 0; kind < KINDS; kind++) {
		for (size_t i = first; i < end; i++) {
			if (!foreign[kind][i].id)
				continue;
			close(foreign[kind][i].link);
			close(foreign[kind][i].program);
		}
	}
}

/* Detaches the programs, and waits until the kernel has freed them. */
static void foreign_detach(enum kind kind)
{
	for (size_t i = first; i < end; i++) {
		if (!foreign[kind][i].id)
			continue;
		close(foreign[kind][i].link);
		close(foreign[kind][i].program);
	}
	for (size_t i = first; i < end; i++)
		while (foreign[kind][i].id && exists(foreign[kind][i].id))
			test_sleep_ms(10);
	memset(foreign[kind], 0, sizeof(foreign[kind]));
}

/* ---- operations that are held ---- */

static pid_t pids[ROWS];
static const es_message_t *held[ROWS];
static unsigned int held_count;

static void answer(struct test_client *client, const es_message_t *message)
{
	pid_t pid = test_pid(message->process);

	for (size_t i = first; i < end; i++) {
		if (message->event_type != rows[i].auth || __atomic_load_n(&pids[i], __ATOMIC_ACQUIRE) != pid || held[i])
			continue;
		es_retain_message(message);
		__atomic_store_n(&held[i], message, __ATOMIC_RELEASE);
		__atomic_add_fetch(&held_count, 1, __ATOMIC_RELEASE);
		return;
	}
	test_allow(client, message);
}

static unsigned int *go;		/* shared */

/* What starts over uses the processor, which others need more. */
static int child(void *context)
{
	const struct row *row = context;
	const struct sched_param none = {};
	int error;

	(void)sched_setscheduler(0, SCHED_IDLE, &none);
	foreign_leave();
	if (chdir(test_at("%s", row->hook)) < 0)
		return 99;
	while (!__atomic_load_n(go, __ATOMIC_ACQUIRE))
		test_sleep_ms(1);
	error = row->act();
	return row->failure && error == row->failure ? 0 : error;
}

static void reset(const char *hook)
{
	REQUIRE(mkdir(test_at("%s", hook), 0755) == 0 || errno == EEXIST);
	(void)umount2(test_at("%s/dir", hook), MNT_DETACH);
	(void)unlink(test_at("%s/renamed", hook));
	(void)unlink(test_at("%s/linked", hook));
	(void)unlink(test_at("%s/new", hook));
	(void)rmdir(test_at("%s/new", hook));
	(void)mkdir(test_at("%s/dir", hook), 0755);
	(void)symlink("file", test_at("%s/link", hook));
	test_write_file(test_at("%s/file", hook), "some text", 0644);
	REQUIRE(setxattr(test_at("%s/file", hook), "trusted.es-is", "v", 1, 0) == 0);
}

static void await_held(unsigned int wanted)
{
	uint64_t limit = test_now() + 20000000000ull * test_slow();

	while (__atomic_load_n(&held_count, __ATOMIC_ACQUIRE) < wanted && test_now() < limit)
		test_sleep_ms(10);
	if (CHECK(held_count >= wanted))
		return;
	for (size_t i = first; i < end; i++)
		if (!held[i])
			printf("not held at %s\n", rows[i].hook);
}

static void start(bool sleeps)
{
	unsigned int expected = 0;

	held_count = 0;
	*go = 0;
	for (size_t i = first; i < end; i++) {
		reset(rows[i].hook);
		held[i] = NULL;
		expected += sleeps || !rows[i].in_one_piece;
	}
	for (size_t i = first; i < end; i++)
		__atomic_store_n(&pids[i], test_fork(child, (void *)&rows[i]), __ATOMIC_RELEASE);
	__atomic_store_n(go, 1, __ATOMIC_RELEASE);
	await_held(expected);
}

/* Every other one is denied, beginning with `denied`. */
static void finish(struct test_client *client, unsigned int denied)
{
	test_sleep_ms(FREED_MS);
	for (size_t i = first; i < end; i++) {
		bool deny = i % 2 == denied;
		int status;

		if (held[i] && deny)
			test_deny(client, held[i]);
		else if (held[i])
			test_allow(client, held[i]);
		status = test_wait(pids[i]);
		if (!CHECK_EQUAL(WEXITSTATUS(status), held[i] && deny ? EPERM : 0) || !CHECK(WIFEXITED(status)))
			printf("%s\n", rows[i].hook);
		if (held[i])
			es_release_message(held[i]);
		pids[i] = 0;
	}
}

/* ---- what the daemon says ---- */

static bool task_work, has_gate, kernel_sees;	/* to it that what was detached is called no more: daemon/sensor/follow.h */

static const char *const names[] = {
#define ES_EVENT(constant, number, payload, ...) [number] = #payload,
#include "abi/events.def"
};

/* Of the first hook that is tried. */
static bool capability_says(const char *text)
{
	char command[4096], line[512];
	bool found = false;
	FILE *output;

	snprintf(command, sizeof(command), "%s capabilities %s", test_built("tools/esctl"), names[rows[first].auth]);
	output = popen(command, "r");
	REQUIRE(output != NULL);
	while (fgets(line, sizeof(line), output)) {
		found |= strstr(line, text) != NULL;
		if (strstr(line, "LSM hook"))
			fputs(line, stdout);
	}
	pclose(output);
	return found;
}

static void await_open_gates(void)
{
	uint64_t limit = test_now() + OPEN_AGAIN_MS * 1000000ull * test_slow();

	while (capability_says("follows") && test_now() < limit)
		test_sleep_ms(200);
	CHECK(!capability_says("follows"));
}

static void subscribe(struct test_client *client)
{
	es_event_type_t types[ROWS];

	for (size_t i = first; i < end; i++)
		types[i - first] = rows[i].auth;
	REQUIRE(es_subscribe(client->client, types, end - first) == ES_RETURN_SUCCESS);
}

static void *detach_all(void *plain)
{
	if (plain)
		foreign_detach(PLAIN_LSM);
	foreign_detach(FEXIT);
	return NULL;
}

/* The kernel takes its time to detach a program while calls start over: they are let go before it has. */
static void detach_meanwhile(struct test_client *client, unsigned int denied, bool plain)
{
	pthread_t detaching;

	REQUIRE(pthread_create(&detaching, NULL, detach_all, plain ? foreign : NULL) == 0);
	finish(client, denied);
	REQUIRE(pthread_join(detaching, NULL) == 0);
}

/* Of each kind one at each hook; allowed, a call comes by the LSM program, and denied, by the fexit program. */
static void before(struct test_client *client, unsigned int denied)
{
	char named[64];

	foreign_attach(PLAIN_LSM);
	foreign_attach(FEXIT);
	subscribe(client);
	snprintf(named, sizeof(named), "es_foreign (%u) follows", foreign[PLAIN_LSM][first].id);
	if (kernel_sees)
		CHECK(!capability_says("follows"));
	else
		CHECK(capability_says(task_work ? "waits in task work" : "waits by starting over") &&
		      (!has_gate || capability_says(named)));
	start(kernel_sees);
	detach_meanwhile(client, denied, true);
}

static void after(struct test_client *client, unsigned int denied)
{
	await_open_gates();
	foreign_attach(PLAIN_LSM);
	CHECK(!capability_says("follows"));
	start(true);
	foreign_detach(PLAIN_LSM);
	finish(client, denied);
}

/* Attached while the gates are open. */
static void fexit_after(struct test_client *client, unsigned int denied)
{
	await_open_gates();
	foreign_attach(FEXIT);
	start(kernel_sees);
	detach_meanwhile(client, denied, false);
}

/* Attached while tasks sleep; these leave by the old code, those that come then start over. */
static void while_held(struct test_client *client, unsigned int denied)
{
	await_open_gates();
	start(true);
	foreign_attach(PLAIN_LSM);
	foreign_attach(FEXIT);
	foreign_detach(FEXIT);
	foreign_detach(PLAIN_LSM);
	finish(client, denied);
}

static void rounds(struct test_client *client, unsigned int denied)
{
	uint64_t begin = test_now();

	before(client, denied);
	if (has_gate) {
		after(client, denied);
		fexit_after(client, denied);
		while_held(client, denied);
	}
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	printf("%s to %s: %llu ms\n", rows[first].hook, rows[end - 1].hook,
	       (unsigned long long)(test_now() - begin) / 1000000);
}

int main(void)
{
	const size_t tried = getenv("ES_ALL_HOOKS") ? ROWS : FEW_ROWS;
	struct test_client *client;

	test_begin(400);
	(void)test_tiny("tiny");
	go = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	btf = btf__load_vmlinux_btf();
	REQUIRE(go != MAP_FAILED && btf);
	end = 1;
	foreign_attach(PLAIN_LSM);		/* skips */
	foreign_detach(PLAIN_LSM);
	test_daemon("--deadline-ms", "60000", NULL);
	client = test_client(answer, NULL);
	client->counting = true;
	has_gate = test_has_gate();
	task_work = test_has_task_work();
	kernel_sees = btf__find_by_name_kind(btf, "bpf_tramp_skip", BTF_KIND_STRUCT) >= 0;

	for (first = 0; first < tried; first = end) {
		end = first + AT_A_TIME < tried ? first + AT_A_TIME : tried;
		for (unsigned int denied = 0; denied < 2; denied++)
			rounds(client, denied);
	}
	test_client_delete(client);
	btf__free(btf);
	return test_end();
}
