/* SPDX-License-Identifier: MIT */

/*
 * The system calls of all-allow-calls.c give the same results and leave the same files in a merged directory of
 * overlayfs, with layers on tmpfs and on ext4, when a client holds and allows each as without a client. The test
 * mounts the overlay while the client holds everything.
 */

#include "twice.h"

static const char prepare[] =
	"set -e; export LC_ALL=C; mkdir lower upper work merged lower/d upper/d; mkdir lower/d/low lower/d/both upper/d/both\n"
	"for i in 1 2 3; do echo $i > lower/d/low/$i; echo $i > lower/d/both/$i; echo $i > upper/d/both/u$i; done\n"
	"mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged; cd merged/d\n"
	"ls low both; echo more >> low/1; rm low/2; mv low/3 both; rm -r both; ls -A . low; mkdir both; ls -A both\n";

/* Where the layers are is the first argument. */
static void run_in(const char *begin, const char *end)
{
	char script[8192];

	snprintf(script, sizeof(script), "%s\n%s\"$1\"; cd ../..; umount merged; rm -rf work; %s\n", begin, prepare, end);
	twice((char *[]){ (char *)"unshare", (char *)"-m", (char *)"sh", (char *)"-c", script, (char *)"sh",
			  (char *)test_built("tests/harness/calls"), NULL });
}

int main(void)
{
	twice_begin(240);
	run_in("", "");
	run_in("truncate -s 16M image; mkfs.ext4 -q -F image; mkdir fs; mount -o loop image fs; cd fs",
	       "ls -R upper; cd ..; umount fs; rm image");
	return test_end();
}
