"""openai_batch_estimate: tokens and price of a batch's input file before it is sent, and what is wrong with it."""

import asyncio
from decimal import Decimal
from typing import Any

from portico.errors import Failure, InvalidArguments
from portico.integrations.openai import filters
from portico.integrations.openai.batch_file import MOST_BYTES, BatchFile, Line, read
from portico.integrations.openai.money import text_of
from portico.model.call import Upload
from portico.model.operation import Parameter, ToolName
from portico.model.price import PriceList, cost, in_force
from portico.shapes import Json, is_record
from portico.toolbox.composed import Composed, Context

# So many lines are counted by OpenAI itself; the guess for the others is corrected by what came out.
SAMPLE = 5
_COUNTED = ("responses", "chat/completions")


async def run(context: Context, arguments: Json) -> Json:
    file = read(await _content(context, arguments))
    exact = await _counted(context, file.lines)
    factor = _factor(file.lines, exact)
    models = list(dict.fromkeys(each.model for each in file.lines))
    as_of, prices = _prices(context)
    rows = [
        _row(model, [each for each in file.lines if each.model == model], exact, factor, prices) for model in models
    ]
    columns = ["model", "requests", "input_tokens", "output_tokens_at_most", "usd_at_least", "usd_at_most"]
    for model in (each for each in models if prices.of(each) is None):
        context.note(f"the price of {model}", f"the price list of {as_of} has none")
    if media := sum(each.has_media and each.number not in exact for each in file.lines):
        context.note("tokens of pictures, sounds and files", f"{media} requests hold some; they are not counted")
    return {
        "estimate": {"columns": columns, "rows": rows},
        "sendable": not file.problems,
        "problems": file.problems,
        "bytes": file.size_bytes,
        "counted": _told(file, exact),
        "prices": {"as_of": as_of, "percent_of_list": prices.batch_percent, "currency": prices.currency},
    }


def _prices(context: Context) -> tuple[str, PriceList]:
    """The list in force, with its date: the account's own view of it, so that what was agreed with OpenAI counts."""
    found = in_force(context.connected.view.integration.prices, context.now.date())
    return found or ("", PriceList(tokens_per_million={}))


async def _content(context: Context, arguments: Json) -> bytes:
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


async def _counted(context: Context, lines: list[Line]) -> dict[int, int]:
    """Input tokens by line, as OpenAI counts them, for a sample spread over the file."""
    able = [each for each in lines if any(word in each.url for word in _COUNTED)]
    step = max(len(able) / SAMPLE, 1)
    sample = [able[int(place * step)] for place in range(min(SAMPLE, len(able)))]

    async def count(line: Line) -> tuple[int, int]:
        answer: Any = await context.call("responses.input_tokens", _as_response(line.body))
        return line.number, int(answer["input_tokens"]) if is_record(answer) else 0

    work = (context.attempt(f"OpenAI's own count of line {each.number}", count(each), None) for each in sample)
    return dict(pair for pair in await asyncio.gather(*work) if pair is not None)


def _as_response(body: Json) -> Json:
    """The same words as a response would be given them."""
    asked = {"model": body["model"], "input": body.get("messages") or body.get("input")}
    return asked | ({"instructions": body["instructions"]} if body.get("instructions") else {})


def _factor(lines: list[Line], exact: dict[int, int]) -> Decimal:
    """How far the guess is off, by the sample."""
    rough = sum(each.rough_tokens for each in lines if each.number in exact)
    return Decimal(sum(exact.values())) / rough if rough else Decimal(1)


def _row(model: str, lines: list[Line], exact: dict[int, int], factor: Decimal, prices: PriceList) -> list[Any]:
    known = sum(exact.get(each.number, 0) for each in lines)
    guessed = sum(each.rough_tokens for each in lines if each.number not in exact)
    tokens = known + int((guessed * factor).to_integral_value())
    limits = [each.most_output for each in lines]
    output = None if None in limits else sum(each or 0 for each in limits)
    price = prices.of(model)
    if price is None:
        return [model, len(lines), tokens, output, None, None]
    least = cost(tokens, price.input, prices.batch_percent)
    most = None if output is None else least + cost(output, price.output or Decimal(0), prices.batch_percent)
    return [model, len(lines), tokens, output, text_of(least), None if most is None else text_of(most)]


def _told(file: BatchFile, exact: dict[int, int]) -> str:
    if not exact:
        return "all requests guessed, at four characters a token"
    if len(exact) == len(file.lines):
        return "all requests counted by OpenAI"
    return f"{len(exact)} of {len(file.lines)} requests counted by OpenAI, the others guessed in proportion"


ESTIMATE = Composed(
    comfort="reports",
    integration="openai",
    resource="batch",
    method="estimate",
    tool=ToolName(name="openai_batch_estimate"),
    title="Estimate a batch",
    says=(
        "Check a batch's JSONL before it is sent: requests, input tokens, output at most, price at the batch discount, "
        "and lines that would fail. Nothing is run. Then create_a_openai_file and create_a_openai_batch."
    ),
    alias="how much will it cost, price forecast, validate jsonl, preflight, bulk job budget",
    effect="read",
    tags=("batches", "billing"),
    credentials=("project_key",),
    parameters=(
        Parameter(
            name="file",
            place="upload",
            schema={"type": "object", "description": "The JSONL: {text}, {base64}, {url} or {file}"},
        ),
        filters.argument("file_id", "string", "Or a file uploaded already, by name or id", names="files.list"),
    ),
    run=run,
)
