/* SPDX-License-Identifier: MIT */
/* os_log: formats with annotations, types, and where lines go. */
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "compat/log.h"
#include "lib/test.h"

static char line[256];

static const char *format(const char *text, ...)
{
	va_list arguments;

	va_start(arguments, text);
	esc_log_format(line, sizeof(line), ENOENT, text, arguments);
	va_end(arguments);
	return line;
}

static void expect(const char *got, const char *expected)
{
	if (strcmp(got, expected) != 0) {
		printf("expected \"%s\", got \"%s\"\n", expected, got);
		exit(1);
	}
}

static void test_strings(void)
{
	expect(format("plain"), "plain");
	expect(format("100%% of %s", "it"), "100% of it");
	expect(format("%{public}s and %s", "a", "b"), "a and b");
	expect(format("%{private}s %d", "secret", 7), "<private> 7");
	expect(format("%{sensitive}d %{private, mask.hash}s.", 5, "x"), "<private> <private>.");
	expect(format("%{private}.*s|%d", 3, "secret", 7), "<private>|7");
	expect(format("%-5s|%5s|%.2s|%.*s", "ab", "ab", "abc", 1, "xyz"), "ab   |   ab|ab|x");
	expect(format("%{public}s", (char *)NULL), "(null)");
	expect(format("%ls", L"wide"), "wide");
	expect(format("%@ %d", (void *)line, 3), "<object> 3");
}

static void test_numbers(void)
{
	expect(format("%d %i %u %x %#X %o", -1, 2, 3u, 255, 255, 8), "-1 2 3 ff 0XFF 10");
	expect(format("%ld %lu %lld %llu %zu %zd", -1l, ~0ul, -2ll, 5ull, (size_t)9, (ssize_t)-9),
	       "-1 18446744073709551615 -2 5 9 -9");
	expect(format("%hhd %hhu %hd %hu", 257, 257, 65537, 65537), "1 1 1 1");
	expect(format("%{public}5d|%-5d|%05d|%+d", 42, 42, 42, 42), "   42|42   |00042|+42");
	expect(format("%*d|%c", 4, 42, 'x'), "  42|x");
	expect(format("%.2f %g %{private}f %Lg", 1.5, 0.25, 9.0, 2.5L), "1.50 0.25 <private> 2.5");
	expect(format("%u %d", 4000000000u, -5), "4000000000 -5");
}

static void test_annotations(void)
{
	const unsigned char uuid[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff };

	expect(format("%{bool}d %{BOOL}d %{public, bool}d", 1, 0, 0), "true NO false");
	expect(format("%{errno}d", EPERM), "[1: Operation not permitted]");
	expect(format("%{darwin.errno}d %m", EACCES), "[13: Permission denied] No such file or directory");
	expect(format("%{public,uuid_t}.16P", uuid), "00010203-0405-0607-0809-0A0B0C0D0EFF");
	expect(format("%.*P %d", 3, uuid, 4), "000102 4");
	expect(format("%.4P", (void *)NULL), "(null)");
	expect(format("%{iec-bytes}d", 4096), "4096");
	setenv("TZ", "UTC", 1);
	tzset();
	expect(format("%{time_t}d", 86400), "1970-01-02 00:00:00+0000");
	expect(format("%{public, not closed", 1), "%{public, not closed");
}

/* %n writes nothing; what isn't known ends the line; what is too long is cut. */
static void test_bad(void)
{
	static char big[1000];
	int untouched = 5;

	expect(format("a%nb%d", &untouched, 7), "ab7");
	CHECK(untouched == 5);
	expect(format("a %y b %s", 1), "a %y b %s");
	expect(format("end %"), "end %");
	memset(big, 'x', sizeof(big) - 1);
	CHECK(strlen(format("%s%s%d", big, big, 1)) == sizeof(line) - 1);
	CHECK(strlen(format(big)) == sizeof(line) - 1);
}

static void test_logs(void)
{
	os_log_t log = os_log_create("org.example", "tests");

	CHECK(log && log == os_log_create("org.example", "tests"));
	CHECK(log != os_log_create("org.example", "others") && log != OS_LOG_DEFAULT);
	unsetenv("OS_ACTIVITY_MODE");
	CHECK(os_log_type_enabled(log, OS_LOG_TYPE_INFO) && !os_log_debug_enabled(log));
	setenv("OS_ACTIVITY_MODE", "debug", 1);
	CHECK(os_log_debug_enabled(log) && !os_log_type_enabled(OS_LOG_DISABLED, OS_LOG_TYPE_FAULT));
	unsetenv("OS_ACTIVITY_MODE");
}

/* With OS_ACTIVITY_DT_MODE, a journal or none, lines are on stderr: one line each. errno is left alone. */
static void test_stderr(void)
{
	os_log_t log = os_log_create("org.example", "tests");
	const char *secret = "secret";
	int ends[2], saved = dup(STDERR_FILENO);
	char text[4096];
	ssize_t length;

	CHECK(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	setenv("OS_ACTIVITY_DT_MODE", "1", 1);
	errno = EBUSY;
	os_log(log, "one %{public}s %{private}s", "two", secret);
	CHECK(errno == EBUSY);
	os_log_error(OS_LOG_DEFAULT, "three");
	os_log_debug(log, "not seen");
	os_log_fault(OS_LOG_DISABLED, "nor this");
	os_log_info(log, "four %d", 4);
	dup2(saved, STDERR_FILENO);
	close(ends[1]);
	length = read(ends[0], text, sizeof(text) - 1);
	CHECK(length > 0);
	text[length] = '\0';
	close(ends[0]);
	close(saved);
	CHECK(strstr(text, "[org.example:tests] one two <private>\n"));
	CHECK(strstr(text, "] three\n") && strstr(text, "[org.example:tests] four 4\n"));
	CHECK(!strstr(text, "secret") && !strstr(text, "not seen") && !strstr(text, "nor this"));
}

/* A journal of our own, in mounts of our own. Last: it hides /run. */
static void test_journal(void)
{
	const struct sockaddr_un address = { AF_UNIX, "/run/systemd/journal/socket" };
	char text[4096];
	ssize_t length;
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("none", "/run", "tmpfs", 0, NULL)) {
		printf("the journal was not tried: it takes root\n");
		return;
	}
	CHECK(mkdir("/run/systemd", 0755) == 0 && mkdir("/run/systemd/journal", 0755) == 0);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	unsetenv("OS_ACTIVITY_DT_MODE");
	os_log_error(os_log_create("org.example", "tests"), "to the journal: %{public}s, %{private}s", "this", "secret");
	length = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (length < 0) {
		printf("built without libsystemd: there is no journal\n");
		return;
	}
	text[length] = '\0';
	CHECK(strstr(text, "MESSAGE=to the journal: this, <private>\n") && strstr(text, "PRIORITY=3\n"));
	CHECK(strstr(text, "SUBSYSTEM=org.example\n") && strstr(text, "CATEGORY=tests"));
	CHECK(strstr(text, "SYSLOG_IDENTIFIER=test-compat-log\n"));
	os_log(OS_LOG_DEFAULT, "plain");
	length = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	CHECK(length > 0);
	text[length] = '\0';
	CHECK(strstr(text, "MESSAGE=plain\n") && strstr(text, "PRIORITY=5\n") && !strstr(text, "SUBSYSTEM"));
	close(fd);
}

int main(void)
{
	test_strings();
	test_numbers();
	test_annotations();
	test_bad();
	test_logs();
	test_stderr();
	test_journal();
	return 0;
}
