#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
What is installed can be built against, in each way that docs/compat.md names, from a tree that make install made
elsewhere: pkg-config, -lEndpointSecurity -lbsm, es-clang with -framework, CMake. Each program is started, too: it finds
its libraries. And what has to fail does.

	test-install.py BUILD SOURCE PREFIX
"""

import os
import shutil
import subprocess
import sys
import tempfile

build, source, prefix = sys.argv[1:]
if not shutil.which("clang"):
	print("skip: clang")
	sys.exit(77)

PLAIN = """
#include <EndpointSecurity/EndpointSecurity.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	es_client_t *client = NULL;
	es_event_type_t type = ES_EVENT_TYPE_NOTIFY_EXEC;
	(void)argv;
	if (argc == 1)
		return 0;
	if (es_new_client(&client, ^(es_client_t *c, const es_message_t *m) {
		(void)c;
		printf("%d %d\\n", argc, m->event_type);
	}) != ES_NEW_CLIENT_RESULT_SUCCESS)
		return 1;
	return es_subscribe(client, &type, 1);
}
"""
COMPAT = """
#include <EndpointSecurity/EndpointSecurity.h>
#include <bsm/libbsm.h>
#include <dispatch/dispatch.h>
#include <os/log.h>
int main(void)
{
	const audit_token_t token = { { 0, 0, 0, 0, 0, 42, 0, 0 } };
	__block pid_t pid = 0;
	dispatch_queue_t queue = dispatch_queue_create("queue", DISPATCH_QUEUE_SERIAL);
	dispatch_sync(queue, ^{
		pid = audit_token_to_pid(token);
	});
	dispatch_release(queue);
	os_log_debug(OS_LOG_DEFAULT, "%d", pid);
	return pid == 42 && es_delete_client(NULL) == ES_RETURN_SUCCESS ? 0 : 1;
}
"""
# As programs for macOS are: the standard's own header beside the framework's.
ATOMIC = """
#include <stdatomic.h>
#include <dispatch/dispatch.h>
#include <string.h>
int main(void)
{
	static atomic_int count;
	dispatch_queue_t queue = dispatch_queue_create("queue", NULL);
	dispatch_sync(queue, ^{
		atomic_fetch_add(&count, 1);
	});
	dispatch_release(queue);
	return atomic_load(&count) == 1 ? 0 : 1;
}
"""
SHARED = """
#include <stdio.h>
static int calls;
int entry(void);
int entry(void)
{
	return ++calls == 1 ? puts("called") < 0 : 1;
}
"""
LOADER = """
#include <dlfcn.h>
#include <stddef.h>
int main(int argc, char **argv)
{
	void *bundle = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
	int (*entry)(void) = bundle ? (int (*)(void))dlsym(bundle, "entry") : NULL;
	return entry ? entry() : 1;
}
"""
OBJC = """
#import <Foundation/Foundation.h>
#include <stdatomic.h>
#include <dispatch/dispatch.h>
int main(void)
{
	NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
	__block atomic_int count = 0;
	dispatch_sync(dispatch_get_global_queue(0, 0), ^{
		atomic_fetch_add(&count, [@"four" length]);
	});
	int wrong = count != 4;
	[pool drain];
	return wrong;
}
"""
CMAKE = """
cmake_minimum_required(VERSION 3.13)
project(client C)
find_package(EndpointSecurity 0.1 REQUIRED COMPONENTS EndpointSecurity Compat)
add_executable(plain plain.c)
target_compile_options(plain PRIVATE -fblocks)
target_link_libraries(plain EndpointSecurity::EndpointSecurity)
add_executable(compat compat.c)
target_compile_options(compat PRIVATE -fblocks)
target_link_libraries(compat EndpointSecurity::Compat)
"""

failed = 0
work = tempfile.mkdtemp(prefix="es-install-")
root = work + "/root"
tree = root + prefix
env = {**os.environ, "DESTDIR": root}


def run(what, *command, fails=False, **more):
	global failed
	done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, cwd=work,
			      **{"env": env, **more})
	if (done.returncode != 0) != fails:
		failed += 1
		print(f"{what}: {' '.join(command)}: {done.returncode}\n{done.stdout}")
	return done.stdout


def pkg_config(*arguments):
	return run("pkg-config", "pkg-config", *arguments).split()


def start(what, program):
	run(what, work + "/" + program, env={**env, "LD_LIBRARY_PATH": libdir})


try:
	run("install", "meson", "install", "-C", build, "--no-rebuild", "--quiet")
	libdir = next(folder for folder, _, names in os.walk(tree) if "libEndpointSecurity.so" in names)
	env["PKG_CONFIG_SYSROOT_DIR"] = root
	env["PKG_CONFIG_PATH"] = libdir + "/pkgconfig"
	env["ES_ROOT"] = root
	for name, text in (("plain.c", PLAIN), ("compat.c", COMPAT), ("atomic.c", ATOMIC), ("shared.c", SHARED),
			   ("loader.c", LOADER), ("objc.m", OBJC), ("objc.mm", OBJC), ("CMakeLists.txt", CMAKE)):
		with open(f"{work}/{name}", "w") as file:
			file.write(text)

	run("pkg-config", "clang", "-fblocks", "-Wall", "-Werror", "plain.c", "-o", "plain",
	    *pkg_config("--cflags", "--libs", "EndpointSecurity"))
	start("pkg-config", "plain")
	run("pkg-config -compat", "clang", "-fblocks", "-Wall", "-Werror", "compat.c", "-o", "compat",
	    *pkg_config("--cflags", "--libs", "EndpointSecurity-compat"))
	start("pkg-config -compat", "compat")
	run("without -compat", "clang", "-fblocks", "compat.c", "-o", "none",
	    *pkg_config("--cflags", "--libs", "EndpointSecurity"), fails=True)
	run("-lbsm", "clang", "-fblocks", "compat.c", "-o", "bsm", *pkg_config("--cflags", "EndpointSecurity-compat"),
	    "-L" + libdir, "-lEndpointSecurity", "-lbsm")
	start("-lbsm", "bsm")
	run("no -lbsm", "clang", "-fblocks", "compat.c", "-o", "none", *pkg_config("--cflags", "EndpointSecurity-compat"),
	    "-L" + libdir, "-lEndpointSecurity", fails=True)

	wrapper = tree + "/bin/es-clang"
	run("es-clang", wrapper, "-arch", "x86_64", "-mmacosx-version-min=11.0", "-isysroot", "/no/sdk", "compat.c", "-o",
	    "framework", "-framework", "EndpointSecurity", "-framework", "Security", "-lbsm")
	start("es-clang", "framework")
	run("es-clang -c", wrapper, "-c", "compat.c", "-framework", "EndpointSecurity", "-o", "compat.o")
	run("es-clang, linking", wrapper, "compat.o", "-lEndpointSecurity", "-lbsm", "-o", "linked")
	start("es-clang, linking", "linked")
	run("es-clang, what is missing", wrapper, "compat.c", "-framework", fails=True)
	run("es-clang, blocks and dispatch without -lbsm", wrapper, "atomic.c", "-o", "atomic")
	start("es-clang, blocks and dispatch without -lbsm", "atomic")
	run("es-clang -dynamiclib", wrapper, "-dynamiclib", "-install_name", "@rpath/x", "-current_version", "1.0", "shared.c",
	    "-o", "libshared.so")
	run("es-clang -bundle", wrapper, "-c", "shared.c")
	run("es-clang -bundle", wrapper, "-bundle", "-undefined", "dynamic_lookup", "shared.o", "-o", "shared.bundle")
	run("es-clang, a loader", wrapper, "loader.c", "-o", "loader")
	for name in ("libshared.so", "shared.bundle"):
		run("es-clang, loaded", work + "/loader", work + "/" + name)
	run("es-clang -v", wrapper, "-v")
	if shutil.which("gnustep-config"):
		before = set(os.listdir(work))
		run("es-clang, Foundation in C", wrapper, "-framework", "Foundation", "atomic.c", "-o", "in-c")
		start("es-clang, Foundation in C", "in-c")
		for name, compiler in (("objc.m", wrapper), ("objc.mm", wrapper + "++")):
			run(f"es-clang, {name}", compiler, name, "-framework", "Foundation", "-o", name + ".out")
			start(f"es-clang, {name}", name + ".out")
			run(f"es-clang -c, {name}", compiler, "-c", name, "-o", name + ".o")
			run(f"es-clang, {name}, linked", compiler, name + ".o", "-framework", "Foundation", "-o", name + ".two")
			start(f"es-clang, {name}, linked", name + ".two")
		stray = {name for name in set(os.listdir(work)) - before if name.endswith(".d")}
		if stray:
			failed += 1
			print(f"es-clang leaves {stray}")
		run("es-clang, GNUstep", wrapper, source + "/examples/languages/client.m", "-framework", "Foundation", "-framework",
		    "EndpointSecurity", "-o", "objc")
	else:
		print("no GNUstep: -framework Foundation was not tried")
	if shutil.which("cmake"):
		run("cmake", "cmake", "-S", ".", "-B", "cmake", "-DCMAKE_C_COMPILER=clang",
		    f"-DCMAKE_PREFIX_PATH={tree}", env={**env, "DESTDIR": ""})
		run("cmake", "cmake", "--build", "cmake")
		start("cmake", "cmake/plain")
		start("cmake", "cmake/compat")
	else:
		print("no cmake: EndpointSecurityConfig.cmake was not tried")
finally:
	shutil.rmtree(work, ignore_errors=True)

print(f"{failed} complaints" if failed else "all can be built against")
sys.exit(bool(failed))
