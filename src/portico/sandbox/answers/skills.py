"""Skills and their versions: uploaded as a zip or as the files of a folder, downloaded as a zip."""

from portico.sandbox.checks import anything, array, boolean, either, fields
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid, missing
from portico.sandbox.shapes import Json
from portico.sandbox.skill_bundle import Bundle, from_text, from_uploads
from portico.sandbox.skill_store import SKILLS, Skill, Version
from portico.sandbox.wire import Answer, Ask, Reply, Route

LIST = Cursor()
VERSION_PREFIX = "skillver_"


def create_skill(ask: Ask) -> Answer:
    bundle, _ = _read(ask)
    skill = Skill(ask.new_id(SKILLS), ask.now)
    skill.add(ask.new_id(VERSION_PREFIX), ask.now, bundle)
    return ask.held(SKILLS).add(skill.id, skill).show()


def list_skills(ask: Ask) -> Answer:
    return LIST.answer(ask, ask.held(SKILLS).rows(), Skill.show)


def get_skill(ask: Ask) -> Answer:
    return _skill(ask).show()


def update_skill(ask: Ask) -> Answer:
    skill = _skill(ask)
    wanted = fields(ask.body, {"default_version": str})["default_version"]
    skill.default = skill.version(wanted).number
    return skill.show()


def delete_skill(ask: Ask) -> Answer:
    skill = ask.held(SKILLS).remove(ask["skill_id"])
    return {"id": skill.id, "object": "skill.deleted", "deleted": True}


def get_content(ask: Ask) -> Answer:
    skill = _skill(ask)
    return _zip(skill.version(str(skill.default)))


def create_version(ask: Ask) -> Answer:
    skill = _skill(ask)
    bundle, body = _read(ask)
    version = skill.add(ask.new_id(VERSION_PREFIX), ask.now, bundle)
    if body.get("default"):
        skill.default = version.number
    return version.show()


def list_versions(ask: Ask) -> Answer:
    return LIST.answer(ask, _skill(ask).versions.rows(), Version.show)


def get_version(ask: Ask) -> Answer:
    return _skill(ask).version(ask["version"]).show()


def delete_version(ask: Ask) -> Answer:
    skill = _skill(ask)
    version = skill.version(ask["version"])
    if version.number == skill.default:
        message = "The default version can't be deleted: make another one the default, or delete the skill."
        raise invalid(message, "version", "default_version")
    skill.versions.remove(version.id)
    shown = {"id": version.id, "object": "skill.version.deleted", "deleted": True}
    return {**shown, "version": str(version.number)}


def get_version_content(ask: Ask) -> Answer:
    return _zip(_skill(ask).version(ask["version"]))


def _skill(ask: Ask) -> Skill:
    return ask.held(SKILLS).get(ask["skill_id"])


def _read(ask: Ask) -> tuple[Bundle, Json]:
    """The bundle of a request, sent as a form's files or as base64 in JSON, and the rest of its body."""
    optional = {"files": either(array(str), str), "default": boolean}
    uploads = ask.uploads("files")
    if uploads:
        return from_uploads(uploads), fields(ask.body, optional={**optional, "files": anything})
    body = fields(ask.body, optional=optional)
    files = [body["files"]] if isinstance(body.get("files"), str) else body.get("files", [])
    if not files:
        raise missing("files")
    if len(files) > 1:
        raise invalid("JSON can carry a skill only as one zip in base64.", "files")
    return from_text(files[0]), body


def _zip(version: Version) -> Reply:
    disposition = f'attachment; filename="{version.bundle.name}.zip"'
    return Reply(version.bundle.blob, content_type="application/zip", headers=(("content-disposition", disposition),))


ROUTES = (
    Route("GET", "/skills", list_skills),
    Route("POST", "/skills", create_skill),
    Route("GET", "/skills/{skill_id}", get_skill),
    Route("POST", "/skills/{skill_id}", update_skill),
    Route("DELETE", "/skills/{skill_id}", delete_skill),
    Route("GET", "/skills/{skill_id}/content", get_content),
    Route("GET", "/skills/{skill_id}/versions", list_versions),
    Route("POST", "/skills/{skill_id}/versions", create_version),
    Route("GET", "/skills/{skill_id}/versions/{version}", get_version),
    Route("DELETE", "/skills/{skill_id}/versions/{version}", delete_version),
    Route("GET", "/skills/{skill_id}/versions/{version}/content", get_version_content),
)
