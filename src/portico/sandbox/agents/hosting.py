"""What a hosted environment is asked to have: files, skills, plugins, packages, network. Checks, defaults, templates.

A specification holds what was given, checked; what it shows leaves out every secret and every content.
"""

import base64
import binascii
import io
import json
import zipfile
from pathlib import PurePosixPath
from typing import Any

from portico.sandbox.agents.tools import STRINGS, texts, variant
from portico.sandbox.checks import Check, array, boolean, fields, one_of, record, text
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_record

RESERVED = (".codex", ".managed-agents")
WIDTHS = {"disabled": 0, "restricted": 1, "enabled": 2}
DEFAULTS: Json = {
    "capability_directories": [],
    "desktop": {"enabled": False},
    "env": {},
    "files": [],
    "network": {"access": "enabled", "allowed_domains": []},
    "packages": {"npm": [], "python": [], "system": []},
    "plugins": [],
    "setup_commands": [],
    "skills": [],
}


def checks() -> dict[str, Check | type]:
    """The fields of a specification, for `fields`."""
    return {
        "capability_directories": STRINGS,
        "desktop": record({"enabled": boolean}),
        "env": texts,
        "files": _files,
        "network": _network,
        "packages": record({}, {"npm": STRINGS, "python": STRINGS, "system": STRINGS}),
        "plugins": array(_plugin),
        "setup_commands": array(record({"command": text(shortest=1)}, {"cwd": _directory})),
        "skills": array(variant({"skill_reference": _skill_reference, "inline": _inline_skill})),
    }


def completed(given: Json, template: Json | None = None, path: str = "environment") -> Json:
    """A specification with nothing left open: what was given, else the template's, else the default."""
    start = template or DEFAULTS
    whole = {name: given.get(name, start[name]) for name in DEFAULTS}
    whole["packages"] = {**DEFAULTS["packages"], **whole["packages"]}
    if template is not None and "network" in given:
        _narrower(given["network"], template["network"], f"{path}.network")
    return whole


def shown_files(files: list[Json]) -> list[Json]:
    """Files before an environment exists: references, and the sizes of contents that are not told."""
    return [
        {"type": "inline", "path": file["path"], "size_bytes": len(file["content"])}
        if file["type"] == "inline"
        else dict(file)
        for file in files
    ]


def shown_skills(skills: list[Json]) -> list[Json]:
    return [{"version": None, **skill} if skill["type"] == "skill_reference" else _named(skill) for skill in skills]


def shown_plugins(plugins: list[Json]) -> list[Json]:
    return [_named(plugin) for plugin in plugins]


def shown_network(network: Json) -> Json:
    return {"access": network["access"], "allowed_domains": network.get("allowed_domains", [])}


def workspace_path(value: Any, path: str) -> str:
    """A check for the path of a file: absolute, inside the workspace, nowhere reserved."""
    given = text(shortest=1)(value, path)
    steps = given.split("/")[2:]
    inside = given.startswith("/workspace/") and not any(step in ("", ".", "..") for step in steps)
    if not inside or "\\" in given or "\0" in given:
        raise invalid(f"'{path}' must be an absolute path of a file inside /workspace.", path, "invalid_path")
    if steps[0] in RESERVED or steps[0].startswith(".managed-agents-") or given == "/workspace/outputs":
        raise invalid(f"'{path}' is a place that the environment needs for itself.", path, "reserved_path")
    return given


def decoded(value: Any, path: str) -> bytes:
    """A check for base64; answers the bytes."""
    try:
        return base64.b64decode(text()(value, path), validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"'{path}' is not base64.", path, "invalid_base64") from None


def file(value: Any, path: str) -> Json:
    """A check for one file: a copy of an uploaded one, or a content of its own."""
    kind = record()(value, path).get("type")
    if kind == "inline":
        given = fields(value, {"type": str, "path": workspace_path, "data": decoded}, path=path)
        return {"type": "inline", "path": given["path"], "content": given["data"]}
    needed = {"type": one_of("file_id", "inline"), "path": workspace_path, "file_id": str}
    return fields(value, needed, path=path)


def _files(value: Any, path: str) -> list[Json]:
    files: list[Json] = array(file)(value, path)
    paths = [PurePosixPath(given["path"]) for given in files]
    for place, one in enumerate(paths):
        if one in paths[:place] or any(parent in paths for parent in one.parents):
            raise invalid(f"'{path}' puts two files in one place: {one}.", f"{path}[{place}].path", "duplicate_path")
    return files


def _directory(value: Any, path: str) -> str:
    if not text()(value, path).startswith("/"):
        raise invalid(f"'{path}' must be an absolute path.", path, "invalid_path")
    return str(value)


def _network(value: Any, path: str) -> Json:
    optional = {"allowed_domains": STRINGS, "blocked_domains": STRINGS}
    network = fields(value, {"access": one_of(*WIDTHS)}, optional, path=path)
    allowed, blocked = network.get("allowed_domains", []), network.get("blocked_domains", [])
    if (allowed or blocked) and network["access"] != "restricted":
        raise invalid(f"'{path}' may name domains only where access is restricted.", path)
    if allowed and blocked:
        raise invalid(f"'{path}' may either allow or block domains.", path)
    if any("*" in domain for domain in (*allowed, *blocked)):
        raise invalid(f"'{path}' may not have wildcards in its domains.", path)
    return {"allowed_domains": [], **network}


def _narrower(wanted: Json, limit: Json, path: str) -> None:
    is_wider = WIDTHS[wanted["access"]] > WIDTHS[limit["access"]]
    if wanted["access"] == limit["access"] == "restricted" and limit["allowed_domains"]:
        is_wider = not wanted["allowed_domains"] or not set(wanted["allowed_domains"]) <= set(limit["allowed_domains"])
    if is_wider:
        raise invalid(f"'{path}' may not allow more than the template does.", path, "network_too_broad")


def _plugin(value: Any, path: str) -> Json:
    plugin = _archive(value, path)
    names = plugin.pop("names")
    manifest = next((name for name in names if name.endswith(".codex-plugin/plugin.json")), None)
    told = _manifest(names[manifest]) if manifest is not None else None
    if told is None or told.get("name", plugin["name"]) != plugin["name"]:
        message = f"'{path}.source' has no .codex-plugin/plugin.json that fits its name."
        raise invalid(message, f"{path}.source", "invalid_plugin")
    return plugin


def _inline_skill(value: Any, path: str) -> Json:
    skill = _archive(value, path)
    names = skill.pop("names")
    if not any(PurePosixPath(name).name == "SKILL.md" for name in names):
        raise invalid(f"'{path}.source' has no SKILL.md.", f"{path}.source", "invalid_skill")
    return skill


def _skill_reference(value: Any, path: str) -> Json:
    return fields(value, {"type": str, "skill_id": str}, {"version": str}, path=path)


def _archive(value: Any, path: str) -> Json:
    source = record({"type": one_of("base64"), "media_type": one_of("application/zip"), "data": decoded})
    needed = {"type": one_of("inline"), "name": text(shortest=1), "description": str, "source": source}
    given = fields(value, needed, path=path)
    try:
        with zipfile.ZipFile(io.BytesIO(given["source"]["data"])) as archive:
            names = {name: archive.read(name) for name in archive.namelist()}
    except zipfile.BadZipFile:
        raise invalid(f"'{path}.source.data' is no ZIP archive.", f"{path}.source.data", "invalid_archive") from None
    return {"type": "inline", "name": given["name"], "description": given["description"], "names": names}


def _manifest(content: bytes) -> Json | None:
    try:
        read = json.loads(content)
    except ValueError:
        return None
    return read if is_record(read) else None


def _named(capability: Json) -> Json:
    return {"type": "inline", "name": capability["name"], "description": capability["description"]}


def exclusive(given: Json, path: str) -> None:
    """Refuse an environment that is both an existing one and a new one."""
    others = sorted(set(given) - {"type", "environment_id"})
    if "environment_id" in given and others:
        place = f"{path}.{others[0]}"
        raise invalid(f"'{place}' can't be given for an environment that exists.", place, "mutually_exclusive")


def hosted(value: Any, path: str) -> Json:
    """A check for a hosted environment of a session."""
    optional = {
        **checks(),
        "container_size": one_of("small", "medium", "large"),
        "environment_id": text(longest=64),
        "environment_template_id": text(longest=64),
    }
    given = fields(value, {"type": str}, optional, path=path)
    exclusive(given, path)
    return given


def self_hosted(value: Any, path: str) -> Json:
    needed = {"type": str, "workspace_directory": _directory}
    given = fields(value, needed, {"capability_directories": STRINGS}, path=path)
    return {"capability_directories": [], **given}


def _none(value: Any, path: str) -> Json:
    return fields(value, {"type": str}, path=path)


ENVIRONMENT = variant({"none": _none, "openai_hosted": hosted, "self_hosted": self_hosted})
