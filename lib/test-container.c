/* SPDX-License-Identifier: MIT */

/* The containers that the paths of cgroups name, as runtimes make them; and paths that only look so. */

#include <stdbool.h>
#include <string.h>

#include "container.h"
#include "test.h"
#include "util/macro.h"

#define ID "3f4f2a1d7c8e9b0a1122334455667788990011223344556677889900aabbccdd"
#define SECOND "0011223344556677889900112233445566778899001122334455667788990011"
#define POD "d5e1a5e8-7a0e-4c5b-9a1b-0123456789ab"
#define POD_IN_SLICE "d5e1a5e8_7a0e_4c5b_9a1b_0123456789ab"

enum { NONE = -1 };

static const struct {
	const char *path;
	int runtime;			/* of the outermost; NONE: it is in no container */
	const char *id, *second, *pod;	/* NULL: there is none */
} paths[] = {
	{ "/system.slice/docker-" ID ".scope", ES_LINUX_RUNTIME_DOCKER, ID, NULL, NULL },
	{ "/docker/" ID, ES_LINUX_RUNTIME_DOCKER, ID, NULL, NULL },
	{ "/docker/3f4f2a1d7c8e", ES_LINUX_RUNTIME_DOCKER, "3f4f2a1d7c8e", NULL, NULL },
	{ "/docker/" ID "/docker/" SECOND, ES_LINUX_RUNTIME_DOCKER, ID, SECOND, NULL },
	{ "/docker/" ID "/system.slice/ssh.service", ES_LINUX_RUNTIME_DOCKER, ID, NULL, NULL },
	{ "/system.slice/nerdctl-" ID ".scope", ES_LINUX_RUNTIME_CONTAINERD, ID, NULL, NULL },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_IN_SLICE ".slice/cri-containerd-" ID ".scope",
	  ES_LINUX_RUNTIME_CONTAINERD, ID, NULL, POD_IN_SLICE },
	{ "/kubepods.slice/kubepods-pod" POD_IN_SLICE ".slice/crio-" ID ".scope", ES_LINUX_RUNTIME_CRIO, ID, NULL, POD_IN_SLICE },
	{ "/kubepods/besteffort/pod" POD "/" ID, ES_LINUX_RUNTIME_OTHER, ID, NULL, POD },
	{ "/kubepods/pod0123456789abcdef0123456789abcdef/" ID, ES_LINUX_RUNTIME_OTHER, ID, NULL,
	  "0123456789abcdef0123456789abcdef" },
	{ "/kubepods-besteffort-pod" POD_IN_SLICE ".slice:cri-containerd:" ID, ES_LINUX_RUNTIME_CONTAINERD, ID, NULL, NULL },
	{ "/machine.slice/libpod-" ID ".scope/container", ES_LINUX_RUNTIME_PODMAN, ID, NULL, NULL },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope/container/libpod-" SECOND ".scope",
	  ES_LINUX_RUNTIME_PODMAN, ID, SECOND, NULL },
	{ "/libpod_parent/libpod-" ID, ES_LINUX_RUNTIME_PODMAN, ID, NULL, NULL },
	{ "/lxc.payload.web-1/system.slice/cron.service", ES_LINUX_RUNTIME_LXC, "web-1", NULL, NULL },
	{ "/lxc.payload.web/docker/" ID, ES_LINUX_RUNTIME_LXC, "web", ID, NULL },
	{ "/lxc/web", ES_LINUX_RUNTIME_LXC, "web", NULL, NULL },
	{ "/machine.slice/machine-deb\\x2d12.scope/payload", ES_LINUX_RUNTIME_NSPAWN, "deb\\x2d12", NULL, NULL },
	{ "/machine.slice/systemd-nspawn@deb.service/payload", ES_LINUX_RUNTIME_NSPAWN, "deb", NULL, NULL },
	{ "/machine.slice/machine-lxc\\x2d7\\x2dweb.scope", ES_LINUX_RUNTIME_OTHER, "lxc\\x2d7\\x2dweb", NULL, NULL },

	{ "", NONE, NULL, NULL, NULL },
	{ "/", NONE, NULL, NULL, NULL },
	{ "/init.scope", NONE, NULL, NULL, NULL },
	{ "/system.slice/docker.service", NONE, NULL, NULL, NULL },
	{ "/system.slice/containerd.service", NONE, NULL, NULL, NULL },
	{ "/user.slice/user-1000.slice/session-3.scope", NONE, NULL, NULL, NULL },
	{ "/machine.slice/libpod-conmon-" ID ".scope", NONE, NULL, NULL, NULL },
	{ "/system.slice/crio-conmon-" ID ".scope", NONE, NULL, NULL, NULL },
	{ "/lxc.monitor.web", NONE, NULL, NULL, NULL },
	{ "/lxc.payload.", NONE, NULL, NULL, NULL },
	{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", NONE, NULL, NULL, NULL },
	{ "/machine.slice/machine-.scope", NONE, NULL, NULL, NULL },
	{ "/docker/short", NONE, NULL, NULL, NULL },
	{ "/system.slice/docker-0123456789a.scope", NONE, NULL, NULL, NULL },
	{ "/system.slice/docker-" ID "0.scope", NONE, NULL, NULL, NULL },
	{ "/system.slice/docker-3F4F2A1D7C8E.scope", NONE, NULL, NULL, NULL },
	{ "/system.slice/mydocker-" ID ".scope", NONE, NULL, NULL, NULL },
	{ "/podcasts/pod123", NONE, NULL, NULL, NULL },
	{ "/kubepods.slice/kubepods-burstable-pod" POD_IN_SLICE ".slice", NONE, NULL, NULL, POD_IN_SLICE },
};

static bool is(es_string_token_t token, const char *text)
{
	return token.length == strlen(text) && !memcmp(token.data, text, token.length);
}

static bool fits(size_t i, const struct esl_containers *found)
{
	size_t count = paths[i].second ? 2 : paths[i].id ? 1 : 0;

	if (found->count != count || !is(found->pod, paths[i].pod ? paths[i].pod : ""))
		return false;
	if (count > 0 && ((int)found->found[0].runtime != paths[i].runtime || !is(found->found[0].id, paths[i].id)))
		return false;
	return count < 2 || is(found->found[1].id, paths[i].second);
}

int main(void)
{
	struct esl_containers found;
	char deep[ESL_CONTAINERS_MAX * 2 * sizeof("/docker/" ID)] = "";

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		esl_containers_of((es_string_token_t){ strlen(paths[i].path), paths[i].path }, &found);
		if (!fits(i, &found))
			fprintf(stderr, "%s: %zu containers\n", paths[i].path, found.count);
		CHECK(fits(i, &found));
	}
	for (size_t i = 0; i < ESL_CONTAINERS_MAX * 2; i++)
		strcat(deep, i ? "/docker/" ID : "/docker/" SECOND);
	esl_containers_of((es_string_token_t){ strlen(deep), deep }, &found);
	CHECK(found.count == ESL_CONTAINERS_MAX && is(found.found[0].id, SECOND));
	return 0;
}
