/* SPDX-License-Identifier: MIT */

/*
 * Misuse of the daemon's socket by other users disturbs no client: garbage, half messages, descriptors, floods, a
 * thousand connections, unread replies. The daemon's memory and descriptors stay bounded, its log short and clear.
 */

#include "es-test.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "abi/control.h"

enum {
	CONNECTIONS = 1000,
	FLOOD = 20000,
	LOG_LINES = 100,
	GROWTH_KB = 4096,
	STRANGERS = 200,		/* that it may keep, and some spare */
};

static struct test_client *client;
static const char *path;
static unsigned int opened;

static int join(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, getenv("ENDPOINTSECURITY_SOCKET"));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_once(void *context)
{
	int fd = open(context, O_RDONLY);

	return fd < 0 ? errno : 0;
}

/* Checks, between the abuses, that the client still gets questions and messages. */
static void undisturbed(void)
{
	uint64_t begin = test_now();

	CHECK_EQUAL(test_run(open_once, (void *)path), 0);
	CHECK(test_now() - begin < 2000000000ull * test_slow());
	opened++;
	test_sync(client);
	CHECK_EQUAL(COUNT(client, .type = ES_NOTIFY(OPEN), .path = path), opened);
	CHECK_EQUAL(COUNT(client, .type = ES_AUTH(OPEN), .path = path), opened);
}

static long daemon_value(pid_t daemon, const char *name)
{
	char file[64], line[256];
	long value = -1;
	FILE *status;

	snprintf(file, sizeof(file), "/proc/%d/status", daemon);
	status = fopen(file, "re");
	REQUIRE(status != NULL);
	while (fgets(line, sizeof(line), status))
		if (!strncmp(line, name, strlen(name)))
			value = atol(line + strlen(name) + 1);
	fclose(status);
	return value;
}

static long daemon_fds(pid_t daemon)
{
	char folder[64];
	size_t count;

	snprintf(folder, sizeof(folder), "/proc/%d/fd", daemon);
	count = test_entries(folder);
	REQUIRE(count > 0);
	return (long)count;
}

static void garbage(void)
{
	unsigned char bytes[512];
	uint32_t state = 1;

	for (int i = 0; i < 500; i++) {
		int fd = join();

		REQUIRE(fd >= 0);
		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (unsigned char)((state = state * 1664525 + 1013904223) >> 24);
		(void)!send(fd, bytes, state % sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
	}
}

static void halves(void)
{
	struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_CLIENT };

	for (size_t size = 0; size < sizeof(request); size++) {
		int fd = join();
		char byte;

		REQUIRE(fd >= 0);
		REQUIRE(send(fd, &request, size, MSG_NOSIGNAL) == (ssize_t)size);
		if (size >= 8)		/* an empty packet reads as the end */
			CHECK(recv(fd, &byte, 1, 0) <= 0);
		close(fd);
	}
}

static void descriptors(void)
{
	struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_STATUS };
	struct iovec iov = { .iov_base = &request, .iov_len = sizeof(request) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * 100)];
	} control;
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	for (int i = 0; i < 50; i++) {
		int fd = join(), fds[100];

		REQUIRE(fd >= 0);
		for (int j = 0; j < 100; j++)
			fds[j] = STDIN_FILENO;
		control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fds)), .cmsg_level = SOL_SOCKET,
						   .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
		(void)!sendmsg(fd, &message, MSG_NOSIGNAL);
		close(fd);
	}
}

/* A request for capabilities makes the daemon load all programs. They count among its descriptors, so load them first. */
static void load_all(pid_t daemon)
{
	struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_CAPABILITIES };
	int fd = join();
	long fds;
	char byte;

	REQUIRE(fd >= 0);
	REQUIRE(send(fd, &request, sizeof(request), MSG_NOSIGNAL) == sizeof(request));
	REQUIRE(recv(fd, &byte, 1, 0) == 1);
	fds = daemon_fds(daemon);
	close(fd);
	for (int i = 0; i < 300 && daemon_fds(daemon) == fds; i++)
		test_sleep_ms(10);
}

static void flood(void)
{
	struct es_request request = { .abi = ES_ABI_VERSION, .op = ES_REQUEST_CAPABILITIES };
	int fd = join();

	REQUIRE(fd >= 0);
	for (int i = 0; i < FLOOD; i++)		/* and never reads a reply */
		if (send(fd, &request, sizeof(request), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE)
			break;
	close(fd);
}

static void thousand(pid_t daemon, long fds)
{
	static int kept[CONNECTIONS];

	for (int i = 0; i < CONNECTIONS; i++) {
		kept[i] = join();
		if (i % 250 == 249)
			undisturbed();
	}
	CHECK(daemon_fds(daemon) <= fds + STRANGERS);
	for (int i = 0; i < CONNECTIONS; i++)
		if (kept[i] >= 0)
			close(kept[i]);
}

static unsigned int log_lines(void)
{
	char file[4200], line[4096];
	unsigned int lines = 0;
	FILE *log;

	snprintf(file, sizeof(file), "%.4000s/daemon.log", test_dir);
	log = fopen(file, "re");
	REQUIRE(log != NULL);
	while (fgets(line, sizeof(line), log))
		lines++;
	fclose(log);
	return lines;
}

int main(void)
{
	struct rlimit files = { 2048, 4096 };
	long rss, fds;
	pid_t daemon;

	test_begin(60);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	path = test_at("file");
	test_write_file(path, "", 0644);
	daemon = test_daemon(NULL);
	client = test_client(NULL, NULL);
	test_subscribe(client, ES_AUTH(OPEN), ES_NOTIFY(OPEN), -1);
	undisturbed();
	load_all(daemon);
	rss = daemon_value(daemon, "VmRSS");
	fds = daemon_fds(daemon);
	REQUIRE(rss > 0);

	garbage();
	undisturbed();
	halves();
	undisturbed();
	descriptors();
	undisturbed();
	flood();
	undisturbed();
	thousand(daemon, fds);
	undisturbed();

	for (int i = 0; i < 300 && daemon_fds(daemon) > fds; i++)
		test_sleep_ms(10);
	CHECK_EQUAL(daemon_fds(daemon), fds);
	printf("memory: %ld KiB before, %ld after; %u lines in the log\n", rss, daemon_value(daemon, "VmRSS"), log_lines());
	CHECK(daemon_value(daemon, "VmRSS") <= rss + GROWTH_KB);
	CHECK(log_lines() > 0 && log_lines() <= LOG_LINES);
	return test_end();
}
