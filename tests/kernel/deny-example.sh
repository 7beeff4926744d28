#!/bin/bash
# SPDX-License-Identifier: MIT
#
# examples/deny does what its head says: the named program does not start (EPERM), the named file can be opened for reading
# and not for writing, and all else goes on. On a tmpfs in a mount namespace of its own, to which the daemon is limited.
set -u

build=$1
if [ "${2:-}" != inside ]; then
	[ "$(id -u)" = 0 ] || { echo "skip: root"; exit 77; }
	[ -x "$build/examples/deny" ] || { echo "skip: blocks (clang and libblocksruntime-dev)"; exit 77; }
	exec timeout -k 5 "$((30 * ${ES_TEST_SLOW:-1}))" unshare --mount --propagation private "$0" "$build" inside
fi

dir=${ES_TEST_DIR:-$PWD}
mnt=$dir/mnt
export ENDPOINTSECURITY_SOCKET=$dir/control
daemon= deny= failed=0

end() {
	[ -z "$deny" ] || kill -KILL "$deny" 2>/dev/null
	[ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null
	wait 2>/dev/null
	umount -l "$mnt" 2>/dev/null
}
trap end EXIT

expect() {	# WHAT EXPECTED-STATUS COMMAND...
	local what=$1 expected=$2 status=0 output
	shift 2
	output=$("$@" 2>&1) || status=$?
	case $status:$output in
	"$expected":*) [ "$expected" = 0 ] || case $output in
		*"Operation not permitted"*) ;;
		*) echo "$what: not EPERM but: $output"; failed=1 ;;
		esac ;;
	*) echo "$what: exit status $status, expected $expected: $output"; failed=1 ;;
	esac
}

await() {	# COMMAND...
	for _ in $(seq $((500 * ${ES_TEST_SLOW:-1}))); do
		"$@" && return
		sleep 0.01
	done
	echo "timed out: $*"
	cat "$dir/daemon.log" "$dir/deny.log"
	exit 1
}

# The example says nothing when it is ready: ready is when the file can't be written.
ready() { ! : 2>/dev/null >>"$mnt/file"; }

mkdir -p "$mnt" && mount -t tmpfs es-test "$mnt" || exit 1
cp "$build/tests/harness/tiny" "$mnt/program" && cp "$build/tests/harness/tiny" "$mnt/other" || exit 1
echo content >"$mnt/file"
echo content >"$mnt/plain"

scope=(--scope-mount "$mnt")
[ -z "${ES_TEST_CGROUP:-}" ] || scope+=(--scope-cgroup "$ES_TEST_CGROUP")
"$build/daemon/endpointsecurityd" --socket "$ENDPOINTSECURITY_SOCKET" "${scope[@]}" 2>"$dir/daemon.log" &
daemon=$!
await test -S "$ENDPOINTSECURITY_SOCKET"
"$build/examples/deny" "$mnt/program" "$mnt/file" >"$dir/deny.log" 2>&1 &
deny=$!
await ready

expect "the named program" 126 bash -c '"$1"' bash "$mnt/program"
expect "another program" 0 "$mnt/other"
expect "a program elsewhere" 0 /bin/true
expect "reading the named file" 0 cat "$mnt/file"
expect "writing to the named file" 1 bash -c 'echo more >>"$1"' bash "$mnt/file"
expect "reading another file" 0 cat "$mnt/plain"
expect "writing to another file" 0 bash -c 'echo more >>"$1"' bash "$mnt/plain"
expect "making a file" 0 bash -c 'echo more >"$1"' bash "$mnt/new"
[ "$(cat "$mnt/file")" = content ] || { echo "the named file has changed"; failed=1; }
grep -q "may not execute $mnt/program" "$dir/deny.log" || { echo "deny says nothing of the program"; failed=1; }
grep -q "may not write to $mnt/file" "$dir/deny.log" || { echo "deny says nothing of the file"; failed=1; }

kill -TERM "$deny"
wait "$deny"
status=$?
deny=
[ "$status" = 0 ] || [ "$status" = 143 ] || { echo "deny ended with $status"; failed=1; }
expect "the program, with nobody denying" 0 "$mnt/program"
kill -TERM "$daemon"
wait "$daemon" || { echo "the daemon ended with $?"; failed=1; }
daemon=
[ $failed = 0 ] || cat "$dir/daemon.log" "$dir/deny.log"
exit $failed
