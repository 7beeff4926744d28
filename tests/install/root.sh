# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For tests that install packages: a Debian to do it in, and forget. To be sourced, first thing:
#
#	. "$(dirname "$0")/root.sh"
#
# with BUILD in $1 and 12 or 13 in $release,
# runs the script once more in a mount namespace of its own, and there sets $here, $build, $packages and $root: an overlay over what
# tests/vm/fetch-root made. All of it goes with the namespace.

here=$(dirname "$(readlink -f "$0")")
build=$(readlink -f "$1")
root=${ES_TEST_DIR:?}/root
failed=0

skip() { echo "skip: $*"; exit 77; }
fault() { echo "$*"; failed=1; }

if [ "${ES_INSTALL_INSIDE:-}" != "$$" ]; then
	[ "$(id -u)" = 0 ] || skip "root"
	for program in debootstrap dpkg-buildpackage dh; do
		command -v "$program" >/dev/null || skip "$program (scripts/debian-packages)"
	done
	base=$("$here/../vm/fetch-root" "$release") || skip "a Debian root: tests/vm/fetch-root says why"
	export ES_INSTALL_INSIDE=$$ ES_INSTALL_BASE=$base
	exec unshare --mount --propagation private "$0" "$@"
fi

packages=$("$here/build-packages" "$build" "$release") || { echo "the packages can't be built"; exit 1; }

mkdir -p "$root" "$ES_TEST_DIR/upper" "$ES_TEST_DIR/work"
mount -t overlay -o "lowerdir=$ES_INSTALL_BASE,upperdir=$ES_TEST_DIR/upper,workdir=$ES_TEST_DIR/work" overlay "$root" ||
	skip "overlayfs on ${ES_TEST_DIR}"

inside() {	# COMMAND...: in the root, as after a login there
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		chroot "$root" "$@"
}

install_packages() {
	mkdir -p "$root/packages"
	cp "$packages"/*.deb "$root/packages"
	rm -f "$root"/packages/*-dbgsym_*
	inside sh -c 'dpkg -i /packages/*.deb' >"$ES_TEST_DIR/dpkg.log" 2>&1 || {
		cat "$ES_TEST_DIR/dpkg.log"
		exit 1
	}
	rm -r "$root/packages"
}
