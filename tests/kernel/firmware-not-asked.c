/* SPDX-License-Identifier: MIT */

/*
 * The kernel loads firmware for a driver within a program's write(2), as though the program had opened the file: it
 * doesn't ask the client about that. It does ask when a program opens the file.
 */

#include "es-test.h"

static const char path_setting[] = "/sys/module/firmware_class/parameters/path";
static const char trigger[] = "/sys/devices/virtual/misc/test_firmware/trigger_request";

static unsigned int asked;

static void answer(struct test_client *client, const es_message_t *message)
{
	const es_file_t *file = test_file(message);

	if (file && strstr(file->path.data, "/es-firmware"))
		__atomic_add_fetch(&asked, 1, __ATOMIC_RELEASE);
	test_allow(client, message);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), error = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

static int load(void *context)
{
	(void)context;
	return write_text(trigger, "es-firmware");
}

static int open_it(void *path)
{
	return open(path, O_RDONLY) < 0 ? errno : 0;
}

int main(void)
{
	struct test_client *client;
	char path[4200];

	test_begin(30);
	test_all_mounts = true;		/* the kernel looks in init's namespace, where the test's mount isn't */
	test_daemon(NULL);
	client = test_client(answer, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(OPEN), ES_AUTH(UNLINK), -1);
	if (system("modprobe test_firmware 2>/dev/null") != 0)
		test_skip("the kernel module test_firmware");
	snprintf(path, sizeof(path), "%s/es-firmware", test_dir);
	test_write_file(path, "firmware", 0644);
	REQUIRE(write_text(path_setting, test_dir) == 0);
	CHECK_EQUAL(test_run(load, NULL), 0);
	CHECK_EQUAL(asked, 0);
	CHECK_EQUAL(test_run(open_it, path), 0);
	CHECK_EQUAL(asked, 1);
	(void)write_text(path_setting, "\n");
	(void)!system("modprobe -r test_firmware");
	return test_end();
}
