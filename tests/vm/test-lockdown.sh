#!/bin/sh
# SPDX-License-Identifier: MIT
#
#	tests/vm/test-lockdown.sh BUILD [KERNEL]
#
# A kernel that is locked down for integrity is looked at as any other; for confidentiality the daemon says so in one line,
# and what to do, and nothing that the verifier says. A guest of its own, since there is no way back.
set -u

here=$(dirname "$(readlink -f "$0")")
kernel=${2:-6.12}

for program in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static; do
	command -v "${program%:*}" >/dev/null || { echo "skip: ${program#*:}"; exit 77; }
done
"$here/fetch-kernel" "$kernel" >/dev/null || { echo "skip: a kernel $kernel from apt's mirror"; exit 77; }
exec "$here/run" --kernel "$kernel" --timeout "$((100 * ${ES_TEST_SLOW:-1}))" -- sh -eu -c '
	export ENDPOINTSECURITY_SOCKET=/run/control
	lockdown=/sys/kernel/security/lockdown
	echo integrity >$lockdown
	"$1/tools/esctl" capabilities exec | grep -E "^exec +delivers +holds" || { echo "integrity: exec is not held"; exit 1; }
	echo confidentiality >$lockdown
	if "$1/daemon/endpointsecurityd" >/run/log 2>&1; then
		echo "confidentiality: the daemon runs"
		exit 1
	fi
	[ "$(wc -l </run/log)" = 1 ] && grep "locked down for confidentiality.*lockdown=integrity" /run/log || {
		echo "confidentiality: the daemon says:"
		cat /run/log
		exit 1
	}
' sh "$1"
