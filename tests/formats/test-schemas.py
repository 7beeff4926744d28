#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Events in formats that others defined, against what those say of fields, types, requirements and values.

    test-schemas.py ecs|ocsf FORMAT-PRINT

FORMAT-PRINT makes one message of each event type, as it comes and denied. Each has to validate against the schema beside this
file, to be of the class or category that tools/formats.def says, and to say how it ended. The check is first given
events with one thing wrong each, which it has to notice.
"""

import copy
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TYPES = {"string": str, "keyword": str, "integer": int, "boolean": bool, "timestamp": int}


class Schema:
    """Objects: name -> {attribute: (type, required, values)}; and of them, which attributes one must be there of."""

    def __init__(self, path):
        self.objects, self.one_of, self.classes, self.categories = {}, {}, {}, {}
        fields = None
        for line in open(path):
            words = line.split("#")[0].split()
            if not words:
                continue
            if line[0] == "\t":
                if words[0] == "at_least_one":
                    self.one_of[name] = words[1:]
                else:
                    fields[words[0]] = words[1], words[2] == "required", words[3:]
            elif words[0] == "object":
                name = words[1]
                fields = self.objects.setdefault(name, {})
            elif words[0] == "class":
                name = words[1]
                title, _, activities = line.partition(words[1])[2].partition(":")
                self.classes[int(name)] = title.strip(), {int(word) for word in activities.split()} | {0, 99}
                fields = self.objects.setdefault(name, {})
            elif words[0] == "category":
                self.categories[words[1].rstrip(":")] = set(words[2:])

    def value(self, kind, value, values, where):
        if kind.endswith("[]"):
            if not isinstance(value, list):
                return [f"{where}: no array"]
            return [fault for element in value for fault in self.value(kind[:-2], element, values, where + "[]")]
        if kind == "any":
            return []
        if kind == "datetime":
            return [] if isinstance(value, str) and DATETIME.fullmatch(value) else [f"{where}: no time: {value!r}"]
        if kind not in TYPES:
            return self.check(kind, value, where)
        if not isinstance(value, TYPES[kind]) or isinstance(value, bool) != (kind == "boolean"):
            return [f"{where}: {value!r} is no {kind}"]
        if values and str(value) not in values:
            return [f"{where}: {value!r} is not among {values}"]
        return []

    def check(self, name, value, where, more=None):
        """Faults of an object; `more`: another one, whose attributes it has too."""
        if not isinstance(value, dict):
            return [f"{where}: no object"]
        fields = self.objects[name] | (self.objects[more] if more else {})
        faults = [f"{where}.{key}: there is no such attribute" for key in value if key not in fields]
        for key, (kind, required, values) in fields.items():
            if key in value:
                faults += self.value(kind, value[key], values, f"{where}.{key}")
            elif required:
                faults.append(f"{where}.{key}: missing")
        for constrained in (name, more):
            one_of = self.one_of.get(constrained)
            if one_of and not any(key in value for key in one_of):
                faults.append(f"{where}: none of {one_of}")
        return faults


def unique(pairs):
    assert len({key for key, _ in pairs}) == len(pairs), f"a key twice: {[key for key, _ in pairs]}"
    return dict(pairs)


def table():
    """event -> (categories, types, action, class, activity, name), and class -> (uid, name)."""
    text = open(ROOT + "/tools/formats.def").read()
    classes = {name: (int(uid), title) for name, uid, title in
               re.findall(r'^OCSF_CLASS\((\w+),\s*(\d+),\s*"([^"]*)"\)', text, re.MULTILINE)}
    rows = {row[0]: (row[1].split(), row[2].split(), row[3], *classes[row[4]], int(row[5]), row[6]) for row in re.findall(
        r'^FORMAT\((\w+),\s*"([^"]*)",\s*"([^"]*)",\s*"([^"]*)",\s*(\w+),\s*(\d+),\s*"([^"]*)"\)', text, re.MULTILINE)}
    assert len(rows) == text.count("\nFORMAT("), "a row that can't be read"
    return rows


class Ocsf:
    outcomes = {"done": (1, 1, 3, 17), "failed": (1, 2, 3, 17), "denied": (3, 2, 2, 2), "asked": (1, 0, 0, 0)}

    def __init__(self):
        self.schema = Schema(HERE + "/ocsf.schema")

    def faults(self, event, what, rows):
        uid, activity = event.get("class_uid"), event.get("activity_id")
        if uid not in self.schema.classes:
            return [f"class_uid {uid}"]
        found = self.schema.check(str(uid), event, "", "base")
        if activity not in self.schema.classes[uid][1]:
            found.append(f"activity_id {activity} is not in class {uid}")
        if event.get("type_uid") != uid * 100 + activity or event.get("category_uid") != uid // 1000:
            found.append("type_uid or category_uid don't fit class_uid and activity_id")
        if not any(row[3:] == (uid, self.schema.classes[uid][0], activity, event.get("activity_name")) for row in rows):
            found.append(f"{uid}/{activity} {event.get('activity_name')} is not what tools/formats.def says: {rows}")
        ended = tuple(event.get(key) for key in ("severity_id", "status_id", "action_id", "disposition_id"))
        if ended != self.outcomes[what]:
            found.append(f"{what}, and says {ended}")
        return found

    def break_it(self, event):
        """(what is wrong, event)"""
        for path in ("time", "metadata.version", "metadata.product", "actor", "device.type_id", "process.file.name"):
            yield "without " + path, without(event, path)
        yield "an unknown attribute", event | {"procces": {}}
        yield "an unknown value", event | {"severity_id": 7}
        yield "a wrong type", event | {"time": str(event["time"])}
        yield "another activity", event | {"activity_id": 42, "type_uid": 100742}
        yield "type_uid", event | {"type_uid": 100702}
        yield "success", event | {"status_id": 1 + (event["status_id"] == 1)}
        wrong = copy.deepcopy(event)
        del wrong["process"]["pid"], wrong["process"]["uid"]
        yield "none of pid and uid", wrong


class Ecs:
    outcomes = {"done": "success", "failed": "failure", "denied": "failure", "asked": "unknown"}

    def __init__(self):
        self.schema = Schema(HERE + "/ecs.schema")

    def faults(self, event, what, rows):
        found = self.schema.check("base", event, "")
        if found:
            return found
        own, more = event["event"], what == "denied"
        allowed = set().union(*(self.schema.categories.get(category, set()) for category in own["category"]))
        found += [f"event.category {category}" for category in own["category"] if category not in self.schema.categories]
        found += [f"event.type {name} in {own['category']}" for name in own["type"] if name not in allowed]
        said = (own["category"][:-1], own["type"][:-1]) if more else (own["category"], own["type"])
        if not any((row[0], row[1]) == said for row in rows) or not any(row[2] == own["action"] for row in rows):
            found.append(f"{own} is not what tools/formats.def says: {rows}")
        if more != ("denied" in own["type"]) or own["outcome"] != self.outcomes[what]:
            found.append(f"{what}, and says {own}")
        return found

    def break_it(self, event):
        for path in ("@timestamp", "ecs.version", "event.category", "host.os.type", "process.pid"):
            yield "without " + path, without(event, path)
        yield "an unknown field", event | {"procces": {}}
        for key, value in (("type", ["deletion"]), ("category", ["game"]), ("outcome", "maybe"), ("sequence", "1"),
                           ("type", event["event"]["type"] + ["denied"])):
            yield f"event.{key} {value}", event | {"event": event["event"] | {key: value}}
        yield "no time", event | {"@timestamp": "yesterday"}


def without(event, path):
    event = copy.deepcopy(event)
    *way, last = path.split(".")
    place = event
    for key in way:
        place = place[key]
    del place[last]
    return event


def without_row(name):
    return ["process"], ["info"], name, 1007, "Process Activity", 99, name


def rows_of(constant, table_rows):
    name = constant.partition("_")[2].lower()
    more = {"mmap": ["mmap_data"], "close": ["close_modified"]}.get(name, [])
    if name.startswith("od_attribute"):
        more = ["od_attribute_of_group"]
    return [table_rows.get(row) or without_row(row) for row in [name] + more]


def main():
    kind, program = sys.argv[1:]
    checker = {"ecs": Ecs, "ocsf": Ocsf}[kind]()
    rows = table()
    output = subprocess.run([program, kind], check=True, capture_output=True).stdout
    seen, faults, classes = {}, [], set()
    for line in output.decode("utf-8", "surrogatepass").splitlines():
        what, constant, text = line.split(" ", 2)
        event = json.loads(text, object_pairs_hook=unique)
        faults += [f"{constant} {what}: {fault}" for fault in checker.faults(event, what, rows_of(constant, rows))]
        seen.setdefault(constant, set()).add(what)
        classes.add(event.get("class_uid"))
        if constant == "NOTIFY_EXEC" and what == "done":
            example = event
    for wrong, event in checker.break_it(example):
        assert checker.faults(event, "done", rows_of("NOTIFY_EXEC", rows)), f"not noticed: {wrong}"
    with open(ROOT + "/abi/events.def") as file:
        types = set(re.findall(r"^ES_EVENT\(((?:AUTH|NOTIFY)_\w+)", file.read(), re.MULTILINE))
    faults += [f"{constant}: not printed" for constant in sorted(types - set(seen))]
    faults += [f"{constant}: never {'asked' if constant.startswith('AUTH') else 'denied'}" for constant, whats in seen.items()
               if ("asked" if constant.startswith("AUTH") else "denied") not in whats]
    print("\n".join(faults) or f"{len(seen)} event types validate" + (f", in {len(classes)} classes" if kind == "ocsf" else ""))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
