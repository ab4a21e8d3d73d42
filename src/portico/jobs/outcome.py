"""What a job's run amounts to: done or again, and what is to be written in the same transaction as that."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from msgspec import Struct

from portico.store.database import Session
from portico.store.jobs import Job

Write = Callable[[Session], Awaitable[None]]


class Outcome(Struct, frozen=True, kw_only=True):
    """`again_at` None: the job is done. `write` happens only while the job is still ours; `after` once it holds."""

    again_at: datetime | None = None
    tries: int = 0
    write: Write | None = None
    after: Callable[[], None] | None = None


Runner = Callable[[Job], Awaitable[Outcome]]
DONE = Outcome()
