"""/integration: a vendor of one's own, brought by data alone and called like any other."""

import copy
from typing import Any

import pytest

from portico.sandbox.state import World
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import Tenant, make_tenant, said
from tests.gateways import Got

Json = dict[str, Any]


def papers(base_url: str) -> Json:
    """The sandbox's files and chats, under other words and with a key of another name."""
    return {
        "label": "Papers",
        "base_url": base_url,
        "context": {
            "secret_word": {"label": "Secret word", "secret": True, "aliases": ["word"]},
            "house": {"label": "House"},
        },
        "credentials": {
            "word": {
                "label": "secret word",
                "field": "secret_word",
                "headers": {"Authorization": "Bearer {secret_word}", "X-House": "{house}", "X-Always": "yes"},
                "proof": "papers.list",
            }
        },
        "rules": {"pages": {"by_last": {"send": "after", "next": "last_id", "more": "has_more"}}},
        "failure": {"message": "error.message", "code": "error.code"},
        "trace": "x-request-id",
        "tags": {"reading": "Reading papers.", "destructive": "Cannot be undone."},
        "resources": {
            "papers": {
                "list": {
                    "call": "GET /files",
                    "pages": "by_last",
                    "says": "All papers.",
                    "tags": ["reading"],
                    "query": {"limit": {"type": "integer", "max": 100}, "after": {}},
                },
                "get": {"call": "GET /files/{file_id}", "says": "One paper."},
                "delete": {"call": "DELETE /files/{file_id}", "says": "Throw a paper away."},
                "create": {
                    "call": "POST /files",
                    "says": "Add a paper.",
                    "body": "multipart",
                    "uploads": ["file"],
                    "args": {"purpose": {"type": "string", "required": True, "help": "What for"}},
                },
            },
            "talks": {
                "say": {
                    "call": "POST /chat/completions",
                    "says": "Say something.",
                    "body": {
                        "model": {"type": "string", "required": True},
                        "messages": {"type": "array", "required": True, "items": {"type": "object"}},
                    },
                }
            },
        },
    }


@pytest.fixture
def config(sandbox_url: str) -> Json:
    return papers(f"{sandbox_url}/v1")


@pytest.fixture
async def brought(operator: Watched, config: Json) -> Json:
    return said(await operator.post("/integration", {"name": "papers", "category": "reading", "config": config}), 201)


async def connect(client: Watched, **body: Any) -> Json:
    whole = {"tenant_id": "acme", "integration": "papers", "context": {"word": "sk-proj-acme", "house": "red"}, **body}
    return said(await client.post("/integrated-account", whole), 201)


def of(account: Json) -> Json:
    return {"integrated_account_id": account["id"]}


@pytest.mark.usefixtures("brought")
async def test_a_brought_vendor_is_called_through_the_proxy(operator: Watched, world: World) -> None:
    account = await connect(operator)
    assert (account["status"], account["context"]) == ("active", {"house": "red"})
    assert account["keys"]["word"]["present"]

    boundary = "frontier"
    form = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
        for name, more, value in (("purpose", "", "user_data"), ("file", '; filename="a.txt"', "hello"))
    )
    made = [
        said(
            await operator.send(
                "POST", "/proxy/papers", query=of(account), content=f"{form}--{boundary}--\r\n".encode(),
                headers={"content-type": f"multipart/form-data; boundary={boundary}"},
            )
        )["id"]
        for _ in range(3)
    ]  # fmt: skip
    first = said(await operator.get("/proxy/papers", **of(account), limit=2))
    assert first["result_count"] == 2
    rest = said(await operator.get("/proxy/papers", **of(account), limit=2, next_cursor=first["next_cursor"]))
    assert sorted(each["id"] for each in first["result"] + rest["result"]) == sorted(made)
    assert rest["next_cursor"] is None
    assert said(await operator.get(f"/proxy/papers/{made[0]}", **of(account)))["filename"] == "a.txt"
    said(await operator.delete(f"/proxy/papers/{made[0]}", **of(account)))
    said_back = await operator.post(
        "/proxy/talks/say", {"model": "gpt-5", "messages": [{"role": "user", "content": "Say: hi"}]}, **of(account)
    )
    assert "hi" in str(said(said_back))
    sent = dict(world.requests[-1].headers)
    assert (sent["x-house"], sent["x-always"]) == ("red", "yes")


@pytest.mark.usefixtures("brought")
async def test_its_failures_and_arguments_are_read_as_it_says(operator: Watched) -> None:
    account = await connect(operator)
    lost = await operator.get("/proxy/papers/file-none", **of(account))
    assert (lost.status, lost.json["truto_is_remote_error"]) == (404, True)
    assert "file-none" in lost.sentence
    wrong = await operator.post("/proxy/talks/say", {"model": "gpt-5"}, **of(account))
    assert (wrong.status, wrong.json["truto_is_remote_error"]) == (400, True)
    assert "messages" in wrong.sentence
    nothing = await operator.get("/proxy/pamphlets", **of(account))
    assert (nothing.status, nothing.json["code"]) == (404, "no_such_operation")


@pytest.mark.usefixtures("brought")
async def test_it_is_offered_as_tools_and_described_like_any_other(operator: Watched) -> None:
    account = await connect(operator)
    tools = said(await operator.get(f"/integrated-account/{account['id']}/tools"))["result"]
    assert {each["name"] for each in tools} == {
        "list_all_papers_papers", "get_single_papers_paper_by_id", "delete_a_papers_paper_by_id",
        "create_a_papers_paper", "papers_talks_say",
    }  # fmt: skip
    run = said(await operator.post(f"/integrated-account/{account['id']}/tools/list_all_papers_papers", {"limit": 1}))
    assert not run["is_error"]
    told = said(await operator.get("/integration/papers/capabilities"))
    assert {each["resource"] for each in told["proxy"]} == {"papers", "talks"}
    assert told["ai_readiness"]["ai_ready_score"] == 1.0
    named = said(await operator.get("/integration/papers/tools"))["result"]
    shown = ("name", "description", "resource", "method")
    assert named == [{name: each[name] for name in shown} for each in tools]
    assert said(await operator.get("/integration/papers/unified-apis"))["result"] == told["unified"] == []


async def test_tools_and_unified_models_of_an_integration_are_listed_without_an_account(admin: Watched) -> None:
    tools = said(await admin.get("/integration/openai/tools"))["result"]
    known = {each["name"]: each for each in tools}
    assert known["list_all_openai_projects"]["description"].startswith("Projects with name, status")
    assert (known["openai_costs_report"]["resource"], known["openai_costs_report"]["method"]) != ("", "")
    few = said(await admin.get("/integration/openai/tools?methods=list&tags=admin&limit=2"))
    assert {each["method"] for each in few["result"]} == {"list"}
    more = said(
        await admin.get("/integration/openai/tools?methods=list&tags=admin&limit=2", next_cursor=few["next_cursor"])
    )
    assert (few["result_count"], more["result_count"]) == (2, 2)
    back = said(
        await admin.get("/integration/openai/tools?methods=list&tags=admin&limit=2", next_cursor=more["prev_cursor"])
    )
    assert back == few
    gone = said(await admin.get("/integration/openai/tools", include_removed="true"))["result"]
    assert {each["name"] for each in gone} > {each["name"] for each in tools}
    mapped = said(await admin.get("/integration/openai/unified-apis"))["result"]
    assert mapped == said(await admin.get("/integration/openai/capabilities"))["unified"]
    assert {"user-directory", "usage-metering"} == {each["model"] for each in mapped}
    for path in ("tools", "unified-apis"):
        assert (await admin.get(f"/integration/nothing/{path}")).status == 404


async def test_it_is_seen_by_its_own_environment_only(operator: Watched, brought: Json, other: Tenant) -> None:
    names = [each["name"] for each in said(await operator.get("/integration"))["result"]]
    assert names == ["openai", "papers"]
    assert said(await operator.get("/integration/papers")) == said(await operator.get(f"/integration/{brought['id']}"))
    assert [each["name"] for each in said(await other.client.get("/integration"))["result"]] == ["openai"]
    for path in (
        f"/integration/{brought['id']}",
        "/integration/papers",
        "/integration/papers/capabilities",
        "/integration/papers/tools",
    ):
        assert (await other.client.get(path)).status == 404
    body = {"tenant_id": "a", "integration": "papers", "context": {"word": "sk-proj-acme"}}
    assert (await other.client.post("/integrated-account", body)).status == 404
    assert (await other.client.post("/environment-integration", {"integration": "papers"})).status == 404


async def test_two_environments_may_each_bring_one_of_the_same_name(operator: Watched, config: Json) -> None:
    another = await make_tenant(operator, "second", ["operator", "accounts", "call"])
    for client, label in ((operator, "Ours"), (another.client, "Theirs")):
        said(await client.post("/integration", {"name": "papers", "config": config | {"label": label}}), 201)
    for client, label in ((operator, "Ours"), (another.client, "Theirs")):
        account = await connect(client)
        assert account["integration"]["label"] == label


async def test_a_change_needs_the_version_that_was_read_and_holds_at_once(
    operator: Watched, brought: Json, config: Json
) -> None:
    account = await connect(operator)
    changed_config = copy.deepcopy(config)
    del changed_config["resources"]["papers"]
    changed_config["resources"] |= {"talks": None, "papers": {"list": {"says": "Every paper."}}}
    change = {"version": brought["version"], "config": changed_config}
    changed = said(await operator.patch("/integration/papers", change))
    assert changed["version"] == brought["version"] + 1
    stale = await operator.patch(f"/integration/{brought['id']}", change)
    assert (stale.status, stale.json["code"]) == (409, "version_conflict")
    gone = await operator.post("/proxy/talks/say", {"model": "x", "messages": []}, **of(account))
    assert gone.status == 404
    tools = said(await operator.get(f"/integrated-account/{account['id']}/tools"))["result"]
    assert "Every paper." in {each["description"] for each in tools}


async def test_a_category_can_be_changed_alone(operator: Watched, brought: Json) -> None:
    changed = said(await operator.patch("/integration/papers", {"version": 1, "category": "press"}))
    assert (changed["category"], changed["config"]["resources"]) == ("press", brought["config"]["resources"])


@pytest.mark.usefixtures("brought")
async def test_it_is_deleted_once_nobody_has_it_installed(operator: Watched) -> None:
    account = await connect(operator)
    refused = await operator.delete("/integration/papers")
    assert (refused.status, "installed" in refused.sentence) == (409, True)
    said(await operator.delete(f"/environment-integration/{account['environment_integration_id']}"))
    said(await operator.delete("/integration/papers"))
    assert (await operator.get("/integration/papers")).status == 404


async def test_names_are_given_once_and_not_those_of_shipped_ones(operator: Watched, brought: Json) -> None:
    for name in (brought["name"], "openai"):
        got = await operator.post("/integration", {"name": name, "config": brought["config"]})
        assert (got.status, got.json["code"]) == (409, "already_exists")


async def test_a_shipped_one_is_shown_and_cannot_be_changed(operator: Watched) -> None:
    shown = said(await operator.get("/integration/openai"))
    assert (shown["sharing"], shown["config"]["base_url"]) == ("allow", "https://api.openai.com/v1")
    assert "list" in shown["config"]["resources"]["files"]
    for verb, body in (("PATCH", {"version": 1}), ("DELETE", None)):
        got = await operator.send(verb, "/integration/openai", json=body)
        assert got.status == 403
        assert "override" in got.sentence
    assert said(await operator.get("/integration", name="openai", sharing="allow"))["result"] == [shown]
    assert said(await operator.get("/integration", sharing="deny"))["result"] == []


PRIVATE = [
    "http://169.254.169.254",
    "http://10.0.0.1/v1",
    "http://localhost:1/v1",
    "http://[::1]:1/v1",
    "http://0x7f.1/",
]


@pytest.mark.parametrize("url", PRIVATE)
async def test_its_key_is_not_carried_into_the_operators_own_network(
    operator: Watched, world: World, config: Json, url: str
) -> None:
    said(await operator.post("/integration", {"name": "papers", "config": config | {"base_url": url}}), 201)
    world.requests.clear()
    account = await connect(operator)
    assert account["status"] == "validation_error"
    got = await operator.get("/proxy/papers", **of(account))
    assert got.json["code"] == "forbidden_address", got.content
    assert list(world.requests) == []


def spoiled(config: Json, *path: str, value: Any) -> Json:
    changed = copy.deepcopy(config)
    here = changed
    for name in path[:-1]:
        here = here[name]
    here[path[-1]] = value
    return changed


LIST = ("resources", "papers", "list")
SPOILED: list[tuple[tuple[str, ...], Any, str]] = [
    (("colour",), "red", "colour"),
    (("label",), 5, "label"),
    (("base_url",), None, "base_url"),
    (("credentials",), [], "credentials"),
    (("credentials", "word", "headers"), {"X": 5}, "headers"),
    (("credentials", "word", "proof"), 5, "proof"),
    (("resources",), [], "resources"),
    (("resources", "papers"), "x", "papers"),
    (LIST, "GET /files", "papers.list"),
    ((*LIST, "call"), "FETCH /files", "call"),
    ((*LIST, "call"), "GET files", "call"),
    ((*LIST, "call"), 5, "call"),
    ((*LIST, "call"), "GET https://evil.example/", "call"),
    ((*LIST, "pages"), "by_magic", "pages"),
    ((*LIST, "effect"), "harmless", "effect"),
    ((*LIST, "credential"), "nobody", "credential"),
    ((*LIST, "tags"), ["unheard-of"], "tags"),
    ((*LIST, "returns"), "xml", "returns"),
    ((*LIST, "query"), [], "query"),
    ((*LIST, "wait"), {"look": 5}, "wait"),
]


@pytest.mark.parametrize(
    ("path", "value", "words"), SPOILED, ids=[f"{'.'.join(path)}={value}" for path, value, _ in SPOILED]
)
async def test_a_definition_that_is_none_is_refused_where_it_is_wrong(
    operator: Watched, config: Json, path: tuple[str, ...], value: Any, words: str
) -> None:
    body = {"name": "papers", "config": spoiled(config, *path, value=value)}
    _refused(await operator.post("/integration", body), words)
    said(await operator.post("/integration", {"name": "papers", "config": config}), 201)
    _refused(await operator.patch("/integration/papers", {"version": 1, "config": body["config"]}), words)
    assert said(await operator.get("/integration/papers"))["version"] == 1


def _refused(got: Got, words: str) -> None:
    assert got.status == 400, got.content
    assert words in str(got.json["details"]) or words in got.sentence, got.content


@pytest.mark.parametrize("name", ["", "A", "a b", "a/b", "../x", "x" * 65, "ü", "1a", 5, None])
async def test_a_name_that_is_no_slug_is_refused(operator: Watched, config: Json, name: Any) -> None:
    assert (await operator.post("/integration", {"name": name, "config": config})).status == 400


async def test_only_operators_bring_change_and_delete(admin: Watched, config: Json) -> None:
    for verb, path, body in (
        ("POST", "/integration", {"name": "papers", "config": config}),
        ("PATCH", "/integration/papers", {"version": 1}),
        ("DELETE", "/integration/papers", None),
    ):
        assert (await admin.send(verb, path, json=body)).status == 403
