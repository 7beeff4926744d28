#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""README.md and docs/ against the tree.

    tests/docs/test-docs.py BUILD

The files, tests and functions that they name exist; links lead somewhere; docs/events.md has the table that
abi/events.def makes; docs/sensors.md has the hooks of abi/hooks.def that hold, each with its types; docs/status.md names every function that isn't built; the first client compiles. Each check is first
given something that is wrong, which it has to notice.
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ["abi", "bench", "bpf", "capture", "compat", "daemon", "debian", "docs", "examples", "include", "lib", "man", "model",
           "scripts", "systemd", "tests", "tools", "util", r"\.ci"]
PATH = re.compile(r"(?<![\w/.=<~$-])((?:" + "|".join(FOLDERS) + r")/[\w./*+-]*[\w*])")
NAME = re.compile(r"(?<![\w/.*-])([\w-]+(?:\.bpf)?\.(?:c|h|def|py|sh|md|map))\b(?!\()")
LINK = re.compile(r"\]\(([^)#:]+)\)")
FUNCTION = re.compile(r"\b([a-z_0-9]+)\(\)")
SKIP_FOLDERS = {".git", "build"}

faults = []


def read(path):
    with open(os.path.join(ROOT, path), errors="replace") as file:
        return file.read()


def tree():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIP_FOLDERS]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), ROOT)


FILES = set(tree())
NAMES = {os.path.basename(path) for path in FILES}
SOURCES = "\n".join(read(path) for path in sorted(FILES)
                    if path.endswith((".c", ".h")) and not path.startswith("tests/api/facts"))


def test_names(build):
    text = subprocess.run(["meson", "introspect", "--tests", build], check=True, capture_output=True, text=True).stdout
    return {test["name"] for test in json.loads(text)}


def missing_paths(text, tests):
    """Paths that begin with one of our folders: a file, a folder, a pattern that fits something, or a unit test."""
    return [path for path in PATH.findall(text)
            if not glob.glob(os.path.join(ROOT, path)) and path not in tests]


def missing_names(text):
    """Names of files without a folder, but for those that are the reader's own, or made by a test."""
    return [name for name in NAME.findall(text) if name not in NAMES | {"client.c", "client-gcc.c", "repro.sh"}]


def missing_links(page, text):
    return [link for link in LINK.findall(text)
            if not os.path.exists(os.path.join(ROOT, os.path.dirname(page), link))]


def missing_functions(text):
    """Also those that BPF_PROG() declares."""
    return [name for name in FUNCTION.findall(text)
            if not re.search(r"\b" + name + r"\(|BPF_PROG\(" + name + r"\b", SOURCES)]


def check_page(page, tests):
    text = re.sub(r"```c\n.*?```|\*\*", "", read(page), flags=re.DOTALL)
    for what, found in (("file", missing_paths(text, tests)), ("file", missing_names(text)),
                        ("link", missing_links(page, text)), ("function", missing_functions(text))):
        faults.extend(f"{page}: there is no {what} {name}" for name in found)


def unbuilt_functions():
    """Those that lib/new-client.c declines."""
    return re.findall(r"^\w+ (es_new_descendants_client\w*)\(", read("lib/new-client.c"), re.MULTILINE)


def check_status(text):
    named = set(FUNCTION.findall(text))
    exported = set(re.findall(r"^\t(es_\w+);", read("lib/libEndpointSecurity.map"), re.MULTILINE))
    wrong = [f"docs/status.md does not name {name}()" for name in unbuilt_functions() if name not in named]
    return wrong + [f"docs/status.md names {name}(), which isn't exported"
                    for name in sorted(named) if name.startswith("es_") and name not in exported]


def check_table():
    command = [os.path.join(ROOT, "scripts/events-table")]
    result = subprocess.run(command + ["--check"], capture_output=True, text=True, check=False)
    if result.returncode:
        faults.append(result.stderr.strip())
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    declared = {number for name, number in re.findall(r"^ES_EVENT\((\w+), *(\d+),", read("abi/events.def"), re.MULTILINE)
                if not name.startswith("RESERVED_")}
    shown = set(re.findall(r"\| (\d+) (?:delivers|both|lsm|silent|never) ", rows.replace("|", "| |")))
    if declared != shown:
        faults.append(f"scripts/events-table: numbers differ from abi/events.def: {sorted(declared ^ shown)}")


def declared_hooks(text):
    """hook: the AUTH types that are held there, as documents name them."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return {hook: {name.lower() for name in re.findall(r"AUTH_(\w+)", types)}
            for hook, types in re.findall(r"^ES_HELD(?:_NOTES)?\((\w+), \w+,((?:[^()]|\([^()]*\))*)\)", text, re.MULTILINE)}


def documented_hooks(text):
    """The same from docs/sensors.md's table, where a row may name several of both; "the same" is what the row above says."""
    table = re.search(r"^\| AUTH type \| hook .*?\n\n", text, re.MULTILINE | re.DOTALL)
    found, types = {}, set()
    for what, hooks in re.findall(r"^\| ([^|]*) \| ([^|]*) \|", table[0] if table else "", re.MULTILINE)[1:]:
        named = re.split(r", (?:of|by|with|in) |: | that ", what)[0]
        types = types if named.startswith("the same") else set(re.findall(r"[a-z_]+", named))
        for hook in re.findall(r"\b[a-z]+_[a-z_]+\b|\bsettime\b", re.sub(r"\w+\(2\)", "", hooks)):
            found.setdefault(hook, set()).update(types)
    return found


def hook_faults(declared, documented):
    for hook in sorted(declared.keys() | documented.keys()):
        if declared.get(hook) != documented.get(hook):
            yield (f"docs/sensors.md: at {hook} it says {sorted(documented.get(hook, []))}, abi/hooks.def "
                   f"{sorted(declared.get(hook, []))}")


def check_hooks():
    declared, documented = declared_hooks(read("abi/hooks.def")), documented_hooks(read("docs/sensors.md"))
    assert declared and list(hook_faults(declared, documented | {"path_link": {"unlink"}}))
    assert list(hook_faults(declared | {"path_new": {"unlink"}}, documented))
    faults.extend(hook_faults(declared, documented))


def check_formats():
    command = [os.path.join(ROOT, "scripts/formats-table")]
    result = subprocess.run(command + ["--check"], capture_output=True, text=True, check=False)
    if result.returncode:
        faults.append(result.stderr.strip())


def unlisted(index):
    """Pages that the index doesn't lead to."""
    pages = {os.path.basename(path) for path in FILES if re.fullmatch(r"docs/[\w-]+\.md", path)} - {"README.md"}
    return sorted(pages - set(LINK.findall(index)))


def check_index():
    index = read("docs/README.md")
    assert unlisted(index.replace("(muting.md)", "")) == ["muting.md"]
    faults.extend(f"docs/README.md doesn't list {page}" for page in unlisted(index))


def compiles(code):
    command = ["clang", "-fblocks", "-Wall", "-Werror", "-fsyntax-only", "-I", ROOT + "/include", "-xc", "-"]
    return subprocess.run(command, input=code, text=True, capture_output=True, check=False).returncode == 0


def check_client():
    blocks = re.findall(r"```c\n(.*?)```", read("README.md"), re.DOTALL)
    if len(blocks) != 1:
        faults.append("README.md: one client is expected")
    elif not shutil.which("clang"):
        print("no clang: the client of README.md was not compiled")
    else:
        assert not compiles(blocks[0].replace("es_subscribe", "es_subscribed"))
        if not compiles(blocks[0]):
            faults.append("README.md: the client does not compile")


def check_the_checks(tests):
    assert missing_paths("(lib/nothing.c), tests/kernel/no-*.c", tests) == ["lib/nothing.c", "tests/kernel/no-*.c"]
    assert not missing_paths("lib/ring.c, tests/kernel, [x](docs/status.md)", tests)
    assert missing_names("no-such-thing.c, ring.c") == ["no-such-thing.c"]
    assert missing_links("docs/status.md", "[a](sensors.md) [b](nothing.md)") == ["nothing.md"]
    assert missing_functions("es_subscribe(), on_exec(), es_nothing()") == ["es_nothing"]
    assert unbuilt_functions()
    assert any("es_new_descendants_client" in fault
               for fault in check_status(read("docs/status.md").replace("es_new_descendants_client", "x")))


def main():
    tests = test_names(sys.argv[1])
    check_the_checks(tests)
    for page in sorted(path for path in FILES if path == "README.md" or re.fullmatch(r"docs/[^/]+\.md", path)):
        check_page(page, tests)
    faults.extend(check_status(read("docs/status.md")))
    check_table()
    check_hooks()
    check_formats()
    check_client()
    check_index()
    print("\n".join(faults) or "README.md and docs/ agree with the tree")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
