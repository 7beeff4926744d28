/* SPDX-License-Identifier: MIT */
/*
 * Protects a folder: programs may read what is in it, and only those that are named may change it. Run as root.
 *
 *	cc protect.c $(pkg-config --cflags --libs EndpointSecurity) -o protect
 *	./protect --report /srv/secrets /usr/bin/dpkg		says what it would deny, and allows it
 *	./protect /srv/secrets /usr/bin/dpkg /usr/local/bin/rotate-secrets
 *
 * A named program may change the folder if it runs as root. It is known by its file, not by its name: device and inode.
 * That it runs as root is part of it: whoever may run a program as themselves decides what it does, by LD_PRELOAD,
 * ptrace(2), a debugger or its arguments. So don't name interpreters, shells or programs that start others.
 *
 * Everything that changes a file, its attributes or the tree of names asks first, with one exception, which Linux
 * has no place to ask at: there is no AUTH_WRITE. A file is asked about when it is opened for writing. Therefore:
 *
 *   - A descriptor that was open for writing, or a mapping that was shared and writable, before this program began
 *     goes on working, also in a process that gets it later. (truncate and mmap of such a descriptor are asked about.)
 *   - A second name (hard link) outside of the folder, made before this program began, leads to the same file by a path
 *     that is not in the folder. They are looked for at the start, and reported.
 *   - So does a second mount of the file system, or a bind mount of a folder in it, that root makes. Those who are not
 *     root may not mount while this program runs. (So unprivileged containers do not start meanwhile.) What they reach
 *     by a mount that only they have, as open_tree(2) makes one, has the path that it has for everybody else.
 *
 * Root is not stopped: it can write to the disk itself, load a kernel module, and end this program. Kernels without BPF
 * LSM hold only exec and open, so there this program says that it can't protect, and ends.
 */
#include <EndpointSecurity/ESLinux.h>

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	PROGRAMS_MAX = 16,
	QUEUE_MAX = 1024,		/* operations that wait for the worker; a power of 2 */
	RECONNECT_MS = 100,
	CONNECT_MS = 2000,		/* for a daemon that comes back; SIGTERM waits for this at most */
};

/*
 * What changes a folder. AUTH_OPEN alone would be wrong: files are also removed, renamed, linked and truncated by name,
 * and their attributes changed, without being opened.
 */
static const es_event_type_t events[] = {
	ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_AUTH_CREATE, ES_EVENT_TYPE_AUTH_UNLINK, ES_EVENT_TYPE_AUTH_RENAME,
	ES_EVENT_TYPE_AUTH_EXCHANGEDATA, ES_EVENT_TYPE_AUTH_LINK, ES_EVENT_TYPE_AUTH_CLONE, ES_EVENT_TYPE_AUTH_COPYFILE,
	ES_EVENT_TYPE_AUTH_TRUNCATE, ES_EVENT_TYPE_AUTH_MMAP, ES_EVENT_TYPE_AUTH_SETMODE, ES_EVENT_TYPE_AUTH_SETOWNER,
	ES_EVENT_TYPE_AUTH_SETFLAGS, ES_EVENT_TYPE_AUTH_UTIMES, ES_EVENT_TYPE_AUTH_SETEXTATTR,
	ES_EVENT_TYPE_AUTH_DELETEEXTATTR, ES_EVENT_TYPE_AUTH_SETACL, ES_EVENT_TYPE_AUTH_UIPC_BIND,
	ES_EVENT_TYPE_AUTH_MOUNT,
};

/* A folder above the protected one has to keep its name, or the protected one gets another. */
static const es_event_type_t renames[] = { ES_EVENT_TYPE_AUTH_RENAME, ES_EVENT_TYPE_AUTH_EXCHANGEDATA };

/* Linux: also set if the file is opened for reading with O_TRUNC, which empties it. */
static const uint32_t changing_flags = FWRITE;

static char folder[PATH_MAX];
static bool report_only;

/* The named programs. Their files are kept open, so that no other file can get their inode numbers. */
static struct stat programs[PROGRAMS_MAX];
static size_t program_count;

/*
 * Operations on their way from the handler to the worker. The handler only queues: it must never wait for anything that
 * might itself be waiting for an answer.
 */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	es_client_t *client;		/* NULL: no answers are wanted, the client is about to go */
	const es_message_t *messages[QUEUE_MAX];
	size_t first, count;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER };

/* --- judging --- */

static bool is_inside(const char *path)
{
	size_t length = strlen(folder);

	return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

static bool is_named_program(const es_process_t *process)
{
	const struct stat *executable = &process->executable->stat;

	if (process->audit_token.val[1] != 0)	/* the effective user */
		return false;
	for (size_t i = 0; i < program_count; i++)
		if (executable->st_dev == programs[i].st_dev && executable->st_ino == programs[i].st_ino)
			return true;
	return false;
}

/* Only what has to do with the folder arrives here (see select_folder()), and mounts, which no path selects. */
static bool changes_folder(const es_message_t *message)
{
	const es_events_t *event = &message->event;

	switch (message->event_type) {
	case ES_EVENT_TYPE_AUTH_OPEN:
		return (uint32_t)event->open.fflag & changing_flags;
	case ES_EVENT_TYPE_AUTH_MMAP:
		return event->mmap.flags & MAP_SHARED && event->mmap.protection & PROT_WRITE;
	case ES_EVENT_TYPE_AUTH_CLONE:		/* a copy that goes out of the folder only reads there */
		return is_inside(event->clone.target_dir->path.data);
	case ES_EVENT_TYPE_AUTH_COPYFILE:
		return is_inside(event->copyfile.target_dir->path.data) ||
		       (event->copyfile.target_file && is_inside(event->copyfile.target_file->path.data));
	case ES_EVENT_TYPE_AUTH_MOUNT:
		return message->process->audit_token.val[1] != 0;
	default:
		return true;
	}
}

/* Names may have anything in them, also what a terminal would obey. */
static void print_escaped(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text == 0x7f || *text == '\\')
			printf("\\x%02x", (unsigned char)*text);
		else
			putchar(*text);
}

static void report_denial(const es_message_t *message)
{
	printf("%s: %s by pid %u, user %u, ", report_only ? "would be denied" : "denied",
	       es_linux_event_name(message->event_type), message->process->audit_token.val[5], message->process->audit_token.val[1]);
	print_escaped(message->process->executable->path.data);
	putchar('\n');
}

/*
 * An answer may be kept, for the next such operation, only if it follows from what counts as such: executable and file,
 * but not the user. So what a named program may do is decided each time.
 */
static void answer(es_client_t *client, const es_message_t *message)
{
	bool named = is_named_program(message->process), unwanted = !named && changes_folder(message);
	bool allow = report_only || !unwanted;

	if (message->event_type == ES_EVENT_TYPE_AUTH_OPEN)
		es_respond_flags_result(client, message, allow ? UINT32_MAX : ~changing_flags, false);
	else
		es_respond_auth_result(client, message, allow ? ES_AUTH_RESULT_ALLOW : ES_AUTH_RESULT_DENY, false);
	if (unwanted)
		report_denial(message);
}

/* --- from the handler to the worker --- */

/*
 * If the queue is full, the message gets no answer: the deadline passes, and ES_DEADLINE_MISS_MODE_FAIL_CLOSED denies.
 */
static void handle(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)context;
	pthread_mutex_lock(&queue.lock);
	if (queue.count < QUEUE_MAX) {
		es_retain_message(message);
		queue.messages[(queue.first + queue.count++) % QUEUE_MAX] = message;
		pthread_cond_signal(&queue.filled);
	}
	pthread_mutex_unlock(&queue.lock);
}

/* The lock is held while it answers, so that the client can't be deleted meanwhile: judging waits for nothing. */
static void *work(void *context)
{
	(void)context;
	pthread_mutex_lock(&queue.lock);
	for (;;) {
		const es_message_t *message;

		while (!queue.count)
			pthread_cond_wait(&queue.filled, &queue.lock);
		message = queue.messages[queue.first];
		queue.first = (queue.first + 1) % QUEUE_MAX;
		queue.count--;
		if (queue.client)
			answer(queue.client, message);
		es_release_message(message);
	}
	return NULL;
}

static void set_client(es_client_t *client)
{
	pthread_mutex_lock(&queue.lock);
	queue.client = client;
	while (!client && queue.count) {
		es_release_message(queue.messages[queue.first]);
		queue.first = (queue.first + 1) % QUEUE_MAX;
		queue.count--;
	}
	pthread_mutex_unlock(&queue.lock);
}

/* --- the client --- */

/*
 * Inverted, target muting selects: this client is asked about the folder, and about nothing else. All muting by
 * executable goes first, also the default set, for whoever may run such a program could change the folder through it.
 */
static bool select_folder(es_client_t *client)
{
	char path[PATH_MAX + 1];

	if (es_unmute_all_paths(client) != ES_RETURN_SUCCESS ||
	    es_invert_muting(client, ES_MUTE_INVERSION_TYPE_TARGET_PATH) != ES_RETURN_SUCCESS ||
	    es_mute_path(client, folder, ES_MUTE_PATH_TYPE_TARGET_LITERAL) != ES_RETURN_SUCCESS)
		return false;
	snprintf(path, sizeof(path), "%s/", folder);
	if (es_mute_path(client, path, ES_MUTE_PATH_TYPE_TARGET_PREFIX) != ES_RETURN_SUCCESS)
		return false;
	strcpy(path, folder);
	for (char *slash = strrchr(path, '/'); slash && slash != path; slash = strrchr(path, '/')) {
		*slash = '\0';
		if (es_mute_path_events(client, path, ES_MUTE_PATH_TYPE_TARGET_LITERAL, renames, COUNT(renames)) !=
		    ES_RETURN_SUCCESS)
			return false;
	}
	return true;
}

/* Everything is set before the first subscription: from that on the client is asked, and has to answer. */
static int new_client(es_client_t **ret_client)
{
	es_client_t *client;
	es_new_client_result_t result = es_new_client_f(&client, handle, NULL);
	es_deadline_miss_mode_t mode = report_only ? ES_DEADLINE_MISS_MODE_FAIL_OPEN : ES_DEADLINE_MISS_MODE_FAIL_CLOSED;

	if (result != ES_NEW_CLIENT_RESULT_SUCCESS)
		return result == ES_NEW_CLIENT_RESULT_ERR_INTERNAL ? -EAGAIN : -EPERM;
	set_client(client);
	if (es_set_deadline_miss_mode(client, mode) == ES_RETURN_SUCCESS &&
	    select_folder(client) && es_subscribe(client, events, COUNT(events)) == ES_RETURN_SUCCESS) {
		*ret_client = client;
		return 0;
	}
	set_client(NULL);
	result = es_linux_stream_ended(client) ? -EAGAIN : -EOPNOTSUPP;
	es_delete_client(client);
	return result;
}

static bool stopped(int signal_fd, int timeout_ms)
{
	struct pollfd fd = { .fd = signal_fd, .events = POLLIN };

	return poll(&fd, 1, timeout_ms) > 0;
}

/* Until a signal comes, or the daemon has gone. */
static bool serve(es_client_t *client, int signal_fd)
{
	while (!es_linux_stream_ended(client))
		if (stopped(signal_fd, RECONNECT_MS))
			return false;
	return true;
}

/* No more can be made once the folder is protected. */
static void report_second_names(void)
{
	char *const roots[] = { folder, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL, NULL);
	bool complete = tree;
	FTSENT *entry;

	while (tree && (entry = fts_read(tree))) {
		complete &= entry->fts_info != FTS_ERR && entry->fts_info != FTS_DNR && entry->fts_info != FTS_NS;
		if (entry->fts_info != FTS_F || entry->fts_statp->st_nlink == 1)
			continue;
		printf("has %ju names, some may be outside: ", (uintmax_t)entry->fts_statp->st_nlink);
		print_escaped(entry->fts_path);
		putchar('\n');
	}
	if (!complete)
		printf("could not look everywhere for files with several names\n");
	if (tree)
		fts_close(tree);
}

/* The daemon may end (with a keeper it is followed by another one, and no one notices): while it is gone nobody is asked, so the gap is reported. */
static int protect(int signal_fd)
{
	bool first = true;
	es_client_t *client;
	int r;

	for (;;) {
		r = new_client(&client);
		es_linux_set_connect_timeout_milliseconds(CONNECT_MS);
		if (r == -EAGAIN && !first) {
			if (stopped(signal_fd, RECONNECT_MS))
				return EXIT_SUCCESS;
			continue;
		}
		if (r < 0) {
			fprintf(stderr, "protect: %s\n", r == -EOPNOTSUPP ?
				"this system can't hold all that changes a folder; `esctl capabilities' says why" :
				"can't become a client; is this root, and the daemon installed?");
			return EXIT_FAILURE;
		}
		if (first)
			report_second_names();
		printf("%s is %s\n", folder, report_only ? "watched" : "protected");
		first = false;
		if (!serve(client, signal_fd))
			break;
		printf("%s is NOT %s: the daemon has ended\n", folder, report_only ? "watched" : "protected");
		set_client(NULL);
		es_delete_client(client);
	}
	set_client(NULL);
	es_delete_client(client);
	return EXIT_SUCCESS;
}

/* --- at the start --- */

static bool add_program(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);	/* never closed */

	if (program_count == PROGRAMS_MAX || fd < 0 || fstat(fd, &programs[program_count]) < 0) {
		fprintf(stderr, "protect: %s: %s\n", path, fd < 0 ? strerror(errno) : "one program too many");
		return false;
	}
	program_count++;
	return true;
}

/* The path that messages have: without links. "/" would be everything. */
static bool set_folder(const char *path)
{
	struct stat stat_;

	if (!realpath(path, folder) || stat(folder, &stat_) < 0 || !S_ISDIR(stat_.st_mode) || !folder[1]) {
		fprintf(stderr, "protect: %s: not a folder to protect\n", path);
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	pthread_t worker;
	sigset_t signals;
	int signal_fd;

	report_only = argc > 1 && !strcmp(argv[1], "--report");
	argv += report_only;
	argc -= report_only;
	if (argc < 2) {
		fprintf(stderr, "usage: protect [--report] FOLDER [PROGRAM]...\n");
		return EXIT_FAILURE;
	}
	if (!set_folder(argv[1]))
		return EXIT_FAILURE;
	for (int i = 2; i < argc; i++)
		if (!add_program(argv[i]))
			return EXIT_FAILURE;

	/* Blocked in all threads, and read from a descriptor: the program ends in its own order. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (signal_fd < 0 || pthread_create(&worker, NULL, work, NULL)) {
		fprintf(stderr, "protect: can't start\n");
		return EXIT_FAILURE;
	}
	return protect(signal_fd);
}
