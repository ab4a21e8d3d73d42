"""Which list knows an id: by its path, by what is said, and what the lint says of those that point nowhere."""

from pathlib import Path

from msgspec import structs

from portico.catalog.listings import NONE, unnamed, with_listings
from portico.catalog.load import load_folder
from portico.model.operation import Operation, Parameter, ToolName

VIEW = load_folder(Path("src/portico/integrations/openai/catalog"))
NAMED = {"rooms.list": ("name",), "rooms_lamps.list": ("name",), "moods.list": ()}


def operation(key: str, path: str, *parameters: Parameter) -> Operation:
    resource, _, method = key.partition(".")
    in_path = [Parameter(name=part[1:-1], place="path") for part in path.split("/") if part.startswith("{")]
    return Operation(
        integration="lumen", resource=resource, method=method, verb="GET", path=path, effect="read", credential="user",
        tool=ToolName(name=key), parameters=(*in_path, *parameters),
    )  # fmt: skip


HOUSE = [
    operation("rooms.list", "/rooms"),
    operation("rooms.get", "/rooms/{room_id}"),
    operation("rooms_lamps.list", "/rooms/{room_id}/lamps"),
    operation("rooms_lamps.get", "/rooms/{room_id}/lamps/{lamp_id}"),
    operation("moods.list", "/moods"),
    operation("moods.get", "/moods/{mood}"),
    operation("walls.get", "/walls/{wall_id}"),
]


def names(operations: list[Operation], key: str) -> dict[str, str]:
    found = next(each for each in operations if each.key == key)
    return {each.name: each.names for each in found.parameters}


def test_path_says_which_list_knows_the_item() -> None:
    made = with_listings(HOUSE, NAMED)
    assert names(made, "rooms_lamps.get") == {"room_id": "rooms.list", "lamp_id": "rooms_lamps.list"}
    assert names(made, "walls.get") == {"wall_id": ""}


def test_what_the_definition_says_wins() -> None:
    said = operation("lamps.get", "/rooms/{room_id}/lamps/{lamp_id}", Parameter(name="x", place="query", names="a.b"))
    assert names(with_listings([*HOUSE, said], NAMED), "lamps.get")["x"] == "a.b"


def test_sound_house_has_nothing_unnamed() -> None:
    assert unnamed(with_listings(HOUSE, NAMED), NAMED) == {}


def test_list_without_a_rule_is_told() -> None:
    found = unnamed(with_listings(HOUSE, {}), {})
    assert found["rooms.get"] == ["argument room_id is listed by rooms.list, which has no rule in rules.names"]


def test_query_argument_called_like_an_id_must_say_which_list_knows_it() -> None:
    for asking in (Parameter(name="room_id", place="query"), Parameter(name="lamp_ids", place="body")):
        asks = operation("reports.list", "/reports", asking)
        found = unnamed(with_listings([*HOUSE, asks], NAMED), NAMED)
        assert found["reports.list"] == [
            f"argument {asking.name} is called like an id; say which list knows it, or names: {NONE}"
        ]
    excused = operation("reports.list", "/reports", Parameter(name="room_id", place="query", names=NONE))
    assert unnamed(with_listings([*HOUSE, excused], NAMED), NAMED) == {}


def test_items_without_names_ask_for_nothing() -> None:
    asks = operation("reports.list", "/reports", Parameter(name="mood", place="query"))
    assert unnamed(with_listings([*HOUSE, asks], NAMED), NAMED) == {}


def test_pointing_to_a_list_without_a_rule_is_told() -> None:
    asks = operation("reports.list", "/reports", Parameter(name="x", place="query", names="nights.list"))
    found = unnamed([*HOUSE, asks], NAMED)["reports.list"]
    assert found == ["argument x points to nights.list, which has no rule in rules.names"]


def test_every_id_of_the_catalog_that_can_be_listed_is_known_by_name() -> None:
    rules = {key: rule.fields for key, rule in VIEW.integration.names.items()}
    assert unnamed(VIEW.operations, rules) == {}
    known = [one for each in VIEW.operations for one in each.parameters if rules.get(one.names)]
    assert len(known) >= 350
    bare = [
        structs.replace(each, parameters=tuple(structs.replace(one, names="") for one in each.parameters))
        for each in VIEW.operations
    ]
    assert len(unnamed(bare, rules)) > 150
