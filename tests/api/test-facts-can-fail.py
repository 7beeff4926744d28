#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Would test-facts.py notice? One fact after the other is made wrong; the check has to fail, and to name the place.

	test-facts-can-fail.py INCLUDE			where we read the headers
	test-facts-can-fail.py INCLUDE COMPILER...	where a compiler does
"""

import sys

import facts
from compiler import Compiler

include, command = sys.argv[1], sys.argv[2:]

# (file, true, false, what is said about it)
COMPILED = [
	('events.tsv', '10\tES_EVENT_TYPE_NOTIFY_OPEN', '11\tES_EVENT_TYPE_NOTIFY_OPEN', 'ES_EVENT_TYPE_NOTIFY_OPEN is not 11'),
	('events.tsv', 'ES_EVENT_TYPE_NOTIFY_FORK\t', 'ES_EVENT_TYPE_NOTIFY_SPOON\t', 'ES_EVENT_TYPE_NOTIFY_SPOON'),
	('events.tsv', 'NOTIFY\t10.15\tfork\tes_event_fork_t', 'NOTIFY\t10.15\tfork\tes_event_exit_t', 'es_events_t.fork is of another type'),
	('events.tsv', 'su\tes_event_su_t\tnone\tno\tpointer', 'su\tes_event_su_t\tnone\tno\tinline', 'es_events_t.su is of another type'),
	('counts.tsv', 'events\t162', 'events\t163', 'ES_EVENT_TYPE_LAST is not 163'),
	('structs.h', 'ES_DESTINATION_TYPE_NEW_PATH = 1', 'ES_DESTINATION_TYPE_NEW_PATH = 2', 'ES_DESTINATION_TYPE_NEW_PATH is not 2'),
	('structs.h', 'int32_t fflag;', 'uint32_t fflag;', 'es_event_open_t.fflag is of another type'),
	('structs.h', 'int32_t fflag;', 'int32_t flag;', 'no member named'),
	('structs.h', 'uint32_t fdtype;', 'int fdtype;', 'es_fd_t.fdtype is of another type'),
	('structs.h', '\tpid_t ppid;\n\tpid_t original_ppid;', '\tpid_t original_ppid;\n\tpid_t ppid;', 'es_process_t.ppid is at another place'),
	('structs.h', 'bool is_es_client;', 'bool is_es_client;\n\tuint64_t more;', 'es_process_t is of another size'),
	('structs.h', 'uint8_t reserved[40];', 'uint8_t reserved[48];', 'es_event_iokit_open_t is of another size'),
	('structs.h', '\t\tes_event_authentication_token_t *token;', '\t\tes_event_authentication_od_t *token;', 'es_event_authentication_t.data.token is of another type'),
	('structs.h', 'typedef uint8_t es_cdhash_t[20];', 'typedef uint8_t es_cdhash_t[32];', 'es_cdhash_t is another type'),
	('structs.h', 'struct statfs es_statfs_t;', 'struct stat es_statfs_t;', 'es_statfs_t is another type'),
	('functions.tsv', 'es_return_t es_invert_muting(', 'es_mute_inverted_return_t es_invert_muting(', 'es_invert_muting() is of another type'),
	('functions.tsv', 'uint32_t authorized_flags, bool cache', 'uint64_t authorized_flags, bool cache', 'es_respond_flags_result() is of another type'),
	('functions.tsv', 'es_release_message\tESMessage.h\t11.0\t-\tvoid es_release_message(const es', 'es_release_message\tESMessage.h\t11.0\t-\tvoid es_release_message(es', 'es_release_message() is of another type'),
	('layout.tsv', 'cdhash_full\t232', 'cdhash_full\t228', 'es_process_t.cdhash_full: not 228'),
]

READ = [
	('structs.h', 'es_string_token_t dyld_exec_path; /* v7 */', 'es_string_token_t dyld_exec_path;', 'es_event_exec_t: other members'),
	('structs.h', 'es_file_t *_Nullable tty;', 'es_file_t *tty;', 'es_process_t: other members'),
	('structs.h', 'es_process_t *child;', 'es_process_t *_Nullable child;', 'es_event_fork_t: other members'),
	('structs.h', 'bool path_truncated;', 'bool path_truncated;\n\tbool more;', 'es_file_t: other members'),
	('structs.h', '\tES_MUTE_NOT_INVERTED = 1,\n', '', 'es_mute_inverted_return_t: other constants'),
	('structs.h', 'typedef uint32_t es_graphical_session_id_t;', '', 'es_graphical_session_id_t: only in the headers'),
	('functions.tsv', 'es_exec_fd_count\t', 'es_exec_fd_number\t', 'es_exec_fd_count: only in the headers'),
	('functions.tsv', 'es_clear_cache\tESClient.h', 'es_clear_cache\tESMessage.h', 'es_clear_cache: None in ESMessage.h'),
	('functions.tsv', 'es_delete_client(es_client_t *_Nullable client)', 'es_delete_client(es_client_t *_Nonnull client)', 'es_delete_client: '),
	('counts.tsv', 'records\t133', 'records\t134', 'records: 133, should be 134'),
	('events.tsv', 'es_event_fork_t\tnone', 'es_event_fork_t\tresult', 'does not say how to answer ES_EVENT_TYPE_NOTIFY_FORK'),
]

ENUM = ('structs.h', 'es_openssh_login_result_type_t result_type;', 'unsigned int result_type;',
	'es_event_openssh_login_t.result_type is of another type')

if command:
	cc = Compiler(command, include)
	# Only C++ surely tells an enum from its number.
	wrong = COMPILED + ([ENUM] if cc.language == 'c++' else [])

	def complaints(change=None):
		return cc.compile(facts.assertions(facts.Facts(change=change)), cc.standards[0])
else:
	wrong = READ

	def complaints(change=None):
		return '\n'.join(facts.differences(facts.Facts(change=change), include))

failed = 0
if complaints():
	print(f'the true facts already fail:\n{complaints()}')
	sys.exit(1)

for *change, says in wrong:
	found = complaints(change)
	if says not in found:
		failed += 1
		print(f'{change}: no word of "{says}", but:\n{found or "nothing"}')

print(f'{len(wrong) - failed} of {len(wrong)} wrong facts were noticed')
sys.exit(bool(failed))
