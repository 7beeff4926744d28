/* SPDX-License-Identifier: MIT */

/*
 * Commands of coreutils and util-linux, a package's installation and a small build with make and gcc end in the same way,
 * say the same and leave the same files when each of their operations is held and allowed as when nobody looks.
 */

#include "twice.h"

static const char script[] =
	"export LC_ALL=C; exec 2>&1; mkdir a b; cp /etc/passwd a/p; cp -a a/p b/q; mv a/p a/r; ln a/r a/h;\n"
	"ln -s r a/s; ls -A a b; cat a/s | wc -l; chmod 640 a/r; chown 5:6 b/q; touch -d @1000 b/q; "
	"stat -c '%n %a %u %g %s %Y' b/q;\n"
	"head -c 5000 /dev/zero > zero; split -b 1000 zero part; cksum part*; "
	"dd if=zero of=copy bs=512 count=3 status=none;\n"
	"truncate -s 100 copy; install -m 755 copy bin; sort -r a/r | head -n 3; comm a/r b/q | tail -n 2; "
	"tac a/r | tail -n 1;\n"
	"rm a/h; rm a; echo $?; rmdir a; echo $?; rm nothing; echo $?; mkdir a; cat nothing; echo $?; "
	"cp nothing b; ln b c; mv nothing c; ls nothing;\n"
	"echo $?; chmod 1 nothing; echo $?;\n"
	"tar cf t.tar --mtime=@0 a b; tar tf t.tar; mkfifo f; (echo through > f &) ; cat f; "
	"mktemp -u XXXX | wc -c; readlink a/s;\n"
	"realpath b/../b; pwd | wc -l; flock lock true; setsid true; timeout 5 true; timeout 0.1 sleep 5; "
	"echo $?; nice true;\n"
	"unshare -m true; mountpoint b; findmnt -n nothing; getopt x -- -x; logger --no-act x >/dev/null; "
	"rev b/q | head -n 1; sync;\n"
	"find . -name '*q' -exec wc -c {} +; seq 5 | xargs -n 2 echo; tee out < b/q > /dev/null; cmp out b/q; "
	"shred -u out; kill -0 1;\n"
	"sleep 9 & kill $!; wait $! 2>/dev/null; echo $?; \n"
	"sh -c 'kill -STOP $$; echo resumed' & until [ $(cut -d' ' -f3 /proc/$!/stat) = T ]; do sleep 0.1; done;\n"
	"kill -CONT $!; wait $!; echo $?;\n";

/* No more than what makes a package; the same each time. */
static const char package[] =
	"export LC_ALL=C SOURCE_DATE_EPOCH=1000; set -e; "
	"mkdir -p p/DEBIAN p/usr/share/es-test p/usr/bin adm/updates adm/info root;\n"
	"printf 'Package: es-test\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody\\nDescription: test\\n' "
	"> p/DEBIAN/control;\n"
	"for i in 1 2 3 4 5 6 7 8; do echo $i > p/usr/share/es-test/$i; done; "
	"printf '#!/bin/sh\\necho hello\\n' > p/usr/bin/es-test;\n"
	"chmod 755 p/usr/bin/es-test; ln -s es-test p/usr/bin/es-link; touch adm/status adm/available;\n"
	"dpkg-deb --root-owner-group -Znone -b p es.deb > /dev/null;\n"
	"dpkg --admindir=adm --instdir=root --force-not-root --no-triggers --log=/dev/null -i es.deb;\n"
	"dpkg --admindir=adm -s es-test; root/usr/bin/es-link; rm -rf p;\n"
	"dpkg --admindir=adm --instdir=root --force-not-root --log=/dev/null -r es-test; find root | sort; "
	"rm -rf adm/*-old";

static const char build[] =
	"export LC_ALL=C TMPDIR=$PWD; printf 'int twice(int x);\\nint main(void) { return twice(21) - 42; "
	"}\\n' > main.c;\n"
	"printf 'int twice(int x) { return 2 * x; }\\n' > twice.c;\n"
	"printf 'prog: main.o twice.o\\n\\tgcc -o $@ $^\\n%%.o: %%.c\\n\\tgcc -O1 -c -o $@ $<\\n' > Makefile; "
	"make -s -j2; ./prog; echo $?";

int main(void)
{
	static const char *const texts[] = { script, package, build };

	twice_begin(240);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		twice((char *[]){ "sh", "-c", (char *)texts[i], NULL });
	return test_end();
}
