#!/bin/sh
# SPDX-License-Identifier: MIT
#
#	tests/vm/test-guest.sh [KERNEL...]
#
# Checks tests/vm/run itself: with each kernel, output, status and what tests expect of the guest; with the first of them,
# time-out and failure, which are qemu's and the host's.
set -u

here=$(dirname "$(readlink -f "$0")")
root=$(dirname "$(dirname "$here")")
work=$(mktemp -d "${ES_TEST_DIR:-${TMPDIR:-/tmp}}/guest.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
failed=0

fault() { echo "$kernel: $*"; failed=1; }

guest() {	# [OPTION...] -- COMMAND...; into $work/out, $work/err and $status
	"$here/run" --kernel "$kernel" --timeout "$((60 * ${ES_TEST_SLOW:-1}))" "$@" >"$work/out" 2>"$work/err"
	status=$?
}

is() {		# WHAT EXPECTED ACTUAL
	[ "$2" = "$3" ] || fault "$1 is '$3', not '$2'"
}

said() {	# NAME: the guest's answer
	sed -n "s/^$1: //p" "$work/out"
}

# What one boot can tell.
facts='
echo "release: $(uname -r)"
echo "user: $(id -u)"
echo "folder: $(pwd)"
echo "tree: $(cmp tests/vm/test-guest.sh "$1" && echo same)"
echo "writable: $(echo x >tests/vm/from-the-guest && cat tests/vm/from-the-guest)"
echo "btf: $(test -s /sys/kernel/btf/vmlinux && echo yes)"
echo "lsm: $(tr , "\n" </sys/kernel/security/lsm | grep -x bpf)"
echo "cgroup: $(mkdir /sys/fs/cgroup/t && test -e /sys/fs/cgroup/t/cgroup.procs && echo yes)"
echo "tracefs: $(test -d /sys/kernel/tracing/events/sched && echo yes)"
echo "devices: $(test -e /dev/fuse -a -e /dev/ptmx -a -e /dev/kmsg && echo yes)"
echo "module: $(modprobe dm-mod && grep -c "^dm_mod " /proc/modules)"
mkdir /tmp/mnt && truncate -s 20M /tmp/ext4 && mkfs.ext4 -q /tmp/ext4 && mount /tmp/ext4 /tmp/mnt
echo "file system: $(grep -c " /tmp/mnt ext4 " /proc/mounts)"
for folder in /tmp /run /dev/shm /sys/fs/bpf /dev/pts; do echo "mount: $(stat -f -c %T $folder) $folder"; done
head -c 3000000 /dev/zero | tr "\0" x
printf "\n\0vm-end\0no newline at the end"
echo "an error" >&2
exit 7
'

check_facts() {
	guest -- sh -c "$facts" sh "$here/test-guest.sh"
	is status 7 "$status"
	[ "$status" != 125 ] || cat "$work/err"
	is "standard error" "an error" "$(cat "$work/err")"
	is "standard output's end" 'vm-endno newline at the end' "$(tail -n 1 "$work/out" | tr -d '\0')"
	is "length of a long line" 3000000 "$(grep -a '^xxx' "$work/out" | tr -d '\n' | wc -c)"
	case $(said release) in "$kernel".*) ;; *) fault "release is $(said release)" ;; esac
	is user 0 "$(said user)"
	is folder "$root" "$(said folder)"
	is tree same "$(said tree)"
	is writable x "$(said writable)"
	[ ! -e "$here/from-the-guest" ] || fault "the guest wrote to this machine's files"
	for thing in btf cgroup tracefs devices; do
		is "$thing" yes "$(said "$thing")"
	done
	is "modules loaded" 1 "$(said module)"
	is "ext4 mounted, whose module the kernel asks for" 1 "$(said "file system")"
	is "bpf in /sys/kernel/security/lsm" bpf "$(said lsm)"
	is mounts "tmpfs /tmp tmpfs /run tmpfs /dev/shm bpf_fs /sys/fs/bpf devpts /dev/pts" "$(said mount | xargs)"
}

check_timeout() {
	start=$(date +%s)
	guest --timeout 9 -- sh -c 'echo begun; sleep 1000'
	is "status after a time-out" 124 "$status"
	[ "$(($(date +%s) - start))" -lt 15 ] || fault "a time-out of 9 s took $(($(date +%s) - start)) s"
	grep -q "not done after 9 s" "$work/err" || fault "a time-out says: $(cat "$work/err")"
}

check_panic() {
	guest -- sh -c 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 1000'
	is "status after a panic" 125 "$status"
	grep -q "ended before the command" "$work/err" || fault "a panic says: $(cat "$work/err")"
}

# In place of qemu: fails before there is a guest, as often as $work/failures says.
make_failing_qemu() {
	mkdir -p "$work/bin"
	cat >"$work/bin/qemu-system-x86_64" <<-END
		#!/bin/sh
		left=\$(cat "$work/failures")
		[ "\$left" = 0 ] && exec $(command -v qemu-system-x86_64) "\$@"
		echo "\$((left - 1))" >"$work/failures"
	END
	chmod 755 "$work/bin/qemu-system-x86_64"
}

check_second_start() {
	make_failing_qemu
	echo 1 >"$work/failures"
	PATH=$work/bin:$PATH guest -- sh -c 'echo once; exit 3'
	is "status after a kernel that failed once" 3 "$status"
	is "output after a kernel that failed once" once "$(cat "$work/out")"
	grep -q "once more" "$work/err" || fault "a second start says: $(cat "$work/err")"

	echo 3 >"$work/failures"
	PATH=$work/bin:$PATH guest -- true
	is "status after a kernel that failed twice" 125 "$status"
	is "starts left of three" 1 "$(cat "$work/failures")"
}

for program in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static modprobe:kmod; do
	command -v "${program%:*}" >/dev/null || { echo "skip: ${program#*:}"; exit 77; }
done
[ $# -gt 0 ] || set -- 6.1 6.12 6.18 7.3
for kernel in "$@"; do
	"$here/fetch-kernel" "$kernel" >/dev/null || { echo "skip: a kernel $kernel from apt's mirror"; exit 77; }
	check_facts
done
kernel=$1
check_timeout
check_panic
check_second_start
exit "$failed"
