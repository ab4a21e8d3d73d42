"""Evals, through the official SDK and bare."""

from typing import Any

import openai
import pytest
from bare_http import Caller
from eval_parts import CLOSE, CUSTOM, ITEM, LABEL, PARIS, SAME, given, make
from openai import OpenAI

from portico.sandbox.evaluating.item_schema import misfit
from portico.sandbox.state import World


def test_eval_is_made_read_changed_and_deleted(client: OpenAI, call: Caller, world: World) -> None:
    made = client.evals.create(
        name="Capitals", data_source_config=CUSTOM, testing_criteria=[SAME, CLOSE], metadata={"a": "b"}
    )
    shown: Any = made.data_source_config
    assert shown.to_dict()["schema"]["properties"]["item"] == ITEM
    assert shown.to_dict()["schema"]["required"] == ["item", "sample"]
    assert client.evals.retrieve(made.id).to_dict() == made.to_dict()
    renamed = client.evals.update(made.id, name="Cities")
    assert (renamed.name, renamed.metadata, renamed.created_at) == ("Cities", {"a": "b"}, made.created_at)
    assert call("POST", f"/v1/evals/{made.id}", {"metadata": None}).json["metadata"] == {}
    gone = client.evals.delete(made.id)
    assert (gone.deleted, gone.eval_id, gone.object) == (True, made.id, "eval.deleted")
    with pytest.raises(openai.NotFoundError):
        client.evals.retrieve(made.id)


def test_creations_answer_with_201(call: Caller) -> None:
    got = call("POST", "/v1/evals", {"data_source_config": CUSTOM, "testing_criteria": [SAME]})
    assert got.status == 201
    assert call("POST", f"/v1/evals/{got.json['id']}/runs", {"data_source": given(PARIS)}).status == 201


@pytest.mark.parametrize("kind", ["logs", "stored_completions"])
def test_other_sources_show_both_namespaces(client: OpenAI, kind: Any) -> None:
    config: Any = {"type": kind, "metadata": {"use": "chat"}}
    shown: Any = client.evals.create(data_source_config=config, testing_criteria=[LABEL]).data_source_config
    assert (shown.type, shown.metadata) == (kind, {"use": "chat"})
    assert shown.to_dict()["schema"]["required"] == ["item", "sample"]


def test_evals_are_paged_oldest_first_and_by_change(client: OpenAI, call: Caller, world: World) -> None:
    made = [make(client) for _ in range(4)]
    assert [found.id for found in client.evals.list(limit=3)] == made
    assert [found.id for found in client.evals.list(order="desc")] == made[::-1]
    world.advance(5)
    client.evals.update(made[1], name="changed")
    assert client.evals.list(order_by="updated_at", order="desc").data[0].id == made[1]
    page = call("GET", f"/v1/evals?limit=2&after={made[0]}").json
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[1], made[2], True)


@pytest.mark.parametrize(
    ("change", "param", "status"),
    [
        ({"data_source_config": None}, "data_source_config", 400),
        ({"data_source_config": {"type": "magic"}}, "data_source_config.type", 400),
        ({"data_source_config": {"type": "custom"}}, "data_source_config.item_schema", 400),
        ({"testing_criteria": []}, "testing_criteria", 400),
        ({"testing_criteria": [{"type": "multi"}]}, "testing_criteria[0].type", 400),
        ({"testing_criteria": [{**CLOSE, "pass_threshold": None}]}, "testing_criteria[0].pass_threshold", 400),
        ({"testing_criteria": [{**LABEL, "passing_labels": ["maybe"]}]}, "testing_criteria[0].passing_labels", 400),
        ({"testing_criteria": [{**LABEL, "model": "gpt-none"}]}, "model", 404),
        ({"colour": "red"}, "colour", 400),
    ],
)
def test_bad_evals_are_refused(call: Caller, change: dict[str, Any], param: str, status: int) -> None:
    got = call("POST", "/v1/evals", {"data_source_config": CUSTOM, "testing_criteria": [SAME], **change})
    assert (got.status, got.error["param"]) == (status, param)


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/v1/evals/eval_none"),
        ("POST", "/v1/evals/eval_none"),
        ("DELETE", "/v1/evals/eval_none"),
        ("GET", "/v1/evals/eval_none/runs"),
        ("POST", "/v1/evals/eval_none/runs"),
        ("GET", "/v1/evals/eval_none/runs/evalrun_none"),
        ("POST", "/v1/evals/eval_none/runs/evalrun_none/cancel"),
        ("GET", "/v1/evals/eval_none/runs/evalrun_none/output_items"),
    ],
)
def test_unknown_evals_are_not_found(call: Caller, verb: str, path: str) -> None:
    assert call(verb, path).status == 404


@pytest.mark.parametrize(
    ("value", "schema", "fits"),
    [
        ({"a": 1}, {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, True),
        ({"a": True}, {"type": "object", "properties": {"a": {"type": "integer"}}}, False),
        ({}, {"required": ["a"]}, False),
        ({"b": 1}, {"properties": {}, "additionalProperties": False}, False),
        ([1, "x"], {"type": "array", "items": {"type": "number"}}, False),
        (None, {"type": ["string", "null"]}, True),
        ("c", {"enum": ["a", "b"]}, False),
        ("anything", {}, True),
    ],
)
def test_items_are_held_against_their_schema(value: Any, schema: Any, fits: bool) -> None:
    assert (misfit(value, schema) is None) is fits
