/* SPDX-License-Identifier: MIT */

/*
 * Each of stress-ng's stressors of files, processes, signals and memory ends in the same way, after a number of
 * operations, when all that it does is held and allowed as when nobody looks.
 */

#include "twice.h"

/* Their exit status is compared: 0 done, 2 it saw a fault, 3 and 4 it can't be had here. */
static const char script[] =
	"for name in access chattr chdir chmod chown copy-file dentry dir dirdeep dup exec fallocate fanotify fcntl file-ioctl "
	"filename flock fork fstat getdent handle inode-flags inotify io-uring kill lease link locka lockf lockofd memfd mknod mmap "
	"mprotect mq open pidfd pipe pthread ptrace readahead rename seal sendfile session sigabrt sigchld sigfd sigio signal "
	"sigpending sigq sigrt sigsegv sigsuspend sigtrap sock sockfd sockpair splice symlink sync-file touch umount unshare "
	"utime vfork wait xattr; do "
	"timeout -k 5 60 stress-ng --$name 1 --$name-ops 5 --temp-path . --timeout 40 > out 2>&1; status=$?; echo $name $status; "
	"[ $status -eq 0 ] || cat out >> ../failures; rm -rf out tmp-*; done";

int main(void)
{
	twice_begin(400);
	if (system("command -v stress-ng >/dev/null") != 0)
		test_skip("the program stress-ng");
	twice((char *[]){ (char *)"sh", (char *)"-c", (char *)script, NULL });
	return test_end();
}
