"""/keys: which keys seal everything, and new ones for all of it while everything runs. For operators alone."""

from typing import Any

from msgspec import Struct

from portico.faces.endpoint import Asked, Endpoint
from portico.gateway import rotation
from portico.store.rotations import What

TAG = "Keys"


class RotateBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`root`: the key that wraps all others; `data`: the keys that seal the environments' secrets; `all`: both."""

    what: What = "all"


class RotationShown(Struct, frozen=True, kw_only=True):
    """`done` of `total` values have a new key. While it settles, old keys stay readable for what was under way."""

    id: str
    what: str
    state: str
    root_key: str | None
    total: int
    done: int
    note: str | None
    started_by: str
    started_at: str
    updated_at: str
    settled_at: str | None
    finished_at: str | None


class RootKeyShown(Struct, frozen=True, kw_only=True):
    id: str
    state: str
    is_held: bool
    created_at: str
    superseded_at: str | None
    retired_at: str | None


class DataKeysShown(Struct, frozen=True, kw_only=True):
    in_use: int
    superseded: int
    retired: int
    oldest_in_use: str | None


class ReplicaShown(Struct, frozen=True, kw_only=True):
    id: str
    host: str
    version: str
    root_keys: list[str]


class KeysShown(Struct, frozen=True, kw_only=True):
    root_keys: list[RootKeyShown]
    data_keys: DataKeysShown
    rotation: RotationShown | None
    replicas: list[ReplicaShown]


async def get_status(asked: Asked) -> Any:
    return await rotation.status(asked.parts)


async def rotate(asked: Asked) -> Any:
    return rotation.shown(await rotation.begin(asked.caller, asked.body.what, asked.parts))


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/keys", name="getKeys", summary="Show the keys and the last rotation", tag=TAG,
        description="Names and counts; never a key.", handler=get_status, returns=KeysShown, scope="operator",
    ),
    Endpoint(
        verb="POST", path="/keys/rotate", name="rotateKeys", summary="Give everything that is sealed new keys", tag=TAG,
        description="Begins it and answers at once; GET /keys shows how far it is. No call fails meanwhile. A new root "
        "key must be at hand in every replica first, unless it is kept in a file here or in Vault.",
        handler=rotate, body=RotateBody, returns=RotationShown, scope="operator", status=202,
    ),
)  # fmt: skip
