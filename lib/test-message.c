/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include <EndpointSecurity/ESLinux.h>

#include "message.h"
#include "test-record.h"
#include "test.h"
#include "util/macro.h"

/* Every payload, from a record in which each part has a value of its own (test-record.h). */

static struct test_record record;

static bool is(es_string_token_t string, const char *expected)
{
	return string.length == strlen(expected) && !strcmp(string.data, expected);
}

static bool is_file(const es_file_t *file, unsigned int number)
{
	char path[32];

	snprintf(path, sizeof(path), "/file/%u", number);
	return file && is(file->path, path) && file->stat.st_ino == 100 + number;
}

static bool is_other(const es_process_t *process)
{
	return process && process->audit_token.val[5] == 2000 && is(process->executable->path, "/bin/other");
}

/* One for each payload that can come through a ring: a new one without a check doesn't compile. */
#define CHECKS(payload, condition) \
	static bool check_##payload(const es_event_##payload##_t *e) \
	{ \
		return condition; \
	}

CHECKS(open, e->fflag == 1 && is_file(e->file, 0))
CHECKS(fork, is_other(e->child))
CHECKS(exit, e->stat == 1)
CHECKS(close, e->modified && e->was_mapped_writable && is_file(e->target, 0))
CHECKS(create, e->destination_type == ES_DESTINATION_TYPE_NEW_PATH && is_file(e->destination.new_path.dir, 0) &&
	       is(e->destination.new_path.filename, "string0") && e->destination.new_path.mode == 102)
CHECKS(unlink, is_file(e->target, 0) && is_file(e->parent_dir, 1))
CHECKS(rename, is_file(e->source, 0) && e->destination_type == ES_DESTINATION_TYPE_NEW_PATH &&
	       is_file(e->destination.new_path.dir, 1) && is(e->destination.new_path.filename, "string0"))
CHECKS(exchangedata, is_file(e->file1, 0) && is_file(e->file2, 1))
CHECKS(link, is_file(e->source, 0) && is_file(e->target_dir, 1) && is(e->target_filename, "string0"))
CHECKS(write, is_file(e->target, 0))
CHECKS(truncate, is_file(e->target, 0))
CHECKS(chdir, is_file(e->target, 0))
CHECKS(chroot, is_file(e->target, 0))
CHECKS(stat, is_file(e->target, 0))
CHECKS(readdir, is_file(e->target, 0))
CHECKS(dup, is_file(e->target, 0))
CHECKS(listextattr, is_file(e->target, 0))
CHECKS(fsgetpath, is_file(e->target, 0))
CHECKS(readlink, is_file(e->source, 0))
CHECKS(lookup, is_file(e->source_dir, 0) && is(e->relative_target, "string0"))
CHECKS(access, e->mode == 1 && is_file(e->target, 0))
CHECKS(utimes, is_file(e->target, 0) && e->atime.tv_sec == 1 && e->atime.tv_nsec == 102 && e->mtime.tv_sec == 103 &&
	       e->mtime.tv_nsec == 104)
CHECKS(clone, is_file(e->source, 0) && is_file(e->target_dir, 1) && is(e->target_name, "string0"))
CHECKS(copyfile, is_file(e->source, 0) && is_file(e->target_file, 1) && is_file(e->target_dir, 2) &&
		 is(e->target_name, "string0") && e->mode == 1 && e->flags == 102)
CHECKS(setmode, e->mode == 1 && is_file(e->target, 0))
CHECKS(setflags, e->flags == 1 && is_file(e->target, 0))
CHECKS(setowner, e->uid == 1 && e->gid == 102 && is_file(e->target, 0))
CHECKS(setextattr, is_file(e->target, 0) && is(e->extattr, "string0"))
CHECKS(getextattr, is_file(e->target, 0) && is(e->extattr, "string0"))
CHECKS(deleteextattr, is_file(e->target, 0) && is(e->extattr, "string0"))
CHECKS(setacl, is_file(e->target, 0) && e->set_or_clear == ES_CLEAR && !e->acl.set)
CHECKS(mmap, e->protection == 1 && e->max_protection == 102 && e->flags == 103 && e->file_pos == 104 &&
	     is_file(e->source, 0))
CHECKS(mprotect, e->protection == 1 && e->address == 102 && e->size == 103)
CHECKS(fcntl, e->cmd == 1 && is_file(e->target, 0))
CHECKS(signal, e->sig == 1 && is_other(e->target) && !e->instigator)
CHECKS(proc_suspend_resume, e->type == ES_PROC_SUSPEND_RESUME_TYPE_RESUME && is_other(e->target))
CHECKS(get_task, e->type == ES_GET_TASK_TYPE_EXPOSE_TASK && is_other(e->target))
CHECKS(get_task_read, e->type == ES_GET_TASK_TYPE_EXPOSE_TASK && is_other(e->target))
CHECKS(get_task_name, e->type == ES_GET_TASK_TYPE_EXPOSE_TASK && is_other(e->target))
CHECKS(trace, is_other(e->target))
CHECKS(proc_check, e->type == ES_PROC_CHECK_TYPE_LISTPIDS && e->flavor == 102 && is_other(e->target))
CHECKS(setuid, e->uid == 1)
CHECKS(setgid, e->gid == 1)
CHECKS(seteuid, e->euid == 1)
CHECKS(setegid, e->egid == 1)
CHECKS(setreuid, e->ruid == 1 && e->euid == 102)
CHECKS(setregid, e->rgid == 1 && e->egid == 102)
CHECKS(kextload, is(e->identifier, "string0"))
CHECKS(kextunload, is(e->identifier, "string0"))
CHECKS(uipc_bind, is_file(e->dir, 0) && is(e->filename, "string0") && e->mode == 1)
CHECKS(uipc_connect, is_file(e->file, 0) && e->domain == 1 && e->type == 102 && e->protocol == 103)
CHECKS(pty_grant, e->dev == makedev(0, 1))
CHECKS(pty_close, e->dev == makedev(0, 1))
CHECKS(settime, !e->reserved[0])

static bool is_statfs(const struct es_statfs *statfs)
{
	return statfs && statfs->f_flags == 1 && statfs->f_type == 102 && statfs->f_fsid.val[0] == 103 &&
	       statfs->f_bsize == 104 && statfs->f_owner == 106 && !strcmp(statfs->f_fstypename, "string0") &&
	       !strcmp(statfs->f_mntonname, "string1") && !strcmp(statfs->f_mntfromname, "string2");
}

CHECKS(mount, is_statfs(e->statfs) && (int)e->disposition == 105)
CHECKS(unmount, is_statfs(e->statfs))
CHECKS(remount, is_statfs(e->statfs) && e->remount_flags == 1 && (int)e->disposition == 105)

/* Those that the message points to. The texts are none: lib/test-user.c has real ones. */
#define CHECKS_AT(payload, condition) \
	static bool check_##payload(const es_event_##payload##_t *const *at) \
	{ \
		const es_event_##payload##_t *e = *at; \
\
		return condition; \
	}

CHECKS_AT(authentication, !e->success && e->type == ES_AUTHENTICATION_TYPE_TOKEN &&
			  !e->data.token->token_id.length && e->data.token->instigator_token.val[5] == 1000 &&
			  is(e->data.token->instigator->executable->path, "/bin/actor"))
CHECKS_AT(openssh_login, !e->success && e->result_type == ES_OPENSSH_AUTH_FAIL_PUBKEY && e->has_uid && e->uid.uid == 103)
CHECKS_AT(openssh_logout, e->uid == 103 && !e->username.length && e->source_address_type == ES_ADDRESS_TYPE_NONE)
CHECKS_AT(login_login, !e->success && is(e->failure_message, "Login incorrect") && !e->has_uid && is(e->username, "string1"))
CHECKS_AT(login_logout, e->uid == 103 && !e->username.length)
CHECKS_AT(su, !e->success && is(e->failure_message, "Session not opened") && e->from_uid == 104 &&
	      is(e->from_username, "string1") && e->has_to_uid && e->to_uid.uid == 103 && !e->shell.length &&
	      e->argc == 3 && is(e->argv[0], "prog") && is(e->argv[1], "") && is(e->argv[2], "last arg") &&
	      e->env_count == 2 && is(e->env[1], "B=two"))
CHECKS_AT(sudo, !e->success && is(e->reject_info->plugin_name, "sudoers_policy") &&
		!e->reject_info->failure_message.length && e->has_from_uid && e->from_uid.uid == 104 &&
		is(e->from_username, "string1") && e->to_uid.uid == 103 && !e->command.length)

#define OD_CHECKS(payload, condition) \
	CHECKS_AT(payload, !e->error_code && e->instigator_token.val[5] == 1000 && \
			   is(e->instigator->executable->path, "/bin/actor") && is(e->node_name, "/Local/Default") && \
			   is(e->db_path, "string1") && (condition))

OD_CHECKS(od_group_add, is(e->group_name, "string0") && is(e->member->member_value.name, "string2"))
OD_CHECKS(od_group_remove, is(e->group_name, "string0") && is(e->member->member_value.name, "string2"))
OD_CHECKS(od_group_set, is(e->group_name, "string0") && e->members->member_count == 3 &&
			is(e->members->member_array.names[0], "prog") &&
			is(e->members->member_array.names[2], "last arg"))
OD_CHECKS(od_modify_password, is(e->account_name, "string0") && e->account_type == ES_OD_ACCOUNT_TYPE_USER)
OD_CHECKS(od_disable_user, is(e->user_name, "string0"))
OD_CHECKS(od_enable_user, is(e->user_name, "string0"))
OD_CHECKS(od_attribute_value_add, e->record_type == ES_OD_RECORD_TYPE_GROUP && is(e->record_name, "string0") &&
				  is(e->attribute_name, "string2") && is(e->attribute_value, "prog"))
OD_CHECKS(od_attribute_value_remove, e->record_type == ES_OD_RECORD_TYPE_GROUP && is(e->attribute_value, "prog"))
OD_CHECKS(od_attribute_set, is(e->record_name, "string0") && is(e->attribute_name, "string2") &&
			    e->attribute_value_count == 3 && is(e->attribute_values[1], "") &&
			    is(e->attribute_values[2], "last arg"))
OD_CHECKS(od_create_user, is(e->user_name, "string0"))
OD_CHECKS(od_create_group, is(e->group_name, "string0"))
OD_CHECKS(od_delete_user, is(e->user_name, "string0"))
OD_CHECKS(od_delete_group, is(e->group_name, "string0"))

CHECKS_AT(lw_session_login, is(e->username, "string0") && e->graphical_session_id == 1)
CHECKS_AT(lw_session_logout, is(e->username, "string0") && e->graphical_session_id == 1)
CHECKS_AT(lw_session_lock, is(e->username, "string0") && e->graphical_session_id == 1)
CHECKS_AT(lw_session_unlock, is(e->username, "string0") && e->graphical_session_id == 1)

CHECKS_AT(btm_launch_item_add, e->item->item_type == 1 && e->item->legacy && !e->item->managed && e->item->uid == 103 &&
			       is(e->item->item_url, "string0") && is(e->executable_path, "string1") && !e->app &&
			       !e->app_token && e->instigator_token->val[5] == 1000 &&
			       is(e->instigator->executable->path, "/bin/actor"))
CHECKS_AT(btm_launch_item_remove, e->item->uid == 103 && is(e->item->item_url, "string0") && !e->item->app_url.length &&
				  e->instigator_token->val[5] == 1000)

static bool check_exec(const es_event_exec_t *e)
{
	CHECK(is_other(e->target) && is(e->dyld_exec_path, "string0") && is_file(e->cwd, 0) && is_file(e->script, 1));
	CHECK(e->last_fd == 1 && e->image_cputype == 102 && e->image_cpusubtype == 103);
	CHECK(es_exec_arg_count(e) == 3 && es_exec_env_count(e) == 2 && es_exec_fd_count(e) == 2);
	CHECK(is(es_exec_arg(e, 0), "prog") && is(es_exec_arg(e, 1), "") && is(es_exec_arg(e, 2), "last arg"));
	CHECK(is(es_exec_env(e, 0), "A=1") && is(es_exec_env(e, 1), "B=two"));
	CHECK(es_exec_arg(e, 3).length == 0 && es_exec_env(e, 2).length == 0);
	CHECK(es_exec_fd(e, 0)->fd == 0 && es_exec_fd(e, 0)->fdtype == PROX_FDTYPE_VNODE);
	CHECK(es_exec_fd(e, 1)->fd == 5 && es_exec_fd(e, 1)->fdtype == PROX_FDTYPE_PIPE);
	CHECK(es_exec_fd(e, 1)->pipe.pipe_id == 1234 && es_exec_fd(e, 2)->fd == -1);
	CHECK(!es_exec_entitlements(e));
	return true;
}

#define CHECKER_HELD(payload) (check_function *)check_##payload
#define CHECKER_NOTIFY CHECKER_HELD
#define CHECKER_TOLD CHECKER_HELD
#define CHECKER_REPORT(payload) NULL
#define CHECKER_ABSENT(payload) NULL

typedef bool check_function(const void *event);

static check_function *const checks[ES_EVENT_TYPES] = {
#define ES_EVENT(name, number, payload, answer, hook, wait, ...) [number] = CHECKER_##wait(payload),
#include "abi/events.def"
};

static int decode_bytes(struct esl_message **slot, const void *bytes, uint32_t length)
{
	static struct esl_clock clock;
	int r = esl_message_copy(slot, bytes, length);

	return r < 0 ? r : esl_message_decode(*slot, &clock);
}

static int decode(struct esl_message **slot)
{
	return decode_bytes(slot, record.bytes, record.head.size);
}

static void test_each_payload(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;

	for (uint16_t type = 0; type < ES_EVENT_TYPES; type++) {
		test_record_full(&record, type);
		CHECK(decode(&message) == (checks[type] ? 0 : -EBADMSG));
		if (!checks[type])
			continue;
		CHECK(message->message.event_type == (es_event_type_t)type);
		if (!checks[type](&message->message.event)) {
			fprintf(stderr, "%s is decoded wrongly\n", esl_events[type].name);
			exit(1);
		}
	}
}

static void check_actor(const es_process_t *process)
{
	for (unsigned int i = 0; i < 8; i++)
		CHECK(process->audit_token.val[i] == (i == 5 ? 1000 : i + 1));
	CHECK(process->ppid == 999 && process->original_ppid == 998 && process->group_id == 997);
	CHECK(process->session_id == 996 && process->is_es_client && !process->is_platform_binary);
	CHECK(process->parent_audit_token.val[5] == 999 && process->responsible_audit_token.val[5] == 1000);
	CHECK(!process->signing_id.length && !process->team_id.length && !process->codesigning_flags);
	CHECK(is(process->executable->path, "/bin/actor") && is(process->tty->path, "/dev/pts/1"));
}

static void check_file_stat(const struct stat *stat)
{
	CHECK(stat->st_dev == makedev(8, 1) && stat->st_rdev == makedev(5, 300) && stat->st_ino == 100);
	CHECK(stat->st_mode == 0100644 && stat->st_nlink == 1 && stat->st_uid == 10 && stat->st_gid == 20);
	CHECK(stat->st_size == 4096 && stat->st_blocks == 8 && stat->st_blksize == 512);
	CHECK(stat->st_atimespec.tv_sec == 1 && stat->st_atimespec.tv_nsec == 500000001);
	CHECK(stat->st_mtimespec.tv_sec == 2 && stat->st_mtimespec.tv_nsec == 500000002);
	CHECK(stat->st_ctimespec.tv_sec == -1 && stat->st_ctimespec.tv_nsec == 999999999);
}

static void test_head(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;
	struct timespec real, boot, monotonic;
	const es_message_t *m;

	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_WRITE);
	record.head.result = ES_AUTH_RESULT_DENY;
	CHECK(decode(&message) == 0);
	m = &message->message;
	CHECK(m->version == 11 && m->mach_time == 1000000000 && m->thread->thread_id == 1001);
	CHECK(m->action_type == ES_ACTION_TYPE_NOTIFY && m->action.notify.result_type == ES_RESULT_TYPE_AUTH);
	CHECK(m->action.notify.result.auth == ES_AUTH_RESULT_DENY && message->auth_id == 0);
	check_actor(m->process);
	check_file_stat(&m->event.write.target->stat);

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	CHECK(labs(m->time.tv_sec - (real.tv_sec - monotonic.tv_sec + 1)) <= 2);
	CHECK(labs(m->process->start_time.tv_sec - (real.tv_sec - boot.tv_sec + 5)) <= 2);
}

static void test_actions(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;

	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_OPEN);
	record.head.flags |= ES_RECORD_FLAGS_RESULT;
	record.head.result = 3;
	record.head.thread_id = 0;
	CHECK(decode(&message) == 0);
	CHECK(message->message.action.notify.result_type == ES_RESULT_TYPE_FLAGS);
	CHECK(message->message.action.notify.result.flags == 3 && !message->message.thread);

	test_record_full(&record, ES_EVENT_TYPE_AUTH_OPEN);
	CHECK(decode(&message) == 0);
	CHECK(message->message.action_type == ES_ACTION_TYPE_AUTH && message->message.deadline == UINT64_C(1) << 62);
	CHECK(message->auth_id == 77);

	record.head.auth_id = 0;
	CHECK(decode(&message) == -EBADMSG);
	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_OPEN);
	record.head.flags |= ES_RECORD_AUTH;
	record.head.auth_id = 5;
	CHECK(decode(&message) == -EBADMSG);
}

static void test_other_forms(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;

	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_RENAME);
	record.head.num[0] = ES_DESTINATION_TYPE_EXISTING_FILE;
	CHECK(decode(&message) == 0 && is_file(message->message.event.rename.destination.existing_file, 1));
	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_CREATE);
	record.head.num[0] = ES_DESTINATION_TYPE_EXISTING_FILE;
	CHECK(decode(&message) == 0 && is_file(message->message.event.create.destination.existing_file, 0));

	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_EXEC);
	record.head.file[1] = 0;
	record.head.fd_count = 0;
	record.head.args = record.head.env = record.head.fds = record.head.str[0] = (struct es_span){};
	CHECK(decode(&message) == 0 && !message->message.event.exec.script);
	CHECK(es_exec_arg_count(&message->message.event.exec) == 0);
	CHECK(es_exec_fd_count(&message->message.event.exec) == 0);
	CHECK(is(message->message.event.exec.dyld_exec_path, ""));

	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_MOUNT);
	record.head.str[1] = (struct es_span){};
	CHECK(decode(&message) == 0 && !strcmp(message->message.event.mount.statfs->f_mntonname, "/file/0"));
}

static struct es_file_part *part_of(uint32_t offset)
{
	return (struct es_file_part *)(record.bytes + offset);
}

/* What es_linux_file() says of each file of a message, and of none that isn't. */
static void test_linux_file(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;
	es_linux_file_t info;
	es_file_t other = {};
	es_message_t *m;

	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_RENAME);
	*part_of(record.head.file[1]) = (struct es_file_part){
		.path = test_record_string(&record, "/file/1"), .own = test_record_string(&record, "/own"),
		.real = test_record_string(&record, "/real"), .flags = ES_FILE_UNREACHABLE | ES_FILE_REAL, .mnt_ns = 7,
	};
	part_of(record.head.process + offsetof(struct es_process_part, executable))->flags = ES_FILE_LEXICAL;
	CHECK(decode(&message) == 0);
	m = &message->message;
	CHECK(es_linux_file(m, m->event.rename.source, &info));
	CHECK(!info.unreachable && !info.unresolved && !info.layered && !info.mount_namespace);
	CHECK(is(info.actors_path, "") && is(info.real_path, ""));
	CHECK(es_linux_file(m, m->event.rename.destination.new_path.dir, &info));
	CHECK(info.unreachable && !info.unresolved && info.layered && info.mount_namespace == 7);
	CHECK(is(info.actors_path, "/own") && is(info.real_path, "/real"));
	CHECK(es_linux_file(m, m->process->executable, &info) && info.unresolved && !info.unreachable);
	CHECK(!m->process->tty || es_linux_file(m, m->process->tty, &info));
	CHECK(!es_linux_file(m, &other, &info));
	part_of(record.head.file[1])->own.len = 1 << 20;
	CHECK(decode(&message) == -EBADMSG);
}

/* Each change makes a good record bad. */
static void test_malformed(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;
	struct test_record good;

#define BAD(type_, change) \
	do { \
		test_record_full(&record, ES_EVENT_TYPE_##type_); \
		CHECK(decode(&message) == 0); \
		change; \
		CHECK(decode(&message) == -EBADMSG); \
	} while (0)
	BAD(NOTIFY_OPEN, record.head.process = 0);
	BAD(NOTIFY_OPEN, record.head.process = record.head.size);
	BAD(NOTIFY_OPEN, record.head.process += 4);
	BAD(NOTIFY_OPEN, record.head.file[0] = 0);
	BAD(NOTIFY_OPEN, record.head.file[0] = UINT32_MAX & ~7u);
	BAD(NOTIFY_OPEN, record.head.file[0] = 8);
	BAD(NOTIFY_OPEN, record.head.type = UINT16_MAX);
	BAD(NOTIFY_FORK, record.head.other = 0);
	BAD(NOTIFY_RENAME, record.head.num[0] = 2);
	BAD(NOTIFY_LINK, record.head.str[0].len = UINT32_MAX);
	BAD(NOTIFY_LINK, record.head.str[0].len--);		/* no NUL behind it */
	BAD(NOTIFY_EXEC, record.head.args.len--);
	BAD(NOTIFY_EXEC, record.head.env.off = UINT32_MAX);
	BAD(NOTIFY_EXEC, record.head.fd_count = ES_RECORD_FDS + 1);
	BAD(NOTIFY_EXEC, record.head.fds.off = record.head.size - 8);
#undef BAD

	test_record_full(&good, ES_EVENT_TYPE_NOTIFY_EXEC);
	CHECK(decode_bytes(&message, good.bytes, sizeof(struct es_record) - 1) == -EBADMSG);
	CHECK(decode_bytes(&message, good.bytes, good.head.size - 1) == -EBADMSG);
	/* A shorter record: whatever is cut off was needed. */
	for (uint32_t size = 0; size < good.head.size; size++) {
		record = good;
		record.head.size = size;
		CHECK(decode_bytes(&message, record.bytes, good.head.size) == -EBADMSG);
	}
}

/* A block is used again unless somebody retained it, and a retained one stays as it is. */
static void test_lifetime(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;
	struct esl_message *retained;
	const es_file_t *target;

	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_WRITE);
	CHECK(decode(&message) == 0 && esl_message_is_unique(message));
	retained = message;
	CHECK(decode(&message) == 0 && message == retained);

	target = message->message.event.write.target;	/* taken before it is retained */
	es_retain_message(&message->message);
	CHECK(es_copy_message(&message->message) == &message->message);
	CHECK(!esl_message_is_unique(message));
	esl_message_put(TAKE_POINTER(message));

	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_EXIT);
	CHECK(decode(&message) == 0 && message != retained);
	CHECK(retained->message.event_type == ES_EVENT_TYPE_NOTIFY_WRITE && is_file(target, 0));
	CHECK(es_message_size(&retained->message) > sizeof(es_message_t));
	es_free_message(&retained->message);
	CHECK(esl_message_is_unique(retained));
	es_release_message(&retained->message);
}

static void test_long_record(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;
	static char args[30000];

	memset(args, 'x', sizeof(args) - 1);
	for (size_t i = 9; i < sizeof(args); i += 10)
		args[i] = '\0';
	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_OPEN);
	CHECK(decode(&message) == 0);
	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_EXEC);
	record.head.args = test_record_bytes(&record, args, sizeof(args));
	CHECK(decode(&message) == 0);
	CHECK(es_exec_arg_count(&message->message.event.exec) == 3000);
	CHECK(is(es_exec_arg(&message->message.event.exec, 2999), "xxxxxxxxx"));
}

static void *ask_arguments(void *event)
{
	CHECK(is(es_exec_arg(event, 2), "last arg") && is(es_exec_env(event, 1), "B=two"));
	return NULL;
}

static void test_index_from_threads(void)
{
	_cleanup_(esl_message_putp) struct esl_message *message = NULL;
	pthread_t threads[4];

	test_record_full(&record, ES_EVENT_TYPE_NOTIFY_EXEC);
	for (int round = 0; round < 50; round++) {
		CHECK(decode(&message) == 0);
		for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
			CHECK(!pthread_create(&threads[i], NULL, ask_arguments, &message->message.event.exec));
		for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
			pthread_join(threads[i], NULL);
	}
}

int main(void)
{
	test_each_payload();
	test_head();
	test_actions();
	test_other_forms();
	test_linux_file();
	test_malformed();
	test_lifetime();
	test_long_record();
	test_index_from_threads();
	return 0;
}
