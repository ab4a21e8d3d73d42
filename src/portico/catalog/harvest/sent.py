"""One request call of the SDK read closely: what it sends, which headers it fixes, what it makes of the answer."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from portico.catalog.harvest.annotations import Declared, Reader, dotted
from portico.catalog.harvest.answers import fields_of
from portico.catalog.harvest.endpoints import Endpoint, keyword
from portico.catalog.harvest.package import Found
from portico.catalog.harvest.record import Alternative, Answer, AnswerField, AnswerFields, Body, path_names
from portico.catalog.harvest.shape import Field, Shape, unite
from portico.catalog.harvest.wire import (
    ANSWER_DEPTH,
    JSON,
    MULTIPART,
    PARAMETER_DEPTH,
    WHOLE_DEPTH,
    holds_file,
    is_text,
    key_word,
    query_name,
)

PAGE_STYLES = {
    "SyncPage": "single",
    "SyncCursorPage": "cursor",
    "SyncConversationCursorPage": "conversation cursor",
    "SyncNextCursorPage": "next",
    "SyncTokenPage": "token",
}
TRANSFORM = "maybe_transform"
BETA_HEADER, IDEMPOTENCY_HEADER = "OpenAI-Beta", "Idempotency-Key"
BINARY_ANSWERS = ("HttpxBinaryResponseContent", "StreamedBinaryAPIResponse")


@dataclass(frozen=True, slots=True)
class Sent:
    """One request call, with the method around it to look up its variables."""

    reader: Reader
    endpoint: Endpoint

    def parameters(self) -> Iterator[Field]:
        for name in path_names(self.endpoint.path):
            shape = replace(self._signature(name), nullable=False)
            yield Field(name, shape, required=True, sources="sdk", place="path")
        for header, variable in self._header_variables().items():
            yield Field(variable, self._signature(variable), sources="sdk", place="header", wire_name=header)
        yield from self._sent("query")
        yield from self._sent("body")

    def body(self) -> Body:
        if keyword(self.endpoint.request, "body") is None and keyword(self.endpoint.request, "files") is None:
            return Body()
        content_type = MULTIPART if self.headers().get("Content-Type") == MULTIPART else JSON
        return Body(content_type, (content_type,), self._alternatives())

    def answer(self) -> Answer:
        model = self._model()
        kind = self._kind(model)
        streams = kind == "events" or keyword(self.endpoint.request, "stream_cls") is not None
        if kind != "json":
            return Answer(kind, can_stream=streams)
        shape = self._answer_shape(model)
        if keyword(self.endpoint.request, "page") is not None:
            return Answer(fields=self._page_fields(shape), can_stream=streams)
        return Answer(fields=fields_of(shape), is_array=shape.type == "array", can_stream=streams)

    def _model(self) -> ast.expr | None:
        return keyword(self.endpoint.request, "model") or keyword(self.endpoint.request, "cast_to")

    def _kind(self, model: ast.expr | None) -> str:
        stream = keyword(self.endpoint.request, "stream")
        if isinstance(stream, ast.Constant) and stream.value is True:
            return "events"
        name = dotted(model).rpartition(".")[2] if model is not None else ""
        if name == "NoneType":
            return "none"
        if name in BINARY_ANSWERS:
            return "text" if is_text(self.headers().get("Accept", "")) else "binary"
        return "json"

    def whole_answer(self) -> Shape | None:
        """The JSON that is answered, as deep as it goes; None where it is no JSON, or nothing is known of it."""
        model = self._model()
        if self._kind(model) != "json":
            return None
        shape = self._answer_shape(model, WHOLE_DEPTH)
        page = keyword(self.endpoint.request, "page")
        found = self.reader.package.find(self.endpoint.module, dotted(page)) if page is not None else None
        if found is None:
            return None if shape == Shape() else shape
        items = Shape(type="array", items=shape)
        around = tuple(
            replace(each, shape=items, required=True) if each.name == "data" else each for each in self._envelope(found)
        )
        return Shape(type="object", properties=around)

    def page_style(self) -> str:
        page = keyword(self.endpoint.request, "page")
        if page is None:
            return ""
        name = dotted(page).rpartition(".")[2]
        return PAGE_STYLES.get(name, name)

    def security(self) -> str:
        options = keyword(self.endpoint.request, "options")
        schemes = keyword(options, "security") if isinstance(options, ast.Call) else None
        keys = schemes.keys if isinstance(schemes, ast.Dict) else []
        return key_word([str(key.value) for key in keys if isinstance(key, ast.Constant)])

    def headers(self) -> dict[str, str]:
        """Header names with their fixed value; a header whose value is an argument has an empty one."""
        fixed = {
            key.value: value.value
            for key, value in self._header_entries()
            if isinstance(key, ast.Constant)
            and isinstance(key.value, str)
            and isinstance(value, ast.Constant)
            and isinstance(value.value, str)
        }
        return fixed | dict.fromkeys(self._header_variables(), "")

    def _header_variables(self) -> dict[str, str]:
        return {
            key.value: value.id
            for key, value in self._header_entries()
            if isinstance(key, ast.Constant)
            and isinstance(key.value, str)
            and isinstance(value, ast.Name)
            and value.id in self._arguments()
        }

    def _header_entries(self) -> Iterator[tuple[ast.expr | None, ast.expr]]:
        for value in self._assigned("extra_headers"):
            for node in ast.walk(value):
                if isinstance(node, ast.Dict):
                    yield from zip(node.keys, node.values, strict=True)

    def _arguments(self) -> dict[str, ast.expr]:
        arguments = self.endpoint.function.args
        entries = (*arguments.args, *arguments.kwonlyargs)
        return {entry.arg: entry.annotation for entry in entries if entry.annotation is not None}

    def _signature(self, name: str) -> Shape:
        annotation = self._arguments().get(name)
        return self.reader.shape(annotation, self.endpoint.module, PARAMETER_DEPTH) if annotation else Shape()

    def _sent(self, place: str) -> Iterator[Field]:
        names = _keys(self._dictionary(self._argument(place)))
        forms = [{entry.name: entry for entry in self.reader.declared(form)} for form in self._types(place)]
        for name in names:
            declared = _declaring(forms, name)
            if declared:
                parts = [self.reader.shape(entry.annotation, entry.module, PARAMETER_DEPTH) for entry in declared]
                shape, wire = unite(parts), declared[0].wire_name
                required = len(declared) == len(forms) and all(entry.required for entry in declared)
            else:
                shape, wire, required = self._signature(name), name, False
            yield _argument_field(place, name, wire, shape, required=required)

    def _alternatives(self) -> tuple[Alternative, ...]:
        found: dict[Alternative, None] = {}
        for form in self._types("body"):
            declared = [entry for entry in self.reader.declared(form) if entry.name != "stream"]
            found[_alternative(self.reader, declared)] = None
        return tuple(found) if len(found) > 1 else ()

    def _types(self, place: str) -> list[Found]:
        """The parameter types named where the dictionary is transformed for the wire."""
        argument = self._argument(place)
        calls = self._assigned(argument.id) if isinstance(argument, ast.Name) else [argument]
        for call in calls:
            if isinstance(call, ast.Call) and dotted(call.func) == TRANSFORM and len(call.args) > 1:
                return self.reader.classes(call.args[1], self.endpoint.module)
        return []

    def _argument(self, place: str) -> ast.expr | None:
        if place == "body":
            return keyword(self.endpoint.request, "body")
        options = keyword(self.endpoint.request, "options")
        return keyword(options, "query") if isinstance(options, ast.Call) else None

    def _dictionary(self, node: ast.expr | None) -> ast.Dict | None:
        """The dictionary written in an expression, or in what was assigned to its variable."""
        match node:
            case ast.Dict():
                return node
            case ast.Attribute(value=value):
                return self._dictionary(value)
            case ast.Call(args=args):
                return self._first_dictionary(args)
            case ast.Name(id=name):
                return self._first_dictionary(self._assigned(name))
            case _:
                return None

    def _first_dictionary(self, nodes: Iterable[ast.expr]) -> ast.Dict | None:
        return next((found for node in nodes if (found := self._dictionary(node)) is not None), None)

    def _assigned(self, name: str) -> list[ast.expr]:
        return [
            node.value
            for node in ast.walk(self.endpoint.function)
            if isinstance(node, ast.Assign) and any(dotted(target) == name for target in node.targets)
        ]

    def _answer_shape(self, model: ast.expr | None, depth: int = ANSWER_DEPTH) -> Shape:
        if isinstance(model, ast.Call) and dotted(model.func) == "cast" and len(model.args) > 1:
            return self.reader.shape(model.args[1], self.endpoint.module, depth)
        if model is None or isinstance(model, ast.Call):
            # The model is chosen while the method runs: its own return annotation names the possible ones.
            model = self.endpoint.function.returns
        return self.reader.shape(model, self.endpoint.module, depth) if model is not None else Shape()

    def _page_fields(self, item: Shape) -> AnswerFields:
        page = keyword(self.endpoint.request, "page")
        found = self.reader.package.find(self.endpoint.module, dotted(page)) if page is not None else None
        envelope = Shape(type="object", properties=tuple(self._envelope(found)) if found else ())
        fields = fields_of(envelope)
        return fields | {"data": AnswerField("array<object>", fields_of(item, 1))} if "data" in fields else fields

    def _envelope(self, page: Found) -> Iterator[Field]:
        if isinstance(page.node, ast.ClassDef):
            for statement in page.node.body:
                if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                    yield Field(statement.target.id, self.reader.shape(statement.annotation, page.module, 1))


def _declaring(forms: list[dict[str, Declared]], name: str) -> list[Declared]:
    return [form[name] for form in forms if name in form]


def _keys(node: ast.Dict | None) -> list[str]:
    keys = node.keys if node else []
    return [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]


def _argument_field(place: str, name: str, wire: str, shape: Shape, *, required: bool) -> Field:
    is_upload = place == "body" and holds_file(shape)
    return Field(
        name=wire,
        shape=shape,
        required=required,
        sources="sdk",
        place="upload" if is_upload else place,
        wire_name=query_name(wire, shape) if place == "query" else "",
        sdk_name=name if name != wire else "",
    )


def _alternative(reader: Reader, declared: list[Declared]) -> Alternative:
    shapes = {entry.wire_name: reader.shape(entry.annotation, entry.module, 0) for entry in declared}
    constant = next((str(shape.enum[0]) for shape in shapes.values() if len(shape.enum) == 1), "")
    required = tuple(entry.wire_name for entry in declared if entry.required)
    return Alternative(constant, required, tuple(entry.wire_name for entry in declared if not entry.required))
