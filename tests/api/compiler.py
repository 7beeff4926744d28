# SPDX-License-Identifier: MIT
"""A compiler by its command, asked only whether it takes a source."""

import shutil
import subprocess
import sys

WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Werror']


class Compiler:
	def __init__(self, command, include):
		"""Ends the test as skipped if there is no such compiler"""
		if not shutil.which(command[0]):
			print(f'skip: {command[0]}')
			sys.exit(77)
		cxx = '++' in command[0]
		self.command = command
		self.language = 'c++' if cxx else 'c'
		self.standards = ['c++17', 'gnu++17'] if cxx else ['c11', 'gnu11']
		self.include = include

	def __str__(self):
		return ' '.join(self.command)

	def run(self, source, *args):
		return subprocess.run([*self.command, '-I', self.include, *args, '-x', self.language, '-'],
				      input=source, text=True, capture_output=True)

	def compile(self, source, std, *args):
		"""What the compiler has against it; '' if nothing"""
		done = self.run(source, f'-std={std}', *WARNINGS, '-fsyntax-only', *args)
		return done.stderr if done.returncode else ''
