#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A daemon that can't work says so in one line, with what to do, and exits with 1: in a pid namespace, without the kernel's
# type information, without capabilities, as the user nobody, if another daemon listens. In a mount namespace it works.
set -u

build=$1
dir=${ES_TEST_DIR:-$PWD}
program=$build/daemon/endpointsecurityd
failed=0

[ "$(id -u)" = 0 ] || { echo "skip: root"; exit 77; }
[ "$(readlink /proc/self/ns/pid)" = "pid:[4026531836]" ] || { echo "skip: the initial pid namespace"; exit 77; }

# Its one line has this text, and it prints no other.
refuses() {	# WHAT TEXT COMMAND...
	local what=$1 text=$2 status=0
	shift 2
	timeout -k 5 "$((20 * ${ES_TEST_SLOW:-1}))" "$@" >"$dir/log" 2>&1 || status=$?
	[ "$status" = 1 ] || { echo "$what: exit status $status"; failed=1; }
	[ "$(wc -l <"$dir/log")" = 1 ] && grep -q -- "$text" "$dir/log" || {
		echo "$what: it doesn't say '$text' in one line but:"
		cat "$dir/log"
		failed=1
	}
}

refuses "a pid namespace" "machine's own pid namespace" unshare --pid --fork --mount-proc "$program" --socket "$dir/a"
refuses "no BTF" "kernel's type information can't be read" unshare --mount --propagation private sh -c \
	'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh "$program" --socket "$dir/a"

refuses "no capabilities" "CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN" setpriv --bounding-set=-bpf,-sys_admin,-perfmon \
	"$program" --socket "$dir/a"
refuses "nobody" "must run as root" setpriv --reuid 65534 --clear-groups "$program" --socket "$dir/a"

# One that works, in a mount namespace of its own; and a second one beside it.
unshare --mount --propagation private "$program" --socket "$dir/b" >"$dir/b.log" 2>&1 &
daemon=$!
trap 'kill -KILL "$daemon" 2>/dev/null' EXIT
for _ in $(seq $((2000 * ${ES_TEST_SLOW:-1}))); do
	[ ! -S "$dir/b" ] || break
	sleep 0.01
done
ENDPOINTSECURITY_SOCKET=$dir/b "$build/tools/esctl" capabilities exec | grep -qE '^exec +delivers' || {
	echo "in a mount namespace:"
	cat "$dir/b.log"
	failed=1
}
refuses "a second daemon" "another daemon is running" "$program" --socket "$dir/b"
kill "$daemon"
wait "$daemon" || { echo "the daemon in a mount namespace ended with $?"; failed=1; }
exit "$failed"
