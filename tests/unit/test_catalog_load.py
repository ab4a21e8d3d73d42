"""Generated files become operations; a malformed one is named with its place."""

from pathlib import Path

import msgspec
import pytest

from portico.catalog.load import INTEGRATION_FILE, CatalogMalformed, ResourceFile, load_folder
from tests.unit import lumen


def write(folder: Path) -> None:
    view = lumen.view()
    (folder / INTEGRATION_FILE).write_bytes(msgspec.json.encode(view.integration))
    for resource in view.resources:
        operations = tuple(each for each in view.operations if each.resource == resource)
        file = ResourceFile(generated="by a test", resource=resource, operations=operations)
        (folder / f"{resource}.json").write_bytes(msgspec.json.encode(file))


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    write(tmp_path)
    loaded, made = load_folder(tmp_path), lumen.view()
    assert loaded.integration == made.integration
    assert sorted(loaded.operations, key=lambda each: each.key) == sorted(made.operations, key=lambda each: each.key)


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("lamps.json", b"{", "lamps.json: Input data was truncated"),
        ("lamps.json", b'{"generated":"x","resource":"lamps"}', "missing required field `operations`"),
        ("lamps.json", b'{"generated":"x","resource":"lamps","operations":[{"verb":5}]}', r"`\$\.operations\[0\]"),
        (INTEGRATION_FILE, b"[]", "integration.json: Expected `object`, got `array`"),
    ],
)
def test_a_malformed_file_is_named_with_its_place(tmp_path: Path, file: str, content: bytes, sentence: str) -> None:
    write(tmp_path)
    (tmp_path / file).write_bytes(content)
    with pytest.raises(CatalogMalformed, match=sentence):
        load_folder(tmp_path)


def test_a_folder_without_an_integration_is_malformed(tmp_path: Path) -> None:
    with pytest.raises(CatalogMalformed, match="No such file"):
        load_folder(tmp_path)
