"""`portico completion`: completion for the shell, also for commands that are only loaded when called."""

from typing import Annotated, Literal

from cyclopts import Parameter

from portico.cli.say import say

Shell = Annotated[Literal["bash", "zsh", "fish"], Parameter(help="Whose script.", show_default=True)]


def completion(shell: Shell = "bash") -> None:
    """Print a completion script, for example `source <(portico completion bash)`."""
    from portico.cli.main import build

    say(build().generate_completion(shell=shell))
