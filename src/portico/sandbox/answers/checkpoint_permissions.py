"""Permissions of fine-tuned models: which other projects of the organization may use them."""

from portico.sandbox.checks import array, fields, text
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import no_such
from portico.sandbox.shapes import Json
from portico.sandbox.tuning.sharing import PERMISSIONS, Permission, require_own, share, unshare
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(default=10)
MODEL = "fine_tuned_model_checkpoint"


def create_permissions(ask: Ask) -> Answer:
    model = require_own(ask, ask[MODEL])
    body = fields(ask.body, {"project_ids": array(text(), shortest=1)})
    data: list[Json] = [share(ask, model, project_id).show() for project_id in dict.fromkeys(body["project_ids"])]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"],
        "last_id": data[-1]["id"],
        "has_more": False,
    }


def list_permissions(ask: Ask) -> Answer:
    model, project_id = require_own(ask, ask[MODEL]), ask.query.text("project_id")
    rows = ask.held(PERMISSIONS).rows(lambda held: held.model == model.id and project_id in (None, held.project_id))
    return LIST.answer(ask, rows, Permission.show)


def delete_permission(ask: Ask) -> Answer:
    model = require_own(ask, ask[MODEL])
    permission = ask.held(PERMISSIONS).look(ask["permission_id"])
    if permission is None or permission.model != model.id:
        raise no_such("checkpoint permission", ask["permission_id"])
    unshare(ask, permission)
    return gone(permission.id, "checkpoint.permission")


PATH = f"/fine_tuning/checkpoints/{{{MODEL}}}/permissions"

ROUTES = (
    Route("GET", PATH, list_permissions),
    Route("POST", PATH, create_permissions),
    Route("DELETE", f"{PATH}/{{permission_id}}", delete_permission),
)
