"""How two values differ, place by place. Pure."""

from collections.abc import Iterator
from typing import Any

from portico.shapes import Json, is_list, is_record


def differences(before: Any, after: Any, path: str = "") -> Iterator[Json]:
    """What was added, removed or changed between two values, each with its place."""
    if is_record(before) and is_record(after):
        for name in dict.fromkeys([*before, *after]):
            place = f"{path}.{name}" if path else name
            if name not in after:
                yield {"path": place, "kind": "removed", "before": before[name]}
            elif name not in before:
                yield {"path": place, "kind": "added", "after": after[name]}
            else:
                yield from differences(before[name], after[name], place)
    elif is_list(before) and is_list(after) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from differences(old, new, f"{path}[{number}]")
    elif not path and after is None:
        yield {"path": path, "kind": "removed", "before": before}
    elif before != after:
        yield {"path": path, "kind": "changed", "before": before, "after": after}
