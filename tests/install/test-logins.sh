#!/bin/bash
# SPDX-License-Identifier: MIT
#
#	tests/install/test-logins.sh BUILD [12|13 [KERNEL [auditd|unheard|absent [ACT]]]]
#
# People log in by ssh and at a console, use su and sudo, change accounts and launch items, and lock a screen, in a guest where
# that Debian's systemd boots: clients get what docs/user-events.md and its kin say. logins-guest.py is what runs there, and
# has the acts. With auditd; with auditing that nobody listens to; and where the kernel has none (audit=0).
set -u

here=$(dirname "$(readlink -f "$0")")
build=$(readlink -f "$1")
release=${2:-12} kernel=${3:-6.12} auditing=${4:-auditd}

skip() { echo "skip: $*"; exit 77; }

[ "$(id -u)" = 0 ] || skip "root"
for program in debootstrap qemu-system-x86_64; do
	command -v "$program" >/dev/null || skip "$program (scripts/debian-packages)"
done
"$here/../vm/fetch-kernel" "$kernel" >/dev/null || skip "a kernel $kernel from apt's mirror"
root=$("$here/../vm/fetch-root" "$release" logins) || skip "a Debian root: tests/vm/fetch-root says why"
append=
[ "$auditing" != absent ] || append=audit=0

exec "$here/../vm/run" --kernel "$kernel" --root "$root" --systemd --append "$append" --timeout "${ES_TEST_GUEST_SECONDS:-900}" -- \
	env ES_LOGINS_SHOW="${ES_LOGINS_SHOW:-}" python3 tests/install/logins-guest.py "$build" "$auditing" "${@:5}"
