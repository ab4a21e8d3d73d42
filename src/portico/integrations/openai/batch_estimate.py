"""openai_batch_estimate: tokens and price of a batch's input file before it is sent, and what is wrong with it."""

import asyncio
from decimal import Decimal
from typing import Any

from portico.integrations.openai import filters, pricing
from portico.integrations.openai.batch_file import BatchFile, Line, read
from portico.integrations.openai.money import text_of
from portico.model.operation import Parameter, ToolName
from portico.model.price import PriceList, cost
from portico.shapes import Json, is_record
from portico.toolbox.composed import Composed, Context

# So many lines are counted by OpenAI itself; the guess for the others is corrected by what came out.
SAMPLE = 5
_COUNTED = ("responses", "chat/completions")


async def run(context: Context, arguments: Json) -> Json:
    file = read(await pricing.content(context, arguments))
    exact = await _counted(context, file.lines)
    factor = _factor(file.lines, exact)
    models = list(dict.fromkeys(each.model for each in file.lines))
    as_of, prices = pricing.in_force_now(context)
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
        "price": _price(rows, file, prices, as_of, "counted by OpenAI" if exact else "guessed"),
        "sendable": not file.problems,
        "problems": file.problems,
        "bytes": file.size_bytes,
        "counted": _told(file, exact),
        "prices": {"as_of": as_of, "percent_of_list": prices.batch_percent, "currency": prices.currency},
    }


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


def _price(rows: list[list[Any]], file: BatchFile, prices: PriceList, as_of: str, counted: str) -> Json:
    """Of the batch as a whole, in one sentence for whoever is to say yes."""
    if unknown := [row[0] for row in rows if row[4] is None]:
        return pricing.unknown(f"the price list of {as_of} has none for {', '.join(unknown)}")
    least = sum((Decimal(row[4]) for row in rows), start=Decimal(0))
    most = None if any(row[5] is None for row in rows) else sum((Decimal(row[5]) for row in rows), start=Decimal(0))
    what = f"{len(file.lines):,} requests at {prices.batch_percent} percent of the list price"
    return pricing.told(least, most, what, as_of, counted)


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
