"""Keys that stand behind links, shown to the people at the program past their model: the program opens the page, and
the answer waits until the key was seen there. Where it was not, the link stays in the answer, to be handed on.
"""

from collections.abc import Callable, Iterator
from typing import Any

from portico.errors import Refusal
from portico.gateway.handover import PATH
from portico.gateway.parts import Parts
from portico.model.account import AccountId
from portico.model.caller import Caller
from portico.model.secret import HandedSecret
from portico.shapes import Json, is_list, is_record
from portico.toolbox import results
from portico.toolbox.results import ToolResult

# People at a program are looking at it; what they have not opened by then, they get from their model.
PATIENCE_SECONDS = 120.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 2.0
_SEEN = "Shown to somebody at the program, once. Nobody can be shown it again, and there is nothing to hand on."
# Has the program open a page: which secret is behind it, and its address. What comes of it is called when it was seen.
Open = Callable[[HandedSecret, str], Callable[[], None]]


async def hand_over(
    caller: Caller, account_id: AccountId, result: ToolResult, parts: Parts, open_page: Open
) -> ToolResult:
    """The result without the links whose keys were seen meanwhile."""
    value: Any = result.structured
    seen: set[str] = set()
    for url in dict.fromkeys(_links(value, f"{parts.settings.public_url.rstrip('/')}{PATH}")):
        secret = await _found(url, parts)
        if secret is None or (secret.environment_id, secret.account_id) != (caller.environment_id, account_id):
            continue  # Whatever an answer holds, nothing is opened but what was handed over here.
        done = open_page(secret, url)
        if await _was_seen(secret, parts):
            seen.add(url)
            done()
    if not seen:
        return result
    return results.with_value(result, _without(value, seen))


async def _found(url: str, parts: Parts) -> HandedSecret | None:
    try:
        return await parts.handover.peek(url.rpartition("/")[2])
    except Refusal:
        return None


async def _was_seen(secret: HandedSecret, parts: Parts) -> bool:
    waited, pause = 0.0, _FIRST_PAUSE_SECONDS
    while (state := await parts.handover.state(secret)) == "" and waited < PATIENCE_SECONDS:
        await parts.pause(pause)
        waited, pause = waited + pause, min(pause * 2, _LONGEST_PAUSE_SECONDS)
    return state == "seen"


def _links(value: Any, beginning: str) -> Iterator[str]:
    if is_list(value):
        for each in value:
            yield from _links(each, beginning)
    elif is_record(value):
        link = value.get("link")
        if isinstance(link, str) and link.startswith(beginning):
            yield link
        for each in value.values():
            yield from _links(each, beginning)


def _without(value: Any, seen: set[str]) -> Any:
    if is_list(value):
        return [_without(each, seen) for each in value]
    if not is_record(value):
        return value
    if value.get("link") in seen:
        kept: Json = {name: each for name, each in value.items() if name == "ends_in"}
        return {**kept, "note": _SEEN}
    return {name: _without(each, seen) for name, each in value.items()}
