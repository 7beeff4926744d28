/* SPDX-License-Identifier: MIT */
/* libproc: one's own process, a child's, and one that isn't there. Buffers that are too small. */
#include <libproc.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "lib/test.h"

enum { NOBODY = 0x3ffffff };		/* above any pid_max */

static void test_path(void)
{
	char path[PROC_PIDPATHINFO_MAXSIZE], real[PATH_MAX];
	int length = proc_pidpath(getpid(), path, sizeof(path));

	CHECK(realpath("/proc/self/exe", real));
	CHECK(length == (int)strlen(real) && strcmp(path, real) == 0);
	CHECK(proc_pidpath(getpid(), path, (uint32_t)length) == 0 && errno == ENOMEM);
	CHECK(proc_pidpath(getpid(), path, (uint32_t)length + 1) == length);
	CHECK(proc_pidpath(NOBODY, path, sizeof(path)) == 0 && errno == ESRCH);
}

static void test_name(void)
{
	char name[64], cut[5];

	CHECK(proc_name(getpid(), name, sizeof(name)) == (int)strlen(name));
	CHECK(strcmp(name, "test-compat-libproc") == 0);	/* longer than the kernel's 15 */
	CHECK(proc_name(getpid(), cut, sizeof(cut)) == 4 && strcmp(cut, "test") == 0);
	CHECK(proc_name(NOBODY, name, sizeof(name)) == 0 && errno == ESRCH);
	CHECK(proc_name(getpid(), name, 0) == 0 && errno == ENOMEM);
}

static void test_info(void)
{
	struct proc_bsdinfo info;
	struct proc_bsdshortinfo brief;
	time_t now = time(NULL);

	CHECK(proc_pidinfo(getpid(), PROC_PIDTBSDINFO, 0, &info, sizeof(info)) == PROC_PIDTBSDINFO_SIZE);
	CHECK(info.pbi_pid == (uint32_t)getpid() && info.pbi_ppid == (uint32_t)getppid());
	CHECK(info.pbi_pgid == (uint32_t)getpgrp() && info.pbi_status == SRUN);
	CHECK(info.pbi_uid == geteuid() && info.pbi_ruid == getuid() && info.pbi_gid == getegid());
	CHECK(strcmp(info.pbi_name, "test-compat-libproc") == 0 && strcmp(info.pbi_comm, "test-compat-lib") == 0);
	CHECK((time_t)info.pbi_start_tvsec <= now + 1 && (time_t)info.pbi_start_tvsec > now - 600);

	CHECK(proc_pidinfo(getpid(), PROC_PIDT_SHORTBSDINFO, 0, &brief, sizeof(brief)) == PROC_PIDT_SHORTBSDINFO_SIZE);
	CHECK(brief.pbsi_pid == info.pbi_pid && brief.pbsi_ppid == info.pbi_ppid && brief.pbsi_uid == info.pbi_uid);
	CHECK(strcmp(brief.pbsi_comm, info.pbi_comm) == 0);

	CHECK(proc_pidinfo(getpid(), PROC_PIDTBSDINFO, 0, &info, sizeof(info) - 1) == 0 && errno == ENOMEM);
	CHECK(proc_pidinfo(getpid(), 12345, 0, &info, sizeof(info)) == 0 && errno == EINVAL);
	CHECK(proc_pidinfo(NOBODY, PROC_PIDTBSDINFO, 0, &info, sizeof(info)) == 0 && errno == ESRCH);
}

static void test_folders(void)
{
	struct proc_vnodepathinfo info;
	char current[PATH_MAX];
	struct stat here;

	CHECK(getcwd(current, sizeof(current)) && stat(".", &here) == 0);
	CHECK(proc_pidinfo(getpid(), PROC_PIDVNODEPATHINFO, 0, &info, sizeof(info)) == PROC_PIDVNODEPATHINFO_SIZE);
	CHECK(!strcmp(info.pvi_cdir.vip_path, current) && info.pvi_cdir.vip_vi.vi_stat.vst_ino == here.st_ino);
	CHECK(!strcmp(info.pvi_rdir.vip_path, "/"));
	CHECK(proc_pidinfo(NOBODY, PROC_PIDVNODEPATHINFO, 0, &info, sizeof(info)) == 0 && errno == ESRCH);
}

static void test_states(void)
{
	struct proc_bsdinfo info;
	siginfo_t ended;
	pid_t pid = fork();

	if (pid == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	CHECK(waitid(P_PID, (id_t)pid, &ended, WSTOPPED) == 0);
	CHECK(proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, sizeof(info)) > 0 && info.pbi_status == SSTOP);
	CHECK(info.pbi_ppid == (uint32_t)getpid());
	kill(pid, SIGCONT);
	CHECK(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT) == 0);
	CHECK(proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, sizeof(info)) > 0 && info.pbi_status == SZOMB);
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK(proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, sizeof(info)) == 0);
}

static uint32_t type_of(const struct proc_fdinfo *fds, int bytes, int fd)
{
	for (int i = 0; i < bytes / PROC_PIDLISTFD_SIZE; i++)
		if (fds[i].proc_fd == fd)
			return fds[i].proc_fdtype;
	return UINT32_MAX;
}

static void test_descriptors(void)
{
	struct proc_fdinfo fds[256];
	int ends[2], file = open("/dev/null", O_RDONLY), sock = socket(AF_UNIX, SOCK_STREAM, 0), bytes, needed;

	CHECK(pipe(ends) == 0 && file >= 0 && sock >= 0);
	needed = proc_pidinfo(getpid(), PROC_PIDLISTFDS, 0, NULL, 0);
	bytes = proc_pidinfo(getpid(), PROC_PIDLISTFDS, 0, fds, sizeof(fds));
	CHECK(bytes == needed && bytes >= 4 * PROC_PIDLISTFD_SIZE);
	CHECK(type_of(fds, bytes, ends[0]) == PROX_FDTYPE_PIPE && type_of(fds, bytes, ends[1]) == PROX_FDTYPE_PIPE);
	CHECK(type_of(fds, bytes, file) == PROX_FDTYPE_VNODE && type_of(fds, bytes, sock) == PROX_FDTYPE_SOCKET);
	CHECK(type_of(fds, bytes, 255) == UINT32_MAX);
	CHECK(proc_pidinfo(getpid(), PROC_PIDLISTFDS, 0, fds, 2 * PROC_PIDLISTFD_SIZE) == 2 * PROC_PIDLISTFD_SIZE);
	CHECK(proc_pidinfo(NOBODY, PROC_PIDLISTFDS, 0, fds, sizeof(fds)) == 0 && errno == ESRCH);
}

int main(void)
{
	test_path();
	test_name();
	test_info();
	test_folders();
	test_states();
	test_descriptors();
	return 0;
}
