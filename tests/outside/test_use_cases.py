"""The use cases under docs/examples, run as the programs they are: what they say is held against the sandbox's state.

They get what a reader exports after `make demo`: the account is the demo's organization, with its ninety days. Each is
run once as a program; what else there is to see of it is seen in this process, which is quicker.
"""

import json
import os
import re
import runpy
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portico.sandbox.batch_store import BATCHES
from portico.sandbox.charges import NANO, charges
from portico.sandbox.file_store import FILES
from portico.sandbox.limits import Limit
from portico.sandbox.media.imprint import find
from portico.sandbox.people import accounts, members, project_keys
from portico.sandbox.settings import settings
from portico.sandbox.state import DEMO, Organization, Project, Usage
from portico.sandbox.vector_store import STORES
from portico.vault.signatures import make_secret, sign
from tests.docs.pages import ROOT
from tests.served import Served, asked, exchanged, served

pytestmark = pytest.mark.outside
EXAMPLES = ROOT / "docs" / "examples"
SECONDS = 60
WEEK = 7 * 24 * 3600


@dataclass(frozen=True)
class Said:
    out: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass
class Desk:
    """A gateway with the demo's account, and the sandbox behind it."""

    house: Served

    @property
    def organization(self) -> Organization:
        return self.house.world.organization(DEMO)

    def of(self, name: str) -> Organization:
        return self.house.world.organizations[name]

    def project(self, name: str) -> Project:
        (found,) = [each for each in self.organization.projects.values() if each.name == name]
        return found

    def environment(self, account_id: str = "") -> dict[str, str]:
        return {
            "PORTICO_URL": self.house.url,
            "PORTICO_TOKEN": self.house.token,
            "PORTICO_ACCOUNT": account_id or self.house.account_id,
        }

    def run(self, name: str, *arguments: str) -> Said:
        """The program to its end. Of our own settings it gets the three that the demo prints, and no others."""
        self.house.world.requests.clear()
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PORTICO_")}
        packages = [str(ROOT / "client" / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
        told = self.environment() | {"PYTHONPATH": os.pathsep.join(packages)}
        command = [sys.executable, str(EXAMPLES / f"{name}.py"), *arguments]
        done = subprocess.run(
            command, env=kept | told, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return Said(done.stdout)

    def came(self, verb: str, path: str) -> list[Any]:
        """What came to the sandbox in the last run."""
        return [each for each in self.house.world.requests if each.verb == verb and re.fullmatch(path, each.raw_path)]

    def connect(self, tenant: str, **context: Any) -> str:
        body = {"tenant_id": tenant, "integration": "openai", "context": context}
        return asked(self.house, "POST", "/integrated-account", body).json["id"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Generator[Desk]:
    with served(tmp_path_factory.mktemp("desk"), allowed_webhook_urls=("http://127.0.0.1",)) as house:
        account_id = Desk(house).connect("demo-customer", api_key="sk-proj-demo", admin_key="sk-admin-demo")
        yield Desk(replace(house, account_id=account_id))


@dataclass
class Inside:
    """The same programs in this process."""

    desk: Desk
    patch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]

    def run(self, name: str, given: Any, account_id: str = "") -> tuple[Any, list[str]]:
        """What its `main` gives, and the lines that it prints."""
        self.desk.house.world.requests.clear()
        for variable, value in self.desk.environment(account_id).items():
            self.patch.setenv(variable, value)
        status = runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](given)
        return status, self.captured.readouterr().out.splitlines()


@pytest.fixture
def inside(desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    return Inside(desk, monkeypatch, capsys)


def dollars(used: list[Usage]) -> Decimal:
    return sum((Decimal(charge.nano_dollars) for each in used for charge in charges(each)), Decimal()) / NANO


def spent_by_project(desk: Desk, now: int) -> Counter[str]:
    """Nano-dollars of the week that ends now."""
    found = Counter[str]()
    for each in desk.organization.all_usage():
        if now - WEEK <= each.at < now:
            found[desk.organization.projects[each.project_id].name] += sum(one.nano_dollars for one in charges(each))
    return found


def test_copilot_talks_on_the_customers_account(desk: Desk) -> None:
    before = len(desk.organization.usage)
    said = desk.run("copilot", "What is 6 * 7?", "Say: well done")
    assert said.lines[:4] == ["> What is 6 * 7?", "< 6 * 7 = 42", "> Say: well done", "< well done"]
    used = desk.organization.usage[before:]
    tokens = sum(each.amounts["input_tokens"] + each.amounts["output_tokens"] for each in used)
    assert said.lines[4] == f"2 answers, {tokens} tokens on the customer's account"
    (key,) = [each for each in desk.house.world.keys.by_secret.values() if each.secret == "sk-proj-demo"]
    spoken = desk.came("POST", "/v1/chat/completions")
    assert [dict(each.headers).get("authorization") for each in spoken] == [f"Bearer {key.id}"] * 2
    # The second question came with the first and its answer.
    assert spoken[1].body_bytes > spoken[0].body_bytes


def test_copilot_of_a_customer_whose_key_is_gone_asks_them_to_connect_again(desk: Desk, inside: Inside) -> None:
    world, project = desk.house.world, desk.organization.default_project
    key = world.issue_key(desk.organization, "project", desk.organization.owner.id, project.id)
    account_id = desk.connect("leaver", api_key=key.secret)
    world.keys.withdraw(key.id)
    with pytest.raises(SystemExit, match=r"^The customer has to connect again: ") as left:
        inside.run("copilot", ["Say: hello"], account_id)
    page = exchanged(desk.house.url, "GET", str(left.value).split()[-1].removeprefix(desk.house.url), {})
    assert page.status == 200
    assert key.secret not in str(left.value)


def test_each_customer_finds_its_own_documents_alone(desk: Desk) -> None:
    said = desk.run("retrieval")
    stores = {name: list(desk.of(name).default_project.shelf.of(STORES)) for name in ("northgarden", "southgarden")}
    for name, hours in (("northgarden", "from nine to six"), ("southgarden", "from noon to ten")):
        (store,) = stores[name]
        (file,) = store.files
        (stored,) = desk.of(name).default_project.shelf.of(FILES)
        assert file.id == stored.id
        assert hours in stored.blob.read().decode()
        assert f"{name}: According to handbook.txt" in said.out
        assert hours in next(line for line in said.lines if line.startswith(f"{name}: "))
    (south,) = stores["southgarden"]
    # With its own key it was asked for and OpenAI knew of none; under the other's account nothing was sent.
    (search,) = desk.came("POST", f"/v1/vector_stores/{south.id}/search")
    assert search.status == 404
    assert "There is no integrated account" in said.lines[-1]


def test_a_night_of_work_ends_in_a_signed_message(desk: Desk) -> None:
    project = desk.organization.default_project
    before = {each.id for each in project.shelf.of(BATCHES)}
    said = desk.run("overnight")
    (batch,) = [each for each in project.shelf.of(BATCHES) if each.id not in before]
    assert said.lines[0].startswith("20 requests, at least 0.0000")
    assert said.lines[1:3] == [f"job:completed: {batch.id} is completed", "20 answers: {200: 20}"]
    assert (batch.work.done, batch.work.bad) == (20, [])
    first = batch.work.good[0]
    spoken = first["response"]["body"]["choices"][0]["message"]["content"]
    assert said.lines[3] == f"{first['custom_id']}: {spoken}"
    assert asked(desk.house, "GET", "/webhook").json["result"] == []


def test_the_receiver_of_the_night_takes_only_what_is_signed() -> None:
    with runpy.run_path(str(EXAMPLES / "overnight.py"))["Receiver"]() as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        receiver.secret = make_secret()
        body, stamp = json.dumps({"event": "job:completed"}).encode(), int(time.time())
        url = f"http://127.0.0.1:{receiver.server_port}"
        for secret, status in ((make_secret(), 401), (receiver.secret, 204)):
            signed = {"webhook-id": "m", "webhook-timestamp": str(stamp)}
            signed["webhook-signature"] = sign(secret, "m", stamp, body)
            assert exchanged(url, "POST", "/portico", signed, body).status == status
        assert [receiver.events.get_nowait(), receiver.events.empty()] == [{"event": "job:completed"}, True]
        receiver.shutdown()


def test_a_customer_that_has_used_up_its_plan_waits_and_is_billed_for_what_was_answered(desk: Desk) -> None:
    said = desk.run("customer_costs")
    assert re.search(r"^the plan ends after [3-5] questions; it goes on in \d+ seconds$", said.out, re.MULTILINE)
    assert "fernhill: buys the larger plan" in said.lines
    assert "oakwood: buys the larger plan" not in said.lines
    assert len(desk.came("POST", "/v1/chat/completions")) == 12
    for name in ("fernhill", "oakwood"):
        used = desk.of(name).usage
        tokens = sum(each.amounts["input_tokens"] + each.amounts["output_tokens"] for each in used)
        billed = f"{dollars(used):.6f} dollars"
        assert len(used) == 6
        assert f"{name}: 6 of 6 questions are answered" in said.lines
        assert f"{name}: gpt-4o-mini 6 requests, {tokens} tokens, {billed}" in said.lines
        assert f"{name}: OpenAI bills {billed} for the workspace Default project" in said.lines


def test_a_recording_becomes_notes_and_a_cover_behind_a_link(desk: Desk) -> None:
    said = desk.run("podcast")
    transcript, notes, cover, opened = (line.partition(": ")[2] for line in said.lines)
    read = json.loads(notes)
    assert transcript == runpy.run_path(str(EXAMPLES / "podcast.py"))["SCRIPT"]
    assert set(read) == {"title", "summary", "topics"}
    picture = exchanged(desk.house.url, "GET", cover.removeprefix(desk.house.url), {})
    assert opened == f"image/png, {len(picture.content)} bytes"
    drawn = find(picture.content)
    assert drawn is not None
    assert drawn.is_intact
    assert max(map(len, said.out.split())) < 200  # a link at most, nothing in base64
    paths = [each.raw_path for each in desk.house.world.requests if each.verb == "POST"]
    assert [path.removeprefix("/v1/") for path in paths] == [
        "audio/speech", "audio/transcriptions", "chat/completions", "images/generations"
    ]  # fmt: skip


def test_a_tenants_project_lets_in_whom_it_should_once_and_nobody_sees_its_key(desk: Desk, inside: Inside) -> None:
    said = desk.run("tenant_project", "Willowbrook")
    held, project = desk.organization, desk.project("Willowbrook")
    roles = {held.users[each.user_id].email: each.role for each in members(held, project)}
    wanted = runpy.run_path(str(EXAMPLES / "tenant_project.py"))
    assert roles == {held.owner.email: "owner"} | wanted["PEOPLE"]
    policy = settings(project.shelf).models
    assert policy is not None
    assert (policy.mode, list(policy.model_ids)) == ("allow_list", wanted["MODELS"])
    (account,) = accounts(project)
    told = [line.removeprefix("access: ") for line in said.lines if line.startswith("access: ")]
    people = [f"{email} (user): {role}" for email, role in roles.items()]
    assert told == sorted([*people, f"{account.name} (service account): member"])
    assert said.out.count("refused, as it should be") == 2
    assert f"may not use the model `{wanted['OTHER_MODEL']}`" in said.out
    (key,) = project_keys(desk.house.world, project)
    shown = asked(desk.house, "GET", "/integrated-account?tenant_id=Willowbrook").json["result"]
    assert [each["context"] for each in shown] == [{"project": project.id}]
    assert key.secret not in said.out + json.dumps(shown)
    assert key.last_used_at is not None
    assert inside.run("tenant_project", "Willowbrook")[1][0] == said.lines[0]
    assert len(list(accounts(project))) == 1


def test_the_audit_tells_last_weeks_dollars_to_the_cent_and_looks_at_the_dearest_project(desk: Desk) -> None:
    began = int(time.time())
    said = desk.run("spend_audit")
    ended = int(time.time())
    # The week ends in the second in which the report was made, which nobody knows from outside.
    spent = [spent_by_project(desk, now) for now in range(began, ended + 1)]
    totals = {Decimal(each.total()) / NANO for each in spent}
    total, budget = re.findall(r"(\d+\.\d\d)", said.lines[0])[:2]
    assert Decimal(total) in {round(each, 2) for each in totals}
    assert budget == "500.00"
    assert Decimal(total) > 500
    shown = [line.strip().partition(": ")[0] for line in said.lines if line.endswith("%")]
    assert shown in [[name for name, _ in each.most_common()] for each in spent]
    assert f"Over the budget. Capacity of {shown[0]}:" in said.lines
    assert said.lines[-1] == "Near its limit: nothing"


def test_the_audit_looks_no_further_within_the_budget(desk: Desk, inside: Inside) -> None:
    status, lines = inside.run("spend_audit", Decimal(100_000))
    assert (status, lines[-1]) == (0, "Within the budget: capacity is not looked at.")
    assert desk.came("GET", r".*/rate_limits.*") == []


def test_the_audit_fails_where_the_busiest_day_comes_near_the_limit(desk: Desk, inside: Inside) -> None:
    began = int(time.time())
    project = desk.project(spent_by_project(desk, began).most_common(1)[0][0])
    week = [each for each in desk.organization.all_usage() if each.project_id == project.id and each.at >= began - WEEK]
    chats = [each for each in week if each.kind == "completions" and each.model == "gpt-4o"]
    requests, tokens = Counter[str](), Counter[str]()
    for each in chats:
        day = datetime.fromtimestamp(each.at, UTC).date().isoformat()
        requests[day] += each.amounts["num_model_requests"]
        tokens[day] += each.amounts["input_tokens"] + each.amounts["output_tokens"]
    day, most = tokens.most_common(1)[0]
    # So many tokens a minute that the busiest day fills two thirds of a day.
    usual = project.limits.of("gpt-4o")
    project.limits.set("gpt-4o", Limit(requests_per_minute=10_000, tokens_per_minute=most // 960))
    try:
        status, lines = inside.run("spend_audit", Decimal(500))
    finally:
        project.limits.set("gpt-4o", usual)
    (told,) = [line for line in lines if line.startswith("  gpt-4o: ")]
    assert told.startswith(f"  gpt-4o: {day} had {requests[day]} requests, 66.")
    assert (status, lines[-1]) == (1, "Near its limit: gpt-4o")


def test_a_squad_is_there_once_and_the_one_that_fails_not_at_all(desk: Desk) -> None:
    said = desk.run("squad", "Delta")
    project, world = desk.project("Delta"), desk.house.world
    assert [each.name for each in accounts(project)] == ["Delta-CI-CD"]
    (key,) = project_keys(world, project)
    assert any(line.endswith(f"it ends in …{key.secret[-4:]}") for line in said.lines)
    assert key.secret not in said.out
    assert (project.limits.of("gpt-4o").requests_per_minute, project.limits.of("gpt-4o").tokens_per_minute) == (
        500,
        90_000,
    )
    assert settings(project.shelf).spend_limit_cents == 25_000
    roles = {desk.organization.users[each.user_id].email: each.role for each in members(desk.organization, project)}
    assert roles["oliver.grant@larkfield.example"] == "owner"
    assert roles["yuki.tanaka@larkfield.example"] == "member"
    assert f"asked again: still {project.id}, nothing was done" in said.lines
    failed = desk.project("Delta-Two")
    assert failed.status == "archived"
    assert list(accounts(failed)) == []
    assert [each for each in world.keys.by_secret.values() if each.project_id == failed.id] == []
    assert said.lines[-1] == "active: Delta 1 time, Delta-Two never"


def test_every_example_is_told_in_the_index_and_run_here() -> None:
    index = (EXAMPLES / "README.md").read_text("utf-8")
    here = (ROOT / "tests" / "outside" / "test_use_cases.py").read_text("utf-8")
    names = sorted(each.stem for each in EXAMPLES.glob("*.py"))
    assert [name for name in names if f"({name}.py)" not in index] == []
    assert [name for name in names if f'.run("{name}"' not in here] == []
