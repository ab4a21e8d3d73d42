"""What holds whatever comes: no record of a vendor's breaks a mapping, and pages hold while records are added."""

import time
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portico.app import INTEGRATIONS
from portico.catalog.load import load_mappings
from portico.errors import MappingFailed
from portico.shapes import is_list, is_record
from portico.unified import grammar, mapping, models
from portico.unified.plan import Layers
from portico.unified.records import shape
from tests.unified.directory import Directory
from tests.unified.test_mapping import JSON

SHIPPED = load_mappings(INTEGRATIONS / "openai" / "catalog")
NAMES = (
    "id",
    "name",
    "email",
    "role",
    "user",
    "projects",
    "data",
    "parent",
    "start_time",
    "added_at",
    "amount",
    "value",
)
# Records that have something of what the mappings look for, and anything in its place.
LIKELY = st.dictionaries(st.sampled_from(NAMES), JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))


def every_method() -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for model, resources in SHIPPED.items():
        layers = Layers(levels=(("integration", resources),))
        found += [(model, name, method) for name, methods in layers.resources().items() for method in methods]
    return found


def scopes(value: Any, query: Any) -> dict[str, Any]:
    return {"response": value, "query": query, "body": value, "id": "x", "context": {}, "before": value, "facts": value}


@pytest.mark.parametrize("key", every_method(), ids=".".join)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(JSON, LIKELY), st.one_of(st.just({}), LIKELY))
def test_any_record_is_mapped_or_refused(key: tuple[str, str, str], value: Any, query: Any) -> None:
    model, resource, method = key
    plan = Layers(levels=(("integration", SHIPPED[model]),)).plan(model, resource, method, "")
    scope: Any = mapping.read(msgspec.json.encode(scopes(value, query)))
    for tree in grammar.expressions(plan.value).values():
        started = time.process_time()
        try:
            made = mapping.run(tree, scope)
        except MappingFailed:
            continue
        finally:
            assert time.process_time() - started < 5
        records = made if is_list(made) else [made]
        for record in records:
            if is_record(record):
                shaped = shape(record, models.find(model).resource(resource))
                msgspec.json.encode(shaped)


HUGE = ["1e999999999", "-1e-999999999", "1e400", "123456789.000000000000000000000001"]


@pytest.mark.parametrize("digits", HUGE)
def test_numbers_of_any_size_become_text_of_a_bounded_length(digits: str) -> None:
    read = mapping.read(f'{{"amount": {digits}}}')
    charges: Any = mapping.run({"charges": '[{"amount": amount}]'}, read)
    shaped = shape(charges, models.find("usage-metering").resource("usage"))
    assert len(shaped["charges"][0]["amount"]) < 100


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("query", [{}, {"sort_by": "name"}])
async def test_pages_neither_repeat_nor_lose_a_record_while_others_are_added(
    directory: Directory, query: dict[str, str]
) -> None:
    for number in range(3):
        await directory.done("POST", "groups", {"name": f"Before {number} {query}"[:40]})
    there = [each["id"] for each in await directory.all("groups")]
    found: list[str] = []
    page: Any = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        page = await directory.got("groups", limit=2, next_cursor=page["next_cursor"], **query)
        found += [each["id"] for each in page["result"]]
        if len(found) <= len(there):  # whoever adds for ever would never see the end
            await directory.done("POST", "groups", {"name": f"A {len(found)}"})
            await directory.done("POST", "groups", {"name": f"Z {len(found)}"})
    assert len(found) == len(set(found))
    assert set(there) <= set(found)
