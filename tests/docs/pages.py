"""The project's pages, and the blocks of code that stand in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """`is_run`: marked with `run`, so it must work as it stands against a demo."""

    page: str
    number: int
    language: str
    is_run: bool
    text: str

    @property
    def id(self) -> str:
        return f"{self.page}-{self.number}"


def blocks() -> list[Block]:
    return [
        Block(page.relative_to(ROOT).as_posix(), number, match[1], "run" in match[2].split(), match[3])
        for page in PAGES
        for number, match in enumerate(_FENCE.finditer(page.read_text("utf-8")), 1)
    ]
