/* SPDX-License-Identifier: MIT */
/*
 * Protects a folder: all programs may read the files in it, and only the named programs may change them. Run as root.
 *
 *	cc protect.c $(pkg-config --cflags --libs EndpointSecurity) -o protect
 *	./protect --report /srv/secrets /usr/bin/dpkg		says what it would deny, and allows it
 *	./protect /srv/secrets /usr/bin/dpkg /usr/local/bin/rotate-secrets
 *
 * A named program may change the folder if it runs as root. This program compares its file (device and inode), not its
 * name. Users who run a program as themselves decide what it does, by LD_PRELOAD, ptrace(2), a debugger or arguments:
 * so the program must run as root. So don't name interpreters, shells or programs that start others either.
 *
 * Each operation that changes a file, its attributes or the tree of names asks first, except write(2): there is no
 * AUTH_WRITE, since Linux has no place to ask there. The client is asked when a file is opened for writing. Therefore:
 *
 *   - A descriptor that was opened for writing, or a shared writable mapping that was made, before this program began
 *     goes on working, even in a process that gets it later. (truncate and mmap of such a descriptor ask.)
 *   - A second name (hard link) outside of the folder, made before this program began, leads to the same file by a path
 *     that is not in the folder. This program looks for such files at its start, and reports them.
 *   - So does a second mount of the file system, or a bind mount of a folder in it, that root makes. While this program
 *     runs, users who aren't root can't mount. (So unprivileged containers can't start.) A file that they reach by a
 *     mount of their own, such as one that open_tree(2) makes, has its usual path.
 *
 * This program doesn't stop root, who can write to the disk, load a kernel module, or end this program. Kernels without
 * BPF LSM hold only exec and open: there this program says that it can't protect, and ends.
 */
#include <EndpointSecurity/ESLinux.h>

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
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
	CONNECT_MS = 2000,		/* how long to wait for a daemon that restarts; SIGTERM waits at most this long */
};

/*
 * All operations that change a folder. AUTH_OPEN alone would not do: programs can remove, rename, link and truncate
 * files by name, and change their attributes, without opening them.
 */
static const es_event_type_t events[] = {
	ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_AUTH_CREATE, ES_EVENT_TYPE_AUTH_UNLINK, ES_EVENT_TYPE_AUTH_RENAME,
	ES_EVENT_TYPE_AUTH_EXCHANGEDATA, ES_EVENT_TYPE_AUTH_LINK, ES_EVENT_TYPE_AUTH_CLONE, ES_EVENT_TYPE_AUTH_COPYFILE,
	ES_EVENT_TYPE_AUTH_TRUNCATE, ES_EVENT_TYPE_AUTH_MMAP, ES_EVENT_TYPE_AUTH_SETMODE, ES_EVENT_TYPE_AUTH_SETOWNER,
	ES_EVENT_TYPE_AUTH_SETFLAGS, ES_EVENT_TYPE_AUTH_UTIMES, ES_EVENT_TYPE_AUTH_SETEXTATTR,
	ES_EVENT_TYPE_AUTH_DELETEEXTATTR, ES_EVENT_TYPE_AUTH_SETACL, ES_EVENT_TYPE_AUTH_UIPC_BIND,
	ES_EVENT_TYPE_AUTH_MOUNT,
};

/* If a folder above were renamed, the protected folder would have another path. */
static const es_event_type_t renames[] = { ES_EVENT_TYPE_AUTH_RENAME, ES_EVENT_TYPE_AUTH_EXCHANGEDATA };

/* Linux: also set if the file is opened for reading with O_TRUNC, which empties it. */
static const uint32_t changing_flags = FWRITE;

static char folder[PATH_MAX];
static bool report_only;
static atomic_uint lines_lost;		/* that say() could not print */

/* The named programs. Keep their files open, so that no other file can get their inode numbers. */
static struct stat programs[PROGRAMS_MAX];
static size_t program_count;

/*
 * Operations that the handler has queued for the worker. The handler does no more than that: it must never wait for a
 * process that might itself be waiting for an answer.
 */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	es_client_t *client;		/* NULL: the client is about to be deleted, so don't answer */
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

/* Gets operations on the folder only (see select_folder()), and all mounts, which no path selects. */
static bool changes_folder(const es_message_t *message)
{
	const es_events_t *event = &message->event;

	switch (message->event_type) {
	case ES_EVENT_TYPE_AUTH_OPEN:
		return (uint32_t)event->open.fflag & changing_flags;
	case ES_EVENT_TYPE_AUTH_MMAP:
		return event->mmap.flags & MAP_SHARED && event->mmap.protection & PROT_WRITE;
	case ES_EVENT_TYPE_AUTH_CLONE:		/* a copy to another folder only reads here */
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

/* What the operation changes: the first of its files, or the folder that gets a new name. */
static const char *changed_path(const es_message_t *message)
{
	const es_events_t *event = &message->event;

	switch (message->event_type) {
	case ES_EVENT_TYPE_AUTH_OPEN:		return event->open.file->path.data;
	case ES_EVENT_TYPE_AUTH_CREATE:
		return event->create.destination_type == ES_DESTINATION_TYPE_EXISTING_FILE ?
			event->create.destination.existing_file->path.data : event->create.destination.new_path.dir->path.data;
	case ES_EVENT_TYPE_AUTH_UNLINK:		return event->unlink.target->path.data;
	case ES_EVENT_TYPE_AUTH_RENAME:		return event->rename.source->path.data;
	case ES_EVENT_TYPE_AUTH_EXCHANGEDATA:	return event->exchangedata.file1->path.data;
	case ES_EVENT_TYPE_AUTH_LINK:		return event->link.source->path.data;
	case ES_EVENT_TYPE_AUTH_CLONE:		return event->clone.target_dir->path.data;
	case ES_EVENT_TYPE_AUTH_COPYFILE:	return event->copyfile.target_dir->path.data;
	case ES_EVENT_TYPE_AUTH_TRUNCATE:	return event->truncate.target->path.data;
	case ES_EVENT_TYPE_AUTH_MMAP:		return event->mmap.source->path.data;
	case ES_EVENT_TYPE_AUTH_SETMODE:	return event->setmode.target->path.data;
	case ES_EVENT_TYPE_AUTH_SETOWNER:	return event->setowner.target->path.data;
	case ES_EVENT_TYPE_AUTH_SETFLAGS:	return event->setflags.target->path.data;
	case ES_EVENT_TYPE_AUTH_UTIMES:		return event->utimes.target->path.data;
	case ES_EVENT_TYPE_AUTH_SETEXTATTR:	return event->setextattr.target->path.data;
	case ES_EVENT_TYPE_AUTH_DELETEEXTATTR:	return event->deleteextattr.target->path.data;
	case ES_EVENT_TYPE_AUTH_SETACL:		return event->setacl.target->path.data;
	case ES_EVENT_TYPE_AUTH_UIPC_BIND:	return event->uipc_bind.dir->path.data;
	case ES_EVENT_TYPE_AUTH_MOUNT:		return event->mount.statfs->f_mntonname;
	default:				return "?";
	}
}

/* --- printing --- */

/* A name may contain any bytes, even a terminal's commands. Cuts what is too long. */
static const char *escaped(const char *text, char *buffer, size_t size)
{
	size_t used = 0;

	for (; *text && used + sizeof("\\x00") <= size; text++)
		used += (size_t)snprintf(buffer + used, size - used, *text < ' ' || *text == 0x7f || *text == '\\' ?
					 "\\x%02x" : "%c", (unsigned char)*text);
	buffer[used] = '\0';
	return buffer;
}

/*
 * Prints a line, or leaves it out if the reader of a pipe or terminal is gone or stands still: questions must not wait
 * for it, nor SIGTERM. When poll(2) finds a pipe writable, PIPE_BUF bytes fit.
 */
static __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
	char line[PIPE_BUF];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof(line))
		line[length = sizeof(line) - 1] = '\n';
	if (poll(&out, 1, 0) != 1 || out.revents != POLLOUT || write(STDOUT_FILENO, line, (size_t)length) != length)
		lines_lost++;
}

/* Call it before say(), so that the gap stands where it was. */
static void report_lost(void)
{
	unsigned int lost = atomic_exchange(&lines_lost, 0);

	if (!lost)
		return;
	say("%u lines could not be printed\n", lost);
	if (lines_lost)
		lines_lost += lost - 1;
}

static void report_denial(const es_message_t *message)
{
	char path[PIPE_BUF / 3], program[PIPE_BUF / 3];

	report_lost();
	say("%s: %s by pid %u, user %u, %s: %s\n", report_only ? "would be denied" : "denied",
	    es_linux_event_name(message->event_type), message->process->audit_token.val[5],
	    message->process->audit_token.val[1], escaped(message->process->executable->path.data, program, sizeof(program)),
	    escaped(changed_path(message), path, sizeof(path)));
}

/*
 * Lets the kernel keep no answer (cache is false): it would apply the answer to each operation with the same executable
 * and file, whatever the user. But the user matters here.
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

/* If the queue is full, don't answer: after the deadline ES_DEADLINE_MISS_MODE_FAIL_CLOSED denies the operation. */
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

/* Holds the lock while it answers, so that the client can't be deleted meanwhile. It waits for nothing with the lock. */
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
 * Inverted target muting selects: the kernel asks this client about the folder and nothing else. Unmute all executables
 * first, also the default set: users could change the folder by running such a program.
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

/* Set everything before the first subscription: from then on the kernel asks the client, which has to answer. */
static int new_client(es_client_t **ret_client)
{
	es_client_t *client;
	es_new_client_result_t result = es_new_client_f(&client, handle, NULL);
	es_deadline_miss_mode_t mode = report_only ? ES_DEADLINE_MISS_MODE_FAIL_OPEN : ES_DEADLINE_MISS_MODE_FAIL_CLOSED;
	bool ended;

	if (result != ES_NEW_CLIENT_RESULT_SUCCESS)
		return result == ES_NEW_CLIENT_RESULT_ERR_INTERNAL ? -EAGAIN : -EPERM;
	set_client(client);
	if (es_set_deadline_miss_mode(client, mode) == ES_RETURN_SUCCESS &&
	    select_folder(client) && es_subscribe(client, events, COUNT(events)) == ES_RETURN_SUCCESS) {
		*ret_client = client;
		return 0;
	}
	set_client(NULL);
	ended = es_linux_stream_ended(client);
	es_delete_client(client);
	return ended ? -EAGAIN : -EOPNOTSUPP;
}

static bool stopped(int signal_fd, int timeout_ms)
{
	struct pollfd fd = { .fd = signal_fd, .events = POLLIN };

	return poll(&fd, 1, timeout_ms) > 0;
}

/* Waits for a signal (false) or the daemon's end (true). */
static bool serve(es_client_t *client, int signal_fd)
{
	struct pollfd fds[] = {
		{ .fd = signal_fd, .events = POLLIN },
		{ .fd = es_linux_stream_end_fd(client), .events = POLLIN },
	};

	while (poll(fds, COUNT(fds), -1) < 0)
		;
	return !fds[0].revents;
}

/* Once the folder is protected, nobody can make further names. */
static void report_second_names(void)
{
	char *const roots[] = { folder, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL, NULL);
	char path[PIPE_BUF / 2];
	bool complete = tree;
	FTSENT *entry;

	while (tree && (entry = fts_read(tree))) {
		complete &= entry->fts_info != FTS_ERR && entry->fts_info != FTS_DNR && entry->fts_info != FTS_NS;
		if (entry->fts_info != FTS_F || entry->fts_statp->st_nlink == 1)
			continue;
		say("has %ju names, some may be outside: %s\n", (uintmax_t)entry->fts_statp->st_nlink,
		    escaped(entry->fts_path, path, sizeof(path)));
	}
	if (!complete)
		say("could not look everywhere for files with several names\n");
	if (tree)
		fts_close(tree);
}

/*
 * If the daemon ends, the kernel asks nobody until the next one runs, so report the gap. With a keeper there is no gap,
 * and the stream doesn't end.
 */
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
		say("%s is %s\n", folder, report_only ? "watched" : "protected");
		first = false;
		if (!serve(client, signal_fd))
			break;
		say("%s is NOT %s: the daemon has ended\n", folder, report_only ? "watched" : "protected");
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

/* The path as messages have it, without links. Refuses "/", which would be all files. */
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

	/* Block the signals in all threads and read them from a descriptor, so that the program can end in order. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);	/* the folder stays protected when nobody reads the log any more */
	if (signal_fd < 0 || pthread_create(&worker, NULL, work, NULL)) {
		fprintf(stderr, "protect: can't start\n");
		return EXIT_FAILURE;
	}
	return protect(signal_fd);
}
