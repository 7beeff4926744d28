#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
One list of functions: what the headers declare, what the facts and ESLinux.h know, what the version script lists and,
if it is given, what the library exports.

	test-symbols.py INCLUDE MAP [LIBRARY]
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import facts
from compiler import Compiler

include, map, *library = sys.argv[1:]
cc = Compiler(['clang', '-fblocks'], include)

# A block type is no function; a function of Linux's own is declared in ESLinux.h and nowhere else.
known = {name for name, _, block in facts.Facts().signatures() if not block}
linux = set(facts.parse_functions((Path(include) / 'EndpointSecurity/ESLinux.h').read_text()))

seen = cc.run('#include <EndpointSecurity/ESLinux.h>\n', '-E', '-P').stdout
seen = re.sub(r'static inline [^{]*\{[^}]*\}', '', seen)		# nobody exports those
lists = {'the headers, as clang reads them': set(re.findall(r'\b(es_\w+)\s*\((?!\*)', seen))}

script = re.sub(r'/\*.*?\*/', '', Path(map).read_text(), flags=re.S)
nodes = re.findall(r'^([\w.]+)\s*\{\s*(?:global:)?(.*?)(?:local:(.*?))?\}\s*[\w.]*;', script, re.M | re.S)
lists[map] = {name for _, names, _ in nodes for name in re.findall(r'([\w*?]+)\s*;', names)}

if library:
	if not shutil.which('nm'):
		print('skip: nm')
		sys.exit(77)
	nm = subprocess.run(['nm', '-D', '--defined-only', '--format=posix', library[0]],
			    check=True, text=True, capture_output=True)
	symbols = (l.split() for l in nm.stdout.splitlines())
	lists[library[0]] = {s[0].split('@')[0] for s in symbols if s[1] != 'A'}	# A: a node of the script

failed = False
for what, names in lists.items():
	for name in sorted((known | linux) ^ names):
		failed = True
		print(f'{name}: {"missing from" if name not in names else "too much in"} {what}')
if not nodes or not any(re.fullmatch(r'\s*\*;\s*', rest) for _, _, rest in nodes):
	failed = True
	print(f'{map}: nothing says "local: *;"')
for name in sorted(known & linux):
	failed = True
	print(f'{name}: both Apple\'s and in ESLinux.h')

print(f'{len(known)} functions of the API, {len(linux)} of Linux; compared: {", ".join(lists)}')
sys.exit(failed)
