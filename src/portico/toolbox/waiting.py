"""Wait for the end of something asynchronous: look from time to time, tell how it stands, hand over what it became.

Whoever leaves stops the waiting and nothing else. What is not over in time has a handle; a watch may be left behind.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from random import SystemRandom
from typing import Any

from msgspec import Struct, structs

from portico import errors
from portico.catalog.find import View
from portico.errors import Failure, InvalidArguments, Refusal
from portico.gateway import backoff, watches
from portico.gateway.answer import at
from portico.model.call import Answer
from portico.model.event import is_wanted
from portico.model.operation import Operation, Parameter, ToolName
from portico.shapes import Json, NotJson, decode, is_record
from portico.toolbox import handles, results
from portico.toolbox.composed import Composed, Context
from portico.toolbox.controls import MOST_WAIT_SECONDS, THEN, WAIT_SECONDS, WAITING, WEBHOOK
from portico.toolbox.handles import Thing
from portico.toolbox.progress import Report
from portico.toolbox.reach import Reach

FIRST_PAUSE_SECONDS, GROWTH, LONGEST_PAUSE_SECONDS = 1.0, 1.5, 15.0
# A vendor may not yet know at once what it has just made.
_MISSES = 3
_PASSING_STATUSES = frozenset({408, 425, 429})
_MOST_WEBHOOKS = 1000
_DICE = SystemRandom().random


class Wish(Struct, frozen=True, kw_only=True):
    """How long somebody wants to wait, and whether webhooks shall hear of an end that comes later."""

    seconds: float
    is_watched: bool = False


class Followed(Struct, frozen=True, kw_only=True):
    """An answer and the operation that gave it; `note` says how the waiting went."""

    answer: Answer
    operation: Operation
    note: Json = {}


class Waited(Struct, frozen=True, kw_only=True):
    """How it stands. `answer` None: nothing was looked at since. `problem`: why looking on would not help."""

    status: str
    is_over: bool
    seconds: float
    answer: Answer | None = None
    problem: str = ""
    unseen: Refusal | None = None  # the vendor knew of nothing there, as often as it was asked


def read_wish(said: Json) -> Wish | None:
    """None where nobody wants to wait."""
    given, then = said.get(WAIT_SECONDS), said.get(THEN)
    if given is None and then is None:
        return None
    failures: list[Failure] = []
    if then not in (None, WEBHOOK):
        failures.append(Failure(THEN, f"is {then!r}", WEBHOOK))
    seconds = _number(0 if given is None else given)
    if seconds is None or not 0 <= seconds <= MOST_WAIT_SECONDS:
        failures.append(Failure(WAIT_SECONDS, f"is {given!r}", f"0 to {MOST_WAIT_SECONDS}"))
    if failures:
        raise InvalidArguments(failures)
    return Wish(seconds=seconds or 0.0, is_watched=then == WEBHOOK)


class Waiter:
    """For one caller, in one run of a tool."""

    def __init__(self, reach: Reach, report: Report | None, dice: Callable[[], float] = _DICE) -> None:
        self._reach, self._report, self._dice = reach, report, dice
        self._view = reach.connected.view

    async def follow(self, operation: Operation, arguments: Json, answer: Answer, wish: Wish) -> Followed:
        """What this call's answer has become when the waiting ends."""
        answer = structs.replace(answer, content=await self._reach.read(answer), stream=None)
        value = _value(answer)
        thing = handles.begun(self._view, operation, arguments, value)
        if thing is None:
            return Followed(answer=answer, operation=operation)
        is_look = operation.key == thing.look.key
        waited = await self._wait(thing, value if thing.is_shown_by(not is_look) else None, wish)
        note = await self._note(thing, waited, wish)
        if waited.answer is None:
            return Followed(answer=answer, operation=operation, note=note)
        return Followed(answer=waited.answer, operation=thing.look, note=note)

    async def go_on(self, arguments: Json) -> tuple[Json, Operation]:
        """The same for something that was begun earlier, by its handle; and the operation that looked at it."""
        thing = handles.named(self._view, str(arguments.get("handle") or ""))
        refusals = [self._reach.refuses(each) for each in (thing.began, thing.look)]
        if refusals[0] is not None and refusals[1] is not None:
            raise refusals[0]
        wish = read_wish(arguments) or Wish(seconds=0.0)
        waited = await self._wait(thing, None, wish)
        if waited.answer is None and waited.unseen is not None:
            raise waited.unseen
        value = _value(waited.answer) if waited.answer else None
        shown: Json = value if is_record(value) else {"result": value}
        return {results.WAITING: await self._note(thing, waited, wish), **shown}, thing.look

    async def _wait(self, thing: Thing, shown: Any, wish: Wish) -> Waited:
        """Until it is over or the time is up. `shown` is what the thing looked like at the beginning, if that is known.

        Raises what stands in the way of the very first look, where nothing else is there to be told.
        """
        course, clock = _Course(thing, shown), self._reach.parts.clock
        began, rested = clock(), 0.0
        if shown is None:
            await self._look(course)
            if course.problem and course.refusal is not None:
                raise course.refusal
        while not course.is_over and not course.problem:
            waited = max((clock() - began).total_seconds(), rested)
            if waited >= wish.seconds:
                break
            if self._report is not None:
                self._report(waited, wish.seconds, course.told())
            pause = backoff.growing(FIRST_PAUSE_SECONDS, GROWTH, LONGEST_PAUSE_SECONDS, course.looks, self._dice)
            pause = min(max(pause, course.least_seconds), wish.seconds - waited)
            if await self._rest(thing, pause, course.looked_at or began):
                rested += pause
            await self._look(course)
        seconds = max((clock() - began).total_seconds(), rested)
        return Waited(
            status=course.status,
            is_over=course.is_over,
            seconds=seconds,
            answer=course.answer,
            problem=course.problem,
            unseen=course.unseen,
        )

    async def _look(self, course: "_Course") -> None:
        course.looks += 1
        course.looked_at = self._reach.parts.clock()
        try:
            answer = await self._reach.send(course.thing.look, course.thing.arguments)
        except Refusal as problem:
            course.missed(problem)
        else:
            course.saw(answer)

    async def _rest(self, thing: Thing, seconds: float, since: datetime) -> bool:
        """Whether all of that time has passed; it has not where the vendor said earlier that something happened."""
        arrivals, account = self._reach.parts.arrivals, self._reach.connected.account
        resting = asyncio.ensure_future(self._reach.parts.pause(seconds))
        try:
            while not resting.done():
                news = asyncio.ensure_future(arrivals.next())
                try:
                    if await arrivals.has_any(account.environment_id, account.id, thing.object_id, since):
                        return False
                    await asyncio.wait((resting, news), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    news.cancel()
            return True
        finally:
            resting.cancel()

    async def _note(self, thing: Thing, waited: Waited, wish: Wish) -> Json:
        note: Json = {"is_over": waited.is_over, "status": waited.status, "waited_seconds": round(waited.seconds, 1)}
        if waited.is_over:
            note["went_well"] = thing.wait.is_good(waited.status)
            if needed := thing.wait.needs.get(waited.status):
                resource, _, method = needed.partition(".")
                note["go_on"] = (
                    f"It waits for something from you: give it with {self._view.find(resource, method).tool.name}."
                )
            return note
        if waited.problem:
            note["problem"] = f"It was begun, but it cannot be looked at: {waited.problem}"
        note["handle"] = thing.handle
        note["go_on"] = f"Call {tool_name(self._view)} with this handle to go on waiting; it stays good."
        if wish.is_watched and not waited.problem:
            note["watch"] = await self._leave_watch(thing)
        return note

    async def _leave_watch(self, thing: Thing) -> Json:
        parts, caller = self._reach.parts, self._reach.caller
        wanted = watches.Wanted(
            account_id=self._reach.connected.account.id,
            object_id=thing.object_id,
            resource=thing.began.resource,
            method=thing.began.method,
            arguments=thing.parents,
        )
        watch = await watches.start(caller, wanted, parts)
        hooks = await parts.later.webhooks.page(caller.environment_id, "~", _MOST_WEBHOOKS)
        hearing = sum(each.is_active and is_wanted(each.event_types, "job:completed") for each in hooks)
        told = (
            f"{hearing} webhook{'s hear' if hearing > 1 else ' hears'} of it."
            if hearing
            else "No webhook of this environment hears job:completed yet."
        )
        return {"id": watch.id, "note": f"Watched until it is over; ends in job:completed or job:failed. {told}"}


class _Course:
    """What is known of a thing so far."""

    def __init__(self, thing: Thing, shown: Any) -> None:
        self.thing = thing
        self.value: Any = shown
        self.answer: Answer | None = None
        self.looks = 0
        self.looked_at: datetime | None = None
        self.least_seconds = 0.0
        self.problem = ""
        self.refusal: Refusal | None = None
        self.unseen: Refusal | None = None

    @property
    def status(self) -> str:
        found = at(self.value, self.thing.wait.field)
        return found if isinstance(found, str) else ""

    @property
    def is_over(self) -> bool:
        return self.status in self.thing.wait.until

    def told(self) -> str:
        counts = [at(self.value, place) for place in self.thing.wait.counts]
        words = self.status or "not seen yet"
        return (
            f"{words}, {counts[0]} of {counts[1]}"
            if counts and all(isinstance(each, int) for each in counts)
            else words
        )

    def saw(self, answer: Answer) -> None:
        self.value, self.answer = _value(answer), answer
        self.least_seconds = 0.0

    def missed(self, problem: Refusal) -> None:
        """A look that failed: try again later, or give up where that cannot help."""
        self.least_seconds = _wanted_pause(problem)
        is_unknown_yet = isinstance(problem, errors.VendorFailure) and problem.vendor_status == 404
        self.unseen = problem if is_unknown_yet else None
        if not _is_passing(problem) and not (is_unknown_yet and self.answer is None and self.looks <= _MISSES):
            self.problem, self.refusal = problem.sentence, problem


def _is_passing(problem: Refusal) -> bool:
    if isinstance(problem, errors.VendorFailure):
        return problem.vendor_status in _PASSING_STATUSES or problem.vendor_status >= 500
    return isinstance(problem, errors.VendorTimeout | errors.VendorUnreachable | errors.Unavailable)


def _wanted_pause(problem: Refusal) -> float:
    pairs = problem.vendor_headers if isinstance(problem, errors.VendorFailure) else []
    text = next((value for name, value in pairs if name.lower() == "retry-after"), "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _value(answer: Answer) -> Any:
    try:
        return decode(answer.content or b"null")
    except NotJson:
        return None


def _number(given: Any) -> float | None:
    try:
        return None if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        return None


def tool_name(view: View) -> str:
    return f"{view.integration.name}_wait_for"


def with_waiting(view: View) -> View:
    """The view with the tool that goes on waiting, where there is anything to wait for."""
    if view.tool(tool_name(view)) is not None:
        return view
    begun = handles.beginners(view.operations)
    return view if not begun else View(view.integration, view.operations, (*view.composed, _tool(view, begun)))


async def _go_on(context: Context, arguments: Json) -> Json:
    value, context.looked = await context.asked.go_on(arguments)
    return value


def _tool(view: View, begun: tuple[str, ...]) -> Composed:
    handle: Json = {"type": "string", "description": "From an answer; or TOOL:ID, or an id alone"}
    own = [Parameter(name=each.name, place="body", schema=each.schema) for each in WAITING]
    return Composed(
        integration=view.integration.name,
        resource="waiting",
        method="wait_for",
        tool=ToolName(name=tool_name(view)),
        title="Wait for something to be over",
        says=(
            "Look at something that was begun earlier, and wait for its end if wait_seconds is given. Answers the "
            "thing as it is then; not over yet, the same handle again."
        ),
        alias="poll, is it done, progress, until ready, job finished, resume waiting",
        effect="read",
        tags=(),
        credentials=(),
        parameters=(Parameter(name="handle", place="body", schema=handle, required=True), *own),
        follows=begun,
        comfort="waiting",
        run=_go_on,
    )
