"""Looks at this machine: Python, libraries, the data folder, the disk, open files, the key file, the variables."""

import os
import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path

from portico.cli.descriptors import may_open
from portico.cli.looks.finding import Finding, well, wrong
from portico.errors import Refusal
from portico.settings import LEAST_TOKEN_LETTERS, Settings, variable

LEAST_FREE_BYTES = 200_000_000
LEAST_OPEN_FILES = 4096
# How the names of settings begin that mean nothing without this one.
_LED = {"vault_": "vault_url", "oidc_": "oidc_issuer"}
# Variables of ours that are no settings of the gateway.
_OF_COMMANDS = frozenset({"PORTICO_URL", "PORTICO_TOKEN", "PORTICO_ACCOUNT"})
# What other programs take from the environment, and `portico serve` as an option.
_OPTIONS = {"PORTICO_HOST": "--host", "PORTICO_PORT": "--port", "PORTICO_WORKERS": "--workers"}
# Those of OpenTelemetry's that switch traces on or shape them; a misspelt one does nothing, and nobody says so.
_TRACING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG", "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER",
)  # fmt: skip
# Where locks do not work as SQLite needs them.
_REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "fuse.s3fs"})


def variables(environment: Mapping[str, str]) -> Finding:
    """A misspelt variable is silently no setting at all."""
    known = {variable(each.name) for each in fields(Settings)} | _OF_COMMANDS
    given = sorted(name for name in environment if name.startswith("PORTICO_"))
    strange = {name: get_close_matches(name, known, 1, 0.7) for name in given if name not in known}
    traced = sorted(name for name in environment if name.startswith("OTEL_") and name not in _TRACING)
    strange |= {name: near for name in traced if (near := get_close_matches(name, _TRACING, 1, 0.95))}
    if not strange:
        return well("variables", ", ".join(given) or "none set: every setting has its default")
    return wrong("variables", ", ".join(strange), " ".join(_meant(*each) for each in strange.items()))


def _meant(name: str, near: list[str]) -> str:
    if name in _OPTIONS:
        return f"{name} is no setting: say it as `portico serve {_OPTIONS[name]} …`."
    return f"{name} is no setting" + (f": did you mean {near[0]}?" if near else ".")


def python(_settings: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return well("Python", version) if sys.version_info >= (3, 11) else wrong("Python", version, "Use 3.11 or newer.")


def sqlite(settings: Settings) -> Finding:
    import apsw

    from portico.store.sqlite import refuse_unsafe

    version = apsw.sqlite_lib_version()
    try:
        refuse_unsafe(version)
    except Refusal as problem:
        if settings.database_url:
            return well("SQLite library", f"{version}, unsafe, but not used")
        return wrong("SQLite library", version, problem.sentence)
    return well("SQLite library", version)


def folder(settings: Settings, mounts: Path = Path("/proc/mounts")) -> Finding:
    """Not made here: whoever looks may be another user than the one that Portico runs as."""
    path, above = settings.data_dir, _nearest(settings.data_dir)
    probe = above / f".portico-doctor.{os.getpid()}"
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError as problem:
        found = f"{path}: {problem.strerror}"
        return wrong("data folder", found, "Give PORTICO_DATA_DIR a folder that can be written.")
    kind = _file_system(path, mounts)
    if not settings.database_url and kind in _REMOTE:
        mend = "SQLite loses data on file systems of the network: use a local disk, or PostgreSQL."
        return wrong("data folder", f"{path} on {kind}", mend)
    if above != path:
        return well("data folder", f"{path}, will be made on the first start")
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return well("data folder", f"{path}, readable by others", f"chmod 700 {path}")
    return well("data folder", str(path))


def _nearest(path: Path) -> Path:
    return next((each for each in (path, *path.absolute().parents) if each.exists()), Path("/"))


def space(settings: Settings) -> Finding:
    free = shutil.disk_usage(_nearest(settings.data_dir)).free
    found = f"{free / 1e9:.1f} GB"
    return well("free space", found) if free >= LEAST_FREE_BYTES else wrong("free space", found, "Make room there.")


def open_files(_settings: Settings) -> Finding:
    """Each call takes two connections. The servers raise the limit as far as they may, so that counts."""
    most = may_open()
    if most is None or most >= LEAST_OPEN_FILES:
        return well("open files", "no limit known" if most is None else f"at most {most}")
    mend = "LimitNOFILE=65536 in its unit, or `nofile` in /etc/security/limits.conf."
    return wrong("open files", f"at most {most}, and each call takes two", mend)


def key(settings: Settings) -> Finding:
    """Where the root key comes from, and whether it can be used as it is."""
    from portico.gateway.roots import KEY_FILE, KeyRefused, from_file, parsed
    from portico.gateway.transit import open_transit

    try:
        if settings.vault_url:
            open_transit(settings)
            return well("root key", f"kept by the Vault at {settings.vault_url}")
        if settings.master_key:
            count = len(parsed(settings.master_key, "PORTICO_MASTER_KEY"))
            return well("root key", "from PORTICO_MASTER_KEY" + (f", {count} of them" if count > 1 else ""))
        path = Path(settings.master_key_file) if settings.master_key_file else settings.data_dir / KEY_FILE
        if not path.exists() and not settings.master_key_file:
            return well("root key", "will be made on the first start")
        if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            return wrong("root key", f"{path} can be read by others", f"chmod 600 {path}")
        from_file(path)
    except KeyRefused as problem:
        return wrong("root key", "cannot be used", problem.sentence)
    if path.parent == settings.data_dir and not settings.database_url:
        return well("root key", str(path), "Keep a copy elsewhere: without it no backup can be opened.")
    return well("root key", str(path))


def traces(_settings: Settings) -> Finding:
    from portico.gateway.tracing import MISSING, endpoint, is_installed, mistake, wanted

    asking = wanted(os.environ)
    if not asking:
        return well("traces", "off")
    if not is_installed():
        return wrong("traces", "wanted, but off", MISSING.format(variable=asking))
    if said := mistake(os.environ):
        return wrong("traces", f"to {endpoint(os.environ)}", said)
    return well("traces", f"to {endpoint(os.environ)}")


def without_effect(settings: Settings) -> Finding:
    """What was set for something that is off: most likely it was to be on."""
    usual = Settings()
    idle = {
        variable(each.name): variable(leader)
        for prefix, leader in _LED.items()
        for each in fields(settings)
        if each.name.startswith(prefix) and not getattr(settings, leader)
        if getattr(settings, each.name) != getattr(usual, each.name)
    }
    if settings.master_key and settings.master_key_file:
        mend = "PORTICO_MASTER_KEY goes first: leave out the one that is not meant."
        return wrong("settings without effect", "PORTICO_MASTER_KEY_FILE", mend)
    if settings.log_days < settings.log_body_days != usual.log_body_days:
        mend = f"Bodies go with their rows, after PORTICO_LOG_DAYS ({settings.log_days}): raise that, or lower this."
        return wrong("settings without effect", "PORTICO_LOG_BODY_DAYS", mend)
    if not idle:
        return well("settings without effect", "none")
    leaders = " and ".join(sorted(set(idle.values())))
    return wrong(
        "settings without effect", ", ".join(idle), f"Set {leaders}, which switches them on, or leave them out."
    )


def bootstrap_token(settings: Settings) -> Finding:
    if not settings.has_weak_token:
        return well("bootstrap token", "set" if settings.bootstrap_token else "not set")
    mend = "Whoever guesses it may do everything: take one from `openssl rand -hex 24`."
    return wrong("bootstrap token", f"shorter than {LEAST_TOKEN_LETTERS} letters", mend)


def _file_system(path: Path, mounts: Path) -> str:
    """Of the mount that the path is on; empty where that cannot be told."""
    try:
        lines = [line.split() for line in mounts.read_text("utf-8", "replace").splitlines()]
    except OSError:
        return ""
    wanted = path.resolve()
    on = [(line[1], line[2]) for line in lines if len(line) > 2 and wanted.is_relative_to(line[1])]
    return max(on, key=lambda each: len(each[0]))[1] if on else ""


LOOKS = (without_effect, python, sqlite, folder, space, open_files, key, bootstrap_token, traces)
