"""Fine-tuned models that other projects of the organization may use: the permissions, and what they bring about."""

from dataclasses import dataclass

from portico.sandbox.audit import audit
from portico.sandbox.refusals import invalid, unknown_model
from portico.sandbox.roster import TUNED, Model
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind
from portico.sandbox.wire import Ask


@dataclass(frozen=True, slots=True)
class Permission:
    id: str
    created_at: int
    model: str
    project_id: str
    owner_project_id: str

    def show(self) -> Json:
        return {
            "object": "checkpoint.permission",
            "id": self.id,
            "created_at": self.created_at,
            "project_id": self.project_id,
        }


PERMISSIONS = Kind[Permission]("checkpoint permission", "cp_", organization_wide=True)


def require_own(ask: Ask, name: str) -> Model:
    """A model that the project made itself, or OpenAI's 404."""
    model = ask.held(TUNED).look(name)
    if model is None or _is_borrowed(ask, name):
        raise unknown_model(name)
    return model


def share(ask: Ask, model: Model, project_id: str) -> Permission:
    """Let another project use the model; the permission that is already there if it may."""
    for held in ask.held(PERMISSIONS):
        if (held.model, held.project_id) == (model.id, project_id):
            return held
    project = ask.organization.projects.get(project_id)
    if project is None:
        raise invalid(f"There is no project '{project_id}' in this organization.", "project_ids")
    permission = Permission(ask.new_id(PERMISSIONS), ask.now, model.id, project_id, ask.project.id)
    if project is not ask.project:
        project.shelf.of(TUNED).add(model.id, model)
    lent = {"project_id": project.id, "fine_tuned_model_checkpoint": model.id}
    audit(ask, "checkpoint.permission.created", project, id=permission.id, data=lent)
    return ask.held(PERMISSIONS).add(permission.id, permission)


def unshare(ask: Ask, permission: Permission) -> None:
    ask.held(PERMISSIONS).remove(permission.id)
    borrower = ask.organization.projects.get(permission.project_id)
    audit(ask, "checkpoint.permission.deleted", borrower, id=permission.id)
    if borrower is not None and borrower.id != permission.owner_project_id:
        held = borrower.shelf.of(TUNED)
        if permission.model in held:
            held.remove(permission.model)


def withdraw(ask: Ask, name: str) -> None:
    """Delete a model of the project's own, also where it is shared."""
    model = require_own(ask, name)
    for permission in ask.held(PERMISSIONS):
        if permission.model == model.id:
            unshare(ask, permission)
    ask.held(TUNED).remove(model.id)


def _is_borrowed(ask: Ask, name: str) -> bool:
    return any(
        held.model == name and held.project_id == ask.project.id != held.owner_project_id
        for held in ask.held(PERMISSIONS)
    )
