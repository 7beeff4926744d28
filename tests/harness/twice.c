/* SPDX-License-Identifier: MIT */

#include "twice.h"

#include <limits.h>

bool twice_disturbed;
const char *twice_ignored = "^$";
void (*twice_between)(const char *argument);
const char *twice_between_argument;

static struct test_client *client;
static uint64_t asked;

/* Without a gate, a call that can't start over doesn't wait for this answer. */
static void allow(struct test_client *test_client, const es_message_t *message)
{
	es_respond_result_t r;

	(void)test_client;
	asked++;
	if (message->event_type == ES_AUTH(OPEN))
		r = es_respond_flags_result(client->client, message, UINT32_MAX, false);
	else
		r = es_respond_auth_result(client->client, message, ES_AUTH_RESULT_ALLOW, false);
	/* NOT_FOUND: a signal or another thread's exec has ended the waiting task. */
	CHECK(r == ES_RESPOND_RESULT_SUCCESS || r == ES_RESPOND_RESULT_NOT_FOUND);
}

const char twice_commands[] =
	"export LC_ALL=C; exec 2>&1; mkdir a b; cp /etc/passwd a/p; cp -a a/p b/q; mv a/p a/r; ln a/r a/h;\n"
	"ln -s r a/s; ls -A a b; cat a/s | wc -l; chmod 640 a/r; chown 5:6 b/q; touch -d @1000 b/q; "
	"stat -c '%n %a %u %g %s %Y' b/q;\n"
	"head -c 5000 /dev/zero > zero; split -b 1000 zero part; cksum part*; "
	"dd if=zero of=copy bs=512 count=3 status=none;\n"
	"truncate -s 100 copy; install -m 755 copy bin; sort -r a/r | head -n 3; comm a/r b/q | tail -n 2; "
	"tac a/r | tail -n 1;\n"
	"rm a/h; rm a; echo $?; rmdir a; echo $?; rm nothing; echo $?; mkdir a; cat nothing; echo $?; "
	"cp nothing b; ln b c; mv nothing c; ls nothing;\n"
	"echo $?; chmod 1 nothing; echo $?;\n"
	"tar cf t.tar --mtime=@0 a b; tar tf t.tar; mkfifo f; (echo through > f &) ; cat f; "
	"mktemp -u XXXX | wc -c; readlink a/s;\n"
	"realpath b/../b; pwd | wc -l; flock lock true; setsid true; timeout 5 true; timeout 0.1 sleep 5; "
	"echo $?; nice true;\n"
	"unshare -m true; mountpoint b; findmnt -n nothing; getopt x -- -x; logger --no-act x >/dev/null; "
	"rev b/q | head -n 1; sync;\n"
	"find . -name '*q' -exec wc -c {} +; seq 5 | xargs -n 2 echo; tee out < b/q > /dev/null; cmp out b/q; "
	"shred -u out; kill -0 1;\n"
	"sleep 9 & kill $!; wait $! 2>/dev/null; echo $?; \n"
	"sh -c 'kill -STOP $$; echo resumed' & until [ $(cut -d' ' -f3 /proc/$!/stat) = T ]; do sleep 0.1; done;\n"
	"kill -CONT $!; wait $!; echo $?;\n";

void twice_begin(unsigned int seconds)
{
	test_begin(seconds);
	test_daemon(NULL);
	client = test_client(allow, NULL);
	client->counting = true;
	test_hold(client, ES_AUTH(UNLINK), -1);
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
}

static const char *output_of(int number)
{
	static char path[2][PATH_MAX];

	snprintf(path[number], PATH_MAX, "%.4000s/output-%d", test_dir, number);
	return path[number];
}

static int in_work(void *context)
{
	char *const *argv = context;

	if (chdir(test_mnt) < 0 || chdir("work") < 0)
		return 125;
	execvp(argv[0], argv);
	return 126;
}

struct command {
	char *const *argv;
	const char *output;
};

static void block_cont(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCONT);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int run(void *context)
{
	const struct command *command = context;
	int fd = open(command->output, O_WRONLY | O_CREAT | O_APPEND, 0644);

	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (twice_disturbed)
		block_cont();
	return in_work((void *)command->argv);
}

static int shell(const char *output, const char *text)
{
	char *const argv[] = { "sh", "-c", (char *)text, NULL };
	struct command command = { argv, output };

	return test_wait_ms(test_fork(run, &command), 60000 * test_slow());
}

/* Stops the process and lets it go on, again and again, until it has ended. */
static int disturb(void *context)
{
	pid_t pid = *(pid_t *)context;
	unsigned int random = (unsigned int)pid;

	do {
		random = random * 1103515245 + 12345;
		usleep(1000 + (random >> 16) % 20000);
		if (kill(pid, SIGSTOP) < 0)
			break;
		usleep((random >> 8) % 8000);
	} while (kill(pid, SIGCONT) == 0);
	return 0;
}

static uint64_t run_once(char *const argv[], int number)
{
	const char *output = output_of(number);
	struct command command = { argv, output };
	pid_t pid, disturber = -1;
	uint64_t start;
	FILE *file;
	int status;

	REQUIRE(mkdir(test_at("work"), 0755) == 0);
	start = test_now();
	pid = test_fork(run, &command);
	if (twice_disturbed)
		disturber = test_fork(disturb, &pid);
	status = test_wait_ms(pid, INT_MAX);
	if (disturber > 0)
		test_wait(disturber);
	start = test_now() - start;
	file = fopen(output, "ae");
	fprintf(file, "wait status %#x\n", (unsigned int)status);
	fclose(file);
	return start;
}

static void list_and_remove(int number)
{
	CHECK_EQUAL(shell(output_of(number), "find . -printf '%p %y %m %U %G %s %l\\n' | sort; "
			  "find . -type f -print0 | sort -z | xargs -0 sha256sum"), 0);
	CHECK_EQUAL(shell(output_of(number), "chmod -R u+w . && rm -rf ../work"), 0);
}

/* Prints how the outputs differ, and fails if they do. */
static int compare(void *context)
{
	(void)context;
	execlp("sh", "sh", "-c", "for f in \"$1\" \"$2\"; do grep -vE \"$3\" \"$f\" > \"$f.told\"; done; "
	       "diff -u \"$1.told\" \"$2.told\" | head -n 60; cmp \"$1.told\" \"$2.told\"", "sh", output_of(0), output_of(1),
	       twice_ignored, NULL);
	return 126;
}

void twice(char *const argv[])
{
	unsigned int held_types;
	uint64_t bare, held;

	(void)unlink(output_of(0));
	(void)unlink(output_of(1));
	bare = run_once(argv, 0);
	list_and_remove(0);
	if (twice_between)
		twice_between(twice_between_argument);
	asked = 0;
	held_types = test_hold_all(client);
	CHECK(held_types >= 20);
	printf("%u types of events are held\n", held_types);
	held = run_once(argv, 1);
	REQUIRE(es_unsubscribe_all(client->client) == ES_RETURN_SUCCESS);
	list_and_remove(1);
	printf("%s: bare %llu ms, held %llu ms, asked %llu times\n", argv[0], (unsigned long long)bare / 1000000,
	       (unsigned long long)held / 1000000, (unsigned long long)asked);
	CHECK(asked > 0);
	CHECK_EQUAL(test_run(compare, NULL), 0);
}
