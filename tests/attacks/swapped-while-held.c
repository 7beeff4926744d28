/* SPDX-License-Identifier: MIT */

/*
 * While an operation is held, another thread exchanges its object: the link to a script, the arguments, the word of flags,
 * the source of a mount, the image of a module, the link to a socket. The kernel does what the message said, or asks again
 * about the new object, which the client denies here.
 */

#include "attack.h"

#include <linux/fs.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>

struct shared {
	unsigned int swapped, begun;
	char text[64];			/* a path or an argument, which the other thread overwrites */
	int flags;
	char image[8192];
};

struct row {
	const char *name;
	es_event_type_t type;
	int (*act)(void);		/* 0 or errno */
	void (*swap)(void);
	bool (*harmed)(void);		/* has the kernel done what the client would have denied? */
};

static struct shared *shared;
static const struct row *current;
static unsigned int asked, bad;
static int listening[2];

/* ---- the operations ---- */

static char *environment[] = { NULL };

static int run_script(void)
{
	char *argv[] = { "link", NULL };

	execve("link", argv, environment);
	return errno;
}

static void swap_link(void)
{
	(void)symlink("bad-script", "new-link");
	(void)rename("new-link", "link");
}

static bool script_harmed(void) { return access("script-harm", F_OK) == 0; }

static int run_touch(void)
{
	char *argv[] = { "touch", shared->text, NULL };

	strcpy(shared->text, "argument-good");
	execve("/usr/bin/touch", argv, environment);
	return errno;
}

static void swap_argument(void) { strcpy(shared->text, "argument-bad"); }
static bool argument_harmed(void) { return access("argument-bad", F_OK) == 0; }

static int set_flags(void)
{
	shared->flags = FS_NODUMP_FL;
	return attack_result(ioctl(open("flagged", O_RDONLY), FS_IOC_SETFLAGS, &shared->flags));
}

static void swap_flags(void) { shared->flags = FS_IMMUTABLE_FL; }

static bool flags_harmed(void)
{
	int fd = open("flagged", O_RDONLY), flags = 0, none = 0;
	bool harmed;

	(void)ioctl(fd, FS_IOC_GETFLAGS, &flags);
	harmed = flags & FS_IMMUTABLE_FL;
	(void)ioctl(fd, FS_IOC_SETFLAGS, &none);
	close(fd);
	return harmed;
}

static int mount_good(void)
{
	int r = attack_result(mount("source", "target", NULL, MS_BIND, NULL));

	if (!r && access("target/bad", F_OK) == 0)
		close(open("mount-harm", O_WRONLY | O_CREAT, 0600));
	return r;
}

static void swap_source(void)
{
	(void)symlink("bad-dir", "new-source");
	(void)rename("new-source", "source");
}

static bool mount_harmed(void) { return access("mount-harm", F_OK) == 0; }

/* A module's image without code: after the question the kernel itself refuses it. */
static int load_image(void)
{
	memset(shared->image, 'g', sizeof(shared->image));
	return attack_result(syscall(SYS_init_module, shared->image, sizeof(shared->image), ""));
}

static void swap_image(void) { memset(shared->image, 'b', sizeof(shared->image)); }

static int connect_good(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), r;

	r = attack_result(connect(fd, (struct sockaddr *)&address, sizeof(address)));
	if (!r) {
		struct sockaddr_un peer = {};
		socklen_t length = sizeof(peer);

		(void)getpeername(fd, (struct sockaddr *)&peer, &length);
		if (strstr(peer.sun_path, "bad-socket"))
			close(open("socket-harm", O_WRONLY | O_CREAT, 0600));
	}
	return r;
}

static void swap_socket(void)
{
	(void)symlink("bad-socket", "new-socket");
	(void)rename("new-socket", "socket");
}

static bool socket_harmed(void) { return access("socket-harm", F_OK) == 0; }

static const struct row rows[] = {
	{ "a script's link", ES_AUTH(EXEC), run_script, swap_link, script_harmed },
	{ "arguments", ES_AUTH(EXEC), run_touch, swap_argument, argument_harmed },
	{ "flags", ES_AUTH(SETFLAGS), set_flags, swap_flags, flags_harmed },
	{ "a mount's source", ES_AUTH(MOUNT), mount_good, swap_source, mount_harmed },
	{ "a module's image", ES_AUTH(KEXTLOAD), load_image, swap_image, NULL },
	{ "a socket's link", ES_AUTH(UIPC_CONNECT), connect_good, swap_socket, socket_harmed },
};

/* ---- the client ---- */

static bool is_bad(const es_message_t *message)
{
	const es_event_exec_t *exec = &message->event.exec;

	if (message->event_type == ES_AUTH(EXEC)) {
		if (exec->script && strstr(exec->script->path.data, "bad-script"))
			return true;
		for (uint32_t i = 0; i < es_exec_arg_count(exec); i++)
			if (!strcmp(es_exec_arg(exec, i).data, "argument-bad"))
				return true;
		return false;
	}
	if (message->event_type == ES_AUTH(SETFLAGS))
		return message->event.setflags.flags & 0x20002;		/* UF_IMMUTABLE or SF_IMMUTABLE */
	if (message->event_type == ES_AUTH(UIPC_CONNECT))
		return strstr(message->event.uipc_connect.file->path.data, "bad-socket");
	return false;		/* messages of mounts and modules don't show the new object: judge() denies the second question */
}

static enum judged judge(const es_message_t *message)
{
	const es_file_t *file = message->process->executable;

	(void)file;
	if (!current || message->event_type != current->type || !__atomic_load_n(&shared->begun, __ATOMIC_ACQUIRE))
		return JUDGED_ALLOW;
	if (is_bad(message) || asked) {
		bad++;
		return JUDGED_DENY;
	}
	asked++;
	return JUDGED_HOLD;
}

static void nothing(int signal)
{
	(void)signal;
}

/* Signals make the call start over now and then, as it does by itself if there is no gate. */
static int act(void *context)
{
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	const struct row *row = context;

	signal(SIGUSR1, nothing);
	if (row->type != ES_AUTH(EXEC)) {	/* a signal would end a held exec */
		signal(SIGALRM, nothing);
		setitimer(ITIMER_REAL, &often, NULL);
	}

	if (chdir(test_mnt) < 0 || unshare(CLONE_NEWNS) < 0)
		return 201;
	__atomic_store_n(&shared->begun, 1, __ATOMIC_RELEASE);
	return row->act();
}

static void reset(void)
{
	const char *const gone[] = { "link", "source", "socket" };

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		(void)unlink(gone[i]);
	REQUIRE(symlink("good-script", "link") == 0);
	REQUIRE(symlink("good-dir", "source") == 0);
	REQUIRE(symlink("good-socket", "socket") == 0);
}

/* Holds the operation, exchanges its object, and allows the first question. */
static void try(struct attack *attack, const struct row *row)
{
	int status;
	pid_t pid;

	printf("%s\n", row->name);
	reset();
	asked = bad = 0;
	shared->begun = 0;
	current = row;
	test_hold(attack->client, row->type, -1);
	pid = test_fork(act, (void *)row);
	attack_await_held(attack, 1);
	row->swap();
	if (row->type == ES_AUTH(EXEC))
		kill(pid, SIGUSR1);
	test_sleep_ms(50);
	attack_release(attack, JUDGED_ALLOW);
	status = test_wait(pid);
	current = NULL;
	test_sync(attack->client);
	printf("... it ended with %d, asked again %u times\n", WEXITSTATUS(status), bad);
	CHECK(!row->harmed || !row->harmed());
	if (!row->harmed)
		CHECK_EQUAL(WEXITSTATUS(status), EPERM);
	REQUIRE(es_unsubscribe_all(attack->client->client) == ES_RETURN_SUCCESS);
}

static void prepare(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	REQUIRE(chdir(test_mnt) == 0);
	test_write_file("good-script", "#!/bin/sh\n", 0755);
	test_write_file("bad-script", "#!/bin/sh\ntouch script-harm\n", 0755);
	test_write_file("flagged", "", 0644);
	REQUIRE(mkdir("good-dir", 0755) == 0 && mkdir("bad-dir", 0755) == 0 && mkdir("target", 0755) == 0);
	test_write_file("bad-dir/bad", "", 0644);
	for (int i = 0; i < 2; i++) {
		listening[i] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		strcpy(address.sun_path, i ? "bad-socket" : "good-socket");
		REQUIRE(bind(listening[i], (void *)&address, sizeof(address)) == 0);
	}
}

int main(void)
{
	struct attack *attack = attack_begin(110, judge);

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED);
	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		try(attack, &rows[i]);
	REQUIRE(chdir("/") == 0);
	close(listening[0]);
	close(listening[1]);
	return test_end();
}
