"""What the pages say is so: links lead somewhere, commands exist, every setting and error is told."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
from cyclopts import CycloptsError

from portico.cli.main import build
from portico.model.server import ServerConfig
from portico.settings import Settings
from tests.docs.pages import PAGES, ROOT, Block, blocks

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^\s*(?:\.venv/bin/)?portico (.+)$", re.MULTILINE)
SHELL = [block for block in blocks() if block.language in {"sh", "bash", "console"}]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    targets = [link.partition("#")[0] for link in LINK.findall(page.read_text("utf-8"))]
    inside = [target for target in targets if target and not target.startswith(("http:", "https:", "mailto:"))]
    assert [target for target in inside if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("block", SHELL, ids=[block.id for block in SHELL])
def test_commands_exist_as_they_are_written(block: Block) -> None:
    text = block.text.replace("\\\n", " ")
    for line in COMMAND.findall(text):
        tokens = shlex.split(line, comments=True)
        for stop in ("|", ">", "<", "&", "&&"):
            if stop in tokens:
                tokens = tokens[: tokens.index(stop)]
        try:
            build().parse_args(tokens, exit_on_error=False, print_error=False)
        except CycloptsError as problem:
            pytest.fail(f"portico {line}: {problem}")


def test_every_setting_is_told() -> None:
    told = (ROOT / "docs/reference/settings.md").read_text("utf-8")
    assert [each.name for each in fields(Settings) if f"PORTICO_{each.name.upper()}" not in told] == []


def test_every_field_of_a_server_is_told() -> None:
    told = (ROOT / "docs/reference/mcp.md").read_text("utf-8")
    assert [name for name in ServerConfig.__struct_fields__ if f"| `{name}` |" not in told] == []


def test_pages_speak_of_the_project_alone() -> None:
    odd = re.compile(r"/(?:work|farm|root)/|\bissue #?\d|\bTODO\b|\bFIXME\b")
    assert [str(page) for page in PAGES if odd.search(page.read_text("utf-8"))] == []
