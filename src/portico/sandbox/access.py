"""Who asks: from the headers to a key with its organization and project, and whether the key opens this route.

Unknown keys, unless `strict_keys`: the part after the prefix names an organization, which is made on first sight.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from portico.sandbox import ids
from portico.sandbox.keys import EVERYTHING, READ_ONLY, Key, KeyKind
from portico.sandbox.refusals import bad_key, forbidden, mismatched, missing_scope, no_key
from portico.sandbox.roles import allows
from portico.sandbox.state import DEMO, Organization, Project, World
from portico.sandbox.wire import Route

SHORTEST_KEY = 8
REFUSED_WORDS = ("invalid", "revoked", "expired")
PREFIXES: tuple[tuple[str, KeyKind], ...] = (
    ("sk-admin-", "admin"),
    ("sk-svcacct-", "service_account"),
    ("sk-proj-", "project"),
    ("sk-", "user"),
)


@dataclass(frozen=True, slots=True)
class Caller:
    key: Key
    organization: Organization
    project: Project


def identify(world: World, headers: Mapping[str, str]) -> Caller:
    """Find the key that came in Authorization, or OpenAI's 401."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise no_key()
    key = _key(world, secret.strip())
    organization = world.organization_with_id(key.organization_id)
    if headers.get("openai-organization", organization.id) not in (organization.id, ""):
        raise mismatched("OpenAI-Organization", "mismatched_organization")
    project = _project(organization, key, headers.get("openai-project", ""))
    key.last_used_at = world.now()
    return Caller(key, organization, project)


def permit(caller: Caller, route: Route) -> None:
    """Refuse a key of the wrong kind, and one whose scopes, or whose owner's roles, don't cover the route."""
    key = caller.key
    if route.for_admins != (key.kind == "admin"):
        if route.for_admins:
            raise missing_scope(route.needed_scope)
        raise forbidden("An admin key opens only /organization and /projects; use a project key.", "wrong_key_kind")
    scope = route.needed_scope
    if not key.allows(scope) or not allows(caller.organization, caller.project, key, scope):
        raise missing_scope(scope)


def _key(world: World, secret: str) -> Key:
    if secret in world.keys.withdrawn:
        raise bad_key(secret)
    known = world.keys.find(secret)
    if known is not None:
        if known.expires_at is not None and known.expires_at <= world.now():
            raise bad_key(secret)
        return known
    prefix, kind = next((pair for pair in PREFIXES if secret.startswith(pair[0])), ("", "user"))
    name, scopes = _read(secret.removeprefix(prefix))
    badly_formed = not prefix or len(secret) < SHORTEST_KEY or not name
    if badly_formed or any(word in secret for word in REFUSED_WORDS):
        raise bad_key(secret)
    if world.strict_keys and name != DEMO:
        raise bad_key(secret)
    organization = world.organization(name)
    if (seeded := world.keys.find(secret)) is not None:
        return seeded
    project_id = organization.default_project.id if kind in ("project", "service_account") else None
    key_id, created_at = ids.named("key_", secret), organization.created_at
    label = "Found key"
    return world.keys.add(
        Key(key_id, kind, secret, organization.id, project_id, organization.owner.id, label, created_at, scopes=scopes)
    )


def _read(rest: str) -> tuple[str, tuple[str, ...]]:
    """What stands after the prefix: `acme`, `readonly-acme`, `restricted-files.batches-acme`, `anything-demo`."""
    scopes = EVERYTHING
    if rest.startswith("readonly-"):
        scopes, rest = READ_ONLY, rest.removeprefix("readonly-")
    elif rest.startswith("restricted-"):
        areas, _, rest = rest.removeprefix("restricted-").partition("-")
        scopes = tuple(f"api.{area}.*" for area in areas.split("."))
    return (DEMO if rest.endswith(f"-{DEMO}") else rest), scopes


def _project(organization: Organization, key: Key, wanted: str) -> Project:
    """The key's own project; a key that has none (a user's, an admin's) may name one in OpenAI-Project."""
    own = organization.default_project if key.project_id is None else organization.projects.get(key.project_id)
    if own is None:
        raise bad_key(key.secret)
    if wanted in ("", own.id):
        chosen = own
    elif key.project_id is None and wanted in organization.projects:
        chosen = organization.projects[wanted]
    else:
        raise mismatched("OpenAI-Project", "mismatched_project")
    if chosen.status == "archived" and key.kind != "admin":
        raise forbidden("The project of this key is archived.", "project_archived")
    return chosen
