"""Environments of agents: where sessions run commands and keep files. Their status follows from the clock."""

import re
from dataclasses import dataclass, field

from portico.sandbox.agents import hosting
from portico.sandbox.agents.owner import Owner
from portico.sandbox.blobs import Blob
from portico.sandbox.file_store import FILES
from portico.sandbox.refusals import no_such
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection, Kind
from portico.sandbox.skill_store import SKILLS
from portico.sandbox.webhooks import announce

PREPARE_SECONDS = 2.0
RESUME_SECONDS = 1.0
# How long the emulated application needs to connect an environment of its own.
CONNECT_SECONDS = 5.0
# These two are real durations: the pace of the world does not shorten them.
IDLE_SECONDS = 15 * 60
KEPT_SECONDS = 7 * 24 * 3600
FAILING = re.compile(r"\s*(?:false|exit\s+[1-9]\d*)\s*")


@dataclass(slots=True)
class Environment:
    id: str
    type: str
    created_at: float
    ready_at: float
    spec: Json
    container_size: str = "medium"
    installed: list[Json] = field(default_factory=list[Json])
    skills: list[Json] = field(default_factory=list[Json])
    files: dict[str, Blob] = field(default_factory=dict[str, Blob])
    used_at: float = 0.0
    turns_running: int = 0
    is_attached: bool = False
    connected_at: float | None = None
    failure: str | None = None
    resets: int = 0

    @property
    def is_hosted(self) -> bool:
        return self.type == "openai_hosted"

    def status(self, now: float) -> str:
        if self.is_hosted and now < self.ready_at:
            return "pending"
        if self.failure is not None:
            return "failed"
        if not self.is_hosted and (self.connected_at is None or now < self.connected_at):
            return "pending"
        idle = 0.0 if self.turns_running else now - max(self.used_at, self.ready_at)
        if idle >= IDLE_SECONDS:
            if not self.is_hosted:
                return "disconnected"
            return "expired" if idle >= IDLE_SECONDS + KEPT_SECONDS else "suspended"
        return "connected" if self.is_attached or not self.is_hosted else "ready"

    def state(self, now: float) -> Json:
        """The environment as events tell it."""
        error = None
        if self.failure is not None:
            error = {"type": "environment_error", "code": "setup_failed", "message": self.failure}
        return {"id": self.id, "type": self.type, "status": self.status(now), "error": error}

    def info(self, now: float) -> Json:
        """The environment as its own endpoints show it."""
        return {
            "id": self.id,
            "object": "agent.environment",
            "type": self.type,
            "status": self.status(now),
            "files": self.installed,
            "plugins": hosting.shown_plugins(self.spec.get("plugins", [])),
            "skills": self.skills,
        }

    def show(self) -> Json:
        """The environment as its session shows it."""
        if not self.is_hosted:
            return {
                "id": self.id,
                "type": self.type,
                "capability_directories": self.spec["capability_directories"],
                "remote_url": f"wss://environments.example/{self.id}",
                "workspace_directory": self.spec["workspace_directory"],
            }
        return {
            "id": self.id,
            "type": self.type,
            "capability_directories": self.spec["capability_directories"],
            "container_size": self.container_size,
            "desktop": self.spec["desktop"],
            "files": self.installed,
            "network": hosting.shown_network(self.spec["network"]),
            "packages": self.spec["packages"],
            "plugins": hosting.shown_plugins(self.spec["plugins"]),
            "skills": self.skills,
        }

    def replace(self, now: float) -> None:
        """What happens after expiry: a fresh machine under the same id; what was written is lost."""
        kept = {file["path"] for file in self.installed}
        self.files = {path: content for path, content in self.files.items() if path in kept}
        self.ready_at = self.used_at = now
        self.resets += 1


ENVIRONMENTS = Kind[Environment]("environment", "env_")
TEMPLATES = Kind[Json]("environment template", "envtmpl_")


def provide(owner: Owner, given: Json, moment: float) -> Environment | None:
    """The environment that a checked description asks for: an existing one, a new one, or none."""
    if given["type"] == "none":
        return None
    if "environment_id" in given:
        return owner.held(ENVIRONMENTS).get(given["environment_id"])
    if given["type"] == "self_hosted":
        spec = {name: given[name] for name in ("capability_directories", "workspace_directory")}
        made = Environment(owner.new_id(ENVIRONMENTS.prefix), "self_hosted", moment, moment, spec)
    else:
        made = _hosted(owner, given, moment)
    owner.held(ENVIRONMENTS).add(made.id, made)
    _watch(owner, made)
    return made


def put(owner: Owner, environment: Environment, file: Json) -> Json:
    """Copy a file into an environment; answers what is shown of it."""
    content = Blob(file["content"]) if file["type"] == "inline" else _uploaded(owner, file["file_id"])
    environment.files[file["path"]] = content
    shown: Json = {
        "id": owner.new_id("envfile_"),
        "type": file["type"],
        "path": file["path"],
        "size_bytes": content.size,
    }
    return {**shown, "file_id": file["file_id"]} if file["type"] == "file_id" else shown


def template_of(held: Collection[Json], given: Json) -> Json | None:
    """The specification of the template that is named, if one is; or OpenAI's 404."""
    named = given.get("environment_template_id")
    return None if named is None else held.get(named)["spec"]


def _hosted(owner: Owner, given: Json, moment: float) -> Environment:
    spec = hosting.completed(given, template_of(owner.held(TEMPLATES), given))
    skills = [_installed(owner, skill) for skill in spec["skills"]]
    ready_at = moment + PREPARE_SECONDS * owner.world.pace
    made = Environment(owner.new_id(ENVIRONMENTS.prefix), "openai_hosted", moment, ready_at, spec, skills=skills)
    made.used_at = ready_at
    made.container_size = given.get("container_size", "medium")
    if any(FAILING.fullmatch(command["command"]) for command in spec["setup_commands"]):
        made.failure = "A setup command did not end well."
    for file in spec["files"]:
        made.installed.append(put(owner, made, file))
    return made


def _uploaded(owner: Owner, file_id: str) -> Blob:
    file = owner.held(FILES).look(file_id)
    if file is None or (file.expires_at is not None and file.expires_at <= owner.world.now()):
        raise no_such("File object", file_id)
    return file.blob


def _watch(owner: Owner, environment: Environment) -> None:
    """Announce what becomes of an environment, whenever somebody looks at the project."""
    told = environment.status(environment.created_at)

    def outcome(now: float) -> bool:
        nonlocal told
        status = environment.status(now)
        # Getting ready is of interest only to those who wait for it without a session.
        waits_for = ("ready", "failed", "suspended", "expired") if environment.is_hosted else ()
        if status != told and status in waits_for and (status != "failed" or not environment.is_attached):
            announce(owner.world, owner.project, f"agent.environment.{status}", {"id": environment.id})
        told = status
        return status in ("failed", "expired")

    owner.project.pending.append(outcome)


def _installed(owner: Owner, skill: Json) -> Json:
    if skill["type"] == "inline":
        return {"type": "inline", "name": skill["name"], "description": skill["description"]}
    held, wanted = owner.held(SKILLS).get(skill["skill_id"]), skill.get("version")
    version = held.latest if wanted == "latest" else held.version(wanted or str(held.default))
    return {
        "type": "skill_reference",
        "skill_id": held.id,
        "name": version.bundle.name,
        "description": version.bundle.description,
        "version": str(version.number),
    }
