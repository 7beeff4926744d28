/* SPDX-License-Identifier: MIT */
#include "daemon/serve/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/serve/connection.h"
#include "daemon/serve/daemon.h"
#include "util/archive.h"
#include "util/log.h"
#include "util/macro.h"

enum {
	BACKLOG = 128,
	PAUSE_MS = 10,			/* after a failure to accept for want of memory or descriptors */
};

void esd_listen_init(struct esd_listen *self, struct esd_daemon *daemon, const char *path)
{
	*self = (struct esd_listen){ .daemon = daemon, .source = LOOP_SOURCE_NONE, .path = path, .lock_fd = -1,
				       .fd = -1 };
}

static void socket_remove(const struct esd_listen *self)
{
	struct stat st;

	if (self->bound_inode && lstat(self->path, &st) == 0 && st.st_ino == self->bound_inode &&
	    st.st_dev == self->bound_device)
		(void)unlink(self->path);
}

void esd_listen_deinit(struct esd_listen *self)
{
	loop_remove(&self->daemon->loop, &self->source);
	closep(&self->fd);
	socket_remove(self);
	if (self->lock_fd >= 0)
		(void)unlink(self->lock_path);
	closep(&self->lock_fd);
	free(self->lock_path);
	esd_listen_init(self, self->daemon, self->path);
}

static int address_set(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (path[0] != '/' || strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

static int directory_make(const char *path)
{
	_cleanup_free_ char *directory = strdup(path);

	if (!directory)
		return -ENOMEM;
	*strrchr(directory, '/') = 0;
	if (!directory[0] || mkdir(directory, 0755) == 0 || errno == EEXIST)
		return 0;
	log_error("can't make the directory %s: %s", directory, strerror(errno));
	return -errno;
}

/* The holder removes the file when it ends, so the locked file may not have the name any more. Then try again. */
static int lock_take(struct esd_listen *self)
{
	for (;;) {
		_cleanup_close_ int fd = -1;
		struct stat mine, named;

		fd = open(self->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? EWOULDBLOCK : -errno;
		if (fstat(fd, &mine) < 0)
			return -errno;
		if (stat(self->lock_path, &named) < 0 || mine.st_ino != named.st_ino || mine.st_dev != named.st_dev)
			continue;
		self->lock_fd = TAKE_FD(fd);
		return 0;
	}
}

static int lock_path_make(struct esd_listen *self)
{
	free(self->lock_path);
	if (asprintf(&self->lock_path, "%s.lock", self->path) >= 0)
		return 0;
	self->lock_path = NULL;
	return -ENOMEM;
}

int esd_listen_lock(struct esd_listen *self)
{
	struct sockaddr_un address;
	int r;

	r = address_set(&address, self->path);
	if (r < 0) {
		log_error("%s: the socket's path has to be absolute, and shorter than %zu bytes", self->path,
			  sizeof(address.sun_path));
		return r;
	}
	r = directory_make(self->path);
	if (r < 0)
		return r;
	r = lock_path_make(self);
	if (r < 0)
		return r;
	r = lock_take(self);
	if (r == EWOULDBLOCK && self->passed) {
		log_notice("another daemon still serves the clients that it has; new ones come here");
		return 0;
	}
	if (r < 0)
		log_error("can't lock %s: %s", self->lock_path, strerror(-r));
	return r;
}

int esd_listen_keep(struct esd_listen *self, struct archive *archive)
{
	archive_fd(archive, &self->fd);
	archive_fd(archive, &self->lock_fd);
	ARCHIVE(archive, self->passed);
	ARCHIVE(archive, self->bound_device);
	ARCHIVE(archive, self->bound_inode);
	return archive->reading ? lock_path_make(self) : 0;
}

bool esd_listen_answered(const char *path)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address;

	if (address_set(&address, path) < 0)
		return false;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static int listen_ready(struct loop_source *source, uint32_t events)
{
	struct esd_listen *self = container_of(source, struct esd_listen, source);
	int fd, r;

	(void)events;
	fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	r = fd < 0 ? -errno : esd_connection_new(self->daemon, fd);
	if (r == 0 || r == -EAGAIN || r == -EINTR || r == -ECONNABORTED)
		return 0;
	log_limited(&self->daemon->complaints, LOG_LEVEL_WARNING, "can't accept a connection: %s", strerror(-r));
	(void)poll(NULL, 0, PAUSE_MS);
	return 0;
}

static int socket_bind(struct esd_listen *self)
{
	struct sockaddr_un address;
	struct stat st;
	int r;

	r = address_set(&address, self->path);
	if (r < 0)
		return r;
	self->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (self->fd < 0)
		return -errno;
	if (unlink(self->path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(self->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (lstat(self->path, &st) < 0)
		return -errno;
	self->bound_device = st.st_dev;
	self->bound_inode = st.st_ino;
	if (chmod(self->path, 0666) < 0)
		return -errno;
	return 0;
}

static bool is_option(int fd, int option, int expected)
{
	socklen_t size = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 && value == expected;
}

int esd_listen_pass(struct esd_listen *self, int fd)
{
	struct sockaddr_un address = {};
	socklen_t size = sizeof(address) - 1;

	self->fd = fd;
	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0 || address.sun_family != AF_UNIX ||
	    !is_option(fd, SO_TYPE, SOCK_SEQPACKET) || !is_option(fd, SO_ACCEPTCONN, 1)) {
		log_error("the supervisor passed something else than a listening socket for ListenSequentialPacket=%s",
			  self->path);
		return -EBADF;
	}
	if (strcmp(address.sun_path, self->path)) {
		log_error("the supervisor's socket is %s, but clients were to come to %s: give both the same path",
			  address.sun_path, self->path);
		return -EADDRNOTAVAIL;
	}
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	self->passed = true;
	return 0;
}

int esd_listen_start(struct esd_listen *self)
{
	int r = 0;

	if (!self->passed && self->fd < 0)
		r = socket_bind(self);
	if (r == 0 && listen(self->fd, BACKLOG) < 0)
		r = -errno;
	if (r == 0)
		r = loop_add(&self->daemon->loop, &self->source, self->fd, EPOLLIN, listen_ready);
	if (r < 0)
		log_error("can't listen at %s: %s", self->path, strerror(-r));
	return r;
}
