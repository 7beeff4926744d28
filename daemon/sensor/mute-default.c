/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/event.h"
#include "daemon/sensor/mute.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Programs that the machine needs without the delay of an answer; docs/muting.md says why for each. A client that wants
 * to judge these too unmutes them before it subscribes to AUTH. Where /usr is merged, as on all distributions of today,
 * the kernel's paths begin with /usr; where /usr/sbin is /usr/bin, with that. A path that a machine doesn't have costs
 * nothing.
 */
const char *const esd_mute_defaults[] = {
	"/usr/lib/systemd/systemd",
	"/usr/lib/systemd/systemd-executor",
	"/usr/sbin/init",
	"/usr/lib/systemd/systemd-journald",
	"/usr/lib/systemd/systemd-udevd",
	"/usr/bin/udevadm",
	"/usr/lib/systemd/systemd-logind",
	"/usr/lib/systemd/systemd-userdbd",
	"/usr/lib/systemd/systemd-userwork",
	"/usr/lib/systemd/systemd-resolved",
	"/usr/lib/systemd/systemd-networkd",
	"/usr/lib/systemd/systemd-oomd",
	"/usr/lib/systemd/systemd-shutdown",
	"/usr/lib/systemd/systemd-cgroups-agent",
	"/usr/bin/dbus-daemon",
	"/usr/bin/dbus-broker",
	"/usr/bin/dbus-broker-launch",
	"/usr/lib/polkit-1/polkitd",
	"/usr/sbin/rsyslogd",
	"/usr/sbin/auditd",
	"/usr/sbin/sshd",
	"/usr/bin/sshd",
	"/usr/lib/openssh/sshd-session",
	"/usr/lib/openssh/sshd-auth",
	"/usr/libexec/openssh/sshd-session",
	"/usr/libexec/openssh/sshd-auth",
	"/usr/sbin/agetty",
	"/usr/bin/login",
	"/usr/sbin/sulogin",
	"/usr/sbin/unix_chkpwd",
	"/usr/bin/unix_chkpwd",
	"/usr/sbin/watchdog",
	NULL,
};

/* All AUTH types but EXEC and KEXTLOAD: a client must see the programs that these start and the modules they load. */
void esd_mute_default_types(uint64_t ret[ES_TYPE_WORDS])
{
	memset(ret, 0, sizeof(ret[0]) * ES_TYPE_WORDS);
	for (unsigned int type = 0; type < ES_EVENT_TYPES; type++)
		if (esd_events[type].answer != ESD_ANSWER_NONE && type != ESD_AUTH_EXEC && type != ESD_AUTH_KEXTLOAD)
			esd_types_add(ret, type);
}

/* The value of a line "NAME NUMBER"; `otherwise` if the file has none. */
static uint32_t login_number(const char *path, const char *name, uint32_t otherwise)
{
	FILE *file = fopen(path, "re");
	uint32_t number = otherwise, found;
	char line[256], word[64];

	if (!file)
		return otherwise;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %" SCNu32, word, &found) == 2 && !strcmp(word, name))
			number = found;
	fclose(file);
	return number;
}

uint32_t esd_mute_default_uid_max(const char *path)
{
	uint32_t first = login_number(path, "UID_MIN", 1000);

	return login_number(path, "SYS_UID_MAX", first ? first - 1 : 0);
}
