"""`portico link create`."""

from tests.cli.conftest import Command
from tests.served import Served


def test_a_link_is_made_for_a_customer_and_for_an_account(portico: Command, done: Command, house: Served) -> None:
    assert "/connect?link_token=ptc_link_" in done("link", "create", "acme").out
    again = done("link", "create", "--account", house.account_id, "--keep", "--json").json
    assert again["link_token"] in again["url"]
    assert "exactly one" in portico("link", "create").err


def test_sites_are_allowed_to_show_the_page_or_no_longer(portico: Command, done: Command) -> None:
    done("link", "page", "--allow", "https://app.example", "--allow", "http://localhost:3000")
    done("link", "page", "--forbid", "http://localhost:3000")
    assert done("link", "page", "--json").json["allowed_origins"] == ["https://app.example"]
    assert "https://app.example" in done("link", "page").out
    assert "is no origin" in portico("link", "page", "--allow", "app.example").err
    done("link", "page", "--forbid", "https://app.example")
