/* SPDX-License-Identifier: MIT */
#include "daemon/sensor/accounts.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "util/log.h"
#include "util/macro.h"

#define FOLDER "/etc"
#define FILE_NAME "passwd"
#define PASSWD FOLDER "/" FILE_NAME

/* If several accounts have a uid, the first one in the file counts. */
static const struct esd_passwd_entry *first_with(const struct esd_passwd_entry *entry,
						 const struct esd_accounts *accounts)
{
	const struct esd_passwd_entry *other;
	struct es_account_name name;

	if (bpf_map_lookup_elem(accounts->names_fd, &entry->account.uid, &name))
		return entry;
	other = esd_passwd_find(&accounts->passwd, &name);
	return other && other->account.uid == entry->account.uid && other->line < entry->line ? other : entry;
}

static void take_out(struct esd_accounts *accounts, const struct esd_passwd *now)
{
	for (size_t i = 0; i < accounts->passwd.count; i++) {
		const struct esd_passwd_entry *entry = &accounts->passwd.entries[i];
		const struct esd_passwd_entry *new = esd_passwd_find(now, &entry->name);

		if (!new)
			(void)bpf_map_delete_elem(accounts->accounts_fd, &entry->name);
		if (!new || new->account.uid != entry->account.uid)
			(void)bpf_map_delete_elem(accounts->names_fd, &entry->account.uid);
	}
}

static int put_in(struct esd_accounts *accounts)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < accounts->passwd.count; i++) {
		const struct esd_passwd_entry *entry = &accounts->passwd.entries[i];

		r = bpf_map_update_elem(accounts->accounts_fd, &entry->name, &entry->account, BPF_ANY);
		if (r == 0)
			r = bpf_map_update_elem(accounts->names_fd, &entry->account.uid,
						&first_with(entry, accounts)->name, BPF_ANY);
	}
	return r;
}

/* A file that can't be read leaves the maps as they are: some programs remove the file before they write it anew. */
static void read_again(struct esd_accounts *accounts)
{
	struct esd_passwd now;
	int r = esd_passwd_read(&now, PASSWD);

	if (r < 0) {
		log_warning("can't read " PASSWD ": %s; messages have the ids that it said before", strerror(-r));
		return;
	}
	take_out(accounts, &now);
	esd_passwd_deinit(&accounts->passwd);
	accounts->passwd = now;
	r = put_in(accounts);
	if (r < 0)
		log_warning("can't tell the kernel programs of all accounts: %s", strerror(-r));
}

static bool is_about_file(const char *events, ssize_t bytes)
{
	const struct inotify_event *event;

	for (ssize_t at = 0; at < bytes; at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const struct inotify_event *)(events + at);
		if (event->mask & IN_Q_OVERFLOW || (event->len && !strcmp(event->name, FILE_NAME)))
			return true;
	}
	return false;
}

static int changes_ready(struct loop_source *source, uint32_t events)
{
	struct esd_accounts *accounts = container_of(source, struct esd_accounts, changes);
	_Alignas(struct inotify_event) char buffer[4096];
	ssize_t n = read(accounts->inotify_fd, buffer, sizeof(buffer));

	(void)events;
	if (n > 0 && is_about_file(buffer, n))
		read_again(accounts);
	return 0;
}

static int watch(struct esd_accounts *accounts)
{
	accounts->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (accounts->inotify_fd < 0)
		return -errno;
	if (inotify_add_watch(accounts->inotify_fd, FOLDER, IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR) < 0)
		return -errno;
	return loop_add(accounts->loop, &accounts->changes, accounts->inotify_fd, EPOLLIN, changes_ready);
}

void esd_accounts_start(struct esd_accounts *accounts, struct loop *loop, int accounts_fd, int names_fd)
{
	int r;

	if (accounts->loop)
		return;
	*accounts = (struct esd_accounts){
		.loop = loop,
		.changes = LOOP_SOURCE_NONE,
		.inotify_fd = -1,
		.accounts_fd = accounts_fd,
		.names_fd = names_fd,
	};
	r = watch(accounts);
	if (r < 0)
		log_warning("can't watch " FOLDER ": %s; changes of " PASSWD " are not seen", strerror(-r));
	read_again(accounts);
}

void esd_accounts_deinit(struct esd_accounts *accounts)
{
	if (!accounts->loop)
		return;
	if (accounts->changes.fd >= 0)
		loop_remove(accounts->loop, &accounts->changes);
	closep(&accounts->inotify_fd);
	esd_passwd_deinit(&accounts->passwd);
	accounts->loop = NULL;
}
