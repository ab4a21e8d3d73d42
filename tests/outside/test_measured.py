"""Every request that the docs tell the cost of, done both ways and held against the sandbox's books."""

import pytest
from bench.tasks import measure

pytestmark = [pytest.mark.outside, pytest.mark.timeout(180)]


def test_docs_tell_what_every_request_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure.main(["--check"]) == 0, capsys.readouterr().err
