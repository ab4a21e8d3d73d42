"""What was spent this month, and the hard limits that stop calls once it is enough."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from portico.sandbox.charges import NANO, charges
from portico.sandbox.refusals import Refusal
from portico.sandbox.settings import settings
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind
from portico.sandbox.state import Organization, Project, Usage
from portico.sandbox.wire import Ask

NANO_PER_CENT = NANO // 100


@dataclass(slots=True)
class Tally:
    """The charges of one month by project, in nano-dollars; `counted` says how many rows of usage are in it."""

    begins: int
    ends: int
    counted: int
    by_project: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, used: Usage) -> None:
        if self.begins <= used.at < self.ends:
            cost = sum(charge.nano_dollars for charge in charges(used))
            self.by_project[used.project_id] = self.by_project.get(used.project_id, 0) + cost


# The alerts of an organization or of a project, on its shelf.
ALERTS = Kind[Json]("spend alert", "alert_")
TALLIES = Kind[Tally]("tally", "", organization_wide=True)
MONTH = "month"


def spent(organization: Organization, project: Project | None, now: int) -> int:
    """Nano-dollars since the month began (in UTC), of one project or of all."""
    by_project = _tally(organization, now).by_project
    return sum(by_project.values()) if project is None else by_project.get(project.id, 0)


def is_reached(organization: Organization, project: Project | None, now: int) -> bool:
    limit = settings(project.shelf if project else organization.shelf).spend_limit_cents
    return limit is not None and spent(organization, project, now) >= limit * NANO_PER_CENT


def require_budget(ask: Ask) -> None:
    """Refuse a call of a model where a hard spend limit is reached."""
    for word, project in (("organization", None), ("project", ask.project)):
        if is_reached(ask.organization, project, ask.now):
            message = f"The monthly spend limit of this {word} is reached. Calls go on once it is raised or next month."
            # No retry-after: waiting a moment doesn't help.
            raise Refusal(429, message, kind="insufficient_quota", code=f"{word}_spend_limit_exceeded")


def _tally(organization: Organization, now: int) -> Tally:
    held = organization.held(TALLIES)
    tally = held.look(MONTH)
    if tally is None or not tally.begins <= now < tally.ends:
        tally = held.add(MONTH, Tally(*_month(now), counted=len(organization.usage)))
        rows = organization.all_usage()
    else:
        rows = organization.usage[tally.counted :]
        tally.counted += len(rows)
    for used in rows:
        tally.add(used)
    return tally


def _month(now: int) -> tuple[int, int]:
    moment = datetime.fromtimestamp(now, UTC)
    begins = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    ends = begins.replace(year=begins.year + begins.month // 12, month=begins.month % 12 + 1)
    return int(begins.timestamp()), int(ends.timestamp())
