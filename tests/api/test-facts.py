#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Do the headers say what the facts say?

	test-facts.py INCLUDE			read by us: nothing lost, nothing more, every comment there
	test-facts.py INCLUDE COMPILER...	read by a compiler: numbers, types, offsets, sizes, signatures
"""

import sys

import facts
from compiler import Compiler

include, command = sys.argv[1], sys.argv[2:]

if not command:
	found = facts.differences(facts.Facts(), include)
	print('\n'.join(found) or 'the headers have what the facts have')
	sys.exit(bool(found))

cc = Compiler(command, include)
source = facts.assertions(facts.Facts())
failed = False
for std in cc.standards:
	errors = cc.compile(source, std)
	print(f'{cc} -std={std}: {errors or "agrees"}')
	failed |= bool(errors)
sys.exit(failed)
