#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Includes go one way: test-includes.py [TREE]

No part of the tree includes what includes it, by whatever way; a part is a header and the source of the same name. And
folders use each other in the order of the table here.
"""

import os
import re
import sys

# In each row a folder uses itself and those before it, and of other rows only what OUTSIDE says.
ROWS = [
    ['abi'],
    ['util'],
    ['include/EndpointSecurity'],
    ['bpf/base', 'bpf/record', 'bpf/select', 'bpf/cache', 'bpf/hold', 'bpf/notify', 'bpf'],
    ['daemon/identity', 'daemon/sensor', 'daemon/hold', 'daemon/serve', 'daemon'],
    ['lib'],
    ['tools', 'tools/esctl', 'tools/esship'],
]
OUTSIDE = {
    'abi': [],
    'util': [],
    'include': [],
    'bpf': ['abi'],
    'daemon': ['abi', 'util'],
    'lib': ['abi', 'util', 'include'],
    'tools': ['abi', 'util', 'include'],
}
INCLUDE = re.compile(r'^#include\s+["<]([^">]+)[">]', re.M)


def sources(tree):
    for row in ROWS:
        for folder in row:
            for name in sorted(os.listdir(os.path.join(tree, folder))):
                if name.endswith(('.c', '.h', '.def', '.S')):
                    yield f'{folder}/{name}'


def included(tree, source, files):
    """Those of the tree's files that a source includes."""
    with open(os.path.join(tree, source)) as file:
        names = INCLUDE.findall(file.read())
    for name in names:
        for path in (f'{os.path.dirname(source)}/{name}', name, f'include/{name}'):
            if path in files:
                yield path
                break


def part(source):
    """What a header and its source are together. A test is a part of its own."""
    return source.split('.')[0]


def is_test(source):
    return os.path.basename(source).startswith('test-') or os.path.basename(source) == 'test.h'


def allowed(user, used):
    user, used = os.path.dirname(user), os.path.dirname(used)
    for row in ROWS:
        if user in row and used in row:
            return row.index(used) <= row.index(user)
    return used.split('/')[0] in OUTSIDE[user.split('/')[0]]


def circle(graph):
    """A list of parts, each of which uses the next, and the last the first; None: there is none."""
    done, way = set(), []

    def walk(node):
        if node in way:
            return way[way.index(node):]
        if node in done:
            return None
        way.append(node)
        for used in sorted(graph.get(node, ())):
            found = walk(used)
            if found:
                return found
        way.pop()
        done.add(node)
        return None

    for node in sorted(graph):
        found = walk(node)
        if found:
            return found
    return None


def complaints(tree):
    files = set(sources(tree))
    graph = {}
    for source in sorted(files):
        for used in included(tree, source, files):
            if part(used) != part(source):
                graph.setdefault(part(source), set()).add(part(used))
            if not is_test(source) and not allowed(source, used):
                yield f'{source} includes {used}, against the order of folders'
    found = circle(graph)
    if found:
        yield 'a circle of includes: ' + ' -> '.join(found + found[:1])


def main():
    tree = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..')
    found = list(complaints(tree))
    for text in found:
        print(text)
    if not found:
        print('includes go one way')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
