#!/bin/bash
# SPDX-License-Identifier: MIT
#
#	tests/install/test-debian-13.sh BUILD [PATTERN...]
#
# The tree is built in a Debian 13, with that one's compilers, and its unit tests pass there. Left out are those that start
# servers and wait for minutes, all compilers but gcc and the strictest for each header, and what builds or tries for a
# minute and has nothing of the Debian in it. The Debian is an overlay over what tests/vm/fetch-root made. It stays in
# BUILD/debian-13, so that the next time less is to be built.
set -u

here=$(dirname "$(readlink -f "$0")")
tree=$(dirname "$(dirname "$here")")
build=$(readlink -f "$1")
shift
. "$here/chroot.sh"
work=$build/debian-13
root=$work/root

skip() { echo "skip: $*"; exit 77; }

if [ "${ES_INSTALL_INSIDE:-}" != "$$" ]; then
	[ "$(id -u)" = 0 ] || skip "root"
	base=$("$here/../vm/fetch-root" 13) || skip "a Debian 13: tests/vm/fetch-root says why"
	export ES_INSTALL_INSIDE=$$ ES_INSTALL_BASE=$base
	exec unshare --mount --propagation private "$0" "$build" "$@"
fi

# An overlay is of one base. What wasn't finished is begun anew.
[ "$(cat "$work/base" 2>/dev/null)" = "$ES_INSTALL_BASE" ] || rm -rf --one-file-system "$work"
mkdir -p "$root" "$work/upper" "$work/work"
echo "$ES_INSTALL_BASE" >"$work/base"
mount -t overlay -o "lowerdir=$ES_INSTALL_BASE,upperdir=$work/upper,workdir=$work/work" overlay "$root" ||
	skip "overlayfs on $work"
mount_system "$root"

inside() {	# COMMAND...: in the copy of the tree, as after a login there
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 chroot "$root" \
		sh -c 'cd /srv/tree && exec "$@"' sh "$@"
}

# What is in the tree and isn't ignored; what has gone from it goes from the copy.
files() {
	git -C "$tree" ls-files -co --exclude-standard 2>/dev/null ||
		(cd "$tree" && find . -name build -prune -o -type f -printf '%P\n')
}
copy=$root/srv/tree
mkdir -p "$copy"
files | sort | while IFS= read -r file; do [ ! -e "$tree/$file" ] || echo "$file"; done >"$work/files"
(cd "$copy" && find . -path ./build -prune -o -type f -printf '%P\n' | sort | comm -13 "$work/files" - | xargs -rd '\n' rm -f)
(cd "$tree" && xargs -d '\n' cp -u --preserve=mode,timestamps --parents -t "$copy" <"$work/files")

inside make build || { echo "it can't be built in Debian 13"; exit 1; }
inside tests/harness/run build/gcc --unit '!install/*' '!api/*can-fail*' '!api/* clang' '!api/* clang blocks' \
	'!api/* clang++' '!api/* g++' '!unit/compat-headers*' '!ship/*' '!unit/new-event' \
	'!unit/daemon-control-noise' '!unit/model' "$@"
