#!/bin/bash
# SPDX-License-Identifier: MIT
#
#	tests/install/test-abi.sh BUILD
#
# The library's binary interface is the recorded one. Changes are noticed: each is made in a copy of the record.
set -u

abi=$(dirname "$(readlink -f "$0")")/../../scripts/abi-baseline
record=$(dirname "$abi")/../lib/libEndpointSecurity.abi
changed=${ES_TEST_DIR:?}/changed.abi
failed=0

command -v abidiff >/dev/null || { echo "skip: abidiff (abigail-tools)"; exit 77; }

notices() {	# WHAT SAYS SED-SCRIPT
	sed "$3" "$record" >"$changed"
	! cmp -s "$record" "$changed" || { echo "$1: the record has no such line"; failed=1; }
	if "$abi" "$1" "$changed" >"$ES_TEST_DIR/out" 2>&1 || ! grep -q "$2" "$ES_TEST_DIR/out"; then
		echo "not noticed: $3"
		cat "$ES_TEST_DIR/out"
		failed=1
	fi
}

"$abi" "$1" || failed=1
notices "$1" "record it: scripts/abi-baseline --write" "/<elf-symbol name='es_subscribe'/d; /elf-symbol-id='es_subscribe@@/,/<\\/function-decl>/d"
notices "$1" "may not go on working" "s/<elf-symbol name='es_subscribe' version='ES_1.0'/<elf-symbol name='es_gone' version='ES_1.0'/"
notices "$1" "may not go on working" "s/version='ES_1.0'/version='ES_0.9'/"
notices "$1" "may not go on working" "s/soname='libEndpointSecurity.so.1'/soname='libEndpointSecurity.so.0'/"
notices "$1" "may not go on working" "s/<enumerator name='ES_RETURN_ERROR' value='1'/<enumerator name='ES_RETURN_ERROR' value='2'/"
exit "$failed"
