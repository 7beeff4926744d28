#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What test-systemd.sh runs in the guest, under systemd: the units as they are installed. Says what isn't so, and ends
# with 1 then. Takes the steps to do; all, if none is given.
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

check_booted() { guarded "after boot"; }

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

# Both at once. Somebody who comes while there is no daemon waits for the one that is coming, and starts none. Meanwhile nothing
# is denied, although the client fails closed.
check_all_killed() {
	local pid client_pid
	pid=$(value "$daemon" MainPID)
	client_pid=$(value "$client" MainPID)
	load_begin
	kill -KILL "$pid" "$(the_daemon)"
	timeout 100 esctl status >/run/status 2>&1 || fault "esctl, called while the daemon was away, says $(cat /run/status)"
	await 100 "a new daemon" renewed "$daemon" "$pid"
	await 100 "the client's restart with the daemon" renewed "$client" "$client_pid"
	load_end "killed with its keeper"
	is "the number of daemons" 1 "$(daemons)"
	guarded "after the death of all"
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
the_daemon() {
	local pid main
	main=$(value "$daemon" MainPID)
	for pid in $(cat "/proc/$main/task/$main/children"); do
		! grep -qsx endpointsecurit "/proc/$pid/comm" || echo "$pid"
	done
}
another() { local now; now=$(the_daemon) && [ -n "$now" ] && [ "$now" != "$1" ] && timeout 100 esctl status >/dev/null 2>&1; }	# THAN-PID

# A program that removes, without pause, the guarded file and others.
load_begin() {
	rm -f /run/enough
	hammer /etc/guarded /run /run/enough >/run/load 2>&1 &
	loader=$!
	sleep 1
}

load_end() {	# WHEN
	sleep 1
	touch /run/enough
	wait "$loader" || fault "$1: hammer failed"
	sed "s/^/$1: /" /run/load
	has "$1: what is allowed" '^others: removed [1-9][0-9]*, denied 0, other 0,' "$(cat /run/load)"
}

# Was every operation asked about? The client has said how many it was asked about.
load_all_asked() {	# WHEN
	local denied allowed
	touch /run/how-many
	rm /run/how-many
	journalctl --sync
	denied=$(sed -n 's/^guarded: denied \([0-9]*\), removed 0, other 0,.*/\1/p' /run/load)
	allowed=$(sed -n 's/^others: removed \([0-9]*\),.*/\1/p' /run/load)
	is "$1: what the client was asked" "asked: $denied denied, $allowed allowed" \
		"$(journalctl -o cat -u "$client" | grep '^asked: ' | tail -n 1)"
}

# All by oneself: the client is the same, and was asked about all.
goes_on() {	# WHEN COMMAND...
	local when=$1 pid main client_pid
	shift
	pid=$(the_daemon)
	main=$(value "$daemon" MainPID)
	client_pid=$(value "$client" MainPID)
	touch /run/how-many
	rm /run/how-many
	load_begin
	"$@" "$pid" "$main"
	await 100 "another daemon, $when" another "$pid"
	load_end "$when"
	load_all_asked "$when"
	is "$when: the client" "$client_pid" "$(value "$client" MainPID)"
	is "$when: the daemon's main process" "$main" "$(value "$daemon" MainPID)"
	is "$when: restarts of the daemon's service" 0 "$(value "$daemon" NRestarts)"
}

by_kill() { kill -KILL "$1"; }
by_signal() { kill -USR2 "$2"; }
# The kernel ends it as the one that takes most memory. systemd isn't to stop the service for that.
by_memory() { echo 1000 >"/proc/$1/oom_score_adj"; echo f >/proc/sysrq-trigger; }
upgrade() {	# VERSION
	dpkg -i --auto-deconfigure "/srv/$1"/*.deb >/run/dpkg 2>&1 || fault "dpkg fails: $(cat /run/dpkg)"
	is "the installed version" "$1" "$(dpkg-query -W -f '${Version}' endpointsecurity)"
}
by_upgrade() { upgrade 0.1.1; }
is_installed() { is "$1: the daemon's program" "/usr/sbin/endpointsecurityd" "$(readlink "/proc/$(the_daemon)/exe")"; }

check_daemon_goes_on() {
	goes_on killed by_kill
	goes_on "out of memory" by_memory
	goes_on "SIGUSR2" by_signal
}

check_upgrade() {
	goes_on "upgraded" by_upgrade
	is_installed "upgraded"
	! grep endpointsecurity: /run/dpkg || fault "the upgrade says the above"
}

# With a gap, which is told.
starts_anew() {	# WHEN COMMAND...
	local when=$1 pid client_pid
	shift
	pid=$(value "$daemon" MainPID)
	client_pid=$(value "$client" MainPID)
	load_begin
	"$@"
	await 100 "a new daemon, $when" renewed "$daemon" "$pid"
	await 100 "the client's restart, $when" renewed "$client" "$client_pid"
	load_end "$when"
	is_installed "$when"
	guarded "$when"
}

check_upgrade_anew() {
	starts_anew "other kernel programs" upgrade 0.1.2
	has "the upgrade" '^endpointsecurity: endpointsecurityd.service is started anew.*its kernel programs have changed' "$(cat /run/dpkg)"
}

check_restart() { starts_anew "restarted" systemctl restart "$daemon"; }

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
[ "$#" -gt 0 ] || set -- check_order check_confinement check_booted check_journal check_daemon_goes_on check_upgrade \
	check_upgrade_anew check_restart check_all_killed check_client_killed check_scope_mount check_stop
for step in "$@"; do
	step "$step"
done
[ "$failed" = 0 ] || journalctl -b -u 'endpointsecurity*' --no-pager | tail -n 60
exit "$failed"
