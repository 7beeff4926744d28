/* SPDX-License-Identifier: MIT */

/*
 * The kernel asks about a mount whatever flags it has: mount(2) ignores MS_PRIVATE, MS_SHARED and MS_SLAVE when it mounts.
 * It doesn't ask about a call that only changes how mounts propagate. Programs can use a file system that isn't attached:
 * so the kernel asks when fsconfig(2) makes it, if there is a gate to wait at.
 */

#include "attack.h"

#include <sched.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>

struct row {
	const char *name;
	int (*act)(void);
	es_event_type_t type;		/* the type of the question; -1: none, and the call succeeds */
};

static int bind_private(void) { return attack_result(mount("source", "denied", NULL, MS_BIND | MS_PRIVATE, NULL)); }
static int bind_shared(void) { return attack_result(mount("source", "denied", NULL, MS_BIND | MS_SHARED, NULL)); }
static int bind_rec_slave(void) { return attack_result(mount("source", "denied", NULL, MS_BIND | MS_REC | MS_SLAVE, NULL)); }

static int remount_private(void)
{
	return attack_result(mount(NULL, "denied-mount", NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC | MS_PRIVATE, NULL));
}

static int make_private(void) { return attack_result(mount(NULL, "denied-mount", NULL, MS_PRIVATE, NULL)); }

static int unattached(void)
{
	int context = (int)syscall(SYS_fsopen, "tmpfs", 0), made;

	if (context < 0)
		return 201;
	(void)syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "source", "denied-source", 0);
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return errno;
	made = (int)syscall(SYS_fsmount, context, 0, 0);
	return attack_result(made) ?: attack_result(openat(made, "file", O_WRONLY | O_CREAT, 0600));
}

static const struct row rows[] = {
	{ "MS_BIND|MS_PRIVATE", bind_private, ES_AUTH(MOUNT) },
	{ "MS_BIND|MS_SHARED", bind_shared, ES_AUTH(MOUNT) },
	{ "MS_BIND|MS_REC|MS_SLAVE", bind_rec_slave, ES_AUTH(MOUNT) },
	{ "MS_REMOUNT|MS_BIND|MS_PRIVATE", remount_private, ES_AUTH(REMOUNT) },
	{ "MS_PRIVATE", make_private, (es_event_type_t)-1 },
	{ "fsopen, fsconfig, fsmount", unattached, ES_AUTH(MOUNT) },
};

static unsigned int asked;

static enum judged judge(const es_message_t *message)
{
	const es_statfs_t *what = message->event_type == ES_AUTH(MOUNT) ? message->event.mount.statfs
									   : message->event.remount.statfs;

	if (*what->f_mntonname && !strstr(what->f_mntonname, "/denied"))	/* empty: it isn't attached yet */
		return JUDGED_ALLOW;
	asked++;
	return JUDGED_DENY;
}

static int child(void *context)
{
	const struct row *row = context;

	if (chdir(test_mnt) < 0 || unshare(CLONE_NEWNS) < 0)
		return 200;
	return row->act();
}

int main(void)
{
	struct attack *attack = attack_begin(60, judge);
	bool gate = test_has_gate();

	REQUIRE(mkdir(test_at("source"), 0755) == 0);
	REQUIRE(mkdir(test_at("denied"), 0755) == 0);
	REQUIRE(mkdir(test_at("denied-mount"), 0755) == 0);
	REQUIRE(mount("tmpfs", test_at("denied-mount"), "tmpfs", 0, NULL) == 0);
	test_hold(attack->client, ES_AUTH(MOUNT), ES_AUTH(REMOUNT), -1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool denied = rows[i].type != (es_event_type_t)-1 && (gate || rows[i].act != unattached);

		asked = 0;
		printf("%s\n", rows[i].name);
		CHECK_EQUAL(attack_status(child, (void *)&rows[i]), denied ? EPERM : 0);
		CHECK_EQUAL(asked, denied);
	}
	REQUIRE(umount(test_at("denied-mount")) == 0);
	return test_end();
}
