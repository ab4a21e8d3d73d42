"""Values picked out of JSON that passes by in pieces: exactly those at their places, wherever the cuts fall."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.gateway.picker import MOST_PICKED_BYTES, Picker

PLACES = (("usage",), ("model",), ("response", "usage"))
DECOYS: dict[str, Any] = {
    "said in a text": {"content": '"usage": {"input": 1}, \\"usage\\": 2'},
    "deeper down": {"choices": [{"usage": 1, "message": {"usage": 2, "model": "no"}}], "a": {"usage": 3}},
    "in a list": {"response": [{"usage": 1}], "list": ["usage", "model", ["usage"]]},
    "as a value": {"name": "usage", "other": "model"},
    "another spelling": {"Usage": 1, "usage ": 2, "us\u0061ges": 3},
    "below something else": {"x": {"response": {"usage": 1}}},
}


def picked(
    content: bytes, sizes: list[int], places: tuple[tuple[str, ...], ...] = PLACES
) -> dict[tuple[str, ...], Any]:
    picker, at = Picker(places), 0
    for size in sizes:
        picker.feed(content[at : at + size])
        at += size
    picker.feed(content[at:])
    return {place: json.loads(value) for place, value in picker.found.items()}


@pytest.mark.parametrize("decoy", DECOYS.values(), ids=DECOYS)
def test_only_the_values_at_their_places_are_picked(decoy: Any) -> None:
    usage = {"input": 5, "more": {"deep": [1, {"x": "}"}]}, "none": None}
    whole = {**decoy, "usage": usage, "model": 'gpt "4" \\ ü'}
    if "response" not in whole:
        whole["response"] = {"id": 1, "usage": [1, 2], "model": "m"}
    content = json.dumps(whole).encode()
    wanted: dict[tuple[str, ...], Any] = {("usage",): usage, ("model",): 'gpt "4" \\ ü'}
    if isinstance(whole["response"], dict):
        wanted[("response", "usage")] = [1, 2]
    assert picked(content, []) == wanted
    assert picked(content, [1] * len(content)) == wanted
    for cut in range(len(content)):
        assert picked(content, [cut]) == wanted


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("usage"), inner, max_size=3),
    max_leaves=12,
)


@given(document=st.dictionaries(st.text() | st.sampled_from(["usage", "model", "response"]), JSON), seed=st.integers())
def test_what_is_picked_is_what_a_parser_finds(document: dict[str, Any], seed: int) -> None:
    content = json.dumps(document, ensure_ascii=bool(seed % 2)).encode()
    dice = random.Random(seed)
    wanted: dict[tuple[str, ...], Any] = {(name,): document[name] for name in ("usage", "model") if name in document}
    inner = document.get("response")
    if isinstance(inner, dict) and "usage" in inner:
        wanted[("response", "usage")] = inner["usage"]
    # A name written with an escape is another name to the picker, as no vendor writes it so.
    assert picked(content, [dice.randint(1, 9) for _ in range(20)]) == wanted


def test_values_too_large_to_be_what_is_meant_are_left() -> None:
    large = json.dumps({"usage": "x" * (MOST_PICKED_BYTES + 1), "model": "m"}).encode()
    assert picked(large, [1000] * 3) == {("model",): "m"}


@pytest.mark.parametrize(
    "broken", [b"", b"{", b"]]]]}}", b'{"usage": ', b'{"usage": {"a"', b"\xff\xfe", b'"usage": 1', b"[1,2"]
)
def test_what_is_no_json_is_nothing_to_fall_over(broken: bytes) -> None:
    for cut in range(len(broken) + 1):
        picker = Picker(PLACES)
        picker.feed(broken[:cut])
        picker.feed(broken[cut:])
        assert picker.found == {}
