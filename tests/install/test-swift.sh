#!/bin/bash
# SPDX-License-Identifier: MIT
#
#	tests/install/test-swift.sh BUILD
#
# A client in Swift, as for macOS, is built in a Debian 13 with what make install put there, sees what is executed, and ends
# when it is told to. The Debian is an overlay over what tests/vm/fetch-root made, with Debian's Swift (450 MB).
set -u

here=$(dirname "$(readlink -f "$0")")
tree=$(dirname "$(dirname "$here")")
build=$(readlink -f "$1")
work=${ES_TEST_DIR:?}
root=$work/root
slow=${ES_TEST_SLOW:-1}

skip() { echo "skip: $*"; exit 77; }
fail() { echo "test-swift: $*"; exit 1; }

if [ "${ES_INSTALL_INSIDE:-}" != "$$" ]; then
	[ "$(id -u)" = 0 ] || skip "root"
	base=$("$here/../vm/fetch-root" 13) || skip "a Debian 13: tests/vm/fetch-root says why"
	export ES_INSTALL_INSIDE=$$ ES_INSTALL_BASE=$base
	exec unshare --mount --propagation private "$0" "$build"
fi

mkdir -p "$root" "$work/upper" "$work/work"
mount -t overlay -o "lowerdir=$ES_INSTALL_BASE,upperdir=$work/upper,workdir=$work/work" overlay "$root" || skip "overlayfs on $work"
for folder in proc sys dev; do
	mount --rbind "/$folder" "$root/$folder"
done

inside=(env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
	ENDPOINTSECURITY_SOCKET=/client/control chroot "$root")

cache=$("$here/../vm/cache")
# shellcheck source=/dev/null
. "$here/../vm/apt.sh"
mkdir -p "$cache/swift" "$root/swift"
own_update trixie trixie trixie-security
own_apt apt-get -y -o Dir::State::status="$root/var/lib/dpkg/status" -o Dir::Cache::archives="$cache/swift" \
	--no-install-recommends --download-only install swiftlang >&2 || skip "Debian 13's swiftlang from apt's mirror"
own_done
mount --bind "$cache/swift" "$root/swift"
"${inside[@]}" sh -c 'dpkg -i /swift/*.deb' >"$work/dpkg.log" 2>&1 || { cat "$work/dpkg.log"; exit 1; }

DESTDIR=$root meson install -C "$build" --no-rebuild --quiet || fail "it can't be installed"
"${inside[@]}" ldconfig 2>/dev/null	# it complains of libbsm.so, which is a text for the linker
mkdir "$root/client"
cp "$tree/examples/languages/client.swift" "$root/client"
"${inside[@]}" sh -ec 'cd /client
	swiftc -warnings-as-errors -Xcc -fblocks $(pkg-config --cflags --libs-only-L EndpointSecurity) client.swift -o watch' || fail "client.swift can't be built"

await() {	# SECONDS COMMAND...
	local tries=$(($1 * 10 * slow))
	shift
	until "$@"; do
		[ $((tries--)) -gt 0 ] || return 1
		sleep 0.1
	done
}

"${inside[@]}" endpointsecurityd --socket /client/control --identity no >"$work/daemon.log" 2>&1 &
daemon=$!
watch=
trap 'kill $daemon $watch 2>/dev/null; wait' EXIT
await 20 test -S "$root/client/control" || fail "the daemon doesn't listen: $(cat "$work/daemon.log")"
mkfifo "$work/input"
"${inside[@]}" /client/watch <"$work/input" >"$work/watched" 2>&1 &
watch=$!
exec 5>"$work/input"
await 20 grep -qx ready "$work/watched" || fail "the client doesn't start: $(cat "$work/watched")"
cp "$root/usr/bin/true" "$root/client/some program"
"${inside[@]}" "/client/some program"
await 10 grep -q "^exec .*/client/some program$" "$work/watched" ||
	fail "the client wasn't told of an exec: $(tail -n 20 "$work/watched")"
exec 5>&-
wait "$watch" || fail "the client ended with $?: $(tail -n 20 "$work/watched")"
watch=
kill "$daemon"
wait "$daemon" || fail "the daemon ended with $?"
