"""`portico link create`."""

from tests.cli.conftest import Command
from tests.served import Served


def test_a_link_is_made_for_a_customer_and_for_an_account(portico: Command, done: Command, house: Served) -> None:
    assert "/connect?link_token=ptc_link_" in done("link", "create", "acme").out
    again = done("link", "create", "--account", house.account_id, "--keep", "--json").json
    assert again["link_token"] in again["url"]
    assert "exactly one" in portico("link", "create").err
