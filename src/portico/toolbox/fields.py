"""Which fields of an answer are wanted: a small language of dotted paths, read once and picked from any value. Pure.

`id`, `amount.value`, `data[].id` (each item), `data[0].id` (one item, from the end with -1), `metadata.*` (every name),
`metadata."a.b"` (a name with a dot in it), `-usage` (all but this).
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from msgspec import Struct

from portico.catalog.near import nearest
from portico.errors import Failure, InvalidArguments
from portico.shapes import Json, NotJson, decode, is_list, is_record

FORMS = 'id; amount.value; data[].id or data[0].id; metadata.*; metadata."a.b"; -usage for all but this'
MOST_FIELDS, _LONGEST = 100, 500
_ANY = "*"
_MOST_NAMED, _LONGEST_SHOWN = 30, 60
# A name, bare or quoted, and what may stand behind it in brackets.
_STEP = re.compile(r'(?:"((?:[^"\\]|\\.)+)"|([^."\[\],]+))((?:\[-?\d{0,6}\])*)')
_BRACKET = re.compile(r"\[(-?\d*)\]")
_PLAIN = re.compile(r'[^."\[\],\-][^."\[\],]*')
Step = str | int
Path = tuple[Step, ...]
Tree = dict[Step, Any]  # step → what is wanted from there on, or None: all of it


class Selection(Struct, frozen=True):
    """`wanted` empty: everything, but for what is `left`. `always` is kept whatever was selected."""

    wanted: tuple[Path, ...] = ()
    left: tuple[Path, ...] = ()
    always: tuple[Path, ...] = ()

    def keeping(self, fields: Sequence[str]) -> "Selection":
        """The same, with these fields (dotted) in it whatever was selected."""
        return Selection(self.wanted, self.left, (*self.always, *(tuple(each.split(".")) for each in fields)))

    def inside(self, name: str) -> "Selection":
        """For the items of a list that stands under this name: whoever has seen it there may write it along."""
        if not self.wanted and not self.left:
            return self
        return Selection(_inside(self.wanted, name), _inside(self.left, name), self.always)

    def names(self, field: str) -> bool:
        """Whether somebody asked for this very field (dotted), or for something in it."""
        steps = tuple(field.split("."))
        return any(_names_of(each)[: len(steps)] == steps for each in self.wanted)

    def of(self, value: Any) -> Any:
        """What is wanted of a value; of a list, what is wanted of each of its items."""
        if self.wanted:
            value = _pick(value, _tree((*self.wanted, *self.always)))
        kept = _tree(self.always)
        for path in self.left:
            value = _drop(value, path, kept)
        return value

    def misses(self, value: Any, beside: Collection[str] = ()) -> Json | None:
        """The fields that are nowhere in a value, and what there is; None where all were found. `beside`: what stands
        beside the value in any case."""
        if value in (None, [], {}):
            return None
        lost = [each for each in self.wanted if each[0] not in beside and not _finds(value, each)]
        if not lost:
            return None
        known = list(dict.fromkeys(_known(value, "", 2)))
        near = {name for path in lost for name in nearest(spell(path), known, 2)}
        ordered = [*(each for each in known if each in near), *(each for each in known if each not in near)]
        not_found = [spell(each)[:_LONGEST_SHOWN] for each in lost[:_MOST_NAMED]]
        return {"not_found": not_found, "there_are": ordered[:_MOST_NAMED]}


ALL = Selection()


def read_fields(given: Any) -> Selection:
    """A list of paths, or text with commas between them. InvalidArguments says which one cannot be read, and why."""
    if given is None:
        return ALL
    texts = list(_texts(given))
    if not texts:
        raise _refused("must name at least one field")
    if len(texts) > MOST_FIELDS:
        raise _refused(f"names {len(texts)} fields; {MOST_FIELDS} at most")
    wanted = tuple(read_path(each) for each in texts if not each.startswith("-"))
    left = tuple(read_path(each[1:].strip()) for each in texts if each.startswith("-"))
    return Selection(wanted, left)


def read_path(text: str) -> Path:
    if len(text) > _LONGEST:
        raise _refused(f"{text[:40]!r}… is longer than {_LONGEST} characters")
    steps: list[Step] = []
    at = 0
    while True:
        match = _STEP.match(text, at)
        if match is None:
            raise _refused(_complaint(text, at))
        steps.append(re.sub(r"\\(.)", r"\1", match[1]) if match[1] else match[2].strip())
        steps += [int(each) for each in _BRACKET.findall(match[3]) if each not in {"", "-"}]
        at = match.end()
        if at == len(text):
            return tuple(steps)
        if text[at] != "." or not steps[-1 if isinstance(steps[-1], str) else -2]:
            raise _refused(_complaint(text, at))
        at += 1


def spell(path: Sequence[Step]) -> str:
    """A path as it is written."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{spell_name(step)}"
    return text.removeprefix(".")


def spell_name(name: str) -> str:
    if name == _ANY or _PLAIN.fullmatch(name):
        return name
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def _texts(given: Any) -> Iterator[str]:
    if isinstance(given, str) and given.lstrip().startswith("["):
        try:
            given = decode(given)
        except NotJson:
            raise _refused("looks like a JSON list and is none") from None
    listed: list[Any] = given if is_list(given) else [given]
    for each in listed:
        if not isinstance(each, str):
            raise _refused(f"holds {each!r}, which is no text")
        if len(each) > MOST_FIELDS * _LONGEST:
            raise _refused(f"has {len(each)} characters; {MOST_FIELDS * _LONGEST} at most")
        yield from (text for part in _apart(each) if (text := part.strip()))


def _apart(text: str) -> list[str]:
    """At the commas that stand in no quotes."""
    return re.findall(r'(?:[^",]|"(?:[^"\\]|\\.)*"?)+', text)


def _complaint(text: str, at: int) -> str:
    rest = text[at:]
    if not rest or rest.startswith("."):
        return f"{text!r} has an empty name"
    if rest.startswith('"'):
        return f"{text!r} has a quotation mark that is not closed"
    if rest.startswith(("[", "]")):
        return f"{text!r} has brackets that hold neither nothing nor a number"
    return f"{text!r} cannot be read from {rest[:20]!r} on"


def _refused(problem: str) -> InvalidArguments:
    return InvalidArguments([Failure("fields", problem, FORMS)])


def _inside(paths: Sequence[Path], name: str) -> tuple[Path, ...]:
    return tuple(each[1:] if len(each) > 1 and each[0] == name else each for each in paths)


def _names_of(path: Path) -> tuple[Step, ...]:
    return tuple(each for each in path if isinstance(each, str))


def _tree(paths: Sequence[Path]) -> Tree | None:
    """Paths folded into one another; None where all is wanted from there on."""
    if any(not each for each in paths):
        return None
    firsts = dict.fromkeys(each[0] for each in paths)
    return {first: _tree([each[1:] for each in paths if each[0] == first]) for first in firsts}


def _pick(value: Any, tree: Tree | None) -> Any:
    if tree is None:
        return value
    if is_list(value):
        return _pick_items(value, tree)
    if not is_record(value):
        return value
    picked: Json = {}
    for step, inner in tree.items():
        for name in value if step == _ANY else (step,):
            if isinstance(name, str) and name in value and name not in picked:
                both = _merged(inner, tree[name]) if step == _ANY and name in tree else inner
                picked[name] = _pick(value[name], both)
    return picked


def _pick_items(value: list[Any], tree: Tree) -> list[Any]:
    """Each item; where some are named by their numbers, those alone."""
    names: Tree = {step: inner for step, inner in tree.items() if isinstance(step, str)}
    places = [step for step in tree if isinstance(step, int)]
    if not places:
        return [_pick(each, names) for each in value]
    return [_pick(value[at], _merged(tree[at], names)) for at in places if -len(value) <= at < len(value)]


def _merged(one: Tree | None, other: Tree | None) -> Tree | None:
    return None if one is None or other is None else one | other


def _drop(value: Any, path: Path, kept: Tree | None) -> Any:
    """Without what the path leads to, but for what is to be `kept` of it."""
    if kept is None:
        return value
    step, rest = path[0], path[1:]
    if is_list(value):
        if not isinstance(step, int):
            return [_drop(each, path, kept) for each in value]
        if not -len(value) <= step < len(value):
            return value
        step %= len(value)
        changed = [_drop(value[step], rest, kept)] if rest else [_pick(value[step], kept)] if kept else []
        return [*value[:step], *changed, *value[step + 1 :]]
    if not is_record(value):
        return value
    left: Json = {}
    for name, each in value.items():
        inner: Tree | None = kept.get(name, {})
        if step not in (_ANY, name):
            left[name] = each
        elif rest:
            left[name] = _drop(each, rest, inner)
        elif inner != {}:
            left[name] = _pick(each, inner)
    return left


def _finds(value: Any, path: Path) -> bool:
    if not path:
        return True
    step, rest = path[0], path[1:]
    if is_list(value):
        if isinstance(step, int):
            return -len(value) <= step < len(value) and _finds(value[step], rest)
        return not value or any(_finds(each, path) for each in value)
    if not is_record(value):
        return value is None
    return any(_finds(each, rest) for name, each in value.items() if step in (_ANY, name))


def _known(value: Any, before: str, depth: int) -> Iterator[str]:
    """The paths that there are, a few steps deep; of a list, those of its first items."""
    if is_list(value):
        for each in value[:5]:
            yield from _known(each, before, depth)
    elif is_record(value):
        for name, each in value.items():
            path = f"{before}.{spell_name(str(name))}".removeprefix(".")
            yield path
            if depth > 1:
                yield from _known(each, path, depth - 1)
