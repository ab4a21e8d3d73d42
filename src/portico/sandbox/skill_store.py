"""Skills and their versions as the families share them."""

from dataclasses import dataclass, field

from portico.sandbox.refusals import no_such
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection, Kind
from portico.sandbox.skill_bundle import Bundle
from portico.sandbox.wire import Ask


@dataclass(frozen=True, slots=True)
class Version:
    id: str
    skill_id: str
    number: int
    created_at: int
    bundle: Bundle

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "skill.version",
            "skill_id": self.skill_id,
            "version": str(self.number),
            "created_at": self.created_at,
            "name": self.bundle.name,
            "description": self.bundle.description,
        }


@dataclass(slots=True)
class Skill:
    """A skill is called what its default version is called. Numbers of deleted versions don't come back."""

    id: str
    created_at: int
    default: int = 1
    made: int = 0
    versions: Collection[Version] = field(default_factory=lambda: Collection[Version]("skill version"))

    def add(self, version_id: str, now: int, bundle: Bundle) -> Version:
        self.made += 1
        return self.versions.add(version_id, Version(version_id, self.id, self.made, now, bundle))

    @property
    def latest(self) -> Version:
        return max(self.versions, key=lambda version: version.number)

    def version(self, number: str) -> Version:
        """The version of that number, or OpenAI's 404."""
        found = next((version for version in self.versions if str(version.number) == number), None)
        if found is None:
            raise no_such("skill version", number)
        return found

    def show(self) -> Json:
        bundle = self.version(str(self.default)).bundle
        return {
            "id": self.id,
            "object": "skill",
            "created_at": self.created_at,
            "name": bundle.name,
            "description": bundle.description,
            "default_version": str(self.default),
            "latest_version": str(self.latest.number),
        }


SKILLS = Kind[Skill]("skill", "skill_")


def require_skill(ask: Ask, skill_id: str, version: str | None = None) -> Version:
    """The bundle that a reference means: a number, 'latest', or else the default."""
    skill = ask.held(SKILLS).get(skill_id)
    if version == "latest":
        return skill.latest
    return skill.version(version or str(skill.default))
