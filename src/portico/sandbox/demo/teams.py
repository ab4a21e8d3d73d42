"""The demo organization's groups, roles and policies, with what its audit log says of them.

Ages are in days. The costs of a month stay below every limit, so that the history doesn't contradict them.
"""

from dataclasses import dataclass

from portico.sandbox import ids
from portico.sandbox.audit import Actor, in_browser, remember
from portico.sandbox.demo.events import MOMENT, OFFICE, OWNER, SECURITY
from portico.sandbox.demo.stage import DAY
from portico.sandbox.demo.traffic import HISTORY_DAYS
from portico.sandbox.external_store import EXTERNAL_KEYS, ExternalKey
from portico.sandbox.federation import PROVIDERS, RULES, Provider, Rule
from portico.sandbox.groups import GROUPS, Group
from portico.sandbox.people import accounts
from portico.sandbox.places import Place
from portico.sandbox.roles import ROLES, Principal, Role, assignment_id, grant, granted_by, predefined_id, roles
from portico.sandbox.settings import ModelPolicy, settings
from portico.sandbox.shapes import Json
from portico.sandbox.spending import ALERTS
from portico.sandbox.state import Organization, User, World


@dataclass(frozen=True, slots=True)
class Team:
    """A group: who is in it, and the projects that it was let into, as `project:role`, with the age of that."""

    name: str
    age: float
    users: str
    projects: tuple[tuple[str, float], ...] = ()
    is_scim_managed: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A role that somebody made, in a project or in the organization, and who has it besides groups' places."""

    name: str
    project: str | None
    maker: str
    age: float
    permissions: str
    description: str
    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


TEAMS = (
    Team(
        "Data Scientists",
        214.6,
        "priya.raman daniel.okafor yuki.tanaka kwame.mensah",
        (("Data-Science:member", 213.9), ("Internal-Tools:member", 70.3)),
    ),
    Team(
        "Support",
        168.2,
        "aisha.karimi lucas.moreau sofia.marchetti oliver.grant",
        (("Customer-Support-Bot:member", 167.5), ("Voice-Concierge:viewer", 44.8)),
    ),
    Team("Finance", 118.4, "hannah.brandt mei.lindqvist", is_scim_managed=True),
    Team("Brand Studio", 81.7, "mei.lindqvist jonas.weber sofia.marchetti", (("Marketing-Gen:member", 81.2),)),
)
ROLES_MADE = (
    Made("Usage Reader", None, OWNER, 117.9, "api.usage.read", "Reads usage and costs", ("Finance",), ("priya.raman",)),
    Made(
        "Key Manager",
        "Customer-Support-Bot",
        "aisha.karimi",
        63.4,
        "api.organization.projects.api_keys.read api.organization.projects.api_keys.write",
        "Makes and withdraws keys of the bot",
        users=("lucas.moreau",),
    ),
    Made(
        "Eval Reviewer",
        "Data-Science",
        "priya.raman",
        51.6,
        "api.evals.read api.files.read",
        "Looks at evals and their files",
        ("Data Scientists",),
    ),
)
# Dollars a month: the project (None for the organization), the hard limit if there is one, and the alerts.
BUDGETS: tuple[tuple[str | None, int | None, tuple[int, ...]], ...] = (
    (None, 6_000, (2_500, 4_500)),
    ("Customer-Support-Bot", 2_500, (1_000, 1_500)),
    ("Marketing-Gen", 900, (600,)),
    ("Data-Science", 1_500, ()),
)
BUDGETED_AGE = 66.5
INBOX = "finance@larkfield.example"


def seed(world: World, organization: Organization) -> None:
    _Teams(world.now(), organization).fill()


class _Teams:
    def __init__(self, now: int, organization: Organization) -> None:
        self.now = now
        self.organization = organization
        self.people = {user.email.partition("@")[0]: user for user in organization.users.values()}
        self.places = {project.name: Place(organization, project) for project in organization.projects.values()}
        self.groups = {team.name: self._group(team) for team in TEAMS}

    def fill(self) -> None:
        for team in TEAMS:
            for entry, age in team.projects:
                self._let_in(self.groups[team.name], entry, age)
        for made in ROLES_MADE:
            self._role(made)
        for name, limit, alerts in BUDGETS:
            self._budget(self._place(name), limit, alerts)
        self._policies()
        self._federation()

    def _ago(self, days: float) -> int:
        return self.now - round(days * DAY)

    def _place(self, name: str | None) -> Place:
        return Place(self.organization) if name is None else self.places[name]

    def _by(self, handle: str) -> Actor:
        return in_browser(self.people[handle], OFFICE.format(10 + list(self.people).index(handle)))

    def _tell(self, age: float, handle: str, kind: str, place: Place, **details: object) -> None:
        # The log reaches back no further than the history.
        if age < HISTORY_DAYS:
            remember(self.organization, self._ago(age), self._by(handle), kind, place.project, **details)

    def _group(self, team: Team) -> Group:
        everywhere = Place(self.organization)
        group = Group(ids.named("group_", team.name), team.name, self._ago(team.age), team.is_scim_managed)
        self.organization.held(GROUPS).add(group.id, group)
        self._tell(team.age, OWNER, "group.created", everywhere, id=group.id, data={"group_name": team.name})
        for handle in team.users.split():
            user = self.people[handle]
            # Whoever came later was added later.
            age = min(team.age, (self.now - user.added_at) / DAY) - MOMENT
            changes = {"users_added": [user.id]}
            self._tell(age, OWNER, "group.updated", everywhere, id=group.id, changes_requested=changes)
            group.users.add(user.id, user.id)
        return group

    def _let_in(self, group: Group, entry: str, age: float) -> None:
        name, _, word = entry.partition(":")
        place = self.places[name]
        self._assign(place, roles(place).get(predefined_id(place, word)), Principal(group.id, "group"), age, OWNER)

    def _assign(self, place: Place, role: Role, principal: Principal, age: float, maker: str) -> None:
        grant(place, role, principal, self._ago(age))
        whose = {"resource_id": place.id, "resource_type": f"api.{place.word}"}
        identity = assignment_id(role.id, principal)
        who = {"principal_id": principal.id, "principal_type": principal.kind}
        self._tell(age, maker, "role.assignment.created", place, id=identity, **who, **whose)

    def _role(self, made: Made) -> None:
        place, listed, at = self._place(made.project), made.permissions.split(), self._ago(made.age)
        role = Role(ids.named(ROLES.prefix, made.name), made.name, made.description, listed, place.word, ())
        role.grants = granted_by(listed)
        role.created_at, role.updated_at, role.created_by = at, at, self.people[made.maker].id
        roles(place).add(role.id, role)
        whose = {"resource_id": place.id, "resource_type": f"api.{place.word}"}
        told = {"id": role.id, "role_name": role.name, "permissions": listed, **whose}
        self._tell(made.age, made.maker, "role.created", place, **told)
        for name in made.groups:
            self._assign(place, role, Principal(self.groups[name].id, "group"), made.age - MOMENT, made.maker)
        for handle in made.users:
            user: User = self.people[handle]
            self._assign(place, role, Principal(user.id, "user"), made.age - 2 * MOMENT, made.maker)

    def _budget(self, place: Place, limit: int | None, alerts: tuple[int, ...]) -> None:
        changes: Json = {}
        if limit is not None:
            settings(place.shelf).spend_limit_cents = limit * 100
            changes["spend_limit"] = {"threshold_amount": limit * 100, "currency": "USD", "interval": "month"}
        for dollars in alerts:
            identity = ids.named(ALERTS.prefix, f"{place.id} {dollars}")
            channel: Json = {"type": "email", "recipients": [INBOX], "subject_prefix": "Larkfield"}
            alert: Json = {"id": identity, "object": f"{place.word}.spend_alert", "threshold_amount": dollars * 100}
            alert |= {"currency": "USD", "interval": "month", "notification_channel": channel}
            changes["spend_alert_added"] = place.shelf.of(ALERTS).add(identity, alert)
        self._tell(BUDGETED_AGE, SECURITY, f"{place.word}.updated", place, id=place.id, changes_requested=changes)

    def _policies(self) -> None:
        bot, marketing = self.places["Customer-Support-Bot"], self.places["Marketing-Gen"]
        settings(bot.shelf).retention = "zero_data_retention"
        settings(bot.shelf).models = ModelPolicy("deny_list", ("gpt-6-astra", "gpt-6-sol"))
        settings(marketing.shelf).tools_off = {"mcp"}
        changes: Json = {"data_retention": "zero_data_retention"}
        changes["model_permissions"] = {"mode": "deny_list", "model_ids": ["gpt-6-astra", "gpt-6-sol"]}
        self._tell(47.7, SECURITY, "project.updated", bot, id=bot.id, changes_requested=changes)
        changes = {"hosted_tool_permissions": {"mcp": {"enabled": False}}}
        self._tell(38.1, SECURITY, "project.updated", marketing, id=marketing.id, changes_requested=changes)

    def _federation(self) -> None:
        """The nightly batch of the data scientists comes from a workflow; backups have a key of their own."""
        everywhere, place, age = Place(self.organization), self.places["Data-Science"], 88.6
        facts: Json = {
            "type": "oidc",
            "name": "GitHub Actions",
            "issuer": "https://token.actions.githubusercontent.com",
            "audience": "https://api.larkfield.example",
            "attribute_transformations": [{"attribute": "repository", "expression": "claims.repository"}],
            "description": "Workflows of the data team",
            "enabled": True,
            "verification": {"type": "discovery", "discovery_url": None},
        }
        provider = Provider(ids.named(PROVIDERS.prefix, "GitHub Actions"), facts, self._ago(age), self._ago(age))
        self.organization.held(PROVIDERS).add(provider.id, provider)
        self._tell(age, SECURITY, "workload_identity_provider.created", everywhere, id=provider.id, data=facts)
        if place.project is not None:
            account = next(held for held in accounts(place.project) if held.name == "nightly-batch")
            facts = {"name": "Nightly batch", "description": None, "enabled": True}
            facts |= {"attribute_matchers": {"repository": "larkfield/nightly-batch"}, "project_id": place.id}
            facts |= {"service_account_id": account.id, "permissions": {"type": "service_account_default"}}
            at = self._ago(age - MOMENT)
            rule = Rule(ids.named(RULES.prefix, "Nightly batch"), provider.id, facts, at, at)
            self.organization.held(RULES).add(rule.id, rule)
            told = {"id": rule.id, "identity_provider_id": provider.id, "data": facts}
            self._tell(age - MOMENT, SECURITY, "workload_identity_provider_mapping.created", place, **told)
        where: Json = {
            "kms_arn": "arn:aws:kms:eu-central-1:111122223333:key/larkfield-archive",
            "role_arn": "arn:aws:iam::111122223333:role/larkfield-archive",
            "external_id": self.organization.id,
        }
        key = ExternalKey(
            ids.named(EXTERNAL_KEYS.prefix, "Archive"), "Archive", "aws", "ekm", self._ago(age - 1), where
        )
        self.organization.held(EXTERNAL_KEYS).add(key.id, key)
        data: Json = {"name": key.name, "type": key.kind, "purpose": key.purpose, **where}
        self._tell(age - 1, SECURITY, "external_key.registered", everywhere, id=key.id, data=data)
