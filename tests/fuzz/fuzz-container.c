/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/container.h"
#include "tests/fuzz/texts.h"
#include "util/macro.h"

/*
 * Any bytes as the path of a cgroup: what is found lies inside of it, and is not empty.
 *
 * With clang's fuzzer this is its entry; without, main() changes good paths at random.
 */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_inside(es_string_token_t path, es_string_token_t found)
{
	if (!found.length || found.data < path.data || found.length > (size_t)(path.data + path.length - found.data) ||
	    memchr(found.data, '/', found.length))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	es_string_token_t path = { length, (const char *)bytes };
	struct esl_containers found;

	esl_containers_of(path, &found);
	if (found.count > ESL_CONTAINERS_MAX)
		abort();
	for (size_t i = 0; i < found.count; i++) {
		check_inside(path, found.found[i].id);
		if (!es_linux_runtime_name(found.found[i].runtime))
			abort();
	}
	if (found.pod.length)
		check_inside(path, found.pod);
	return 0;
}

#ifdef ES_FUZZ_PLAIN
int main(void)
{
	static const char *const good[] = {
		("/kubepods.slice/kubepods-burstable-podd5e1a5e8_7a0e_4c5b_9a1b_0123456789ab.slice/"
			"cri-containerd-3f4f2a1d7c8e9b0a1122334455667788990011223344556677889900aabbccdd.scope"),
		"/lxc.payload.web/docker/3f4f2a1d7c8e9b0a1122334455667788990011223344556677889900aabbccdd",
		"/machine.slice/systemd-nspawn@deb.service/machine-a\\x2db.scope",
		"/a.slice:docker:3f4f2a1d7c8e/lxc/x/kubepods/pod0123456789abcdef0123456789abcdef",
	};
	static const char chars[] = "/-.:_\\x2\0adocker";

	change_texts(good, ARRAY_SIZE(good), chars, sizeof(chars), 4, LLVMFuzzerTestOneInput);
	return 0;
}
#endif
