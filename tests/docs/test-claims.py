#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What pages, headers and tables say of the sources, against the sources.

    tests/docs/test-claims.py

What isn't built is said in docs/status.md only; others refer to it. A result that the library returns isn't
called unused. Messages that a manual page quotes are in the sources. --help needs no newer kernel than README.md does. Constants of the kernel programs are used. Files that sources name exist. Each check is first given something that is wrong, which it has to notice.
"""

import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

faults = []


def read(path):
    with open(os.path.join(ROOT, path)) as file:
        return file.read()


def sources(pattern):
    return {os.path.relpath(path, ROOT): read(path) for path in sorted(glob.glob(os.path.join(ROOT, pattern), recursive=True))}


def unbuilt(path, text):
    """Places that say so, but for "what is not built"."""
    return [f"{path}: says what is not built, as docs/status.md should: {match[0]}"
            for match in re.finditer(r".*(?<!what is )(?<!what\nis )\bnot\s+built\b", text)]


def called_unused(header):
    """Results whose own line, or the comment above it, says that Linux does not use them."""
    pattern = r"^\t(?:/\*[^\n]*?not used on Linux[^\n]*\*/\n\t)?(ES_\w*RESULT\w+) = \d+,([^\n]*)$"
    return [match[1] for match in re.finditer(pattern, header, re.MULTILINE) if "not used on Linux" in match[0]]


def wrongly_unused(header, library):
    return [f"{name} is called unused, but the library returns it" for name in called_unused(header)
            if re.search(rf"\breturn\b[^;]*\b{name}\b", library)]


def literals(text):
    """Strings, joined where they stand side by side; what is filled in is a NUL."""
    for match in re.finditer(r'"(?:[^"\\\n]|\\.)*"(?:\s*(?:PRI\w+\s*)?"(?:[^"\\\n]|\\.)*")*', text):
        joined = re.sub(r'"\s*"', "", re.sub(r'"\s*PRI\w+\s*"', "u", match[0]))[1:-1]
        yield re.sub(r"%[-+ #0-9.*]*(?:[hlzjt]*[a-zA-Z])?", "\0", joined.replace('\\"', '"'))


def unprinted(path, page, strings):
    """Parts of quoted messages, between what is filled in (in capitals), that no string has."""
    found = []
    for quoted in re.findall(r'^\.It "(.*)"$', page.partition(".Sh DIAGNOSTICS")[2].partition("\n.Sh ")[0], re.MULTILINE):
        parts = [part for part in re.split(r"\b[A-Z]+\b|\.\.\.|: ", quoted) if len(part) > 5]
        found += [f"{path}: nobody prints {part!r}" for part in parts if not any(part in text for text in strings)]
    return found


def newer_kernels(text, oldest):
    return [f"--help: needs Linux {version}, README.md only {oldest}"
            for version in re.findall(r"Linux (\d+\.\d+)", text) if version != oldest]


def unused_constants(constants, programs):
    names = re.findall(r"^\t([A-Z]\w+) = ", constants, re.MULTILINE)
    return [f"bpf/base/constants.h: nothing uses {name}" for name in names if not re.search(rf"\b{name}\b", programs)]


def missing_files(path, text, present):
    """Names of our kinds of file, with or without folders in front, that end no path of the tree."""
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    names = re.findall(r"(?<![\w/.*<\"-])([a-z][\w/-]*\.(?:bpf\.)?(?:c|h|def|pml))\b(?!\()", text)
    return [f"{path}: there is no {name}" for name in sorted(set(names))
            if not any(f"/{other}".endswith(f"/{name}") for other in present)]


def check_the_checks():
    assert unbuilt("x", "Muting is not\nbuilt yet. [status](status.md) has what is not built.") == [
        "x: says what is not built, as docs/status.md should: Muting is not\nbuilt"]
    header = "\tES_A_RESULT_X = 3,\t/* not used on Linux */\n\t/* no; not used on Linux */\n\tES_A_RESULT_Y = 4,\n\tES_A_RESULT_Z = 5,\n"
    assert called_unused(header) == ["ES_A_RESULT_X", "ES_A_RESULT_Y"]
    assert len(wrongly_unused(header, "return ok ? 0 : ES_A_RESULT_Y;")) == 1
    strings = list(literals('f("pid %d is late by %" PRIu64 " ms: "\n\t"it is killed");'))
    assert strings == ["pid \0 is late by \0 ms: it is killed"]
    page = '.Sh DIAGNOSTICS\n.It "pid N is late by M ms"\n.It "pid N is too late"\n.Sh SEE ALSO\n.It "nothing"\n'
    assert unprinted("x", page, strings) == ["x: nobody prints ' is too late'"]
    assert newer_kernels("needs Linux 6.12, or Linux 6.1", "6.1") == ["--help: needs Linux 6.12, README.md only 6.1"]
    assert missing_files("x", "#include <a/b.h>\n/* see c.bpf.h, d/e.c and f.h */ entry.c(1)", ["q/c.bpf.h", "x/d/e.c"]) == [
        "x: there is no f.h"]
    assert unused_constants("\tAT_X = 1,\n\tAT_Y = 2,\n", "f(AT_X);") == ["bpf/base/constants.h: nothing uses AT_Y"]


def main():
    check_the_checks()
    for path, text in {**sources("README.md"), **sources("docs/*.md"), **sources("man/*.[1-9]")}.items():
        if path != "docs/status.md":
            faults.extend(unbuilt(path, text))
    library = "\n".join(text for path, text in sources("lib/*.c").items() if not os.path.basename(path).startswith("test-"))
    for text in sources("include/EndpointSecurity/*.h").values():
        faults.extend(wrongly_unused(text, library))
    strings = [string for folder in ("daemon", "lib", "tools", "util")
               for text in sources(f"{folder}/**/*.c").values() for string in literals(text)]
    for path, text in sources("man/*.[1-9]").items():
        faults.extend(unprinted(path, text, strings))
    oldest = min(re.findall(r"^\| Debian's (\d+\.\d+)", read("README.md"), re.MULTILINE),
                 key=lambda version: [int(part) for part in version.split(".")])
    faults.extend(newer_kernels(read("daemon/options.c"), oldest))
    programs = "\n".join(text for path, text in sources("bpf/**/*.h").items() if path != "bpf/base/constants.h")
    faults.extend(unused_constants(read("bpf/base/constants.h"), programs))
    present = [os.path.relpath(os.path.join(parent, name), ROOT) for parent, folders, names in os.walk(ROOT)
               if "/build/" not in parent for name in names]
    for folder in ("abi", "bpf", "daemon", "lib", "util"):
        for kind in ("c", "h", "def"):
            for path, text in sources(f"{folder}/**/*.{kind}").items():
                faults.extend(missing_files(path, text, present))
    print("\n".join(faults) or "what is said of the sources is so")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
