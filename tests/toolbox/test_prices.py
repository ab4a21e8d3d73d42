"""What a batch or a training job would cost, told before it is made: on a dry run, in an approval, by a tool."""

import json
from decimal import Decimal
from typing import Any

import pytest

from portico.model.account import AccountId
from portico.toolbox.composed import Composed
from portico.toolbox.confirm import question
from tests.toolbox.conftest import Desk
from tests.toolbox.gate import Gate

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
FILE, BATCH, TRAIN = "create_a_openai_file", "create_a_openai_batch", "create_a_openai_fine_tuning_job"
ESTIMATE = "openai_fine_tuning_estimate"


def batch(count: int, model: str = "gpt-4o-mini", **body: Any) -> str:
    asked = {"model": model, "input": "How deep do tulips go?", **({"max_output_tokens": 100} | body)}
    lines = [
        {"custom_id": f"r{n}", "method": "POST", "url": "/v1/responses", "body": asked} for n in range(count)
    ]  # fmt: skip
    return "\n".join(map(json.dumps, lines))


def training(count: int, words: str = "Forty characters of text, all in Latin.") -> str:
    said = [{"role": "user", "content": words}, {"role": "assistant", "content": words}]
    return "\n".join(json.dumps({"messages": said}) for _ in range(count))


async def uploaded(gate: Gate, text: str, purpose: str) -> str:
    file = {"text": text, "filename": "in.jsonl"}
    return (await gate.stage.value(FILE, {"purpose": purpose, "file": file}))["id"]


async def test_approval_of_a_batch_tells_its_price(gate: Gate) -> None:
    server = await gate.server("writes", confirm_wait_seconds=0)
    given = {"input_file_id": await uploaded(gate, batch(20), "batch"), "endpoint": "/v1/responses"}
    assert (await server.refusal(BATCH, given))["code"] == "approval_pending"
    (shown,) = await gate.approvals()
    price = shown["impact"]["price"]
    estimate = await gate.stage.value("openai_batch_estimate", {"file_id": given["input_file_id"]})
    row = dict(zip(estimate["estimate"]["columns"], estimate["estimate"]["rows"][0], strict=True))
    assert (price["usd_at_least"], price["usd_at_most"]) == (row["usd_at_least"], row["usd_at_most"])
    assert Decimal(price["usd_at_most"]) - Decimal(price["usd_at_least"]) == Decimal("0.60") * 20 * 100 / 2 / 10**6
    parts = gate.stage.gateway.parts
    caller = await parts.lookup.caller(gate.stage.client.token or "")
    approval = await parts.approvals.find(caller.environment_id, shown["id"])
    assert f"Price: {price['sentence']}" in question(approval, tells_state=False).splitlines()
    assert price["sentence"].endswith(
        "for 20 requests at 50 percent of the list price (counted by OpenAI), by the prices of 2026-11-20"
    )


async def test_dry_run_tells_the_price_and_starts_nothing(gate: Gate) -> None:
    given = {"input_file_id": await uploaded(gate, batch(2), "batch"), "endpoint": "/v1/responses"}
    shown = await gate.stage.value(BATCH, {**given, "dry_run": True})
    assert shown["request"]["body"]["input_file_id"] == given["input_file_id"]
    assert shown["price"]["usd_at_least"] < shown["price"]["usd_at_most"]
    assert (await gate.stage.value("list_all_openai_batches", {}))["result"] == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (batch(2, model="model-of-tomorrow"), "not known: the price list of 2026-11-20 has none for model-of-tomorrow"),
        (batch(2, max_output_tokens=None), "with no limit that the requests set for 2 requests"),
    ],
)
async def test_what_limits_nothing_and_what_nobody_knows_is_said(gate: Gate, text: str, told: str) -> None:
    given = {"input_file_id": await uploaded(gate, text, "batch"), "endpoint": "/v1/responses", "dry_run": True}
    price = (await gate.stage.value(BATCH, given))["price"]
    assert told in price["sentence"]
    assert price["usd_at_most"] is None


async def test_file_that_cannot_be_read_does_not_hide_the_question(gate: Gate) -> None:
    server = await gate.server("writes", confirm_wait_seconds=0)
    await server.refusal(BATCH, {"input_file_id": "file-nowhere", "endpoint": "/v1/responses"})
    (shown,) = await gate.approvals()
    assert shown["impact"]["price"]["sentence"].startswith("not known: ")


async def test_price_of_training_is_tokens_times_epochs_times_the_rate(desk: Desk) -> None:
    asked = {"model": "gpt-4o-mini-2024-07-18", "file": {"text": training(50), "filename": "t.jsonl"}, "epochs": 4}
    value = await desk.value(ESTIMATE, asked)
    assert (value["examples"], value["tokens"], value["epochs"], value["epochs_from"]) == (50, 1400, 4, "the request")
    assert value["trained_tokens"] == 5600
    assert Decimal(value["price"]["usd_at_most"]) == Decimal("3.00") * 5600 / 10**6
    assert value["price"]["sentence"] == (
        "about 0.017 US dollars for 5,600 trained tokens (guessed), by the prices of 2026-11-20"
    )


@pytest.mark.parametrize(("examples", "epochs"), [(10, 10), (33, 3), (20, 5), (50, 3), (8400, 2)])
async def test_epochs_are_guessed_as_auto_usually_comes_to(desk: Desk, examples: int, epochs: int) -> None:
    asked = {"model": "gpt-4o", "file": {"text": training(examples, "x"), "filename": "t.jsonl"}}
    value = await desk.value(ESTIMATE, asked)
    assert (value["examples"], value["epochs"]) == (examples, epochs)
    assert value["epochs_from"].startswith("the number of examples")


async def test_training_that_has_no_price_by_the_token_says_so(desk: Desk) -> None:
    file = {"text": training(10) + "\nno json\n{}", "filename": "t.jsonl"}
    method = {"type": "reinforcement", "reinforcement": {"hyperparameters": {"n_epochs": 2}}}
    value = await desk.value(ESTIMATE, {"model": "o4-mini", "file": file, "extra": {"method": method}})
    assert value["epochs"] == 2
    assert value["price"]["sentence"] == "not known: reinforcement training is charged by the hour"
    assert [each["line"] for each in value["problems"]] == [11, 12]
    other = await desk.value(ESTIMATE, {"model": "ft:gpt-9:us::x", "file": file})
    assert other["price"]["sentence"].endswith("has none for training gpt-9")


async def test_dry_run_of_a_training_job_tells_its_price(gate: Gate) -> None:
    file_id = await uploaded(gate, training(50), "fine-tune")
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}
    asked = {"model": "ft:gpt-4o-mini:us::abc", "training_file": file_id, "method": method, "dry_run": True}
    price = (await gate.stage.value(TRAIN, asked))["price"]
    assert Decimal(price["usd_at_least"]) == Decimal("3.00") * 2800 / 10**6


async def test_whatever_names_its_price_names_a_tool_that_takes_what_it_is_given(desk: Desk) -> None:
    parts = desk.stage.gateway.parts
    caller = await parts.lookup.caller(desk.stage.client.token or "")
    view = (await parts.lookup.connected(caller.environment_id, AccountId(desk.stage.account_id))).view
    composed = {each.key: each for each in view.composed if isinstance(each, Composed)}
    priced = [each for each in view.operations if each.priced is not None]
    assert {each.key for each in priced} == {"batches.create", "fine_tuning_jobs.create"}
    for each in priced:
        assert each.priced is not None
        taken = {parameter.name for parameter in composed[each.priced.by].parameters}
        assert set(each.priced.arguments) <= taken
        assert set(each.priced.arguments.values()) <= {parameter.name for parameter in each.parameters}
