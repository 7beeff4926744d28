#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Does each header of compat/include compile alone, in each order of two, and beside those of the C library? Does it bring
what macOS's would? And does nothing of it reach a program that doesn't ask for the folder?

	test-headers.py COMPAT-INCLUDE[:...] INCLUDE COMPILER...
"""

import itertools
import os
import re
import shutil
import subprocess
import sys

compat, include, command = sys.argv[1].split(":"), sys.argv[2], sys.argv[3:]
if not shutil.which(command[0]):
	print(f"skip: {command[0]}")
	sys.exit(77)
LANGUAGE = "c++" if "++" in command[0] else "c"
STANDARDS = ["c++17", "gnu++17"] if LANGUAGE == "c++" else ["c11", "gnu11"]
BLOCKS = "-fblocks" in command
OBJECTIVE = {"objc/blocks_runtime.h"}		# needs a compiler with blocks

headers = sorted(os.path.relpath(os.path.join(folder, name), root)
		 for root in compat for folder, _, names in os.walk(root) for name in names)
headers = [header for header in headers if header not in OBJECTIVE]

# What programs use with no include of their own for it: each line is from the habits of programs for macOS.
HABITS = {
	"EndpointSecurity/EndpointSecurity.h": """
		int f(const es_message_t *m) { return audit_token_to_pid(m->process->audit_token); }
		void g(void) { close(open("/", O_RDONLY)); sleep(0); exit(SIGINT + PATH_MAX + strcmp("", "")); }
		const char *h(const struct statfs *s) { return s->f_mntonname; }
		const char *i(const es_message_t *m) { return h(m->event.mount.statfs); }
		struct stat j(const es_file_t *f) { return f->stat; }
		__darwin_time_t k(const es_message_t *m) { return m->time.tv_sec; }
		unsigned char l[CS_CDHASH_LEN]; int n = CS_ALLOWED_MACHO;""",
	"EndpointSecurity/ESTypes.h": "es_event_type_t t = ES_EVENT_TYPE_NOTIFY_EXEC;",
	"EndpointSecurity/ESMessage.h": "static const es_message_t *m; int f(void); int f(void) { return m->event_type; }",
	"bsm/libbsm.h": """
		int f(void);
		int f(void)
		{
			audit_token_t t;
			mach_msg_type_number_t n = TASK_AUDIT_TOKEN_COUNT;
			return task_info(mach_task_self(), TASK_AUDIT_TOKEN, (task_info_t)&t, &n) == KERN_SUCCESS;
		}""",
	"libproc.h": "char path[PROC_PIDPATHINFO_MAXSIZE]; int f(void); int f(void) { return proc_pidpath(1, path, 9) + FREAD; }",
	"os/log.h": """
		void f(os_log_t l, const char *s);
		void f(os_log_t l, const char *s) { os_log(l, "plain"); os_log_error(l, "%{public}s %{private}d", s, 3); }""",
	"os/lock.h": """
		static os_unfair_lock lock = OS_UNFAIR_LOCK_INIT;
		void f(void);
		void f(void) { os_unfair_lock_lock(&lock); os_unfair_lock_unlock(&lock); }""",
	"mach/mach_time.h": "mach_timebase_info_data_t b; int f(void); int f(void) { return mach_timebase_info(&b); }",
	"dispatch/dispatch.h": """
		void f(void *c);
		void f(void *c)
		{
			dispatch_queue_t q = dispatch_queue_create("q", DISPATCH_QUEUE_CONCURRENT);
			dispatch_source_t s = dispatch_source_create(DISPATCH_SOURCE_TYPE_SIGNAL, SIGTERM, 0,
								     dispatch_get_main_queue());
			dispatch_async_f(dispatch_get_main_queue(), c, f);
			dispatch_after_f(dispatch_time(DISPATCH_TIME_NOW, 3 * NSEC_PER_SEC), q, c, f);
			dispatch_resume(s);
			dispatch_release(q);
			dispatch_release(dispatch_semaphore_create(0));
		}""",
	"TargetConditionals.h": "#if TARGET_OS_OSX || !TARGET_OS_LINUX\n#error\n#endif\n",
	"Availability.h": "#if __MAC_OS_X_VERSION_MAX_ALLOWED < 130000\n#error\n#endif\nint f(void) API_AVAILABLE(macos(12.0));",
	"AvailabilityMacros.h": "#if MAC_OS_X_VERSION_MIN_REQUIRED < MAC_OS_X_VERSION_10_15\n#error\n#endif\n",
	"Kernel/kern/cs_blobs.h": "int f[CS_CDHASH_LEN == 20 ? 1 : -1]; unsigned int g = CS_PLATFORM_BINARY | CS_SIGNED;",
	"mach/task.h": "mach_port_t f(void); mach_port_t f(void) { return mach_task_self(); }",
	"sys/sysctl.h": """
		int f(struct kinfo_proc *list, size_t *size);
		int f(struct kinfo_proc *list, size_t *size)
		{
			int name[4] = { CTL_KERN, KERN_PROC, KERN_PROC_ALL, 0 };
			return sysctl(name, 4, list, size, NULL, 0) || list->kp_proc.p_pid == list->kp_eproc.e_ppid;
		}""",
	"CommonCrypto/CommonDigest.h": "unsigned char d[CC_SHA256_DIGEST_LENGTH]; void f(void); void f(void) { CC_SHA256(d, 1, d); }",
	"sys/attr.h": "struct attrlist list = { ATTR_BIT_MAP_COUNT, 0, ATTR_CMN_NAME, 0, 0, 0, 0 };",
	"sys/qos.h": "qos_class_t c = QOS_CLASS_UTILITY;",
	"string.h": "size_t f(char *t); size_t f(char *t) { return strlcpy(t, \"a\", 1) + strlcat(t, \"b\", 2); }",
}
if BLOCKS:
	HABITS["dispatch/queue.h"] = """
		void f(void);
		void f(void) { dispatch_async(dispatch_get_main_queue(), ^{ f(); }); }"""
	HABITS["Block.h"] = "#include <objc/blocks_runtime.h>\nvoid f(void); void f(void) { (void)Block_copy(^{ }); }"

NEIGHBOURS = ["sys/statfs.h", "sys/vfs.h", "sys/mount.h", "sys/stat.h", "sys/statvfs.h", "sys/file.h", "sys/xattr.h",
	      "sys/param.h", "fcntl.h", "signal.h", "unistd.h", "string.h", "strings.h", "pthread.h", "linux/futex.h"]

failed = 0


def compile(source, std, folders, pedantic=True):
	flags = [flag for folder in folders for flag in ("-I", folder)]
	flags += ["-Wpedantic"] if pedantic else []
	done = subprocess.run([*command, f"-std={std}", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", *flags, "-fsyntax-only",
			       "-x", LANGUAGE, "-"], input=source, text=True, capture_output=True, check=False)
	return done.stderr if done.returncode else ""


def check(what, source, standards=STANDARDS, pedantic=True):
	global failed
	for std in standards:
		errors = compile(source, std, [*compat, include], pedantic)
		if errors:
			failed += 1
			print(f"{' '.join(command)} -std={std}, {what}:\n{errors}")


def line(header):
	return f"#include <{header}>\n"


# A file has to have something in it.
END = "extern int nothing;\n"

for header in headers:
	check(f"{header}, twice", line(header) * 2 + END)
# Apple's interfaces take more than C11 has: a transparent union for objects, an initializer that is a literal.
for header, use in HABITS.items():
	if header in headers or header == "Block.h":
		check(f"what {header} brings", line(header) + use + "\n", STANDARDS[1:], False)
check("all", "".join(map(line, headers)) + END)
check("all, backwards", "".join(map(line, reversed(headers))) + END)
check("neighbours, then all", "".join(map(line, NEIGHBOURS + headers)) + END)
check("all, then neighbours", "".join(map(line, headers + NEIGHBOURS)) + END)
for a, b in itertools.permutations(["EndpointSecurity/EndpointSecurity.h", "string.h", "sys/mount.h", "libproc.h"], 2):
	check(f"{a}, then {b}", line(a) + line(b) + END, STANDARDS[:1])

# Without the folder nothing is there, and with the API's own header nothing of it comes along.
for header in ("bsm/libbsm.h", "mach/mach.h", "os/log.h", "es-compat/darwin.h"):
	if "No such file" not in compile(line(header), STANDARDS[0], [include]) and \
			"file not found" not in compile(line(header), STANDARDS[0], [include]):
		failed += 1
		print(f"{header} is found without the folder")
macros = subprocess.run([*command, "-dM", "-E", "-I", include, "-x", LANGUAGE, "-"], text=True, check=True,
			input=line("EndpointSecurity/ESLinux.h"), stdout=subprocess.PIPE).stdout
for name in re.findall(r"#define (KERN_\w+|TARGET_OS_\w+|MNT_RDONLY|OS_LOG\w+|CS_\w+|__ES_COMPAT\w+)", macros):
	failed += 1
	print(f"{name} is defined in a program that didn't ask for it")

# The checks can fail.
assert compile("#include <mach/mach.h>\nint x = KERN_NOTHING;\n", STANDARDS[0], [*compat, include])
assert compile("#include <TargetConditionals.h>\n#if TARGET_OS_LINUX\n#error\n#endif\n", STANDARDS[0], [*compat, include])

print(f"{' '.join(command)}: {failed or 'no'} complaints about {len(headers)} headers")
sys.exit(bool(failed))
