#!/bin/bash
# SPDX-License-Identifier: MIT
#
#	tests/install/test-systemd.sh BUILD [KERNEL]
#
# The packages in a guest where systemd boots: the daemon is up before ordinary services, a client from the template
# between the two; both come back after kill -9, and then deny again; the journal is readable. systemd-guest.sh is
# what runs there.
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

install_packages
build_client guard "$here/client.c"
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

"$here/../vm/run" --kernel "$kernel" --root "$root" --systemd --timeout "${ES_TEST_GUEST_SECONDS:-400}" -- \
	bash tests/install/systemd-guest.sh
