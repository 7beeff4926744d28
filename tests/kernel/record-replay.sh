#!/bin/bash
# SPDX-License-Identifier: MIT
#
# When a recording is replayed, without root, clients print what they printed live: eslogger byte for byte, except the last
# digits of times that each client computes by itself; examples/deny except the pids, since it is another run.
set -u

build=$1
if [ "${2:-}" != inside ]; then
	[ "$(id -u)" = 0 ] || { echo "skip: root"; exit 77; }
	[ -x "$build/examples/deny" ] || { echo "skip: blocks (clang and libblocksruntime-dev)"; exit 77; }
	[ -n "${ES_TEST_CGROUP:-}" ] || { echo "skip: a cgroup of its own"; exit 77; }
	exec timeout -k 5 "$((60 * ${ES_TEST_SLOW:-1}))" unshare --mount --propagation private "$0" "$build" inside
fi

dir=${ES_TEST_DIR:-$PWD}
mnt=$dir/mnt
inner=$ES_TEST_CGROUP/inner
export ENDPOINTSECURITY_SOCKET=$dir/control
started=() failed=0
notify=(exec fork exit open rename unlink)

end() {
	for pid in "${started[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	umount -l "$mnt" 2>/dev/null
	rmdir "$inner" 2>/dev/null
}
trap end EXIT

fail() { echo "not so: $*"; failed=1; }

await() {	# COMMAND...
	for _ in $(seq $((500 * ${ES_TEST_SLOW:-1}))); do
		"$@" && return
		sleep 0.01
	done
	echo "timed out: $*"
	cat "$dir"/*.err
	exit 1
}

stop() {	# SIGNAL PID
	kill -"$1" "$2"
	wait "$2" || fail "pid $2 ends well, not with $?"
}

# clients EVENT N: are N clients subscribed to EVENT?
clients() { [ "$("$build/tools/esctl" clients 2>/dev/null | grep -c "$1")" = "$2" ]; }

# Runs in the daemon's cgroup, where no other process is.
script() {
	bash -c 'echo $$ >"$1/cgroup.procs"; cd "$2"
		 ./other; ./program; cat plain >/dev/null; cat file >/dev/null; (echo more >>file); mv plain moved; rm moved
		 exit 5' bash "$inner" "$mnt" 2>/dev/null
	[ $? = 5 ] || fail "the script ends with 5"
	echo content >"$mnt/plain"
}

mkdir -p "$mnt" "$inner" && mount -t tmpfs es-test "$mnt" || exit 1
cp "$build/tests/harness/tiny" "$mnt/program" && cp "$build/tests/harness/tiny" "$mnt/other" || exit 1
echo content >"$mnt/file"
echo content >"$mnt/plain"

"$build/daemon/endpointsecurityd" --identity no --socket "$ENDPOINTSECURITY_SOCKET" --scope-mount "$mnt" --scope-cgroup "$inner" \
	2>"$dir/daemon.err" &
daemon=$!
started+=("$daemon")
await test -S "$ENDPOINTSECURITY_SOCKET"

# Live, and recorded.
setsid "$build/tools/eslogger" "${notify[@]}" >"$dir/live.json" 2>"$dir/eslogger.err" &
logger=$!
"$build/tools/escap" record -o "$dir/live.escap" auth_exec auth_open "${notify[@]}" 2>"$dir/record.err" &
recorder=$!
started+=("$logger" "$recorder")
await clients NOTIFY_EXEC 2
script
stop INT "$logger"
stop TERM "$recorder"
[ "$(wc -l <"$dir/live.json")" -gt 20 ] || fail "eslogger has seen the script: $(wc -l <"$dir/live.json") lines"

# A client that denies, live.
"$build/examples/deny" "$mnt/program" "$mnt/file" >>"$dir/deny.live" 2>"$dir/deny.err" &
deny=$!
started+=("$deny")
ready() { ! bash -c 'echo $$ >"$1/cgroup.procs"; : >>"$2/file"' bash "$inner" "$mnt" 2>/dev/null; }
await ready
: >"$dir/deny.live"
script
stop TERM "$deny"
[ "$(wc -l <"$dir/deny.live")" = 2 ] || fail "two denials live"
stop TERM "$daemon"

# Again, as nobody.
chmod 644 "$dir/live.escap"
exec 3<"$dir/live.escap"		# whose folder nobody may look into
replay() { setpriv --reuid=65534 --regid=65534 --clear-groups "$build/tools/escap" replay /dev/fd/3 -- "$@"; }
replay "$build/tools/eslogger" "${notify[@]}" >"$dir/replayed.json" 2>"$dir/replay.err" || fail "eslogger is replayed"
replay "$build/tools/eslogger" "${notify[@]}" >"$dir/again.json" 2>>"$dir/replay.err" || fail "and again"
cmp "$dir/replayed.json" "$dir/again.json" || fail "a replay is as the one before"
plain() { sed -E 's/("(start_)?time":"[^"]*\.[0-9]{3})[0-9]*Z"/\1"/g' "$1"; }
plain "$dir/live.json" >"$dir/live.plain"
plain "$dir/replayed.json" >"$dir/replayed.plain"
cmp "$dir/live.plain" "$dir/replayed.plain" || fail "eslogger prints the same, live and replayed"
replay "$build/examples/deny" "$mnt/program" "$mnt/file" >"$dir/deny.replayed" 2>"$dir/deny.err" || fail "deny is replayed"
sed -i 's/pid [0-9]*/pid/' "$dir/deny.live" "$dir/deny.replayed"
cmp "$dir/deny.live" "$dir/deny.replayed" || fail "deny prints the same, live and replayed"
grep -q "2 denied" "$dir/deny.err" && grep -q "^escap: 2 answers differ" "$dir/deny.err" || fail "the report counts them"
[ $failed = 0 ] || cat "$dir"/*.err "$dir/deny.live" "$dir/deny.replayed"
exit $failed
