/* SPDX-License-Identifier: MIT */

/*
 * Commands of coreutils and util-linux, a package's installation, and a small build with make and gcc end in the same
 * way, print the same and leave the same files when a client holds and allows each operation as without a client.
 */

#include "twice.h"

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
	static const char *const texts[] = { twice_commands, package, build };

	twice_begin(240);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		twice((char *[]){ "sh", "-c", (char *)texts[i], NULL });
	return test_end();
}
