"""A small SDK package and a small specification, written to a folder, with the inventory command on them."""

import io
import json
import textwrap
from dataclasses import dataclass
from pathlib import Path

import yaml

from portico.catalog import inventory
from portico.catalog.harvest.codec import field_json, read_records
from portico.catalog.harvest.narrow import JsonObject, as_object
from portico.catalog.harvest.record import Record

CLIENT = """
    raise SystemExit("this package must only be read")
    class OpenAI(SyncAPIClient):
        @cached_property
        def files(self) -> Files:
            from .resources.files import Files
            return Files(self)
    if TYPE_CHECKING:
        from .resources.files import Files
"""
RESOURCE = """
    from .. import _legacy_response
    from ..types import file_list_params, file_create_params, note_create_params
    from .._types import FileTypes, Omit, SequenceNotStr, omit
    from ..pagination import SyncCursorPage
    from ..types.file import File
    class Files(SyncAPIResource):
        @cached_property
        def with_raw_response(self) -> FilesWithRawResponse:
            return FilesWithRawResponse(self)
        def create(
            self, *, file: FileTypes, purpose: str, async_: bool | Omit = omit, idempotency_key: str | Omit = omit
        ):
            body = deepcopy_with_paths({"file": file, "purpose": purpose, "async_": async_}, [["file"]])
            extra_headers = {**strip_not_given({"Idempotency-Key": idempotency_key}), **(extra_headers or {})}
            extra_headers = {"Content-Type": "multipart/form-data", **(extra_headers or {})}
            extra_headers = {"OpenAI-Beta": "files=v2", **(extra_headers or {})}
            return self._post("/files", body=maybe_transform(body, file_create_params.FileCreateParams), cast_to=File)
        def list(self, *, after: str | Omit = omit, kinds: SequenceNotStr[str] | Omit = omit):
            return self._get_api_list(
                "/files",
                page=SyncCursorPage[File],
                options=make_request_options(
                    query=maybe_transform({"after": after, "kinds": kinds}, file_list_params.FileListParams),
                    security={"admin_api_key_auth": True},
                ),
                model=File,
            )
        def content(self, file_id: str):
            return self._get(
                path_template("/files/{file_id}/content", file_id=file_id),
                cast_to=_legacy_response.HttpxBinaryResponseContent,
            )
        @typing_extensions.deprecated("use content")
        def aged_content(self, file_id: str):
            return self._get(path_template("/files/{file_id}/content", file_id=file_id), cast_to=str)
        def events(self, file_id: str) -> Stream[File]:
            return self._get(
                path_template("/files/{file_id}/events", file_id=file_id),
                cast_to=File,
                stream=True,
                stream_cls=Stream[File],
            )
        def note(self, file_id: str, *, note: object):
            return self._post(
                path_template("/files/{file_id}/notes", file_id=file_id),
                body=maybe_transform({"type": type, "text": text, "url": url}, note_create_params.NoteCreateParams),
                cast_to=NoneType,
            )
        def wait(self, file_id: str) -> File:
            return self.retrieve(file_id)
        def connect(self) -> FilesConnection:
            return FilesConnection(self)
"""
PACKAGE = {
    "_client.py": CLIENT,
    "_version.py": '__version__ = "9.1.0"\n',
    "pagination.py": "class SyncCursorPage(BasePage):\n    data: List[_T]\n    has_more: Optional[bool] = None\n",
    "types/__init__.py": "",
    "types/file.py": """
        class Owner(BaseModel):
            id: str
            parent: Optional["Owner"] = None
        class File(BaseModel):
            id: str
            size: Optional[int] = None
            owner: Owner
            class_: str = FieldInfo(alias="class")
    """,
    "types/file_list_params.py": """
        class FileListParams(TypedDict, total=False):
            after: str
            kinds: SequenceNotStr[Literal["text", "sound"]]
    """,
    "types/file_create_params.py": """
        from .._types import FileTypes
        class FileCreateParams(TypedDict, total=False):
            file: Required[FileTypes]
            purpose: Required[Literal["batch", "vision"]]
            async_: Annotated[bool, PropertyInfo(alias="async")]
    """,
    "types/note_create_params.py": """
        class Text(TypedDict, total=False):
            type: Required[Literal["text"]]
            text: Required[str]
        class Link(TypedDict, total=False):
            type: Required[Literal["link"]]
            url: Required[str]
        NoteCreateParams: TypeAlias = Union[Text, Link]
    """,
    "resources/__init__.py": "",
    "resources/files.py": RESOURCE,
}
SPECIFICATION: JsonObject = {
    "info": {"version": "5"},
    "paths": {
        "/files": {
            "get": {
                "operationId": "listFiles",
                "deprecated": True,
                "parameters": [
                    {"name": "after", "in": "query", "schema": {"type": ["string", "null"], "maxLength": 9}},
                    {"name": "kinds[]", "in": "query", "schema": {"type": "array", "items": {"enum": ["text", "old"]}}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 20}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/List"}}}}
                },
            },
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"properties": {"purpose": {"type": "string"}, "url": {"type": "string"}}}
                        },
                        "multipart/form-data": {"schema": {"$ref": "#/components/schemas/Upload"}},
                    }
                },
                "responses": {"201": {"content": {"application/json": {"schema": {}}}}, "429": {"description": "slow"}},
            },
        },
        "/files?beta=true": {"get": {"operationId": "twin"}},
        "/files/{id}/content": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {}}}}}}},
        "/wrong": {"delete": {"security": [{"AdminKey": []}], "responses": {"200": {"description": "gone"}}}},
    },
    "components": {
        "schemas": {
            "List": {
                "type": "object",
                "properties": {
                    "data": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
                    "has_more": {"type": "boolean"},
                    "last_id": {"type": "string"},
                },
            },
            "Node": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "child": {"$ref": "#/components/schemas/Node"}},
            },
            "Upload": {
                "required": ["file", "purpose"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "purpose": {"allOf": [{"type": "string", "enum": ["batch"]}, {"default": "batch"}]},
                    "node": {"$ref": "#/components/schemas/Node"},
                    "shape": {
                        "oneOf": [{"$ref": "#/components/schemas/Round"}, {"$ref": "#/components/schemas/Square"}]
                    },
                },
            },
            "Round": {
                "type": "object",
                "properties": {"form": {"const": "round"}, "size": {"type": "number", "maximum": 4}},
            },
            "Square": {"type": "object", "properties": {"form": {"type": "string", "enum": ["square"]}}},
        }
    },
}
NOTES = {
    "operations": [{"verb": "GET", "path": "/me", "answer": {"fields": {"id": "string"}}}],
    "paths": [{"verb": "DELETE", "path": "/wrong", "right": "/right"}],
}


@dataclass(frozen=True, slots=True)
class Workplace:
    """Both sources, the notes and the inventory in one folder."""

    folder: Path

    @property
    def package(self) -> Path:
        return self.folder / "vendor"

    @property
    def specification(self) -> Path:
        return self.folder / "openapi.json"

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory.json"

    @property
    def notes(self) -> Path:
        return self.folder / "notes.yaml"

    def run(self, *arguments: str) -> tuple[int, str]:
        """The command's exit code and what it wrote."""
        out = io.StringIO()
        paths = ("--package", self.package, "--inventory", self.inventory, "--notes", self.notes)
        return inventory.main([*(str(part) for part in paths), *arguments], out), out.getvalue()

    def change(self, name: str, before: str, after: str) -> None:
        """Edit one file; the text to replace has to be there."""
        path = self.folder / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def held(self) -> dict[str, Record]:
        content = as_object(json.loads(self.inventory.read_text()))
        return by_call(read_records(content["operations"]))


def write_workplace(folder: Path) -> Workplace:
    workplace = Workplace(folder)
    for name, text in PACKAGE.items():
        path = workplace.package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    workplace.specification.write_text(json.dumps(SPECIFICATION))
    workplace.notes.write_text(yaml.safe_dump(NOTES))
    return workplace


def by_call(records: list[Record]) -> dict[str, Record]:
    return {f"{record.verb} {record.path}": record for record in records}


def arguments(record: Record) -> dict[str, JsonObject]:
    return {entry.name: field_json(entry) for entry in record.parameters}
