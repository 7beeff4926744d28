#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The manual against the library.

    tests/docs/test-man.py BUILD

Each function that the library exports has a page that names it and shows it as the header declares it, and `make install`
puts a page under its name; no page names a function that isn't there. mandoc finds nothing wrong with any page, and
pages that they refer to exist; EndpointSecurity(7) refers to all that are no function's. Each check is first given something wrong.
"""

import glob
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS = re.compile(r"^\.Xr ((?:es_|EndpointSecurity|endpointsecurity|esctl|eslogger|escap|esship)\S*) (\d)", re.MULTILINE)

faults = []


def read(path):
    with open(path) as file:
        return file.read()


def complain(*what):
    faults.append(": ".join(what))


def exported():
    text = re.sub(r"/\*.*?\*/", "", read(ROOT + "/lib/libEndpointSecurity.map"), flags=re.DOTALL)
    return set(re.findall(r"^\t(es_\w+);$", text, re.MULTILINE))


def named(page):
    """Functions in a page's NAME."""
    return set(re.findall(r"^\.Nm (es_\w+)", page.split(".Sh LIBRARY")[0], re.MULTILINE))


def signature(text):
    """Words of a declaration, without what is only for compilers."""
    text = re.sub(r"_Nonnull|_Nullable|OS_EXPORT|/\*.*?\*/", " ", text, flags=re.DOTALL)
    return re.findall(r"\w+|[*^()]", text)


def declared():
    """function -> words from its type to the last argument."""
    found = {}
    for path in glob.glob(ROOT + "/include/EndpointSecurity/*.h"):
        for match in re.finditer(r"^OS_EXPORT ([^;{]*?)\b(es_\w+)\(([^;]*)\);", read(path), re.MULTILINE):
            found[match[2]] = signature(match[1]), signature(match[3])
    return found


def shown(page):
    """The same from a page's SYNOPSIS."""
    text = re.sub(r"\n\.Fa \"([^\"]*)\"(?=\n)", r' "\1"', page.replace(".Fo ", ".Fn "))
    return {name: (signature(kind), signature(arguments.replace('" "', ",")))
            for kind, name, arguments in re.findall(r"^\.Ft (.*)\n\.Fn (\w+) (.*)$", text, re.MULTILINE)}


def check_functions(pages, functions, declarations):
    everywhere = {}
    for path, page in pages.items():
        for name in named(page):
            if name in everywhere:
                complain(path, f"{name} has a page already, {everywhere[name]}")
            everywhere[name] = path
            if shown(page).get(name) != declarations.get(name):
                complain(path, f"{name} is shown as {shown(page).get(name)}, declared as {declarations.get(name)}")
    for name in sorted(functions ^ set(everywhere)):
        complain(everywhere.get(name, "man/"), f"{name} is " +
                 ("not exported" if name in everywhere else "on no page"))


def check_lint(path):
    result = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path], capture_output=True, text=True, check=False)
    for line in result.stdout.splitlines():
        complain(line)


def check_references(path, page, present):
    for name, section in OURS.findall(page):
        if f"{name}.{section}" not in present:
            complain(path, f"refers to {name}({section}), which does not exist")


def check_overview(page, present):
    """EndpointSecurity(7) leads to each page of sections 5, 7 and 8."""
    listed = set(OURS.findall(page.partition("\n.Sh SEE ALSO")[2]))
    for path in sorted(present):
        name, _, section = path.rpartition(".")
        if section in "578" and name != "EndpointSecurity" and (name, section) not in listed:
            complain("man/EndpointSecurity.7", f"does not refer to {name}({section})")


def installed(build):
    text = subprocess.run(["meson", "introspect", "--installed", build], check=True, capture_output=True, text=True).stdout
    return {os.path.basename(path) for path in json.loads(text).values() if "/man/" in path}


def self_test():
    wrong = ('.Nm es_made_up ,\n.Nm es_clear_cache\n.Sh LIBRARY\n.Ft int\n.Fn es_clear_cache "int client"\n'
             '.Xr es_nowhere 3\n')
    check_functions({"wrong.3": wrong}, {"es_clear_cache", "es_forgotten"}, declared())
    check_references("wrong.3", wrong, {"es_clear_cache.3"})
    check_overview("\n.Sh SEE ALSO\n.Xr esctl 8\n", {"esctl.8", "es_events_dog.7", "es_clear_cache.3"})
    expected = ["es_made_up is not exported", "es_forgotten is on no page", "es_clear_cache is shown as",
                "refers to es_nowhere", "does not refer to es_events_dog(7)"]
    for part in expected:
        if not any(part in fault for fault in faults):
            sys.exit(f"the checks don't notice what they should: {part!r} is not in {faults}")
    faults.clear()


def main():
    build = sys.argv[1]
    self_test()
    pages = {path: read(path) for path in glob.glob(ROOT + "/man/*.[1-9]") + glob.glob(build + "/man/*.[1-9]")}
    present = installed(build)
    check_functions({path: page for path, page in pages.items() if path.endswith(".3")}, exported(), declared())
    check_overview(read(ROOT + "/man/EndpointSecurity.7"), present)
    for path, page in pages.items():
        if os.path.basename(path) not in present:
            complain(path, "is not installed: man/meson.build")
        check_lint(path)
        check_references(path, page, present)
    for name in sorted(exported()):
        if name + ".3" not in present:
            complain("man/meson.build", f"no page is installed under the name {name}")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
