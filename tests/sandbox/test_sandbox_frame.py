"""What every endpoint shares: headers, errors, keys, projects, the clock, the ledger, the table of routes."""

import hashlib
import re

import openai
import pytest
from bare_http import Caller
from openai import OpenAI

from portico.sandbox.app import build
from portico.sandbox.keys import READ_ONLY
from portico.sandbox.limits import Limit, RateLimits, go_duration
from portico.sandbox.refusals import Refusal
from portico.sandbox.routes import RouteTwice, Table
from portico.sandbox.state import World
from portico.sandbox.wire import Answer, Ask, Route


def test_answers_carry_openais_headers(call: Caller, world: World) -> None:
    got = call("GET", "/v1/models")
    assert re.fullmatch(r"req_[0-9a-f]{32}", got.header("x-request-id") or "")
    assert (got.header("openai-processing-ms") or "").isdigit()
    assert got.header("openai-version") == "2020-10-01"
    assert got.header("openai-organization") == world.organization("test").id
    assert got.header("content-type") == "application/json"
    assert got.header("set-cookie")


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("GET", "/elsewhere", 404),
        ("POST", "/v1/models", 405),
        ("GET", "/v1/files/file-none", 404),
        ("DELETE", "/v1/files/file-none", 404),
    ],
)
def test_every_failure_has_openais_envelope(call: Caller, verb: str, path: str, status: int) -> None:
    got = call(verb, path)
    assert got.status == status
    assert set(got.error) == {"message", "type", "param", "code"}
    assert got.header("x-request-id")


def test_bad_json_is_refused(call: Caller) -> None:
    got = call("POST", "/v1/files", b"{nope")
    assert got.status == 400
    assert call("POST", "/v1/files", b"[1]").status == 400


@pytest.mark.parametrize(
    "key",
    [
        "",
        "nothing",
        "sk-",
        "sk-abc",
        "pk-proj-acme",
        "sk-proj-",
        "sk-proj-invalid",
        "sk-proj-revoked-acme",
        "sk-expired",
    ],
)
def test_bad_keys_are_refused(sandbox_url: str, key: str) -> None:
    got = Caller(sandbox_url, key)("GET", "/v1/models")
    assert got.status == 401
    assert got.error["type"] == "invalid_request_error"


def test_missing_key_is_refused(call: Caller) -> None:
    assert call("GET", "/v1/models", headers={"authorization": None}).status == 401
    assert call("GET", "/v1/models", headers={"authorization": "Basic eDp5"}).status == 401


@pytest.mark.parametrize("key", ["sk-proj-demo", "sk-demo-demo", "sk-svcacct-demo", "sk-proj-anything-demo"])
def test_demo_keys_open_the_demo_organization(sandbox_url: str, world: World, key: str) -> None:
    got = Caller(sandbox_url, key)("GET", "/v1/models")
    assert got.header("openai-organization") == world.organization("demo").id


def test_keys_of_one_name_share_an_organization(sandbox_url: str, world: World) -> None:
    for key in ("sk-proj-acme", "sk-svcacct-acme", "sk-acme-", "sk-proj-readonly-acme"):
        Caller(sandbox_url, key)("GET", "/v1/models")
    acme = world.organization("acme")
    assert set(world.organizations) == {"acme", "acme-"}
    assert [user.role for user in acme.users.values()] == ["owner"]
    assert len(acme.projects) == 1


def test_admin_key_opens_only_administration(sandbox_url: str) -> None:
    got = Caller(sandbox_url, "sk-admin-test")("GET", "/v1/models")
    assert (got.status, got.error["code"]) == (403, "wrong_key_kind")


def test_strict_world_knows_only_its_own_keys(sandbox_url: str, world: World) -> None:
    world.strict_keys = True
    organization = world.organization("house")
    key = world.issue_key(organization, "project", organization.owner.id, organization.default_project.id)
    assert Caller(sandbox_url, "sk-proj-acme")("GET", "/v1/models").status == 401
    assert Caller(sandbox_url, "sk-proj-demo")("GET", "/v1/models").status == 200
    assert Caller(sandbox_url, key.secret)("GET", "/v1/models").status == 200
    world.keys.withdraw(key.id)
    assert Caller(sandbox_url, key.secret)("GET", "/v1/models").status == 401


def test_withdrawn_key_never_opens_a_new_organization(sandbox_url: str, world: World) -> None:
    organization = world.organization("house")
    key = world.issue_key(organization, "project", organization.owner.id, organization.default_project.id)
    world.keys.withdraw(key.id)
    assert Caller(sandbox_url, key.secret)("GET", "/v1/models").status == 401
    assert list(world.organizations) == ["house"]


def test_key_ends_when_its_time_is_over(sandbox_url: str, world: World) -> None:
    organization = world.organization("house")
    key = world.issue_key(organization, "project", organization.owner.id, organization.default_project.id)
    key.expires_at = world.now() + 60
    assert Caller(sandbox_url, key.secret)("GET", "/v1/models").status == 200
    world.advance(61)
    assert Caller(sandbox_url, key.secret)("GET", "/v1/models").status == 401


@pytest.mark.parametrize(
    ("key", "verb", "path", "missing"),
    [
        ("sk-proj-readonly-test", "GET", "/v1/files", None),
        ("sk-proj-readonly-test", "DELETE", "/v1/files/x", "api.files.write"),
        ("sk-proj-restricted-files-test", "DELETE", "/v1/files/x", None),
        ("sk-proj-restricted-files-test", "GET", "/v1/models", "api.model.read"),
        ("sk-proj-restricted-files.model-test", "GET", "/v1/models", None),
    ],
)
def test_restricted_keys_name_the_missing_scope(
    sandbox_url: str, key: str, verb: str, path: str, missing: str | None
) -> None:
    got = Caller(sandbox_url, key)(verb, path)
    if missing is None:
        assert got.status != 403
    else:
        assert got.status == 403
        assert missing in got.error["message"]


def test_headers_must_name_the_keys_own_organization_and_project(call: Caller, world: World) -> None:
    call("GET", "/v1/models")
    own = world.organization("test")
    good: dict[str, str | None] = {"openai-organization": own.id, "openai-project": own.default_project.id}
    assert call("GET", "/v1/models", headers=good).status == 200
    assert (
        call("GET", "/v1/models", headers={"openai-organization": "org-x"}).error["code"] == "mismatched_organization"
    )
    assert call("GET", "/v1/models", headers={"openai-project": "proj_x"}).error["code"] == "mismatched_project"


def test_users_key_chooses_its_project_by_header(sandbox_url: str, world: World) -> None:
    other = world.new_project(world.organization("people"), "Other")
    user = Caller(sandbox_url, "sk-people")
    world.organizations["people"].projects[other.id].status = "archived"
    assert user("GET", "/v1/models").status == 200
    assert user("GET", "/v1/models", headers={"openai-project": other.id}).status == 403
    assert (
        Caller(sandbox_url, "sk-proj-people")("GET", "/v1/models", headers={"openai-project": other.id}).status == 401
    )


def test_me_shows_the_keys_owner(call: Caller, world: World) -> None:
    me = call("GET", "/v1/me").json
    assert me["id"] == world.organization("test").owner.id
    assert me["orgs"]["data"][0]["id"] == world.organization("test").id


def test_ids_repeat_after_a_reset(call: Caller, world: World) -> None:
    first = call("GET", "/v1/models").header("x-request-id")
    assert call("POST", "/_sandbox/reset").json == {"reset": True}
    assert call("GET", "/v1/models").header("x-request-id") == first


def test_clock_can_be_turned(call: Caller, world: World) -> None:
    before = call("GET", "/_sandbox/clock").json["now"]
    assert call("POST", "/_sandbox/clock", {"advance_seconds": 3600}).json["now"] - before in (3600, 3601)
    assert call("POST", "/_sandbox/clock", {"set": 1000}).json["now"] in (1000, 1001)
    assert call("POST", "/_sandbox/clock", {"set": 1, "advance_seconds": 1}).status == 400


def test_ledger_shows_what_arrived_but_no_keys(call: Caller) -> None:
    body = b'{"a": 1}'
    call("GET", "/v1/models/a%2Fb?x=1&x=2", headers={"x-first": "1", "x-second": "2"})
    call("POST", "/v1/files", body)
    Caller(call.url, "sk-proj-invalid-thing")("GET", "/v1/models")
    listing = call("GET", "/_sandbox/requests")
    first, second, third = listing.json["data"]
    assert (first["verb"], first["path"], first["query"], first["status"]) == (
        "GET",
        "/v1/models/a%2Fb",
        "x=1&x=2",
        404,
    )
    assert ["x-first", "1"] in first["headers"]
    assert (second["body_bytes"], second["body_sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert third["status"] == 401
    assert b"sk-proj" not in listing.body
    assert call("GET", "/_sandbox/requests?path=/v1/files&limit=1").json["data"] == [second]


def test_controls_need_a_loopback_host(call: Caller) -> None:
    assert call("GET", "/_sandbox/clock", headers={"host": "sandbox.example"}).status == 403
    assert call("GET", "/_sandbox/clock", headers={"host": "localhost:1", "authorization": None}).status == 200
    assert call("GET", "/_sandbox/nothing").status == 404


def test_routes_are_listed(call: Caller) -> None:
    assert {"verb": "GET", "path": "/models/{model}"} in call("GET", "/_sandbox/routes").json["data"]


def _nothing(ask: Ask) -> Answer:
    return {}


def test_no_two_routes_answer_the_same() -> None:
    build(World())
    with pytest.raises(RouteTwice):
        Table([Route("GET", "/a/{x}", _nothing), Route("GET", "/a/{y}", _nothing)])


def test_literal_segments_win_over_parameters() -> None:
    table = Table(
        [
            Route("GET", "/a/{x}", _nothing),
            Route("POST", "/a/special", _nothing),
            Route("GET", "/a/{x}/b", _nothing),
            Route("GET", "/a/special/c", _nothing),
        ]
    )
    assert table.find("POST", "/a/special").parameters == {}
    assert table.find("GET", "/a/special").parameters == {"x": "special"}
    assert table.find("GET", "/a/special/b").parameters == {"x": "special"}
    assert table.find("GET", "/a/p%2Fq").parameters == {"x": "p/q"}
    assert table.find("DELETE", "/a/special").verbs == ("GET", "POST")


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0s"), (0.012, "12ms"), (1, "1s"), (1.5, "1.5s"), (59.9999, "1m0s"), (360, "6m0s"), (3630.5, "1h0m30.5s")],
)
def test_durations_are_written_as_go_does(seconds: float, written: str) -> None:
    assert go_duration(seconds) == written


def test_buckets_empty_and_fill_again() -> None:
    limits = RateLimits()
    limits.set("m", Limit(requests_per_minute=2, tokens_per_minute=100))
    limits.take("m", 60, 0.0)
    with pytest.raises(Refusal) as refused:
        limits.take("m", 60, 0.0)
    headers = dict(refused.value.headers)
    assert (refused.value.status, headers["retry-after"]) == (429, "12")
    assert (headers["x-ratelimit-remaining-requests"], headers["x-ratelimit-remaining-tokens"]) == ("1", "40")
    assert headers["x-ratelimit-reset-requests"] == "30s"
    assert dict(limits.take("m", 60, 12.0))["x-ratelimit-remaining-tokens"] == "0"
    with pytest.raises(Refusal):
        limits.take("m", 1, 12.0)


def test_sdk_raises_the_right_class(client: OpenAI, world: World) -> None:
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-proj-invalid").models.list()
    world.keys.by_secret.clear()
    client.models.list()
    world.keys.by_secret["sk-proj-test"].scopes = READ_ONLY
    with pytest.raises(openai.PermissionDeniedError):
        client.files.delete("file-x")
