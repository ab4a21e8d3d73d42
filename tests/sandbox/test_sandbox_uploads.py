"""Uploads in parts through the official SDK."""

import hashlib

import openai
import pytest
from openai import OpenAI
from openai.types import Upload

from portico.sandbox.state import World

PARTS = (b"first part, ", b"second part, ", b"third part")
WHOLE = b"".join(PARTS)


def begun(client: OpenAI, size: int = len(WHOLE)) -> Upload:
    return client.uploads.create(filename="whole.txt", purpose="user_data", bytes=size, mime_type="text/plain")


def parts_of(client: OpenAI, upload: Upload) -> list[str]:
    return [client.uploads.parts.create(upload.id, data=part).id for part in PARTS]


def test_parts_are_joined_in_the_order_given(client: OpenAI) -> None:
    upload = begun(client)
    assert upload.status == "pending"
    # Parts may arrive in any order; the last call says which comes where.
    backwards = [client.uploads.parts.create(upload.id, data=part).id for part in reversed(PARTS)]
    done = client.uploads.complete(upload.id, part_ids=backwards[::-1], md5=hashlib.md5(WHOLE).hexdigest())
    assert done.status == "completed"
    assert done.file
    assert (done.file.filename, done.file.bytes) == ("whole.txt", len(WHOLE))
    assert client.files.content(done.file.id).read() == WHOLE


def test_wrong_checksum_is_refused_and_can_be_mended(client: OpenAI) -> None:
    upload = begun(client)
    parts = parts_of(client, upload)
    with pytest.raises(openai.BadRequestError) as refused:
        client.uploads.complete(upload.id, part_ids=parts, md5="0" * 32)
    assert refused.value.param == "md5"
    assert client.uploads.complete(upload.id, part_ids=parts).status == "completed"


def test_sizes_must_agree(client: OpenAI) -> None:
    upload = begun(client, len(WHOLE) + 1)
    with pytest.raises(openai.BadRequestError):
        client.uploads.complete(upload.id, part_ids=parts_of(client, upload))
    with pytest.raises(openai.BadRequestError):
        client.uploads.parts.create(upload.id, data=b"more than was announced")
    with pytest.raises(openai.NotFoundError):
        client.uploads.complete(upload.id, part_ids=["part_none"])


def test_cancelled_upload_takes_no_parts(client: OpenAI) -> None:
    upload = begun(client)
    assert client.uploads.cancel(upload.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError) as refused:
        client.uploads.parts.create(upload.id, data=b"x")
    assert refused.value.code == "upload_cancelled"


def test_upload_expires_after_an_hour(client: OpenAI, world: World) -> None:
    upload = begun(client)
    assert upload.expires_at == upload.created_at + 3600
    world.advance(3601)
    with pytest.raises(openai.BadRequestError) as refused:
        client.uploads.parts.create(upload.id, data=b"x")
    assert refused.value.code == "upload_expired"
