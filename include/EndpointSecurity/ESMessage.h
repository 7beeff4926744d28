/* SPDX-License-Identifier: MIT */
/*
 * ESMessage.h - what a client receives
 *
 * May be included by itself, as on macOS.
 *
 * An es_message_t says who did what: process and thread are who, event_type
 * is what, and event holds the payload, a struct of its own for each kind of
 * event. The comment at each payload has up to three parts:
 *
 *	When	the system calls that cause it. An AUTH message comes before
 *		the operation, whose task waits; a NOTIFY message comes after
 *		it, with the outcome, also when it was denied.
 *	Answer	the function that answers the AUTH message. Call it once, on
 *		any thread, in any order of messages, before msg->deadline:
 *		ns of CLOCK_MONOTONIC, which is what mach_absolute_time()
 *		counts on Linux. Deadlines differ from message to message.
 *		What happens after a late answer: es_deadline_miss_mode_t.
 *		An operation that is denied fails with EPERM.
 *	Cache	what the kernel compares when it reuses an answer that was
 *		given with cache set. No such part: the answer is not kept.
 *
 * A payload lives as long as its message, with every string and pointer in
 * it: until the handler returns, or until the last es_release_message() if
 * the handler called es_retain_message(). Retaining moves no deadline. Don't
 * write to or free anything in a message.
 *
 * A field marked vN may be read if msg->version is N or more. Fields named
 * reserved mean nothing.
 *
 * es_subscribe() fails for an event if the kernel can't hold its operation,
 * or refuses the program that would report it. It accepts an event that has
 * no counterpart on Linux, or that nothing here reports; that never comes.
 */
#ifndef __ENDPOINT_SECURITY_MESSAGE_H
#define __ENDPOINT_SECURITY_MESSAGE_H

#include <EndpointSecurity/ESMessageCore.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Events from before macOS 13.0: members of es_events_t by value. A struct
 * never changes its size, as new fields are taken from its reserved tail.
 */

/*
 * exec - a process starts another program
 *
 * When:	execve(2), execveat(2). Once per call, also for a script: target is then
 *		its interpreter. msg->process is the process as it was before.
 * Answer:	es_respond_auth_result() before the deadline. It comes before the new
 *		program's first instruction; denied, the call fails with EPERM.
 * Cache:	executables of process and target, unless script is set.
 *
 * Arguments, environment and descriptors: es_exec_arg() and the functions after
 * it, for AUTH as for NOTIFY.
 */
typedef struct {
	/* as it will be: same pid, next pidversion, new ids */
	es_process_t *_Nonnull target;
	/* v7: as the caller wrote it, links not followed */
	es_string_token_t dyld_exec_path;
	union {
		uint8_t reserved[64];
		struct {
			/* v2: set for "./script", not for "sh script" */
			es_file_t *_Nullable script;
			es_file_t *_Nonnull cwd;	/* v3: working directory */
			/* v4: the highest that is open, shown or not */
			int last_fd;
			/* v6: of the program, not of the machine */
			cpu_type_t image_cputype;
			cpu_subtype_t image_cpusubtype;	/* v6 */
		};
	};
} es_event_exec_t;

/*
 * open - a file is opened
 *
 * When:	open(2) and its variants, once permissions allow it. Linux: also of
 *		directories, and of each library that a starting program maps.
 * Answer:	es_respond_flags_result() before the deadline, and only that. Denied
 *		(a bit of fflag is not in the answer), the call fails with EPERM.
 * Cache:	executable of process and file; the mask is kept.
 */
typedef struct {
	/*
	 * FREAD, FWRITE and other kernel bits; not O_RDONLY, O_RDWR. Linux: these
	 * two only; FWRITE also where AUTH_OPEN is asked about O_TRUNC.
	 */
	int32_t fflag;
	es_file_t *_Nonnull file;
	uint8_t reserved[64];
} es_event_open_t;

/*
 * kextload - a kernel module is loaded
 *
 * When:	init_module(2), finit_module(2).
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable. If no
 *		client could answer, it is allowed without a question.
 */
typedef struct {
	es_string_token_t identifier;	/* Linux: the module's name */
	uint8_t reserved[64];
} es_event_kextload_t;

/*
 * kextunload - a kernel module is removed
 *
 * When:	delete_module(2).
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_string_token_t identifier;	/* Linux: the module's name */
	uint8_t reserved[64];
} es_event_kextunload_t;

/*
 * unlink - a name is removed from a directory
 *
 * When:	unlink(2), unlinkat(2), rmdir(2); not the name that a rename replaces.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 *
 * May come more than once for one call, if the kernel tries again.
 */
typedef struct {
	es_file_t *_Nonnull target;	/* what the name stands for */
	es_file_t *_Nonnull parent_dir;
	uint8_t reserved[64];
} es_event_unlink_t;

/*
 * mmap - a file is mapped into memory
 *
 * When:	mmap(2) of a file. Anonymous memory gives no event.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and source.
 */
typedef struct {
	int32_t protection;	/* PROT_* bits asked for */
	int32_t max_protection;	/* PROT_* bits that mprotect(2) could reach */
	int32_t flags;		/* MAP_* bits, Linux's values */
	uint64_t file_pos;	/* offset in source, bytes */
	es_file_t *_Nonnull source;
	uint8_t reserved[64];
} es_event_mmap_t;

/*
 * link - a file gets another name
 *
 * When:	link(2), linkat(2).
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	es_file_t *_Nonnull source;
	es_file_t *_Nonnull target_dir;
	es_string_token_t target_filename;
	uint8_t reserved[64];
} es_event_link_t;

/* Old name, for source that has it. */
typedef struct es_statfs es_statfs_t;

/*
 * mount - a file system is mounted
 *
 * When:	mount(2), move_mount(2), bind mounts too. AUTH with the lsm sensor also
 *		fsconfig(2), where f_mntonname is empty. Remounting is remount.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and mount point.
 */
typedef struct {
	/* not struct statfs of glibc: see ESPlatform.h */
	struct es_statfs *_Nonnull statfs;
	es_mount_disposition_t disposition;	/* v8 */
	uint8_t reserved[60];
} es_event_mount_t;

/*
 * unmount - a file system is unmounted
 *
 * When:	umount(2), umount2(2).
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	struct es_statfs *_Nonnull statfs;
	uint8_t reserved[64];
} es_event_unmount_t;

/*
 * remount - the flags of a mounted file system are changed
 *
 * When:	mount(2) with MS_REMOUNT; AUTH with the lsm sensor also fsconfig(2).
 *		Not mount_setattr(2), which asks no security module. macOS 11.0.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	struct es_statfs *_Nonnull statfs;
	/* v8: what was asked for, MNT_* bits; statfs has what was before */
	uint64_t remount_flags;
	es_mount_disposition_t disposition;	/* v8 */
	uint8_t reserved[52];
} es_event_remount_t;

/*
 * fork - a process is made
 *
 * When:	fork(2), vfork(2), clone(2). Not for a new thread.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	/* runs its parent's program; pid, token and start_time are its own */
	es_process_t *_Nonnull child;
	uint8_t reserved[64];
} es_event_fork_t;

/*
 * mprotect - protection of memory is changed
 *
 * When:	mprotect(2), pkey_mprotect(2).
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	int32_t protection;	/* PROT_* bits asked for */
	user_addr_t address;
	user_size_t size;	/* bytes */
	uint8_t reserved[64];
} es_event_mprotect_t;

/*
 * signal - a process sends a signal
 *
 * When:	kill(2) and its variants, signal 0 (does it exist?) too; not to oneself,
 *		not from the kernel. A kill of many gives an event for each.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable. Of a kill
 *		of many, the signal is sent when each target has been asked about.
 */
typedef struct {
	int sig;
	es_process_t *_Nonnull target;
	/* v9: for whom launchd signals; NULL on Linux */
	es_process_t *_Nullable instigator;
	uint8_t reserved[56];
} es_event_signal_t;

/*
 * rename - a file gets another place
 *
 * When:	rename(2) and its variants. With RENAME_EXCHANGE it is exchangedata.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 *
 * May come more than once for one call, if the kernel tries again.
 */
typedef struct {
	es_file_t *_Nonnull source;	/* before, also in NOTIFY */
	es_destination_type_t destination_type; /* EXISTING_FILE: something will be replaced */
	union {
		es_file_t *_Nonnull existing_file;
		struct {
			es_file_t *_Nonnull dir;
			es_string_token_t filename;
		} new_path;
	} destination;
	uint8_t reserved[64];
} es_event_rename_t;

/*
 * setextattr - an extended attribute is set
 *
 * When:	setxattr(2) and its variants; POSIX ACLs are setacl.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	es_file_t *_Nonnull target;
	es_string_token_t extattr;	/* name of the attribute, "user.mime_type" */
	uint8_t reserved[64];
} es_event_setextattr_t;

/*
 * getextattr - an extended attribute is read
 *
 * When:	getxattr(2) and its variants. macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and target.
 */
typedef struct {
	es_file_t *_Nonnull target;
	es_string_token_t extattr;	/* name of the attribute */
	uint8_t reserved[64];
} es_event_getextattr_t;

/*
 * deleteextattr - an extended attribute is removed
 *
 * When:	removexattr(2) and its variants; POSIX ACLs are setacl. macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	es_file_t *_Nonnull target;
	es_string_token_t extattr;	/* name of the attribute */
	uint8_t reserved[64];
} es_event_deleteextattr_t;

/*
 * setmode - permissions are changed
 *
 * When:	chmod(2) and its variants.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and target.
 */
typedef struct {
	mode_t mode;	/* wanted; target->stat.st_mode is the present one */
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_setmode_t;

/*
 * setflags - a file's flags are changed
 *
 * When:	ioctl(2) FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, file_setattr(2): immutable,
 *		append-only.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and target.
 */
typedef struct {
	uint32_t flags;	/* wanted; Linux: FS_*_FL bits, not those of chflags(2) */
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_setflags_t;

/*
 * setowner - owner or group is changed
 *
 * When:	chown(2) and its variants.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and target.
 */
typedef struct {
	uid_t uid;	/* wanted; (uid_t)-1 leaves it */
	gid_t gid;	/* wanted; (gid_t)-1 leaves it */
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_setowner_t;

/*
 * close - an open file is closed
 *
 * When:	the last descriptor or mapping of the open file is gone: by close(2),
 *		munmap(2), an exec, or the process's end. It can not be prevented.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	bool modified;	/* something was written by system call since it was opened */
	es_file_t *_Nonnull target;
	union {
		uint8_t reserved[64];
		struct {
			/* v6: the file was mapped writable at some time */
			bool was_mapped_writable;
		};
	};
} es_event_close_t;

/*
 * create - a file, directory, node or symbolic link is made
 *
 * When:	open(2) with O_CREAT of a new name, mkdir(2), mknod(2), symlink(2). An
 *		open event follows that of open(2). May come more than once for one
 *		call, if the kernel tries again.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 *
 * AUTH has new_path, since nothing exists; NOTIFY has existing_file, or new_path
 * if the creation was denied.
 */
typedef struct {
	es_destination_type_t destination_type;
	union {
		es_file_t *_Nonnull existing_file;
		struct {
			es_file_t *_Nonnull dir;
			es_string_token_t filename;
			mode_t mode;
		} new_path;
	} destination;
	uint8_t reserved2[16];
	union {
		uint8_t reserved[48];
		struct {
			acl_t _Nullable acl;	/* v2: asked for at creation; NULL on Linux */
		};
	};
} es_event_create_t;

/*
 * exit - a process ends
 *
 * When:	its last thread is gone, by itself or by a signal.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	int stat;	/* as wait(2) has it: WIFEXITED(), WTERMSIG() */
	uint8_t reserved[64];
} es_event_exit_t;

/*
 * exchangedata - two files change places
 *
 * When:	renameat2(2) with RENAME_EXCHANGE.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	es_file_t *_Nonnull file1;
	es_file_t *_Nonnull file2;
	uint8_t reserved[64];
} es_event_exchangedata_t;

/*
 * write - a file is written to
 *
 * When:	Linux: the first write(2) or variant to an open file; later ones until
 *		it is closed give no event. Mapped memory: see mmap and close.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_write_t;

/*
 * truncate - a file is cut or stretched
 *
 * When:	truncate(2), ftruncate(2). Not open(2) with O_TRUNC.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_truncate_t;

/*
 * chdir - a process changes its working directory
 *
 * When:	chdir(2), fchdir(2). macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and target.
 */
typedef struct {
	es_file_t *_Nonnull target;	/* the new one; the old one is not in the event */
	uint8_t reserved[64];
} es_event_chdir_t;

/*
 * stat - the status of a file is read
 *
 * When:	stat(2), statx(2) and their variants. macOS 10.15.1.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_stat_t;

/*
 * chroot - a process changes its root directory
 *
 * When:	chroot(2). Linux: not pivot_root(2). macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and target.
 */
typedef struct {
	es_file_t *_Nonnull target;	/* the root to be */
	uint8_t reserved[64];
} es_event_chroot_t;

/*
 * listextattr - names of extended attributes are read
 *
 * When:	listxattr(2) and its variants. macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and target.
 */
typedef struct {
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_listextattr_t;

/*
 * iokit_open - a connection to a driver is opened
 *
 * When:	never: Linux has no counterpart.
 * Answer:	es_respond_auth_result() before the deadline; not cacheable. Here,
 *		es_subscribe() accepts the AUTH form, and nothing comes.
 */
typedef struct {
	uint32_t user_client_type;	/* second argument of IOServiceOpen() */
	es_string_token_t user_client_class;
	uint64_t parent_registry_id;	/* v10 */
	es_string_token_t parent_path;	/* v10 */
	uint8_t reserved[40];
} es_event_iokit_open_t;

/*
 * get_task - a process takes control of another
 *
 * When:	Linux: ptrace(2) attach or seize, an open of /proc/PID/mem for
 *		writing; NOTIFY also process_vm_writev(2), which can't be held.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executables of process and target.
 */
typedef struct {
	es_process_t *_Nonnull target;
	es_get_task_type_t type;	/* v5 */
	uint8_t reserved[60];
} es_event_get_task_t;

/*
 * get_task_read - a process gets to read another's state
 *
 * When:	Linux: an open of /proc/PID/mem for reading; NOTIFY also
 *		process_vm_readv(2), which can't be held. macOS 11.3.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executables of process and target.
 */
typedef struct {
	es_process_t *_Nonnull target;
	es_get_task_type_t type;	/* v5 */
	uint8_t reserved[60];
} es_event_get_task_read_t;

/*
 * get_task_inspect - a process gets to inspect another
 *
 * When:	never: Linux has no such right of its own. macOS 11.3.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nonnull target;
	es_get_task_type_t type;	/* v5 */
	uint8_t reserved[60];
} es_event_get_task_inspect_t;

/*
 * get_task_name - a process gets another's name port
 *
 * When:	Linux: pidfd_open(2). macOS 11.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nonnull target;
	es_get_task_type_t type;	/* v5 */
	uint8_t reserved[60];
} es_event_get_task_name_t;

/*
 * getattrlist - attributes of a file are read
 *
 * When:	never: Linux has no counterpart; see stat and getextattr. macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline; cacheable by executable
 *		of process and target. Here, es_subscribe() accepts the AUTH form,
 *		and nothing comes.
 */
typedef struct {
	struct attrlist attrlist;
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_getattrlist_t;

/*
 * setattrlist - attributes of a file are set
 *
 * When:	never: Linux has no counterpart; see setmode, setowner, utimes.
 * Answer:	es_respond_auth_result() before the deadline; not cacheable. Here,
 *		es_subscribe() accepts the AUTH form, and nothing comes.
 */
typedef struct {
	struct attrlist attrlist;
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_setattrlist_t;

/*
 * file_provider_update - a file provider updates a file
 *
 * When:	never: Linux has no counterpart.
 * Answer:	es_respond_auth_result() before the deadline; not cacheable. Here,
 *		es_subscribe() accepts the AUTH form, and nothing comes.
 */
typedef struct {
	es_file_t *_Nonnull source;	/* new content */
	es_string_token_t target_path;	/* where it will go */
	uint8_t reserved[64];
} es_event_file_provider_update_t;

/*
 * file_provider_materialize - a file provider fetches a file's content
 *
 * When:	never: Linux has no counterpart.
 * Answer:	es_respond_auth_result() before the deadline; not cacheable. Here,
 *		es_subscribe() accepts the AUTH form, and nothing comes.
 */
typedef struct {
	es_process_t *_Nullable instigator;	/* who wants the file; NULL if it has exited */
	es_file_t *_Nonnull source;		/* fetched content */
	es_file_t *_Nonnull target;		/* where it will go */
	audit_token_t instigator_token;		/* v8 */
	uint8_t reserved[32];
} es_event_file_provider_materialize_t;

/*
 * readlink - a symbolic link is read
 *
 * When:	readlink(2), readlinkat(2). macOS: also links met in a path.
 * Answer:	es_respond_auth_result() before the deadline.
 */
typedef struct {
	es_file_t *_Nonnull source;	/* the link itself */
	uint8_t reserved[64];
} es_event_readlink_t;

/*
 * lookup - a name is looked for in a directory
 *
 * When:	a path is walked; very many.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_file_t *_Nonnull source_dir;
	/* as the program wrote it: trust nothing in it */
	es_string_token_t relative_target;
	uint8_t reserved[64];
} es_event_lookup_t;

/*
 * access - a process asks what it may do
 *
 * When:	access(2), faccessat(2). macOS 10.15.1.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	int32_t mode;	/* R_OK, W_OK, X_OK */
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_access_t;

/*
 * utimes - times of a file are set
 *
 * When:	utimensat(2) and its variants. macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and target.
 */
typedef struct {
	es_file_t *_Nonnull target;
	struct timespec atime;	/* wanted, seconds and ns since 1970 */
	struct timespec mtime;	/* wanted */
	uint8_t reserved[64];
} es_event_utimes_t;

/*
 * clone - a file is cloned
 *
 * When:	ioctl(2) FICLONE, FICLONERANGE. macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	es_file_t *_Nonnull source;
	es_file_t *_Nonnull target_dir;
	es_string_token_t target_name;	/* Linux: the clone exists, empty, when this comes */
	uint8_t reserved[64];
} es_event_clone_t;

/*
 * copyfile - a file is copied inside the kernel
 *
 * When:	Linux: copy_file_range(2) of a whole file. macOS 12.0.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	es_file_t *_Nonnull source;
	es_file_t *_Nullable target_file;	/* what gets overwritten, if anything */
	es_file_t *_Nonnull target_dir;
	es_string_token_t target_name;
	mode_t mode;
	int32_t flags;
	uint8_t reserved[56];
} es_event_copyfile_t;

/*
 * fcntl - an open file is controlled
 *
 * When:	fcntl(2); locks too. macOS 10.15.1, AUTH 11.0.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	es_file_t *_Nonnull target;
	int32_t cmd;	/* F_*, Linux's values */
	uint8_t reserved[64];
} es_event_fcntl_t;

/*
 * readdir - a directory is listed
 *
 * When:	getdents64(2), which readdir(3) calls. macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and target.
 */
typedef struct {
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_readdir_t;

/*
 * fsgetpath - a file is found by its number
 *
 * When:	Linux: open_by_handle_at(2). macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and target.
 */
typedef struct {
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_fsgetpath_t;

/*
 * settime - the clock is set
 *
 * When:	settimeofday(2), clock_settime(2). macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	uint8_t reserved[64];
} es_event_settime_t;

/*
 * dup - a descriptor is duplicated
 *
 * When:	dup(2), dup2(2), dup3(2), fcntl(2) F_DUPFD. macOS 10.15.1.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_file_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_dup_t;

/*
 * uipc_bind - a UNIX socket gets a name
 *
 * When:	bind(2) on AF_UNIX. macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	es_file_t *_Nonnull dir;
	es_string_token_t filename;	/* Linux: an abstract name begins with @ */
	mode_t mode;
	uint8_t reserved[64];
} es_event_uipc_bind_t;

/*
 * uipc_connect - a UNIX socket is connected
 *
 * When:	connect(2) on AF_UNIX. macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executable of process and file.
 */
typedef struct {
	/* the socket; Linux: the path of an abstract one begins with @ */
	es_file_t *_Nonnull file;
	int domain;	/* AF_UNIX */
	int type;	/* SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET */
	int protocol;
	uint8_t reserved[64];
} es_event_uipc_connect_t;

/*
 * setacl - an access control list is set or removed
 *
 * When:	setxattr(2), removexattr(2) of a POSIX ACL. macOS 10.15.1.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	es_file_t *_Nonnull target;
	es_set_or_clear_t set_or_clear;
	union {
		/*
		 * for ES_SET. Copy with acl_copy_ext() and acl_copy_int(), never
		 * acl_dup(). NULL on Linux
		 */
		acl_t _Nonnull set;
	} acl;
	uint8_t reserved[64];
} es_event_setacl_t;

/*
 * pty_grant - a pseudo-terminal is handed out
 *
 * When:	Linux: unlockpt(3) on the master. macOS 10.15.4.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	dev_t dev;	/* device number of the slave */
	uint8_t reserved[64];
} es_event_pty_grant_t;

/*
 * pty_close - a pseudo-terminal is given back
 *
 * When:	Linux: the master is closed. macOS 10.15.4.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	dev_t dev;	/* device number of the slave */
	uint8_t reserved[64];
} es_event_pty_close_t;

/*
 * proc_check - a process asks about another
 *
 * When:	Linux: an open of what is below /proc/PID of another process, as maps,
 *		environ or fd, other than mem. macOS 10.15.4.
 * Answer:	es_respond_auth_result() before the deadline.
 * Cache:	executables of process and target, and type.
 */
typedef struct {
	es_process_t *_Nullable target;
	es_proc_check_type_t type;
	int flavor;	/* detail of type; 0 on Linux */
	uint8_t reserved[64];
} es_event_proc_check_t;

/*
 * searchfs - a volume is searched by its catalogue
 *
 * When:	never: Linux has no counterpart. macOS 11.0.
 * Answer:	es_respond_auth_result() before the deadline; cacheable by executable
 *		of process and target. Here, es_subscribe() accepts the AUTH form,
 *		and nothing comes.
 */
typedef struct {
	struct attrlist attrlist;
	es_file_t *_Nonnull target;	/* the volume */
	uint8_t reserved[64];
} es_event_searchfs_t;

/*
 * proc_suspend_resume - a process is stopped or goes on
 *
 * When:	Linux: SIGSTOP, SIGTSTP or SIGCONT is sent to it. macOS 11.0.
 * Answer:	es_respond_auth_result() before the deadline. Not cacheable.
 */
typedef struct {
	es_process_t *_Nullable target;
	es_proc_suspend_resume_type_t type;
	uint8_t reserved[64];
} es_event_proc_suspend_resume_t;

/*
 * cs_invalidated - a running program is no longer what it was
 *
 * When:	never: Linux has no counterpart. macOS 11.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	uint8_t reserved[64];
} es_event_cs_invalidated_t;

/*
 * trace - a process traces another
 *
 * When:	ptrace(2): PTRACE_ATTACH, PTRACE_SEIZE, and PTRACE_TRACEME, for which
 *		msg->thread is NULL. May come more than once. macOS 11.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nonnull target;
	uint8_t reserved[64];
} es_event_trace_t;

/*
 * remote_thread_create - a thread is started in another process
 *
 * When:	never: Linux has no counterpart. macOS 11.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nonnull target;
	es_thread_state_t *_Nullable thread_state;	/* NULL if it has no registers yet */
	uint8_t reserved[64];
} es_event_remote_thread_create_t;

/*
 * setuid - a process calls setuid(2)
 *
 * When:	msg->process has the ids from before. macOS 12.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	uid_t uid;	/* asked for */
	uint8_t reserved[64];
} es_event_setuid_t;

/*
 * setgid - a process calls setgid(2)
 *
 * When:	msg->process has the ids from before. macOS 12.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	uid_t gid;	/* asked for */
	uint8_t reserved[64];
} es_event_setgid_t;

/*
 * seteuid - a process sets its effective user id
 *
 * When:	Linux: setresuid(2), which seteuid(3) calls. macOS 12.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	uid_t euid;	/* asked for */
	uint8_t reserved[64];
} es_event_seteuid_t;

/*
 * setegid - a process sets its effective group id
 *
 * When:	Linux: setresgid(2), which setegid(3) calls. macOS 12.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	uid_t egid;	/* asked for */
	uint8_t reserved[64];
} es_event_setegid_t;

/*
 * setreuid - a process calls setreuid(2)
 *
 * When:	msg->process has the ids from before. macOS 12.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	uid_t ruid;	/* asked for; (uid_t)-1 leaves it */
	uid_t euid;	/* asked for; (uid_t)-1 leaves it */
	uint8_t reserved[64];
} es_event_setreuid_t;

/*
 * setregid - a process calls setregid(2)
 *
 * When:	msg->process has the ids from before. macOS 12.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	uid_t rgid;	/* asked for; (gid_t)-1 leaves it */
	uid_t egid;	/* asked for; (gid_t)-1 leaves it */
	uint8_t reserved[64];
} es_event_setregid_t;

/*
 * Events since macOS 13.0: members of es_events_t by pointer. They may grow at
 * the end, so ask msg->version before reading a field that bears one.
 *
 * On Linux programs in user space report them: PAM, sshd, login, su and sudo,
 * through the kernel's audit messages. So msg->process is the reporting
 * program, and a program that reports nothing gives no event. The daemon makes
 * od_* from /etc/passwd and its companions. Uids and names of users come from
 * /etc/passwd, for programs that have the daemon's root directory.
 *
 * Instigator, in all of them: the process on whose behalf the reporter acted.
 * The pointer is NULL if that process has exited; the token (v8) still names it.
 */

/* A directory checked a user; on Linux, PAM did. macOS 13.0. */
typedef struct {
	es_process_t *_Nullable instigator;
	es_string_token_t record_type;	/* "Users" */
	es_string_token_t record_name;	/* name of the user */
	es_string_token_t node_name;	/* Linux: "/Local/Default", "/SSSD"... */
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_authentication_od_t;

/* A finger; on Linux, if pam_fprintd granted it. macOS 13.0. */
typedef struct {
	es_process_t *_Nullable instigator;
	es_touchid_mode_t touchid_mode;
	bool has_uid;			/* whether uid.uid is valid */
	union {
		uid_t uid;
	} uid;
	audit_token_t instigator_token;	/* v8 */
} es_event_authentication_touchid_t;

/* A smart card; on Linux also a key that sshd accepted without PAM. macOS 13.0. */
typedef struct {
	es_process_t *_Nullable instigator;
	es_string_token_t pubkey_hash;		/* Linux: empty */
	es_string_token_t token_id;		/* Linux: empty */
	es_string_token_t kerberos_principal;	/* optional; Linux: empty */
	audit_token_t instigator_token;		/* v8 */
} es_event_authentication_token_t;

/* A watch. macOS 13.0; not used on Linux. */
typedef struct {
	es_string_token_t username;
	es_auto_unlock_type_t type;
} es_event_authentication_auto_unlock_t;

/*
 * authentication - someone tried to prove who they are
 *
 * When:	Linux: PAM reports an authentication: PAM's module decides the
 *		type, mostly OD. Or sshd opens a session for a user whom PAM
 *		hasn't authenticated: type is TOKEN. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	bool success;
	es_authentication_type_t type;
	union {
		es_event_authentication_od_t *_Nonnull od;
		es_event_authentication_touchid_t *_Nonnull touchid;
		es_event_authentication_token_t *_Nonnull token;
		es_event_authentication_auto_unlock_t *_Nonnull auto_unlock;
	} data;
} es_event_authentication_t;

/*
 * xp_malware_detected - XProtect found malware
 *
 * When:	never: Linux has no counterpart. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_string_token_t signature_version;
	es_string_token_t malware_identifier;
	es_string_token_t incident_identifier;	/* the same in the remediated event */
	es_string_token_t detected_path;
	es_string_token_t detected_executable;	/* v10 */
} es_event_xp_malware_detected_t;

/*
 * xp_malware_remediated - XProtect removed malware
 *
 * When:	never: Linux has no counterpart. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_string_token_t signature_version;
	es_string_token_t malware_identifier;
	es_string_token_t incident_identifier;	/* as in the detected event */
	es_string_token_t action_type;		/* "path_delete" */
	bool success;
	es_string_token_t result_description;
	es_string_token_t remediated_path;	/* optional */
	audit_token_t *_Nullable remediated_process_audit_token;
} es_event_xp_malware_remediated_t;

/* A graphical session. Opaque; not the audit session. */
typedef uint32_t es_graphical_session_id_t;

/*
 * lw_session_login - someone logged in at the screen
 *
 * When:	never on Linux: nothing reports it. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_string_token_t username;
	es_graphical_session_id_t graphical_session_id;
} es_event_lw_session_login_t;

/*
 * lw_session_logout - someone logged out at the screen
 *
 * When:	never on Linux: nothing reports it. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_string_token_t username;
	es_graphical_session_id_t graphical_session_id;
} es_event_lw_session_logout_t;

/*
 * lw_session_lock - a screen was locked
 *
 * When:	never on Linux: nothing reports it. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_string_token_t username;
	es_graphical_session_id_t graphical_session_id;
} es_event_lw_session_lock_t;

/*
 * lw_session_unlock - a screen was unlocked
 *
 * When:	never on Linux: nothing reports it. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_string_token_t username;
	es_graphical_session_id_t graphical_session_id;
} es_event_lw_session_unlock_t;

/*
 * screensharing_attach - someone took over a screen from elsewhere
 *
 * When:	never on Linux: nothing reports it. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	bool success;
	es_address_type_t source_address_type;
	es_string_token_t source_address;		/* optional */
	es_string_token_t viewer_appleid;		/* optional; absent on Linux */
	es_string_token_t authentication_type;
	es_string_token_t authentication_username;	/* optional */
	es_string_token_t session_username;		/* optional */
	bool existing_session;				/* someone was logged in already */
	es_graphical_session_id_t graphical_session_id;
} es_event_screensharing_attach_t;

/*
 * screensharing_detach - someone let go of a screen
 *
 * When:	never on Linux: nothing reports it. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_address_type_t source_address_type;
	es_string_token_t source_address;	/* optional */
	es_string_token_t viewer_appleid;	/* optional; absent on Linux */
	es_graphical_session_id_t graphical_session_id;
} es_event_screensharing_detach_t;

/*
 * openssh_login - someone tried to log in through sshd
 *
 * When:	sshd reports it, once per connection: a success, or when the
 *		connection ends the last failure. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	bool success;
	/* Linux: AUTH_SUCCESS, INVALID_USER, AUTH_FAIL_PASSWD or else AUTH_FAIL_PUBKEY */
	es_openssh_login_result_type_t result_type;
	es_address_type_t source_address_type;
	es_string_token_t source_address;
	es_string_token_t username;	/* as given; "(invalid user)" if there is none such */
	bool has_uid;			/* whether uid.uid is valid */
	union {
		uid_t uid;
	} uid;
} es_event_openssh_login_t;

/*
 * openssh_logout - someone logged out of sshd
 *
 * When:	sshd reports it, once per connection. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_address_type_t source_address_type;
	es_string_token_t source_address;
	es_string_token_t username;
	uid_t uid;
} es_event_openssh_logout_t;

/*
 * login_login - someone tried to log in through login(1)
 *
 * When:	login(1) reports it. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	bool success;
	es_string_token_t failure_message;	/* optional: on failure */
	es_string_token_t username;		/* as given; need not exist */
	bool has_uid;				/* whether uid.uid is valid */
	union {
		uid_t uid;
	} uid;
} es_event_login_login_t;

/*
 * login_logout - someone logged out of login(1)
 *
 * When:	login(1) reports it. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_string_token_t username;
	uid_t uid;
} es_event_login_logout_t;

/*
 * btm_launch_item_add - something will start by itself from now on
 *
 * When:	a unit, crontab, init script or autostart entry is new or says
 *		something else. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	es_process_t *_Nullable app;			/* NULL on Linux */
	es_btm_launch_item_t *_Nonnull item;
	es_string_token_t executable_path;		/* optional: what it starts */
	audit_token_t *_Nullable instigator_token;	/* v8: NULL if there is no instigator */
	audit_token_t *_Nullable app_token;		/* v8: NULL on Linux */
} es_event_btm_launch_item_add_t;

/*
 * btm_launch_item_remove - something will not start by itself any more
 *
 * When:	a unit, crontab, init script or autostart entry has gone. macOS 13.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	es_process_t *_Nullable app;			/* NULL on Linux */
	es_btm_launch_item_t *_Nonnull item;
	audit_token_t *_Nullable instigator_token;	/* v8: NULL if there is no instigator */
	audit_token_t *_Nullable app_token;		/* v8: NULL on Linux */
} es_event_btm_launch_item_remove_t;

/*
 * su - someone used su(1)
 *
 * When:	su reports it: always on success, and when PAM refuses. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	bool success;
	es_string_token_t failure_message;	/* on failure */
	uid_t from_uid;
	es_string_token_t from_username;
	bool has_to_uid;			/* whether to_uid.uid is valid */
	union {
		uid_t uid;
	} to_uid;
	/* as whom; on failure, as whom they wanted to be, if su said it */
	es_string_token_t to_username;
	es_string_token_t shell;		/* on success */
	size_t argc;				/* strings in argv */
	es_string_token_t *_Nullable argv;
	size_t env_count;			/* strings in env */
	es_string_token_t *_Nullable env;
} es_event_su_t;

/* Why sudo refused. macOS 14.0. */
typedef struct {
	es_string_token_t plugin_name;
	es_sudo_plugin_type_t plugin_type;
	es_string_token_t failure_message;
} es_sudo_reject_info_t;

/*
 * sudo - someone used sudo(8)
 *
 * When:	sudo reports a command: a refused one at once, an allowed one as
 *		soon as sudo has reported the target user. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	bool success;
	/* NULL on success */
	es_sudo_reject_info_t *_Nullable reject_info;
	bool has_from_uid;			/* whether from_uid.uid is valid */
	union {
		uid_t uid;
	} from_uid;
	es_string_token_t from_username;	/* optional */
	bool has_to_uid;			/* whether to_uid.uid is valid */
	union {
		uid_t uid;
	} to_uid;
	es_string_token_t to_username;		/* optional */
	es_string_token_t command;		/* optional */
} es_event_sudo_t;

/*
 * profile_add - a configuration profile was installed
 *
 * When:	never: Linux has no counterpart. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	bool is_update;			/* it replaces an older one */
	es_profile_t *_Nonnull profile;
	audit_token_t instigator_token;	/* v8 */
} es_event_profile_add_t;

/*
 * profile_remove - a configuration profile was removed
 *
 * When:	never: Linux has no counterpart. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	es_profile_t *_Nonnull profile;
	audit_token_t instigator_token;	/* v8 */
} es_event_profile_remove_t;

/*
 * authorization_petition - a process asks for a right
 *
 * When:	never: Linux has no counterpart. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;	/* who passed the request on */
	/* who wants the right; process muting looks at this one */
	es_process_t *_Nullable petitioner;
	uint32_t flags;
	size_t right_count;
	es_string_token_t *_Nullable rights;
	audit_token_t instigator_token;		/* v8 */
	audit_token_t petitioner_token;		/* v8 */
} es_event_authorization_petition_t;

/* What was decided about one right. macOS 14.0. */
typedef struct {
	es_string_token_t right_name;
	es_authorization_rule_class_t rule_class;
	bool granted;
} es_authorization_result_t;

/*
 * authorization_judgement - a right was granted or not
 *
 * When:	never: Linux has no counterpart. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	es_process_t *_Nullable petitioner;	/* process muting looks at this one */
	int return_code;			/* 0 is success */
	size_t result_count;
	es_authorization_result_t *_Nullable results;
	audit_token_t instigator_token;		/* v8 */
	audit_token_t petitioner_token;		/* v8 */
} es_event_authorization_judgement_t;

/* A member of a group. macOS 14.0. */
typedef struct {
	es_od_member_type_t member_type;
	union {
		uuid_t uuid;		/* ES_OD_MEMBER_TYPE_*_UUID */
		es_string_token_t name;	/* ES_OD_MEMBER_TYPE_USER_NAME */
	} member_value;
} es_od_member_id_t;

/*
 * od_group_add - a member was added to a group
 *
 * When:	Linux: a group in a changed /etc/group has a new member. See
 *		docs/account-events.md. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;			/* 0 is success */
	es_string_token_t group_name;
	es_od_member_id_t *_Nonnull member;
	es_string_token_t node_name;
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_od_group_add_t;

/*
 * od_group_remove - a member was taken out of a group
 *
 * When:	Linux: a group in a changed /etc/group lacks a member. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;			/* 0 is success */
	es_string_token_t group_name;
	es_od_member_id_t *_Nonnull member;
	es_string_token_t node_name;
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_od_group_remove_t;

/* Members of a group. macOS 14.0. */
typedef struct {
	es_od_member_type_t member_type;
	size_t member_count;				/* entries in member_array */
	union {
		uuid_t *_Nonnull uuids;			/* ES_OD_MEMBER_TYPE_*_UUID */
		es_string_token_t *_Nonnull names;	/* ES_OD_MEMBER_TYPE_USER_NAME */
	} member_array;
} es_od_member_id_array_t;

/*
 * od_group_set - all members of a group were replaced
 *
 * When:	Linux: a changed /etc/group lacks some members of a group and has
 *		others. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;					/* 0 is success */
	es_string_token_t group_name;
	es_od_member_id_array_t *_Nonnull members;	/* the new members */
	es_string_token_t node_name;
	es_string_token_t db_path;			/* optional */
	audit_token_t instigator_token;			/* v8 */
} es_event_od_group_set_t;

/*
 * od_modify_password - a password was changed
 *
 * When:	Linux: /etc/shadow or /etc/passwd has another one. The event does
 *		not have the password. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;			/* 0 is success */
	es_od_account_type_t account_type;
	es_string_token_t account_name;
	es_string_token_t node_name;
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_od_modify_password_t;

/*
 * od_disable_user - an account was locked
 *
 * When:	Linux: /etc/shadow now has a mark before the password, or the
 *		account has expired. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;			/* 0 is success */
	es_string_token_t user_name;
	es_string_token_t node_name;
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_od_disable_user_t;

/*
 * od_enable_user - an account was unlocked
 *
 * When:	Linux: /etc/shadow has that mark no more, or the account's expiry
 *		was put off. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;			/* 0 is success */
	es_string_token_t user_name;
	es_string_token_t node_name;
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_od_enable_user_t;

/*
 * od_attribute_value_add - a value was added to an attribute
 *
 * When:	Linux: a group in /etc/gshadow has a new administrator. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;			/* 0 is success */
	es_od_record_type_t record_type;
	es_string_token_t record_name;
	es_string_token_t attribute_name;
	es_string_token_t attribute_value;
	es_string_token_t node_name;
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_od_attribute_value_add_t;

/*
 * od_attribute_value_remove - a value was taken from an attribute
 *
 * When:	Linux: a group in /etc/gshadow lacks an administrator. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;			/* 0 is success */
	es_od_record_type_t record_type;
	es_string_token_t record_name;
	es_string_token_t attribute_name;
	es_string_token_t attribute_value;
	es_string_token_t node_name;
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_od_attribute_value_remove_t;

/*
 * od_attribute_set - all values of an attribute were replaced
 *
 * When:	Linux: another field of /etc/passwd, shadow, group or gshadow has
 *		changed. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;					/* 0 is success */
	es_od_record_type_t record_type;
	es_string_token_t record_name;
	es_string_token_t attribute_name;
	size_t attribute_value_count;			/* may be 0 */
	es_string_token_t *_Nullable attribute_values;	/* NULL if there are none */
	es_string_token_t node_name;
	es_string_token_t db_path;			/* optional */
	audit_token_t instigator_token;			/* v8 */
} es_event_od_attribute_set_t;

/*
 * od_create_user - an account was made
 *
 * When:	Linux: a changed /etc/passwd has a new account. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;			/* 0 is success */
	es_string_token_t user_name;
	es_string_token_t node_name;
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_od_create_user_t;

/*
 * od_create_group - a group was made
 *
 * When:	Linux: a changed /etc/group has a new group. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;			/* 0 is success */
	es_string_token_t group_name;
	es_string_token_t node_name;
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_od_create_group_t;

/*
 * od_delete_user - an account was removed
 *
 * When:	Linux: a changed /etc/passwd lacks an account. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;			/* 0 is success */
	es_string_token_t user_name;
	es_string_token_t node_name;
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_od_delete_user_t;

/*
 * od_delete_group - a group was removed
 *
 * When:	Linux: a changed /etc/group lacks a group. macOS 14.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_process_t *_Nullable instigator;
	int error_code;			/* 0 is success */
	es_string_token_t group_name;
	es_string_token_t node_name;
	es_string_token_t db_path;	/* optional */
	audit_token_t instigator_token;	/* v8 */
} es_event_od_delete_group_t;

/*
 * xpc_connect - a process connects to an XPC service
 *
 * When:	never: Linux has no counterpart. macOS 14.0, AUTH 27.0.
 * Answer:	es_respond_auth_result() before the deadline; not cacheable. Here,
 *		es_subscribe() accepts the AUTH form, and nothing comes.
 */
typedef struct {
	es_string_token_t service_name;
	es_xpc_domain_type_t service_domain_type;
} es_event_xpc_connect_t;

/*
 * gatekeeper_user_override - a user opened what Gatekeeper had stopped
 *
 * When:	never: Linux has no counterpart. macOS 15.0.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_gatekeeper_user_override_file_type_t file_type;
	union {
		es_string_token_t file_path;
		es_file_t *_Nonnull file;
	} file;
	es_sha256_t *_Nullable sha256;
	es_signed_file_info_t *_Nullable signing_info;
} es_event_gatekeeper_user_override_t;

/*
 * tcc_modify - a consent of the user was given, changed or withdrawn
 *
 * When:	never: Linux has no counterpart. macOS 15.4.
 * Answer:	none, NOTIFY only.
 */
typedef struct {
	es_string_token_t service;
	es_string_token_t identity;
	es_tcc_identity_type_t identity_type;
	es_tcc_event_type_t update_type;
	audit_token_t instigator_token;
	es_process_t *_Nullable instigator;
	audit_token_t *_Nullable responsible_token;
	es_process_t *_Nullable responsible;
	es_tcc_authorization_right_t right;
	es_tcc_authorization_reason_t reason;
} es_event_tcc_modify_t;

/* What a program's signature has to contain. macOS 27.0; not used on Linux. */
typedef struct {
	es_string_token_t team_id;	/* optional */
	es_string_token_t signing_id;	/* optional */
} es_lightweight_code_requirement_t;

/*
 * bootstrap_check_in - a service checks in with launchd
 *
 * When:	never: Linux has no counterpart. macOS 27.0.
 * Answer:	es_respond_auth_result() before the deadline; not cacheable. Here,
 *		es_subscribe() accepts the AUTH form, and nothing comes.
 */
typedef struct {
	es_process_t *_Nullable instigator;	/* the service; msg->process is launchd */
	audit_token_t instigator_token;
	es_string_token_t service_name;
} es_event_bootstrap_check_in_t;

/*
 * bootstrap_look_up - a process looks for a service of launchd
 *
 * When:	never: Linux has no counterpart. macOS 27.0; AUTH for descendants
 *		clients only.
 * Answer:	es_respond_auth_result() before the deadline; not cacheable. Here,
 *		es_subscribe() accepts the AUTH form, and nothing comes.
 */
typedef struct {
	es_process_t *_Nullable instigator;	/* who looks; msg->process is launchd */
	audit_token_t instigator_token;
	es_string_token_t service_name;
	es_bootstrap_target_type_t target_type;
	union {
		struct {
			es_process_t *_Nullable target;
			audit_token_t target_token;
			es_string_token_t job_label;
		} process;
		struct {
			es_string_token_t job_label;
			es_lightweight_code_requirement_t *_Nullable lwcr;
		} job;
	} target;
} es_event_bootstrap_look_up_t;

/* The message */

/*
 * The payloads. One member serves AUTH and NOTIFY of its name, and only the one
 * that event_type names is valid.
 */
typedef union {
	es_event_access_t access;
	es_event_chdir_t chdir;
	es_event_chroot_t chroot;
	es_event_clone_t clone;
	es_event_close_t close;
	es_event_copyfile_t copyfile;
	es_event_create_t create;
	es_event_cs_invalidated_t cs_invalidated;
	es_event_deleteextattr_t deleteextattr;
	es_event_dup_t dup;
	es_event_exchangedata_t exchangedata;
	es_event_exec_t exec;
	es_event_exit_t exit;
	es_event_file_provider_materialize_t file_provider_materialize;
	es_event_file_provider_update_t file_provider_update;
	es_event_fcntl_t fcntl;
	es_event_fork_t fork;
	es_event_fsgetpath_t fsgetpath;
	es_event_get_task_t get_task;
	es_event_get_task_read_t get_task_read;
	es_event_get_task_inspect_t get_task_inspect;
	es_event_get_task_name_t get_task_name;
	es_event_getattrlist_t getattrlist;
	es_event_getextattr_t getextattr;
	es_event_iokit_open_t iokit_open;
	es_event_kextload_t kextload;
	es_event_kextunload_t kextunload;
	es_event_link_t link;
	es_event_listextattr_t listextattr;
	es_event_lookup_t lookup;
	es_event_mmap_t mmap;
	es_event_mount_t mount;
	es_event_mprotect_t mprotect;
	es_event_open_t open;
	es_event_proc_check_t proc_check;
	es_event_proc_suspend_resume_t proc_suspend_resume;
	es_event_pty_close_t pty_close;
	es_event_pty_grant_t pty_grant;
	es_event_readdir_t readdir;
	es_event_readlink_t readlink;
	es_event_remote_thread_create_t remote_thread_create;
	es_event_remount_t remount;
	es_event_rename_t rename;
	es_event_searchfs_t searchfs;
	es_event_setacl_t setacl;
	es_event_setattrlist_t setattrlist;
	es_event_setextattr_t setextattr;
	es_event_setflags_t setflags;
	es_event_setmode_t setmode;
	es_event_setowner_t setowner;
	es_event_settime_t settime;
	es_event_setuid_t setuid;
	es_event_setgid_t setgid;
	es_event_seteuid_t seteuid;
	es_event_setegid_t setegid;
	es_event_setreuid_t setreuid;
	es_event_setregid_t setregid;
	es_event_signal_t signal;
	es_event_stat_t stat;
	es_event_trace_t trace;
	es_event_truncate_t truncate;
	es_event_uipc_bind_t uipc_bind;
	es_event_uipc_connect_t uipc_connect;
	es_event_unlink_t unlink;
	es_event_unmount_t unmount;
	es_event_utimes_t utimes;
	es_event_write_t write;
	es_event_authentication_t *_Nonnull authentication;
	es_event_xp_malware_detected_t *_Nonnull xp_malware_detected;
	es_event_xp_malware_remediated_t *_Nonnull xp_malware_remediated;
	es_event_lw_session_login_t *_Nonnull lw_session_login;
	es_event_lw_session_logout_t *_Nonnull lw_session_logout;
	es_event_lw_session_lock_t *_Nonnull lw_session_lock;
	es_event_lw_session_unlock_t *_Nonnull lw_session_unlock;
	es_event_screensharing_attach_t *_Nonnull screensharing_attach;
	es_event_screensharing_detach_t *_Nonnull screensharing_detach;
	es_event_openssh_login_t *_Nonnull openssh_login;
	es_event_openssh_logout_t *_Nonnull openssh_logout;
	es_event_login_login_t *_Nonnull login_login;
	es_event_login_logout_t *_Nonnull login_logout;
	es_event_btm_launch_item_add_t *_Nonnull btm_launch_item_add;
	es_event_btm_launch_item_remove_t *_Nonnull btm_launch_item_remove;
	es_event_profile_add_t *_Nonnull profile_add;
	es_event_profile_remove_t *_Nonnull profile_remove;
	es_event_su_t *_Nonnull su;
	es_event_authorization_petition_t *_Nonnull authorization_petition;
	es_event_authorization_judgement_t *_Nonnull authorization_judgement;
	es_event_sudo_t *_Nonnull sudo;
	es_event_od_group_add_t *_Nonnull od_group_add;
	es_event_od_group_remove_t *_Nonnull od_group_remove;
	es_event_od_group_set_t *_Nonnull od_group_set;
	es_event_od_modify_password_t *_Nonnull od_modify_password;
	es_event_od_disable_user_t *_Nonnull od_disable_user;
	es_event_od_enable_user_t *_Nonnull od_enable_user;
	es_event_od_attribute_value_add_t *_Nonnull od_attribute_value_add;
	es_event_od_attribute_value_remove_t *_Nonnull od_attribute_value_remove;
	es_event_od_attribute_set_t *_Nonnull od_attribute_set;
	es_event_od_create_user_t *_Nonnull od_create_user;
	es_event_od_create_group_t *_Nonnull od_create_group;
	es_event_od_delete_user_t *_Nonnull od_delete_user;
	es_event_od_delete_group_t *_Nonnull od_delete_group;
	es_event_xpc_connect_t *_Nonnull xpc_connect;
	es_event_gatekeeper_user_override_t *_Nonnull gatekeeper_user_override;
	es_event_tcc_modify_t *_Nonnull tcc_modify;
	es_event_bootstrap_check_in_t *_Nonnull bootstrap_check_in;
	es_event_bootstrap_look_up_t *_Nonnull bootstrap_look_up;
} es_events_t;

/* How an operation ended. */
typedef struct {
	es_result_type_t result_type;
	union {
		es_auth_result_t auth;	/* ES_RESULT_TYPE_AUTH */
		/* ES_RESULT_TYPE_FLAGS: the bits of fflag that were allowed */
		uint32_t flags;
		uint8_t reserved[32];
	} result;
} es_result_t;

/* The message that a handler gets. Read-only. */
typedef struct {
	/* which fields may be read: 11 here, see the marks vN */
	uint32_t version;
	struct timespec time;		/* wall clock, when the event was made */
	/* the same in ns of CLOCK_MONOTONIC, as mach_absolute_time() counts here */
	uint64_t mach_time;
	uint64_t deadline;		/* ns of CLOCK_MONOTONIC; AUTH only: answer before */
	es_process_t *_Nonnull process;	/* who acts, in its state before the action */
	/*
	 * v2: counts messages of this type to this client, from 0; a gap: some were
	 * lost
	 */
	uint64_t seq_num;
	es_action_type_t action_type;
	union {
		es_event_id_t auth;	/* ES_ACTION_TYPE_AUTH: opaque */
		/* ES_ACTION_TYPE_NOTIFY: how it ended; ALLOW if no client was asked */
		es_result_t notify;
	} action;
	es_event_type_t event_type;
	es_events_t event;
	es_thread_t *_Nullable thread;	/* v4: which thread acts; NULL where none does */
	uint64_t global_seq_num;	/* v4: counts all messages to this client, from 0 */
	uint64_t opaque[];		/* the library's own; es_message_t cannot be copied */
} es_message_t;

/*
 * The size of @msg in bytes, with all it points to. Of no use for copying,
 * since the pointers would still lead into the original. Deprecated on macOS
 * since 11.0.
 */
OS_EXPORT size_t es_message_size(const es_message_t *_Nonnull msg);

/*
 * es_retain_message() under its name of macOS 10.15: returns @msg itself, to be
 * given to es_free_message(). NULL on failure. Deprecated on macOS since 11.0.
 */
OS_EXPORT es_message_t *_Nullable es_copy_message(const es_message_t *_Nonnull msg);

/* Undoes one es_copy_message(). Deprecated on macOS since 11.0. */
OS_EXPORT void es_free_message(es_message_t *_Nonnull msg);

/*
 * Keeps @msg alive beyond the handler. Each call needs one
 * es_release_message(). Any thread that has the message. It neither answers
 * nor moves the deadline.
 */
OS_EXPORT void es_retain_message(const es_message_t *_Nonnull msg);

/*
 * Undoes one es_retain_message(); the last one frees the message and all it
 * points to. Any thread. Answer an AUTH message before.
 */
OS_EXPORT void es_release_message(const es_message_t *_Nonnull msg);

/*
 * Arguments, environment and descriptors of an exec. @event is
 * &msg->event.exec of a living message, not a copy, since the functions read
 * what is behind it. The message owns what they return; don't free it. Any
 * thread. An index must be below the count, else behaviour is undefined.
 *
 * Argument 0 is the name that the program was started by. An environment
 * string is NAME=value.
 */
OS_EXPORT uint32_t es_exec_arg_count(const es_event_exec_t *_Nonnull event);
OS_EXPORT es_string_token_t es_exec_arg(const es_event_exec_t *_Nonnull event, uint32_t index);
OS_EXPORT uint32_t es_exec_env_count(const es_event_exec_t *_Nonnull event);
OS_EXPORT es_string_token_t es_exec_env(const es_event_exec_t *_Nonnull event, uint32_t index);

/*
 * Descriptors that are open after the exec; may be only the first of them, see
 * last_fd. macOS 11.0.
 */
OS_EXPORT uint32_t es_exec_fd_count(const es_event_exec_t *_Nonnull event);
OS_EXPORT const es_fd_t *_Nonnull es_exec_fd(const es_event_exec_t *_Nonnull event, uint32_t index);

/*
 * The entitlements of the program, to be released by the caller. Linux has
 * none: always NULL. macOS 27.0.
 */
OS_EXPORT xpc_object_t _Nullable es_exec_entitlements(const es_event_exec_t *_Nonnull event);

#ifdef __cplusplus
}
#endif

#pragma GCC diagnostic pop

#endif /* __ENDPOINT_SECURITY_MESSAGE_H */
