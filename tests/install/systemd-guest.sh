#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What test-systemd.sh runs in the guest, under systemd: the units as they are installed. Says what isn't so, and ends
# with 1 then.
set -u

daemon=endpointsecurityd.service
client=endpointsecurity-client@usr-local-sbin-guard.service
failed=0

fault() { echo "$*"; failed=1; }
is() { [ "$2" = "$3" ] || fault "$1 is '$3', not '$2'"; }	# WHAT EXPECTED ACTUAL
has() { grep -qE "$2" <<<"$3" || fault "$1 has no line that fits '$2': $3"; }	# WHAT PATTERN TEXT
value() { systemctl show --value -P "$2" "$1"; }	# UNIT PROPERTY
active() { [ "$(value "$1" ActiveState)" = active ]; }
before() {	# UNIT UNIT: has the first been up before the second's program began?
	local up begun
	up=$(value "$1" ActiveEnterTimestampMonotonic)
	begun=$(value "$2" ExecMainStartTimestampMonotonic)
	[ "$up" -gt 0 ] && [ "$begun" -gt "$up" ] || fault "$1 was up at $up, and $2 began at $begun"
}

await() {	# SECONDS WHAT COMMAND...
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || { fault "timed out: $what"; return 1; }
		sleep 0.2
	done
}

# A new process of the unit is up.
renewed() { [ "$(value "$1" MainPID)" != "$2" ] && active "$1"; }	# UNIT OLD-PID

guarded() {	# WHEN: does the client say no, and only where it should?
	touch /etc/guarded /etc/other
	rm -f /etc/guarded 2>/dev/null && fault "$1: the guarded file could be removed"
	rm -f /etc/other || fault "$1: another file could not be removed"
}

check_order() {
	active "$daemon" || fault "the daemon isn't up: $(systemctl status "$daemon")"
	active "$client" || fault "the client isn't up: $(systemctl status "$client")"
	before "$daemon" "$client"
	before "$client" ordinary.service
	is "restarts of the daemon" 0 "$(value "$daemon" NRestarts)"
	is "failed units" "" "$(systemctl list-units --failed --no-legend --plain | grep -E 'endpointsecurity|ordinary')"
}

# SYS_ADMIN 21, BPF 39, PERFMON 38, SYS_PTRACE 19, DAC_READ_SEARCH 2, KILL 5.
capabilities() { printf '%016x' $((1 << 21 | 1 << 39 | 1 << 38 | 1 << 19 | 1 << 2 | 1 << 5)); }

# What the hardening may not do (see the unit), and what it does.
check_confinement() {
	local pid space
	pid=$(value "$daemon" MainPID)
	for space in mnt user pid net; do
		is "the daemon's $space namespace" "$(readlink /proc/1/ns/$space)" "$(readlink "/proc/$pid/ns/$space")"
	done
	is NoNewPrivs 1 "$(sed -n 's/^NoNewPrivs:\t//p' "/proc/$pid/status")"
	is Seccomp 2 "$(sed -n 's/^Seccomp:\t//p' "/proc/$pid/status")"
	is "the set of capabilities" "$(capabilities)" "$(sed -n 's/^CapBnd:\t//p' "/proc/$pid/status")"
}

check_journal() {
	local text
	text=$(journalctl -o short -u "$daemon")
	has "the daemon's journal" 'endpointsecurityd\[[0-9]+\]: listening at /run/endpointsecurity/control; looking at ' "$text"
	! grep -E ': <[0-9]>|[^[:print:][:space:]]' <<<"$text" || fault "the daemon's journal has the unreadable lines above"
	text=$(journalctl -o short -u "$client")
	has "the client's journal" 'guard\[[0-9]+\]: guarding /etc/guarded' "$text"
	has "the client's journal" 'guard\[[0-9]+\]: started: /usr/local/bin/ordinary' "$text"
}

# With its keeper. Somebody who comes while there is no daemon waits for the one that is coming, and starts none.
check_daemon_killed() {
	local pid client_pid out
	pid=$(value "$daemon" MainPID)
	client_pid=$(value "$client" MainPID)
	kill -KILL "$pid"
	timeout 100 esctl status >/run/status 2>&1 || fault "esctl, called while the daemon was away, says $(cat /run/status)"
	await 100 "a new daemon" renewed "$daemon" "$pid"
	await 100 "the client's restart with the daemon" renewed "$client" "$client_pid"
	is "the number of daemons" 1 "$(daemons)"
	guarded "after the daemon's death"
}

# By executable: es-warden and es-gate have names of their own.
daemons() {
	local count=0 comm
	for comm in /proc/[0-9]*/comm; do
		[ "$(cat "$comm" 2>/dev/null)" != endpointsecurit ] || count=$((count + 1))
	done
	echo "$count"
}

# The keeper is the main process, and the daemon its child.
the_daemon() { grep -lsx endpointsecurit /proc/[0-9]*/comm | sed 's,/proc/\(.*\)/comm,\1,'; }
another() { local now; now=$(the_daemon) && [ -n "$now" ] && [ "$now" != "$1" ] && timeout 100 esctl status >/dev/null 2>&1; }	# THAN-PID

# The daemon dies, and is replaced as by an upgrade: the client is the same, and says no all the time.
check_daemon_goes_on() {
	local how pid client_pid removed=/run/removed prober
	client_pid=$(value "$client" MainPID)
	touch /etc/guarded
	(while [ ! -e /run/enough ]; do rm -f /etc/guarded 2>/dev/null && echo yes >>$removed; sleep 0.02; done) &
	prober=$!
	for how in KILL USR2; do
		pid=$(the_daemon)
		if [ $how = KILL ]; then kill -KILL "$pid"; else kill -USR2 "$(value "$daemon" MainPID)"; fi
		await 100 "another daemon after $how" another "$pid"
	done
	touch /run/enough
	wait $prober
	[ ! -e $removed ] || fault "the guarded file could be removed $(wc -l <$removed) times while the daemon was away"
	is "the client" "$client_pid" "$(value "$client" MainPID)"
	is "restarts of the daemon's service" 0 "$(value "$daemon" NRestarts)"
	guarded "after the daemon's replacement"
}

check_client_killed() {
	local pid
	pid=$(value "$client" MainPID)
	kill -KILL "$pid"
	await 100 "a new client" renewed "$client" "$pid"
	guarded "after the client's death"
	is "restarts of the daemon" 1 "$(value "$daemon" NRestarts)"
}

# A mount of the daemon's own would not be the one that it is to mark.
check_scope_mount() {
	mkdir -p /mnt/scope "/run/systemd/system/$daemon.d"
	mount -t tmpfs scope /mnt/scope
	cp /bin/true /mnt/scope/program
	printf '[Service]\nExecStart=\nExecStart=/usr/sbin/endpointsecurityd --sensor tracepoint --scope-mount /mnt/scope\n' \
		>"/run/systemd/system/$daemon.d/scope.conf"
	systemctl stop "$client"
	systemctl daemon-reload
	systemctl restart "$daemon"
	/usr/local/sbin/deny /mnt/scope/program /mnt/scope/file >/run/deny 2>&1 &
	await 60 "the denial on the daemon's mount" sh -c '! /mnt/scope/program 2>/dev/null'
	/bin/true || fault "a program elsewhere was denied"
	kill %%
	wait
}

check_stop() {
	systemctl stop endpointsecurityd.socket
	for unit in "$daemon" "$client" endpointsecurityd.socket; do
		is "$unit after the stop" inactive "$(value "$unit" ActiveState)"
	done
	[ ! -e /run/endpointsecurity/control ] || fault "the socket is left behind"
	await 10 "the end of all daemons" sh -c '! grep -qsE "^(endpointsecurit|es-)" /proc/[0-9]*/comm'
}

step() {
	local start=$SECONDS
	"$@"
	echo "$* ($((SECONDS - start)) s)"
}

# Not is-system-running --wait: there is no D-Bus here.
if ! await 240 "the boot" active multi-user.target; then
	systemctl list-jobs
	systemctl status --no-pager "$daemon" "$client" ordinary.service
	journalctl -b --no-pager | tail -n 80
	exit 1
fi
await 60 "the ordinary service" active ordinary.service
step check_order
step check_confinement
step guarded "after boot"
step check_journal
step check_daemon_goes_on
step check_daemon_killed
step check_client_killed
step check_scope_mount
step check_stop
[ "$failed" = 0 ] || journalctl -b -u 'endpointsecurity*' --no-pager | tail -n 60
exit "$failed"
