#!/bin/bash
# SPDX-License-Identifier: MIT
#
# This kernel accepts every kernel program that a daemon can use here, with both sensors. And if BPF LSM works, each type
# that Linux has a hook for can be held. So this test finds a kernel whose structures or hooks have moved. If a kernel may
# refuse a program one day, say here which, and why.
#
# There is no client, so no task is held.
set -u

build=$1
dir=${ES_TEST_DIR:-$PWD}
export ENDPOINTSECURITY_SOCKET=$dir/control
held=38 daemon= failed=0

end() { [ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null; }
trap end EXIT

await() {	# COMMAND...
	for _ in $(seq $((3000 * ${ES_TEST_SLOW:-1}))); do
		"$@" && return
		kill -0 "$daemon" 2>/dev/null || break
		sleep 0.01
	done
	echo "timed out: $*"
	cat "$log"
	exit 1
}

# Asked for capabilities, a daemon loads whatever it may ever use.
load() {	# NAME [OPTION...]: says what in $dir/NAME.log and $dir/NAME.can
	log=$dir/$1.log can=$dir/$1.can
	shift
	"$build/daemon/endpointsecurityd" --socket "$ENDPOINTSECURITY_SOCKET" "$@" >"$log" 2>&1 &
	daemon=$!
	await test -S "$ENDPOINTSECURITY_SOCKET"
	"$build/tools/esctl" capabilities >"$can" || { echo "esctl capabilities: $?"; failed=1; }
	kill "$daemon"
	wait "$daemon" || { echo "the daemon ended with $?"; failed=1; }
	daemon=
	head -n 2 "$can"
	! grep -E 'the kernel refuses|without the program' "$log" "$can" || { cat "$log"; failed=1; }
}

[ "$(id -u)" = 0 ] || { echo "skip: root"; exit 77; }
load chosen
if grep -q '^sensor.*lsm' "$can"; then
	[ "$(grep -c ' holds ' "$can")" = "$held" ] || { echo "held are not $held types but:"; cat "$can"; failed=1; }
	load tracepoint --sensor tracepoint
fi
exit "$failed"
