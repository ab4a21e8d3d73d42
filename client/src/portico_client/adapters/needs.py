"""Other people's packages, none of which the client itself needs."""

import importlib
from typing import Any


class NotInstalled(ImportError):
    """The framework of this adapter is missing here; the sentence says what to install."""


def needed(module: str, extra: str) -> Any:
    """The module; what to install where there is none."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as problem:
        missing = problem.name or ""
        if module != missing and not module.startswith(f"{missing}."):
            raise  # it is there, and lacks something itself
        raise NotInstalled(
            f"{missing} is not installed, and this adapter gives tools to it: pip install 'portico-client[{extra}]'",
            name=missing,
        ) from problem
