"""The emulator's answers in words: simple, deterministic, and about what was asked, so that a reader can check them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice

from portico.sandbox.mind import tokens
from portico.sandbox.mind.hints import telling

LONGEST_QUOTE = 240
SAY = re.compile(
    r"\b(?:say|repeat|(?:reply|answer|respond)(?: only| exactly)? with)(?: only| exactly| just| the words?)*:?\s+(.+)",
    re.IGNORECASE | re.DOTALL,
)
SUM = re.compile(r"(-?\d+(?:\.\d+)?)\s*([-+*/x×÷])\s*(-?\d+(?:\.\d+)?)")
SUMMARY = re.compile(r"\b(?:summar(?:y|i[sz]e|i[sz]ing)|tl;?dr|in short|shorten)\b", re.IGNORECASE)
LENGTH = re.compile(r"\b(\d{1,4})[- ]words?\b", re.IGNORECASE)
GREETING = re.compile(r"^\s*(?:hello|hi|hey|good (?:morning|evening|day))\b[\s!.,]*\w{0,12}[\s!.]*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said: by the `user`, the `assistant`, the `system` (or developer), or a `tool`."""

    role: str
    text: str


def compose(turns: list[Turn], variant: int = 0) -> str:
    """An answer to the last thing said. Variants say the same in other words, for callers who want several."""
    asked = next((turn.text for turn in reversed(turns) if turn.role == "user"), "").strip()
    results = _results(turns)
    if results:
        answer = f"Here is what came back: {_quote(' '.join(results))}"
    else:
        answer = next((text for rule in RULES if (text := rule(asked, turns)) is not None), "")
    return answer if variant == 0 else f"Put another way ({variant + 1}): {answer}"


def _results(turns: list[Turn]) -> list[str]:
    """What tools answered since the user last spoke."""
    found: list[str] = []
    for turn in reversed(turns):
        if turn.role == "user":
            break
        if turn.role == "tool":
            found.insert(0, turn.text)
    return found


def _nothing_asked(asked: str, turns: list[Turn]) -> str | None:
    return None if asked else "There is nothing to answer yet. What would you like to know?"


def _greeting(asked: str, turns: list[Turn]) -> str | None:
    return "Hello! What can I do for you?" if GREETING.match(asked) else None


def _summary(asked: str, turns: list[Turn]) -> str | None:
    if not SUMMARY.search(asked):
        return None
    head, mark, tail = asked.partition(":") if ":" in asked else asked.partition("\n")
    material = tail if mark and tail.strip() and SUMMARY.search(head) else ""
    if not material:
        # What people brought is worth more than what was answered to it, which repeats it.
        earlier = [turn for turn in turns if turn.role in ("user", "assistant") and turn.text.strip() != asked]
        chosen = [turn for turn in earlier if turn.role == "user"] or earlier
        material = max((turn.text for turn in chosen), key=len, default="") or SUMMARY.sub("", asked)
    return " ".join(tokens.sentences(material)[:2]) or None


def _said(asked: str, turns: list[Turn]) -> str | None:
    found = SAY.search(asked)
    return found[1].strip().strip("\"“”'") if found else None


def _sum(asked: str, turns: list[Turn]) -> str | None:
    found = SUM.search(asked)
    if found is None:
        return None
    left, sign, right = float(found[1]), found[2], float(found[3])
    if sign in "/÷" and right == 0:
        return "Nothing can be divided by zero."
    product = left * right if sign in "*x×" else left / right if sign in "/÷" else 0.0
    value = left + right if sign == "+" else left - right if sign == "-" else product
    return f"{found[1]} {sign} {found[3]} = {value:.10g}"


def _length(asked: str, turns: list[Turn]) -> str | None:
    found = LENGTH.search(asked)
    if found is None:
        return None
    topic = telling(re.split(r"\b(?:about|on)\b", asked)[-1]) or ["nothing"]
    return " ".join(islice(cycle(topic), int(found[1]))).capitalize() + "."


def _question(asked: str, turns: list[Turn]) -> str | None:
    topic = ", ".join(telling(asked)[:5])
    about = f" It is about {topic}." if topic else ""
    opening = "You asked" if "?" in asked else "You said"
    return f"{opening}: “{_quote(asked)}”{about} This is a practice model, so it knows only what you tell it."


RULES: tuple[Callable[[str, list[Turn]], str | None], ...] = (
    _nothing_asked,
    _greeting,
    _summary,
    _said,
    _sum,
    _length,
    _question,
)


def _quote(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST_QUOTE else flat[: LONGEST_QUOTE - 1].rstrip() + "…"
