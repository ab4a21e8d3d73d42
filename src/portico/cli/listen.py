"""The socket that a server command listens on, taken before anything else is done: a taken port changes nothing."""

import errno
import socket

from portico.cli.say import Unhappy

_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """Listening already; those who come before the server is ready wait in line. Port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as problem:
        raise Unhappy(f"{_reason(problem, host, port)}; choose another with --host and --port.") from None
    listener.set_inheritable(True)
    return listener


def port_of(listener: socket.socket) -> int:
    return listener.getsockname()[1]


def _reason(problem: Exception, host: str, port: int) -> str:
    if isinstance(problem, OSError) and problem.errno == errno.EADDRINUSE:
        return f"Port {port} is taken"
    if isinstance(problem, OSError) and problem.errno == errno.EACCES:
        return f"Port {port} may not be used by this user"
    return f"{host} port {port} cannot be listened on ({getattr(problem, 'strerror', None) or problem})"
