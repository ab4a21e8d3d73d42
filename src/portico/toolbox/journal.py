"""All or nothing, over calls that know no transaction: each step is written down with how to undo it.

When a step fails, what was done before is undone in reverse, and what cannot be undone is named. On a dry run nothing
is sent, and the journal holds the requests instead.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from msgspec import Struct

from portico import errors
from portico.errors import Refusal
from portico.gateway.idempotency import Claim
from portico.shapes import Json, is_record
from portico.toolbox.composed import Context
from portico.toolbox.once import Begun, keep, step_key, told
from portico.toolbox.shown_once import Given

IDEMPOTENCY_KEY = "idempotency_key"
# Work that goes on after its caller has left; kept here so that it is not lost half-way.
_under_way: set[asyncio.Task[Json]] = set()


class RolledBack(Refusal):
    """A step failed, and what was done before it was undone."""

    status = 409
    code = "rolled_back"


class CallerLeft(Refusal):
    """Whoever asked has left before the work was done."""

    status = 409
    code = "caller_left"


class Undo(Struct, frozen=True, kw_only=True):
    """How to undo a step, from what it gave back. `leaves`: what is left all the same."""

    call: str
    arguments: Callable[[Json], Json]
    leaves: str = ""


class Step(Struct, frozen=True, kw_only=True):
    """One call of a recipe. `stands_for` is what a dry run goes on with in place of the answer.

    `undo` None: nothing to undo, or undone along with an earlier step. `lasts`: why it can never be undone.
    """

    does: str
    call: str
    arguments: Json
    undo: Undo | None = None
    lasts: str = ""
    stands_for: Json = {}


class Journal:
    """The steps of one run of a recipe."""

    def __init__(self, context: Context, key: str = "", *, is_resumed: bool = False) -> None:
        self.context, self.is_resumed = context, is_resumed
        self.is_abandoned = False
        self.plan: list[Json] = []
        self.uncertain: list[str] = []
        self._key = key
        self._begun = 0
        self._done: list[tuple[Step, Json]] = []
        self._given: list[Given] = []

    async def do(self, step: Step) -> Json:
        """What the step gave back. Raises what the call raises; the caller of the recipe is then told all of it."""
        self._begun += 1
        number = self._begun
        if self.context.is_dry_run:
            request = await self.context.preview(step.call, step.arguments)
            self.plan.append({"step": number, "does": step.does, "request": request})
            return step.stands_for
        if self.is_abandoned:
            raise CallerLeft
        key = step_key(self._key, step.call, step.arguments)
        try:
            answer: Any = await self.context.call(step.call, step.arguments, idempotency_key=key)
        except Refusal as problem:
            problem.facts.setdefault("step", step.does)
            if _may_have_acted(problem):
                self.uncertain.append(step.does)
            raise
        given: Json = answer if is_record(answer) else {}
        self._done.append((step, given))
        return given

    async def finish(self, step: Step, has_acted: Callable[[], Awaitable[bool]]) -> Refusal | None:
        """A step after which what was done before must stay; undoing it then would leave nothing at all.

        A failure counts only where `has_acted` says no. What is given back is why nobody can tell.
        """
        try:
            await self.do(step)
        except Refusal as problem:
            try:
                did = await has_acted()
            except Refusal:
                return problem
            self.uncertain = [each for each in self.uncertain if each != step.does]
            if not did:
                raise
        return None

    async def all(self, steps: Sequence[Step]) -> list[Json]:
        """Several that do not depend on each other. All have ended when this returns or raises."""
        given = await asyncio.gather(*(self.do(each) for each in steps), return_exceptions=True)
        for each in given:
            if isinstance(each, BaseException):
                raise each
        return [each for each in given if not isinstance(each, BaseException)]

    async def ready(self, instead_of: str = "") -> None:
        """Whether keys can be handed over, before the first is made. What was cut off may have handed its own."""
        if self.is_resumed:
            return
        await self.context.asked.hand.ready(instead_of)

    async def hand(self, field: str, text: Any, called: str = "", instead_of: str = "") -> Any:
        """What stands in the answer in the place of a key; taken back with all the rest."""
        if self.context.is_dry_run or not isinstance(text, str):
            return text
        given = await self.context.asked.hand.hand(field, text, called, instead_of)
        self._given.append(given)
        return given.shown

    @property
    def has_begun(self) -> bool:
        return self._begun > 0

    def done(self) -> list[str]:
        return [step.does for step, _ in self._done]

    async def undo(self) -> tuple[list[str], list[Json]]:
        """(what was undone, what was not and why)."""
        undone: list[str] = []
        left: list[Json] = [
            {"step": each, "reason": "it is not known whether it took effect"} for each in self.uncertain
        ]
        for given in reversed(self._given):
            try:
                await given.take_back()
            except Refusal as problem:
                left.append({"step": "hand the key over", "reason": problem.sentence})
        for step, given in reversed(self._done):
            if step.lasts:
                left.append({"step": step.does, "reason": step.lasts})
            if step.undo is None:
                continue
            try:
                arguments = step.undo.arguments(given)
                key = step_key(self._key, step.undo.call, arguments)
                await self.context.call(step.undo.call, arguments, idempotency_key=key, takes_back=True)
            except Refusal as problem:
                left.append({"step": step.does, "reason": problem.sentence})
            else:
                undone.append(f"{step.does}: {step.undo.leaves}" if step.undo.leaves else step.does)
        return undone, left


Work = Callable[[Journal], Coroutine[Any, Any, Json]]


async def perform(context: Context, arguments: Json, work: Work) -> Json:
    """The recipe's answer: its plan on a dry run, an earlier answer under the same key, or what the work gives now."""
    if context.is_dry_run:
        journal = Journal(context)
        outcome = await work(journal)
        return {"dry_run": True, "plan": journal.plan, **outcome}
    key = str(arguments.get(IDEMPOTENCY_KEY) or "")
    begun = await context.asked.once.begin(key, arguments) if key else Begun()
    if begun.kept is not None:
        return _again(told(begun.kept), is_failure=begun.kept.is_failure)
    claim = begun.claim
    journal = Journal(context, key, is_resumed=begun.is_resumed)
    task = asyncio.create_task(_to_the_end(journal, work, claim))
    _under_way.add(task)
    task.add_done_callback(_ended)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        # With a key the answer can still be fetched, so the work goes on; without one nobody would ever see it.
        journal.is_abandoned = claim is None
        raise


def _ended(task: asyncio.Task[Json]) -> None:
    _under_way.discard(task)
    if not task.cancelled():
        task.exception()  # looked at, so that nobody is told of it who cannot do anything about it


async def _to_the_end(journal: Journal, work: Work, claim: Claim | None) -> Json:
    try:
        outcome = await work(journal)
        if journal.is_abandoned:
            raise CallerLeft
    except Refusal as problem:
        if not journal.has_begun:
            if claim is not None:
                await claim.give_back()
            raise
        failed = await _rolled_back(journal, problem)
        if claim is not None:
            await claim.keep(keep({"sentence": failed.sentence, **failed.facts}, is_failure=True))
        raise failed from problem
    except BaseException:
        await journal.undo()
        if claim is not None:
            await claim.mark_unknown()
        raise
    if claim is not None:
        await claim.keep(keep(outcome))
    return outcome


async def _rolled_back(journal: Journal, problem: Refusal) -> RolledBack:
    is_untouched = not journal.done() and not journal.uncertain
    undone, left = await journal.undo()
    step = problem.facts.get("step")
    # Only the first letter: names and ids in it are as they are.
    sentence = f"{str(step)[:1].upper()}{str(step)[1:]} failed: {problem.sentence}" if step else problem.sentence
    if not sentence.endswith("."):
        sentence += "."
    if is_untouched:
        sentence += " Nothing had been changed."
    elif left:
        sentence += " Not all that was done before could be undone; see not_undone."
    else:
        sentence += " What was done before has been undone."
    facts: Json = {"failed": step, "cause": problem.code, "undone": undone, "not_undone": left}
    return RolledBack(sentence, **facts)


def _may_have_acted(problem: Refusal) -> bool:
    """Whether the vendor may have done it although no good answer came."""
    if isinstance(problem, errors.VendorFailure):
        return problem.vendor_status >= 500
    never_sent = (errors.VendorConnectTimeout, errors.VendorInsecure)
    is_silent = isinstance(problem, errors.VendorTimeout | errors.VendorUnreachable | errors.OutcomeUnknown)
    return is_silent and type(problem) is not errors.VendorUnreachable and not isinstance(problem, never_sent)


def _again(outcome: Json, *, is_failure: bool) -> Json:
    if is_failure:
        sentence = f"{outcome.pop('sentence')} (This key was used before; use a new one to try again.)"
        raise RolledBack(sentence, **outcome)
    return {**outcome, "replayed": True}
