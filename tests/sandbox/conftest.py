"""One emulator for the whole run, put back to its beginning for every test, with the official SDK as its client."""

from collections.abc import Iterator

import pytest
from bare_http import Caller
from openai import OpenAI
from openai.resources.admin.organization import Organization
from tests.catalog.tested_by import prove

from portico.sandbox.serve import running
from portico.sandbox.state import World


@pytest.fixture(scope="session")
def _served() -> Iterator[tuple[World, str]]:
    world = World()
    with running(world) as url:
        yield world, url


@pytest.fixture(scope="session")
def _client(_served: tuple[World, str]) -> Iterator[OpenAI]:
    with _sdk(_served[1], "sk-proj-test") as client:
        yield client


@pytest.fixture(scope="session")
def _admin_client(_served: tuple[World, str]) -> Iterator[OpenAI]:
    with _sdk(_served[1], "sk-admin-test") as client:
        yield client


@pytest.fixture
def world(_served: tuple[World, str], request: pytest.FixtureRequest) -> Iterator[World]:
    """The emulator's state, fresh; change its clock, faults and settings at will."""
    _served[0].reset()
    yield _served[0]
    prove(request.node, _served[0])


@pytest.fixture
def sandbox_url(_served: tuple[World, str], world: World) -> str:
    return _served[1]


@pytest.fixture
def client(_client: OpenAI, world: World) -> OpenAI:
    """The SDK with a project key of the organization `test`; answers that don't fit its types raise."""
    return _client


@pytest.fixture
def admin_client(_admin_client: OpenAI, world: World) -> OpenAI:
    """The SDK with an admin key of the same organization."""
    return _admin_client


@pytest.fixture
def administration(admin_client: OpenAI) -> Organization:
    """What the SDK has for the administration of the organization `test`."""
    return admin_client.admin.organization


@pytest.fixture
def demo(admin_client: OpenAI) -> Organization:
    """The same for the demo organization, which has people, projects and a history."""
    return admin_client.copy(api_key="sk-proj-demo", admin_api_key="sk-admin-demo").admin.organization


@pytest.fixture
def lenient_client(sandbox_url: str) -> Iterator[OpenAI]:
    """The SDK as people use it, for the answers that its own types describe too narrowly."""
    with OpenAI(base_url=f"{sandbox_url}/v1", api_key="sk-proj-test", max_retries=0, timeout=10) as client:
        yield client


@pytest.fixture
def call(sandbox_url: str) -> Caller:
    """Bare HTTP with the same project key as `client`."""
    return Caller(sandbox_url)


@pytest.fixture
def admin_call(sandbox_url: str) -> Caller:
    return Caller(sandbox_url, "sk-admin-test")


def _sdk(url: str, key: str) -> OpenAI:
    return OpenAI(
        base_url=f"{url}/v1",
        api_key=key,
        admin_api_key=key,
        max_retries=0,
        timeout=10,
        _strict_response_validation=True,
    )
