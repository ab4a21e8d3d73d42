"""Certificates of an organization, switched on and off for all of it or for single projects."""

from itertools import product

import openai
import pytest
from bare_http import Caller
from certificate_maker import pem
from openai.resources.admin.organization import Organization

from portico.sandbox.pem import NotACertificate, Validity, validity
from portico.sandbox.state import World


@pytest.mark.parametrize(
    ("first", "last"),
    [(1_700_000_000, 1_800_000_000), (900_000_000, 2_524_607_999), (2_524_608_000, 4_000_000_000)],
)
def test_validity_is_read_from_the_certificate(first: int, last: int) -> None:
    assert validity(pem(first=first, last=last)) == Validity(first, last)


@pytest.mark.parametrize("cut", [40, 100, 200, 300])
def test_no_broken_certificate_is_read(cut: int) -> None:
    lines = pem().splitlines()
    body = "".join(lines[1:-1])[:cut]
    with pytest.raises(NotACertificate):
        validity("\n".join([lines[0], body, lines[-1]]))


def test_certificate_lives_its_life(administration: Organization) -> None:
    text = pem()
    made = administration.certificates.create(certificate=text, name="first")
    assert (made.object, made.active, made.certificate_details.content) == ("certificate", None, None)
    assert made.certificate_details.valid_at == 1_700_000_000
    assert made.certificate_details.expires_at == 1_800_000_000
    assert administration.certificates.update(made.id, name="second").name == "second"
    shown = administration.certificates.retrieve(made.id, include=["content"])
    assert (shown.name, shown.certificate_details.content) == ("second", text)
    assert administration.certificates.delete(made.id).object == "certificate.deleted"
    with pytest.raises(openai.NotFoundError):
        administration.certificates.retrieve(made.id)


def test_certificates_are_switched_on_and_off_where_asked(administration: Organization, world: World) -> None:
    project = world.organization("test").default_project.id
    made = [administration.certificates.create(certificate=pem(name), name=name).id for name in "abc"]
    on = administration.certificates.activate(certificate_ids=made[:2])
    assert [(held.id, held.active) for held in on.data] == [(made[0], True), (made[1], True)]
    there = administration.projects.certificates.activate(project, certificate_ids=made[1:])
    assert [held.active for held in there.data] == [True, True]
    assert [held.active for held in administration.certificates.list(order="asc", limit=2)] == [True, True, False]
    listed = administration.projects.certificates.list(project)
    assert [(held.id, held.active) for held in listed] == list(zip(made[::-1], (True, True, False), strict=True))
    administration.projects.certificates.deactivate(project, certificate_ids=made[1:2])
    off = administration.certificates.deactivate(certificate_ids=made)
    assert off.object == "organization.certificate.deactivation"
    assert [held.active for held in administration.projects.certificates.list(project)] == [True, False, False]


def test_active_certificate_is_not_deleted(administration: Organization, world: World) -> None:
    project = world.organization("test").default_project.id
    made = administration.certificates.create(certificate=pem())
    administration.projects.certificates.activate(project, certificate_ids=[made.id])
    with pytest.raises(openai.BadRequestError):
        administration.certificates.delete(made.id)
    administration.projects.certificates.deactivate(project, certificate_ids=[made.id])
    assert administration.certificates.delete(made.id).id == made.id


def test_all_certificates_are_switched_or_none(administration: Organization) -> None:
    made = administration.certificates.create(certificate=pem()).id
    with pytest.raises(openai.NotFoundError):
        administration.certificates.activate(certificate_ids=[made, "cert_none"])
    assert [held.active for held in administration.certificates.list()] == [False]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "certificate"),
        ({"certificate": "nonsense"}, "certificate"),
        ({"certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}, "certificate"),
        ({"certificate": 5}, "certificate"),
    ],
)
def test_bad_certificates_are_refused(admin_call: Caller, body: dict[str, object], param: str) -> None:
    got = admin_call("POST", "/v1/organization/certificates", body)
    assert (got.status, got.error["param"]) == (400, param)


def test_same_certificate_is_kept_once(admin_call: Caller) -> None:
    body = {"certificate": pem()}
    assert admin_call("POST", "/v1/organization/certificates", body).status == 200
    assert admin_call("POST", "/v1/organization/certificates", body).error["code"] == "certificate_exists"


@pytest.mark.parametrize(("verb", "count"), list(product(("activate", "deactivate"), (0, 11))))
def test_one_to_ten_certificates_are_switched_at_once(admin_call: Caller, verb: str, count: int) -> None:
    got = admin_call("POST", f"/v1/organization/certificates/{verb}", {"certificate_ids": ["c"] * count})
    assert (got.status, got.error["param"]) == (400, "certificate_ids")


def test_certificates_include_only_content(admin_call: Caller) -> None:
    made = admin_call("POST", "/v1/organization/certificates", {"certificate": pem()}).json["id"]
    got = admin_call("GET", f"/v1/organization/certificates/{made}?include[]=key")
    assert (got.status, got.error["param"]) == (400, "include")
