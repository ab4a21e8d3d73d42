"""What administrators set for the organization or a project as a whole, and what follows from it for each request.

Each place has one `Settings`; a field that means nothing in the organization stays as it is there.
"""

from dataclasses import dataclass, field
from typing import Literal

from portico.sandbox.refusals import Refusal, forbidden, invalid
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind, Shelf
from portico.sandbox.state import Organization, Project

Mode = Literal["allow_list", "deny_list"]

TOOLS = ("file_search", "web_search", "image_generation", "mcp", "code_interpreter")
OPTIONAL_TIERS = ("flex", "fast", "ultrafast")
ALL_TIERS = "all"
# What the reports and the answers call the tiers of the settings.
TIER_WORDS = {"standard": "default", "fast": "priority", "scale": "scale"}
# What a request may ask for: the tier that has to be enabled, if any, and what it is called in the answer.
TIERS_ASKED: dict[str, tuple[str | None, str]] = {
    "default": (None, "default"),
    "scale": (None, "scale"),
    "flex": ("flex", "flex"),
    "fast": ("fast", "priority"),
    "priority": ("fast", "priority"),
    "ultrafast": ("ultrafast", "ultrafast"),
}
RETENTION = (
    "zero_data_retention",
    "modified_abuse_monitoring",
    "enhanced_zero_data_retention",
    "enhanced_modified_abuse_monitoring",
)
PROJECT_RETENTION = ("organization_default", "none", *RETENTION)
KEEPING_NOTHING = ("zero_data_retention", "enhanced_zero_data_retention")


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """The only models that a project may use, or those that it may not."""

    mode: Mode
    model_ids: tuple[str, ...]

    def permits(self, names: set[str]) -> bool:
        is_listed = not names.isdisjoint(self.model_ids)
        return is_listed if self.mode == "allow_list" else not is_listed


@dataclass(slots=True)
class Settings:
    """`retention` is None as long as nobody has set it; the spend limit is in cents a month."""

    models: ModelPolicy | None = None
    tools_off: set[str] = field(default_factory=set[str])
    usual_tier: str = "standard"
    enabled_tiers: str | tuple[str, ...] = ALL_TIERS
    retention: str | None = None
    spend_limit_cents: int | None = None


SETTINGS = Kind[Settings]("settings", "")
ONLY = "only"


def settings(shelf: Shelf) -> Settings:
    held = shelf.of(SETTINGS)
    return held.look(ONLY) or held.add(ONLY, Settings())


def may_use(project: Project, *names: str | None) -> bool:
    """Do the model permissions let the project use a model? Its names are its own and that of its base."""
    policy = settings(project.shelf).models
    return policy is None or policy.permits({name for name in names if name is not None})


def no_access(project: Project, model: str) -> Refusal:
    return forbidden(f"The project `{project.id}` may not use the model `{model}`.", "model_not_found")


def require_tools(project: Project, tools: list[Json]) -> None:
    """Refuse hosted tools that are switched off for the project."""
    for place, tool in enumerate(tools):
        kind = str(tool.get("type"))
        # Some have versions: web_search_preview, web_search_2025_08_26.
        name = next((name for name in TOOLS if kind == name or kind.startswith(f"{name}_")), None)
        if name in settings(project.shelf).tools_off:
            refusal = forbidden(f"The tool '{name}' is switched off for this project.", "hosted_tool_not_enabled")
            refusal.param = f"tools[{place}].type"
            raise refusal


def tier_of(project: Project, wanted: str | None) -> str:
    """The service tier that a request is served in; it may only ask for one that the project has."""
    held = settings(project.shelf)
    if wanted in (None, "auto"):
        return TIER_WORDS[held.usual_tier]
    if wanted not in TIERS_ASKED:
        raise invalid(f"Invalid service_tier argument: there is no tier '{wanted}'.", "service_tier")
    needed, word = TIERS_ASKED[wanted]
    if needed is not None and held.enabled_tiers != ALL_TIERS and needed not in held.enabled_tiers:
        raise invalid(f"Invalid service_tier argument: '{wanted}' is not enabled here.", "service_tier")
    return word


def keeps_nothing(organization: Organization, project: Project) -> bool:
    """Is `store` without effect here, since nothing may be retained?"""
    own = settings(project.shelf).retention
    if own in (None, "organization_default"):
        own = settings(organization.shelf).retention
    return own in KEEPING_NOTHING
