"""A very small shell over the files of an environment, so that commands have outputs that follow from what is there."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from posixpath import join, normpath

from portico.sandbox.agents.environments import Environment
from portico.sandbox.blobs import Blob

HOME = "/workspace"
SHOWN_BYTES = 20_000
LONGEST_SLEEP_SECONDS = 24 * 3600.0


@dataclass(slots=True)
class Ran:
    """What a command line did."""

    output: str = ""
    code: int = 0
    seconds: float = 0.3
    written: set[str] = field(default_factory=set[str])


class Wrong(Exception):
    """A command that could not do its work; the text says why."""


def run(environment: Environment, line: str) -> Ran:
    """Run commands that are joined by `&&` or `;`, each perhaps with `>` or `>>`."""
    ran = Ran()
    try:
        words = list(shlex.shlex(line, posix=True, punctuation_chars=";&>"))
    except ValueError as failure:
        return Ran(f"sh: {failure}\n", 2)
    command: list[str] = []
    for word in (*words, ";"):
        if word not in (";", "&&"):
            command.append(word)
            continue
        if command:
            _one(environment, command, ran)
        command = []
        if ran.code and word == "&&":
            break
    return ran


def _one(environment: Environment, command: list[str], ran: Ran) -> None:
    target, appends = None, False
    for sign in (">>", ">"):
        if sign in command[:-1]:
            place = command.index(sign)
            target, appends = _path(command[place + 1]), sign == ">>"
            command = command[:place]
            break
    name, words = command[0], command[1:]
    ran.code = 0
    try:
        if name not in COMMANDS:
            ran.code = 127
            raise Wrong("command not found")
        output = COMMANDS[name](environment, words, ran)
        if target is None:
            ran.output += output
            return
        before = _text(environment, target) if appends and target in environment.files else ""
        _write(environment, target, (before + output).encode(), ran)
    except Wrong as wrong:
        ran.output += f"{name}: {wrong}\n"
        ran.code = ran.code or 1


def _echo(environment: Environment, words: list[str], ran: Ran) -> str:
    return " ".join(words[1:] if words[:1] == ["-n"] else words) + ("" if words[:1] == ["-n"] else "\n")


def _print_directory(environment: Environment, words: list[str], ran: Ran) -> str:
    return f"{HOME}\n"


def _list(environment: Environment, words: list[str], ran: Ran) -> str:
    places = [_path(word) for word in words if not word.startswith("-")] or [HOME]
    lines: list[str] = []
    for place in places:
        below = {path[len(place) + 1 :].split("/")[0] for path in environment.files if path.startswith(f"{place}/")}
        if not below and place not in environment.files and place != HOME:
            raise Wrong(f"cannot access '{place}': No such file or directory")
        lines += sorted(below) or ([place] if place in environment.files else [])
    return "".join(f"{line}\n" for line in lines)


def _concatenate(environment: Environment, words: list[str], ran: Ran) -> str:
    return "".join(_text(environment, _path(word)) for word in words)


def _head(environment: Environment, words: list[str], ran: Ran) -> str:
    count = int(words[1]) if len(words) > 2 and words[0] == "-n" and words[1].isdigit() else 10
    return "".join(_text(environment, _path(words[-1] if words else "")).splitlines(keepends=True)[:count])


def _count(environment: Environment, words: list[str], ran: Ran) -> str:
    paths = [word for word in words if not word.startswith("-")]
    if not paths:
        raise Wrong("no file was named")
    content = _text(environment, _path(paths[0]))
    counts = {"-l": content.count("\n"), "-w": len(content.split()), "-c": len(content.encode())}
    chosen = [word for word in words if word in counts] or list(counts)
    return f"{' '.join(str(counts[word]) for word in chosen)} {paths[0]}\n"


def _remove(environment: Environment, words: list[str], ran: Ran) -> str:
    for word in (word for word in words if not word.startswith("-")):
        _text(environment, _path(word))
        del environment.files[_path(word)]
        ran.written.discard(_path(word))
    return ""


def _copy(environment: Environment, words: list[str], ran: Ran) -> str:
    if len(words) != 2:
        raise Wrong("two files are needed")
    source = _path(words[0])
    _text(environment, source)
    _write(environment, _path(words[1]), environment.files[source].read(), ran)
    return ""


def _nothing(environment: Environment, words: list[str], ran: Ran) -> str:
    return ""


def _false(environment: Environment, words: list[str], ran: Ran) -> str:
    ran.code = 1
    return ""


def _exit(environment: Environment, words: list[str], ran: Ran) -> str:
    ran.code = int(words[0]) % 256 if words and words[0].isdigit() else 0
    return ""


def _sleep(environment: Environment, words: list[str], ran: Ran) -> str:
    try:
        ran.seconds += min(LONGEST_SLEEP_SECONDS, max(0.0, float(words[0])))
    except (IndexError, ValueError):
        raise Wrong("how long?") from None
    return ""


COMMANDS: dict[str, Callable[[Environment, list[str], Ran], str]] = {
    "cat": _concatenate,
    "cp": _copy,
    "echo": _echo,
    "exit": _exit,
    "false": _false,
    "head": _head,
    "ls": _list,
    "mkdir": _nothing,
    "pwd": _print_directory,
    "rm": _remove,
    "sleep": _sleep,
    "true": _nothing,
    "wc": _count,
}


def _path(word: str) -> str:
    return normpath(join(HOME, word))


def _text(environment: Environment, path: str) -> str:
    if path not in environment.files:
        raise Wrong(f"{path}: No such file or directory")
    return environment.files[path].read(SHOWN_BYTES).decode("utf-8", "replace")


def _write(environment: Environment, path: str, content: bytes, ran: Ran) -> None:
    if not path.startswith(f"{HOME}/"):
        raise Wrong(f"{path}: Permission denied")
    environment.files[path] = Blob(content)
    ran.written.add(path)
