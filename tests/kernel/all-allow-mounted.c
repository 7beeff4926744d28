/* SPDX-License-Identifier: MIT */

/*
 * The system calls of all-allow-calls.c and the commands of all-allow-commands.c give the same results when a client
 * holds and allows each as without a client. They run on file systems where the kernel has to ask a server, mounted
 * before any client subscribed: an overlay whose lower layer is on 9p, and FUSE (bindfs). The test leaves out those
 * that are missing here, and is skipped without any.
 */

#include "twice.h"

#include <sys/mount.h>
#include <sys/utsname.h>

/* In a folder of its own on the mount, which is the first argument. Ends by listing it. */
static const char calls[] =
	"export LC_ALL=C; cd \"$1\" && mkdir own && cd own && \"$2\" | grep -v '_trusted'; find . -printf '%p %y %m %s\\n' | sort;"
	"cd .. && chmod -R u+w own && rm -rf own";

static const char commands[] =
	"cd \"$1\" && mkdir own && cd own && sh -c \"$2\"; find . -printf '%p %y %m %s\\n' | sort; cd .. && rm -rf own";

/* Files and folders that only the lower layer has: each is copied up. What isn't there in the end is the overlay's. */
static const char lower[] =
	"export LC_ALL=C; cd \"$1/fs\"; for f in $(ls | head -n 6); do cd $f; n=$(ls | head -n 1); chmod 600 $n; : >> $n; mv $n moved;\n"
	"ln moved linked; echo > new; mkdir folder; ls; rm new linked moved; rmdir folder; echo >| new; rm new; ls; cd ..; done; ls";

static void run_in(const char *mounted, const char *script, const char *argument)
{
	twice((char *[]){ (char *)"sh", (char *)"-c", (char *)script, (char *)"sh", (char *)mounted, (char *)argument, NULL });
}

/* An empty upper layer each time, since what was copied up stays there. */
static void mount_overlay(const char *on)
{
	static const char script[] =
		"umount \"$1\" 2>/dev/null; cd \"$1/..\"; rm -rf upper working; mkdir upper working; exec mount -t overlay overlay -o "
		"lowerdir=/usr/lib/modules/$(uname -r)/kernel,upperdir=upper,workdir=working \"$1\"";
	char command[8192];

	snprintf(command, sizeof(command), "set -- '%s'; %s", on, script);
	REQUIRE(system(command) == 0);
}

static bool try_overlay(void)
{
	struct utsname kernel;
	char modules[512];

	REQUIRE(uname(&kernel) == 0);
	snprintf(modules, sizeof(modules), "/usr/lib/modules/%.200s/kernel", kernel.release);
	if (!test_is_on_9p(modules))
		return false;
	printf("an overlay over 9p\n");
	REQUIRE(mkdir(test_at("merged"), 0755) == 0);
	mount_overlay(test_at("merged"));
	run_in(test_at("merged"), calls, test_built("tests/harness/calls"));
	run_in(test_at("merged"), commands, twice_commands);
	twice_between = mount_overlay;
	twice_between_argument = test_at("merged");
	mount_overlay(test_at("merged"));
	run_in(test_at("merged"), lower, "");
	twice_between = NULL;
	REQUIRE(umount(test_at("merged")) == 0);
	return true;
}

static int serve(void *context)
{
	(void)context;
	/* What the kernel keeps of attributes and names depends on time. */
	execlp("bindfs", "bindfs", "-f", "-o", "attr_timeout=0,entry_timeout=0,negative_timeout=0", test_at("below"),
	       test_at("above"), NULL);
	return 126;
}

static bool is_mounted(const char *path)
{
	struct stat here, above;

	return stat(path, &here) == 0 && stat(test_mnt, &above) == 0 && here.st_dev != above.st_dev;
}

static bool try_fuse(void)
{
	pid_t pid;

	REQUIRE(mkdir(test_at("below"), 0755) == 0 && mkdir(test_at("above"), 0755) == 0);
	pid = test_fork(serve, NULL);
	while (!is_mounted(test_at("above")) && test_wait_ms(pid, 10) == -1)
		;
	if (!is_mounted(test_at("above")))
		return false;
	printf("FUSE\n");
	run_in(test_at("above"), calls, test_built("tests/harness/calls"));
	run_in(test_at("above"), commands, twice_commands);
	REQUIRE(umount(test_at("above")) == 0);
	CHECK_EQUAL(test_wait(pid), 0);
	return true;
}

int main(void)
{
	bool any;

	twice_begin(300);
	any = try_overlay();
	any |= try_fuse();
	if (!any)
		test_skip("a lower layer on 9p, as tests/vm/run has it, or or bindfs");
	return test_end();
}
