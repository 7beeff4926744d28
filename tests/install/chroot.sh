# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For what runs in another Debian, in a mount namespace of its own. To be sourced.

# mount_system ROOT: what programs expect of a running system. The machine's devices and /sys; everything else is its own.
mount_system() {
	mount -t proc proc "$1/proc"
	mount --rbind /sys "$1/sys"
	mount --rbind /dev "$1/dev"
	mount -t tmpfs run "$1/run"
	mount -t tmpfs tmp "$1/tmp"
}
