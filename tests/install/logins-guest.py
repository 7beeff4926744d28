#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What test-logins.sh runs in the guest, under systemd: people log in and out, accounts and launch items change, a session
is locked. Says what eslogger wrote that docs/user-events.md, session-events.md, account-events.md and launch-items.md don't
say, or didn't write, and ends with 1 then.

    logins-guest.py BUILD auditd|unheard|absent [PATTERN]

Auditing is as usual with auditd; off, as usual without; or absent, by audit=0. Does the acts whose names match PATTERN, a
regular expression, at their beginning.
ES_LOGINS_SHOW: prints what each act gave.
"""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

BUILD = sys.argv[1]
AUDITING = sys.argv[2]
ONLY = sys.argv[3] if len(sys.argv) > 3 else ""
SLOW = 20           # seconds in which an emulated machine does what takes a moment elsewhere
SETTLED = 1.5       # seconds without another event: it was the last
PASSWORD, WRONG = "right-4711", "wrong"
TYPES = """authentication openssh_login openssh_logout login_login login_logout su sudo lw_session_login lw_session_logout
    lw_session_lock lw_session_unlock od_create_user od_delete_user od_create_group od_delete_group od_group_add
    od_group_remove od_group_set od_modify_password od_disable_user od_enable_user od_attribute_set
    od_attribute_value_add od_attribute_value_remove btm_launch_item_add btm_launch_item_remove""".split()
SAID = ["authentication", "openssh_login", "openssh_logout", "login_login", "login_logout", "su", "sudo"]
LOG, EVERYTHING = "/run/events.json", "/run/everything.json"
AGAIN = ["ssh by key", "ssh by a wrong password", "login at a console", "su right", "sudo right", "sudo refused", "groupadd",
         "groupdel", "a unit", "the unit goes", "a session at a screen", "it is locked", "it is unlocked", "it ends"]

failed = 0


def fault(text):
    global failed
    failed += 1
    print(text, flush=True)


def run(*command, text=None, user=None, wanted=0):
    """Runs a command, as root or another."""
    def become():
        os.setsid()
        if user:
            os.initgroups(user, 2000)
            os.setgid(2000)
            os.setuid(2000)
    done = subprocess.run(command, input=text, text=True, capture_output=True, timeout=120, preexec_fn=become,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "TERM": "dumb"})
    if wanted is not None and done.returncode != wanted:
        fault(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout


def converse(command, *talk, user=None):
    """Runs a command at a terminal of its own: waits for each prompt, and types the answer; None: kills it."""
    pid, terminal = pty.fork()
    if pid == 0:
        if user:
            os.initgroups(user, 2000)
            os.setgid(2000)
            os.setuid(2000)
            os.environ.update(HOME=f"/home/{user}", USER=user)
        os.execvp(command[0], command)
    heard, waits = b"", list(talk)
    end = time.monotonic() + 4 * SLOW
    while time.monotonic() < end:
        if waits and waits[0][0].encode() in heard:
            heard = b""
            answer = waits.pop(0)[1]
            if answer is None:
                os.kill(pid, 9)
                break
            os.write(terminal, answer.encode() + b"\n")
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:         # the terminal's other end is closed, for ever or until login opens it again
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
            time.sleep(0.1)
            continue
        if not data:
            break
        heard += data
        if os.environ.get("ES_LOGINS_SHOW"):
            print("   ", data, flush=True)
    else:
        fault(f"{' '.join(command)} says {heard!r}, and doesn't end")
        os.kill(pid, 9)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# ---- what eslogger writes ----

class Log:
    """What one eslogger writes into a file; `filtered`: without the types that aren't TYPES, so with gaps between."""

    def __init__(self, path, filtered=False):
        self.file = open(path, encoding="utf-8")
        self.half = ""
        self.numbers = {"unknown": [None] if filtered else []}

    def lines(self):
        self.half += self.file.read()
        *whole, self.half = self.half.split("\n")
        events = [json.loads(line) for line in whole]
        for event in events:
            for flaw in flaw_of(event, self.numbers):
                fault(f"{name_of(event)}: {flaw}")
        return events

    def events_of(self, count, seconds=SLOW):
        """Events until `count` have come, and no other comes."""
        events, end, quiet = [], time.monotonic() + seconds, None
        while True:
            more = self.lines()
            events += more
            now = time.monotonic()
            if more or quiet is None:
                quiet = now + SETTLED
            if now > quiet and (len(events) >= count or now > end):
                return events
            time.sleep(0.1)


def name_of(event):
    return next(iter(event["event"]))


def brief(event):
    """Type, acting program, and the members that can be said beforehand."""
    name = name_of(event)
    body = event["event"][name]
    program = os.path.basename(event["process"]["executable"]["path"]).rstrip("0123456789.")
    return name, program, body


def fits(wanted, event):
    name, program, members = wanted
    if name != name_of(event) or program != brief(event)[1]:
        return False
    return all(member_of(brief(event)[2], path) == value for path, value in members.items())


def flaw_of(event, before):
    """What is wrong with a message whatever its type; `before`: the last numbers, by type, and of all under None."""
    name, _, body = brief(event)
    flaws = [] if event["thread"] is None else ["thread is set"]
    acting = body.get("instigator")
    if name.startswith(("od_", "btm_")) and (not acting or acting["audit_token"] != event["process"]["audit_token"]):
        flaws.append("instigator isn't process")
    for key, number in (name, event["seq_num"]), (None, event["global_seq_num"]):
        if key in before.get("unknown", ()):
            continue
        if number != before.get(key, -1) + 1:
            flaws.append(f"number {number} comes after {before.get(key)}")
        before[key] = number
    return flaws


def member_of(body, path):
    for part in path.split("."):
        if isinstance(body, list):
            body = body[int(part)] if int(part) < len(body) else None
        else:
            body = body.get(part) if body else None
    return body


# ---- acts ----

def ssh(*options, command="true", askpass=None):
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/root"}
    if askpass:
        with open("/run/askpass", "w", encoding="ascii") as script:
            script.write(f"#!/bin/sh\necho {askpass}\n")
        os.chmod("/run/askpass", 0o755)
        environment.update(SSH_ASKPASS="/run/askpass", SSH_ASKPASS_REQUIRE="force")
    return subprocess.run(["ssh", "-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", "-oNumberOfPasswordPrompts=1",
                           *options, "127.0.0.1", command], env=environment, capture_output=True, timeout=120,
                          stdin=subprocess.DEVNULL, start_new_session=True, check=False).returncode


BY_KEY = ["-i/root/.ssh/id_ed25519", "-oPreferredAuthentications=publickey"]
BY_PASSWORD = ["-oPubkeyAuthentication=no", "-oPreferredAuthentications=password"]
SSHD = "sshd" if not os.path.exists("/usr/lib/openssh/sshd-session") else "sshd-session"


def append(path, text):
    with open(path, "a", encoding="ascii") as file:
        file.write(text)


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)


def graphical(command):
    """A session as a display manager opens it, until its program ends."""
    run("systemd-run", "--quiet", "--unit=screen", "-pPAMName=login", "-pUser=anna", "-EXDG_SESSION_TYPE=x11",
        "-EXDG_SESSION_CLASS=user", "--", *command)


def session_path():
    end = time.monotonic() + SLOW
    while time.monotonic() < end:
        for session in run("loginctl", "--no-legend", "list-sessions").split("\n"):
            number = session.split()[0] if session.split() else ""
            # Not the one of an earlier login, which may not be quite over.
            if " anna " in session and run("loginctl", "show-session", number, "-pType", "--value", wanted=None) == "x11\n":
                answer = run("busctl", "call", "org.freedesktop.login1", "/org/freedesktop/login1",
                             "org.freedesktop.login1.Manager", "GetSession", "s", number)
                return answer.split('"')[1]
        time.sleep(0.2)
    return "/"


def lock(locked):
    run("busctl", "call", "org.freedesktop.login1", session_path(), "org.freedesktop.login1.Session", "SetLockedHint", "b",
        locked)


def vipw():
    write("/run/editor", '#!/bin/sh\nsed -i s,:/home/anna:,:/home/elsewhere:, "$1"\n', 0o755)
    subprocess.run(["vipw", "-p"], env={"PATH": "/usr/sbin:/usr/bin:/bin", "EDITOR": "/run/editor", "VISUAL": "/run/editor"},
                   check=True, capture_output=True, timeout=60)


def ed_in_place():
    run("ed", "-s", "/etc/passwd", text="/^anna:/s,/home/elsewhere,/home/anna,\nw\nq\n")


def cron_runs():
    """cron reads its files, and opens a session of PAM, once a minute."""
    write("/etc/cron.d/extra", "* * * * * root /usr/bin/touch /run/cron-ran\n")
    await_true("cron", lambda: os.path.exists("/run/cron-ran"), 150)


def od(name, program, **members):
    return (name, program, members)


UNIT = "[Service]\nExecStart=/usr/bin/true --more\n[Install]\nWantedBy=multi-user.target\n"

# Name, what is done, and the events of it in order: type, the acting program, and members.
ACTS = [
    ("ssh by key", lambda: ssh("-lanna", *BY_KEY), [
        ("authentication", SSHD, {"success": True, "type": 2}),
        ("openssh_login", SSHD, {"success": True, "result_type": 2, "username": "anna", "has_uid": True,
                                 "source_address": "127.0.0.1"}),
        ("openssh_logout", SSHD, {"username": "anna", "uid": 2000, "source_address": "127.0.0.1"})]),
    ("ssh by password", lambda: ssh("-lanna", *BY_PASSWORD, askpass=PASSWORD), [
        ("authentication", SSHD, {"success": True, "type": 0, "data.od.record_name": "anna"}),
        ("openssh_login", SSHD, {"success": True, "result_type": 2, "username": "anna"}),
        ("openssh_logout", SSHD, {"username": "anna"})]),
    ("ssh by a wrong password", lambda: ssh("-lanna", *BY_PASSWORD, askpass=WRONG), [
        ("authentication", SSHD, {"success": False, "data.od.record_name": "anna"}),
        ("openssh_login", SSHD, {"success": False, "result_type": 4, "username": "anna"})]),
    ("ssh by a key that isn't known", lambda: ssh("-lanna", *BY_KEY[1:], "-i/root/.ssh/other", "-oIdentitiesOnly=yes"), [
        ("openssh_login", SSHD, {"success": False, "result_type": 6, "username": "anna"})]),
    ("ssh with a terminal", lambda: ssh("-tt", "-lanna", *BY_KEY), [
        ("authentication", SSHD, {"success": True, "type": 2}),
        ("openssh_login", SSHD, {"success": True, "result_type": 2, "username": "anna"}),
        ("openssh_logout", SSHD, {"username": "anna"})]),
    ("ssh by an unknown user", lambda: ssh("-lnobody-here", *BY_PASSWORD, askpass=WRONG), [
        ("authentication", SSHD, {"success": False}),
        ("openssh_login", SSHD, {"success": False, "result_type": 9, "has_uid": False})]),
    ("login at a console", lambda: converse(["login"], ("login: ", "anna"), ("assword: ", PASSWORD), ("$ ", "exit")), [
        ("authentication", "login", {"success": True, "data.od.record_name": "anna"}),
        ("login_login", "login", {"success": True, "username": "anna", "has_uid": True}),
        ("login_logout", "login", {"username": "anna", "uid": 2000})]),
    ("login by a wrong password", lambda: converse(["login"], ("login: ", "anna"), ("assword: ", WRONG), ("login: ", None)), [
        ("authentication", "login", {"success": False, "data.od.record_name": "anna"}),
        ("login_login", "login", {"success": False, "username": "anna", "has_uid": False})]),
    ("su right", lambda: converse(["su", "-", "bert"], ("assword: ", PASSWORD), ("$ ", "exit"), user="anna"), [
        ("authentication", "su", {"success": True, "data.od.record_name": "bert"}),
        ("su", "su", {"success": True, "from_uid": 2000, "from_username": "anna", "to_username": "bert", "to_uid": 2001,
                      "argv.0": "su", "argv.2": "bert"})]),
    ("su wrong", lambda: converse(["su", "-", "bert"], ("assword: ", WRONG), user="anna"), [
        ("authentication", "su", {"success": False, "data.od.record_name": "bert"}),
        ("su", "su", {"success": False, "from_username": "anna", "to_username": "bert"})]),
    ("sudo right", lambda: converse(["sudo", "-k", "/usr/bin/id", "-u"], ("assword", PASSWORD), user="anna"), [
        ("authentication", "sudo", {"success": True, "data.od.record_name": "anna"}),
        ("sudo", "sudo", {"success": True, "from_uid": 2000, "from_username": "anna", "to_uid": 0, "to_username": "root",
                          "command": "/usr/bin/id -u"})]),
    ("sudo as another", lambda: converse(["sudo", "-k", "-u", "bert", "/usr/bin/id"], ("assword", PASSWORD), user="anna"), [
        ("authentication", "sudo", {"success": True, "data.od.record_name": "anna"}),
        ("sudo", "sudo", {"success": True, "from_uid": 2000, "to_uid": 2001, "to_username": "bert", "command": "/usr/bin/id"})]),
    ("sudo wrong", lambda: converse(["sudo", "-k", "/usr/bin/id"], ("assword", WRONG), ("assword", WRONG), ("assword", WRONG),
                                    user="anna"), [
        ("authentication", "sudo", {"success": False}), ("authentication", "sudo", {"success": False}),
        ("authentication", "sudo", {"success": False}),
        ("sudo", "sudo", {"success": False, "from_username": "anna"})]),
    ("sudo refused", lambda: converse(["sudo", "-k", "/usr/bin/whoami"], ("assword", PASSWORD), user="anna"), [
        ("authentication", "sudo", {"success": True}),
        ("sudo", "sudo", {"success": False, "from_username": "anna", "command": "/usr/bin/whoami"})]),
    ("useradd", lambda: run("useradd", "-m", "-u", "2002", "carl"), [
        od("od_create_user", "useradd", user_name="carl"), od("od_create_group", "useradd", group_name="carl")]),
    ("usermod, group", lambda: run("usermod", "-aG", "audio", "carl"), [
        od("od_group_add", "usermod", group_name="audio", **{"member.member_value": "carl"})]),
    ("usermod, comment", lambda: run("usermod", "-c", "Carl", "carl"), [
        od("od_attribute_set", "usermod", record_name="carl", attribute_name="RealName", **{"attribute_values.0": "Carl"})]),
    ("usermod, shell", lambda: run("usermod", "-s", "/bin/bash", "carl"), [
        od("od_attribute_set", "usermod", record_name="carl", attribute_name="UserShell")]),
    ("usermod, home", lambda: run("usermod", "-d", "/home/c", "carl"), [
        od("od_attribute_set", "usermod", record_name="carl", attribute_name="NFSHomeDirectory",
           **{"attribute_values.0": "/home/c"})]),
    ("usermod, uid", lambda: run("usermod", "-u", "2003", "carl"), [
        od("od_attribute_set", "usermod", record_name="carl", attribute_name="UniqueID", **{"attribute_values.0": "2003"})]),
    ("usermod, primary group", lambda: run("usermod", "-g", "games", "carl"), [
        od("od_attribute_set", "usermod", record_name="carl", attribute_name="PrimaryGroupID")]),
    ("usermod, primary group again", lambda: run("usermod", "-g", "carl", "carl"), [
        od("od_attribute_set", "usermod", record_name="carl", attribute_name="PrimaryGroupID")]),
    ("usermod, name", lambda: run("usermod", "-l", "carla", "carl"), [
        od("od_attribute_set", "usermod", record_name="carl", attribute_name="RecordName", **{"attribute_values.0": "carla"}),
        od("od_group_set", "usermod", group_name="audio")]),
    ("usermod, name again", lambda: run("usermod", "-l", "carl", "carla"), [
        od("od_attribute_set", "usermod", record_name="carla", attribute_name="RecordName", **{"attribute_values.0": "carl"}),
        od("od_group_set", "usermod", group_name="audio")]),
    ("usermod, groups", lambda: run("usermod", "-G", "video", "carl"), [
        od("od_group_remove", "usermod", group_name="audio", **{"member.member_value": "carl"}),
        od("od_group_add", "usermod", group_name="video", **{"member.member_value": "carl"})]),
    ("usermod, groups again", lambda: run("usermod", "-G", "audio", "carl"), [
        od("od_group_add", "usermod", group_name="audio", **{"member.member_value": "carl"}),
        od("od_group_remove", "usermod", group_name="video", **{"member.member_value": "carl"})]),
    ("usermod, days until it is locked", lambda: run("usermod", "-f", "5", "carl"), [
        od("od_attribute_set", "usermod", record_name="carl", attribute_name="ShadowInactive", **{"attribute_values.0": "5"})]),
    ("usermod, expired", lambda: run("usermod", "-e", "2001-01-01", "bert"), [
        od("od_attribute_set", "usermod", record_name="bert", attribute_name="ShadowExpire", **{"attribute_values.0": "11323"}),
        od("od_disable_user", "usermod", user_name="bert")]),
    ("su to an expired account", lambda: converse(["su", "-", "bert"], ("assword: ", PASSWORD), user="anna"), [
        ("authentication", "su", {"success": True, "data.od.record_name": "bert"}),
        ("su", "su", {"success": False, "from_username": "anna", "to_username": "bert"})]),
    ("usermod, not expired", lambda: run("usermod", "-e", "", "bert"), [
        od("od_attribute_set", "usermod", record_name="bert", attribute_name="ShadowExpire"),
        od("od_enable_user", "usermod", user_name="bert")]),
    ("usermod, password", lambda: run("usermod", "-p", "none", "bert"), [
        od("od_modify_password", "usermod", **{"account_name": "bert"})]),
    ("usermod, lock", lambda: run("usermod", "-L", "bert"), [od("od_disable_user", "usermod", user_name="bert")]),
    ("usermod, unlock", lambda: run("usermod", "-U", "bert"), [od("od_enable_user", "usermod", user_name="bert")]),
    ("chpasswd", lambda: run("chpasswd", text=f"bert:{PASSWORD}\n"), [
        od("od_modify_password", "chpasswd", **{"account_name": "bert"})]),
    ("passwd", lambda: converse(["passwd", "bert"], ("assword: ", PASSWORD), ("assword: ", PASSWORD)), [
        od("od_modify_password", "passwd", **{"account_name": "bert"})]),
    ("passwd, lock", lambda: run("passwd", "-l", "bert"), [od("od_disable_user", "passwd", user_name="bert")]),
    ("passwd, unlock", lambda: run("passwd", "-u", "bert"), [od("od_enable_user", "passwd", user_name="bert")]),
    ("chage", lambda: run("chage", "-M", "99", "bert"), [
        od("od_attribute_set", "chage", record_name="bert", attribute_name="ShadowMax", **{"attribute_values.0": "99"})]),
    ("chage, only shown", lambda: run("chage", "-l", "bert"), []),
    ("groupadd", lambda: run("groupadd", "-g", "2100", "crew"), [od("od_create_group", "groupadd", group_name="crew")]),
    ("gpasswd, add", lambda: run("gpasswd", "-a", "bert", "crew"), [
        od("od_group_add", "gpasswd", group_name="crew", **{"member.member_value": "bert"})]),
    ("gpasswd, set", lambda: run("gpasswd", "-M", "carl", "crew"), [od("od_group_set", "gpasswd", group_name="crew")]),
    ("gpasswd, remove", lambda: run("gpasswd", "-d", "carl", "crew"), [
        od("od_group_remove", "gpasswd", group_name="crew", **{"member.member_value": "carl"})]),
    ("gpasswd, administrator", lambda: run("gpasswd", "-A", "bert", "crew"), [
        od("od_attribute_value_add", "gpasswd", record_name="crew", attribute_name="GroupAdministrators")]),
    ("gpasswd, no administrator", lambda: run("gpasswd", "-A", "", "crew"), [
        od("od_attribute_value_remove", "gpasswd", record_name="crew", attribute_name="GroupAdministrators")]),
    ("gpasswd, password", lambda: converse(["gpasswd", "crew"], ("assword: ", "group-1"), ("assword: ", "group-1")), [
        od("od_attribute_set", "gpasswd", record_name="crew", attribute_name="Password", attribute_values=[])]),
    ("groupmod, name", lambda: run("groupmod", "-n", "team", "crew"), [
        od("od_attribute_set", "groupmod", record_name="crew", attribute_name="RecordName", **{"attribute_values.0": "team"})]),
    ("groupmod, name again", lambda: run("groupmod", "-n", "crew", "team"), [
        od("od_attribute_set", "groupmod", record_name="team", attribute_name="RecordName", **{"attribute_values.0": "crew"})]),
    ("groupmod", lambda: run("groupmod", "-g", "2101", "crew"), [
        od("od_attribute_set", "groupmod", record_name="crew", attribute_name="PrimaryGroupID", **{"attribute_values.0": "2101"})]),
    ("groupdel", lambda: run("groupdel", "crew"), [od("od_delete_group", "groupdel", group_name="crew")]),
    ("userdel", lambda: run("userdel", "carl"), [
        od("od_delete_user", "userdel", user_name="carl"), od("od_group_remove", "userdel", group_name="audio"),
        od("od_delete_group", "userdel", group_name="carl")]),
    ("vipw", vipw, [od("od_attribute_set", "vipw", record_name="anna", attribute_name="NFSHomeDirectory")]),
    ("an editor, in place", ed_in_place, [
        od("od_attribute_set", "ed", record_name="anna", attribute_name="NFSHomeDirectory",
           **{"attribute_values.0": "/home/anna"})]),
    ("an editor that renames", lambda: run("sed", "-i", "/^anna:/s,/home/anna,/home/a,", "/etc/passwd"), [
        od("od_attribute_set", "sed", record_name="anna", attribute_name="NFSHomeDirectory")]),
    ("it renames again", lambda: run("sed", "-i", "/^anna:/s,/home/a:,/home/anna:,", "/etc/passwd"), [
        od("od_attribute_set", "sed", record_name="anna", attribute_name="NFSHomeDirectory")]),
    ("a unit", lambda: write("/etc/systemd/system/extra.service", UNIT), [
        od("btm_launch_item_add", "python", executable_path="/usr/bin/true",
           **{"item.item_url": "file:///etc/systemd/system/extra.service"})]),
    ("the unit is enabled", lambda: run("systemctl", "enable", "extra.service"), [
        od("btm_launch_item_add", "systemd", executable_path="/usr/bin/true",
           **{"item.item_url": "file:///etc/systemd/system/multi-user.target.wants/extra.service"})]),
    ("the unit is disabled", lambda: run("systemctl", "disable", "extra.service"), [
        od("btm_launch_item_remove", "systemd",
           **{"item.item_url": "file:///etc/systemd/system/multi-user.target.wants/extra.service"})]),
    ("the unit goes", lambda: run("rm", "/etc/systemd/system/extra.service"), [
        od("btm_launch_item_remove", "rm", **{"item.item_url": "file:///etc/systemd/system/extra.service"})]),
    ("a crontab", lambda: run("crontab", "-u", "anna", "-", text="1 2 3 4 5 /usr/bin/nightly now\n"), [
        od("btm_launch_item_add", "crontab", executable_path="/usr/bin/nightly", **{"item.uid": 2000})]),
    ("the crontab goes", lambda: run("crontab", "-u", "anna", "-r"), [
        od("btm_launch_item_remove", "crontab", **{"item.uid": 2000})]),
    ("a line for cron, whose session is no login", cron_runs, [
        od("btm_launch_item_add", "python", executable_path="/usr/bin/touch", **{"item.uid": 0})]),
    ("another line", lambda: write("/etc/cron.d/extra", "1 2 * * * anna /usr/bin/true\n"), [
        od("btm_launch_item_remove", "python", **{"item.uid": 0}),
        od("btm_launch_item_add", "python", executable_path="/usr/bin/true", **{"item.uid": 2000})]),
    ("the line goes", lambda: run("rm", "/etc/cron.d/extra"), [od("btm_launch_item_remove", "rm", **{"item.uid": 2000})]),
    ("an autostart file", lambda: write("/home/anna/.config/autostart/x.desktop", "[Desktop Entry]\nExec=/usr/bin/x --y\n"), [
        od("btm_launch_item_add", "python", executable_path="/usr/bin/x", **{"item.uid": 2000})]),
    ("the autostart file goes", lambda: os.unlink("/home/anna/.config/autostart/x.desktop"), [
        od("btm_launch_item_remove", "python", **{"item.uid": 2000})]),
    ("a session at a screen", lambda: graphical(["sleep", "infinity"]), [
        od("lw_session_login", "systemd-logind", username="anna")]),
    ("it is locked", lambda: lock("true"), [od("lw_session_lock", "systemd-logind", username="anna")]),
    ("it is unlocked", lambda: lock("false"), [od("lw_session_unlock", "systemd-logind", username="anna")]),
    ("it ends", lambda: run("systemctl", "stop", "screen.service"), [
        od("lw_session_logout", "systemd-logind", username="anna")]),
]


# ---- the machine ----

def prepare():
    run("useradd", "-m", "-u", "2000", "-s", "/bin/sh", "anna")
    run("useradd", "-m", "-u", "2001", "-s", "/bin/sh", "bert")
    run("chpasswd", text=f"anna:{PASSWORD}\nbert:{PASSWORD}\n")
    write("/etc/sudoers.d/anna", "anna ALL = (root, bert) /usr/bin/id\nDefaults lecture = never\n", 0o440)
    os.makedirs("/root/.ssh", mode=0o700, exist_ok=True)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/id_ed25519")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/other")
    write("/home/anna/.ssh/authorized_keys", open("/root/.ssh/id_ed25519.pub", encoding="ascii").read(), 0o600)
    write("/home/anna/.config/autostart/.keep", "")
    write("/home/anna/.hushlogin", "")
    write("/home/bert/.hushlogin", "")
    run("chown", "-R", "anna:", "/home/anna")
    run("ssh-keygen", "-A")
    run("systemctl", "start" if AUDITING == "auditd" else "stop", "auditd.service", wanted=None)
    if AUDITING == "unheard":
        run("auditctl", "-e", "0")
    run("systemctl", "start", "ssh.service", "systemd-logind.service", "cron.service")


def await_true(what, condition, seconds=3 * SLOW):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            fault(f"timed out: {what}")
            return False
        time.sleep(0.2)
    return True


def start(*command, **options):
    return subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, **options)


def reads(path, text):
    return os.path.exists(path) and text in open(path, encoding="utf-8", errors="replace").read()


def enabled():
    """What the kernel's auditing says of itself: 1, 0, or None if it isn't there."""
    for line in run("auditctl", "-s", wanted=None).split("\n"):
        if line.startswith("enabled"):
            return line.split()[1]
    return None


def check_capabilities():
    """Programs' messages come unless the kernel has no auditing; the rest comes anyway."""
    text = run(f"{BUILD}/tools/esctl", "capabilities")
    found = {line.split()[0]: line.split()[1] for line in text.split("\n") if len(line.split()) > 2}
    for name in TYPES:
        wanted = "silent" if AUDITING == "absent" and name in SAID else "delivers"
        if found.get(name) != wanted:
            fault(f"esctl capabilities: {name} is {found.get(name)}, not {wanted}")


def try_act(log, name, act, wanted, seconds=SLOW):
    if AUDITING == "absent":
        wanted = [event for event in wanted if event[0] not in SAID]
    log.lines()
    act()
    events = log.events_of(len(wanted), seconds)
    right = len(events) == len(wanted) and all(map(fits, wanted, events))
    if not right:
        fault(f"{name}: wanted {[(name, program, members) for name, program, members in wanted]}, and came")
    if not right or os.environ.get("ES_LOGINS_SHOW"):
        for event in events:
            print("   ", *brief(event)[:2], json.dumps(brief(event)[2])[:700], flush=True)
    if right:
        print(f"ok   {name}", flush=True)


def everything():
    """A client of all types that there are starts, and gets the same events of the acts that are done AGAIN."""
    acts = [act for act in ACTS if act[0] in AGAIN and re.match(ONLY, act[0])]
    every = run(f"{BUILD}/tools/eslogger", "--list-events").split()
    wanted_line = '"event":[{]"(' + "|".join(TYPES) + ')":'
    with open(EVERYTHING, "w", encoding="utf-8") as out, open("/run/everything.log", "w", encoding="utf-8") as errors:
        logger = start(f"{BUILD}/tools/eslogger", "--format", "json", *every, stdout=subprocess.PIPE, stderr=errors)
        filtered = subprocess.Popen(["grep", "--line-buffered", "-E", wanted_line], stdin=logger.stdout, stdout=out)
    log = Log(EVERYTHING, filtered=True)

    def told():
        run("gpasswd", "-a", "bert", "games")
        run("gpasswd", "-d", "bert", "games")
        return log.lines()

    def each():
        for _, act, _ in acts:
            act()
            time.sleep(3)   # what comes after its end
    if await_true("an eslogger of all types", told, 6 * SLOW):
        log.events_of(0)
        try_act(log, "again, with all types", each, [event for _, _, wanted in acts for event in wanted], 6 * SLOW)
    logger.terminate()
    logger.wait(60)
    filtered.wait(60)
    print(open("/run/everything.log", encoding="utf-8").read()[-2000:])


def main():
    await_true("the system bus", lambda: os.path.exists("/run/dbus/system_bus_socket"))
    prepare()
    daemon = start(f"{BUILD}/daemon/endpointsecurityd", "--deadline-ms", "60000", stderr=open("/run/daemon.log", "w", encoding="utf-8"))
    await_true("the daemon", lambda: reads("/run/daemon.log", "listening"))
    wanted = {"auditd": "1", "unheard": "0", "absent": None}[AUDITING]
    if enabled() != wanted:
        fault(f"auditing is {enabled()}, not {wanted}")
    check_capabilities()
    logger = start(f"{BUILD}/tools/eslogger", "--format", "json", *TYPES, stdout=open(LOG, "w", encoding="utf-8"),
                   stderr=open("/run/eslogger.log", "w", encoding="utf-8"))
    log = Log(LOG)
    # It is subscribed when a first change is told.
    def told():
        shutil.copy("/etc/group", "/etc/group.old")
        run("gpasswd", "-a", "bert", "games")
        run("gpasswd", "-d", "bert", "games")
        return log.lines()
    if await_true("eslogger", told):
        log.events_of(0)
        for name, act, wanted in ACTS:
            if re.match(ONLY, name):
                try_act(log, name, act, wanted)
        everything()
    logger.terminate()
    logger.wait(60)
    daemon.terminate()
    daemon.wait(60)
    print(open("/run/daemon.log", encoding="utf-8").read()[-2000:], open("/run/eslogger.log", encoding="utf-8").read()[-2000:])
    return failed


sys.exit(1 if main() else 0)
