/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/keep.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "abi/record.h"
#include "daemon/sensor/objects.h"
#include "daemon/sensor/tracepoints.h"
#include "sensor.skel.h"
#include "util/macro.h"

/* Increment it with each change of the data that keep() and its like write. */
enum { FORMAT = 1 };

void esd_keep_stamp(uint8_t ret[ESD_KEEP_STAMP])
{
	const uint64_t shape[] = {
		FORMAT, ES_ABI_VERSION, ESD_OBJECT_ROWS, ESD_TRACEPOINTS, sizeof(struct esd_objects), sizeof(struct esd_tracepoints),
	};
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const void *object;
	size_t bytes;

	memset(ret, 0, ESD_KEEP_STAMP);
	object = sensor_bpf__elf_bytes(&bytes);
	if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) && EVP_DigestUpdate(context, shape, sizeof(shape)) &&
	    EVP_DigestUpdate(context, object, bytes))
		(void)EVP_DigestFinal_ex(context, ret, NULL);
	EVP_MD_CTX_free(context);
}

/* libbpf duplicates the descriptor. */
static int map_take(struct bpf_map *map, struct archive *archive)
{
	_cleanup_close_ int fd = -1;

	archive_fd(archive, &fd);
	return fd < 0 ? -EBADF : bpf_map__reuse_fd(map, fd);
}

int esd_keep_maps(struct bpf_object *object, struct archive *archive)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		int fd = bpf_map__fd(map), r = 0;

		if (archive->reading)
			r = map_take(map, archive);
		else
			archive_fd(archive, &fd);
		if (r < 0)
			return r;
	}
	return 0;
}

void esd_keep_links(struct archive *archive, int *links, size_t count)
{
	for (size_t i = 0; i < count; i++)
		archive_fd(archive, &links[i]);
}
