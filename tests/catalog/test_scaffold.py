"""A new vendor begins with an OpenAPI file: what is written compiles, and names follow the grammar."""

import json
from pathlib import Path

import pytest

from portico.catalog.build import compile_folder
from portico.catalog.scaffold import scaffold
from portico.errors import AlreadyExists

LISTED = {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}}
SPECIFICATION = {
    "openapi": "3.1.0",
    "info": {"title": "Notes", "version": "2"},
    "paths": {
        "/books": {"get": {"operationId": "a", "responses": LISTED}, "post": {"operationId": "b", "responses": LISTED}},
        "/books/{book_id}": {
            "parameters": [{"name": "book_id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "c", "responses": LISTED},
            "delete": {"operationId": "d", "responses": LISTED},
        },
        "/books/{book_id}/pages": {
            "parameters": [{"name": "book_id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"operationId": "e", "responses": LISTED},
        },
        "/books/{book_id}/bind": {
            "parameters": [{"name": "book_id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "post": {"operationId": "f", "responses": LISTED},
        },
    },
}


@pytest.fixture
def specification(tmp_path: Path) -> Path:
    path = tmp_path / "notes.json"
    path.write_text(json.dumps(SPECIFICATION))
    return path


def test_what_is_written_compiles_under_the_grammars_names(specification: Path, tmp_path: Path) -> None:
    scaffold("notes", specification, tmp_path / "notes")
    view = compile_folder(tmp_path / "notes")
    assert {each.tool.name for each in view.operations} == {
        "list_all_notes_books",
        "create_a_notes_book",
        "get_single_notes_book_by_id",
        "delete_a_notes_book_by_id",
        "list_all_notes_book_pages",
        "notes_books_bind",
    }


def test_present_files_are_not_written_over_unasked(specification: Path, tmp_path: Path) -> None:
    scaffold("notes", specification, tmp_path / "notes")
    with pytest.raises(AlreadyExists):
        scaffold("notes", specification, tmp_path / "notes")
    assert scaffold("notes", specification, tmp_path / "notes", force=True)
