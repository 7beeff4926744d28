/* SPDX-License-Identifier: MIT */
/* libproc, read from /proc. A process that ends meanwhile counts as absent. */
#include <libproc.h>

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/pidfd.h>

#include <EndpointSecurity/ESLinux.h>

#include "compat/sleep.h"
#include "lib/unseen.h"
#include "util/macro.h"

EXPORT int proc_pidpath(int pid, void *buffer, uint32_t size)
{
	char link[32], path[PROC_PIDPATHINFO_MAXSIZE];
	ssize_t length;
	UNSEEN();

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	length = readlink(link, path, sizeof(path));
	if (length <= 0) {
		errno = errno == ENOENT ? ESRCH : errno;
		return 0;
	}
	if (!buffer || (size_t)length >= size || (size_t)length == sizeof(path)) {
		errno = ENOMEM;
		return 0;
	}
	memcpy(buffer, path, (size_t)length);
	((char *)buffer)[length] = '\0';
	return (int)length;
}

/* Reads /proc/PID/NAME into `text`, as far as it fits. */
static bool read_proc(int pid, const char *name, char *text, size_t size)
{
	char path[64];
	_cleanup_close_ int fd = -1;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, size - 1);
	if (length < 0) {
		errno = ESRCH;
		return false;
	}
	text[length] = '\0';
	return true;
}

/* The kernel keeps 15 bytes of a name. If the program's file name begins with these, use the file name. */
static bool name_of(int pid, char name[NAME_MAX + 1])
{
	char comm[64], path[PROC_PIDPATHINFO_MAXSIZE];
	const char *base;

	if (!read_proc(pid, "comm", comm, sizeof(comm)))
		return false;
	comm[strcspn(comm, "\n")] = '\0';
	strlcpy(name, comm, NAME_MAX + 1);
	if (strlen(comm) == MAXCOMLEN - 1 && proc_pidpath(pid, path, sizeof(path)) > 0) {
		base = strrchr(path, '/') + 1;
		if (strncmp(base, comm, MAXCOMLEN - 1) == 0)
			strlcpy(name, base, NAME_MAX + 1);
	}
	return true;
}

EXPORT int proc_name(int pid, void *buffer, uint32_t size)
{
	char name[NAME_MAX + 1];
	UNSEEN();

	if (!buffer || size == 0) {
		errno = ENOMEM;
		return 0;
	}
	if (!name_of(pid, name))
		return 0;
	strlcpy(buffer, name, size);
	return (int)strlen(buffer);
}

static uint32_t status_of(char state)
{
	switch (state) {
	case 'R':	return SRUN;
	case 'T':
	case 't':	return SSTOP;
	case 'Z':
	case 'X':	return SZOMB;
	default:	return SSLEEP;
	}
}

/* Converts a start time, in ticks since boot, to the time of day. */
static void put_start(struct proc_bsdinfo *info, unsigned long long ticks)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	struct timespec now, boot;
	int64_t us;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	us = (int64_t)(now.tv_sec - boot.tv_sec) * 1000000 + (now.tv_nsec - boot.tv_nsec) / 1000 +
	     (int64_t)(ticks * 1000000 / hz);
	info->pbi_start_tvsec = (uint64_t)us / 1000000;
	info->pbi_start_tvusec = (uint64_t)us % 1000000;
}

/* The fields of proc(5)'s stat after the name, which may contain any bytes. */
static bool put_stat(struct proc_bsdinfo *info, int pid)
{
	char text[1024], state;
	const char *rest;
	int parent, group, terminal, foreground;
	long nice;
	unsigned long long start;

	if (!read_proc(pid, "stat", text, sizeof(text)))
		return false;
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1, " %c %d %d %*d %d %d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %ld %*d %*d %llu", &state,
			    &parent, &group, &terminal, &foreground, &nice, &start) != 7) {
		errno = ESRCH;
		return false;
	}
	info->pbi_status = status_of(state);
	info->pbi_ppid = (uint32_t)parent;
	info->pbi_pgid = (uint32_t)group;
	info->e_tdev = (uint32_t)terminal;
	info->e_tpgid = foreground > 0 ? (uint32_t)foreground : 0;
	info->pbi_nice = (int32_t)nice;
	put_start(info, start);
	return true;
}

static bool put_ids(struct proc_bsdinfo *info, int pid)
{
	char text[4096];
	const char *uids, *gids;

	if (!read_proc(pid, "status", text, sizeof(text)))
		return false;
	uids = strstr(text, "\nUid:");
	gids = strstr(text, "\nGid:");
	errno = ESRCH;
	return uids && gids && sscanf(uids, "\nUid: %u %u %u", &info->pbi_ruid, &info->pbi_uid, &info->pbi_svuid) == 3 &&
	       sscanf(gids, "\nGid: %u %u %u", &info->pbi_rgid, &info->pbi_gid, &info->pbi_svgid) == 3;
}

static uint32_t fd_type(int folder, const char *name)
{
	char target[64];
	ssize_t length = readlinkat(folder, name, target, sizeof(target) - 1);

	if (length < 0)
		return PROX_FDTYPE_VNODE;
	target[length] = '\0';
	if (strncmp(target, "socket:", 7) == 0)
		return PROX_FDTYPE_SOCKET;
	if (strncmp(target, "pipe:", 5) == 0)
		return PROX_FDTYPE_PIPE;
	return PROX_FDTYPE_VNODE;
}

/* Returns how many descriptors a process has, and stores as many as fit in `fds`. -1: can't be read. */
static int list_fds(int pid, struct proc_fdinfo *fds, int room)
{
	char path[32];
	struct dirent *entry;
	DIR *folder;
	int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	folder = opendir(path);
	if (!folder) {
		errno = errno == ENOENT ? ESRCH : errno;
		return -1;
	}
	while ((entry = readdir(folder))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    (pid == getpid() && atoi(entry->d_name) == dirfd(folder)))
			continue;
		if (count < room)
			fds[count] = (struct proc_fdinfo){ atoi(entry->d_name), fd_type(dirfd(folder), entry->d_name) };
		count++;
	}
	closedir(folder);
	return count;
}

static bool bsd_info(int pid, struct proc_bsdinfo *info)
{
	char name[NAME_MAX + 1];
	int fds;

	memset(info, 0, sizeof(*info));
	info->pbi_pid = (uint32_t)pid;
	if (!put_stat(info, pid) || !put_ids(info, pid) || !name_of(pid, name))
		return false;
	strlcpy(info->pbi_comm, name, sizeof(info->pbi_comm));
	strlcpy(info->pbi_name, name, sizeof(info->pbi_name));
	fds = list_fds(pid, NULL, 0);
	info->pbi_nfiles = fds < 0 ? 0 : (uint32_t)fds;
	return true;
}

static bool short_info(int pid, struct proc_bsdshortinfo *to)
{
	struct proc_bsdinfo info;

	if (!bsd_info(pid, &info))
		return false;
	*to = (struct proc_bsdshortinfo){
		.pbsi_pid = info.pbi_pid,
		.pbsi_ppid = info.pbi_ppid,
		.pbsi_pgid = info.pbi_pgid,
		.pbsi_status = info.pbi_status,
		.pbsi_uid = info.pbi_uid,
		.pbsi_gid = info.pbi_gid,
		.pbsi_ruid = info.pbi_ruid,
		.pbsi_rgid = info.pbi_rgid,
		.pbsi_svuid = info.pbi_svuid,
		.pbsi_svgid = info.pbi_svgid,
	};
	memcpy(to->pbsi_comm, info.pbi_comm, sizeof(to->pbsi_comm));
	return true;
}

static int fd_info(int pid, void *buffer, int size)
{
	int room = buffer ? size / PROC_PIDLISTFD_SIZE : 0;
	int count = list_fds(pid, buffer, room);

	if (count < 0)
		return 0;
	return (buffer && count > room ? room : count) * PROC_PIDLISTFD_SIZE;
}

static bool vnode_info(int pid, const char *link, struct vnode_info_path *to)
{
	char path[64], target[PROC_PIDPATHINFO_MAXSIZE];
	struct stat stat_;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, link);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0 || stat(path, &stat_) < 0) {
		errno = errno == ENOENT ? ESRCH : errno;
		return false;
	}
	target[length] = '\0';
	to->vip_vi.vi_stat = (struct vinfo_stat){
		.vst_dev = (uint32_t)stat_.st_dev,
		.vst_mode = (uint16_t)stat_.st_mode,
		.vst_nlink = (uint16_t)stat_.st_nlink,
		.vst_ino = stat_.st_ino,
		.vst_uid = stat_.st_uid,
		.vst_gid = stat_.st_gid,
		.vst_atime = stat_.st_atim.tv_sec,
		.vst_atimensec = stat_.st_atim.tv_nsec,
		.vst_mtime = stat_.st_mtim.tv_sec,
		.vst_mtimensec = stat_.st_mtim.tv_nsec,
		.vst_ctime = stat_.st_ctim.tv_sec,
		.vst_ctimensec = stat_.st_ctim.tv_nsec,
		.vst_size = stat_.st_size,
		.vst_blocks = stat_.st_blocks,
		.vst_blksize = (int32_t)stat_.st_blksize,
		.vst_rdev = (uint32_t)stat_.st_rdev,
	};
	strlcpy(to->vip_path, target, sizeof(to->vip_path));
	return true;
}

static bool folders_info(int pid, struct proc_vnodepathinfo *to)
{
	memset(to, 0, sizeof(*to));
	return vnode_info(pid, "cwd", &to->pvi_cdir) && vnode_info(pid, "root", &to->pvi_rdir);
}

static void ignore(es_client_t *client, const es_message_t *message, void *context)
{
	(void)client;
	(void)message;
	(void)context;
}

/* The daemon knows which executions run, and refuses to mute any other. */
static int check_runs(const audit_token_t *token)
{
	es_client_t *client;
	int error = 0;

	if (es_new_client_f(&client, ignore, NULL) != ES_NEW_CLIENT_RESULT_SUCCESS)
		return EPERM;
	if (es_mute_process(client, token) != ES_RETURN_SUCCESS)
		error = ESRCH;
	es_delete_client(client);
	return error;
}

/* If the token's execution still runs once the pidfd is open, the pidfd is that process's. */
EXPORT int proc_signal_with_audittoken(audit_token_t *token, int signal)
{
	_cleanup_close_ int pidfd = -1;
	int error;

	if (!token)
		return EINVAL;
	pidfd = pidfd_open((pid_t)token->val[5], 0);
	if (pidfd < 0)
		return errno;
	error = check_runs(token);
	if (error)
		return error;
	return pidfd_send_signal(pidfd, signal, NULL, 0) < 0 ? errno : 0;
}

EXPORT int proc_pidinfo(int pid, int flavor, uint64_t argument, void *buffer, int size)
{
	int needed = flavor == PROC_PIDTBSDINFO ? PROC_PIDTBSDINFO_SIZE
		   : flavor == PROC_PIDT_SHORTBSDINFO ? PROC_PIDT_SHORTBSDINFO_SIZE
		   : flavor == PROC_PIDVNODEPATHINFO ? PROC_PIDVNODEPATHINFO_SIZE : 0;
	UNSEEN();

	(void)argument;		/* for flavors that this lacks */
	if (flavor == PROC_PIDLISTFDS)
		return fd_info(pid, buffer, size);
	if (!needed || !buffer || size < needed) {
		errno = needed ? ENOMEM : EINVAL;
		return 0;
	}
	if (flavor == PROC_PIDVNODEPATHINFO)
		return folders_info(pid, buffer) ? needed : 0;
	return (flavor == PROC_PIDTBSDINFO ? bsd_info(pid, buffer) : short_info(pid, buffer)) ? needed : 0;
}
