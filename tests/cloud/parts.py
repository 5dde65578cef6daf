#!/usr/bin/python3
"""Reads a cloud-config of any of our forms with a parser that is not ours, and prints its parts in one common way.

    parts.py FORM FILE      FORM: cloud-init, coreos, butane, ignition

What is printed is the same for the same machine, whatever the form: a line for each file (path, mode, SHA-256 of what
comes to lie there, and where it is fetched from) and each unit (name, enabled or not, SHA-256 of its file and of its
added lines). For Ignition the rules of its specification 3.3.0 are checked as well, as far as they concern what we use.
"""

import base64
import gzip
import hashlib
import json
import re
import sys
import urllib.parse

import yaml

FETCHED = "/opt/skiff/programs"
UNITS = "/etc/systemd/system/"


def digest(content):
    return hashlib.sha256(content).hexdigest()


def refuse(condition, what):
    if condition:
        sys.exit("parts.py: " + what)


def cloud_files(entries):
    files = {}
    for entry in entries:
        content = entry["content"].encode()
        if "encoding" in entry:
            refuse(entry["encoding"] != "gz+b64", "encoding " + entry["encoding"])
            content = gzip.decompress(base64.b64decode(content, validate=True))
        refuse(entry["path"] in files, "twice: " + entry["path"])
        files[entry["path"]] = (int(entry["permissions"], 8), digest(content), "-", content)
    # What the set-up script fetches is a file like any other, once it has run.
    for line in files.pop(FETCHED, (0, "", "", b""))[3].decode().splitlines():
        url, sha256, path = line.split()
        files[path] = (0o755, sha256, url, b"")
    return files


def cloud_init(document):
    files = cloud_files(document["write_files"])
    enabled = {words[2] for words in document["runcmd"] if words[1] == "enable"}
    started = {words[-1] for words in document["runcmd"] if "start" in words}
    units = {}
    for path in [path for path in files if path.startswith(UNITS) and path.count("/") == 4]:
        name = path[len(UNITS):]
        units[name] = [name in enabled, files.pop(path)[1], {}]
        refuse(name not in started, "not started: " + name)
    for path in [path for path in files if path.startswith(UNITS)]:
        folder, name = path[len(UNITS):].split("/")
        units[folder[:-2]][2][name] = files.pop(path)[1]
    return files, units


def coreos(document):
    units = {}
    for unit in document["coreos"]["units"]:
        refuse(unit["command"] != "start", "not started: " + unit["name"])
        added = {one["name"]: digest(one["content"].encode()) for one in unit.get("drop-ins", [])}
        units[unit["name"]] = [unit.get("enable", False), digest(unit["content"].encode()), added]
    return cloud_files(document["write_files"]), units


def fetched(contents):
    source = contents["source"]
    if not source.startswith("data:"):
        return contents["verification"]["hash"].split("-")[1], source
    kind, data = source[len("data:"):].split(",", 1)
    content = base64.b64decode(data, validate=True) if kind.endswith(";base64") else urllib.parse.unquote_to_bytes(data)
    if contents.get("compression") == "gzip":
        content = gzip.decompress(content)
    if "verification" in contents:
        refuse(contents["verification"]["hash"] != "sha256-" + digest(content), "another sum than its own")
    return digest(content), "-"


def ignition(document):
    files, units = {}, {}
    for file in document["storage"]["files"]:
        contents = file["contents"]
        if "inline" in contents:
            contents = {"source": "data:," + urllib.parse.quote(contents["inline"])}
        sha256, url = fetched(contents)
        refuse(file["path"] in files, "twice: " + file["path"])
        files[file["path"]] = (file["mode"], sha256, url, b"")
    for unit in document["systemd"]["units"]:
        added = {one["name"]: digest(one["contents"].encode()) for one in unit.get("dropins", [])}
        units[unit["name"]] = [unit["enabled"], digest(unit["contents"].encode()), added]
    return files, units


# Ignition 3.3.0, of what we use: members and their types; all others are refused, as Ignition warns of them.
TEXT, FLAG, NUMBER = str, bool, int
CONTENTS = {"source": TEXT, "compression": TEXT, "verification": {"hash": TEXT}}
SCHEMA = {
    "ignition": {"version": TEXT},
    "storage": {"files": [{"path": TEXT, "mode": NUMBER, "overwrite": FLAG, "contents": CONTENTS}]},
    "systemd": {
        "units": [{"name": TEXT, "enabled": FLAG, "contents": TEXT, "dropins": [{"name": TEXT, "contents": TEXT}]}]
    },
}


def conforms(value, schema, where):
    if isinstance(schema, dict):
        refuse(not isinstance(value, dict), where + " is no object")
        for key, member in value.items():
            refuse(key not in schema, where + " has no member " + key)
            conforms(member, schema[key], where + "." + key)
    elif isinstance(schema, list):
        refuse(not isinstance(value, list), where + " is no list")
        for number, item in enumerate(value):
            conforms(item, schema[0], f"{where}[{number}]")
    else:
        refuse(type(value) is not schema, where + " is no " + schema.__name__)


def check_ignition(document):
    conforms(document, SCHEMA, "$")
    refuse(document["ignition"]["version"] != "3.3.0", "version")
    for file in document["storage"]["files"]:
        path, contents = file["path"], file["contents"]
        refuse(not re.fullmatch(r"(/[^/]+)+", path) or "/../" in path, "path " + path)
        refuse(not 0 <= file["mode"] <= 0o7777, "mode of " + path)
        refuse(contents.get("compression", "gzip") != "gzip", "compression of " + path)
        scheme = contents["source"].split(":")[0]
        refuse(scheme not in ("http", "https", "tftp", "s3", "gs", "data"), "scheme of " + path)
        sum_ = contents.get("verification", {}).get("hash", "sha256-" + "0" * 64)
        refuse(not re.fullmatch(r"sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128}", sum_), "hash of " + path)
    names = [unit["name"] for unit in document["systemd"]["units"]]
    refuse(len(set(names)) != len(names), "a unit twice")
    for unit in document["systemd"]["units"]:
        refuse(not re.fullmatch(r"[\w:.@\\-]+\.(service|socket|timer|target|path|mount)", unit["name"]), unit["name"])
        refuse(unit["enabled"] and "[Install]" not in unit["contents"], unit["name"] + " cannot be enabled")
        refuse(any(not one["name"].endswith(".conf") for one in unit.get("dropins", [])), "a dropin's name")


def main():
    form, path = sys.argv[1:]
    text = open(path, encoding="utf-8").read()
    if form == "ignition":
        document = json.loads(text)
        check_ignition(document)
    else:
        refuse(form != "butane" and not text.startswith("#cloud-config\n"), "no #cloud-config")
        document = yaml.safe_load(text)
    readers = {"cloud-init": cloud_init, "coreos": coreos, "butane": ignition, "ignition": ignition}
    files, units = readers[form](document)
    for path, (mode, sha256, url, _) in sorted(files.items()):
        print("file", path, oct(mode), sha256, url)
    for name, (enabled, sha256, added) in sorted(units.items()):
        print("unit", name, enabled, sha256, *(f"{key}={added[key]}" for key in sorted(added)))


main()
