"""Writes the generated parts of the pages: settings, errors, commands, the admin API, snippets. `--check` only looks.

Each page is written by hand around one marked part; what stands between the markers follows from the code.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, cast, get_args, get_origin, get_type_hints

from cyclopts import Parameter
from msgspec import Struct, structs

from portico import errors
from portico.app import ENDPOINTS
from portico.cli.main import COMMANDS
from portico.faces.endpoint import Endpoint
from portico.settings import Settings
from portico.toolbox.clients import WAYS, Client, clients

PAGES = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- generated: scripts/reference.py -->", "<!-- end of the generated part -->"
_SAMPLES = {
    "{url}": "https://portico.example/mcp/SECRET",
    "{name}": "Billing",
    "{id}": "billing",
    "{token}": "YOUR_TOKEN",
}
# Words that every command takes; they are told once.
_SHARED = {"url", "token", "json"}


def settings() -> str:
    rows: list[tuple[str, ...]] = []
    for each in fields(Settings):
        default = each.metadata.get("shown") or (each.default if each.default is not MISSING else "")
        words = ", ".join(each.metadata.get("words", ()))
        meaning = each.metadata["meaning"] + (f" One of: {words}." if words else "")
        rows.append((f"`PORTICO_{each.name.upper()}`", _default(default), meaning))
    return _table(("variable", "default", "meaning"), rows)


def _default(value: Any) -> str:
    if isinstance(value, tuple):
        value = ", ".join(cast("tuple[str, ...]", value))
    return f"`{value}`" if value not in ("", None) else ""


def error_classes() -> str:
    rows = [
        (f"`{each.code}`", str(each.status), " ".join((each.__doc__ or "").split()))
        for each in _subclasses(errors.Refusal)
        if each.__module__ == errors.__name__
    ]
    return _table(("code", "status", "what it says"), sorted(set(rows), key=lambda row: (row[1], row[0])))


def _subclasses(kind: type[errors.Refusal]) -> Iterable[type[errors.Refusal]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _subclasses(each)


def commands() -> str:
    parts: list[str] = []
    for name, entry in COMMANDS.items():
        group = {"": entry} if isinstance(entry, str) else entry
        if not isinstance(entry, str):
            parts.append(f"## portico {name}\n\n{entry['']}\n")
        for inner, text in group.items():
            if "|" in text:
                parts.append(_command(f"portico {name} {inner}".strip(), text, 2 if isinstance(entry, str) else 3))
    return "\n".join(parts).rstrip()


def _command(title: str, entry: str, level: int) -> str:
    place, _, words = entry.partition("|")
    module, _, name = place.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    usage, rows = _arguments(function)
    told = f"{'#' * level} {title}\n\n{words}\n\n```text\n{title}{usage}\n```\n"
    return told + ("\n" + _table(("argument", "default", "meaning"), rows) + "\n" if rows else "")


def _arguments(function: Callable[..., Any]) -> tuple[str, list[tuple[str, ...]]]:
    hints = get_type_hints(function, include_extras=True)
    usage, rows = "", list[tuple[str, ...]]()
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in _SHARED:
            continue
        if is_dataclass(hints[parameter.name]):  # options that several commands share, or too many for one signature
            rows += _arguments(cast(Callable[..., Any], hints[parameter.name]))[1]
            continue
        told = next((each for each in get_args(hints[parameter.name]) if isinstance(each, Parameter)), Parameter())
        is_option = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        shown = _shown(parameter.name, told, is_option=is_option)
        is_needed = parameter.default is inspect.Parameter.empty
        many = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        if not is_option:
            usage += f" {shown}" if is_needed and not many else f" [{shown}{' …' if many else ''}]"
        default = "" if is_needed or parameter.default in ("", None, False, ()) else f"`{parameter.default}`"
        rows.append((f"`{shown}`", default, told.help or ""))
    return usage + (" [options]" if any(row[0].startswith("`--") for row in rows) else ""), rows


def _shown(name: str, told: Parameter, *, is_option: bool) -> str:
    names = [each for each in (told.name or ()) if each.startswith("-")]
    if names:
        return names[0]
    return f"--{name.rstrip('_').replace('_', '-')}" if is_option else name.rstrip("_").upper()


def admin_api() -> str:
    parts: list[str] = []
    for tag in dict.fromkeys(each.tag for each in ENDPOINTS):
        parts.append(f"## {tag}\n")
        parts += [_endpoint(each) for each in ENDPOINTS if each.tag == tag]
    return "\n".join(parts).rstrip()


def _endpoint(endpoint: Endpoint) -> str:
    scope = f"Scope `{endpoint.scope}`." if endpoint.scope else "Any token of the environment."
    lines = [
        f"### {endpoint.verb} {endpoint.path}",
        "",
        f"{endpoint.summary.rstrip('.')}. {scope} {endpoint.description}",
    ]
    for word, kind in (("Query", endpoint.query), ("Body", endpoint.body)):
        if kind is not None and kind.__struct_fields__:
            lines.append(f"\n{word}: {_fields(kind)}")
    shown = _row(endpoint.returns)
    if shown is not None:
        lines.append(f"\nAnswers {endpoint.status}{' with a list of' if get_origin(endpoint.returns) is list else ':'} "
                     f"{', '.join(f'`{name}`' for name in shown.__struct_encode_fields__)}.")  # fmt: skip
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _fields(kind: type[Struct]) -> str:
    return ", ".join(
        f"`{each.encode_name}`" + (" (required)" if each.required else "") for each in structs.fields(kind)
    )


def _row(kind: Any) -> type[Struct] | None:
    kind = get_args(kind)[0] if get_origin(kind) is list else kind
    return kind if isinstance(kind, type) and issubclass(kind, Struct) else None


def programs() -> str:
    """What to paste where, and what each program can bear."""
    parts: list[str] = []
    for each in clients():
        parts.append(f"### {each.label}\n\n{each.where}.{' ' + each.note if each.note else ''}{_bears(each)}\n")
        for way, title in WAYS.items():
            if way in each.by:
                text = each.by[way].strip("\n")
                for word, sample in _SAMPLES.items():
                    text = text.replace(word, sample)
                parts.append(f"{title}:\n\n```{each.language}\n{text}\n```\n")
    return "\n".join(parts).rstrip()


def _bears(client: Client) -> str:
    told = [f"{client.most_tools} tools"] if client.most_tools else []
    told += [f"{client.most_tokens} tokens of definitions"] if client.most_tokens else []
    takes = f" It takes at most {' and '.join(told)}." if told else ""
    return takes + (" It sends every definition with every request." if client.loads_all else "")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]
    return "\n".join(lines)


GENERATED: dict[str, Callable[[], str]] = {
    "reference/settings.md": settings,
    "reference/errors.md": error_classes,
    "reference/commands.md": commands,
    "reference/admin-api.md": admin_api,
    "how-to/connect-clients.md": programs,
}


def main(arguments: list[str]) -> int:
    stale: list[str] = []
    for name, make in GENERATED.items():
        page = PAGES / name
        before = page.read_text("utf-8")
        head, begin, rest = before.partition(BEGIN)
        _, end, tail = rest.partition(END)
        if not begin or not end:
            raise SystemExit(f"docs/{name} has no generated part: put {BEGIN} and {END} where it belongs.")
        after = f"{head}{BEGIN}\n\n{make()}\n\n{END}{tail}"
        if after != before:
            stale.append(name)
            if "--check" not in arguments:
                page.write_text(after, "utf-8")
    if stale and "--check" in arguments:
        sys.stderr.write(f"Stale in docs: {', '.join(stale)}; run scripts/docs and commit.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
