"""`portico doctor`: look for what is likely to be wrong, and say how to mend it."""

import asyncio
import os
from typing import Annotated

from cyclopts import Parameter

from portico.cli.api import JsonOption
from portico.cli.looks.finding import Finding, wrong
from portico.cli.progress import told
from portico.cli.say import say_json, say_table
from portico.errors import Refusal
from portico.settings import Settings

Offline = Annotated[bool, Parameter(negative="", help="Do not ask the port, the public address or the vendors.")]
Port = Annotated[int, Parameter(help="The port that `portico serve` is to listen on.", show_default=True)]


def doctor(*, offline: Offline = False, port: Port = 8700, json: JsonOption = False) -> int:
    """Look at the settings, this machine, the database, the port, the public address and the vendors. Changes nothing.

    Looks that find something wrong say how to mend it; the exit code is 1 then.
    """
    from portico.cli.looks import machine

    findings = [machine.variables(os.environ)]
    try:
        settings = Settings.read()
    except Refusal as problem:
        findings.append(wrong("settings", problem.sentence, "Correct that variable."))
    else:
        with told("Looking"):
            findings += asyncio.run(_look(settings, port, is_offline=offline))
    if json:
        say_json([each._asdict() for each in findings])
    else:
        rows = [("ok" if each.is_well else "WRONG", each.what, each.found, each.mend) for each in findings]
        say_table(("", "what", "found", "how to mend it"), rows, "")
    return 0 if all(each.is_well for each in findings) else 1


async def _look(settings: Settings, port: int, *, is_offline: bool) -> list[Finding]:
    from portico.cli.looks import installation, machine, provider, surroundings

    findings = [look(settings) for look in machine.LOOKS]
    findings += await installation.look(settings)
    findings += [*surroundings.addresses(settings), *provider.settings_look(settings)]
    if is_offline:
        return findings
    return [*findings, *await surroundings.look(settings, port), *await provider.look(settings)]
