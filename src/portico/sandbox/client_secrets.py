"""Client secrets: keys for browsers that open nothing but realtime calls, for minutes, with a session already set."""

from portico.sandbox.checks import integer, one_of, record
from portico.sandbox.keys import Key
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind
from portico.sandbox.wire import Ask

PREFIX = "ek_"
USUAL_SECONDS = 600
EXPIRES_AFTER = record(optional={"anchor": one_of("created_at"), "seconds": integer(10, 7200)})
SCOPES = ("api.realtime.*",)

# The session that a secret was made for, by the id of its key.
SESSIONS = Kind[Json]("client secret", PREFIX)


def issue(ask: Ask, session: Json, seconds: int) -> Json:
    """Make a secret that works from now on; the answer holds it with its end."""
    key = Key(
        id=ask.new_id("key_"),
        kind="ephemeral",
        secret=ask.new_id(PREFIX),
        organization_id=ask.organization.id,
        project_id=ask.project.id,
        owner_id=ask.key.owner_id,
        name="Client secret",
        created_at=ask.now,
        expires_at=ask.now + seconds,
        scopes=SCOPES,
    )
    ask.world.keys.add(key)
    ask.held(SESSIONS).add(key.id, session)
    return {"value": key.secret, "expires_at": key.expires_at}


def session_of(ask: Ask) -> Json | None:
    """The session that the secret was made for with which this request came, if it came with one."""
    return ask.held(SESSIONS).look(ask.key.id)
