/* SPDX-License-Identifier: MIT */

#include "es-test.h"

#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <mntent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum { CHILDREN_MAX = 256, CLIENTS_MAX = 80, PATHS_MAX = 4096 };

char test_dir[PATH_MAX];
char test_mnt[PATH_MAX];
bool test_no_scope;
bool test_all_mounts;

static char build_dir[PATH_MAX];
static char socket_path[PATH_MAX];
static pid_t main_pid;			/* a forked child must not clean up for its parent */
static int failures;
static size_t fds_at_begin;
static volatile pid_t daemon_pid;
static const char *shared_dir;		/* folder of the runner's shared daemon, if this test uses it */
static volatile pid_t children[CHILDREN_MAX];
static struct test_client *clients[CLIENTS_MAX];
static char *paths[PATHS_MAX];
static size_t path_count;

/*
 * What a test did before it caused an event happened before the handler's call. ThreadSanitizer can't see that order, since
 * it comes from the kernel. So the test increments this with release before each fork, and the handler loads it with
 * acquire.
 */
static unsigned int causes;

/* Checks */

bool test_check(bool holds, const char *file, int line, const char *text)
{
	if (!holds) {
		fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
		__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
	}
	return holds;
}

bool test_check_equal(long long actual, long long expected, const char *file, int line, const char *actual_text,
		      const char *expected_text)
{
	if (actual == expected)
		return true;
	fprintf(stderr, "%s:%d: %s is %lld, expected %s = %lld\n", file, line, actual_text, actual, expected_text,
		expected);
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
	return false;
}

bool test_check_string(const char *actual, const char *expected, const char *file, int line, const char *text)
{
	if (actual && expected && !strcmp(actual, expected))
		return true;
	fprintf(stderr, "%s:%d: %s is \"%s\", expected \"%s\"\n", file, line, text, actual ?: "(null)",
		expected ?: "(null)");
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
	return false;
}

_Noreturn void test_fail(void)
{
	for (size_t i = 0; i < CLIENTS_MAX && getpid() == main_pid; i++) {
		if (clients[i])
			test_print(clients[i]);
	}
	exit(1);
}

_Noreturn void test_skip(const char *feature)
{
	printf("skip: %s\n", feature);
	if (getpid() == main_pid && test_mnt[0])	/* in the shared daemon's namespace it would stay */
		(void)umount2(test_mnt, MNT_DETACH);
	exit(77);
}

/* Time */

unsigned int test_slow(void)
{
	const char *factor = getenv("ES_TEST_SLOW");

	return factor && atoi(factor) > 0 ? (unsigned int)atoi(factor) : 1;
}

static uint64_t own_cpu_time(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
	return (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
}

unsigned int test_crowding(void)
{
	const uint64_t begin = test_now(), begin_cpu = own_cpu_time();
	uint64_t cpu;

	do {
		cpu = own_cpu_time() - begin_cpu;
	} while (cpu < 30000000);
	return 1 + (unsigned int)((test_now() - begin - 1) / cpu);
}

uint64_t test_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void test_sleep_ms(unsigned int ms)
{
	struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* Leave nothing behind, whatever happens */

static void kill_everything(void)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		if (children[i] > 0)
			kill(children[i], SIGKILL);
	}
	if (daemon_pid > 0)
		kill(daemon_pid, SIGKILL);
}

/* Gives the daemon a second to end by itself: then it removes its socket. */
static void on_exit_path(void)
{
	if (getpid() != main_pid)
		return;
	if (daemon_pid > 0 && kill(daemon_pid, SIGTERM) == 0) {
		for (int i = 0; i < 100 && waitpid(daemon_pid, NULL, WNOHANG) == 0; i++)
			test_sleep_ms(10);
	}
	kill_everything();
	(void)umount2(test_mnt, MNT_DETACH);		/* if the test was skipped, or gave up */
}

static void on_alarm(int signal)
{
	static const char text[] = "the test took too long: the watchdog ended it\n";

	(void)signal;
	if (getpid() == main_pid)
		kill_everything();
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(1);
	_exit(1);
}

size_t test_entries(const char *path)
{
	DIR *folder = opendir(path);
	size_t count = 0;

	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count;
}

/* Beginning and end */

static void find_places(void)
{
	const char *folder = getenv("ES_TEST_DIR"), *build = getenv("ES_TEST_BUILD");
	char exe[PATH_MAX] = "";

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		exit(1);
	/* build/KIND/tests/kernel/NAME, if the runner doesn't say */
	snprintf(build_dir, sizeof(build_dir), "%s", build ?: dirname(dirname(dirname(exe))));

	if (folder) {
		snprintf(test_dir, PATH_MAX, "%s", folder);
	} else {
		snprintf(test_dir, PATH_MAX, "/tmp/es-test-XXXXXX");
		if (!mkdtemp(test_dir))
			exit(1);
	}
	snprintf(test_mnt, PATH_MAX, "%.4000s/mnt", test_dir);
	snprintf(socket_path, sizeof(socket_path), "%.4000s/control", test_dir);
	setenv("ENDPOINTSECURITY_SOCKET", socket_path, 1);
	setenv("ENDPOINTSECURITYD", test_built("daemon/endpointsecurityd"), 1);
}

/* Enters a mount namespace of the test's own, or the shared daemon's, so that the daemon sees the test's mounts. */
static void own_mounts(void)
{
	const char *shared = getenv("ES_TEST_MOUNTS");
	int fd = shared ? open(shared, O_RDONLY | O_CLOEXEC) : -1;

	if (shared && (fd < 0 || setns(fd, CLONE_NEWNS) < 0 || close(fd) < 0 || chdir(test_dir) < 0)) {
		perror(shared);
		exit(1);
	}
	if (!shared && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
		test_skip("a mount namespace of one's own");
	if ((mkdir(test_mnt, 0755) < 0 && errno != EEXIST) ||
	    mount("es-test", test_mnt, "tmpfs", MS_NOSUID, "mode=755,size=256m") < 0) {
		perror(test_mnt);
		exit(1);
	}
}

void test_begin(unsigned int seconds)
{
	struct sigaction action = {.sa_handler = on_alarm};

	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	main_pid = getpid();
	if (geteuid() != 0)
		test_skip("root");
	atexit(on_exit_path);
	sigaction(SIGALRM, &action, NULL);
	alarm(seconds * test_slow());
	find_places();
	own_mounts();
	fds_at_begin = test_entries("/proc/self/fd");
}

/* A private daemon ends some time after its last client. */
static bool gone_soon(const char *path)
{
	const uint64_t limit = test_now() + 5000000000ull * test_slow();

	while (access(path, F_OK) == 0) {
		if (test_now() > limit)
			return false;
		test_sleep_ms(10);
	}
	return true;
}

int test_end(void)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients[i] && failures)
			test_print(clients[i]);
		if (clients[i])
			test_client_delete(clients[i]);
	}
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		pid_t pid = children[i];

		if (pid > 0) {
			kill(pid, SIGKILL);
			test_wait(pid);
		}
	}
	if (daemon_pid > 0)
		CHECK_EQUAL(test_daemon_stop(SIGTERM), 0);
	if (!shared_dir)
		CHECK(gone_soon(socket_path));
	CHECK_EQUAL(test_entries("/proc/self/fd"), fds_at_begin);
	if (umount2(test_mnt, 0) < 0) {
		fprintf(stderr, "%s: still in use: %s\n", test_mnt, strerror(errno));
		failures++;
	}
	for (size_t i = 0; i < path_count; i++)
		free(paths[i]);
	path_count = 0;
	return failures ? 1 : 0;
}

int test_end_child(void)
{
	return failures ? 1 : 0;
}

static const char *keep_path(const char *folder, const char *format, va_list arguments)
{
	size_t index = __atomic_fetch_add(&path_count, 1, __ATOMIC_RELAXED), length;
	char *path = calloc(1, PATH_MAX);

	if (!path || index >= PATHS_MAX)
		abort();
	length = (size_t)snprintf(path, PATH_MAX, "%s%s", folder, *format ? "/" : "");
	vsnprintf(path + length, PATH_MAX - length, format, arguments);
	paths[index] = path;
	return path;
}

const char *test_at(const char *format, ...)
{
	va_list arguments;
	const char *path;

	va_start(arguments, format);
	path = keep_path(test_mnt, format, arguments);
	va_end(arguments);
	return path;
}

__attribute__((format(printf, 2, 3)))
static const char *path_in(const char *folder, const char *format, ...)
{
	va_list arguments;
	const char *path;

	va_start(arguments, format);
	path = keep_path(folder, format, arguments);
	va_end(arguments);
	return path;
}

const char *test_built(const char *path)
{
	return path_in(build_dir, "%s", path);
}

/* The daemon */

static void show_daemon_log(void)
{
	FILE *log = fopen(path_in(shared_dir ?: test_dir, "daemon.log"), "re");
	char line[1024];

	while (log && fgets(line, sizeof(line), log))
		fprintf(stderr, "daemon: %s", line);
	if (log)
		fclose(log);
}

static bool daemon_listens(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (strlen(socket_path) >= sizeof(address.sun_path)) {
		fprintf(stderr, "%s: too long for a socket\n", socket_path);
		exit(1);
	}
	strcpy(address.sun_path, socket_path);
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static _Noreturn void daemon_child(const char **argv)
{
	int log = open(path_in(test_dir, "daemon.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (log >= 0) {
		dup2(log, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
	}
	execv(argv[0], (char **)argv);
	perror(argv[0]);
	_exit(127);
}

static void await_daemon(void)
{
	uint64_t limit = test_now() + 10000000000ull * test_slow();
	int status;

	while (!daemon_listens()) {
		if (waitpid(daemon_pid, &status, WNOHANG) == daemon_pid) {
			daemon_pid = 0;
			show_daemon_log();
			fprintf(stderr, "the daemon ended, with wait status %#x\n", status);
			exit(1);
		}
		if (test_now() > limit) {
			show_daemon_log();
			fprintf(stderr, "the daemon doesn't listen\n");
			exit(1);
		}
		test_sleep_ms(10);
	}
}

static void daemon_start(const char *option, va_list options)
{
	const char *cgroup = getenv("ES_TEST_CGROUP");
	/* Without identities: reading all packages takes longer than most tests, and one test of its own does it. */
	const char *argv[32] = {test_built("daemon/endpointsecurityd"), "--socket", socket_path, "--identity", "no"};
	size_t argc = 5;

	if (test_all_mounts && !cgroup)
		test_skip("a cgroup of the test's own");
	if (!test_no_scope && !test_all_mounts) {
		argv[argc++] = "--scope-mount";
		argv[argc++] = test_mnt;
	}
	if (!test_no_scope && cgroup) {
		argv[argc++] = "--scope-cgroup";
		argv[argc++] = cgroup;
	}
	for (; option && argc < ARRAY_SIZE(argv) - 1; option = va_arg(options, const char *))
		argv[argc++] = option;

	/* After this daemon has ended, a new client must not start a private one, which would look at and hold everything. */
	setenv("ENDPOINTSECURITYD", path_in(test_dir, "no-private-daemon"), 1);
	daemon_pid = fork();
	if (daemon_pid == 0)
		daemon_child(argv);
	await_daemon();
}

pid_t test_daemon(const char *option, ...)
{
	const char *shared = getenv("ES_TEST_SHARED");
	va_list options;

	if (!option && shared && !test_no_scope) {
		shared_dir = shared;
		snprintf(socket_path, sizeof(socket_path), "%.4000s/control", shared_dir);
		setenv("ENDPOINTSECURITY_SOCKET", socket_path, 1);
		return 0;
	}
	va_start(options, option);
	daemon_start(option, options);
	va_end(options);
	return daemon_pid;
}

static pid_t start_own(const char *option, ...)
{
	va_list options;

	va_start(options, option);
	daemon_start(option, options);
	va_end(options);
	return daemon_pid;
}

pid_t test_daemon_own(void)
{
	return start_own(NULL);
}

int test_daemon_stop(int signal)
{
	pid_t pid = daemon_pid;
	int status;

	REQUIRE(pid > 0);		/* a test must not stop the shared one */
	kill(pid, signal);
	kill(pid, SIGCONT);
	status = test_wait(pid);
	daemon_pid = 0;
	if (status != 0 && signal == SIGTERM)
		show_daemon_log();
	return status;
}

static bool is_called(pid_t pid, const char *name)
{
	char path[64], comm[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)!read(fd, comm, sizeof(comm) - 1);
		close(fd);
	}
	comm[strcspn(comm, "\n")] = '\0';
	return !strcmp(comm, name);
}

pid_t test_child_of(pid_t pid, const char *name)
{
	pid_t child, found = 0;
	char path[64];
	FILE *list;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	list = fopen(path, "re");
	REQUIRE(list);
	while (!found && fscanf(list, "%d", &child) == 1)
		if (is_called(child, name))
			found = child;
	fclose(list);
	return found;
}

pid_t test_daemon_of(pid_t keeper)
{
	return test_child_of(keeper, "endpointsecurit");
}

bool test_runs(pid_t pid)
{
	char path[64], state = 'Z';
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = fopen(path, "re");
	if (!stat)
		return false;
	if (fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(stat);
	return state != 'Z' && state != 'X';
}

/* Children */

static void children_add(pid_t pid)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		if (children[i] <= 0) {
			children[i] = pid;
			return;
		}
	}
	fprintf(stderr, "too many children\n");
	kill(pid, SIGKILL);
	exit(1);
}

static void children_remove(pid_t pid)
{
	for (size_t i = 0; i < CHILDREN_MAX; i++) {
		if (children[i] == pid)
			children[i] = 0;
	}
}

pid_t test_fork(test_child_f *function, void *context)
{
	pid_t parent = getpid(), pid;

	__atomic_add_fetch(&causes, 1, __ATOMIC_RELEASE);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(99);
		failures = 0;
		_exit(function(context));
	}
	children_add(pid);
	return pid;
}

int test_wait_ms(pid_t pid, unsigned int ms)
{
	uint64_t limit = test_now() + ms * 1000000ull;
	int status;
	pid_t done;

	for (;;) {
		done = waitpid(pid, &status, WNOHANG);
		if (done == pid) {
			children_remove(pid);
			return status;
		}
		if (done < 0 && errno != EINTR) {
			fprintf(stderr, "waitpid %d: %s\n", pid, strerror(errno));
			exit(1);
		}
		if (test_now() > limit)
			return -1;
		test_sleep_ms(1);
	}
}

int test_wait(pid_t pid)
{
	unsigned int seconds = 30 * test_slow();
	int status = test_wait_ms(pid, 1000 * seconds);

	if (status != -1)
		return status;
	fprintf(stderr, "process %d still runs after %u s: killed\n", pid, seconds);
	failures++;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	children_remove(pid);
	return status;
}

int test_run(test_child_f *function, void *context)
{
	return test_wait(test_fork(function, context));
}

int test_exec(const char *path, char *const argv[], pid_t *ret_pid)
{
	int report[2], error = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		exit(1);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execv(path, argv);
		error = errno;
		if (write(report[1], &error, sizeof(error)) < 0)
			_exit(98);
		_exit(99);
	}
	children_add(pid);
	close(report[1]);
	if (read(report[0], &error, sizeof(error)) < 0)
		error = errno;
	close(report[0]);
	if (ret_pid)
		*ret_pid = pid;
	if (!ret_pid || error)
		test_wait(pid);
	return error;
}

void test_write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		perror(path);
		exit(1);
	}
	close(fd);
}

bool test_mount_image(const char *type, const char *folder)
{
	char command[4 * PATH_MAX];

	/* 300 MiB is the least for xfs. The file has holes. */
	snprintf(command, sizeof(command), "cd %s && truncate -s 320M %s.image && PATH=$PATH:/sbin:/usr/sbin mkfs.%s -q %s "
		 "%s.image >/dev/null && mount -o loop %s.image %s", test_dir, type, type, strcmp(type, "ext4") ? "-f" : "-F",
		 type, type, folder);
	return system(command) == 0;
}

void test_copy(const char *from_path, const char *to_path, mode_t mode)
{
	_cleanup_close_ int from = open(from_path, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	char buffer[65536];
	ssize_t length;

	if (from < 0 || to < 0) {
		perror(from < 0 ? from_path : to_path);
		exit(1);
	}
	while ((length = read(from, buffer, sizeof(buffer))) > 0) {
		if (write(to, buffer, (size_t)length) != length)
			exit(1);
	}
}

const char *test_tiny(const char *name)
{
	const char *path = test_at("%s", name);

	test_copy(test_built("tests/harness/tiny"), path, 0755);
	return path;
}

/* Clients */

static void collect(struct test_client *client, const es_message_t *message)
{
	if (client->count == client->room) {
		client->room = client->room ? client->room * 2 : 256;
		client->message = realloc(client->message, client->room * sizeof(*client->message));
		if (!client->message)
			abort();
	}
	es_retain_message(message);
	client->message[client->count++] = message;
}

static void account(struct test_client *client, const es_message_t *message)
{
	es_event_type_t type = message->event_type;

	if (message->seq_num < client->next_seq[type] || message->global_seq_num < client->next_global)
		client->disorder = true;
	client->next_seq[type] = message->seq_num + 1;
	client->next_global = message->global_seq_num + 1;
	client->received[type]++;
	client->received_all++;
}

static void handle(es_client_t *es, const es_message_t *message, void *context)
{
	struct test_client *client = context;

	(void)es;
	(void)__atomic_load_n(&causes, __ATOMIC_ACQUIRE);
	pthread_mutex_lock(&client->lock);
	account(client, message);
	if (!client->counting)
		collect(client, message);
	pthread_cond_broadcast(&client->changed);
	pthread_mutex_unlock(&client->lock);

	if (message->action_type == ES_ACTION_TYPE_AUTH) {
		if (client->answer)
			client->answer(client, message);
		else
			test_allow(client, message);
	}
}

struct test_client *test_client(test_answer_f *answer, void *context)
{
	struct test_client *client = calloc(1, sizeof(*client));
	pthread_condattr_t attributes;
	es_new_client_result_t result;

	if (!client)
		abort();
	client->answer = answer;
	client->context = context;
	pthread_mutex_init(&client->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&client->changed, &attributes);
	pthread_condattr_destroy(&attributes);

	result = es_new_client_f(&client->client, handle, client);
	if (result != ES_NEW_CLIENT_RESULT_SUCCESS) {
		fprintf(stderr, "es_new_client_f: result %d\n", result);
		show_daemon_log();
		exit(1);
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (!clients[i]) {
			clients[i] = client;
			return client;
		}
	}
	abort();
}

void test_clear(struct test_client *client)
{
	pthread_mutex_lock(&client->lock);
	for (size_t i = 0; i < client->count; i++)
		es_release_message(client->message[i]);
	client->count = 0;
	pthread_mutex_unlock(&client->lock);
}

void test_client_delete(struct test_client *client)
{
	if (client->client)
		CHECK_EQUAL(es_delete_client(client->client), ES_RETURN_SUCCESS);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (clients[i] == client)
			clients[i] = NULL;
	}
	test_clear(client);
	free(client->message);
	pthread_mutex_destroy(&client->lock);
	pthread_cond_destroy(&client->changed);
	free(client);
}

void test_subscribe(struct test_client *client, ...)
{
	va_list types;

	va_start(types, client);
	for (;;) {
		int number = va_arg(types, int);
		es_event_type_t type = (es_event_type_t)number;

		if (number < 0)
			break;
		if (es_subscribe(client->client, &type, 1) != ES_RETURN_SUCCESS) {
			fprintf(stderr, "es_subscribe: %s refused\n", es_linux_event_name(type));
			show_daemon_log();
			exit(1);
		}
	}
	va_end(types);
}

struct sync_point {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool reached;
};

static void sync_reached(void *context)
{
	struct sync_point *point = context;

	pthread_mutex_lock(&point->lock);
	point->reached = true;
	pthread_cond_signal(&point->changed);
	pthread_mutex_unlock(&point->lock);
}

void test_hold(struct test_client *client, ...)
{
	va_list types;
	char feature[64];
	int type;

	va_start(types, client);
	while ((type = va_arg(types, int)) >= 0) {
		es_event_type_t one = (es_event_type_t)type;

		if (es_subscribe(client->client, &one, 1) == ES_RETURN_SUCCESS)
			continue;
		snprintf(feature, sizeof(feature), "holding %s: BPF LSM programs", es_linux_event_name(one));
		test_skip(feature);
	}
	va_end(types);
}

/* Without the library's lines about refused types: `esctl capabilities` lists these. */
unsigned int test_hold_all(struct test_client *client)
{
	unsigned int held = 0;
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDERR_FILENO);
	for (int type = 0; type < ES_EVENT_TYPE_LAST; type++) {
		const char *name = es_linux_event_name((es_event_type_t)type);

		if (name && !strncmp(name, "AUTH_", strlen("AUTH_")))
			held += es_subscribe(client->client, &(es_event_type_t){ (es_event_type_t)type }, 1) ==
				ES_RETURN_SUCCESS;
	}
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
	return held;
}

/* Asks `esctl capabilities` about one event only, so that the daemon loads few programs for it. */
static bool capabilities_say(const char *event, const char *text)
{
	char command[4096 + 64], line[1024];
	bool found = false;
	FILE *pipe;

	snprintf(command, sizeof(command), "%s capabilities %s 2>&1", test_built("tools/esctl"), event);
	pipe = popen(command, "re");
	while (pipe && fgets(line, sizeof(line), pipe))
		found = found || strstr(line, text);
	if (!pipe || pclose(pipe) != 0) {
		fprintf(stderr, "%s: doesn't work\n", command);
		exit(1);
	}
	return found;
}

bool test_is_on_9p(const char *path)
{
	FILE *table = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	bool found = false;

	while (table && (mount = getmntent(table)))
		found |= !strcmp(mount->mnt_type, "9p") && !strncmp(mount->mnt_dir, path, strlen(mount->mnt_dir));
	if (table)
		endmntent(table);
	return found;
}

bool test_has_gate(void)
{
	return capabilities_say("open", "at the gate");
}

bool test_has_task_work(void)
{
	return capabilities_say("unlink", "in task work");
}

bool test_has_objects(void)
{
	return capabilities_say("unlink", "the kernel's objects");
}

void test_sync(struct test_client *client)
{
	struct sync_point point = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};

	REQUIRE(es_sync_client_f(client->client, sync_reached, &point) == ES_RETURN_SUCCESS);
	pthread_mutex_lock(&point.lock);
	while (!point.reached)
		pthread_cond_wait(&point.changed, &point.lock);
	pthread_mutex_unlock(&point.lock);
}

void test_allow(struct test_client *client, const es_message_t *message)
{
	if (message->event_type == ES_EVENT_TYPE_AUTH_OPEN)
		CHECK_EQUAL(es_respond_flags_result(client->client, message, UINT32_MAX, false),
			    ES_RESPOND_RESULT_SUCCESS);
	else
		CHECK_EQUAL(es_respond_auth_result(client->client, message, ES_AUTH_RESULT_ALLOW, false),
			    ES_RESPOND_RESULT_SUCCESS);
}

void test_deny(struct test_client *client, const es_message_t *message)
{
	if (message->event_type == ES_EVENT_TYPE_AUTH_OPEN)
		CHECK_EQUAL(es_respond_flags_result(client->client, message, 0, false), ES_RESPOND_RESULT_SUCCESS);
	else
		CHECK_EQUAL(es_respond_auth_result(client->client, message, ES_AUTH_RESULT_DENY, false),
			    ES_RESPOND_RESULT_SUCCESS);
}

/* Messages */

pid_t test_pid(const es_process_t *process)
{
	return (pid_t)process->audit_token.val[5];
}

unsigned int test_pidversion(const es_process_t *process)
{
	return process->audit_token.val[7];
}

bool test_same_process(const audit_token_t *a, const audit_token_t *b)
{
	return a->val[5] == b->val[5] && a->val[7] == b->val[7];
}

static const es_file_t *create_file(const es_event_create_t *create)
{
	return create->destination_type == ES_DESTINATION_TYPE_EXISTING_FILE ? create->destination.existing_file :
									       create->destination.new_path.dir;
}

const es_file_t *test_file(const es_message_t *message)
{
	const es_events_t *event = &message->event;

	switch (message->event_type) {
	case ES_AUTH(EXEC):
	case ES_NOTIFY(EXEC):		return event->exec.target->executable;
	case ES_AUTH(OPEN):
	case ES_NOTIFY(OPEN):		return event->open.file;
	case ES_NOTIFY(FORK):		return event->fork.child->executable;
	case ES_NOTIFY(CLOSE):		return event->close.target;
	case ES_AUTH(CREATE):
	case ES_NOTIFY(CREATE):		return create_file(&event->create);
	case ES_AUTH(EXCHANGEDATA):
	case ES_NOTIFY(EXCHANGEDATA):	return event->exchangedata.file1;
	case ES_AUTH(LINK):
	case ES_NOTIFY(LINK):		return event->link.source;
	case ES_AUTH(RENAME):
	case ES_NOTIFY(RENAME):		return event->rename.source;
	case ES_AUTH(SETEXTATTR):
	case ES_NOTIFY(SETEXTATTR):	return event->setextattr.target;
	case ES_AUTH(GETEXTATTR):
	case ES_NOTIFY(GETEXTATTR):	return event->getextattr.target;
	case ES_AUTH(LISTEXTATTR):
	case ES_NOTIFY(LISTEXTATTR):	return event->listextattr.target;
	case ES_AUTH(DELETEEXTATTR):
	case ES_NOTIFY(DELETEEXTATTR):	return event->deleteextattr.target;
	case ES_AUTH(SETFLAGS):
	case ES_NOTIFY(SETFLAGS):	return event->setflags.target;
	case ES_AUTH(SETMODE):
	case ES_NOTIFY(SETMODE):	return event->setmode.target;
	case ES_AUTH(SETOWNER):
	case ES_NOTIFY(SETOWNER):	return event->setowner.target;
	case ES_AUTH(SETACL):
	case ES_NOTIFY(SETACL):		return event->setacl.target;
	case ES_AUTH(UNLINK):
	case ES_NOTIFY(UNLINK):		return event->unlink.target;
	case ES_NOTIFY(WRITE):		return event->write.target;
	case ES_AUTH(TRUNCATE):
	case ES_NOTIFY(TRUNCATE):	return event->truncate.target;
	case ES_AUTH(CHDIR):
	case ES_NOTIFY(CHDIR):		return event->chdir.target;
	case ES_AUTH(CHROOT):
	case ES_NOTIFY(CHROOT):		return event->chroot.target;
	case ES_NOTIFY(STAT):		return event->stat.target;
	case ES_NOTIFY(ACCESS):		return event->access.target;
	case ES_AUTH(UTIMES):
	case ES_NOTIFY(UTIMES):		return event->utimes.target;
	case ES_AUTH(CLONE):
	case ES_NOTIFY(CLONE):		return event->clone.source;
	case ES_NOTIFY(COPYFILE):	return event->copyfile.source;
	case ES_AUTH(FCNTL):
	case ES_NOTIFY(FCNTL):		return event->fcntl.target;
	case ES_AUTH(READDIR):
	case ES_NOTIFY(READDIR):	return event->readdir.target;
	case ES_AUTH(READLINK):
	case ES_NOTIFY(READLINK):	return event->readlink.source;
	case ES_NOTIFY(FSGETPATH):	return event->fsgetpath.target;
	case ES_NOTIFY(DUP):		return event->dup.target;
	case ES_AUTH(UIPC_BIND):
	case ES_NOTIFY(UIPC_BIND):	return event->uipc_bind.dir;
	case ES_AUTH(UIPC_CONNECT):
	case ES_NOTIFY(UIPC_CONNECT):	return event->uipc_connect.file;
	case ES_AUTH(MMAP):		return event->mmap.source;
	default:			return NULL;
	}
}

static bool fits(const es_message_t *message, const struct test_match *match)
{
	const es_file_t *file;

	if (match->type >= 0 && (int)message->event_type != match->type)
		return false;
	if (match->pid && test_pid(message->process) != match->pid)
		return false;
	if (!match->path)
		return true;
	file = test_file(message);
	return file && !strcmp(file->path.data, match->path);
}

static const es_message_t *find_locked(struct test_client *client, const struct test_match *match)
{
	unsigned int skip = match->skip;

	for (size_t i = 0; i < client->count; i++) {
		if (fits(client->message[i], match) && skip-- == 0)
			return client->message[i];
	}
	return NULL;
}

const es_message_t *test_find(struct test_client *client, const struct test_match *match)
{
	const es_message_t *message;

	pthread_mutex_lock(&client->lock);
	message = find_locked(client, match);
	pthread_mutex_unlock(&client->lock);
	return message;
}

const es_message_t *test_await(struct test_client *client, const struct test_match *match, unsigned int ms)
{
	uint64_t limit = test_now() + (uint64_t)ms * test_slow() * 1000000;
	struct timespec until = {(time_t)(limit / 1000000000), (long)(limit % 1000000000)};
	const es_message_t *message;

	pthread_mutex_lock(&client->lock);
	while (!(message = find_locked(client, match))) {
		if (pthread_cond_timedwait(&client->changed, &client->lock, &until) == ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&client->lock);
	return message;
}

size_t test_count(struct test_client *client, const struct test_match *match)
{
	size_t count = 0;

	pthread_mutex_lock(&client->lock);
	for (size_t i = 0; i < client->count; i++)
		count += fits(client->message[i], match);
	pthread_mutex_unlock(&client->lock);
	return count;
}

void test_print(struct test_client *client)
{
	pthread_mutex_lock(&client->lock);
	for (size_t i = 0; i < client->count && i < 30; i++) {
		const es_message_t *message = client->message[i];
		const es_file_t *file = test_file(message);

		fprintf(stderr, "  message %zu: %s pid %d of %s: %s\n", i, es_linux_event_name(message->event_type),
			test_pid(message->process), message->process->executable->path.data,
			file ? file->path.data : "-");
	}
	pthread_mutex_unlock(&client->lock);
}
