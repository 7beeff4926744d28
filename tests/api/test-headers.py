#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Does each header compile alone, and all of them together, beside whatever else a program includes?

	test-headers.py INCLUDE COMPILER...
"""

import re
import sys
from itertools import permutations

from compiler import Compiler

include, command = sys.argv[1], sys.argv[2:]
cc = Compiler(command, include)

ALONE = ['EndpointSecurity', 'ESTypes', 'ESMessage', 'ESMessageCore', 'ESPlatform', 'ESLinux']

# Headers that own a name we also use. Those of libraries count where they are installed.
NEIGHBOURS = ['sys/statfs.h', 'sys/vfs.h', 'sys/mount.h', 'sys/stat.h', 'sys/file.h', 'sys/xattr.h', 'fcntl.h',
	      'signal.h', 'unistd.h', 'uuid/uuid.h', 'sys/acl.h', 'acl/libacl.h', 'Block.h']

# All that a program may find defined because of us.
MACROS = re.compile(r'ES_LINUX_VERSION\w*|es_linux_result_name|__ENDPOINT_SECURITY_\w+|CPU_\w+|PROX_FDTYPE_\w+|FREAD|FWRITE|OS_EXPORT|'
		    r'st_[amc]timespec|_Nonnull|_Nullable')


def line(header):
	return f'#include <EndpointSecurity/{header}.h>\n'


def present(header):
	return f'#if __has_include(<{header}>)\n#include <{header}>\n#endif\n'


failed = 0


def check(what, source, *args):
	global failed
	for std in cc.standards:
		errors = cc.compile(source, std, *args)
		if errors:
			failed += 1
			print(f'{cc} -std={std}, {what}:\n{errors}')


for header in ALONE:
	check(header, line(header))
	check(f'{header}, twice', line(header) * 2)
for a, b in permutations(ALONE, 2):
	check(f'{a}, then {b}', line(a) + line(b))
neighbours = ''.join(map(present, NEIGHBOURS))
for args in ([], ['-D_GNU_SOURCE'], ['-D_FILE_OFFSET_BITS=64']):
	check(f'all, then neighbours {args}', ''.join(map(line, ALONE)) + neighbours, *args)
	check(f'neighbours, then all {args}', neighbours + ''.join(map(line, ALONE)), *args)

# ESClient.h is the one that wants the umbrella, as on macOS.
errors = cc.compile(line('ESClient'), cc.standards[0])
if 'include <EndpointSecurity/EndpointSecurity.h>' not in errors:
	failed += 1
	print(f'{cc}: ESClient.h alone should be refused, but: {errors or "is not"}')

# What programs write: each line is from the habits of programs for macOS.
check('a program', line('ESLinux') + '''
#include <string.h>
static void handler(es_client_t *client, const es_message_t *message, void *context)
{
	es_event_type_t types[] = {ES_EVENT_TYPE_AUTH_OPEN, ES_EVENT_TYPE_NOTIFY_MOUNT};
	es_cdhash_t hash;
	struct stat st;

	(void)context;
	memcpy(hash, message->process->cdhash, sizeof(hash));
	memset(&st, hash[0], sizeof(st));
	if (message->event_type == ES_EVENT_TYPE_AUTH_OPEN && (message->event.open.fflag & (FREAD | FWRITE))) {
		st = message->event.open.file->stat;
		es_respond_flags_result(client, message, st.st_mtimespec.tv_sec ? UINT32_MAX : 0, false);
	} else if (strlen(message->event.mount.statfs->f_mntonname)) {
		es_subscribe(client, types, sizeof(types) / sizeof(types[0]));
	}
	if (message->event.exec.image_cputype == CPU_TYPE_ARM64)
		es_mute_process(client, &message->process->audit_token);
}
int main(void)
{
	es_client_t *client;
	return es_new_client_f(&client, handler, NULL) != ES_NEW_CLIENT_RESULT_SUCCESS;
}
''', '-D_GNU_SOURCE')


# Nothing else comes along: the macros that we add to those of the libc headers we include.
def macros(source):
	return set(re.findall(r'^#define (\w+)', cc.run(source, f'-std={cc.standards[0]}', '-dM', '-E').stdout, re.M))


libc = ''.join(f'#include <{h}>\n' for h in ('stdbool.h', 'stddef.h', 'stdint.h', 'sys/stat.h', 'sys/time.h',
					      'sys/types.h', 'time.h'))
added = macros(''.join(map(line, ALONE))) - macros(libc)
if not added:
	failed += 1
	print(f'{cc}: could not list the macros')
for name in sorted(added):
	if not MACROS.fullmatch(name):
		failed += 1
		print(f'{cc}: {name} leaks into programs')

print(f'{cc}: {failed or "no"} complaints')
sys.exit(bool(failed))
