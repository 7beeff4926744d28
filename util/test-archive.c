/* SPDX-License-Identifier: MIT */
#include "util/archive.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/test.h"

struct value {
	int number;
	char text[8];
	int fd, none;
};

static void pass(struct archive *archive, struct value *value)
{
	ARCHIVE(archive, value->number);
	ARCHIVE(archive, value->text);
	archive_fd(archive, &value->fd);
	archive_fd(archive, &value->none);
}

int main(void)
{
	char data[64];
	uint64_t fds[ARCHIVE_FDS / 64] = {};
	struct archive to = { .data = data, .size = sizeof(data), .fds = fds };
	struct value given = { 7, "text", open("/", O_RDONLY), -1 }, got = { .number = 1 };
	struct archive from = { .data = data, .reading = true }, cut = from, narrow = { .data = data, .size = 6, .fds = fds };

	REQUIRE(given.fd >= 0);
	pass(&to, &given);
	REQUIRE(!to.bad);
	REQUIRE(fds[given.fd / 64] >> given.fd % 64 & 1);
	fds[given.fd / 64] &= ~(UINT64_C(1) << given.fd % 64);
	for (size_t i = 0; i < ARCHIVE_FDS / 64; i++)
		REQUIRE(fds[i] == 0);

	from.size = to.used;
	pass(&from, &got);
	REQUIRE(!from.bad && from.used == to.used);
	REQUIRE(got.number == 7 && got.text[3] == 't' && got.fd == given.fd && got.none == -1);
	REQUIRE(fcntl(given.fd, F_GETFD) == FD_CLOEXEC);

	cut.size = to.used - 1;
	pass(&cut, &got);
	REQUIRE(cut.bad && got.none == -1);

	/* A descriptor that is closed by now. */
	close(given.fd);
	from = (struct archive){ .data = data, .size = to.used, .reading = true };
	pass(&from, &got);
	REQUIRE(from.bad);

	pass(&narrow, &given);
	REQUIRE(narrow.bad && narrow.used <= narrow.size);
	return 0;
}
