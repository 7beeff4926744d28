/* SPDX-License-Identifier: MIT */
#include "teller.h"

#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "es-test.h"

enum { TEXT_MAX = 16384, WORDS_MAX = 32 };

int test_audit(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
}

int test_tell(int fd, int number, const void *text, size_t bytes, uint32_t claimed)
{
	struct {
		struct nlmsghdr head;
		char text[TEXT_MAX];
	} message = {
		.head = { .nlmsg_len = NLMSG_LENGTH(bytes) + claimed, .nlmsg_type = number,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK, .nlmsg_seq = 1 },
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char more[TEXT_MAX + 64];
	} answer;

	if (bytes > sizeof(message.text))
		return EMSGSIZE;
	memcpy(message.text, text, bytes);
	if (sendto(fd, &message, NLMSG_SPACE(bytes), 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return errno;
	if (claimed)
		return 0;		/* the kernel doesn't answer it */
	if (recv(fd, &answer, sizeof(answer), 0) < (ssize_t)(sizeof(answer.head) + sizeof(answer.error.error)))
		return EIO;
	return -answer.error.error;
}

void test_teller(int argc, char **argv)
{
	int refused = 0, fd;

	if (argc < 2 || strcmp(argv[1], "--tell"))
		return;
	fd = test_audit();
	for (int i = 2; i + 1 < argc; i += 2)
		refused |= test_tell(fd, atoi(argv[i]), argv[i + 1], strlen(argv[i + 1]) + 1, 0) != 0;
	exit(refused);
}

const char *test_teller_at(const char *path)
{
	const char *at = test_at("%s", path), *slash = strchr(path, '/');

	if (access(at, F_OK) == 0)
		return at;
	if (slash)
		(void)mkdir(test_at("%.*s", (int)(slash - path), path), 0755);
	test_copy("/proc/self/exe", at, 0755);
	return at;
}

int test_teller_exec(const char *program, const char *const *words)
{
	char *argv[WORDS_MAX + 3] = { (char *)program, (char *)"--tell" };

	for (int i = 0; i < WORDS_MAX && words[i]; i++)
		argv[i + 2] = (char *)words[i];
	setenv("LD_LIBRARY_PATH", test_built("lib"), 1);
	execv(program, argv);
	return 99;
}
