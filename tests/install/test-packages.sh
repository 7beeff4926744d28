#!/bin/bash
# SPDX-License-Identifier: MIT
#
#	tests/install/test-packages.sh BUILD [12|13]
#
# The Debian packages in a plain Debian 12, or in a Debian 13 that they were built in: lintian finds nothing; installed, a client is built with what pkg-config says,
# with clang and blocks and with gcc and functions, and is told of an exec; purged, no file is left and none is changed.
set -u
release=${2:-12}
. "$(dirname "$0")/root.sh"

# The overlay's upper layer has what differs from the base: new files, copies, marks for what was removed. Not asked: what
# dpkg and the linker keep records in, and the folders that other things are mounted on.
differences() {
	(cd "$ES_TEST_DIR/upper" && find . -mindepth 1 \( -path ./var/lib/dpkg -o -path ./var/cache/ldconfig \
		-o -path ./etc/ld.so.cache -o -path ./var/log/dpkg.log -o -path ./root/test \) -prune -o -print) | sort |
		while read -r path; do
			was=$ES_INSTALL_BASE/$path is=$ES_TEST_DIR/upper/$path
			if [ -d "$is" ] && [ -d "$was" ] && [ ! -L "$is" ]; then
				[ "$(stat -c %a:%u:%g "$is")" = "$(stat -c %a:%u:%g "$was")" ] || echo "changed: $path"
			elif [ ! -e "$was" ] && [ ! -L "$was" ]; then
				[ -c "$is" ] || echo "new: $path"		# made and removed leaves a mark
			else
				cmp -s "$is" "$was" || echo "changed: $path"
			fi
		done
}

expect() {	# WHAT COMMAND...: in the root
	local what=$1
	shift
	inside "$@" >"$ES_TEST_DIR/out" 2>&1 || { fault "$what: exit status $?:"; cat "$ES_TEST_DIR/out"; }
}

expect_fail() {	# WHAT COMMAND...
	local what=$1
	shift
	! inside "$@" >/dev/null 2>&1 || fault "$what"
}

check_lintian() {
	local lintian=(lintian --allow-root --no-user-dirs --fail-on "error,warning" --tag-display-limit 0)
	if [ "$release" = 13 ]; then		# each with its own
		mount --bind "$packages" "$root/mnt"
		inside sh -c '"$@" /mnt/*.changes' sh "${lintian[@]}" || fault "lintian found the above"
		umount "$root/mnt"
		return
	fi
	command -v lintian >/dev/null || { echo "no lintian: not run"; return; }
	"${lintian[@]}" "$packages"/*.changes || fault "lintian found the above"
}

check_installed() {
	expect "the service isn't enabled" systemctl is-enabled endpointsecurityd.service
	expect "the socket isn't enabled" systemctl is-enabled endpointsecurityd.socket
	expect "the linker doesn't find the library" sh -c 'ldconfig -p | grep -q libEndpointSecurity.so.1'
	expect "files differ from the package's" dpkg --verify libendpointsecurity1 libendpointsecurity-dev endpointsecurity \
		libendpointsecurity-compat1 libendpointsecurity-compat-dev
	expect "a unit is wrong" sh -c 'systemd-analyze verify --man=no endpointsecurityd.service endpointsecurityd.socket \
		"endpointsecurity-client@usr-bin-eslogger.service" 2>&1 | tee /dev/stderr | { ! grep .; }'
}

check_clients() {
	mkdir "$root/root/test"
	cp "$here/client.c" "$root/root/test/"
	expect "clang" sh -c 'cd /root/test && clang -Wall -Wextra -Werror -fblocks client.c $(pkg-config --cflags --libs EndpointSecurity) -o blocks'
	expect "clang, with -lEndpointSecurity -lbsm" sh -c \
		'cd /root/test && clang -fblocks client.c $(pkg-config --cflags EndpointSecurity-compat) -lEndpointSecurity -lbsm -o bsm'
	expect "gcc" sh -c 'cd /root/test && gcc -Wall -Wextra -Werror client.c $(pkg-config --cflags --libs EndpointSecurity) -o functions'
	expect "the client with blocks lacks their runtime" sh -c 'cd /root/test && ldd blocks | grep -q BlocksRuntime'
	expect_fail "a client without blocks needs their runtime" sh -c 'cd /root/test && ldd functions | grep BlocksRuntime'
	for client in blocks bsm functions; do
		expect "the client with $client" "/root/test/$client" see /usr/bin/true
		grep -qx 'saw /usr/bin/true' "$ES_TEST_DIR/out" || { fault "the client with $client says:"; cat "$ES_TEST_DIR/out"; }
	done
	expect "eslogger" eslogger --list-events
}

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --bind /dev "$root/dev"
mount -t tmpfs run "$root/run"
mount -t tmpfs tmp "$root/tmp"

check_lintian
install_packages
differences | grep -q 'new: ./usr/sbin/endpointsecurityd' || fault "differences() doesn't see what is installed"
check_installed
check_clients
expect "purge" dpkg --purge libendpointsecurity-compat-dev libendpointsecurity-compat1 libendpointsecurity-dev endpointsecurity \
	libendpointsecurity1
left=$(differences)
[ -z "$left" ] || fault "left behind by purge: $left"
exit "$failed"
