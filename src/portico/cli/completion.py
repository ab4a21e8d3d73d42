"""`portico completion`: completion for the shell, also for commands that are only loaded when called."""

from typing import Literal

from portico.cli.say import say


def completion(shell: Literal["bash", "zsh", "fish"] = "bash") -> None:
    """Print a completion script, for example `source <(portico completion bash)`."""
    from portico.cli.main import build

    say(build().generate_completion(shell=shell))
