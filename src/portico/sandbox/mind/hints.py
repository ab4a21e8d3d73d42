"""What a text offers to fill a form with: names, quoted words, numbers, addresses, dates, and the words that matter."""

import re
from dataclasses import dataclass, field

from portico.sandbox.mind import tokens

QUOTED = re.compile(r"[\"“]([^\"”]{1,200})[\"”]|(?<!\w)'([^']{1,200})'(?!\w)")
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
ADDRESS = re.compile(r"https?://[^\s\"'<>)]+")
DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
# Capitalised words: several in a row anywhere, a single one where it doesn't begin a sentence.
NAME = re.compile(r"\b[A-Z][\w'’-]*(?:\s+[A-Z][\w'’-]*)+|(?<![.!?]\s)(?<!^)\b[A-Z][\w'’-]*")

COMMON = """
a about all also am an and any are as at be been but by can could current do does each for from function get
given gets give had has have help here how i if in into is it its just let like list make me my need new no not now
of on one or our out over please return returns set should show so some than that the their them then there these
they this to tool up us use used user using want was we were what when where which who why will with would you
your
"""
IGNORED = frozenset(COMMON.split())


def stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def telling(text: str) -> list[str]:
    """The words of a text that carry its meaning, in order, each once."""
    return list(dict.fromkeys(word for word in tokens.words(text) if word not in IGNORED and len(word) > 1))


@dataclass(slots=True)
class Hints:
    text: str
    quoted: list[str] = field(default_factory=list[str])
    numbers: list[float] = field(default_factory=list[float])
    names: list[str] = field(default_factory=list[str])
    emails: list[str] = field(default_factory=list[str])
    addresses: list[str] = field(default_factory=list[str])
    dates: list[str] = field(default_factory=list[str])

    @classmethod
    def of(cls, text: str) -> "Hints":
        rest = ADDRESS.sub(" ", EMAIL.sub(" ", text))
        return cls(
            text=text,
            quoted=[first or second for first, second in QUOTED.findall(text)],
            numbers=[float(number) for number in NUMBER.findall(DATE.sub(" ", rest))],
            names=[name for found in NAME.findall(rest) if (name := _proper(found))],
            emails=EMAIL.findall(text),
            addresses=ADDRESS.findall(text),
            dates=DATE.findall(text),
        )

    def mentions(self, value: str) -> bool:
        spoken = re.sub(r"[_-]+", " ", value.lower())
        return bool(spoken) and re.search(rf"\b{re.escape(spoken)}\b", self.text.lower()) is not None

    def after(self, label: str) -> str | None:
        """The value that follows a field's name in the text: `city: Paris`, `city is Paris`, `named Paris`."""
        spoken = re.escape(label.replace("_", " "))
        found = re.search(rf"\b{spoken}\b\s*(?::|=|is|called|named|of|to)?\s*[\"“']?([\w@.+-]+)", self.text, re.I)
        return found[1].rstrip(".,!?") if found and found[1].lower() not in IGNORED else None


def _proper(found: str) -> str:
    """The name without the common words that stand before it, as in "In Paris"."""
    parts = found.split()
    while parts and parts[0].lower() in IGNORED:
        parts.pop(0)
    return " ".join(parts)
