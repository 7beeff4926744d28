#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ECS and OCSF of a recording: what is denied says so, what is renamed has both names, who execs and what; and eslogger, live
# at a replay, prints what escap prints of the file, but for the machine.
. "$(dirname "$0")/common.sh"

for format in ecs ocsf; do
	run 0 "$escap" print --format "$format" "$sample"
	cp out "$format"
	[ "$(wc -l <$format)" = 21 ] || fail "21 messages as $format"
	run 0 "$escap" replay "$sample" -- "$build/tools/eslogger" --format "$format" exec fork exit open rename
	cp out "$format.live"
done
run 64 "$escap" print --format xml "$sample"
says err "there are json, ecs and ocsf"

python3 - <<'PYTHON' || fail "the formats say what happened"
import json

def load(name):
    return [json.loads(line) for line in open(name)]

ecs, ocsf = load("ecs"), load("ocsf")

denied = [event for event in ecs if "denied" in event["event"]["type"]]
assert [event["file"]["path"] for event in denied] == ["/etc/shadow"]
assert denied[0]["event"]["outcome"] == "failure" and denied[0]["event"]["category"] == ["file", "intrusion_detection"]
asked = [event for event in ecs if event["event"]["outcome"] == "unknown"]
assert len(asked) == 8 and all(event["event"]["code"].startswith("AUTH_") for event in asked)
exec_, = [event for event in ecs if event["event"]["code"] == "NOTIFY_EXEC" and event["process"]["name"] == "grep"]
assert exec_["process"]["command_line"] == "grep -r password /etc" and exec_["process"]["args_count"] == 4
assert exec_["process"]["previous"][0]["executable"] == "/usr/bin/bash"
assert exec_["process"]["entity_id"] != exec_["process"]["previous"][0]["entity_id"]
rename, = [event for event in ecs if event["event"]["action"] == "rename"]
assert rename["file"] == {"path": "/home/user/notes.old", "name": "notes.old", "directory": "/home/user", "extension": "old"}
assert rename["endpoint_security"]["original"]["path"] == "/home/user/notes.txt~"
assert [event["process"]["exit_code"] for event in ecs if event["event"]["action"] == "end"] == [2, 0]
assert ecs[0]["host"] == {"name": "nowhere", "hostname": "nowhere", "os": {"type": "linux"}}

denied = [event for event in ocsf if event["disposition_id"] == 2]
assert [event["file"]["path"] for event in denied] == ["/etc/shadow"]
assert denied[0]["action_id"] == 2 and denied[0]["status_id"] == 2
rename, = [event for event in ocsf if event["type_uid"] == 100105]
assert rename["file"]["name"] == "notes.txt~" and rename["file_result"]["path"] == "/home/user/notes.old"
exec_, = [event for event in ocsf if event["metadata"]["event_code"] == "NOTIFY_EXEC" and event["process"]["name"] == "grep"]
assert exec_["process"]["cmd_line"] == "grep -r password /etc" and exec_["launch_type_id"] == 3
assert exec_["actor"]["process"]["file"]["path"] == "/usr/bin/bash"
fork = [event for event in ocsf if event.get("launch_type_id") == 2]
assert [event["process"]["pid"] for event in fork] == [1201, 1202] and fork[0]["actor"]["process"]["pid"] == 1200

# Without an AUTH subscription, and so numbered otherwise.
def of_file(event, key):
    event = {name: value for name, value in event.items() if name not in ("host", "device")}
    event[key] = {name: value for name, value in event[key].items() if name != "sequence"}
    text = json.dumps(event)
    boot = open("/proc/sys/kernel/random/boot_id").read().strip()
    return text.replace(boot + ".", "")

for name, events, key in (("ecs", ecs, "event"), ("ocsf", ocsf, "metadata")):
    code = "code" if name == "ecs" else "event_code"
    recorded = [of_file(event, key) for event in events if event[key][code].startswith("NOTIFY_")]
    assert [of_file(event, key) for event in load(name + ".live")] == recorded, name
PYTHON
exit $failed
