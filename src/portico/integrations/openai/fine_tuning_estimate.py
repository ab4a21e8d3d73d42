"""openai_fine_tuning_estimate: tokens, epochs and price of a training file before the job is started."""

from typing import Any

from portico.integrations.openai import filters, pricing
from portico.integrations.openai.batch_file import read_conversations
from portico.model.operation import Parameter, ToolName
from portico.model.price import cost
from portico.shapes import Json, is_record
from portico.toolbox.composed import Composed, Context

# What OpenAI's own examples of "auto" come to: three rounds, more of a small file, fewer of a large one.
_USUAL_EPOCHS, _MOST_EPOCHS = 3, 25
_FEW, _MANY = 100, 25_000
# Trained by the hour, not by the token.
_BY_HOUR = "reinforcement"


async def run(context: Context, arguments: Json) -> Json:
    conversations, problems = read_conversations(await pricing.content(context, arguments))
    method: Json = arguments.get("method") or {}
    epochs, is_said = _epochs(arguments, method, len(conversations))
    tokens = sum(each.rough_tokens for each in conversations)
    price = _price(context, str(arguments["model"]), tokens * epochs, str(method.get("type") or ""))
    if media := sum(each.has_media for each in conversations):
        context.note("tokens of pictures", f"{media} examples hold some; they are not counted")
    return {
        "examples": len(conversations),
        "tokens": tokens,
        "epochs": epochs,
        "epochs_from": "the request" if is_said else "the number of examples, as auto usually comes to",
        "trained_tokens": tokens * epochs,
        "price": price,
        "problems": problems,
        "counted": "guessed, at four characters a token",
    }


def _epochs(arguments: Json, method: Json, examples: int) -> tuple[int, bool]:
    """How often the file is gone through, and whether somebody has said so."""
    inner: Any = method.get(str(method.get("type") or "supervised"))
    settings: Any = inner.get("hyperparameters") if is_record(inner) else None
    said: Any = arguments.get("epochs") or (settings.get("n_epochs") if is_record(settings) else None)
    if isinstance(said, int):
        return said, True
    if 0 < examples * _USUAL_EPOCHS < _FEW:
        return min(_MOST_EPOCHS, _FEW // examples), False
    if examples * _USUAL_EPOCHS > _MANY:
        return max(1, _MANY // examples), False
    return _USUAL_EPOCHS, False


def _price(context: Context, model: str, tokens: int, method: str) -> Json:
    as_of, prices = pricing.in_force_now(context)
    base = model.split(":")[1] if model.startswith("ft:") else model
    rate = prices.of_training(base)
    if method == _BY_HOUR:
        return pricing.unknown(f"{_BY_HOUR} training is charged by the hour")
    if rate is None:
        return pricing.unknown(f"the price list of {as_of} has none for training {base}")
    amount = cost(tokens, rate)
    return pricing.told(amount, amount, f"{tokens:,} trained tokens", as_of, "guessed")


ESTIMATE = Composed(
    comfort="reports",
    integration="openai",
    resource="fine_tuning",
    method="estimate",
    tool=ToolName(name="openai_fine_tuning_estimate"),
    title="Estimate a fine-tuning job",
    says=(
        "Examples, tokens, epochs and price of a training file before a job is started, and lines that would be "
        "refused. Nothing is run. Then create_a_openai_fine_tuning_job."
    ),
    alias="how much will training cost, price forecast, validate training jsonl, preflight, trained tokens",
    effect="read",
    tags=("fine-tuning", "billing"),
    credentials=("project_key",),
    parameters=(
        filters.argument("model", "string", "Such as gpt-4o-mini", required=True),
        Parameter(
            name="file",
            place="upload",
            schema={"type": "object", "description": "The JSONL: {text}, {base64}, {url} or {file}"},
        ),
        filters.argument("file_id", "string", "Or a file uploaded already, by name or id", names="files.list"),
        filters.argument(
            "epochs", "integer", "As n_epochs; guessed from the examples if absent", minimum=1, maximum=50
        ),
        Parameter(
            name="method",
            place="body",
            shown="rare",
            schema={"type": "object", "description": "As the job will be given it"},
        ),
    ),
    run=run,
)
