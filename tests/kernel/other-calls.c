/* SPDX-License-Identifier: MIT */

/*
 * Less used system calls are reported as the usual ones for the same: signals with made-up codes and by pidfd, the
 * clock by adjtimex(2), mounts by descriptors, writes by io_submit(2), ids by setresuid(2).
 */

#include "es-ring.h"
#include "es-test.h"

#include <linux/aio_abi.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/timex.h>

enum { OPEN_TREE = 428, MOVE_MOUNT = 429, FSOPEN = 430, FSCONFIG = 431, FSMOUNT = 432, PIDFD_SEND_SIGNAL = 424,
       PIDFD_OPEN = 434, TREE_CLONE = 1 };

static pid_t victim;

static _Noreturn int sleeper(void *context)
{
	(void)context;
	signal(SIGUSR1, SIG_IGN);
	for (;;)
		pause();
}

/* ---- signals ---- */

static int queue(long call, int code)
{
	siginfo_t info = {.si_code = code, .si_signo = SIGUSR1};

	if (call == SYS_rt_tgsigqueueinfo)
		return result(syscall(call, victim, victim, SIGUSR1, &info));
	return result(syscall(call, victim, SIGUSR1, &info));
}

static int signal_queue(void) { return queue(SYS_rt_sigqueueinfo, -1); }
static int signal_timer(void) { return queue(SYS_rt_sigqueueinfo, -2); }
static int signal_message(void) { return queue(SYS_rt_sigqueueinfo, -3); }
static int signal_io(void) { return queue(SYS_rt_sigqueueinfo, -5); }
static int signal_low(void) { return queue(SYS_rt_sigqueueinfo, -1000); }
static int signal_thread(void) { return queue(SYS_rt_tgsigqueueinfo, -60); }
static int signal_tkill(void) { return result(syscall(SYS_tkill, victim, SIGUSR1)); }
static int signal_tgkill(void) { return result(syscall(SYS_tgkill, victim, victim, SIGUSR1)); }

static int signal_pidfd(void)
{
	siginfo_t info = {.si_code = -5, .si_signo = SIGUSR1};

	return result(syscall(PIDFD_SEND_SIGNAL, syscall(PIDFD_OPEN, victim, 0), SIGUSR1, &info, 0));
}

static void to_victim(const es_message_t *message)
{
	CHECK_EQUAL(message->event.signal.sig, SIGUSR1);
	CHECK_EQUAL(test_pid(message->event.signal.target), victim);
}

/* ---- the clock: nothing is added to it ---- */

static int adjust(void)
{
	struct timex timex = {.modes = ADJ_SETOFFSET};

	return result(adjtimex(&timex));
}

static int adjust_clock(void)
{
	struct timex timex = {.modes = ADJ_SETOFFSET | ADJ_NANO};

	return result(clock_adjtime(CLOCK_REALTIME, &timex));
}

static int look_at_clock(void)
{
	struct timex timex = {};

	return result(adjtimex(&timex));
}

/* ---- mounts ---- */

static int mount_by_descriptors(void)
{
	int fs = (int)syscall(FSOPEN, "tmpfs", 0), mount, dir = open("dir", O_PATH);

	if (fs < 0 || syscall(FSCONFIG, fs, FSCONFIG_SET_STRING, "source", "some source", 0) < 0 ||
	    syscall(FSCONFIG, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return errno;
	mount = (int)syscall(FSMOUNT, fs, 0, 0);
	if (mount < 0)
		return errno;
	return result(syscall(MOVE_MOUNT, mount, "", dir, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

static int mount_clone(void)
{
	int tree = (int)syscall(OPEN_TREE, AT_FDCWD, "other", TREE_CLONE);

	return tree < 0 ? errno : result(syscall(MOVE_MOUNT, tree, "", AT_FDCWD, "dir", MOVE_MOUNT_F_EMPTY_PATH));
}

static int bind_mount(void) { return result(mount("other", "dir", NULL, MS_BIND, NULL)); }
static int unmount_lazily(void) { return result(umount2("dir", MNT_DETACH)); }

static int unmount_itself(void)
{
	return result(chdir("dir")) ?: result(umount2(".", MNT_DETACH));
}

static void tmpfs_on_dir(const es_message_t *message)
{
	CHECK_STRING(message->event.mount.statfs->f_mntonname, test_at("dir"));
	CHECK_STRING(message->event.mount.statfs->f_fstypename, "tmpfs");
}

static void source_on_dir(const es_message_t *message)
{
	tmpfs_on_dir(message);
	CHECK_STRING(message->event.mount.statfs->f_mntfromname, "some source");
}

static void dir_unmounted(const es_message_t *message)
{
	CHECK_STRING(message->event.unmount.statfs->f_mntonname, test_at("dir"));
}

/* ---- writes ---- */

static int write_by_submission(void)
{
	aio_context_t context = 0;
	int fd = open("file", O_WRONLY);
	struct iocb block = {.aio_fildes = (uint32_t)fd, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (uint64_t)"text",
			     .aio_nbytes = 4}, *blocks = &block;
	struct io_event event;

	return result(syscall(SYS_io_setup, 4, &context)) ?: result(syscall(SYS_io_submit, context, 1, &blocks)) ?:
	       result(syscall(SYS_io_getevents, context, 1, 1, &event, NULL)) ?: event.res != 4;
}

static void is_file(const es_message_t *message) { CHECK_TOKEN(message->event.write.target->path, test_at("file")); }

/* ---- ids: those from before are the message's, by the thread's own call as well ---- */

static int take_all_ids(void) { return result(syscall(SYS_setresuid, 1001, 1002, 1003)); }
static int take_all_groups(void) { return result(syscall(SYS_setresgid, 1001, 1002, 1003)); }

static void was_root(const es_message_t *message)
{
	const audit_token_t *token = &message->process->audit_token;

	CHECK_EQUAL(token->val[1] | token->val[2] | token->val[3] | token->val[4], 0);
}

static const struct row {
	const char *name;
	int (*act)(void);
	int type;
	unsigned int count;
	void (*check)(const es_message_t *message);
} rows[] = {
	{"si_code SI_QUEUE", signal_queue, ES_NOTIFY(SIGNAL), 1, to_victim},
	{"si_code SI_TIMER", signal_timer, ES_NOTIFY(SIGNAL), 1, to_victim},
	{"si_code SI_MESGQ", signal_message, ES_NOTIFY(SIGNAL), 1, to_victim},
	{"si_code SI_SIGIO", signal_io, ES_NOTIFY(SIGNAL), 1, to_victim},
	{"si_code -1000", signal_low, ES_NOTIFY(SIGNAL), 1, to_victim},
	{"rt_tgsigqueueinfo", signal_thread, ES_NOTIFY(SIGNAL), 1, to_victim},
	{"tkill", signal_tkill, ES_NOTIFY(SIGNAL), 1, to_victim},
	{"tgkill", signal_tgkill, ES_NOTIFY(SIGNAL), 1, to_victim},
	{"pidfd_send_signal", signal_pidfd, ES_NOTIFY(SIGNAL), 1, to_victim},
	{"adjtimex", adjust, ES_NOTIFY(SETTIME), 1, NULL},
	{"clock_adjtime", adjust_clock, ES_NOTIFY(SETTIME), 1, NULL},
	{"adjtimex that only looks", look_at_clock, ES_NOTIFY(SETTIME), 0, NULL},
	{"fsmount, move_mount with empty paths", mount_by_descriptors, ES_NOTIFY(MOUNT), 1, source_on_dir},
	{"umount with MNT_DETACH", unmount_lazily, ES_NOTIFY(UNMOUNT), 1, dir_unmounted},
	{"open_tree, move_mount", mount_clone, ES_NOTIFY(MOUNT), 1, tmpfs_on_dir},
	{"umount of the current directory", unmount_itself, ES_NOTIFY(UNMOUNT), 1, dir_unmounted},
	{"bind mount", bind_mount, ES_NOTIFY(MOUNT), 1, tmpfs_on_dir},
	{"umount of a bind mount", unmount_lazily, ES_NOTIFY(UNMOUNT), 1, dir_unmounted},
	{"io_submit", write_by_submission, ES_NOTIFY(WRITE), 1, is_file},
	{"setresuid", take_all_ids, ES_NOTIFY(SETREUID), 1, was_root},
	{"setresgid", take_all_groups, ES_NOTIFY(SETREGID), 1, was_root},
};

static int act(void *context)
{
	const struct row *row = context;

	return chdir(test_mnt) < 0 ? errno : row->act();
}

static void run(struct test_client *client, const struct row *row)
{
	const es_message_t *message;
	pid_t pid;

	printf("%s\n", row->name);
	test_clear(client);
	pid = test_fork(act, (void *)row);
	CHECK_EQUAL(WEXITSTATUS(test_wait(pid)), 0);
	test_sync(client);
	message = FIND(client, .type = row->type, .pid = pid);
	CHECK_EQUAL(COUNT(client, .type = row->type, .pid = pid), row->count);
	if (message && row->check)
		row->check(message);
}

int main(void)
{
	struct test_client *client;

	test_begin(60);
	REQUIRE(mkdir(test_at("dir"), 0755) == 0 && mkdir(test_at("other"), 0755) == 0);
	test_write_file(test_at("file"), "content", 0644);
	victim = test_fork(sleeper, NULL);
	test_daemon(NULL);
	if (!test_has_objects())
		test_skip("messages from the kernel's objects: BPF programs at the kernel's functions");
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_NOTIFY(SIGNAL), ES_NOTIFY(SETTIME), ES_NOTIFY(MOUNT), ES_NOTIFY(UNMOUNT), ES_NOTIFY(WRITE),
		       ES_NOTIFY(SETREUID), ES_NOTIFY(SETREGID), -1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		run(client, &rows[i]);
	return test_end();
}
