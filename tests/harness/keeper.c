/* SPDX-License-Identifier: MIT */
#include "keeper.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

static void answer(struct test_client *client, const es_message_t *message)
{
	struct keeper *keeper = client->context;

	keeper->asked++;
	if (keeper->before)
		keeper->before(keeper->context);
	if (message->event_type == ES_AUTH(OPEN))
		es_respond_flags_result(client->client, message, keeper->allowed, keeper->cache);
	else
		es_respond_auth_result(client->client, message,
				       keeper->allowed ? ES_AUTH_RESULT_ALLOW : ES_AUTH_RESULT_DENY, keeper->cache);
}

void keeper_daemon(void)
{
	const char *cgroup = getenv("ES_TEST_CGROUP");

	if (!cgroup)
		test_skip("cgroup v2 (run by tests/harness/run)");
	test_no_scope = true;
	test_daemon("--scope-cgroup", cgroup, NULL);
}

void keeper_start(struct keeper *keeper, uint32_t allowed)
{
	keeper->allowed = allowed;
	keeper->cache = true;
	keeper->client = test_client(answer, keeper);
}

unsigned int keeper_asked(struct keeper *keeper)
{
	unsigned int asked = keeper->asked, seen = keeper->seen;

	keeper->seen = asked;
	return asked - seen;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	REQUIRE(snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) < (int)sizeof(address.sun_path));
	REQUIRE(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 64) == 0);
	return fd;
}

void subject_make(struct subject_made *ret, enum subject subject, const char *name)
{
	static unsigned int count;
	char fresh[32];

	*ret = (struct subject_made){ .fd = -1, .subject = subject };
	snprintf(fresh, sizeof(fresh), "subject-%u", count++);
	snprintf(ret->file, sizeof(ret->file), "%s", test_at("%s", fresh));
	snprintf(ret->path, sizeof(ret->path), "%s", ret->file);
	switch (subject) {
	case SUBJECT_FILE:
		test_write_file(ret->file, "text", 0644);
		REQUIRE(setxattr(ret->file, "trusted.es-0", "0", 1, 0) == 0);
		REQUIRE(setxattr(ret->file, "trusted.es-1", "1", 1, 0) == 0);
		break;
	case SUBJECT_DIRECTORY:
		REQUIRE(mkdir(ret->file, 0755) == 0);
		break;
	case SUBJECT_SOCKET:
		ret->fd = listen_at(ret->file);
		break;
	case SUBJECT_PROGRAM:
		test_tiny(fresh);
		break;
	case SUBJECT_PROCESS:
		ret->target = actor_start(fresh);
		snprintf(ret->path, sizeof(ret->path), "/proc/%d/%s", ret->target.pid, name);
		break;
	}
}

void subject_end(struct subject_made *made)
{
	if (made->fd >= 0)
		close(made->fd);
	if (made->subject == SUBJECT_PROCESS)
		actor_stop(&made->target);
}

unsigned long cache_number(const char *name)
{
	FILE *pipe = popen(test_built("tools/esctl cache"), "r");
	char line[256], word[64];
	unsigned long number = 0, found = 0;

	REQUIRE(pipe != NULL);
	while (fgets(line, sizeof(line), pipe)) {
		unsigned long value;

		if (sscanf(line, "%63s %lu", word, &value) == 2 && !strcmp(word, name)) {
			number = value;
			found++;
		}
	}
	REQUIRE(pclose(pipe) == 0);
	REQUIRE(found == 1);
	return number;
}

void cache_require(struct keeper *keeper)
{
	const es_event_type_t type = ES_AUTH(CHROOT);

	if (es_subscribe(keeper->client->client, &type, 1) != ES_RETURN_SUCCESS)
		test_skip("keeping answers: BPF LSM programs");
	REQUIRE(es_unsubscribe(keeper->client->client, &type, 1) == ES_RETURN_SUCCESS);
}
