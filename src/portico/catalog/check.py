"""Lint of a compiled catalog: is everything said, short enough, and is no comfort forgotten? Development only.

python -m portico.catalog.check               one line for each thing that is wrong
python -m portico.catalog.check --comforts    where names stand for ids, and what is waited for, place by place
"""

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from portico.catalog.build import EXCEPTIONS_FILE, INTEGRATIONS, compile_folder, read_yaml
from portico.catalog.comforts import Exceptions, forgotten, report
from portico.catalog.find import View
from portico.catalog.listings import NONE, unnamed
from portico.catalog.names import LONGEST
from portico.model.operation import Operation, Parameter

LONGEST_TITLE = 48
SHORTEST_SENTENCE, LONGEST_SENTENCE = 30, 300
LONGEST_ALIAS = 160
LONGEST_HELP = 160
# Words that say nothing to somebody who must choose, or that only a vendor's page would use.
_EMPTY_WORDS = re.compile(
    r"\b(this endpoint|simply|easily|powerful|seamless\w*|allows you to|is used to)\b", re.IGNORECASE
)


def lint(view: View) -> list[str]:
    """One line for each thing that is missing or too long: operation, field, what is wrong."""
    found: list[str] = []
    for operation in view.operations:
        found += [f"{operation.key}: {problem}" for problem in _operation(operation, view)]
    wrong = unnamed(view.operations, {key: rule.fields for key, rule in view.integration.names.items()})
    return found + [f"{key}: {problem}" for key, problems in wrong.items() for problem in problems]


def _operation(operation: Operation, view: View) -> Iterable[str]:
    yield from _words(operation)
    if view.integration.tags and not operation.tags:
        yield "has no tags"
    if len(operation.tool.name) > LONGEST:
        yield f"tool name has {len(operation.tool.name)} characters, at most {LONGEST}"
    if operation.example is None:
        yield "has no example"
    for parameter in operation.parameters:
        yield from _parameter(operation, parameter, view)


def _words(operation: Operation) -> Iterable[str]:
    if not 3 <= len(operation.title) <= LONGEST_TITLE:
        yield f"title has {len(operation.title)} characters, 3 to {LONGEST_TITLE}"
    if not SHORTEST_SENTENCE <= len(operation.says) <= LONGEST_SENTENCE:
        yield f"says has {len(operation.says)} characters, {SHORTEST_SENTENCE} to {LONGEST_SENTENCE}"
    if not 5 <= len(operation.alias) <= LONGEST_ALIAS:
        yield f"alias has {len(operation.alias)} characters, 5 to {LONGEST_ALIAS}"
    if match := _EMPTY_WORDS.search(operation.says):
        yield f"says {match.group(0)!r}, which tells nothing"


def _parameter(operation: Operation, parameter: Parameter, view: View) -> Iterable[str]:
    words = parameter.schema.get("description", "")
    if not words and parameter.shown != "never":
        yield f"argument {parameter.name} has no sentence"
    if len(words) > LONGEST_HELP:
        yield f"argument {parameter.name} has {len(words)} characters, at most {LONGEST_HELP}"
    if parameter.names not in {"", NONE} and not _names_an_operation(view, parameter.names):
        yield f"argument {parameter.name}: names {parameter.names!r} is not an operation"
    for place, key in parameter.names_within.items():
        if key not in view.integration.names:
            yield f"argument {parameter.name}: names_within {place}: {key!r} has no rule in rules.names"


def _names_an_operation(view: View, key: str) -> bool:
    resource, _, method = key.partition(".")
    return view.has(resource, method)


def _wrong(folder: Path) -> list[str]:
    view = compile_folder(folder)
    return lint(view) + forgotten(view, exceptions_of(folder))


def exceptions_of(folder: Path) -> Exceptions:
    path = folder / "definition" / EXCEPTIONS_FILE
    return msgspec.convert(read_yaml(path), Exceptions) if path.exists() else Exceptions()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Lint the catalog.")
    parser.add_argument("--only", default="", help="only operations of these resources, comma-separated")
    parser.add_argument("--comforts", action="store_true", help="say of every id and every state what stands for it")
    parser.add_argument("--integration", type=Path, default=None, help="a folder of one integration")
    chosen = parser.parse_args(arguments)
    folders = (
        [chosen.integration]
        if chosen.integration
        else sorted(each.parent.parent for each in INTEGRATIONS.glob("*/definition/vendor.yaml"))
    )
    if chosen.comforts:
        for folder in folders:
            sys.stdout.write(report(compile_folder(folder), exceptions_of(folder)))
        return 0
    only = {name for name in chosen.only.split(",") if name}
    problems = [line for folder in folders for line in _wrong(folder) if not only or line.partition(".")[0] in only]
    for line in problems:
        sys.stdout.write(line + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except msgspec.MsgspecError as problem:
        sys.exit(str(problem))
