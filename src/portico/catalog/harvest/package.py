"""An installed Python package read as text: modules are parsed with ast, names followed through imports.

Nothing of the package is ever imported, so its code cannot run here.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

ModuleName: TypeAlias = tuple[str, ...]

LONGEST_IMPORT_CHAIN = 20


@dataclass(frozen=True, slots=True)
class Imported:
    """A name that another module of the same package defines; an empty `name` is that module itself."""

    module: ModuleName
    name: str


@dataclass(frozen=True, slots=True)
class Module:
    name: ModuleName
    is_package: bool
    definitions: dict[str, ast.ClassDef | ast.FunctionDef | ast.expr] = field(default_factory=dict)
    imports: dict[str, Imported] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A definition and the module whose names it uses."""

    module: Module
    node: ast.ClassDef | ast.FunctionDef | ast.expr


class Package:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._modules: dict[ModuleName, Module | None] = {}

    def module(self, name: ModuleName) -> Module | None:
        """The parsed module, or None where the package has no such file."""
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def find(self, module: Module, name: str) -> Found | None:
        """What a name, plain or dotted, stands for in a module; None for names from other packages."""
        current: Module | None = module
        *owners, last = name.split(".")
        for owner in owners:
            imported = current.imports.get(owner) if current else None
            current = self._as_module(imported) if imported else None
        for _ in range(LONGEST_IMPORT_CHAIN):
            if current is None:
                return None
            if last in current.definitions:
                return Found(current, current.definitions[last])
            imported = current.imports.get(last)
            if imported is None or not imported.name:
                return None
            current, last = self.module(imported.module), imported.name
        return None

    def text(self, module: ModuleName, name: str) -> str:
        """A module's text constant, such as a version; empty when there is none."""
        found = self.module(module)
        node = found.definitions.get(name) if found else None
        return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""

    def _as_module(self, imported: Imported) -> Module | None:
        return self.module((*imported.module, imported.name) if imported.name else imported.module)

    def _read(self, name: ModuleName) -> Module | None:
        for path, is_package in (
            (self.folder.joinpath(*name).with_suffix(".py") if name else None, False),
            (self.folder.joinpath(*name, "__init__.py"), True),
        ):
            if path is not None and path.is_file():
                module = Module(name, is_package)
                _collect(module, ast.parse(path.read_text(encoding="utf-8")).body)
                return module
        return None


def _collect(module: Module, statements: list[ast.stmt]) -> None:
    for statement in _flattened(statements):
        match statement:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                module.definitions[name] = statement
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                module.definitions[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                module.definitions[name] = value
            case ast.ImportFrom(level=level) if level:
                _import(module, statement)
            case _:
                pass


def _flattened(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements with the bodies of module-level conditions; an else branch serves the running program only."""
    for statement in statements:
        if isinstance(statement, ast.If):
            yield from _flattened(statement.body)
        else:
            yield statement


def _import(module: Module, statement: ast.ImportFrom) -> None:
    here = module.name if module.is_package else module.name[:-1]
    origin = here[: len(here) - (statement.level - 1)] + tuple(
        (statement.module or "").split(".") if statement.module else ()
    )
    for alias in statement.names:
        module.imports[alias.asname or alias.name] = Imported(origin, alias.name)
