#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Would test-symbols.py notice a wrong version script?

	test-symbols-can-fail.py INCLUDE MAP
"""

import subprocess
import sys
import tempfile
from pathlib import Path

include, map = sys.argv[1:]
true = Path(map).read_text()

# (in the script, instead of it, what is said about it; None: nothing, it passes)
SCRIPTS = [
	('\tes_subscribe;\n', '\tes_subscribe;\n', None),
	('\tes_subscribe;\n', '', 'es_subscribe: missing from'),
	('\tes_subscribe;\n', '\tes_subscribe;\n\tes_internal;\n', 'es_internal: too much in'),
	('\tes_subscribe;\n', '\tes_subscribes;\n', 'es_subscribe: missing from'),
	('\tes_subscribe;\n', '\tes_subscribe;\n\tes_*;\n', 'es_*: too much in'),
	('\t*;\n', '', 'nothing says "local: *;"'),
]

failed = 0
for old, new, says in SCRIPTS:
	if true.count(old) != 1:
		raise ValueError(f'{map}: not there exactly once: {old!r}')
	with tempfile.NamedTemporaryFile('w', suffix='.map') as wrong:
		wrong.write(true.replace(old, new))
		wrong.flush()
		test = subprocess.run([sys.executable, Path(__file__).parent / 'test-symbols.py', include, wrong.name],
				      text=True, capture_output=True)
	if test.returncode == 77:
		print(test.stdout, end='')
		sys.exit(77)
	if (test.returncode, bool(says)) not in ((0, False), (1, True)) or (says or '') not in test.stdout:
		failed += 1
		print(f'with {new!r} for {old!r}: not {says!r}, but {test.returncode}:\n{test.stdout}{test.stderr}')

print(f'{len(SCRIPTS) - failed} of {len(SCRIPTS)} version scripts, all wrong but one, were told apart')
sys.exit(bool(failed))
