"""Where an administrative setting holds: in the whole organization or in one of its projects.

Many operations exist twice, under /organization and under a project; their handlers ask for the place and serve both.
"""

from dataclasses import dataclass

from portico.sandbox.people import active_project_of, project_of
from portico.sandbox.shelves import Shelf
from portico.sandbox.state import Organization, Project
from portico.sandbox.wire import Ask


@dataclass(frozen=True, slots=True)
class Place:
    organization: Organization
    project: Project | None = None

    @property
    def id(self) -> str:
        return self.project.id if self.project else self.organization.id

    @property
    def word(self) -> str:
        return "project" if self.project else "organization"

    @property
    def shelf(self) -> Shelf:
        return self.project.shelf if self.project else self.organization.shelf


def place_of(ask: Ask) -> Place:
    """The project that the path names, else the organization."""
    return Place(ask.organization, project_of(ask) if "project_id" in ask.parameters else None)


def open_place_of(ask: Ask) -> Place:
    """The same for changes, which an archived project refuses."""
    return Place(ask.organization, active_project_of(ask) if "project_id" in ask.parameters else None)
