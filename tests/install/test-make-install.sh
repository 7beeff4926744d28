#!/bin/bash
# SPDX-License-Identifier: MIT
#
#	tests/install/test-make-install.sh BUILD
#
# make install into a DESTDIR: all is there, a client is built with it; make uninstall leaves nothing, also after a second
# install, and takes nothing of others.
set -u

root=$(dirname "$(readlink -f "$0")")/../..
build=$1
dest=${ES_TEST_DIR:?}/dest
prefix=$(meson introspect --buildoptions "$build" |
	python3 -c 'import json, sys; print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))') || exit 1
failed=0

fault() { echo "$*"; failed=1; }
there() { [ -e "$dest$prefix/$1" ] || fault "not installed: $1"; }

make_() {	# TARGET
	make --no-print-directory -C "$root" "$1" build="$build" DESTDIR="$dest" >"$ES_TEST_DIR/make.log" 2>&1 ||
		{ fault "make $1:"; cat "$ES_TEST_DIR/make.log"; }
}

make_ install
for file in sbin/endpointsecurityd sbin/esctl sbin/esship bin/eslogger bin/escap include/EndpointSecurity/EndpointSecurity.h \
	share/man/man8/endpointsecurityd.8 lib/systemd/system/endpointsecurityd.service; do
	there "$file"
done
grep -q "^ExecStart=$prefix/sbin/endpointsecurityd$" "$dest$prefix/lib/systemd/system/endpointsecurityd.service" ||
	fault "the unit starts another daemon"
grep -rl '@[a-z]*@' "$dest$prefix/lib/systemd/system" && fault "not filled in: the above"

library=$(find "$dest" -name libEndpointSecurity.so)
[ -n "$library" ] || fault "not installed: libEndpointSecurity.so"
export PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_PATH=${library%/*}/pkgconfig
# shellcheck disable=SC2046
gcc "$root/examples/notify-gcc.c" $(pkg-config --cflags --libs EndpointSecurity) -o "$ES_TEST_DIR/client" ||
	fault "a client can't be built with what was installed"
# shellcheck disable=SC2046
clang -fblocks "$root/examples/notify.c" $(pkg-config --cflags --libs EndpointSecurity) -o "$ES_TEST_DIR/client" ||
	fault "a client with blocks can't be built with what was installed"

touch "$dest$prefix/include/EndpointSecurity/not-ours.h"
make_ install
make_ uninstall
[ "$(find "$dest" -type f -o -type l)" = "$dest$prefix/include/EndpointSecurity/not-ours.h" ] ||
	{ fault "after make uninstall there is:"; find "$dest"; }
! make --no-print-directory -C "$root" uninstall build="$build" DESTDIR="$dest" >/dev/null 2>&1 ||
	fault "a second make uninstall finds something"

rm -r "$dest"
make_ install
make_ uninstall
[ ! -e "$dest" ] || { fault "after make uninstall there is:"; find "$dest"; }
exit "$failed"
