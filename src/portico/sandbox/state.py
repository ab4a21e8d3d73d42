"""The emulator's world: organizations with projects, people and keys, the clock, the faults, the ledger of requests.

Only what every request needs is here; what an organization's administrators see and change lives with its family.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from portico.sandbox import ids
from portico.sandbox.blobs import Blob
from portico.sandbox.faults import FaultRule
from portico.sandbox.keys import Key, KeyKind, Keyring
from portico.sandbox.ledger import Entry
from portico.sandbox.limits import RateLimits
from portico.sandbox.shelves import Collection, Kind, Shelf, T

DEMO = "demo"
LEDGER_LENGTH = 10_000


@dataclass(slots=True)
class Project:
    id: str
    name: str
    created_at: int
    status: str = "active"
    archived_at: int | None = None
    residency: str = "GLOBAL"
    external_key_id: str | None = None
    shelf: Shelf = field(default_factory=Shelf)
    limits: RateLimits = field(default_factory=RateLimits)
    # What comes about by itself, such as the end of a training: each is asked until it says that nothing more will.
    pending: list[Callable[[float], bool]] = field(default_factory=list[Callable[[float], bool]])

    def settle(self, now: float) -> None:
        """Let happen what was due until now; done before every request with a key of the project."""
        self.pending = [outcome for outcome in self.pending if not outcome(now)]


@dataclass(slots=True)
class User:
    id: str
    name: str
    email: str
    added_at: int
    role: str = "reader"
    is_scim_managed: bool = False
    technical_level: str | None = None
    developer_persona: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call used, for the usage and cost reports. `amounts` holds its numbers by OpenAI's names.

    `labels` holds what else the reports can group by: service_tier, api_source, size, source, context_level and
    vector_store_id.
    """

    at: int
    kind: str
    project_id: str
    user_id: str
    api_key_id: str
    model: str
    amounts: dict[str, int]
    is_batch: bool = False
    labels: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Published:
    """A file that can be fetched without a key, until its time is over."""

    blob: Blob
    content_type: str
    expires_at: int


@dataclass(slots=True)
class Organization:
    id: str
    name: str
    created_at: int
    projects: dict[str, Project] = field(default_factory=dict[str, Project])
    users: dict[str, User] = field(default_factory=dict[str, User])
    shelf: Shelf = field(default_factory=Shelf)
    # What was used since the emulator began, and what makes the years before: it is asked once, when first read.
    usage: list[Usage] = field(default_factory=list[Usage])
    history: Callable[[], Iterable[Usage]] = tuple[Usage, ...]
    _past: tuple[Usage, ...] | None = None

    @property
    def default_project(self) -> Project:
        return next(iter(self.projects.values()))

    @property
    def owner(self) -> User:
        owners = (user for user in self.users.values() if user.role == "owner")
        return next(owners, None) or next(iter(self.users.values()))

    def all_usage(self) -> list[Usage]:
        """Every row of usage there is, oldest first: what the reports add up, for whoever wants to check them."""
        if self._past is None:
            self._past = tuple(sorted(self.history(), key=lambda used: used.at))
        return [*self._past, *sorted(self.usage, key=lambda used: used.at)]

    def held(self, kind: Kind[T]) -> Collection[T]:
        return self.shelf.of(kind)


class World:
    """Everything the emulator knows. `pace` scales how long jobs take (0: done at once); `clock` may be held still."""

    def __init__(
        self, *, strict_keys: bool = False, seed: int = 0, pace: float = 1.0, clock: Callable[[], float] = time.time
    ) -> None:
        self._settings = (strict_keys, seed, pace)
        self._clock = clock
        # Webhooks are sent by one at a time: the application's loop or the control.
        self.pumping = asyncio.Lock()
        # Seeds fill the demo organization; the application puts the families' ones here.
        self.seeds: tuple[Callable[[World, Organization], None], ...] = ()
        self.reset()

    def reset(self) -> None:
        """Back to the beginning: nothing but the settings it was made with survives."""
        self.strict_keys, seed, self.pace = self._settings
        # Ids and samples must repeat from run to run; nothing here is a secret.
        self.random = random.Random(seed)  # noqa: S311 -- invented data
        self.clock_offset = 0.0
        self.organizations: dict[str, Organization] = {}
        self.keys = Keyring()
        self.faults: list[FaultRule] = []
        self.requests: deque[Entry] = deque(maxlen=LEDGER_LENGTH)
        self.published: dict[str, Published] = {}

    def time(self) -> float:
        """The emulator's clock in Unix seconds, with fractions; the only place where it is read."""
        return self._clock() + self.clock_offset

    def now(self) -> int:
        return int(self.time())

    def advance(self, seconds: float) -> None:
        self.clock_offset += seconds

    def turn_to(self, moment: float) -> None:
        self.clock_offset = moment - self._clock()

    def new_id(self, prefix: str) -> str:
        return ids.make(self.random, prefix)

    def organization(self, name: str) -> Organization:
        """The organization of that name; made on first sight, with one owner and one project."""
        if name in self.organizations:
            return self.organizations[name]
        made = Organization(ids.named("org-", name), name, self.now())
        self.organizations[name] = made
        owner = User(ids.named("user-", name), f"{name} owner", f"owner@{name}.example", self.now(), "owner")
        made.users[owner.id] = owner
        self.new_project(made, "Default project", ids.named("proj_", name))
        if name == DEMO:
            for seed in self.seeds:
                seed(self, made)
        return made

    def organization_with_id(self, organization_id: str) -> Organization:
        return next(held for held in self.organizations.values() if held.id == organization_id)

    def new_project(self, organization: Organization, name: str, project_id: str | None = None) -> Project:
        project = Project(project_id or self.new_id("proj_"), name, self.now())
        organization.projects[project.id] = project
        return project

    def issue_key(
        self, organization: Organization, kind: KeyKind, owner_id: str, project_id: str | None = None, name: str = ""
    ) -> Key:
        """Make a key that works from now on. Its secret is in the answer; families must show it only once."""
        prefix = {"admin": "sk-admin-", "service_account": "sk-svcacct-"}.get(kind, "sk-proj-")
        key = Key(
            self.new_id("key_"), kind, self.new_id(prefix), organization.id, project_id, owner_id, name, self.now()
        )
        return self.keys.add(key)
