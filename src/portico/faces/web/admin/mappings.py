"""What an account, or every account of its integration here, changes about the unified mappings: edit, try, go back."""

from typing import Any

from starlette.routing import Route

from portico.errors import ChangedMeanwhile, Failure, InvalidArguments
from portico.faces.web.admin import words
from portico.faces.web.admin.frame import Frame, Turn, with_query
from portico.faces.web.page import Redirect, Reply
from portico.shapes import Json, NotJson, decode, is_record

PATH = "/accounts/{id}/mappings"
EVERYBODY = "environment"
TRIED = 3
EXAMPLE: Json = {
    "user-directory": {"users": {"every": {"response_mapping": {"is_owner": 'response.role = "owner"'}}}},
}


def routes(frame: Frame) -> list[Route]:
    return [frame.route(PATH, show, {"try": try_out, "save": save, "restore": restore})]


class Place:
    """The override that a page is about: the account's own, or that of its integration in the environment."""

    def __init__(self, turn: Turn, account: Json) -> None:
        self.account = account
        self.is_shared = (turn.visit.form.get("level") or turn.asked("level")) == EVERYBODY
        self.ids = {"id": account["environment_integration"]["id"] if self.is_shared else account["id"]}

    @staticmethod
    async def of(turn: Turn) -> "Place":
        return Place(turn, await turn.do("getIntegratedAccount", path=turn.ids))

    @property
    def level(self) -> str:
        return EVERYBODY if self.is_shared else "account"

    @property
    def act(self) -> str:
        return "updateEnvironmentIntegration" if self.is_shared else "updateIntegratedAccount"

    def of_versions(self, act: str) -> str:
        """The endpoint's name: those of the two levels differ by one word."""
        of = "Environment" if self.is_shared else ""
        return act.replace("UnifiedOverride", f"{of}UnifiedOverride")

    @property
    def path(self) -> str:
        return f"/accounts/{self.account['id']}/mappings"

    @property
    def query(self) -> dict[str, str]:
        return {"level": EVERYBODY} if self.is_shared else {}


async def show(turn: Turn, tried: Json | None = None) -> Reply:
    place = await Place.of(turn)
    now = await turn.do(place.of_versions("getUnifiedOverride"), path=place.ids)
    versions = await turn.do(place.of_versions("listUnifiedOverrideVersions"), path=place.ids)
    capable = await turn.do("getIntegratedAccountCapabilities", path=turn.ids, query=[("type", "unified")])
    rows = capable["unified"]
    return turn.page(
        "mappings.html",
        "accounts",
        place=place,
        at_account=turn.at(place.path),
        at_everybody=with_query(turn.at(place.path), {"level": EVERYBODY}),
        at_place=with_query(turn.at(place.path), place.query),
        version=now["version"],
        text=turn.filled("override", words.pretty(now["override"]) if now["override"] else ""),
        resources=[(f"{row['model']}/{row['resource']}", f"{row['model_label']}: {row['resource']}") for row in rows],
        versions=versions["result"],
        compared=await _compared(turn, place),
        tried=tried,
        pretty=words.pretty,
        example=words.pretty(EXAMPLE),
    )


async def try_out(turn: Turn) -> Reply:
    place, form = await Place.of(turn), turn.visit.form
    model, _, resource = form.get("resource", "").partition("/")
    body: Json = {
        "override": _override(form), "model": model, "resource": resource, "level": place.level,
        "record_id": form.get("record_id", "").strip(), "limit": TRIED,
    }  # fmt: skip
    return await show(turn, await turn.do("testUnifiedOverride", path=turn.ids, body=body))


async def save(turn: Turn) -> Reply:
    place, form = await Place.of(turn), turn.visit.form
    now = await turn.do(place.of_versions("getUnifiedOverride"), path=place.ids)
    if form.get("version", "") != str(now["version"]):
        who = now["changed_by_name"] or "somebody"
        raise ChangedMeanwhile(
            f"Meanwhile {who} has made version {now['version']}; see below what it changed, then save again."
        )
    await turn.do(place.act, path=place.ids, body={"unified_model_override": _override(form)})
    return _back(turn, place, "mappings-changed")


async def restore(turn: Turn) -> Reply:
    place = await Place.of(turn)
    text = turn.visit.form.get("restored", "")
    if not text.isdecimal():
        raise InvalidArguments([Failure("version", f"is {text!r}", "the number of a version")])
    await turn.do(place.of_versions("restoreUnifiedOverride"), path=place.ids, body={"version": int(text)})
    return _back(turn, place, "mappings-restored")


def _back(turn: Turn, place: Place, said: str) -> Redirect:
    return Redirect(with_query(turn.at(place.path), place.query | {"said": said}))


async def _compared(turn: Turn, place: Place) -> Any:
    """What the version that is asked for changed about the one before it."""
    asked = turn.asked("compare")
    if not asked.isdecimal() or not int(asked):
        return None
    number = int(asked)
    query = [("from_version", str(number - 1)), ("to_version", asked)]
    return await turn.do(place.of_versions("compareUnifiedOverrides"), path=place.ids, query=query)


def _override(form: dict[str, str]) -> Json:
    """Nothing written is nothing changed."""
    try:
        value: Any = decode(form.get("override", "").strip() or "{}")
    except NotJson as problem:
        raise InvalidArguments([Failure("override", f"is not JSON: {problem}")]) from None
    if not is_record(value):
        raise InvalidArguments([Failure("override", "must be an object of models")])
    return value
