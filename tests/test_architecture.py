"""The rules of the house that a program can check: sizes, names, where outside libraries may be used, suppressions."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "portico"
FILES = sorted(path for path in SOURCE.rglob("*.py") if path.stat().st_size)
# A package of its own: the same sizes and names, and homes of its own.
CLIENT = ROOT / "client" / "src" / "portico_client"
CLIENT_FILES = sorted(path for path in CLIENT.rglob("*.py") if path.stat().st_size)
TESTS = sorted((ROOT / "tests").rglob("*.py"))

MOST_LINES = 400
MOST_FUNCTION_LINES = 50
# Only ever lowered.
MOST_SUPPRESSIONS = 60
BANNED_NAMES = {"utils", "helpers", "common", "manager", "base", "core", "misc", "impl"}

# Each outside library and the places that may use it: to replace it is to change these.
HOMES = {
    "httptools": ("upstream/wire.py",),
    "aiohttp": ("upstream/transport.py", "upstream/problems.py", "upstream/egress.py", "cli/"),
    "yarl": ("upstream/",),
    "multidict": ("upstream/",),
    "apsw": ("store/", "cli/looks/"),
    "psycopg": ("store/",),
    "psycopg_pool": ("store/",),
    "cryptography": ("vault/", "sandbox/"),
    "argon2": ("vault/passwords.py",),
    "jsonschema_rs": ("catalog/schema.py",),
    "jsonata": ("unified/mapping.py",),
    "re2": ("unified/mapping.py",),
    "yaml": ("catalog/",),
    "jinja2": ("faces/web/page.py",),
    "starlette": ("faces/", "app.py", "sandbox/"),
    "uvicorn": ("faces/server.py", "faces/workers.py", "cli/", "sandbox/"),
    "uvloop": ("faces/server.py", "cli/"),
    "python_multipart": ("faces/", "sandbox/"),
    "prometheus_client": ("gateway/metrics.py", "gateway/tallies.py"),
    "opentelemetry": ("gateway/tracing.py", "gateway/collector.py"),
    "structlog": ("log.py",),
    "cyclopts": ("cli/", "__main__.py"),
    "rich": ("cli/",),
    "msgspec": ("",),
}
# The client has one dependency; what adapters are for, they ask for by name.
CLIENT_HOMES = {"httpx2": ("client.py", "drivers.py", "stream.py")}


@cache
def trees() -> list[tuple[str, ast.Module]]:
    return [(path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text("utf-8"))) for path in FILES]


@cache
def walked(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Every node of a file: to walk all of them once more for each rule takes longer than to read them."""
    return tuple(ast.walk(tree))


@cache
def client_trees() -> list[tuple[str, ast.Module]]:
    return [(path.relative_to(CLIENT).as_posix(), ast.parse(path.read_text("utf-8"))) for path in CLIENT_FILES]


def outside_imports(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in walked(tree):
        if isinstance(node, ast.Import):
            names |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"portico", "portico_client"}


def test_outside_libraries_are_used_only_at_home() -> None:
    strays = [
        f"{place} uses {name}"
        for place, tree in trees()
        for name in outside_imports(tree)
        if not any(place.startswith(home) for home in HOMES.get(name, ()))
    ]
    assert strays == []


def test_no_home_stands_empty() -> None:
    used = {name for _, tree in trees() for name in outside_imports(tree)}
    assert sorted(set(HOMES) - used) == []


def test_the_client_knows_one_library_and_nothing_of_the_gateway() -> None:
    strays = [
        f"{place} uses {name}"
        for place, tree in client_trees()
        for name in outside_imports(tree) | house_imports(tree)
        if place not in CLIENT_HOMES.get(name, ())
    ]
    assert strays == []
    assert {name for _, tree in client_trees() for name in outside_imports(tree)} == set(CLIENT_HOMES)


def house_imports(tree: ast.Module) -> set[str]:
    """The names under which any of the gateway's own modules are imported."""
    modules = [node.module or "" for node in walked(tree) if isinstance(node, ast.ImportFrom)]
    modules += [each.name for node in walked(tree) if isinstance(node, ast.Import) for each in node.names]
    return {name for name in modules if name.partition(".")[0] == "portico"}


def test_files_are_of_a_size_to_be_read() -> None:
    lines = {
        str(path.relative_to(ROOT)): path.read_text("utf-8").count("\n") for path in (*FILES, *CLIENT_FILES, *TESTS)
    }
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{place}:{node.name}"
        for place, tree in (*trees(), *written_by_hand(client_trees()))
        for node in walked(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= MOST_FUNCTION_LINES
    ]
    assert long == []


def written_by_hand(found: list[tuple[str, ast.Module]]) -> list[tuple[str, ast.Module]]:
    """A generated method has a line for every parameter that its address takes."""
    return [(place, tree) for place, tree in found if "Generated by" not in (ast.get_docstring(tree) or "")]


def test_no_file_is_named_after_nothing() -> None:
    assert [path.name for path in (*FILES, *CLIENT_FILES) if path.stem in BANNED_NAMES] == []


def test_packages_hold_nothing_themselves() -> None:
    assert [str(path) for path in SOURCE.rglob("__init__.py") if path.stat().st_size] == []


def test_every_suppression_has_a_code_and_a_reason() -> None:
    pattern = re.compile(r"#\s*(?:noqa|pyright: ignore|type: ignore)(.*)$", re.MULTILINE)
    found = [
        (path.name, rest.strip())
        for path in (*FILES, *CLIENT_FILES, *TESTS)
        for rest in pattern.findall(path.read_text("utf-8"))
    ]
    found = [(name, rest) for name, rest in found if name != Path(__file__).name]
    assert len(found) <= MOST_SUPPRESSIONS
    assert [each for each in found if not re.match(r"(\[[\w, ]+\]|: ?[A-Z]+\d+(, ?[A-Z]+\d+)*)\s+-- \S", each[1])] == []


def test_the_sandbox_knows_nothing_of_the_house() -> None:
    strays = [
        f"{place} imports {node.module}"
        for place, tree in trees()
        if place.startswith("sandbox/")
        for node in walked(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("portico.")
        and not (node.module or "").startswith(
            ("portico.sandbox", "portico.clock", "portico.shapes", "portico.version")
        )
    ]
    assert strays == []


@pytest.mark.parametrize("word", ["openai", "sk-proj", "assistants=v2"])
def test_the_core_names_no_vendor(word: str) -> None:
    rooms = ("catalog", "gateway", "store", "vault", "upstream", "model", "toolbox", "unified", "jobs", "faces")
    makers_of_the_catalog = ("catalog/harvest", "catalog/inventory.py", "catalog/document.py")
    strays = [
        f"{place}:{node.lineno}"
        for place, tree in trees()
        if place.startswith(rooms) and not place.startswith(makers_of_the_catalog)
        for node in strings(tree)
        if word in str(node.value).lower()
    ]
    assert strays == []


def strings(tree: ast.Module) -> list[ast.Constant]:
    """Texts that the code uses; what a docstring gives as an example is none."""
    told = {id(node.value) for node in walked(tree) if isinstance(node, ast.Expr)}
    return [
        node
        for node in walked(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]
