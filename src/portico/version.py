"""The version, in one place: that of the installed package."""

from importlib import metadata


def _installed() -> str:
    try:
        return metadata.version("portico-gateway")
    except metadata.PackageNotFoundError:
        return "0.0.0"


VERSION = _installed()
