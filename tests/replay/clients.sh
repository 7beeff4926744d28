#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Unmodified clients against a capture, without root: what eslogger prints is what the capture says, twice the same; a client
# that denies is waited for, and the report says where it differs; mutes and subscriptions count; deadlines do.
. "$(dirname "$0")/common.sh"

replay() { local wanted=$1; shift; run "$wanted" "$escap" replay "$@"; }

notify=exec,fork,exit,open,rename

# What comes in between: nothing.
run 0 "$escap" cut --events "$notify" -o notify.escap "$sample"
run 0 "$escap" print notify.escap
cp out printed
[ "$(wc -l <printed)" = 13 ] || fail "13 NOTIFY messages"
for how in "max" "20"; do
	replay 0 --speed $how "$sample" -- "$build/tools/eslogger" ${notify//,/ }
	cmp -s out printed || fail "eslogger prints what the capture says, at speed $how"
	replay 0 --speed $how notify.escap -- "$build/tools/eslogger" ${notify//,/ }
	cmp -s out printed || fail "and the same from a capture of these events only, at speed $how"
done
says err "13 records, 13 delivered, 0 wanted by nobody"

# A part of the types: numbers are without a gap; what wasn't recorded never happens.
replay 0 "$sample" -- "$build/tools/eslogger" open unlink
[ "$(grep -c '"global_seq_num":[0-5],' out)" = 6 ] || fail "six opens, numbered from 0 to 5"
says err "NOTIFY_UNLINK, .*: the capture was made without it"

# Muted by target, as the kernel's programs do it.
replay 0 "$sample" -- "$client" mute /etc/passwd
says out "^messages 4 asked 0 disorder 0"
replay 0 "$sample" -- "$client" mute /home/user/notes.txt
says out "^messages 5 asked 0 disorder 0"

# Answers: late ones, from another thread; of two clients each is asked, and one denial denies.
replay 0 --report report "$sample" -- "$client" late
says out "^messages 6 asked 6 disorder 0"
says err "6 asked: 6 allowed, 0 denied, 0 without an answer; 0 deadlines missed"
says err "auth_open of /etc/shadow: allow, recorded: deny"
says err "1 answers differ"
[ "$(wc -l <report)" = 6 ] || fail "the report has a line for each answer"
python3 - <<'PYTHON' || fail "the report is JSON, and says how long each took"
import json
lines = [json.loads(line) for line in open("report")]
assert all(30e6 <= line["took_ns"] < 10e9 for line in lines), lines
assert [line["answer"] for line in lines] == ["allow"] * 6
assert [line["recorded"] for line in lines].count("deny") == 1
assert lines[1]["path"] == "/etc/shadow" and lines[1]["event"] == "auth_open" and not lines[1]["missed"]
PYTHON
replay 0 "$sample" -- "$client" twice
says out "^messages 12 asked 12 disorder 0"
says err "6 asked: 0 allowed, 6 denied"

# An answer that differs is an error if that is wanted; one's own answers, kept, don't differ.
replay 3 --expect-same --save mine.escap "$sample" -- "$client" late
replay 0 --save mine.escap "$sample" -- "$client" late
replay 0 --expect-same mine.escap -- "$client" late
says err "0 answers differ"
replay 3 --expect-same --quiet mine.escap -- "$client" twice

# No answer: the deadline kills, and is told.
replay 137 --deadline-ms 200 "$sample" -- "$client" hang
says err "missed the deadline of AUTH_OPEN of /etc/hosts"
says err "1 without an answer"

replay 137 --deadline-ms 200 "$sample" -- "$client" stop
says err "missed the deadline of AUTH_OPEN of /etc/shadow"

# Who deletes its client in the middle, or unsubscribes, lets go what it was asked, and gets no more; who comes back gets the rest,
# but for what was in its ring.
for mode in delete quiet; do
	replay 0 "$sample" -- "$client" $mode
	says out "^messages [2-6] asked"
	says err "21 records, [2-6] delivered, 1[5-9] wanted by nobody"
done
replay 0 "$sample" -- "$client" again
says out "^messages [2-6] asked"
says err "6 asked: 6 allowed, 0 denied, 0 without an answer"

# The client's end, whatever it is, is the end.
replay 5 "$sample" -- "$client" exit
says err "it ended before the capture"
replay 7 "$sample" -- sh -c 'exit 7'
says err "never subscribed"
replay 127 "$sample" -- "$dir/nothing"
replay 0 --at-end int "$sample" -- "$build/tools/eslogger" open
[ "$(wc -l <out)" = 6 ] || fail "six opens until SIGINT"
replay 69 --at-end close "$sample" -- "$build/tools/eslogger" open
says err "has gone"
[ -x "$build/examples/deny" ] && {
	replay 0 "$sample" -- "$build/examples/deny" /usr/bin/ed /etc/passwd
	printf '%s\n' "denied: pid 1202 may not execute /usr/bin/ed" "denied: pid 1202 may not write to /etc/passwd" >wanted
	cmp -s out wanted || fail "examples/deny says what it denies"
	cp out before
	replay 0 "$sample" -- "$build/examples/deny" /usr/bin/ed /etc/passwd
	cmp -s out before || fail "twice the same"
}

# examples/protect answers, and ends when it is told to, while its output's reader stands still, and after that has gone.
# (Its descriptor keeps a reader only until it is closed; a pipe takes no more once a write of 64 KiB has filled it.)
protects() {	# WHERE
	timeout -k 5 30 "$escap" replay "$sample" -- "$build/examples/protect" /etc >&4 2>err </dev/null || fail "protect ends, $1"
	says err "4 asked: 3 allowed, 1 denied, 0 without an answer"
}
[ -x "$build/examples/protect" ] && {
	replay 0 "$sample" -- "$build/examples/protect" /etc
	says out "denied: AUTH_OPEN by pid 1202, user 1000, /usr/bin/ed: /etc/passwd$"
	mkfifo pipe
	exec 3<>pipe 4>pipe
	head -c 65536 /dev/zero >&4
	protects "with a full pipe"
	exec 3<&-
	protects "with a closed pipe"
	exec 4>&-
}

# The largest exec that the kernel allows: as large as it is recorded, it is cut, merged and delivered.
"$build/examples/sample-capture" large.escap large 6200000 || fail "sample-capture makes a large exec"
run 0 "$escap" cut --events exec -o exec.escap large.escap
run 0 "$escap" merge -o both.escap large.escap exec.escap
replay 0 both.escap -- "$build/tools/eslogger" exec open
[ "$(wc -l <out)" = 4 ] && [ "$(wc -c <out)" -gt 12400000 ] || fail "two large execs and two opens"

# Many, through a ring that is smaller by far: all, in order, in little memory.
"$build/examples/sample-capture" many.escap 200000 || fail "sample-capture makes 200000"
little="ulimit -v 200000;"		# sanitizers reserve more than there is
bash -c "$little exec '$escap' --version" >/dev/null 2>&1 || little=
run 0 bash -c "$little exec '$escap' replay many.escap -- '$client' count"
says out "^messages 200000 asked 0 disorder 0"

ls -d "$TMPDIR"/escap-?????? 2>/dev/null && fail "no folder is left behind"
exit $failed
