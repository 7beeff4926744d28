#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Captures as files: info, cut and merge; what is cut off, damaged, of another version or byte order, or no capture at all, is
# refused or read as far as it goes, and it is said why.
. "$(dirname "$0")/common.sh"

# at OFFSET HEX: into bad.escap, a copy of the sample
at() { cp "$sample" bad.escap; chmod u+w bad.escap; printf "$2" | dd of=bad.escap bs=1 seek="$1" conv=notrunc status=none; }

run 0 "$escap" info "$sample"
says out "^records=21"
says out "^whole=yes"
says out "^indexed=yes"
says out "7 allow, 1 deny"
says out " 6 auth_open"

# Parts, with the answers to what is in them.
run 0 "$escap" cut --events auth_open --pid 1201 -o part "$sample"
run 0 "$escap" info part
says out "^records=3"
says out "2 allow, 1 deny"
says out "^types=AUTH_OPEN$"
run 0 "$escap" cut --from 0.1 --to 0.15 -o part "$sample"
run 0 "$escap" info part
says out "^records=6"
run 0 "$escap" cut --to 0.095 -o first "$sample"
run 0 "$escap" cut --from 0.096 -o second "$sample"

# Put together again, they are what they were.
run 0 "$escap" merge -o whole second first
run 0 "$escap" print whole
cp out again
run 0 "$escap" print "$sample"
python3 - <<'PYTHON' || fail "cut in two and merged, it is the same"
import json
def load(name):
    messages = [json.loads(line) for line in open(name)]
    for message in messages:
        message["action"] = message["deadline"] = None
    return messages
assert load("again") == load("out")
PYTHON
run 0 "$escap" merge -o twice "$sample" "$sample"
run 0 "$escap" info twice
says out "^records=42"
says out "14 allow, 2 deny"
run 0 bash -c "'$escap' cut --events open -o - '$sample' >piped"
run 0 "$escap" info piped
says out "^records=6"

# What is wrong with a file is said.
head -c 200 "$sample" >bad.escap
run 65 "$escap" info bad.escap
says err "cut off before its first record"
head -c $(($(stat -c %s "$sample") - 300)) "$sample" >bad.escap
run 0 "$escap" info bad.escap
says out "^whole=no, cut off"
says err "cut off"
at 8 '\x01\x02\x03\x04'
run 65 "$escap" info bad.escap
says err "other byte order"
at 12 '\x09'
run 65 "$escap" replay bad.escap -- "$client" count
says err "version 9, and this program reads version 1"
at $(($(stat -c %s "$sample") / 2)) '\xff\xff\xff\xff\xff\xff\xff\xff'
run 65 "$escap" print bad.escap
says err "damaged"
run 65 "$escap" info /dev/null
run 65 "$escap" info "$dir"
run 65 "$escap" info "$escap"
says err "no capture"
run 65 "$escap" replay "$dir/nothing" -- true
run 64 "$escap" replay "$sample"
run 64 "$escap" cut --events nothing -o x "$sample"
says err "no such event: nothing"
run 64 "$escap" nothing
run 73 "$escap" cut -o "$dir/no/folder" "$sample"
run 74 "$escap" cut -o /dev/full "$sample"
says err "can't be written"
exit $failed
