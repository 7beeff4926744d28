/* SPDX-License-Identifier: MIT */

/*
 * Processes with threads do random operations, by names that other threads exchange meanwhile. They jump out of held
 * calls, and stop and signal each other, and the test kills some in the middle. A client denies operations on protected
 * objects, which it knows by their inodes. In the end these are unchanged to the nanosecond, the client was asked about
 * each new name, it lives, and no task waits.
 *
 * ES_ATTACK_SECONDS sets the duration, ES_ATTACK_SEED the random numbers; with an odd seed the kernel keeps answers.
 */

#include "attacker.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { SECONDS = 15, ANSWERS_MAX = 512, DELAY_MS = 20, ROUNDS_A_LIFE = 25, KEPT_MAX = 16 };

struct attacked *attacked;

/* ---- the protected objects ---- */

struct kept {
	const char *name;
	struct stat before;
	bool readable;			/* may be opened for reading */
};

static struct kept kept[KEPT_MAX];
static unsigned int kept_count;
static int listening[2];

static void keep(const char *name, bool readable)
{
	struct kept *object = &kept[kept_count++];

	REQUIRE(kept_count < KEPT_MAX && lchown(name, ATTACKER_USER, ATTACKER_USER) == 0);
	REQUIRE(lstat(name, &object->before) == 0);
	object->name = name;
	object->readable = readable;
	attacked->protected[kept_count - 1] = object->before.st_ino;
	attacked->readable[kept_count - 1] = readable;
}

static const struct kept *kept_of(const es_file_t *file)
{
	for (unsigned int i = 0; file && i < kept_count; i++)
		if (kept[i].before.st_ino == file->stat.st_ino && kept[i].before.st_dev == file->stat.st_dev)
			return &kept[i];
	return NULL;
}

static void listen_at(const char *name, int index, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, name);
	listening[index] = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	REQUIRE(bind(listening[index], (struct sockaddr *)&address, sizeof(address)) == 0);
	if (type == SOCK_STREAM)
		REQUIRE(listen(listening[index], 8) == 0);
	chmod(name, 0777);
	keep(name, false);
}

static void copy_program(const char *from, const char *to)
{
	test_copy(from, to, 0777);
	chmod(to, 0777);
	REQUIRE(chown(to, ATTACKER_USER, ATTACKER_USER) == 0);
}

static void prepare(void)
{
	REQUIRE(chdir(test_mnt) == 0);
	umask(0);
	chmod(".", 0777);
	for (unsigned int i = 0; i < ARRAY_SIZE(attacker_files); i++)
		test_write_file(attacker_files[i], "free\n", 0666);
	for (unsigned int i = 0; i < ARRAY_SIZE(attacker_files); i++)
		REQUIRE(chown(attacker_files[i], ATTACKER_USER, ATTACKER_USER) == 0);
	REQUIRE(mkdir("free-dir", 0777) == 0 && mkdir("kept-dir", 0777) == 0);
	copy_program("/bin/true", "free-run");
	copy_program("/bin/false", "kept-run");
	test_write_file("kept-scr", "#!/bin/sh\nexit 1\n", 0777);
	test_write_file("kept-fil", "kept\n", 0666);
	test_write_file("kept-fi2", "kept\n", 0666);
	test_write_file("read-fil", "read\n", 0666);
	test_write_file("read-fi2", "read\n", 0666);
	test_write_file("kept-dir/in-it", "kept\n", 0666);
	REQUIRE(symlink("free-fi1", "link-one") == 0 && symlink("kept-fil", "link-two") == 0);
	keep("kept-dir/in-it", false);
	keep("kept-dir", false);
	keep("kept-run", false);
	keep("kept-scr", false);
	keep("kept-fil", false);
	keep("kept-fi2", false);
	keep("read-fil", true);
	keep("read-fi2", true);
	listen_at("kept-soc", 0, SOCK_STREAM);
	listen_at("kept-dgr", 1, SOCK_DGRAM);
}

/* ---- the client ---- */

struct answer {
	const es_message_t *message;
	uint64_t due_ns;
	uint32_t allowed;
};

static struct answer answers[ANSWERS_MAX];
static unsigned int late, client_random = 1;
static pthread_mutex_t answers_lock = PTHREAD_MUTEX_INITIALIZER;
static bool answers_end;
static struct test_client *client;

/* A message's files besides that of test_file(). */
static unsigned int more_files(const es_message_t *message, const es_file_t *files[2])
{
	const es_events_t *event = &message->event;

	switch (message->event_type) {
	case ES_AUTH(EXEC):
		files[0] = event->exec.script;
		return 1;
	case ES_AUTH(UNLINK):
		files[0] = event->unlink.parent_dir;
		return 1;
	case ES_AUTH(LINK):
		files[0] = event->link.target_dir;
		return 1;
	case ES_AUTH(RENAME):
		files[0] = event->rename.destination_type == ES_DESTINATION_TYPE_EXISTING_FILE ?
			event->rename.destination.existing_file : event->rename.destination.new_path.dir;
		return 1;
	case ES_AUTH(EXCHANGEDATA):
		files[0] = event->exchangedata.file2;
		return 1;
	case ES_AUTH(UIPC_CONNECT):
		files[0] = event->uipc_connect.file;
		return 1;
	case ES_AUTH(MMAP):
		files[0] = event->mmap.source;
		return 1;
	case ES_AUTH(COPYFILE):
		files[0] = event->copyfile.target_file;
		files[1] = event->copyfile.source;
		return 2;
	default:
		return 0;
	}
}

static bool about_victim(const es_message_t *message)
{
	const es_events_t *event = &message->event;

	switch (message->event_type) {
	case ES_AUTH(SIGNAL):
		return test_pid(event->signal.target) == attacked->victim;
	case ES_AUTH(PROC_SUSPEND_RESUME):
		return event->proc_suspend_resume.target && test_pid(event->proc_suspend_resume.target) == attacked->victim;
	case ES_AUTH(GET_TASK):
		return test_pid(event->get_task.target) == attacked->victim;
	case ES_AUTH(GET_TASK_READ):
		return test_pid(event->get_task_read.target) == attacked->victim;
	case ES_AUTH(MOUNT):
		return strstr(event->mount.statfs->f_mntonname, "/kept-dir");
	default:
		return false;
	}
}

/* The allowed flags: all, none, or for an open all except writing. */
static uint32_t judge(const es_message_t *message)
{
	const es_file_t *files[3] = { test_file(message) };
	unsigned int count = 1 + more_files(message, files + 1);
	uint32_t allowed = about_victim(message) ? 0 : UINT32_MAX;

	for (unsigned int i = 0; i < count; i++) {
		const struct kept *object = kept_of(files[i]);

		if (object)
			allowed &= object->readable && message->event_type == ES_AUTH(OPEN) ? ~(uint32_t)FWRITE : 0;
	}
	return allowed;
}

/* Notes the number in a new name: attackers use each number once. */
static void note_new(const es_message_t *message)
{
	const char *name = NULL;
	unsigned long number;

	if (message->event_type == ES_AUTH(LINK))
		name = message->event.link.target_filename.data;
	else if (message->event_type == ES_AUTH(CREATE) &&
		 message->event.create.destination_type == ES_DESTINATION_TYPE_NEW_PATH)
		name = message->event.create.destination.new_path.filename.data;
	if (!name || strncmp(name, "new-", 4))
		return;
	number = strtoul(name + 4, NULL, 10);
	if (number < NEW_MAX)
		__atomic_store_n(&attacked->asked_new[number], 1, __ATOMIC_RELEASE);
}

static void respond(const es_message_t *message, uint32_t allowed)
{
	bool cache = attacked->caching;
	es_respond_result_t r;

	if (message->event_type == ES_AUTH(OPEN))
		r = es_respond_flags_result(client->client, message, allowed, cache);
	else
		r = es_respond_auth_result(client->client, message, allowed ? ES_AUTH_RESULT_ALLOW : ES_AUTH_RESULT_DENY, cache);
	if (r != ES_RESPOND_RESULT_SUCCESS)
		late++;
}

static bool respond_later(const es_message_t *message, uint32_t allowed)
{
	bool taken = false;

	pthread_mutex_lock(&answers_lock);
	for (unsigned int i = 0; i < ANSWERS_MAX && !taken; i++) {
		if (answers[i].message)
			continue;
		answers[i].due_ns = test_now() + 1000000ull * (attacker_random(&client_random) % DELAY_MS);
		answers[i].allowed = allowed;
		answers[i].message = message;
		es_retain_message(message);
		taken = true;
	}
	pthread_mutex_unlock(&answers_lock);
	return taken;
}

static void answer(struct test_client *test_client, const es_message_t *message)
{
	uint32_t allowed = judge(message);

	(void)test_client;
	note_new(message);
	__atomic_add_fetch(&attacked->asked[message->event_type], 1, __ATOMIC_RELEASE);
	if (allowed != UINT32_MAX)
		__atomic_add_fetch(&attacked->refused, 1, __ATOMIC_RELAXED);
	if (attacker_random(&client_random) % 3 || !respond_later(message, allowed))
		respond(message, allowed);
}

static void *answer_later(void *context)
{
	(void)context;
	while (!__atomic_load_n(&answers_end, __ATOMIC_ACQUIRE)) {
		uint64_t now = test_now();

		pthread_mutex_lock(&answers_lock);
		for (unsigned int i = 0; i < ANSWERS_MAX; i++) {
			if (!answers[i].message || answers[i].due_ns > now)
				continue;
			respond(answers[i].message, answers[i].allowed);
			es_release_message(answers[i].message);
			answers[i].message = NULL;
		}
		pthread_mutex_unlock(&answers_lock);
		test_sleep_ms(1);
	}
	return NULL;
}

/* ---- the victim, and the attackers ---- */

static void on_any(int signal)
{
	(void)signal;
	attacked->victim_signals++;
}

static int be_victim(void *context)
{
	(void)context;
	for (int number = 1; number < 65; number++)
		signal(number, on_any);
	if (setpgid(0, 0) < 0 || setgid(ATTACKER_USER) < 0 || setuid(ATTACKER_USER) < 0)
		return 1;
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	__atomic_store_n(&attacked->victim, getpid(), __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static void replace(unsigned int index, unsigned int *number)
{
	pid_t pid = fork();

	if (pid == 0)
		attacker_run(attacked->seed + ++*number * 2654435761u + index);
	++*number;
	__atomic_store_n(&attacked->attacker[index], pid, __ATOMIC_RELEASE);
}

/* Restores free-run if an attacker has emptied or moved it. */
static void make_program_again(void)
{
	static pid_t copying;
	struct stat about;

	if ((copying > 0 && kill(copying, 0) == 0) ||
	    (lstat("free-run", &about) == 0 && S_ISREG(about.st_mode) && about.st_size > 1000))
		return;
	copying = fork();
	if (copying == 0) {
		close(STDERR_FILENO);		/* cp complains if an attacker is quicker */
		execlp("cp", "cp", "-T", "--remove-destination", "/bin/true", "free-run", NULL);
		_exit(1);
	}
}

/* Starts attackers, kills them in the middle of their operations, and starts others in their place. */
static int manage(void *context)
{
	unsigned int random = attacked->seed ^ 0x5a5a5a5a, number = 0;
	uint64_t end = test_now() + 1000000000ull * *(unsigned int *)context, killed;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	while (test_now() < end) {
		for (unsigned int i = 0; i < ATTACKERS; i++) {
			pid_t pid = attacked->attacker[i];

			if (!pid || kill(pid, 0) < 0 || !(attacker_random(&random) % ROUNDS_A_LIFE)) {
				if (pid > 0)
					kill(pid, SIGKILL);
				replace(i, &number);
			}
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		make_program_again();
		test_sleep_ms(20);
	}
	for (unsigned int i = 0; i < ATTACKERS; i++)
		kill(attacked->attacker[i], SIGKILL);
	killed = test_now();
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	printf("%u attackers, the last ended after %llu ms\n", number, (unsigned long long)(test_now() - killed) / 1000000);
	return test_now() - killed > 10000000000ull * test_slow();
}

/* ---- afterwards ---- */

static void check_kept(void)
{
	for (unsigned int i = 0; i < kept_count; i++) {
		const struct stat *before = &kept[i].before;
		struct stat now = {};

		CHECK_EQUAL(lstat(kept[i].name, &now), 0);
		if (!CHECK(now.st_ino == before->st_ino && now.st_size == before->st_size && now.st_mode == before->st_mode &&
			   now.st_nlink == before->st_nlink && now.st_uid == before->st_uid &&
			   now.st_mtim.tv_sec == before->st_mtim.tv_sec && now.st_mtim.tv_nsec == before->st_mtim.tv_nsec &&
			   now.st_ctim.tv_sec == before->st_ctim.tv_sec && now.st_ctim.tv_nsec == before->st_ctim.tv_nsec))
			printf("... %s: size %lld, mode %o, links %lu\n", kept[i].name, (long long)now.st_size, now.st_mode,
			       (unsigned long)now.st_nlink);
	}
}

static void check_sockets(void)
{
	char text[16];

	CHECK_EQUAL(accept4(listening[0], NULL, NULL, SOCK_CLOEXEC), -1);
	CHECK_EQUAL(recv(listening[1], text, sizeof(text), MSG_DONTWAIT), -1);
	close(listening[0]);
	close(listening[1]);
}

/* Checks the new names that killed attackers have made and couldn't check. */
static void check_new(const char *folder)
{
	DIR *entries = opendir(folder);
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		unsigned long number = strtoul(entry->d_name + 4, NULL, 10);

		if (strncmp(entry->d_name, "new-", 4) || number >= NEW_MAX)
			continue;
		if (!CHECK(attacked->asked_new[number]))
			printf("... %s/%s\n", folder, entry->d_name);
	}
	if (entries)
		closedir(entries);
}

static int open_once(void *path)
{
	int fd = open(path, O_RDONLY);

	return fd < 0 ? errno : 0;
}

static void check_counts(void)
{
	uint64_t done = 0, asked = 0;

	for (int type = 0; type < ES_EVENT_TYPE_LAST; type++) {
		done += attacked->done[type];
		asked += attacked->asked[type];
		if (!attacked->caching && !CHECK(attacked->done[type] <= attacked->asked[type]))
			printf("... %s: done %llu times, asked %llu\n", es_linux_event_name((es_event_type_t)type),
			       (unsigned long long)attacked->done[type], (unsigned long long)attacked->asked[type]);
	}
	printf("%llu tried, %llu left by a jump, %llu seen done; %llu asked, %llu denied, %u answered when nobody waited\n",
	       (unsigned long long)attacked->tried, (unsigned long long)attacked->left, (unsigned long long)done,
	       (unsigned long long)asked, (unsigned long long)attacked->refused, late);
	CHECK(asked > 100 && attacked->refused > 20 && done > 20);
}

int main(void)
{
	const char *seconds_ = getenv("ES_ATTACK_SECONDS"), *seed = getenv("ES_ATTACK_SEED");
	unsigned int seconds = seconds_ ? (unsigned int)atoi(seconds_) : SECONDS;
	pthread_t later;
	pid_t victim;

	test_begin(seconds + 90);
	attacked = mmap(NULL, sizeof(*attacked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(attacked != MAP_FAILED);
	attacked->seed = seed ? (unsigned int)strtoul(seed, NULL, 0) : (unsigned int)(test_now() ^ (uint64_t)getpid());
	client_random = attacked->seed | 1;
	attacked->caching = attacked->seed & 1;
	printf("ES_ATTACK_SEED=%u\n", attacked->seed);
	prepare();
	test_daemon(NULL);
	client = test_client(answer, NULL);
	client->counting = true;
	CHECK_EQUAL(es_set_deadline_miss_mode(client->client, ES_DEADLINE_MISS_MODE_FAIL_CLOSED), ES_RETURN_SUCCESS);
	test_hold(client, ES_AUTH(UNLINK), -1);
	victim = test_fork(be_victim, NULL);
	while (!__atomic_load_n(&attacked->victim, __ATOMIC_ACQUIRE))
		test_sleep_ms(1);
	REQUIRE(pthread_create(&later, NULL, answer_later, NULL) == 0);
	REQUIRE(test_hold_all(client) >= 20);

	CHECK_EQUAL(test_wait_ms(test_fork(manage, &seconds), (seconds + 60) * 1000 * test_slow()), 0);
	CHECK_EQUAL(test_run(open_once, (void *)test_at("kept-fil")), EPERM << 8);
	CHECK_EQUAL(test_run(open_once, (void *)test_at("read-fil")), 0);
	CHECK(!es_linux_stream_ended(client->client));
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	__atomic_store_n(&answers_end, true, __ATOMIC_RELEASE);
	pthread_join(later, NULL);

	CHECK_EQUAL(attacked->broken, 0);
	CHECK_EQUAL(attacked->victim_signals, 0);
	CHECK_EQUAL(test_wait_ms(victim, 0), -1);
	check_kept();
	check_sockets();
	check_new(".");
	check_new("free-dir");
	check_counts();
	REQUIRE(chdir("/") == 0);
	return test_end();
}
