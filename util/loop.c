/* SPDX-License-Identifier: MIT */
#include "util/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

int loop_init(struct loop *loop)
{
	*loop = (struct loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	return loop->epoll_fd < 0 ? -errno : 0;
}

void loop_deinit(struct loop *loop)
{
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->epoll_fd = -1;
}

int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events,
	     int (*ready)(struct loop_source *source, uint32_t events))
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	source->fd = fd;
	source->ready = ready;
	return 0;
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	source->fd = -1;
}

int loop_step(struct loop *loop, int timeout_ms)
{
	struct loop_source *source;
	struct epoll_event event;
	int n, r;

	n = epoll_wait(loop->epoll_fd, &event, 1, timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return 0;
	source = event.data.ptr;
	r = source->ready(source, event.events);
	if (loop->after)
		loop->after(loop);
	return r < 0 ? r : 1;
}

int loop_run(struct loop *loop)
{
	while (!loop->stop) {
		int r = loop_step(loop, -1);

		if (r < 0)
			return r;
	}
	return loop->result;
}

void loop_stop(struct loop *loop, int result)
{
	loop->stop = true;
	loop->result = result;
}
