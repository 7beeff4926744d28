#!/bin/bash
# SPDX-License-Identifier: MIT
#
#	tests/install/test-systemd.sh BUILD [KERNEL [STEP...]]
#
# The packages in a guest where systemd boots: the daemon is up before ordinary services, a client from the template
# between the two; the daemon is killed and the package upgraded without an operation unasked; both come back after a
# restart, or kill -9 of all, and then deny again; the journal is readable. systemd-guest.sh is what runs there, and has the steps.
set -u
release=12
. "$(dirname "$0")/root.sh"
kernel=${2:-6.12}

command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86"
"$here/../vm/fetch-kernel" "$kernel" >/dev/null || skip "a kernel $kernel from apt's mirror"

client=endpointsecurity-client@usr-local-sbin-guard.service

build_client() {	# NAME SOURCE
	cp "$2" "$root/usr/local/src/"
	inside sh -c "clang -fblocks '/usr/local/src/${2##*/}' \$(pkg-config --cflags --libs EndpointSecurity) \
		-o '/usr/local/sbin/$1'" || exit 1
}

# Two versions to upgrade to: the same programs in other files; and other kernel programs, by a byte of padding.
next_version() {	# VERSION COMMAND...: changes the folder of the daemon's package
	local version=$1 deb work=$ES_TEST_DIR/next
	shift
	mkdir -p "$root/srv/$version"
	for deb in "$packages"/*.deb; do
		[[ $deb != *-dbgsym_* ]] || continue
		rm -rf "$work"
		dpkg-deb -R "$deb" "$work" || exit 1
		sed -i -E "/^(Version|Depends|Recommends|Breaks):/s/0\.1\.0/$version/g" "$work/DEBIAN/control"
		[ ! -e "$work/usr/sbin/endpointsecurityd" ] || "$@" "$work/usr/sbin/endpointsecurityd" || exit 1
		dpkg-deb -Znone --root-owner-group --build "$work" "$root/srv/$version" >"$ES_TEST_DIR/dpkg.log" || exit 1
	done
}
add_byte() { printf '\0' >>"$1"; }

install_packages
next_version 0.1.1 add_byte
next_version 0.1.2 "$here/other-programs"
build_client guard "$here/client.c"
build_client hammer "$here/hammer.c"
build_client deny "$here/../../examples/deny.c"
cp "$here/ordinary.service" "$root/etc/systemd/system/"
cp "$root/bin/true" "$root/usr/local/bin/ordinary"
mkdir "$root/etc/systemd/system/$client.d"
cat >"$root/etc/systemd/system/$client.d/local.conf" <<-END
	[Service]
	Environment="ARGUMENTS=guard /etc/guarded"
	Type=notify
	NotifyAccess=all
END
# An emulated processor on a busy machine: what takes a second elsewhere can take a minute.
mkdir "$root/etc/systemd/system/endpointsecurityd.service.d"
cat >"$root/etc/systemd/system/endpointsecurityd.service.d/patience.conf" <<-END
	[Service]
	TimeoutStartSec=300
	WatchdogSec=300
	ExecStart=
	ExecStart=/usr/sbin/endpointsecurityd --keeper yes --deadline-ms 60000
END
printf 'TimeoutStartSec=300\n' >>"$root/etc/systemd/system/$client.d/local.conf"
inside systemctl --quiet enable ordinary.service "$client" || exit 1
# Not of interest here, and slow in an emulated machine.
inside systemctl --quiet mask dpkg-db-backup.timer apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer \
	e2scrub_reap.service fstrim.timer systemd-tmpfiles-clean.timer systemd-pstore.service 2>/dev/null

"$here/../vm/run" --kernel "$kernel" --root "$root" --systemd --timeout "${ES_TEST_GUEST_SECONDS:-1300}" -- \
	bash tests/install/systemd-guest.sh "${@:3}"
