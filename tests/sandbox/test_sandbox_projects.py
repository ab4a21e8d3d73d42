"""Projects, their service accounts and keys, and the admin keys of an organization."""

import openai
import pytest
from bare_http import Caller
from openai import OpenAI
from openai.resources.admin.organization import Organization

from portico.sandbox.state import User, World

YEAR_SECONDS = 31_536_000


def test_project_lives_its_life(administration: Organization, world: World) -> None:
    project = administration.projects.create(name="Alpha", residency="EU_STORAGE_PROCESSING")
    assert (project.status, project.archived_at, project.residency) == ("active", None, "EU_STORAGE_PROCESSING")
    key = administration.external_keys.create(
        type="azure", name="Vault", key_name="main", tenant_id="t", vault_uri="https://v.example"
    )
    changed = administration.projects.update(project.id, name="Beta", external_key_id=key.id, geography="us")
    assert (changed.name, changed.external_key_id, changed.residency) == ("Beta", key.id, "US_STORAGE_PROCESSING")
    assert administration.projects.update(project.id, external_key_id=None).external_key_id is None
    assert administration.projects.retrieve(project.id).name == "Beta"
    archived = administration.projects.archive(project.id)
    assert archived.status == "archived"
    assert archived.archived_at is not None
    assert abs(archived.archived_at - world.now()) <= 1


def test_archived_projects_are_listed_only_on_demand(administration: Organization) -> None:
    made = [administration.projects.create(name=f"P{place}").id for place in range(4)]
    administration.projects.archive(made[1])
    assert [project.id for project in administration.projects.list(limit=2)][1:] == [made[0], made[2], made[3]]
    assert [project.id for project in administration.projects.list(limit=2, include_archived=True)][1:] == made


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("POST", ""),
        ("POST", "/archive"),
        ("GET", "/users"),
        ("POST", "/users"),
        ("GET", "/service_accounts"),
        ("POST", "/service_accounts"),
        ("POST", "/rate_limits/rl-gpt-4o"),
    ],
)
def test_archived_project_is_closed(admin_call: Caller, verb: str, path: str) -> None:
    project = admin_call("POST", "/v1/organization/projects", {"name": "Alpha"}).json["id"]
    admin_call("POST", f"/v1/organization/projects/{project}/archive")
    got = admin_call(verb, f"/v1/organization/projects/{project}{path}", {"name": "x"} if verb == "POST" else None)
    assert (got.status, got.error["code"]) == (400, "project_archived")


def test_default_project_keeps_its_name_and_stays(administration: Organization, world: World) -> None:
    default = world.organization("test").default_project.id
    with pytest.raises(openai.BadRequestError):
        administration.projects.update(default, name="Other")
    with pytest.raises(openai.BadRequestError):
        administration.projects.archive(default)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "a", "residency": "MOON"}, "residency"),
        ({"name": "a", "geography": "moon"}, "geography"),
        ({"name": "a", "geography": "EU", "residency": "GLOBAL"}, "geography"),
    ],
)
def test_bad_projects_are_refused(admin_call: Caller, body: dict[str, object], param: str) -> None:
    got = admin_call("POST", "/v1/organization/projects", body)
    assert (got.status, got.error["param"]) == (400, param)


def test_unknown_project_is_not_found(admin_call: Caller) -> None:
    paths = ("", "/users", "/service_accounts", "/api_keys", "/rate_limits", "/certificates")
    got = [admin_call("GET", f"/v1/organization/projects/proj_none{path}").status for path in paths]
    assert got == [404] * len(paths)


def test_key_of_a_service_account_works_until_it_is_deleted(administration: Organization, sandbox_url: str) -> None:
    project = administration.projects.create(name="Alpha")
    accounts = administration.projects.service_accounts
    made = accounts.create(project.id, name="ci")
    assert made.role == "member"
    assert made.api_key is not None
    key = Caller(sandbox_url, made.api_key.value)
    assert key("GET", "/v1/models").status == 200
    listed = administration.projects.api_keys.list(project.id).data
    assert [held.id for held in listed] == [made.api_key.id]
    assert listed[0].owner.service_account is not None
    assert listed[0].owner.service_account.id == made.id
    assert listed[0].last_used_at is not None
    assert made.api_key.value not in listed[0].redacted_value
    assert accounts.delete(made.id, project_id=project.id).deleted
    assert key("GET", "/v1/models").status == 401
    assert administration.projects.api_keys.list(project.id).data == []
    with pytest.raises(openai.NotFoundError):
        accounts.retrieve(made.id, project_id=project.id)


def test_service_account_can_be_listed_and_changed(administration: Organization) -> None:
    project = administration.projects.create(name="Alpha")
    accounts = administration.projects.service_accounts
    made = [accounts.create(project.id, name=f"bot{place}").id for place in range(3)]
    assert [account.id for account in accounts.list(project.id, limit=2)] == made
    assert accounts.update(made[0], project_id=project.id, name="other", role="owner").role == "owner"
    assert accounts.retrieve(made[0], project_id=project.id).name == "other"


def test_account_without_role_opens_nothing_until_it_has_one(administration: Organization, sandbox_url: str) -> None:
    project = administration.projects.create(name="Alpha")
    accounts = administration.projects.service_accounts
    made = accounts.create(project.id, name="bare", create_service_account_only=True)
    assert (made.role, made.api_key) == ("none", None)
    key = accounts.api_keys.create(made.id, project_id=project.id, name="later")
    assert key.name == "later"
    assert Caller(sandbox_url, key.value)("GET", "/v1/models").status == 403
    accounts.update(made.id, project_id=project.id, role="member")
    assert Caller(sandbox_url, key.value)("GET", "/v1/models").status == 200


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"),
    [
        ([], True, True),
        (["api.all.read"], True, False),
        (["api.files.write"], True, True),
        (["api.files.read"], True, False),
        (["api.model.request"], False, False),
    ],
)
def test_keys_keep_to_their_scopes(
    administration: Organization, sandbox_url: str, scopes: list[str], reads: bool, writes: bool
) -> None:
    project = administration.projects.create(name="Alpha")
    account = administration.projects.service_accounts.create(project.id, name="bot")
    made = administration.projects.service_accounts.api_keys.create(account.id, project_id=project.id, scopes=scopes)
    key = Caller(sandbox_url, made.value)
    assert (key("GET", "/v1/files").status != 403, key("DELETE", "/v1/files/x").status != 403) == (reads, writes)


def test_key_expires_by_the_clock(administration: Organization, sandbox_url: str, world: World) -> None:
    project = administration.projects.create(name="Alpha")
    made = administration.projects.service_accounts.create(project.id, name="bot", expires_in_seconds=60)
    assert made.api_key is not None
    assert made.api_key.expires_at == made.created_at + 60
    world.advance(61)
    assert Caller(sandbox_url, made.api_key.value)("GET", "/v1/models").status == 401
    with pytest.raises(openai.BadRequestError):
        administration.projects.api_keys.update(made.api_key.id, project_id=project.id, expires_in_seconds=60)


def test_project_key_is_changed_and_deleted(
    administration: Organization, client: OpenAI, sandbox_url: str, world: World
) -> None:
    client.models.list()
    project = world.organization("test").default_project
    (key,) = administration.projects.api_keys.list(project.id).data
    assert key.owner.user is not None
    assert key.owner.user.role == "owner"
    changed = administration.projects.api_keys.update(
        key.id, project_id=project.id, scopes=["api.all.read"], expires_in_seconds=3600
    )
    assert changed.expires_at is not None
    assert abs(changed.expires_at - world.now() - 3600) <= 1
    assert administration.projects.api_keys.retrieve(key.id, project_id=project.id) == changed
    caller = Caller(sandbox_url, "sk-proj-test")
    assert caller("DELETE", "/v1/files/x").status == 403
    assert administration.projects.api_keys.delete(key.id, project_id=project.id).deleted
    assert caller("GET", "/v1/models").status == 401
    with pytest.raises(openai.NotFoundError):
        administration.projects.api_keys.retrieve(key.id, project_id=project.id)


def test_key_of_a_service_account_goes_without_its_account(administration: Organization, sandbox_url: str) -> None:
    project = administration.projects.create(name="Alpha")
    made = administration.projects.service_accounts.create(project.id, name="bot")
    other = administration.projects.service_accounts.api_keys.create(made.id, project_id=project.id)
    assert made.api_key is not None
    assert administration.projects.api_keys.delete(made.api_key.id, project_id=project.id).deleted
    assert Caller(sandbox_url, made.api_key.value)("GET", "/v1/models").status == 401
    assert Caller(sandbox_url, other.value)("GET", "/v1/models").status == 200
    assert [account.id for account in administration.projects.service_accounts.list(project.id)] == [made.id]


def test_keys_of_those_who_left_the_project_are_inactive(administration: Organization, world: World) -> None:
    held = world.organization("test")
    project = administration.projects.create(name="Alpha")
    user = User(world.new_id("user-"), "Anna", "anna@test.example", world.now())
    held.users[user.id] = user
    administration.projects.users.create(project.id, role="member", user_id=user.id)
    keys = [world.issue_key(held, "project", owner, project.id).id for owner in (held.owner.id, user.id)]
    listed = administration.projects.api_keys
    assert [key.id for key in listed.list(project.id)] == keys
    administration.projects.users.delete(user.id, project_id=project.id)
    assert [key.id for key in listed.list(project.id)] == keys[:1]
    assert [key.id for key in listed.list(project.id, owner_project_access="inactive")] == keys[1:]
    assert [key.owner_project_access for key in listed.list(project.id, owner_project_access="any")] == [
        "active",
        "inactive",
    ]


def test_admin_key_lives_its_life(administration: Organization, sandbox_url: str, world: World) -> None:
    made = administration.admin_api_keys.create(name="robot", expires_in_seconds=YEAR_SECONDS)
    assert made.expires_at == made.created_at + YEAR_SECONDS
    key = Caller(sandbox_url, made.value)
    assert key("GET", "/v1/organization/users").status == 200
    shown = administration.admin_api_keys.retrieve(made.id)
    assert shown.owner.id == world.organization("test").owner.id
    assert shown.last_used_at is not None
    assert "value" not in shown.model_dump()
    assert next(iter(administration.admin_api_keys.list(order="desc", limit=1))).id == made.id
    assert administration.admin_api_keys.delete(made.id).deleted
    assert key("GET", "/v1/organization/users").status == 401
    with pytest.raises(openai.NotFoundError):
        administration.admin_api_keys.retrieve(made.id)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("admin_api_keys", {}, "name"),
        ("admin_api_keys", {"name": "x", "expires_in_seconds": YEAR_SECONDS + 1}, "expires_in_seconds"),
        ("projects/{project}/service_accounts", {}, "name"),
        ("projects/{project}/service_accounts", {"name": "x", "expires_in_seconds": 0}, "expires_in_seconds"),
        (
            "projects/{project}/service_accounts",
            {"name": "x", "expires_in_seconds": 9, "create_service_account_only": True},
            "expires_in_seconds",
        ),
    ],
)
def test_bad_keys_are_not_made(
    admin_call: Caller, world: World, path: str, body: dict[str, object], param: str
) -> None:
    project = world.organization("test").default_project.id
    got = admin_call("POST", f"/v1/organization/{path.format(project=project)}", body)
    assert (got.status, got.error["param"]) == (400, param)


def test_secrets_are_told_only_once(admin_call: Caller, world: World) -> None:
    project = world.organization("test").default_project.id
    made = admin_call("POST", f"/v1/organization/projects/{project}/service_accounts", {"name": "bot"}).json
    admin = admin_call("POST", "/v1/organization/admin_api_keys", {"name": "robot"}).json
    paths = ("admin_api_keys", f"projects/{project}/api_keys", f"projects/{project}/service_accounts", "audit_logs")
    told = b"".join(admin_call("GET", f"/v1/organization/{path}").body for path in paths)
    assert made["api_key"]["value"].encode() not in told
    assert admin["value"].encode() not in told
