"""Chromium for the tests that need a real one, and a way to look at what it shows."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
# The first is the same browser without a window that nobody sees: it needs half of the time.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
DESK: "ViewportSize" = {"width": 1100, "height": 800}
PHONE: "ViewportSize" = {"width": 360, "height": 740}


@contextmanager
def chromium() -> Generator["Browser"]:
    """Skipped, and said, where there is none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        pytest.skip("browser tests: Chromium is not installed")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("browser tests: the Python package playwright is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def visit(browser: "Browser", **how: Any) -> Generator["Page"]:
    """A visitor of their own, without anybody else's cookies. What the browser complains of on the page is a failure,
    but for the bare fact that a page says no."""
    context = browser.new_context(**how)
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    yield page
    context.close()
    assert [each for each in complaints if not each.startswith("Failed to load resource")] == []


def keep(page: "Page", name: str) -> None:
    """A picture of the page in the folder that PORTICO_TEST_PICTURES names; without it, none."""
    if folder := os.environ.get("PORTICO_TEST_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
