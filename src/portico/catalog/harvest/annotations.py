"""Type annotations of the SDK turned into shapes: typed dictionaries, models, aliases and literals."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from portico.catalog.harvest.narrow import Scalar
from portico.catalog.harvest.package import Found, Module, Package
from portico.catalog.harvest.shape import NULL, Field, Shape, unite

PLAIN = {
    "str": Shape(type="string"),
    "int": Shape(type="integer"),
    "float": Shape(type="number"),
    "bool": Shape(type="boolean"),
    "None": Shape(type=NULL),
    "datetime": Shape(type="string", facts=(("format", "date-time"),)),
    "date": Shape(type="string", facts=(("format", "date"),)),
    "FileTypes": Shape(type="file"),
    "FileContent": Shape(type="file"),
    "Base64FileInput": Shape(type="file"),
    "bytes": Shape(type="file"),
}
WRAPPERS = ("Required", "NotRequired", "Annotated", "ReadOnly")
SEQUENCES = ("List", "list", "Iterable", "Sequence", "SequenceNotStr", "Set", "set")
MAPPINGS = ("Dict", "dict", "Mapping")
# Stand for "not sent" in signatures, or for the streamed form of an answer, which is not a JSON shape.
LEFT_OUT = ("Omit", "NotGiven", "Stream", "AsyncStream", "AgentSessionEventStream")
ALIAS_MARKERS = ("PropertyInfo", "FieldInfo")


@dataclass(frozen=True, slots=True)
class Declared:
    """One annotated attribute of a typed dictionary or model."""

    name: str
    wire_name: str
    required: bool
    annotation: ast.expr
    module: Module


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads annotations of one package; `depth` counts how many levels of properties are still opened."""

    package: Package

    def shape(self, node: ast.expr, module: Module, depth: int, inside: tuple[str, ...] = ()) -> Shape:
        match node:
            case ast.Constant(value=None):
                return PLAIN["None"]
            case ast.Constant(value=str() as text):
                return self.shape(ast.parse(text, mode="eval").body, module, depth, inside)
            case ast.Name() | ast.Attribute():
                return self._named(dotted(node), module, depth, inside)
            case ast.BinOp(left=left, right=right):
                return self._united((left, right), module, depth, inside)
            case ast.Subscript():
                return self._subscript(node, module, depth, inside)
            case _:
                return Shape()

    def declared(self, found: Found) -> list[Declared]:
        """The attributes of a class with those it inherits, or of a TypedDict call."""
        if isinstance(found.node, ast.Call):
            return list(_called(found.node, found.module))
        if not isinstance(found.node, ast.ClassDef):
            return []
        gathered: dict[str, Declared] = {}
        for base in found.node.bases:
            name = dotted(base)
            parent = None if name.endswith("BaseModel") else self.package.find(found.module, name)
            gathered |= {entry.name: entry for entry in self.declared(parent)} if parent else {}
        gathered |= {entry.name: entry for entry in _annotated(found.node, found.module)}
        return list(gathered.values())

    def classes(self, node: ast.expr, module: Module) -> list[Found]:
        """The classes a parameter type stands for: itself, or each alternative of a union or condition."""
        match node:
            case ast.IfExp(body=body, orelse=orelse):
                return [*self.classes(body, module), *self.classes(orelse, module)]
            case ast.Subscript(value=value) if dotted(value) == "Union":
                return [found for part in arguments(node) for found in self.classes(part, module)]
            case ast.Name() | ast.Attribute():
                found = self.package.find(module, dotted(node))
                if found is None or isinstance(found.node, ast.FunctionDef):
                    return []
                if isinstance(found.node, ast.ClassDef) or _is_typed_dict_call(found.node):
                    return [found]
                return self.classes(found.node, found.module)
            case _:
                return []

    def _named(self, name: str, module: Module, depth: int, inside: tuple[str, ...]) -> Shape:
        plain = PLAIN.get(name.rpartition(".")[2])
        if plain is not None:
            return plain
        found = self.package.find(module, name)
        if found is None or isinstance(found.node, ast.FunctionDef):
            return Shape()
        if isinstance(found.node, ast.ClassDef) or _is_typed_dict_call(found.node):
            return self._object(found, name, depth, inside)
        return self.shape(found.node, found.module, depth, inside)

    def _object(self, found: Found, name: str, depth: int, inside: tuple[str, ...]) -> Shape:
        identity = ".".join((*found.module.name, name.rpartition(".")[2]))
        if depth <= 0 or identity in inside:
            return Shape(type="object", open=True)
        deeper = (*inside, identity)
        properties = tuple(
            Field(entry.wire_name, self.shape(entry.annotation, entry.module, depth - 1, deeper), entry.required)
            for entry in self.declared(found)
        )
        return Shape(type="object", properties=properties, open=not properties)

    def _subscript(self, node: ast.Subscript, module: Module, depth: int, inside: tuple[str, ...]) -> Shape:
        head = dotted(node.value).rpartition(".")[2]
        parts = arguments(node)
        if head == "Literal":
            return literal(parts)
        if head in ("Union", "Optional"):
            shape = self._united(parts, module, depth, inside)
            return replace(shape, nullable=True) if head == "Optional" else shape
        if head in WRAPPERS:
            return self.shape(parts[0], module, depth, inside)
        if head in SEQUENCES:
            return Shape(type="array", items=self.shape(parts[0], module, depth, inside))
        if head in MAPPINGS:
            values = self.shape(parts[-1], module, depth - 1, inside)
            return Shape(type="object", open=True, values=None if values == Shape() else values)
        return self._named(dotted(node.value), module, depth, inside)

    def _united(self, parts: Iterable[ast.expr], module: Module, depth: int, inside: tuple[str, ...]) -> Shape:
        present = [part for part in parts if not _is_left_out(part)]
        return unite(self.shape(part, module, depth, inside) for part in present)


def dotted(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{dotted(value)}.{name}"
        case ast.Subscript(value=value):
            return dotted(value)
        case _:
            return ""


def arguments(node: ast.Subscript) -> list[ast.expr]:
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def literal(parts: Sequence[ast.expr]) -> Shape:
    values: list[Scalar] = [
        part.value
        for part in parts
        if isinstance(part, ast.Constant) and isinstance(part.value, str | int | float | bool)
    ]
    nullable = any(isinstance(part, ast.Constant) and part.value is None for part in parts)
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    kind = kinds[type(values[0])] if values else "any"
    closed = () if kind == "boolean" and len(values) > 1 else tuple(values)
    return Shape(type=kind, enum=closed, nullable=nullable)


def _is_left_out(node: ast.expr) -> bool:
    return dotted(node).rpartition(".")[2] in LEFT_OUT


def _is_typed_dict_call(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and dotted(node.func).endswith("TypedDict")


def _annotated(node: ast.ClassDef, module: Module) -> Iterator[Declared]:
    required_by_default = all(not _is_false(keyword.value) for keyword in node.keywords if keyword.arg == "total")
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            name, annotation = statement.target.id, statement.annotation
            alias = _alias(annotation) or (_alias(statement.value) if statement.value else "")
            if statement.value is None:
                required = _is_required(annotation, otherwise=required_by_default)
            else:
                required = _alias(statement.value) != "" and "default" not in _keywords(statement.value)
            yield Declared(name, alias or name, required, annotation, module)


def _called(node: ast.Call, module: Module) -> Iterator[Declared]:
    total = all(not _is_false(keyword.value) for keyword in node.keywords if keyword.arg == "total")
    fields = node.args[1] if len(node.args) > 1 else None
    if isinstance(fields, ast.Dict):
        for key, annotation in zip(fields.keys, fields.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                required = _is_required(annotation, otherwise=total)
                yield Declared(key.value, _alias(annotation) or key.value, required, annotation, module)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _is_required(annotation: ast.expr, *, otherwise: bool) -> bool:
    while isinstance(annotation, ast.Subscript) and dotted(annotation.value).rpartition(".")[2] in WRAPPERS:
        head = dotted(annotation.value).rpartition(".")[2]
        if head in ("Required", "NotRequired"):
            return head == "Required"
        annotation = arguments(annotation)[0]
    return otherwise


def _alias(node: ast.expr) -> str:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and dotted(part.func).endswith(ALIAS_MARKERS):
            value = _keywords(part).get("alias")
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                return value.value
    return ""


def _keywords(node: ast.expr) -> dict[str, ast.expr]:
    return (
        {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg} if isinstance(node, ast.Call) else {}
    )
