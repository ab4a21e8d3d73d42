"""Certificates for mutual TLS: kept by the organization, switched on for all of it or for single projects."""

from collections.abc import Callable

from portico.sandbox.audit import audit
from portico.sandbox.certificate_store import CERTIFICATES, Certificate
from portico.sandbox.checks import array, fields, text
from portico.sandbox.pages import Cursor
from portico.sandbox.pem import NotACertificate, validity
from portico.sandbox.people import active_project_of, project_of
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.state import Project
from portico.sandbox.wire import Answer, Ask, Handler, Route

LIST = Cursor()
MOST_AT_ONCE = 10
ORGANIZATION, PROJECT = "organization.certificate", "organization.project.certificate"
NAME = text(longest=256)

# Where certificates are switched: the id under which it is remembered, the noun, and the project if it is one.
Place = tuple[str, str, Project | None]


def list_in_organization(ask: Ask) -> Answer:
    return _list(ask, _organization(ask))


def list_in_project(ask: Ask) -> Answer:
    project = project_of(ask)
    return _list(ask, (project.id, PROJECT, project))


def create_certificate(ask: Ask) -> Answer:
    body = fields(ask.body, {"certificate": text(longest=100_000)}, {"name": NAME})
    try:
        span = validity(body["certificate"])
    except NotACertificate:
        raise invalid("This is not a certificate in PEM format.", "certificate", "invalid_certificate") from None
    held = ask.held(CERTIFICATES)
    if any(known.content.split() == body["certificate"].split() for known in held):
        raise invalid("This certificate has been uploaded already.", "certificate", "certificate_exists")
    identity = ask.new_id(CERTIFICATES)
    certificate = held.add(identity, Certificate(identity, body.get("name"), body["certificate"], span, ask.now))
    audit(ask, "certificate.created", id=identity, name=certificate.name)
    return certificate.show("certificate")


def get_certificate(ask: Ask) -> Answer:
    wanted = ask.query.many("include")
    if set(wanted) - {"content"}:
        raise invalid("'include' knows only 'content'.", "include")
    return ask.held(CERTIFICATES).get(ask["certificate_id"]).show("certificate", with_content=bool(wanted))


def update_certificate(ask: Ask) -> Answer:
    certificate = ask.held(CERTIFICATES).get(ask["certificate_id"])
    certificate.name = fields(ask.body, optional={"name": NAME}).get("name", certificate.name)
    audit(ask, "certificate.updated", id=certificate.id, name=certificate.name)
    return certificate.show("certificate")


def delete_certificate(ask: Ask) -> Answer:
    held = ask.held(CERTIFICATES)
    certificate = held.get(ask["certificate_id"])
    if certificate.active_in:
        raise invalid("Deactivate this certificate everywhere before deleting it.", "certificate_id", "still_active")
    held.remove(certificate.id)
    audit(ask, "certificate.deleted", id=certificate.id, name=certificate.name, certificate=certificate.content)
    return {"id": certificate.id, "object": "certificate.deleted"}


def switch(find: Callable[[Ask], Place], *, on: bool) -> Handler:
    """Make the handler that switches up to ten certificates on or off at one place: all of them, or none."""

    def handler(ask: Ask) -> Answer:
        where, noun, project = find(ask)
        wanted = array(str, shortest=1, longest=MOST_AT_ONCE)
        body = fields(ask.body, {"certificate_ids": wanted})
        chosen = [ask.held(CERTIFICATES).get(identity) for identity in body["certificate_ids"]]
        for certificate in chosen:
            certificate.active_in = certificate.active_in | {where} if on else certificate.active_in - {where}
        told = [{"id": certificate.id, "name": certificate.name} for certificate in chosen]
        audit(ask, f"certificates.{'activated' if on else 'deactivated'}", project, certificates=told)
        data = [_in_place(certificate, where, noun) for certificate in chosen]
        return {"object": f"{noun}.{'activation' if on else 'deactivation'}", "data": data}

    return handler


def _organization(ask: Ask) -> Place:
    return ask.organization.id, ORGANIZATION, None


def _project(ask: Ask) -> Place:
    project = active_project_of(ask)
    return project.id, PROJECT, project


def _list(ask: Ask, place: Place) -> Answer:
    where, noun, _ = place
    return LIST.answer(ask, ask.held(CERTIFICATES).rows(), lambda held: _in_place(held, where, noun))


def _in_place(certificate: Certificate, where: str, noun: str) -> Json:
    return {**certificate.show(noun), "active": where in certificate.active_in}


ROUTES = (
    Route("GET", "/organization/certificates", list_in_organization),
    Route("POST", "/organization/certificates", create_certificate),
    Route("POST", "/organization/certificates/activate", switch(_organization, on=True)),
    Route("POST", "/organization/certificates/deactivate", switch(_organization, on=False)),
    Route("GET", "/organization/certificates/{certificate_id}", get_certificate),
    Route("POST", "/organization/certificates/{certificate_id}", update_certificate),
    Route("DELETE", "/organization/certificates/{certificate_id}", delete_certificate),
    Route("GET", "/organization/projects/{project_id}/certificates", list_in_project),
    Route("POST", "/organization/projects/{project_id}/certificates/activate", switch(_project, on=True)),
    Route("POST", "/organization/projects/{project_id}/certificates/deactivate", switch(_project, on=False)),
)
