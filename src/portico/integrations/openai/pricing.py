"""What estimates of prices share: the file that is read, the list in force, and the sentence that people decide by."""

from decimal import Decimal

from portico.errors import Failure, InvalidArguments
from portico.integrations.openai.batch_file import MOST_BYTES
from portico.integrations.openai.money import text_of
from portico.model.call import Upload
from portico.model.price import PriceList, in_force
from portico.shapes import Json
from portico.toolbox.composed import Context


def in_force_now(context: Context) -> tuple[str, PriceList]:
    """The list in force, with its date: the account's own view of it, so that what was agreed with OpenAI counts."""
    found = in_force(context.connected.view.integration.prices, context.now.date())
    return found or ("", PriceList(tokens_per_million={}))


def told(least: Decimal, most: Decimal | None, what: str, as_of: str, counted: str) -> Json:
    """`most` None: nothing limits it."""
    if most is None:
        amount = f"at least {_dollars(least)}, with no limit that the requests set"
    else:
        amount = f"about {_dollars(least)}" if least == most else f"{_dollars(least)} to {_dollars(most)}"
    return {
        "sentence": f"{amount} for {what} ({counted}), by the prices of {as_of}",
        "usd_at_least": text_of(least),
        "usd_at_most": None if most is None else text_of(most),
        "as_of": as_of,
    }


def unknown(why: str) -> Json:
    return {"sentence": f"not known: {why}", "usd_at_least": None, "usd_at_most": None}


def _dollars(amount: Decimal) -> str:
    """Cents, or as many digits as a small amount needs to be more than nothing."""
    if amount >= 1 or amount == 0:
        return f"{amount:.2f} US dollars"
    return f"{text_of(Decimal(f'{amount:.2g}'))} US dollars"


async def content(context: Context, arguments: Json) -> bytes:
    """The JSONL that an estimate is about: given, or uploaded already."""
    uploads = context.asked.uploads.get("file") or ()
    file_id = arguments.get("file_id")
    if bool(uploads) == bool(file_id):
        raise InvalidArguments(
            [Failure("file", "give either file or file_id", "the JSONL itself, or an uploaded file")]
        )
    return await _whole(uploads[0]) if uploads else await context.content("files.content", {"file_id": file_id})


async def _whole(upload: Upload) -> bytes:
    if isinstance(upload.content, bytes):
        return upload.content
    content = bytearray()
    async for piece in upload.content:
        content += piece
        if len(content) > MOST_BYTES:
            raise InvalidArguments([Failure("file", "is larger than a batch may be", f"{MOST_BYTES} bytes")])
    return bytes(content)
